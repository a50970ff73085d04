/** The readers of a bus: who reads on from where one stands gets that one, who reads elsewhere gets another. */
import type { JetStreamManager } from 'nats';
import type { Clock } from '../clock.ts';
import { BusError } from './bus.ts';
import type { StreamName } from './bus.ts';
import type { Connection } from './connection.ts';
import { createReader } from './reader.ts';
import type { Message, Reader } from './reader.ts';
import { streamName } from './subject.ts';

/** Idle readers kept per stream: the letterbox's own, and one of somebody who pages through it. */
const IDLE_READERS_MAX = 2;

interface ReadersOptions {
  connection: Connection;
  jsm: JetStreamManager;
  clock: Clock;
  namespace: string;
  inspect: (stream: StreamName) => Promise<{ lastSeq: number }>;
}

export function createReaders({ connection, jsm, clock, namespace, inspect }: ReadersOptions) {
  const idle: { stream: StreamName; reader: Reader }[] = [];
  const busy = new Set<Reader>();
  let closed = false;

  function take(stream: StreamName, after: number): Reader {
    const at = idle.findIndex((entry) => entry.stream === stream && entry.reader.position() === after);
    if (at >= 0) return idle.splice(at, 1)[0]!.reader;
    return createReader({
      connection,
      jsm,
      clock,
      tidies: true,
      stream: streamName(namespace, stream),
      inspect: () => inspect(stream),
    });
  }

  return {
    async read(
      stream: StreamName,
      after: number,
      options: { max: number; waitMs: number; signal?: AbortSignal },
    ): Promise<Message[]> {
      if (closed) throw new BusError('BUS_CLOSED', 'the connection was closed');
      const reader = take(stream, after);
      busy.add(reader);
      try {
        const messages = await reader.read(after, options);
        idle.push({ stream, reader });
        return messages;
      } catch (error) {
        reader.close();
        throw error;
      } finally {
        busy.delete(reader);
        const surplus = idle.filter((entry) => entry.stream === stream).slice(0, -IDLE_READERS_MAX);
        for (const entry of surplus) idle.splice(idle.indexOf(entry), 1)[0]!.reader.close();
      }
    },
    close() {
      closed = true;
      for (const reader of [...busy, ...idle.map((entry) => entry.reader)]) reader.close();
    },
  };
}

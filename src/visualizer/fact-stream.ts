/**
 * Facts as server-sent events: those behind `Last-Event-ID` first, then as they are committed, each exactly once and in
 * order. An event's id is its cursor; the first event, `hello`, says from where the stream goes on.
 */
import type { Context } from 'hono';
import { streamSSE } from 'hono/streaming';
import type { Fact } from '../actor/fact.ts';
import type { Publisher } from '../actor/publisher.ts';
import type { Clock } from '../clock.ts';
import type { Logger } from '../log.ts';

/** Facts waiting for a slow reader before it is cut off; it resumes by its last event id. */
export const READER_BACKLOG_MAX = 10_000;
/** A reader that hears nothing for longer may take the connection for dead. */
const KEEP_ALIVE_MS = 15_000;
const CURSOR = /^(\d{1,15})\.(\d{1,15})$/;

export interface FactStreamOptions {
  publisher: Publisher;
  clock: Clock;
  log?: Logger | undefined;
  backlogMax?: number | undefined;
}

type Told = { fact: Fact; cursor: string };

export function streamFacts(
  c: Context,
  { publisher, clock, log, backlogMax = READER_BACKLOG_MAX }: FactStreamOptions,
): Response {
  const last = c.req.header('last-event-id') ?? c.req.query('after');
  const actor = c.req.query('actor');
  return streamSSE(
    c,
    async (sse) => {
      let backlog: Told[] = [];
      let wake = (): void => {};
      let overrun = false;
      // Before the position is read: what is committed from now on is in the backlog, what was is in the store.
      const leave = publisher.subscribe((fact, cursor) => {
        overrun ||= backlog.length >= backlogMax;
        if (overrun) leave();
        else backlog.push({ fact, cursor });
        wake();
      });
      sse.onAbort(() => {
        leave();
        wake();
      });
      const send = async ({ fact, cursor }: Told): Promise<void> => {
        if (actor !== undefined && fact.actor !== actor) return;
        await sse.writeSSE({ id: cursor, event: 'fact', data: JSON.stringify(fact) });
      };
      try {
        const now = publisher.position();
        // A cursor of another life of the store resumes nothing: the reader has to start afresh.
        const resumed = last !== undefined && CURSOR.test(last) && !isBehind(last, now);
        let position = resumed ? last : now;
        await sse.writeSSE({ id: position, event: 'hello', data: JSON.stringify({ resumed }) });
        if (resumed) {
          for await (const told of publisher.since(last)) {
            if (sse.aborted) return;
            await send(told);
            position = told.cursor;
          }
        }
        while (!sse.aborted && !overrun) {
          const portion = backlog;
          backlog = [];
          for (const told of portion) if (isBehind(told.cursor, position)) await send(told);
          if (backlog.length > 0 || overrun || sse.aborted) continue;
          const cancel = clock.after(KEEP_ALIVE_MS, () => wake());
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
          cancel();
          if (backlog.length === 0 && !sse.aborted && !overrun) await sse.write(': still here\n\n');
        }
      } finally {
        leave();
      }
    },
    async (error) => {
      log?.warn({ err: error }, 'a stream of facts broke off');
    },
  );
}

/** Whether a cursor comes after a position. */
function isBehind(cursor: string, position: string): boolean {
  const [batch, index] = cursor.split('.').map(Number) as [number, number];
  const [atBatch, atIndex] = position.split('.').map(Number) as [number, number];
  return batch > atBatch || (batch === atBatch && index > atIndex);
}

/** What programs outside the runtime use: ask a question, put an envelope into a letterbox, follow the facts. */
import type { Msg } from 'nats';
import { realClock } from '../clock.ts';
import type { Clock } from '../clock.ts';
import { BusError } from './bus.ts';
import type { BusClient } from './bus.ts';
import { busError, openConnection } from './connection.ts';
import type { ConnectOptions } from './connection.ts';
import { createPublishing } from './publishing.ts';
import { createReader } from './reader.ts';
import { checkInbox, streamName, subjectOf } from './subject.ts';

export interface ClientOptions extends ConnectOptions {
  clock?: Clock | undefined;
}

const ASK_TIMEOUT_MS = 10_000;
/** One look at the facts waits this long; then it looks again. */
const FOLLOW_WAIT_MS = 30_000;
const FOLLOW_MAX = 500;
const FOLLOW_RETRY_MS = 500;
/** After a reconnection the runtime may not have made the streams yet. */
const PASSING: ReadonlySet<BusError['code']> = new Set(['BUS_UNREACHABLE', 'BUS_TIMEOUT', 'BUS_NO_RESPONDER']);

/** @throws BusError `BUS_UNREACHABLE` | `BUS_REFUSED` */
export async function connectClient(options: ClientOptions): Promise<BusClient> {
  const clock = options.clock ?? realClock;
  const connection = await openConnection({ name: `chartroom client ${options.namespace}`, ...options });
  const { nc, namespace } = connection;
  const jsm = await nc.jetstreamManager({ checkAPI: false });
  const publishing = createPublishing(connection);

  return {
    async ask(question, body, { timeoutMs = ASK_TIMEOUT_MS } = {}) {
      const subject = subjectOf(namespace, 'ask', question);
      return answerOf(await connection.request(subject, JSON.stringify(body ?? {}), { timeoutMs }));
    },
    async mail(address, envelope, { timeoutMs = ASK_TIMEOUT_MS } = {}) {
      const receiptTo = checkInbox(connection.inbox());
      const receipt = new Promise<unknown>((resolve, reject) => {
        nc.subscribe(receiptTo, {
          max: 1,
          timeout: timeoutMs,
          callback: (error, msg) =>
            error === null ? resolve(msg.json()) : reject(busError(error, `the receipt of ${address}`)),
        });
      });
      // Whoever asks only for the storing must not be ended by a receipt that never comes.
      receipt.catch(() => {});
      const { seq } = await publishing.publish('mail', address.replace('/', '.'), JSON.stringify(envelope), {
        receiptTo,
      });
      return { seq, receipt };
    },
    async *follow({ actor, fromSeq }, signal) {
      const stream = streamName(namespace, 'fact');
      const inspect = async (): Promise<{ lastSeq: number }> => {
        const info = await connection.during('the facts', () => jsm.streams.info(stream));
        return { lastSeq: info.state.last_seq };
      };
      const filter = actor === undefined ? undefined : `${subjectOf(namespace, 'fact', actor.replace('/', '.'))}.>`;
      let after = fromSeq === undefined ? (await inspect()).lastSeq : fromSeq - 1;
      const reader = createReader({ connection, jsm, stream, filter, clock, tidies: false, inspect });
      try {
        while (!signal.aborted) {
          const messages = await reader
            .read(after, { max: FOLLOW_MAX, waitMs: FOLLOW_WAIT_MS, signal })
            .catch(async (error: unknown) => {
              if (!(error instanceof BusError) || !PASSING.has(error.code)) throw error;
              await new Promise<void>((resolve) => clock.after(FOLLOW_RETRY_MS, resolve));
              return [];
            });
          for (const { seq, msg } of messages) {
            after = seq;
            yield { seq, body: msg.string() };
          }
        }
      } finally {
        reader.close();
      }
    },
    broadcast(subject, body) {
      if (connection.connected()) nc.publish(subjectOf(namespace, 'live', subject), body);
    },
    close: () => connection.close(),
  };
}

/** JSON, or the error of a service in its headers. */
function answerOf(msg: Msg): unknown {
  const code = msg.headers?.get('Nats-Service-Error-Code') ?? '';
  if (code !== '') {
    throw new BusError('BUS_REFUSED', msg.headers?.get('Nats-Service-Error') ?? 'refused', { status: Number(code) });
  }
  return msg.json();
}

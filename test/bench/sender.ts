/**
 * The second process of the bench: sends envelopes over NATS as any program may, keeps some in flight, and measures
 * from request to receipt. Told what to do by its parent, ends with it.
 */
import { connect, createInbox, headers, StringCodec } from 'nats';
import type { NatsConnection } from 'nats';
import type { Envelope } from '../../src/actor/envelope.ts';
import { percentile } from './figure.ts';
import { nextEnvelope } from './sessions.ts';

export interface Task {
  servers: string;
  user: string;
  pass: string;
  namespace: string;
  door: 'mail' | 'ask';
  inFlight: number;
  warmMs: number;
  ms: number;
  actors: number;
  /** Where the sessions’ checks go on: a task’s envelopes are no duplicates of another’s, and not older. */
  firstRound: number;
}

export interface Timing {
  /** Receipts in all, those of warming up too. */
  count: number;
  rate: number;
  p50: number;
  p99: number;
}

type Send = (envelope: Envelope) => Promise<{ outcome: string; reason: string | null }>;

const TIMEOUT_MS = 20_000;
const codec = StringCodec();

/** Into the stream; the receipt comes to an inbox. No acknowledgement of the stream is asked for: the receipt says more. */
function byMail(nc: NatsConnection, namespace: string, inbox: string): Send {
  const waiting = new Map<string, (text: string) => void>();
  nc.subscribe(`${inbox}.*`, {
    callback: (_error, msg) => {
      const token = msg.subject.slice(inbox.length + 1);
      waiting.get(token)?.(codec.decode(msg.data));
      waiting.delete(token);
    },
  });
  let count = 0;
  return (envelope) => {
    const token = String(count++);
    const head = headers();
    head.set('Receipt-To', `${inbox}.${token}`);
    return new Promise((resolve) => {
      waiting.set(token, (text) => resolve(JSON.parse(text) as { outcome: string; reason: string | null }));
      nc.publish(`${namespace}.mail.${envelope.subject.replace('/', '.')}`, JSON.stringify(envelope), {
        headers: head,
      });
    });
  };
}

function byAsking(nc: NatsConnection, namespace: string): Send {
  return async (envelope) => {
    const answer = await nc.request(`${namespace}.ask.send`, JSON.stringify(envelope), { timeout: TIMEOUT_MS });
    return answer.json();
  };
}

async function perform({ door, inFlight, warmMs, ms, actors, firstRound, ...access }: Task): Promise<Timing> {
  const inboxPrefix = `_INBOX.${access.user}`;
  const nc = await connect({ ...access, inboxPrefix, noAsyncTraces: true });
  const send =
    door === 'mail' ? byMail(nc, access.namespace, createInbox(inboxPrefix)) : byAsking(nc, access.namespace);
  const latencies: number[] = [];
  const start = performance.now() + warmMs;
  let count = 0;
  const one = async (): Promise<void> => {
    for (let mark = performance.now(); mark < start + ms; mark = performance.now()) {
      const next = count++;
      const receipt = await send(nextEnvelope(next % actors, firstRound + Math.floor(next / actors)));
      if (receipt.outcome !== 'taken' && receipt.outcome !== 'recorded')
        throw new Error(`${receipt.outcome}: ${receipt.reason}`);
      if (mark >= start) latencies.push(performance.now() - mark);
    }
  };
  await Promise.all(Array.from({ length: inFlight }, one));
  await nc.close();
  return {
    count,
    rate: (latencies.length / ms) * 1_000,
    p50: percentile(latencies, 0.5),
    p99: percentile(latencies, 0.99),
  };
}

process.on('message', (task: Task) => {
  perform(task).then(
    (timing) => process.send?.(timing),
    (error: unknown) => {
      process.stderr.write(`${(error as Error).stack ?? String(error)}\n`);
      process.exit(1);
    },
  );
});
process.on('disconnect', () => process.exit(0));

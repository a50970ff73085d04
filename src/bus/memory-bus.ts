/**
 * The bus in memory, for tests: a server object that keeps the streams, and as many buses and clients of it as a test
 * wants. It can go away, come back, lose its streams and be full; everything waits on its clock.
 */
import type { Clock } from '../clock.ts';
import { Bug } from '../errors.ts';
import { BusError } from './bus.ts';
import type { Answer, Bus, BusClient, BusRow, Letter, StreamIdentity, StreamName } from './bus.ts';
import { createMemoryStream } from './memory-stream.ts';
import type { MemoryStream } from './memory-stream.ts';
import { checkInbox, checkNamespace, isInbox, subjectOf } from './subject.ts';
import { streamSettings, STREAMS } from './streams.ts';
import type { StreamLimits } from './streams.ts';

export interface MemoryServer {
  bus(): Bus;
  client(): BusClient;
  /** Gone for everybody, with what it stored kept. */
  stop(): void;
  start(): void;
  /** The stream is made anew, empty. */
  replace(stream: StreamName): void;
  /** It loses what lies behind a sequence, as a server does that had not synced what it acknowledged. */
  shorten(stream: StreamName, to: number): void;
  /** Sees every message of a stream, for assertions. */
  letters(stream: StreamName): readonly Letter[];
}

export interface MemoryServerOptions {
  clock: Clock;
  namespace?: string;
  limits?: Partial<Record<StreamName, StreamLimits>>;
}

type Handler = (body: Uint8Array) => Promise<Answer>;
type Status = 'connected' | 'disconnected';

export function createMemoryServer({ clock, namespace = 'chartroom', limits = {} }: MemoryServerOptions): MemoryServer {
  checkNamespace(namespace);
  let up = true;
  let lives = 0;
  const streams = new Map<StreamName, MemoryStream>();
  const services = new Map<string, Handler>();
  const inboxes = new Map<string, (body: string) => void>();
  const live = new Set<{ pattern: RegExp; handle: (subject: string, body: Uint8Array) => void }>();
  const rows = new Map<string, BusRow>();
  let revisions = 0;
  const statusListeners = new Set<(status: Status) => void>();
  /** Those who wait for a message or a change of the link. */
  const waiting = new Set<() => void>();
  for (const stream of STREAMS) make(stream);

  function make(stream: StreamName): void {
    // Two lives within one millisecond of the clock are still two.
    const created = new Date(clock.now()).toISOString().replace('Z', `${String(lives++).padStart(3, '0')}Z`);
    streams.set(stream, createMemoryStream(stream, created, streamSettings(namespace, stream, limits[stream])));
  }

  function wakeAll(): void {
    for (const wake of waiting) wake();
  }

  function wait(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        waiting.delete(wake);
        cancel();
        signal?.removeEventListener('abort', wake);
        resolve();
      };
      const cancel = clock.after(ms, wake);
      waiting.add(wake);
      signal?.addEventListener('abort', wake, { once: true });
    });
  }

  function store(
    name: StreamName,
    subject: string,
    body: string | Uint8Array,
    { msgId, receiptTo }: { msgId?: string; receiptTo?: string } = {},
  ): { seq: number; duplicate: boolean } {
    if (!up) throw new BusError('BUS_UNREACHABLE', 'NATS is not reachable');
    subjectOf(namespace, name, subject);
    if (receiptTo !== undefined) checkInbox(receiptTo);
    const given = { ...(msgId === undefined ? {} : { msgId }), ...(receiptTo === undefined ? {} : { receiptTo }) };
    const stored = streams.get(name)!.store(subject, Buffer.from(body), { ...given, nowMs: clock.now() });
    wakeAll();
    return stored;
  }

  function identityOf(name: StreamName): StreamIdentity {
    if (!up) throw new BusError('BUS_UNREACHABLE', 'NATS is not reachable');
    return streams.get(name)!.identity();
  }

  /** Rejects when the server goes away. */
  function goneAway(): Promise<never> {
    return new Promise((_, reject) => {
      const onServer = (): void => {
        statusListeners.delete(onServer);
        reject(new BusError('BUS_UNREACHABLE', 'NATS is not reachable'));
      };
      statusListeners.add(onServer);
    });
  }

  function link(): { check(): void; closed(): boolean; close(): void } {
    let closed = false;
    return {
      check() {
        if (closed) throw new BusError('BUS_CLOSED', 'the connection was closed');
      },
      closed: () => closed,
      close() {
        closed = true;
        wakeAll();
      },
    };
  }

  function broadcast(subject: string, body: string): void {
    if (!up) return;
    subjectOf(namespace, 'live', subject);
    for (const { pattern, handle } of live) {
      if (pattern.test(subject)) queueMicrotask(() => handle(subject, Buffer.from(body)));
    }
  }

  function bus(): Bus {
    const own = link();
    const identified = new Map<StreamName, string>();
    const tells = new Set<(status: Status) => void>();
    const replies: (() => void)[] = [];
    const onServer = (status: Status): void => {
      if (status === 'connected') for (const send of replies.splice(0)) send();
      for (const tell of tells) tell(status);
    };
    statusListeners.add(onServer);

    return {
      async read(name, after, { max, waitMs, signal }) {
        const deadline = clock.now() + waitMs;
        for (;;) {
          own.check();
          if (signal?.aborted === true) return [];
          if (up) {
            const { created, lastSeq } = identityOf(name);
            if (created !== (identified.get(name) ?? created)) {
              throw new BusError('BUS_REPLACED', `the ${name} stream was made anew at ${created}`);
            }
            if (after > lastSeq) throw new BusError('BUS_REPLACED', `the ${name} stream ends at ${lastSeq}`);
            const letters = streams.get(name)!.behind(after, max);
            if (letters.length > 0) return letters;
          }
          const leftMs = deadline - clock.now();
          if (leftMs <= 0) return [];
          await wait(leftMs, signal);
        }
      },
      async last(name) {
        own.check();
        identityOf(name);
        return streams.get(name)!.letters().at(-1) ?? null;
      },
      async stampOf(name, seq) {
        own.check();
        identityOf(name);
        return (
          streams
            .get(name)!
            .letters()
            .find((letter) => letter.seq === seq)?.stamp ?? null
        );
      },
      async identify(name) {
        own.check();
        const identity = identityOf(name);
        identified.set(name, identity.created);
        return identity;
      },
      async publish(name, subject, body, options) {
        own.check();
        return store(name, subject, body, options);
      },
      async publishAll(name, messages) {
        own.check();
        for (const { subject, body, msgId } of messages) store(name, subject, body, { msgId });
      },
      reply(inbox, body) {
        if (own.closed() || !isInbox(inbox)) return;
        const send = (): void => inboxes.get(inbox)?.(body);
        if (up) queueMicrotask(send);
        else replies.push(send);
      },
      async serve(questions) {
        own.check();
        for (const [question, handle] of Object.entries(questions)) services.set(question, handle);
        return {
          async stop() {
            for (const [question, handle] of Object.entries(questions)) {
              if (services.get(question) === handle) services.delete(question);
            }
          },
        };
      },
      broadcast(subject, body) {
        if (!own.closed()) broadcast(subject, body);
      },
      listen(subject, handle) {
        const listener = { pattern: patternOf(subject), handle };
        live.add(listener);
        return { stop: () => void live.delete(listener) };
      },
      async getRow(key) {
        own.check();
        if (!up) throw new BusError('BUS_UNREACHABLE', 'NATS is not reachable');
        return rows.get(key) ?? null;
      },
      async putRow(key, value, revision) {
        own.check();
        if (!up) throw new BusError('BUS_UNREACHABLE', 'NATS is not reachable');
        if ((rows.get(key)?.revision ?? 0) !== revision) return null;
        rows.set(key, { value, revision: ++revisions });
        return revisions;
      },
      look: async () => ({ reasons: up ? [] : ['NATS is not reachable'], notes: [] }),
      onStatus(tell) {
        tells.add(tell);
        tell(up && !own.closed() ? 'connected' : 'disconnected');
      },
      async close() {
        if (own.closed()) return;
        own.close();
        statusListeners.delete(onServer);
        if (up) for (const tell of tells) tell('disconnected');
      },
    };
  }

  function client(): BusClient {
    const own = link();
    return {
      async ask(question, body, { timeoutMs = 10_000 } = {}) {
        own.check();
        if (!up) throw new BusError('BUS_UNREACHABLE', 'NATS is not reachable');
        const handle = services.get(question);
        if (handle === undefined) throw new BusError('BUS_NO_RESPONDER', `nobody answers ${namespace}.ask.${question}`);
        const answering = handle(Buffer.from(JSON.stringify(body ?? {}))).catch((): Answer => ({
          error: 503,
          message: `the question ${question} failed; the log says why`,
        }));
        const late = `no answer from ${namespace}.ask.${question} in time`;
        const answer = await withDeadline(clock, timeoutMs, Promise.race([answering, goneAway()]), late);
        if ('error' in answer) throw new BusError('BUS_REFUSED', answer.message, { status: answer.error });
        return JSON.parse(answer.body) as unknown;
      },
      async mail(address, envelope, { timeoutMs = 10_000 } = {}) {
        own.check();
        const receiptTo = `_INBOX.memory.${++lives}`;
        const come = new Promise<unknown>((resolve) => {
          inboxes.set(receiptTo, (body) => resolve(JSON.parse(body)));
        });
        const { seq } = store('mail', address.replace('/', '.'), JSON.stringify(envelope), { receiptTo });
        const receipt = withDeadline(
          clock,
          timeoutMs,
          come,
          `no answer from the receipt of ${address} in time`,
        ).finally(() => inboxes.delete(receiptTo));
        receipt.catch(() => {});
        return { seq, receipt };
      },
      async *follow({ actor, fromSeq }, signal) {
        own.check();
        const prefix = actor === undefined ? '' : `${actor.replace('/', '.')}.`;
        let after = fromSeq === undefined ? streams.get('fact')!.identity().lastSeq : fromSeq - 1;
        while (!signal.aborted) {
          own.check();
          const found = up ? streams.get('fact')!.behind(after, Infinity) : [];
          for (const { seq, subject, body } of found) {
            after = seq;
            if (subject.startsWith(prefix)) yield { seq, body: Buffer.from(body).toString('utf8') };
          }
          if (found.length === 0) await wait(60_000, signal);
        }
      },
      broadcast(subject, body) {
        if (!own.closed()) broadcast(subject, body);
      },
      async close() {
        own.close();
      },
    };
  }

  return {
    bus,
    client,
    stop() {
      if (!up) return;
      up = false;
      for (const tell of statusListeners) tell('disconnected');
      wakeAll();
    },
    start() {
      if (up) return;
      up = true;
      for (const tell of statusListeners) tell('connected');
      wakeAll();
    },
    replace(stream) {
      if (!STREAMS.includes(stream)) throw new Bug(`no stream ${stream}`);
      make(stream);
      wakeAll();
    },
    shorten(stream, to) {
      streams.get(stream)!.cut(to);
      wakeAll();
    },
    letters: (stream) => streams.get(stream)!.letters(),
  };
}

/** NATS wildcards: `*` is one token, `>` the rest. */
function patternOf(subject: string): RegExp {
  const tokens = subject
    .split('.')
    .map((token) => (token === '*' ? '[^.]+' : token === '>' ? '.+' : token.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')));
  return new RegExp(`^${tokens.join('\\.')}$`);
}

function withDeadline<T>(clock: Clock, ms: number, promise: Promise<T>, message: string): Promise<T> {
  return new Promise((resolve, reject) => {
    const cancel = clock.after(ms, () => reject(new BusError('BUS_TIMEOUT', message)));
    promise.then(resolve, reject).finally(cancel);
  });
}

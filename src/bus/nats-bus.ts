/**
 * The bus on NATS with JetStream (2.9 or newer). Streams are made or brought up to date at every connection, before
 * the bus calls itself connected; whatever is published while it is not fails at once, reads wait.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { KV, StoredMsg, StreamConfig, StreamState } from 'nats';
import type { Clock } from '../clock.ts';
import type { Logger } from '../log.ts';
import { BusError } from './bus.ts';
import type { Bus, Letter, StreamIdentity, StreamName } from './bus.ts';
import { apiErrorOf, openConnection } from './connection.ts';
import type { ConnectOptions, LinkStatus } from './connection.ts';
import { createPublishing } from './publishing.ts';
import { createReaders } from './readers.ts';
import type { Message } from './reader.ts';
import { serveQuestions } from './service.ts';
import { bucketName, isInbox, RECEIPT_TO, streamName, subjectOf } from './subject.ts';
import { ensureStream, isMissing, STREAMS, streamSettings } from './streams.ts';
import type { StreamLimits } from './streams.ts';

export interface BusOptions extends ConnectOptions {
  clock: Clock;
  log: Logger;
  limits?: Partial<Record<StreamName, StreamLimits>> | undefined;
}

/** Receipts that wait for a reconnection; their askers have long given up when there are more. */
const REPLIES_MAX = 10_000;
const RETRY_MS = 500;

/** @throws BusError `BUS_UNREACHABLE` or `BUS_REFUSED`; TerminalError `BUS_STREAM` */
export async function connectBus(options: BusOptions): Promise<Bus> {
  const { clock, log, limits } = options;
  const connection = await openConnection({ name: `chartroom ${options.namespace}`, ...options });
  const { nc, namespace } = connection;
  const jsm = await nc.jetstreamManager({ checkAPI: false });
  /** The lives that callers of `identify` know of. */
  const identified = new Map<StreamName, string>();
  const abort = new AbortController();
  const listeners = new Set<(status: LinkStatus) => void>();
  const replies: { inbox: string; body: string }[] = [];
  let status: LinkStatus = 'disconnected';
  let rows: KV | null = null;
  let unprepared: string | null = null;

  /** Makes what is missing. */
  async function prepare(): Promise<void> {
    for (const stream of STREAMS) {
      await ensureStream(connection, jsm, streamSettings(namespace, stream, limits?.[stream]));
    }
    rows = await connection.during('the lease', () => nc.jetstream().views.kv(bucketName(namespace), { history: 1 }));
  }

  function turn(to: LinkStatus): void {
    if (status === to) return;
    status = to;
    if (to === 'connected') for (const { inbox, body } of replies.splice(0)) say(inbox, body);
    for (const tell of listeners) tell(to);
  }

  /** What nobody waits for: it may get lost, it must not throw. */
  function say(subject: string, body: string): void {
    try {
      nc.publish(subject, body);
    } catch (error) {
      log.debug({ err: error, subject }, 'a message could not be sent');
    }
  }

  let preparing: Promise<void> | null = null;
  const heal = (): Promise<void> => (preparing ??= prepareAgain().finally(() => (preparing = null)));
  /** After a reconnection, or when a stream was taken away: until it succeeds or the link is gone again. */
  async function prepareAgain(): Promise<void> {
    while (connection.connected() && !abort.signal.aborted) {
      try {
        await prepare();
        unprepared = null;
        return turn('connected');
      } catch (error) {
        unprepared = `the streams could not be prepared: ${(error as Error).message}`;
        log.warn({ err: error }, 'the streams could not be prepared');
        await delay(RETRY_MS, undefined, { signal: abort.signal }).catch(() => {});
      }
    }
  }

  try {
    await prepare();
  } catch (error) {
    await connection.close();
    throw prepareError(error, options.servers);
  }
  turn('connected');
  connection.onLink((link) => {
    if (link === 'disconnected') {
      log.warn({}, 'NATS is away');
      turn('disconnected');
    } else {
      log.info({}, 'NATS is back');
      void heal();
    }
  });

  async function inspect(stream: StreamName): Promise<StreamIdentity> {
    const name = streamName(namespace, stream);
    const look = () => connection.during(`the ${stream} stream`, () => jsm.streams.info(name));
    const info = await look().catch(async (error: unknown) => {
      if (!isMissing(error)) throw error;
      await heal();
      return look();
    });
    return { created: info.created, firstSeq: info.state.first_seq, lastSeq: info.state.last_seq };
  }

  async function messageAt(stream: StreamName, seq: number): Promise<StoredMsg | null> {
    if (seq === 0) return null;
    const name = streamName(namespace, stream);
    return connection
      .during(`the ${stream} stream`, () => jsm.streams.getMessage(name, { seq }))
      .catch((error: unknown) => {
        if (isMissing(error)) return null;
        throw error;
      });
  }

  const readers = createReaders({
    connection,
    jsm,
    clock,
    namespace,
    async inspect(stream) {
      const identity = await inspect(stream);
      const known = identified.get(stream);
      if (known !== undefined && known !== identity.created) {
        throw new BusError('BUS_REPLACED', `the ${stream} stream was made anew at ${identity.created}`);
      }
      return identity;
    },
  });

  return {
    async read(stream, after, wanted) {
      return (await readers.read(stream, after, wanted)).map(letterOf);
    },
    async last(stream) {
      const { lastSeq } = await inspect(stream);
      const stored = await messageAt(stream, lastSeq);
      if (stored === null) return null;
      const { seq, subject, data } = stored;
      return { seq, stamp: stampAt(stored), subject: subject.split('.').slice(2).join('.'), body: data };
    },
    async stampOf(stream, seq) {
      const stored = await messageAt(stream, seq);
      return stored === null ? null : stampAt(stored);
    },
    async identify(stream) {
      const identity = await inspect(stream);
      identified.set(stream, identity.created);
      return identity;
    },
    ...createPublishing(connection, () => void heal()),
    reply(inbox, body) {
      if (!isInbox(inbox)) return;
      if (status === 'connected') say(inbox, body);
      else if (replies.length < REPLIES_MAX) replies.push({ inbox, body });
    },
    serve: (questions) => serveQuestions(connection, questions, log),
    broadcast(subject, body) {
      if (status === 'connected') say(subjectOf(namespace, 'live', subject), body);
    },
    listen(subject, handle) {
      const prefix = `${namespace}.live.`;
      const subscription = nc.subscribe(prefix + subject, {
        callback: (error, msg) => {
          if (error === null) handle(msg.subject.slice(prefix.length), msg.data);
        },
      });
      return { stop: () => subscription.unsubscribe() };
    },
    async getRow(key) {
      const entry = await connection.during(`row ${key}`, () => rows!.get(key));
      if (entry === null || entry.operation !== 'PUT') return null;
      return { value: entry.string(), revision: entry.revision };
    },
    async putRow(key, value, revision) {
      try {
        return await connection.during(`row ${key}`, () =>
          revision === 0 ? rows!.create(key, value) : rows!.update(key, value, revision),
        );
      } catch (error) {
        if (apiErrorOf(error)?.err_code === WRONG_SEQUENCE) return null;
        throw error;
      }
    },
    async look() {
      const trouble = connection.trouble() ?? unprepared;
      if (trouble !== null) return { reasons: [trouble], notes: [] };
      const bytesMax = nc.info?.max_payload ?? Infinity;
      const small =
        bytesMax < PAYLOAD_BYTES_WANTED
          ? [`NATS takes messages of at most ${bytesMax} bytes; set max_payload: 8MB, or larger hooks are refused`]
          : [];
      const fill = STREAMS.filter((stream) => stream !== 'fact').map(async (stream) => {
        const { state, config } = await connection.during(`the ${stream} stream`, () =>
          jsm.streams.info(streamName(namespace, stream)),
        );
        return fullness(stream, state, config);
      });
      const full: (string | null)[] = await Promise.all(fill).catch((error: unknown) => [(error as Error).message]);
      return { reasons: full.flatMap((text) => text ?? []), notes: small };
    },
    onStatus(tell) {
      listeners.add(tell);
      tell(status);
    },
    async close() {
      abort.abort();
      readers.close();
      await connection.close();
      await preparing;
      turn('disconnected');
    },
  };

  function letterOf({ seq, stamp, msg }: Message): Letter {
    const tokens = msg.subject.slice(namespace.length + 1);
    const letter: Letter = { seq, stamp, subject: tokens.slice(tokens.indexOf('.') + 1), body: msg.data };
    if (msg.headers?.has(RECEIPT_TO) === true) letter.receiptTo = msg.headers.get(RECEIPT_TO);
    return letter;
  }
}

/** As a reader says it: milliseconds. */
const stampAt = ({ time }: StoredMsg): string => String(time.getTime());

/** Webhook bodies of 5 MB fit into messages of this size; see nats.conf. */
const PAYLOAD_BYTES_WANTED = 8_388_608;
/** A stream this close to its limit refuses the next large message. */
const FULL_SHARE = 0.99;

function fullness(stream: StreamName, state: StreamState, { max_bytes, max_msgs }: StreamConfig): string | null {
  const share = Math.max(max_bytes > 0 ? state.bytes / max_bytes : 0, max_msgs > 0 ? state.messages / max_msgs : 0);
  if (share < FULL_SHARE) return null;
  return `the ${stream} stream is full (${state.messages} messages, ${state.bytes} bytes): new ones are refused until old ones expire or it is purged`;
}

/** The server's error code for a row that somebody else wrote in between. */
const WRONG_SEQUENCE = 10_071;

/** A server without JetStream answers nothing of it; a stream that is not as asked is for a person to settle. */
function prepareError(error: unknown, servers: string | readonly string[]): unknown {
  if (error instanceof BusError && error.code === 'BUS_NO_RESPONDER') {
    const where = [servers].flat().join(', ');
    return new BusError('BUS_REFUSED', `NATS at ${where} has no JetStream; start it with: nats-server -c nats.conf`, {
      cause: error,
    });
  }
  return error;
}

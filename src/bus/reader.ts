/**
 * Reads a stream in order from a position the caller keeps. A consumer that acknowledges nothing is made anew from
 * that position whenever anything is in doubt (reconnect, gap, silence), so that nothing is read twice or lost. One
 * pull at a time stands open at the server: a new message comes at once, and what comes is bounded in number and bytes.
 */
import { AckPolicy, DeliverPolicy, nanos } from 'nats';
import type { JetStreamManager, Msg, Subscription } from 'nats';
import type { Clock } from '../clock.ts';
import { BusError } from './bus.ts';
import type { Connection } from './connection.ts';
import { isMissing } from './streams.ts';

/** Messages a pull may bring before the next is needed. */
const PULL_MAX = 500;
/** Bytes a pull may bring; at least two of the largest messages, or one of them could never come. */
const PULL_BYTES_MAX = 16_777_216;
const PULL_EXPIRES_MS = 30_000;
const HEARTBEAT_MS = 5_000;
/** Two heartbeats and some: whoever is silent for longer has forgotten the pull (a deleted consumer says nothing). */
const SILENCE_MAX_MS = 12_500;
/** The server forgets a consumer that nobody pulls from for this long; a reader held back longer makes a new one. */
const INACTIVE_MS = 300_000;
/** Between two consumers made because something was wrong. */
const RENEW_MS = 100;

export interface ReaderOptions {
  connection: Connection;
  jsm: JetStreamManager;
  stream: string;
  /** Only subjects that match. */
  filter?: string | undefined;
  clock: Clock;
  /** Whether consumers left behind may be deleted; else the server forgets them by itself. */
  tidies: boolean;
  /** Asked before a consumer is made: the stream's last sequence. @throws BusError when it is not the stream to read from */
  inspect: () => Promise<{ lastSeq: number }>;
}

export interface Reader {
  /** Messages behind `after`; see `Bus.read`. */
  read(after: number, options: { max: number; waitMs: number; signal?: AbortSignal | undefined }): Promise<Message[]>;
  /** The sequence up to which everything was handed out. */
  position(): number;
  close(): void;
}

export interface Message {
  seq: number;
  /** When the server stored it, in milliseconds. */
  stamp: string;
  msg: Msg;
}

/** One consumer and what is known of it. */
interface Line {
  name: string;
  subscription: Subscription;
  /** Of the consumer; a gap means that a message was lost on the way. */
  nextDelivery: number;
  /** Messages at the server not yet sent to us. */
  pending: number;
  /** What the open pull may still bring; 0 = none is open. */
  pulling: number;
  heardAt: number;
}

export function createReader({ connection, jsm, stream, filter, clock, tidies, inspect }: ReaderOptions): Reader {
  const { nc } = connection;
  let line: Line | null = null;
  let buffer: Message[] = [];
  let position = -1;
  let closed = false;
  let renewAt = 0;
  let wake = (): void => {};
  const offLink = connection.onLink((status) => {
    if (status === 'disconnected') drop();
    wake();
  });

  /** Leaves the consumer; what came from it in order stays good. */
  function drop(): void {
    if (line === null) return;
    const { name, subscription } = line;
    line = null;
    subscription.unsubscribe();
    if (tidies && connection.connected()) jsm.consumers.delete(stream, name).catch(() => {});
  }

  function doubt(): void {
    drop();
    renewAt = clock.now() + RENEW_MS;
    wake();
  }

  async function open(after: number): Promise<void> {
    const { lastSeq } = await inspect();
    if (after > lastSeq) {
      throw new BusError('BUS_REPLACED', `the stream ${stream} ends at ${lastSeq}, it was read to ${after}`);
    }
    const name = `reader_${connection.inbox().slice(-22)}`;
    const info = await connection.during(`stream ${stream}`, () =>
      jsm.consumers.add(stream, {
        name,
        ack_policy: AckPolicy.None,
        deliver_policy: DeliverPolicy.StartSequence,
        opt_start_seq: after + 1,
        inactive_threshold: nanos(INACTIVE_MS),
        mem_storage: true,
        ...(filter === undefined ? {} : { filter_subject: filter }),
      }),
    );
    const inbox = connection.inbox();
    const made: Line = {
      name,
      subscription: nc.subscribe(inbox, {
        callback: (error, msg) => (error === null ? take(made, msg) : doubt()),
      }),
      nextDelivery: 1,
      pending: info.num_pending,
      pulling: 0,
      heardAt: clock.now(),
    };
    inboxes.set(made, inbox);
    line = made;
  }
  const inboxes = new WeakMap<Line, string>();

  function pull(from: Line): void {
    from.pulling = PULL_MAX;
    from.heardAt = clock.now();
    const request = {
      batch: PULL_MAX,
      expires: nanos(PULL_EXPIRES_MS),
      idle_heartbeat: nanos(HEARTBEAT_MS),
      max_bytes: Math.max(PULL_BYTES_MAX, 2 * (nc.info?.max_payload ?? 0)),
    };
    nc.publish(`$JS.API.CONSUMER.MSG.NEXT.${stream}.${from.name}`, JSON.stringify(request), {
      reply: inboxes.get(from)!,
    });
  }

  function take(from: Line, msg: Msg): void {
    if (from !== line) return;
    from.heardAt = clock.now();
    const place = msg.reply?.startsWith('$JS.ACK.') === true ? placeOf(msg.reply) : null;
    if (place === null) return takeStatus(from, msg);
    if (place.delivery !== from.nextDelivery) return doubt();
    from.nextDelivery++;
    from.pulling--;
    from.pending = place.pending;
    buffer.push({ seq: place.seq, stamp: place.stamp, msg });
    if (from.pending === 0 || from.pulling === 0) wake();
  }

  function takeStatus(from: Line, msg: Msg): void {
    const code = msg.headers?.code ?? 0;
    if (code === 100) return;
    const expired = code === 404 || code === 408 || /MaxBytes/.test(msg.headers?.description ?? '');
    if (!expired) return doubt();
    from.pulling = 0;
    wake();
  }

  /**
   * With `waitMs: 0`: whether the stream has something for us that has not come yet. The stream itself is asked: what it
   * has acknowledged to a sender is there, while a consumer hears of it a moment later.
   */
  async function isMoreThere(after: number): Promise<boolean> {
    const handed = buffer.at(-1)?.seq ?? after;
    const last = await connection
      .during(`stream ${stream}`, () => jsm.streams.getMessage(stream, { last_by_subj: filter ?? '>' }))
      .catch((error: unknown) => {
        if (isMissing(error)) return null;
        throw error;
      });
    return last !== null && last.seq > handed;
  }

  /** A link that breaks meanwhile is no error of a read: it waits. */
  async function fill(after: number, max: number, waitMs: number, signal: AbortSignal | undefined): Promise<void> {
    const deadline = clock.now() + waitMs;
    for (;;) {
      try {
        return await gather(after, max, deadline, waitMs > 0, signal);
      } catch (error) {
        if (closed) return;
        if (!(error instanceof BusError) || error.code !== 'BUS_UNREACHABLE') throw error;
      }
    }
  }

  async function gather(
    after: number,
    max: number,
    deadline: number,
    waits: boolean,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    let certain = waits;
    while (!closed && signal?.aborted !== true) {
      const now = clock.now();
      if (line === null && connection.connected() && buffer.length === 0 && now >= renewAt) {
        await open(after);
        continue;
      }
      if (buffer.length > 0 && (line === null || buffer.length >= max || line.pending === 0)) return;
      if (line !== null && line.pulling === 0) {
        if (buffer.length > 0) return;
        pull(line);
      }
      if (line !== null && now - line.heardAt > SILENCE_MAX_MS) {
        doubt();
        continue;
      }
      if (!certain) {
        if (line === null) return;
        const asked = line;
        if (asked.pending === 0) {
          if (!(await isMoreThere(after))) return;
          // Not if it came meanwhile: its own count is newer.
          if (buffer.length === 0) asked.pending = 1;
        }
        certain = true;
        continue;
      }
      // What the server has is on its way: a deadline does not cut it short, silence does.
      const coming = line !== null && line.pending > 0;
      if (now >= deadline && !coming) return;
      const check = line === null ? (connection.connected() ? renewAt : Infinity) : line.heardAt + SILENCE_MAX_MS + 1;
      await pause((coming ? check : Math.min(deadline, check)) - now, signal);
    }
  }

  /** Until something came, the link changed, the signal fired or the time is over. */
  function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve) => {
      const cancel = clock.after(Math.max(ms, 1), () => wake());
      wake = () => {
        wake = () => {};
        cancel();
        signal?.removeEventListener('abort', wakeNow);
        resolve();
      };
      const wakeNow = (): void => wake();
      signal?.addEventListener('abort', wakeNow, { once: true });
    });
  }

  return {
    async read(after, { max, waitMs, signal }) {
      if (after !== position) {
        drop();
        buffer = [];
        position = after;
      }
      await fill(after, max, waitMs, signal);
      if (closed) throw new BusError('BUS_CLOSED', 'the connection was closed');
      const messages = buffer.length <= max ? buffer : buffer.slice(0, max);
      buffer = buffer.slice(messages.length);
      position = messages.at(-1)?.seq ?? after;
      return messages;
    },
    position: () => position,
    close() {
      closed = true;
      offLink();
      drop();
      wake();
    },
  };
}

/** `$JS.ACK.<stream>.<consumer>.<times>.<stream seq>.<consumer seq>.<time>.<pending>`, with two more tokens on newer servers. */
function placeOf(reply: string): { seq: number; stamp: string; delivery: number; pending: number } {
  const tokens = reply.split('.');
  const at = tokens.length >= 11 ? 6 : 4;
  return {
    seq: Number(tokens[at + 1]),
    // Of its nanoseconds a number keeps too few.
    stamp: tokens[at + 3]!.slice(0, -6),
    delivery: Number(tokens[at + 2]),
    pending: Number(tokens[at + 4]),
  };
}

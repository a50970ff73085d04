/**
 * Reads the streams into the node. A stream is a letterbox, not the mailbox: its position is a row of the store,
 * written in the batch that takes its messages, so a crash neither repeats nor reorders.
 */
import { BusError } from '../bus/bus.ts';
import type { Bus, Letter } from '../bus/bus.ts';
import { checkInbox, isInbox } from '../bus/subject.ts';
import type { Clock } from '../clock.ts';
import { RejectedInput, sentences } from '../errors.ts';
import { parseJson } from '../json.ts';
import type { Logger } from '../log.ts';
import { KEYS } from '../store/keys.ts';
import { parsePart } from './address.ts';
import { createCursor } from './cursor.ts';
import type { Cursor, Mark, StoredPosition } from './cursor.ts';
import { ENVELOPE_BYTES_MAX, ID_LENGTH_MAX, parseEnvelope } from './envelope.ts';
import type { Envelope } from './envelope.ts';
import { QUEUED_BYTES_MAX } from './node.ts';
import type { Node } from './node.ts';
import type { Receipt } from './receipt.ts';

/** Messages asked for at a time. */
const FETCH_MAX = 500;
const FETCH_WAIT_MS = 30_000;
/** Letters on their way to be stepped before no more are read. */
const OUTSTANDING_MAX = 4_000;
const RETRY_MS = 500;
/** What health tells of the streams; older sights are in the log. */
const NOTES_MAX = 20;
/** Tries to route a hook before it is left in the stream and named in health. */
const HOOK_TRIES_MAX = 5;

export interface Letterbox {
  /** Begins reading; resolves when what the streams held at the start has been accepted (so timers may fire). */
  start(): Promise<void>;
  /** Resolves when the hook with this sequence, and all it caused, is durable. */
  taken(seq: number): Promise<void>;
  /** What went wrong with a stream's identity, for health; empty = nothing. */
  notes(): string[];
  stop(): Promise<void>;
}

interface LetterboxOptions {
  node: Node;
  bus: Bus;
  clock: Clock;
  log: Logger;
  /** Turns a hook into envelopes; resolves when all of them are durable. */
  takeHook: (letter: Letter) => Promise<void>;
}

interface Opened {
  cursor: Cursor;
  start: number;
  end: number;
  /** Of the last letter before the start, where the stream is still the one it came from. */
  mark: Mark | null;
  /** Times the link had been lost when the stream was last found to be the one read so far. */
  losses: number;
}

export function createLetterbox({ node, bus, clock, log, takeHook }: LetterboxOptions): Letterbox {
  const abort = new AbortController();
  const notes: string[] = [];
  const loops: Promise<void>[] = [];
  const waiters = new Map<number, (() => void)[]>();
  let hooksTaken = 0;
  let hookCursor: Cursor | null = null;
  /** Times the link was lost: a server that comes back may have lost what it had acknowledged, and been filled again. */
  let losses = 0;
  bus.onStatus((status) => void (losses += status === 'disconnected' ? 1 : 0));

  function tellPerson(note: string): void {
    notes.push(note);
    notes.splice(0, notes.length - NOTES_MAX);
    log.warn({}, note);
  }

  /** Whether the stream now has another letter where this one was. */
  async function isOther(stream: 'mail' | 'hook', { seq, stamp }: Mark): Promise<boolean> {
    const now = await bus.stampOf(stream, seq);
    return now !== null && now !== stamp;
  }

  /** `refilled`: the letter read last, where it was found to be another's now. */
  async function open(stream: 'mail' | 'hook', refilled: Mark | null): Promise<Opened> {
    const lossesBefore = losses;
    const identity = await bus.identify(stream);
    const key = KEYS.meta(`position!${stream}`);
    const row = node.read(key);
    let position = identity.firstSeq > 0 ? identity.firstSeq - 1 : 0;
    let mark: Mark | null = null;
    const stored = row === undefined ? null : readPosition(row);
    if (row !== undefined && stored === null) {
      tellPerson(`how far the ${stream} stream was read cannot be read: read from its start, known ids are dropped`);
    }
    if (stored !== null && 'end' in stored) {
      position = identity.lastSeq;
      // Before anything is read: what comes from now on is read even by the next start.
      await node.write([{ key, value: JSON.stringify({ position, identity: identity.created }) }]);
    } else if (stored !== null) {
      if (stored.identity !== identity.created) {
        tellPerson(
          `the ${stream} stream was replaced (made ${identity.created}): read from its start, known ids are dropped`,
        );
      } else if (stored.position > identity.lastSeq) {
        tellPerson(
          `the ${stream} stream was shortened (ends at ${identity.lastSeq}, was read to ${stored.position}): read from its start`,
        );
      } else if (refilled !== null || (stored.mark !== undefined && (await isOther(stream, stored.mark)))) {
        const { seq } = refilled ?? stored.mark!;
        tellPerson(
          `the ${stream} stream lost its end and was filled again (${seq} is another message than the one that was read): read from its start, known ids are dropped`,
        );
      } else {
        position = stored.position;
        mark = stored.mark ?? null;
        if (identity.firstSeq > position + 1) {
          tellPerson(missing(stream, position + 1, identity.firstSeq - 1));
          position = identity.firstSeq - 1;
        }
      }
    }
    const cursor = createCursor(position, mark);
    if (stream === 'hook') {
      hookCursor = cursor;
      hooksTaken = position;
    }
    node.follow(stream, cursor, identity.created);
    return { cursor, start: position, end: identity.lastSeq, mark, losses: lossesBefore };
  }

  async function run(stream: 'mail' | 'hook', caughtUp: () => void): Promise<void> {
    let opened: Opened | null = null;
    let last = 0;
    let lastMark: Mark | null = null;
    let refilled: Mark | null = null;
    let isCaughtUp = false;
    while (!abort.signal.aborted) {
      try {
        if (opened === null) {
          opened = await open(stream, refilled);
          last = opened.start;
          lastMark = opened.mark;
          refilled = null;
        }
        if (last >= opened.end) isCaughtUp = true;
        if (isCaughtUp) caughtUp();
        if (node.queuedBytes() > QUEUED_BYTES_MAX || opened.cursor.outstanding() > OUTSTANDING_MAX) {
          await pause(5);
          continue;
        }
        // What is at the end may have been deleted: until then a read that finds nothing does not wait.
        const waitMs = isCaughtUp ? FETCH_WAIT_MS : 0;
        const letters = await bus.read(stream, last, { max: FETCH_MAX, waitMs, signal: abort.signal });
        if (opened.losses !== losses) {
          const lossesBefore = losses;
          if (lastMark !== null && (await isOther(stream, lastMark))) {
            [refilled, opened] = [lastMark, null];
            continue;
          }
          opened.losses = lossesBefore;
        }
        if (letters.length === 0) isCaughtUp = true;
        for (const letter of letters) {
          if (letter.seq > last + 1) tellPerson(missing(stream, last + 1, letter.seq - 1));
          opened.cursor.read(letter);
          lastMark = { seq: letter.seq, stamp: letter.stamp };
          last = letter.seq;
          if (stream === 'mail') {
            const finding = takeMail(letter, opened.cursor);
            if (finding !== undefined) await finding;
          } else void takeHookLetter(letter, opened.cursor);
        }
      } catch (error) {
        if (abort.signal.aborted) return;
        if (!(error instanceof BusError)) log.error({ err: error, stream }, 'reading a stream failed');
        // Another stream under the same name: its identity decides where to go on.
        else if (error.code === 'BUS_REPLACED') opened = null;
        caughtUp();
        await pause(RETRY_MS);
      }
    }
  }

  // A hook that failed with the store was not taken: nobody may be told so.
  node.failed.catch(() => abort.abort());

  const pause = (ms: number): Promise<void> => new Promise((resolve) => clock.after(ms, resolve));

  /** Resolves when the letter is in its mailbox: the next one must not overtake it. */
  function takeMail(letter: Letter, cursor: Cursor): Promise<void> | undefined {
    const mailbox = letter.subject.replace('.', '/');
    const at = { cursor, seq: letter.seq };
    const { receiptTo } = letter;
    const tell = (receipt: Receipt): void => {
      if (receiptTo !== undefined && isInbox(receiptTo)) bus.reply(receiptTo, JSON.stringify(receipt));
    };
    let value: unknown;
    let envelope: Envelope;
    const refuse = (error: Error): void => {
      const receipt = unreadable(mailbox, value, error, new Date(clock.now()).toISOString());
      const body = Buffer.from(letter.body.subarray(0, ENVELOPE_BYTES_MAX)).toString('utf8');
      node.deadLetter(receipt, body, at).then(
        () => tell(receipt),
        () => {},
      );
    };
    try {
      if (receiptTo !== undefined) checkInbox(receiptTo);
      value = parseJson(letter.body);
      envelope = parseEnvelope(value);
    } catch (error) {
      refuse(error as Error);
      return undefined;
    }
    const send = (located: Envelope, address: string): void => {
      node.send(located, { door: 'mail', letter: at, address }).then(tell, (error: unknown) => {
        // Written out it is larger than it came: numbers are.
        if (error instanceof RejectedInput) refuse(error);
        else log.error({ err: error, address }, 'mail could not be taken');
      });
    };
    const part = parsePart(envelope.subject);
    if (part === null) {
      send(envelope, mailbox);
      return undefined;
    }
    return node.locate(envelope.subject).then(({ subject, address }) => {
      // Put into the mission's mailbox, into one of the item's own name (NATS allows it), or into the session's.
      const agrees = [part.whole, envelope.subject, address].includes(mailbox);
      if (agrees) send({ ...envelope, subject }, address);
      else send(envelope, mailbox);
      // A bug of the machine, asked whose it is: the letters behind must not wait for it.
    }, refuse);
  }

  /** A hook counts as taken when all it caused is durable; one that cannot be routed is tried again, then named. */
  async function takeHookLetter(letter: Letter, cursor: Cursor): Promise<void> {
    for (let attempt = 1; !abort.signal.aborted; attempt++) {
      try {
        await takeHook(letter);
        break;
      } catch (error) {
        log.error({ err: error, subject: letter.subject, attempt }, 'a hook could not be routed');
        if (attempt === HOOK_TRIES_MAX) {
          tellPerson(`hook ${letter.seq} (${letter.subject}) could not be routed: ${(error as Error).message}`);
          break;
        }
        await pause(RETRY_MS * attempt);
      }
    }
    if (abort.signal.aborted) return;
    cursor.take(letter.seq);
    // Of an earlier life of the stream: its numbers are other hooks' now.
    if (cursor !== hookCursor) return;
    hooksTaken = cursor.position();
    for (const [seq, resolve] of waiters) {
      if (seq > hooksTaken) continue;
      waiters.delete(seq);
      for (const tell of resolve) tell();
    }
  }

  return {
    async start() {
      await Promise.all(
        (['mail', 'hook'] as const).map(
          (stream) =>
            new Promise<void>((resolve) => {
              loops.push(run(stream, resolve));
            }),
        ),
      );
    },
    taken(seq) {
      if (seq <= hooksTaken) return Promise.resolve();
      return new Promise((resolve) => {
        const own = waiters.get(seq) ?? [];
        own.push(resolve);
        waiters.set(seq, own);
      });
    },
    notes: () => notes,
    async stop() {
      abort.abort();
      await Promise.allSettled(loops);
    },
  };
}

function readPosition(row: string): StoredPosition | null {
  try {
    return JSON.parse(row) as StoredPosition;
  } catch {
    return null;
  }
}

/** Whoever sent one of them has no receipt, and sends it again. */
const missing = (stream: string, from: number, to: number): string =>
  `the ${stream} stream lost ${from === to ? `message ${from}` : `messages ${from} to ${to}`} before they were read (purged, deleted or too old): what has no receipt is to be sent again`;

/** The receipt of something that is not an envelope, under its id where it has one. */
function unreadable(actor: string, value: unknown, error: Error, at: string): Receipt {
  const { id } = (value ?? {}) as { id?: unknown };
  return {
    id: typeof id === 'string' && id.length <= ID_LENGTH_MAX ? id : '',
    actor,
    outcome: 'refused',
    seq: null,
    epoch: null,
    before: null,
    after: null,
    effects: [],
    waitingOn: [],
    code: 'schema',
    reason: error instanceof RejectedInput ? sentences(error) : error.message,
    duplicate: false,
    at,
  };
}

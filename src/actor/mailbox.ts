/**
 * Mailboxes: per actor an ordered queue, and the order in which actors have their turn. In memory; what must survive
 * is in the stored mailbox (`number`), in its stream (`letter`) or in the sender's hands.
 */
import type { Cursor } from './cursor.ts';
import type { Envelope } from './envelope.ts';
import type { PendingAct } from './outbox-rows.ts';
import type { Receipt } from './receipt.ts';

export interface Item {
  envelope: Envelope;
  /** The envelope's JSON: made once at the door, for its size, the stored mailbox and the journal. */
  text: string;
  door: 'mail' | 'ask' | 'hook' | 'inside' | 'timer' | 'answer';
  bytes: number;
  /** Its row in the stored mailbox, or null. */
  number: number | null;
  acceptedMs: number;
  settle: (receipt: Receipt) => void;
  fail: (error: Error) => void;
  letter?: { cursor: Cursor; seq: number };
  timer?: { key: string; due: string; seq: number };
  answerOf?: PendingAct;
}

/** A queue that is read from the front without moving the rest. */
interface Queue {
  items: (Item | undefined)[];
  head: number;
  /** Held: parked, it has no turn. */
  held: boolean;
  bytes: number;
  queued: boolean;
}

export interface Mailbox {
  push(address: string, item: Item): void;
  peek(address: string): Item | undefined;
  shift(address: string): Item | undefined;
  depth(address: string): number;
  /** Whose turn is next, still in line. */
  first(): string | undefined;
  /** The next actor in turn. */
  next(): string | undefined;
  /** Ends a turn: back in line if something waits. */
  yield(address: string, hold: boolean): void;
  /** A held mailbox has its turn again. */
  wake(address: string): void;
  drain(address: string): Item[];
  peekAll(address: string): Item[];
  /** Letters behind the last that is stored, in order. */
  unstored(address: string): Item[];
  hasReady(): boolean;
  all(): Item[];
  /** Bytes of all that will have its turn: what is held waits for a person, and nobody waits for it. */
  bytes(): number;
  bytesOf(address: string): number;
  oldestMs(nowMs: number): number;
}

export function createMailbox(): Mailbox {
  const queues = new Map<string, Queue>();
  let ready: string[] = [];
  let readyHead = 0;
  let bytes = 0;

  const queueOf = (address: string): Queue => {
    let queue = queues.get(address);
    if (queue === undefined) {
      queue = { items: [], head: 0, held: false, bytes: 0, queued: false };
      queues.set(address, queue);
    }
    return queue;
  };
  const depthOf = (queue: Queue | undefined): number => (queue === undefined ? 0 : queue.items.length - queue.head);
  const line = (address: string, queue: Queue): void => {
    if (queue.queued || queue.held || depthOf(queue) === 0) return;
    queue.queued = true;
    ready.push(address);
  };
  const weigh = (queue: Queue, by: number): void => {
    queue.bytes += by;
    if (!queue.held) bytes += by;
  };
  const hang = (queue: Queue, hold: boolean): void => {
    if (queue.held !== hold) bytes += hold ? -queue.bytes : queue.bytes;
    queue.held = hold;
  };
  const waiting = (queue: Queue | undefined): Item[] =>
    queue === undefined ? [] : (queue.items.slice(queue.head) as Item[]);

  return {
    push(address, item) {
      const queue = queueOf(address);
      queue.items.push(item);
      weigh(queue, item.bytes);
      line(address, queue);
    },
    peek(address) {
      const queue = queues.get(address);
      return queue?.items[queue.head];
    },
    shift(address) {
      const queue = queues.get(address);
      const item = queue?.items[queue.head];
      if (queue === undefined || item === undefined) return undefined;
      queue.items[queue.head++] = undefined;
      weigh(queue, -item.bytes);
      if (queue.head > 1_024 && queue.head * 2 > queue.items.length) {
        queue.items = queue.items.slice(queue.head);
        queue.head = 0;
      }
      return item;
    },
    depth: (address) => depthOf(queues.get(address)),
    first: () => ready[readyHead],
    next() {
      const address = ready[readyHead];
      if (address === undefined) {
        ready = [];
        readyHead = 0;
        return undefined;
      }
      readyHead += 1;
      return address;
    },
    yield(address, hold) {
      const queue = queueOf(address);
      queue.queued = false;
      hang(queue, hold);
      if (depthOf(queue) === 0 && !hold) queues.delete(address);
      else line(address, queue);
    },
    wake(address) {
      const queue = queueOf(address);
      hang(queue, false);
      line(address, queue);
    },
    drain(address) {
      const queue = queues.get(address);
      const items = waiting(queue);
      if (queue !== undefined) {
        queue.items = [];
        queue.head = 0;
        weigh(queue, -queue.bytes);
      }
      return items;
    },
    peekAll: (address) => waiting(queues.get(address)),
    unstored(address) {
      const { items, head } = queueOf(address);
      const found: Item[] = [];
      for (let place = items.length - 1; place >= head; place--) {
        const item = items[place]!;
        if (item.door !== 'mail') continue;
        if (item.number !== null) break;
        found.push(item);
      }
      return found.toReversed();
    },
    hasReady: () => readyHead < ready.length,
    all: () => [...queues.values()].flatMap(waiting),
    bytes: () => bytes,
    bytesOf: (address) => queues.get(address)?.bytes ?? 0,
    oldestMs(nowMs) {
      let oldest = nowMs;
      for (const queue of queues.values()) {
        if (queue.held) continue;
        const first = queue.items[queue.head];
        if (first !== undefined && first.acceptedMs < oldest) oldest = first.acceptedMs;
      }
      return nowMs - oldest;
    },
  };
}

const DOORS = new Set<unknown>(['mail', 'ask', 'hook', 'inside'] satisfies Item['door'][]);

/** A row of the stored mailbox. */
export const mailText = (door: Item['door'], envelopeText: string): string =>
  `{"door":"${door}","envelope":${envelopeText}}`;

/** What is wrong with an actor whose row this is, where `readMail` finds none in it. */
export const noMail = (number: number): string => `row ${number} of its stored mail is no mail`;

/** What such a row holds; null when that is no mail. */
export function readMail(text: string): Pick<Item, 'door' | 'envelope'> | null {
  try {
    const { door, envelope } = JSON.parse(text) as Pick<Item, 'door' | 'envelope'>;
    const { id, type, subject, source, data } = envelope;
    const isMail = DOORS.has(door) && [id, type, subject, source].every((part) => typeof part === 'string');
    return isMail && typeof data === 'object' && data !== null ? { door, envelope } : null;
  } catch {
    return null;
  }
}

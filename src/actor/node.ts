/**
 * The node: all actors of this process, their mailboxes, and the loop that steps them and commits in groups.
 *
 *   accept → mailbox → turn (decide, purely) → ledger: one synced write → receipts, then facts, then effects
 *
 * Nothing of a step leaves the process before its batch is durable. Actors run ahead of the disk by at most one open
 * batch; the first write that fails ends the node.
 */
import type { Timers as TimerSettings } from '../../machines/contract.ts';
import type { Clock } from '../clock.ts';
import { RejectedInput } from '../errors.ts';
import type { Logger } from '../log.ts';
import { KEYS, referenceIn } from '../store/keys.ts';
import type { Store } from '../store/store.ts';
import { parsePart } from './address.ts';
import { createActors } from './actors.ts';
import type { Actor, Actors } from './actors.ts';
import { BATCH_MS_MAX } from './batch.ts';
import type { Batch } from './batch.ts';
import { createCaution } from './caution.ts';
import type { Lapse } from '../bus/lease.ts';
import type { Cursor } from './cursor.ts';
import { UNPARK, decide } from './decide.ts';
import type { Surroundings } from './decide.ts';
import { ENVELOPE_BYTES_MAX } from './envelope.ts';
import type { Envelope } from './envelope.ts';
import type { Fact } from './fact.ts';
import { foretold } from './foretelling.ts';
import type { Foretold } from './foretelling.ts';
import { createLedger } from './ledger.ts';
import { loadNode } from './loading.ts';
import { createMailbox } from './mailbox.ts';
import type { Item } from './mailbox.ts';
import { createOutboxRows } from './outbox-rows.ts';
import type { OutboxRows, PendingAct } from './outbox-rows.ts';
import { createParking } from './parking.ts';
import type { Receipt } from './receipt.ts';
import { createRegistry } from './registry.ts';
import type { Registry } from './registry.ts';
import type { Definition } from './state.ts';
import { timerEvent } from './step.ts';
import { createTimers } from './timers.ts';
import { createTurn } from './turn.ts';
import type { Doings } from './turn.ts';

/** An actor takes at most this many of its envelopes before the next actor has its turn. */
const TURN_STEPS_MAX = 16;
/** More than this waiting from a stream goes to the stored mailbox, so that the stream's position can move on. */
const STREAM_BACKLOG_MAX = 64;
/** Bytes of envelopes in memory beyond which doors hold back: a stuck node, not a busy one. */
export const QUEUED_BYTES_MAX = 64 * 1_024 * 1_024;
/** Letters kept for one that is parked, beyond which they are refused: it has met a bug, and they stay in memory. */
const PARKED_BYTES_MAX = 16 * 1_024 * 1_024;
/** Actors kept in memory. */
const ACTIVE_DEFAULT = 5_000;

export interface NodeOptions {
  store: Store;
  definitions: readonly Definition[];
  clock: Clock;
  log: Logger;
  timers?: TimerSettings;
  /** What the configuration has under a name that an envelope gives (a role, a driver). */
  configured?: Surroundings['configured'];
  /** Actors kept in memory; 0 evicts after every step (tests). */
  activeMax?: number;
  /** Steps after which a batch is closed (tests). */
  batchSteps?: number;
  /** The last life with this store was not ended: the first steps are taken with caution. */
  followsCrash?: boolean;
  /** Nothing is to be written: the store is only looked at. */
  reading?: boolean;
  /** See `Lease.lapse`: nothing is written or told while it is not null. */
  lapse?: Lapse;
}

/** What the node tells the rest of the runtime, in this order, after each durable batch. */
export interface Committed {
  facts: Fact[];
  acts: PendingAct[];
  /** Keys of acts that are over: answered or cancelled. */
  settled: string[];
  /** Actors whose standing watches may have changed. */
  watching: { actor: string; watches: Record<string, Record<string, unknown>> }[];
  /** References (in lower case) that an actor now has, or has no more. */
  references: string[];
  batch: number;
}

export interface Node {
  registry: Registry;
  /** Takes an envelope from outside; resolves with its receipt after the commit. */
  send(envelope: Envelope, options?: SendOptions): Promise<Receipt>;
  /**
   * Whose a subject is. Of a part of an actor (`mission/m#key`) it is known once what waits at the whole has been taken;
   * where there is no such part, `address` is the whole's mailbox, and it is the whole's to say so.
   */
  locate(subject: string): Promise<{ subject: string; address: string }>;
  /** The receipt it would get now, by the whole path; nothing is done. */
  preview(envelope: Envelope, options?: PreviewOptions): Receipt;
  /** That receipt, with what it would tell, do and set. */
  foretell(envelope: Envelope, options?: PreviewOptions): Foretold;
  /** Commits the answer of an act. Resolves when durable; false = no longer wanted. */
  answer(key: string, type: string, data: Record<string, unknown>): Promise<boolean>;
  /** Whoever acts or tells of its own accord asks it first; see `Lease.lapse`. */
  lapse: Lapse;
  /** Writes rows of the runtime's own with the next batch. `lazy`: whenever there is one, it is not waited for. */
  write(rows: { key: string; value: string | null }[], options?: { lazy: boolean }): Promise<void>;
  /** Reads what is committed or about to be. */
  read(key: string): string | undefined;
  /** The actor as it stands now, as soon as that is durable; null = there is none. */
  settled(address: string): Promise<Actor | null>;
  actors: Actors;
  outbox: OutboxRows;
  /** What waits in an actor's mailbox. */
  waiting(address: string): { envelope: Envelope; stored: boolean }[];
  /** A letter that could not even be parsed becomes a dead letter, durable with the stream's position. */
  deadLetter(receipt: Receipt, body: unknown, letter?: { cursor: Cursor; seq: number }): Promise<void>;
  onCommitted(tell: (committed: Committed) => void): void;
  /** Positions that each batch writes: stream name → cursor. */
  follow(stream: string, cursor: Cursor, identity: string): void;
  /** Timers that were due may fire from now on (mail stored before goes first). */
  releaseTimers(): void;
  load(): Promise<void>;
  /** Resolves when no mailbox has a turn left and all is durable. */
  quiet(): Promise<void>;
  queuedBytes(): number;
  /** How late the oldest due timer is, in ms. */
  oldestTimerMs(): number;
  /** Age in ms of the oldest envelope in memory, 0 = none. */
  oldestWaitingMs(): number;
  /** Takes nothing more: the store cannot be relied on. */
  end(error: Error): void;
  /** Rejects when the store failed: the process has to end. */
  failed: Promise<never>;
  stop(): Promise<void>;
}

export interface PreviewOptions {
  /** Whose it is, where its subject names a part of an actor. */
  address?: string;
  /** `trusted`: by our own door, where agents speak. */
  door?: 'outside' | 'trusted';
}

export interface SendOptions {
  /** `mail` may wait in the stored mailbox; `ask` is answered now or not at all. */
  door?: 'mail' | 'ask' | 'hook';
  /** The stream letter it came in, taken with the step's batch. */
  letter?: { cursor: Cursor; seq: number };
  /** The mailbox it was put into, where that is not the envelope's own word (`subject` must agree). */
  address?: string;
}

export function createNode(options: NodeOptions): Node {
  const { store, clock, log, lapse = () => null } = options;
  const registry = createRegistry(options.definitions);
  const listeners: ((committed: Committed) => void)[] = [];
  const mailbox = createMailbox();
  const outbox = createOutboxRows();
  let pumping = false;
  let stopped = false;
  let idle: (() => void)[] = [];

  const ledger = createLedger({
    store,
    clock,
    onSeal,
    onLanded,
    onDeath,
    lapse,
    ...(options.batchSteps === undefined ? {} : { stepsMax: options.batchSteps }),
  });
  const actors = createActors({
    registry,
    read: ledger.read,
    activeMax: options.activeMax ?? ACTIVE_DEFAULT,
    onDamage,
  });
  const around: Surroundings = {
    registry,
    timers: options.timers ?? {},
    holderOf: (claim) => ledger.read(KEYS.claim(claim)) ?? null,
    phaseOf: (address) => actors.row(address)?.phase ?? null,
    near: (address) => actors.near(address),
    configured: options.configured,
  };
  const timers = createTimers({ store, clock, fire: fireTimer, onFailure: ledger.end });
  const turn = createTurn({ ledger, mailbox, actors, outbox, timers: () => timers, around, clock, log });
  const parking = createParking({ ledger, mailbox, turn, log });
  const followsCrash = options.followsCrash ?? false;
  const caution = createCaution({ followsCrash, ledger, mailbox, actors, turn, parking });

  // --- doors ---

  function send(
    envelope: Envelope,
    { door = 'ask', letter, address = envelope.subject }: SendOptions = {},
  ): Promise<Receipt> {
    const text = JSON.stringify(envelope);
    const bytes = Buffer.byteLength(text);
    if (bytes > ENVELOPE_BYTES_MAX) {
      return Promise.reject(
        new RejectedInput('ENVELOPE_SIZE', `the envelope has ${bytes} bytes, at most ${ENVELOPE_BYTES_MAX} are taken`),
      );
    }
    return enqueue(address, envelope, door, { text, bytes }, letter === undefined ? {} : { letter });
  }

  function foretell(
    envelope: Envelope,
    { address = envelope.subject, door = 'outside' }: PreviewOptions = {},
  ): Foretold {
    const actor = actors.get(address);
    if (actor.parked !== null) {
      const receipt =
        envelope.type === UNPARK ? parking.freed(actor, envelope.id) : parking.refused(actor, envelope.id);
      return foretold({ receipt, step: null }, actor.stood);
    }
    const taking = { actor: actor.address, envelope, at: turn.stamp(actor), door };
    return foretold(decide(taking, actor.stood, around), actor.stood);
  }

  async function locate(subject: string): Promise<{ subject: string; address: string }> {
    const part = parsePart(subject);
    if (part === null) return { subject, address: subject };
    await taken(part.whole);
    const { kind, stood } = actors.get(part.whole);
    const found = stood === null ? null : (registry.get(kind)?.part?.(stood.live.view as never, part.key) ?? null);
    return found === null ? { subject, address: part.whole } : { subject: found, address: found };
  }

  /** Resolves when what waits at this actor now has been taken, or is not going to be. */
  async function taken(address: string): Promise<void> {
    const last = mailbox.peekAll(address).at(-1);
    if (last === undefined) return;
    const waits = (): boolean => mailbox.peekAll(address).includes(last);
    while (actors.get(address).parked === null && ledger.dead() === null && waits()) await durable();
  }

  function enqueue(
    address: string,
    envelope: Envelope,
    door: Item['door'],
    { text, bytes }: Pick<Item, 'text' | 'bytes'>,
    more: Pick<Item, 'letter' | 'timer' | 'answerOf'>,
  ): Promise<Receipt> {
    const dead = ledger.dead();
    if (dead !== null) return Promise.reject(dead);
    return new Promise((settle, fail) => {
      accept(address, { envelope, text, door, bytes, number: null, acceptedMs: clock.now(), settle, fail, ...more });
    });
  }

  function accept(address: string, item: Item): void {
    const actor = actors.get(address);
    schedule();
    if (actor.parked !== null) {
      if (item.envelope.type === UNPARK) {
        if (!turn.repeat(actor, item)) parking.unpark(actor, item);
        return;
      }
      const isFull = item.door === 'mail' && mailbox.bytesOf(address) + item.bytes > PARKED_BYTES_MAX;
      if (item.door === 'ask' || isFull) {
        parking.refuse(actor, item);
        return;
      }
      parking.keep(actor, item);
    } else if (item.letter !== undefined && mailbox.depth(address) >= STREAM_BACKLOG_MAX) {
      // With those before it: after a crash what is stored goes first, and what is read again comes behind it.
      for (const letter of [...mailbox.unstored(address), item]) turn.store(actor, letter);
    }
    mailbox.push(address, item);
  }

  function fireTimer(address: string, key: string, due: string, seq: number): void {
    const { parked, stood } = actors.get(address);
    if (parked?.damaged === true) {
      timers.leave(address, key, due);
      return;
    }
    const timer = stood?.live.state.timers[key];
    if (timer === undefined || timer.seq !== seq || timer.due !== due) {
      // Its row leaves with a batch that is on its way; firing it would be an earlier life's word.
      timers.done(address, key, due);
      return;
    }
    const event = timerEvent(key, timer, due, 0, address);
    const envelope: Envelope = {
      specversion: '1.0',
      id: event.id,
      source: address,
      type: event.type,
      subject: address,
      data: {},
    };
    const text = JSON.stringify(envelope);
    // It is refused only when the store has failed; its row is still there for the next start.
    enqueue(address, envelope, 'timer', { text, bytes: text.length }, { timer: { key, due, seq } }).catch(() => {});
  }

  async function answer(key: string, type: string, data: Record<string, unknown>): Promise<boolean> {
    const pending = outbox.get(key);
    if (pending === undefined || ledger.dead() !== null) return false;
    const envelope: Envelope = {
      specversion: '1.0',
      id: `${key}/answer`,
      source: pending.actor,
      type,
      subject: pending.actor,
      data: { key, ...data },
    };
    const text = JSON.stringify(envelope);
    const sized = { text, bytes: text.length };
    const receipt = await enqueue(pending.actor, envelope, 'answer', sized, { answerOf: pending });
    return receipt.outcome === 'taken' || receipt.outcome === 'recorded';
  }

  // --- the loop ---

  function schedule(): void {
    if (pumping || stopped || ledger.dead() !== null) return;
    pumping = true;
    setImmediate(pump);
  }

  /** Fills the open batch from the mailboxes, and writes it when no other write is in flight. */
  function pump(): void {
    pumping = false;
    if (ledger.dead() !== null) return;
    if (caution.isOn()) {
      pumpWithCaution();
      return;
    }
    const end = clock.now() + BATCH_MS_MAX;
    const isOver = (): boolean => ledger.isFull() || clock.now() >= end || ledger.dead() !== null;
    while (!isOver()) {
      const address = mailbox.next();
      if (address === undefined) break;
      const actor = actors.get(address);
      for (let turns = 0; turns < TURN_STEPS_MAX && actor.parked === null && !isOver(); turns++) {
        const item = mailbox.peek(address);
        if (item === undefined) break;
        try {
          turn.take(actor, item);
        } catch (error) {
          parking.park(actor, item, error as Error);
        }
      }
      mailbox.yield(address, actor.parked !== null);
    }
    ledger.fly();
    if (mailbox.hasReady() && !ledger.isFull()) schedule();
    else rest();
  }

  /** One step or its mark at a time, each durable before the next. */
  function pumpWithCaution(): void {
    if (ledger.isEmpty() && !ledger.isFlying()) caution.advance();
    ledger.fly();
    if (ledger.isFlying()) return;
    if (mailbox.hasReady()) schedule();
    else rest();
  }

  /** What a batch did is handed on when it has landed, in the order receipts, facts, effects. */
  function onSeal(batch: Batch): () => void {
    const doings = turn.doings();
    return () => {
      actors.durable(batch.steps);
      announce(doings, batch);
    };
  }

  function announce(
    { acts, settled, touched }: Doings,
    { facts, number, writes }: Pick<Batch, 'facts' | 'number' | 'writes'>,
  ): void {
    const watching = [...touched].map(([actor, watches]) => ({ actor, watches }));
    const references = [...writes.keys()].flatMap((key) => referenceIn(key) ?? []);
    for (const tell of listeners) tell({ facts, acts, settled, watching, references, batch: number });
  }

  function onLanded(): void {
    if (mailbox.hasReady() || !ledger.isEmpty()) schedule();
    else rest();
  }

  function onDamage(actor: Actor, damage: string): void {
    log.error({ actor: actor.address, damage }, 'what the store has of an actor is not whole: it is left as it is');
    if (options.reading === true) return;
    parking.tellDamage(actor, damage);
    schedule();
  }

  function onDeath(error: Error): void {
    timers.stop();
    log.fatal({ err: error }, 'nothing can be written any more: nothing more is taken');
    for (const item of mailbox.all()) item.fail(error);
    release();
  }

  const isQuiet = (): boolean => !ledger.isFlying() && ledger.isEmpty() && !mailbox.hasReady();

  function rest(): void {
    if (isQuiet()) release();
  }

  function release(): void {
    const waiters = idle;
    idle = [];
    for (const resolve of waiters) resolve();
  }

  async function quiet(): Promise<void> {
    schedule();
    if (!isQuiet() && ledger.dead() === null) await new Promise<void>((resolve) => idle.push(resolve));
  }

  /** Resolves when everything put so far is durable. */
  function durable(): Promise<void> {
    const dead = ledger.dead();
    if (dead !== null) return Promise.reject(dead);
    return new Promise((resolve, reject) => {
      ledger.after(resolve, reject);
      schedule();
    });
  }

  async function settledActor(address: string): Promise<Actor | null> {
    // As it stands now: one that steps on and on would else never be shown.
    const shown = { ...actors.get(address) };
    if (actors.isAhead(address) && ledger.dead() === null) await durable();
    return shown.stood === null ? null : shown;
  }

  return {
    registry,
    send,
    locate,
    preview: (envelope, options) => foretell(envelope, options).receipt,
    foretell,
    answer,
    lapse,
    async write(rows, { lazy } = { lazy: false }) {
      for (const { key, value } of rows) {
        if (value === null) ledger.del(key);
        else ledger.put(key, value);
      }
      if (!lazy) await durable();
    },
    read: ledger.read,
    settled: settledActor,
    actors,
    outbox,
    waiting: (address) =>
      mailbox.peekAll(address).map(({ envelope, number }) => ({ envelope, stored: number !== null })),
    deadLetter(receipt, body, letter) {
      turn.bury(body, receipt);
      letter?.cursor.take(letter.seq);
      return durable();
    },
    onCommitted: (tell) => void listeners.push(tell),
    follow: ledger.follow,
    releaseTimers: () => timers.start(),
    async load() {
      ledger.load();
      const { acts, watching, dead, mail } = await loadNode({ store, clock, registry, actors, mailbox, outbox });
      turn.loaded({ dead, mail });
      await caution.load(store);
      announce(
        { acts, settled: [], touched: watching },
        { facts: [], number: ledger.batch().number - 1, writes: new Map() },
      );
      schedule();
    },
    queuedBytes: () => mailbox.bytes(),
    oldestTimerMs: () => timers.lateMs(),
    oldestWaitingMs: () => mailbox.oldestMs(clock.now()),
    end: ledger.end,
    failed: ledger.failed,
    quiet,
    async stop() {
      timers.stop();
      await quiet();
      stopped = true;
    },
  };
}

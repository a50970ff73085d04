/**
 * The node: all actors of this process, their mailboxes, and the loop that steps them and commits in groups.
 *
 *   accept → mailbox → decide (pure) → batch → one synced write → receipts, then facts, then effects
 *
 * Nothing of a step leaves the process before its batch is durable. Actors run ahead of the disk by at most one open
 * batch; the first write that fails ends the node.
 */
import type { Timers } from '../../machines/contract.ts';
import type { Clock } from '../clock.ts';
import { Bug, RejectedInput } from '../errors.ts';
import type { Logger } from '../log.ts';
import { KEYS, SPACES, keyParts, pad } from '../store/keys.ts';
import type { Store } from '../store/store.ts';
import { createActors } from './actors.ts';
import type { Actor } from './actors.ts';
import { BATCH_BYTES_MAX, BATCH_MS_MAX, BATCH_STEPS_MAX, del, isEmpty, openBatch, put, seal } from './batch.ts';
import type { Batch } from './batch.ts';
import type { Cursor } from './cursor.ts';
import { decide } from './decide.ts';
import type { Decision, Surroundings } from './decide.ts';
import { ENVELOPE_BYTES_MAX } from './envelope.ts';
import type { Envelope } from './envelope.ts';
import type { Fact } from './fact.ts';
import { kernelFact, stepFact } from './facts.ts';
import { encodeEntry, receiptOf } from './journal.ts';
import type { JournalEntry } from './journal.ts';
import { createMailbox } from './mailbox.ts';
import type { Item } from './mailbox.ts';
import { createOutboxRows } from './outbox-rows.ts';
import type { PendingAct } from './outbox-rows.ts';
import type { Receipt } from './receipt.ts';
import { createRegistry } from './registry.ts';
import type { Registry } from './registry.ts';
import type { Definition } from './state.ts';
import { timerEvent, watchesOf } from './step.ts';
import { createTimers } from './timers.ts';

/** An actor takes at most this many of its envelopes before the next actor has its turn. */
const TURN_STEPS_MAX = 16;
/** More than this waiting from a stream goes to the stored mailbox, so that the stream's position can move on. */
const STREAM_BACKLOG_MAX = 64;
/** Bytes of envelopes in memory beyond which doors hold back: a stuck node, not a busy one. */
export const QUEUED_BYTES_MAX = 64 * 1_024 * 1_024;
/** A told envelope that passed this many actors is going in circles. */
const HOPS_MAX = 64;
/** How long an id from outside is remembered (docs/protocol.md §3). */
const SEEN_MS = 7 * 24 * 3_600_000;

export interface NodeOptions {
  store: Store;
  definitions: readonly Definition[];
  clock: Clock;
  log: Logger;
  timers?: Timers;
  /** Actors kept in memory; 0 evicts after every step (tests). */
  activeMax?: number;
}

/** What the node tells the rest of the runtime, in this order, after each durable batch. */
export interface Committed {
  facts: Fact[];
  acts: PendingAct[];
  /** Keys of acts that are over: answered or cancelled. */
  settled: string[];
  /** Actors whose standing watches may have changed. */
  watching: { actor: string; watches: Record<string, Record<string, unknown>> }[];
  batch: number;
}

export interface Node {
  registry: Registry;
  /** Takes an envelope from outside; resolves with its receipt after the commit. */
  send(envelope: Envelope, options?: SendOptions): Promise<Receipt>;
  /** The receipt it would get now, by the whole path; nothing is done. */
  preview(envelope: Envelope): Receipt;
  /** Commits the answer of an act. Resolves when durable; false = no longer wanted. */
  answer(key: string, type: string, data: Record<string, unknown>): Promise<boolean>;
  /** Writes rows of the runtime's own with the next batch. `lazy`: whenever there is one, it is not waited for. */
  write(rows: { key: string; value: string | null }[], options?: { lazy: boolean }): Promise<void>;
  /** Reads what is committed or about to be. */
  read(key: string): string | undefined;
  /** Waits until everything accepted so far about an actor is durable, then shows it. */
  settled(address: string): Promise<Actor | null>;
  actorsOf: ReturnType<typeof createActors>;
  outbox: ReturnType<typeof createOutboxRows>;
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
  queuedBytes(): number;
  /** Age in ms of the oldest envelope in memory, 0 = none. */
  oldestWaitingMs(): number;
  /** Rejects when the store failed: the process has to end. */
  failed: Promise<never>;
  stop(): Promise<void>;
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
  const { store, clock, log } = options;
  const timersConfigured = options.timers ?? {};
  const registry = createRegistry(options.definitions);
  const listeners: ((committed: Committed) => void)[] = [];
  const cursors = new Map<string, { cursor: Cursor; identity: string; written: number }>();
  const mailbox = createMailbox();

  let batch: Batch = openBatch(1, clock.now());
  let flying: Batch | null = null;
  let lastHash = '';
  let pumping = false;
  let stopped = false;
  let dead: Error | null = null;
  let deadNumber = 0;
  let mailNumber = 0;
  let acts: PendingAct[] = [];
  let settledKeys: string[] = [];
  let touched = new Map<string, Actor>();
  let idle: (() => void)[] = [];
  let fail: (error: Error) => void = () => {};
  const failed = new Promise<never>((_resolve, reject) => {
    fail = reject;
  });
  failed.catch(() => {});

  const read = (key: string): string | undefined => {
    for (const layer of [batch, flying]) {
      const value = layer?.writes.get(key);
      if (value !== undefined) return value ?? undefined;
    }
    return store.get(key);
  };
  const isStored = (key: string): boolean => flying?.writes.has(key) === true || store.get(key) !== undefined;

  const actors = createActors({ registry, read, activeMax: options.activeMax ?? 5_000 });
  const outbox = createOutboxRows();
  const timers = createTimers({ store, clock, fire: fireTimer });

  const around: Surroundings = {
    registry,
    timers: timersConfigured,
    holderOf: (claim) => read(KEYS.claim(claim)) ?? null,
    phaseOf: (address) => actors.row(address)?.phase ?? null,
    near: (address) => actors.near(address),
  };

  const iso = (ms: number): string => new Date(ms).toISOString();
  /** Never before the actor's last step: `at` is the only clock a machine sees. */
  const stamp = (actor: Actor | null): string => {
    const now = iso(clock.now());
    const last = actor?.stood?.live.state.at ?? '';
    return last > now ? last : now;
  };

  // --- accepting ---

  function send(
    envelope: Envelope,
    { door = 'ask', letter, address = envelope.subject }: SendOptions = {},
  ): Promise<Receipt> {
    if (dead !== null) return Promise.reject(dead);
    const bytes = Buffer.byteLength(JSON.stringify(envelope));
    if (bytes > ENVELOPE_BYTES_MAX) {
      return Promise.reject(
        new RejectedInput('ENVELOPE_SIZE', `the envelope has ${bytes} bytes, at most ${ENVELOPE_BYTES_MAX} are taken`),
      );
    }
    return new Promise((resolve, reject) => {
      const item: Item = {
        envelope,
        door,
        bytes,
        number: null,
        acceptedMs: clock.now(),
        settle: resolve,
        fail: reject,
      };
      if (letter !== undefined) item.letter = letter;
      accept(address, item);
    });
  }

  function accept(address: string, item: Item): void {
    const actor = actors.get(address);
    if (item.envelope.type === 'correct.unpark' && actor.parked !== null) {
      unpark(actor, item);
      schedule();
      return;
    }
    const overflows = item.letter !== undefined && mailbox.depth(address) >= STREAM_BACKLOG_MAX;
    if (actor.parked !== null || overflows) {
      if (actor.parked !== null && item.door === 'ask') {
        batch.after.push(() => item.settle(refusedParked(actor, item)));
        schedule();
        return;
      }
      storeMail(actor, item);
    }
    mailbox.push(address, item);
    if (actor.parked === null) schedule();
    else schedule();
  }

  /** Puts an item into the stored mailbox: from here on it survives a crash without its stream. */
  function storeMail(actor: Actor, item: Item): void {
    if (item.number !== null || item.door === 'timer' || item.door === 'answer') return;
    item.number = nextMailNumber();
    put(batch, KEYS.mail(actor.address, item.number), JSON.stringify({ door: item.door, envelope: item.envelope }));
    takeLetter(item);
  }

  const nextMailNumber = (): number => {
    mailNumber += 1;
    return mailNumber;
  };

  function takeLetter(item: Item): void {
    item.letter?.cursor.take(item.letter.seq);
    delete item.letter;
  }

  function fireTimer(address: string, key: string, due: string, seq: number): void {
    const actor = actors.get(address);
    const timer = actor.stood?.live.state.timers[key];
    if (timer === undefined || timer.seq !== seq) {
      // Re-armed or gone: the row is a leftover of an earlier life.
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
    const item: Item = {
      envelope,
      door: 'timer',
      bytes: 200,
      number: null,
      acceptedMs: clock.now(),
      settle: () => {},
      fail: () => {},
      timer: { key, due, seq },
    };
    mailbox.push(address, item);
    schedule();
  }

  function answer(key: string, type: string, data: Record<string, unknown>): Promise<boolean> {
    const pending = outbox.get(key);
    if (pending === undefined || dead !== null) return Promise.resolve(false);
    return new Promise((resolve, reject) => {
      const envelope: Envelope = {
        specversion: '1.0',
        id: `${key}/answer`,
        source: pending.actor,
        type,
        subject: pending.actor,
        data: { key, ...data },
      };
      const item: Item = {
        envelope,
        door: 'answer',
        bytes: JSON.stringify(data).length,
        number: null,
        acceptedMs: clock.now(),
        settle: (receipt) => resolve(receipt.outcome === 'taken' || receipt.outcome === 'recorded'),
        fail: reject,
        answerOf: pending,
      };
      mailbox.push(pending.actor, item);
      schedule();
    });
  }

  // --- stepping ---

  function schedule(): void {
    if (pumping || stopped || dead !== null) return;
    pumping = true;
    setImmediate(pump);
  }

  /** Fills the open batch from the mailboxes, and writes it when no other write is in flight. */
  function pump(): void {
    pumping = false;
    if (dead !== null) return;
    if (batch.steps.length === 0 && isEmpty(batch)) batch.startedMs = clock.now();
    let full = isFull(batch);
    while (!full) {
      const address = mailbox.next();
      if (address === undefined) break;
      const actor = actors.get(address);
      for (let turn = 0; turn < TURN_STEPS_MAX && !full; turn++) {
        if (actor.parked !== null) break;
        const item = mailbox.peek(address);
        if (item === undefined) break;
        takeItem(actor, item);
        full = isFull(batch);
      }
      mailbox.yield(address, actor.parked !== null);
    }
    if (flying === null) fly();
  }

  const isFull = (open: Batch): boolean =>
    open.steps.length >= BATCH_STEPS_MAX ||
    open.bytes >= BATCH_BYTES_MAX ||
    clock.now() - open.startedMs >= BATCH_MS_MAX;

  function takeItem(actor: Actor, item: Item): void {
    const earlier =
      item.door === 'timer' || item.door === 'answer' || item.door === 'inside' ? null : seenReceipt(actor, item);
    if (earlier !== null) {
      mailbox.shift(actor.address);
      leave(actor, item);
      batch.after.push(() => item.settle(earlier));
      return;
    }
    let decision: Decision;
    try {
      if ((item.envelope.hops ?? 0) > HOPS_MAX) throw new Bug(`${item.envelope.type} passed ${HOPS_MAX} actors`);
      decision = decide(
        {
          actor: actor.address,
          envelope: item.envelope,
          at: stamp(actor),
          door: item.door === 'mail' || item.door === 'ask' ? 'outside' : item.door === 'hook' ? 'trusted' : item.door,
          ...(item.answerOf === undefined ? {} : { wish: item.answerOf.params }),
        },
        actor.stood,
        around,
      );
    } catch (error) {
      park(actor, item, error as Error);
      return;
    }
    mailbox.shift(actor.address);
    leave(actor, item);
    if (decision.step === null) rejected(actor, item, decision.receipt);
    else commit(actor, item, decision);
  }

  /** The rows an item held are gone in the batch that takes it. */
  function leave(actor: Actor, item: Item): void {
    if (item.number !== null)
      del(
        batch,
        KEYS.mail(actor.address, item.number),
        item.loaded === true || isStored(KEYS.mail(actor.address, item.number)),
      );
    if (item.timer !== undefined) {
      timers.done(actor.address, item.timer.key, item.timer.due);
      del(batch, KEYS.timer(item.timer.due, actor.address, item.timer.key), true);
    }
    if (item.answerOf !== undefined) settleAct(item.answerOf);
    takeLetter(item);
  }

  function settleAct(pending: PendingAct): void {
    outbox.remove(pending.key);
    const row = KEYS.outbox(pending.actor, pending.seq, pending.index);
    del(batch, row, isStored(row));
    settledKeys.push(pending.key);
  }

  function seenReceipt(actor: Actor, item: Item): Receipt | null {
    const row = read(KEYS.seen(actor.address, item.envelope.id));
    if (row === undefined) return null;
    const seen = JSON.parse(row) as { seq?: number; receipt?: Receipt };
    if (seen.receipt !== undefined) return { ...seen.receipt, duplicate: true };
    const entry = read(KEYS.journal(actor.address, seen.seq!));
    if (entry === undefined) throw new Bug(`the journal of ${actor.address} has no entry ${seen.seq}`);
    return receiptOf(actor.address, seen.seq!, JSON.parse(entry) as JournalEntry, true);
  }

  const isOutside = (item: Item): boolean => item.door === 'mail' || item.door === 'ask' || item.door === 'hook';
  const expiry = (): string => iso(clock.now() + SEEN_MS);

  function rejected(actor: Actor, item: Item, receipt: Receipt): void {
    if (isOutside(item)) {
      put(batch, KEYS.seen(actor.address, item.envelope.id), JSON.stringify({ until: expiry(), receipt }));
      bury(item.envelope, receipt);
    } else if (item.door === 'inside') {
      returnToTeller(item, receipt);
    }
    log.debug(
      { actor: actor.address, event: item.envelope.type, outcome: receipt.outcome, reason: receipt.reason },
      'not taken',
    );
    batch.after.push(() => item.settle(receipt));
    actors.used(actor);
  }

  function bury(envelope: unknown, receipt: Receipt): void {
    deadNumber += 1;
    put(batch, KEYS.dead(deadNumber), JSON.stringify({ number: deadNumber, at: receipt.at, envelope, receipt }));
    const fact = kernelFact(
      'letter.dead',
      receipt,
      `${receipt.actor} did not take ${receipt.id}: ${receipt.reason ?? receipt.outcome}`,
    );
    batch.facts.push(fact);
    batch.kernelFacts.push(fact);
  }

  function returnToTeller(item: Item, receipt: Receipt): void {
    const { envelope } = item;
    if (envelope.type === 'mail.refused') {
      bury(envelope, receipt);
      return;
    }
    tellRow({
      specversion: '1.0',
      id: `${envelope.id}/refused`,
      source: envelope.subject,
      type: 'mail.refused',
      subject: envelope.source,
      data: {
        id: envelope.id,
        to: envelope.subject,
        type: envelope.type,
        outcome: receipt.outcome,
        code: receipt.code,
        reason: receipt.reason,
      },
      causationid: envelope.id,
      hops: (envelope.hops ?? 0) + 1,
    });
  }

  /** One actor's word to another: into the recipient's stored mailbox with the teller's own batch. */
  function tellRow(envelope: Envelope): void {
    const number = nextMailNumber();
    put(batch, KEYS.mail(envelope.subject, number), JSON.stringify({ door: 'inside', envelope }));
    mailbox.push(envelope.subject, {
      envelope,
      door: 'inside',
      bytes: 500,
      number,
      acceptedMs: clock.now(),
      settle: () => {},
      fail: () => {},
    });
  }

  function commit(actor: Actor, item: Item, decision: Extract<Decision, { projection: unknown }>): void {
    const { receipt, step, projection, stored } = decision;
    const { live } = step;
    const before = actor.stood;
    const seq = live.state.seq;
    const entry: JournalEntry = {
      envelope: item.envelope,
      at: receipt.at,
      version: live.state.version,
      outcome: step.outcome,
      change: step.change,
      effects: stored,
      stood: {
        before: receipt.before,
        ...(JSON.stringify(receipt.after) === JSON.stringify(receipt.before) ? {} : { after: receipt.after! }),
        epoch: projection.epoch,
        owner: projection.owner,
        waitingOn: projection.waitingOn,
      },
    };
    if (step.events.length !== 1 || step.events[0] !== item.envelope.type) entry.events = step.events;
    if (decision.known !== undefined) entry.known = decision.known;
    if (item.answerOf !== undefined) entry.wish = item.answerOf.params;
    if (item.timer !== undefined) entry.due = item.timer.due;
    const text = encodeEntry(entry);
    put(batch, KEYS.journal(actor.address, seq), text);
    batch.steps.push([actor.address, seq]);

    if (isOutside(item))
      put(batch, KEYS.seen(actor.address, item.envelope.id), JSON.stringify({ until: expiry(), seq }));
    writeClaims(actor.address, before?.live.state.claims ?? [], live.state.claims);
    writeTimers(actor.address, before?.live.state.timers ?? {}, live.state.timers);
    actors.stand(actor, { live, projection }, text.length, batch);
    writeEffects(actor, item, seq, receipt.at, step.effects);
    writeWatches(actor, live.state.status === 'done' ? {} : watchesOf(definitionOf(actor), live));

    batch.facts.push(stepFact(actor.address, seq, entry, receipt, before?.projection ?? null, projection));
    touched.set(actor.address, actor);
    log.debug(
      {
        actor: actor.address,
        event: item.envelope.type,
        outcome: step.outcome,
        from: receipt.before?.phase,
        to: receipt.after?.phase,
      },
      'step',
    );
    batch.after.push(() => item.settle(receipt));
  }

  const definitionOf = (actor: Actor): Definition => registry.get(actor.kind)!;

  function writeClaims(address: string, before: string[], after: string[]): void {
    for (const claim of before) if (!after.includes(claim)) del(batch, KEYS.claim(claim), isStored(KEYS.claim(claim)));
    for (const claim of after) if (!before.includes(claim)) put(batch, KEYS.claim(claim), address);
  }

  function writeTimers(
    address: string,
    before: Record<string, { due: string; seq: number }>,
    after: Record<string, { due: string; seq: number }>,
  ): void {
    if (before === after) return;
    for (const [key, timer] of Object.entries(before)) {
      if (after[key]?.due === timer.due) continue;
      const row = KEYS.timer(timer.due, address, key);
      if (batch.writes.get(row) !== null) del(batch, row, isStored(row));
    }
    for (const [key, timer] of Object.entries(after)) {
      if (before[key]?.due === timer.due && before[key]?.seq === timer.seq) continue;
      put(batch, KEYS.timer(timer.due, address, key), String(timer.seq));
      const { due } = timer;
      batch.after.push(() => timers.armed(due));
    }
  }

  function writeEffects(
    actor: Actor,
    item: Item,
    seq: number,
    at: string,
    effects: Extract<Decision, { projection: unknown }>['step']['effects'],
  ): void {
    effects.forEach((effect, index) => {
      switch (effect.kind) {
        case 'act': {
          const pending: PendingAct = {
            key: `${actor.address}/${seq}/${index}`,
            actor: actor.address,
            seq,
            index,
            act: effect.act,
            params: effect.params,
            wishedAt: at,
            attempted: false,
          };
          put(batch, KEYS.outbox(actor.address, seq, index), '');
          outbox.add(pending);
          acts.push(pending);
          break;
        }
        case 'cancel':
          for (const pending of outbox.cancellable(actor.address, effect.act)) {
            acts = acts.filter((other) => other !== pending);
            settleAct(pending);
          }
          break;
        case 'tell': {
          const envelope: Envelope = {
            specversion: '1.0',
            id: `${actor.address}/${seq}/${index}`,
            source: actor.address,
            type: effect.type,
            subject: effect.to,
            data: effect.data,
            causationid: item.envelope.id,
            correlationid: item.envelope.correlationid ?? item.envelope.id,
            hops: (item.envelope.hops ?? 0) + (item.door === 'inside' ? 1 : 0),
          };
          if (effect.expectepoch !== undefined) envelope.expectepoch = effect.expectepoch;
          if (effect.priority !== undefined) envelope.priority = effect.priority;
          tellRow(envelope);
          break;
        }
      }
    });
  }

  function writeWatches(actor: Actor, watches: Record<string, Record<string, unknown>>): void {
    const stands = Object.keys(watches).length > 0;
    const row = KEYS.watching(actor.address);
    if (stands && !actor.watching) put(batch, row, '');
    if (!stands && actor.watching) del(batch, row, isStored(row));
    actor.watching = stands;
    actor.watches = watches;
  }

  // --- parking ---

  function park(actor: Actor, item: Item, error: Error): void {
    const at = stamp(actor);
    log.error({ actor: actor.address, event: item.envelope.type, err: error }, 'a step threw: the actor is parked');
    actor.parked = {
      at,
      envelope: item.envelope.id,
      type: item.envelope.type,
      reason: error.message,
      stack: error.stack ?? '',
    };
    put(batch, KEYS.parked(actor.address), JSON.stringify(actor.parked));
    // The poisonous envelope stays first in line; asked-for ones are answered, the rest is kept.
    const kept: Item[] = [];
    for (const waiting of mailbox.drain(actor.address)) {
      if (waiting !== item && waiting.door === 'ask') {
        batch.after.push(() => waiting.settle(refusedParked(actor, waiting)));
        continue;
      }
      storeMail(actor, waiting);
      kept.push(waiting);
    }
    for (const waiting of kept) mailbox.push(actor.address, waiting);
    kernelFactOf('actor.parked', actor, at, `${actor.address} is parked: ${error.message}`);
  }

  function kernelFactOf(type: string, actor: Actor, at: string, summary: string): void {
    const fact = kernelFact(
      type,
      { actor: actor.address, id: '', outcome: 'recorded', at, seq: actor.stood?.live.state.seq ?? 0 },
      summary,
    );
    batch.facts.push(fact);
    batch.kernelFacts.push(fact);
  }

  function refusedParked(actor: Actor, item: Item): Receipt {
    return kernelReceipt(
      actor,
      item,
      'refused',
      'parked',
      `${actor.address} is parked since ${actor.parked?.at ?? 'now'}: ${actor.parked?.reason ?? ''}; see: chartroom correct ${actor.address} unpark`,
    );
  }

  function kernelReceipt(
    actor: Actor,
    item: Item,
    outcome: Receipt['outcome'],
    code: Receipt['code'],
    reason: string | null,
  ): Receipt {
    const standing =
      actor.stood === null ? null : { value: actor.stood.live.state.value, phase: actor.stood.projection.phase };
    return {
      id: item.envelope.id,
      actor: actor.address,
      outcome,
      seq: null,
      epoch: actor.stood?.projection.epoch ?? null,
      before: standing,
      after: standing,
      effects: [],
      waitingOn: actor.stood?.projection.waitingOn ?? [],
      code,
      reason,
      duplicate: false,
      at: stamp(actor),
    };
  }

  /** The kernel's own correction: it passes a held mailbox. `data.skip` makes the poisonous envelope a dead letter. */
  function unpark(actor: Actor, item: Item): void {
    const at = stamp(actor);
    del(batch, KEYS.parked(actor.address), isStored(KEYS.parked(actor.address)));
    const poison = actor.parked;
    actor.parked = null;
    if (item.envelope.data['skip'] === true) {
      const first = mailbox.shift(actor.address);
      if (first !== undefined) {
        leave(actor, first);
        const receipt = kernelReceipt(
          actor,
          first,
          'refused',
          'parked',
          `skipped by ${item.envelope.source}: ${poison?.reason ?? ''}`,
        );
        if (isOutside(first))
          put(batch, KEYS.seen(actor.address, first.envelope.id), JSON.stringify({ until: expiry(), receipt }));
        bury(first.envelope, receipt);
        batch.after.push(() => first.settle(receipt));
      }
    }
    kernelFactOf('actor.unparked', actor, at, `${actor.address} was unparked by ${item.envelope.source}`);
    takeLetter(item);
    const receipt = { ...kernelReceipt(actor, item, 'taken', null, null), at };
    put(batch, KEYS.seen(actor.address, item.envelope.id), JSON.stringify({ until: expiry(), receipt }));
    batch.after.push(() => item.settle(receipt));
    mailbox.wake(actor.address);
  }

  // --- committing ---

  /** Writes the open batch, if there is something in it. */
  function fly(): void {
    for (const [name, stream] of cursors) {
      const position = stream.cursor.position();
      if (position === stream.written) continue;
      stream.written = position;
      put(batch, KEYS.meta(`position!${name}`), JSON.stringify({ position, identity: stream.identity }));
    }
    if (isEmpty(batch)) {
      rest();
      return;
    }
    const writing = batch;
    const committed: Committed = {
      facts: writing.facts,
      acts,
      settled: settledKeys,
      watching: [...touched.values()].map((actor) => ({ actor: actor.address, watches: actor.watches })),
      batch: writing.number,
    };
    acts = [];
    settledKeys = [];
    touched = new Map();
    if (writing.writes.size === 0) {
      // Only duplicates: everything they answer with is durable already.
      batch = openBatch(writing.number, clock.now());
      for (const run of writing.after) run();
      schedule();
      return;
    }
    flying = writing;
    batch = openBatch(writing.number + 1, clock.now());
    const { operations, hash } = seal(writing, lastHash, iso(clock.now()));
    lastHash = hash;
    store.write(operations).then(
      () => landed(writing, committed),
      (error: Error) => die(error),
    );
    if (mailbox.hasReady()) schedule();
  }

  function landed(written: Batch, committed: Committed): void {
    flying = null;
    actors.durable(written.steps);
    for (const run of written.after) run();
    for (const tell of listeners) tell(committed);
    if (!isEmpty(batch) || mailbox.hasReady()) {
      if (mailbox.hasReady()) schedule();
      else fly();
    } else rest();
  }

  function rest(): void {
    if (flying !== null || !isEmpty(batch) || mailbox.hasReady()) return;
    const waiters = idle;
    idle = [];
    for (const resolve of waiters) resolve();
  }

  function die(error: Error): void {
    dead = error;
    timers.stop();
    log.fatal({ err: error }, 'the store failed: nothing more is taken');
    for (const item of mailbox.all()) item.fail(error);
    const waiters = idle;
    idle = [];
    for (const resolve of waiters) resolve();
    fail(error);
  }

  const quiet = (): Promise<void> =>
    flying === null && isEmpty(batch) && !mailbox.hasReady()
      ? Promise.resolve()
      : new Promise((resolve) => idle.push(resolve));

  // --- starting ---

  async function load(): Promise<void> {
    const last = store.get(KEYS.meta('last'));
    if (last !== undefined) {
      const { number, hash } = JSON.parse(last) as { number: number; hash: string };
      batch = openBatch(number + 1, clock.now());
      lastHash = hash;
    }
    for await (const [key] of store.scan({ ...SPACES.dead, reverse: true, limit: 1 }))
      deadNumber = Number(keyParts(key, 1)[0]);
    await actors.load(store);
    for await (const [key, value] of store.scan(SPACES.parked)) {
      actors.get(keyParts(key, 1)[0]!).parked = JSON.parse(value) as Actor['parked'];
    }
    await loadMail();
    await loadOutbox();
    for await (const [key] of store.scan(SPACES.watching)) {
      const actor = actors.get(keyParts(key, 1)[0]!);
      actor.watching = true;
      if (actor.stood !== null) actor.watches = watchesOf(definitionOf(actor), actor.stood.live);
      touched.set(actor.address, actor);
    }
  }

  async function loadMail(): Promise<void> {
    const stored: { address: string; item: Item }[] = [];
    for await (const [key, value] of store.scan(SPACES.mail)) {
      const [address, number] = keyParts(key, 2) as [string, string];
      const { door, envelope } = JSON.parse(value) as { door: Item['door']; envelope: Envelope };
      mailNumber = Math.max(mailNumber, Number(number));
      stored.push({
        address,
        item: {
          envelope,
          door,
          bytes: value.length,
          number: Number(number),
          acceptedMs: clock.now(),
          settle: () => {},
          fail: () => {},
          loaded: true,
        },
      });
    }
    // Numbers are handed out across actors: stepping in their order keeps the order of telling.
    stored.sort((a, b) => a.item.number! - b.item.number!);
    for (const { address, item } of stored) mailbox.push(address, item);
  }

  async function loadOutbox(): Promise<void> {
    for await (const [key, value] of store.scan(SPACES.outbox)) {
      const [address, seqText, indexText] = keyParts(key, 3) as [string, string, string];
      const seq = Number(seqText);
      const index = Number(indexText);
      const row = store.get(KEYS.journal(address, seq));
      if (row === undefined)
        throw new Bug(`the outbox of ${address} names entry ${pad(seq)}, which the journal does not have`);
      const entry = JSON.parse(row) as JournalEntry;
      const effect = entry.effects[index];
      if (effect === undefined || !('act' in effect)) throw new Bug(`entry ${seq} of ${address} has no act ${index}`);
      const pending: PendingAct = {
        key: `${address}/${seq}/${index}`,
        actor: address,
        seq,
        index,
        act: effect.act,
        params: effect.params,
        wishedAt: entry.at,
        attempted: value !== '',
      };
      outbox.add(pending);
      acts.push(pending);
    }
  }

  return {
    registry,
    send,
    preview(envelope) {
      const actor = actors.get(envelope.subject);
      if (actor.parked !== null && envelope.type !== 'correct.unpark') {
        return refusedParked(actor, { envelope } as Item);
      }
      return decide({ actor: actor.address, envelope, at: stamp(actor), door: 'outside' }, actor.stood, around).receipt;
    },
    answer,
    write(rows, { lazy } = { lazy: false }) {
      if (dead !== null) return Promise.reject(dead);
      for (const { key, value } of rows) {
        if (value === null) batch.writes.set(key, null);
        else put(batch, key, value);
      }
      if (lazy) return Promise.resolve();
      return new Promise((resolve) => {
        batch.after.push(resolve);
        schedule();
      });
    },
    read,
    async settled(address) {
      await whenDurable(address);
      const actor = actors.get(address);
      return actor.stood === null ? null : actor;
    },
    actorsOf: actors,
    outbox,
    waiting: (address) =>
      mailbox.peekAll(address).map(({ envelope, number }) => ({ envelope, stored: number !== null })),
    deadLetter(receipt, body, letter) {
      if (dead !== null) return Promise.reject(dead);
      bury(body, receipt);
      letter?.cursor.take(letter.seq);
      return new Promise((resolve) => {
        batch.after.push(resolve);
        schedule();
      });
    },
    onCommitted: (tell) => void listeners.push(tell),
    follow: (name, cursor, identity) => void cursors.set(name, { cursor, identity, written: -1 }),
    releaseTimers: () => timers.start(),
    async load() {
      await load();
      schedule();
      const first: Committed = {
        facts: [],
        acts,
        settled: [],
        watching: [...touched.values()].map((actor) => ({ actor: actor.address, watches: actor.watches })),
        batch: batch.number - 1,
      };
      acts = [];
      touched = new Map();
      for (const tell of listeners) tell(first);
    },
    queuedBytes: () => mailbox.bytes(),
    oldestWaitingMs: () => mailbox.oldestMs(clock.now()),
    failed,
    async stop() {
      timers.stop();
      schedule();
      await quiet();
      stopped = true;
    },
  };

  /** Resolves when nothing of this actor is ahead of the disk. */
  async function whenDurable(address: string): Promise<void> {
    if (dead !== null || !actors.isAhead(address)) return;
    await new Promise<void>((resolve) => {
      batch.after.push(resolve);
      schedule();
    });
    return whenDurable(address);
  }
}

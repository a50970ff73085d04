/**
 * One envelope's turn: decided, and what its step writes put into the open batch. Only here does a decision become
 * rows.
 */
import type { Clock } from '../clock.ts';
import type { Logger } from '../log.ts';
import { KEYS } from '../store/keys.ts';
import type { Actor, Actors } from './actors.ts';
import { decide, HOPS_MAX } from './decide.ts';
import type { Decision, Surroundings } from './decide.ts';
import type { Envelope } from './envelope.ts';
import { kernelFact, stepFact } from './facts.ts';
import { encodeEntry } from './journal.ts';
import type { JournalEntry } from './journal.ts';
import type { Ledger } from './ledger.ts';
import { mailText } from './mailbox.ts';
import type { Item, Mailbox } from './mailbox.ts';
import type { OutboxRows, PendingAct } from './outbox-rows.ts';
import { isSameContent } from './patch.ts';
import type { Receipt } from './receipt.ts';
import { receiptOfSeen } from './seen.ts';
import type { ArmedTimer } from './state.ts';
import type { Timers } from './timers.ts';

/** How long an id from outside is remembered (docs/protocol.md §3). */
const SEEN_MS = 7 * 24 * 3_600_000;

type Stepped = Extract<Decision, { projection: unknown }>;

/** What a batch did besides rows, handed on when it has landed. */
export interface Doings {
  acts: PendingAct[];
  /** Keys of acts that are over. */
  settled: string[];
  /** Actors that took a step, with the watches that stand after the last of them in this batch. */
  touched: Map<string, Record<string, Record<string, unknown>>>;
}

export interface Turn {
  /** Takes the first envelope of a mailbox; a step that throws is thrown on, with nothing written. */
  take(actor: Actor, item: Item): void;
  /** Answers an id that came before with its first receipt; false = it is new. */
  repeat(actor: Actor, item: Item): boolean;
  /** Removes what kept an item alive: it is over with this batch. */
  leave(actor: Actor, item: Item): void;
  /** Puts an item into the stored mailbox: from here on it survives a crash without its stream. */
  store(actor: Actor, item: Item): void;
  /** A dead letter, with its fact. */
  bury(envelope: unknown, receipt: Receipt): void;
  remember(actor: string, id: string, receipt: Receipt): void;
  stamp(actor: Actor): string;
  /** Hands over what happened since the last call. */
  doings(): Doings;
  loaded(numbers: { dead: number; mail: number }): void;
}

export interface TurnOptions {
  ledger: Ledger;
  mailbox: Mailbox;
  actors: Actors;
  outbox: OutboxRows;
  timers: () => Timers;
  around: Surroundings;
  clock: Clock;
  log: Logger;
}

export function createTurn({ ledger, mailbox, actors, outbox, timers, around, clock, log }: TurnOptions): Turn {
  let deadNumber = 0;
  let mailNumber = 0;
  let doings: Doings = { acts: [], settled: [], touched: new Map() };

  const nowText = clockText(clock, 0);
  const until = clockText(clock, SEEN_MS);
  const isOutside = (item: Item): boolean => item.door === 'mail' || item.door === 'ask' || item.door === 'hook';

  /** Never before the actor's last step: `at` is the only clock a machine sees. */
  function stamp(actor: Actor): string {
    const now = nowText();
    const last = actor.stood?.live.state.at ?? '';
    return last > now ? last : now;
  }

  function take(actor: Actor, item: Item): void {
    if (repeat(actor, item)) {
      mailbox.shift(actor.address);
      return;
    }
    const door = item.door === 'mail' || item.door === 'ask' ? 'outside' : item.door === 'hook' ? 'trusted' : item.door;
    const decision = decide(
      {
        actor: actor.address,
        envelope: item.envelope,
        at: stamp(actor),
        door,
        ...(item.answerOf === undefined ? {} : { wish: item.answerOf.params, isOver: isOver(item.answerOf) }),
      },
      actor.stood,
      around,
    );
    mailbox.shift(actor.address);
    leave(actor, item);
    if (decision.step === null) reject(actor, item, decision.receipt);
    else write(actor, item, decision);
  }

  function repeat(actor: Actor, item: Item): boolean {
    const first = isOutside(item) ? receiptOfSeen(ledger.read, actor.address, item.envelope.id) : null;
    if (first === null) return false;
    leave(actor, item);
    ledger.after(() => item.settle({ ...first, duplicate: true }), item.fail);
    return true;
  }

  function leave(actor: Actor, item: Item): void {
    if (item.number !== null) ledger.del(KEYS.mail(actor.address, item.number));
    if (item.timer !== undefined) {
      timers().done(actor.address, item.timer.key, item.timer.due);
      ledger.del(KEYS.timer(item.timer.due, actor.address, item.timer.key));
    }
    if (item.answerOf !== undefined && !isOver(item.answerOf)) settle(item.answerOf);
    takeLetter(item);
  }

  const isOver = ({ key }: PendingAct): boolean => outbox.get(key) === undefined;

  function takeLetter(item: Item): void {
    item.letter?.cursor.take(item.letter.seq);
    delete item.letter;
  }

  function settle(pending: PendingAct): void {
    outbox.remove(pending.key);
    ledger.del(KEYS.outbox(pending.actor, pending.seq, pending.index));
    doings.settled.push(pending.key);
  }

  function remember(actor: string, id: string, receipt: Receipt): void {
    ledger.put(KEYS.seen(actor, id), JSON.stringify({ until: until(), receipt }));
  }

  function reject(actor: Actor, item: Item, receipt: Receipt): void {
    if (isOutside(item)) {
      remember(actor.address, item.envelope.id, receipt);
      bury(item.envelope, receipt);
    } else if (item.door === 'inside') {
      returnToTeller(item, receipt);
    }
    log.debug(
      { actor: actor.address, event: item.envelope.type, outcome: receipt.outcome, reason: receipt.reason },
      'not taken',
    );
    ledger.after(() => item.settle(receipt), item.fail);
    actors.used(actor);
  }

  function bury(envelope: unknown, receipt: Receipt): void {
    deadNumber += 1;
    const letter = { number: deadNumber, at: receipt.at, envelope, receipt };
    ledger.put(KEYS.dead(deadNumber), JSON.stringify(letter));
    const why = receipt.reason ?? receipt.outcome;
    const fact = kernelFact('letter.dead', receipt, `${receipt.actor} did not take ${receipt.id}: ${why}`);
    ledger.batch().facts.push(fact);
    ledger.batch().kernelFacts.push(fact);
  }

  function returnToTeller({ envelope }: Item, receipt: Receipt): void {
    // Whoever told it hears of it, but not of a word about his own word, and not in circles.
    if (envelope.type === 'mail.refused' || (envelope.hops ?? 0) > HOPS_MAX) {
      bury(envelope, receipt);
      return;
    }
    tell({
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
        ...(receipt.holder === undefined ? {} : { holder: receipt.holder }),
      },
      causationid: envelope.id,
      hops: (envelope.hops ?? 0) + 1,
    });
  }

  /** One actor's word to another: into the recipient's stored mailbox with the teller's own batch. */
  function tell(envelope: Envelope): void {
    mailNumber += 1;
    const text = JSON.stringify(envelope);
    ledger.put(KEYS.mail(envelope.subject, mailNumber), mailText('inside', text));
    mailbox.push(envelope.subject, {
      envelope,
      text,
      door: 'inside',
      bytes: text.length,
      number: mailNumber,
      acceptedMs: clock.now(),
      settle: () => {},
      fail: () => {},
    });
  }

  function write(actor: Actor, item: Item, decision: Stepped): void {
    const { receipt, step, projection } = decision;
    const { live } = step;
    const before = actor.stood;
    const seq = live.state.seq;
    const entry = entryOf(actor, item, decision);
    const text = encodeEntry(entry, item.text);
    ledger.put(KEYS.journal(actor.address, seq), text);
    ledger.batch().steps.push([actor.address, seq]);
    if (isOutside(item)) {
      ledger.put(KEYS.seen(actor.address, item.envelope.id), JSON.stringify({ until: until(), seq }));
    }
    writeClaims(actor.address, before?.live.state.claims ?? [], live.state.claims);
    writeTimers(actor.address, before?.live.state.timers ?? {}, live.state.timers);
    actors.stand(actor, { live, projection }, entry, text.length, ledger.batch());
    writeEffects(actor, item, decision);
    writeWatches(actor, decision.watches);
    ledger.batch().facts.push(stepFact(actor.address, seq, entry, receipt, before?.projection ?? null, projection));
    doings.touched.set(actor.address, decision.watches);
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
    ledger.after(() => item.settle(receipt), item.fail);
  }

  function writeClaims(address: string, before: string[], after: string[]): void {
    for (const claim of before) if (!after.includes(claim)) ledger.del(KEYS.claim(claim));
    for (const claim of after) if (!before.includes(claim)) ledger.put(KEYS.claim(claim), address);
  }

  function writeTimers(address: string, before: Record<string, ArmedTimer>, after: Record<string, ArmedTimer>): void {
    if (before === after) return;
    for (const [key, { due }] of Object.entries(before)) {
      if (after[key]?.due !== due) ledger.del(KEYS.timer(due, address, key));
    }
    for (const [key, { due, seq }] of Object.entries(after)) {
      if (before[key]?.due === due && before[key].seq === seq) continue;
      ledger.put(KEYS.timer(due, address, key), String(seq));
      ledger.after(() => timers().armed(due));
    }
  }

  function writeEffects(actor: Actor, item: Item, { receipt, step }: Stepped): void {
    const seq = step.live.state.seq;
    step.effects.forEach((effect, index) => {
      const key = `${actor.address}/${seq}/${index}`;
      switch (effect.kind) {
        case 'act': {
          const pending: PendingAct = {
            key,
            actor: actor.address,
            seq,
            index,
            act: effect.act,
            params: effect.params,
            wishedAt: receipt.at,
            attempted: false,
          };
          ledger.put(KEYS.outbox(actor.address, seq, index), '');
          outbox.add(pending);
          doings.acts.push(pending);
          break;
        }
        case 'cancel':
          for (const pending of outbox.cancellable(actor.address, effect.act)) {
            doings.acts = doings.acts.filter((other) => other !== pending);
            settle(pending);
          }
          break;
        case 'tell': {
          const envelope: Envelope = {
            specversion: '1.0',
            id: key,
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
          tell(envelope);
          break;
        }
      }
    });
  }

  function writeWatches(actor: Actor, watches: Record<string, Record<string, unknown>>): void {
    const stands = Object.keys(watches).length > 0;
    const row = KEYS.watching(actor.address);
    if (stands && !actor.watching) ledger.put(row, '');
    if (!stands && actor.watching) ledger.del(row);
    actor.watching = stands;
  }

  return {
    take,
    repeat,
    leave,
    store(actor, item) {
      if (item.number !== null || item.door === 'timer' || item.door === 'answer') return;
      mailNumber += 1;
      item.number = mailNumber;
      ledger.put(KEYS.mail(actor.address, item.number), mailText(item.door, item.text));
      takeLetter(item);
    },
    bury,
    remember,
    stamp,
    doings() {
      const done = doings;
      doings = { acts: [], settled: [], touched: new Map() };
      return done;
    },
    loaded(numbers) {
      deadNumber = numbers.dead;
      mailNumber = numbers.mail;
    },
  };
}

/** The time, `aheadMs` from now; many steps share a millisecond, and its text. */
function clockText(clock: Clock, aheadMs: number): () => string {
  let knownMs = Number.NaN;
  let known = '';
  return () => {
    const ms = clock.now();
    if (ms !== knownMs) [knownMs, known] = [ms, new Date(ms + aheadMs).toISOString()];
    return known;
  };
}

function entryOf(actor: Actor, item: Item, { receipt, step, projection, stored, known }: Stepped): JournalEntry {
  const before = actor.stood?.projection ?? null;
  const entry: JournalEntry = {
    envelope: item.envelope,
    at: receipt.at,
    version: step.live.state.version,
    outcome: step.outcome,
    change: step.change,
    effects: stored,
    stood: {
      phase: projection.phase,
      ...(before?.phase === projection.phase ? {} : { was: before?.phase ?? null }),
      from: before === null ? null : actor.marks.value,
      epoch: projection.epoch,
      owner: projection.owner,
      waitingOn:
        before !== null && isSameContent(before.waitingOn, projection.waitingOn)
          ? actor.marks.waitingOn
          : receipt.waitingOn,
      ...(projection.supervision === undefined || isSameContent(before?.supervision, projection.supervision)
        ? {}
        : { supervision: projection.supervision }),
    },
  };
  if (step.events.length !== 1 || step.events[0] !== item.envelope.type) entry.events = step.events;
  if (known !== undefined) entry.known = known;
  if (item.answerOf !== undefined) entry.wish = item.answerOf.params;
  if (item.timer !== undefined) entry.due = item.timer.due;
  return entry;
}

/**
 * Parking: a step that throws is a bug in a machine. The actor is held with its envelope and stack, its mail waits,
 * everything else goes on, until a person un-parks it. `unpark` is the kernel's own correction and passes the held
 * mailbox.
 */
import type { Logger } from '../log.ts';
import { KEYS } from '../store/keys.ts';
import { StoreError } from '../store/store.ts';
import type { Actor } from './actors.ts';
import { kernelFact } from './facts.ts';
import type { Ledger } from './ledger.ts';
import type { Item, Mailbox } from './mailbox.ts';
import { RECEIPT_WAITS_MAX } from './receipt.ts';
import type { Receipt } from './receipt.ts';
import type { Turn } from './turn.ts';

export interface Parking {
  park(actor: Actor, item: Item, error: Error): void;
  /** `data.skip` makes the envelope that parked it a dead letter. */
  unpark(actor: Actor, item: Item): void;
  /** The receipt of an unpark: it frees the actor, unless what is stored of it is damaged. */
  freed(actor: Actor, id: string): Receipt;
  refused(actor: Actor, id: string): Receipt;
  /** Answers what is not kept for an actor that is parked: what it was told before, or that nothing is taken now. */
  refuse(actor: Actor, item: Item): void;
  /** Puts an item into the stored mailbox of an actor that is parked. */
  keep(actor: Actor, item: Item): void;
  /** Tells, once for each damage, of an actor that was set aside since the store does not have it whole. */
  tellDamage(actor: Actor, damage: string): void;
}

interface ParkingOptions {
  ledger: Ledger;
  mailbox: Mailbox;
  turn: Turn;
  log: Logger;
}

export function createParking({ ledger, mailbox, turn, log }: ParkingOptions): Parking {
  function park(actor: Actor, item: Item, error: Error): void {
    if (error instanceof StoreError) {
      // No bug of the machine: what its step needs cannot be read, and who knows what else.
      ledger.end(error);
      return;
    }
    const at = turn.stamp(actor);
    log.error({ actor: actor.address, event: item.envelope.type, err: error }, 'a step failed: the actor is parked');
    actor.parked = {
      at,
      envelope: item.envelope.id,
      type: item.envelope.type,
      reason: error.message,
      stack: error.stack ?? '',
    };
    ledger.put(KEYS.parked(actor.address), JSON.stringify(actor.parked));
    // The poisonous envelope stays first in line; what was asked is answered, the rest is kept.
    for (const waiting of mailbox.drain(actor.address)) {
      if (waiting !== item && waiting.door === 'ask') {
        refuse(actor, waiting);
        continue;
      }
      keep(actor, waiting);
      mailbox.push(actor.address, waiting);
    }
    tell('actor.parked', actor, at, `${actor.address} is parked: ${error.message}`);
  }

  function refuse(actor: Actor, item: Item): void {
    if (isRepeated(actor, item)) return;
    turn.leave(actor, item);
    const receipt = refused(actor, item.envelope.id);
    turn.remember(actor.address, item.envelope.id, receipt);
    turn.bury(item.envelope, receipt);
    ledger.after(() => item.settle(receipt), item.fail);
  }

  function isRepeated(actor: Actor, item: Item): boolean {
    try {
      return turn.repeat(actor, item);
    } catch {
      // That it cannot be read is said of the actor once it has its turn again.
      return false;
    }
  }

  function keep(actor: Actor, item: Item): void {
    turn.store(actor, item);
    if (item.door !== 'hook') return;
    // Nobody waits for a person to come: it is durable, and what becomes of it is the kernel's to keep.
    const why = `${actor.address} is parked: it is kept, and taken when that one is unparked`;
    const receipt = standing(actor, item.envelope.id, 'recorded', null, why);
    ledger.after(() => item.settle(receipt), item.fail);
  }

  function tellDamage(actor: Actor, damage: string): void {
    const row = KEYS.damaged(actor.address);
    if (ledger.read(row) === damage) return;
    ledger.put(row, damage);
    tell('actor.parked', actor, turn.stamp(actor), `${actor.address} is left as it is: ${damage}`);
  }

  function unpark(actor: Actor, item: Item): void {
    if (actor.parked?.damaged === true) {
      item.letter?.cursor.take(item.letter.seq);
      const receipt = refused(actor, item.envelope.id);
      turn.remember(actor.address, item.envelope.id, receipt);
      ledger.after(() => item.settle(receipt), item.fail);
      return;
    }
    const at = turn.stamp(actor);
    const poison = actor.parked;
    ledger.del(KEYS.parked(actor.address));
    actor.parked = null;
    if (item.envelope.data['skip'] === true) {
      const skipped = takeOut(actor.address, poison?.envelope);
      if (skipped !== undefined) {
        turn.leave(actor, skipped);
        const why = `skipped by ${item.envelope.source}: ${poison?.reason ?? ''}`;
        const receipt = standing(actor, skipped.envelope.id, 'refused', 'parked', why);
        turn.remember(actor.address, skipped.envelope.id, receipt);
        turn.bury(skipped.envelope, receipt);
        ledger.after(() => skipped.settle(receipt), skipped.fail);
      }
    }
    tell('actor.unparked', actor, at, `${actor.address} was unparked by ${item.envelope.source}`);
    item.letter?.cursor.take(item.letter.seq);
    const receipt = freed(actor, item.envelope.id);
    turn.remember(actor.address, item.envelope.id, receipt);
    ledger.after(() => item.settle(receipt), item.fail);
    mailbox.wake(actor.address);
  }

  /** By its id: after a restart, what was told while it waited may stand before it. */
  function takeOut(address: string, id: string | undefined): Item | undefined {
    const items = mailbox.drain(address);
    const index = items.findIndex(({ envelope }) => envelope.id === id);
    const [out] = index < 0 ? [] : items.splice(index, 1);
    for (const item of items) mailbox.push(address, item);
    return out;
  }

  function tell(type: string, actor: Actor, at: string, summary: string): void {
    const seq = actor.stood?.live.state.seq ?? 0;
    const fact = kernelFact(type, { actor: actor.address, id: '', outcome: 'recorded', at, seq }, summary);
    ledger.batch().facts.push(fact);
    ledger.batch().kernelFacts.push(fact);
  }

  function refused(actor: Actor, id: string): Receipt {
    const { at = 'now', reason = '', damaged = false } = actor.parked ?? {};
    const why = damaged
      ? `${actor.address} is left as it is: ${reason}; only a backup has it whole: chartroom restore-store`
      : `${actor.address} is parked since ${at}: ${reason}; see: chartroom correct ${actor.address} unpark`;
    return standing(actor, id, 'refused', 'parked', why);
  }

  function freed(actor: Actor, id: string): Receipt {
    return actor.parked?.damaged === true ? refused(actor, id) : standing(actor, id, 'taken', null, null);
  }

  function standing(
    actor: Actor,
    id: string,
    outcome: Receipt['outcome'],
    code: Receipt['code'],
    reason: string | null,
  ): Receipt {
    const { stood } = actor;
    const still = stood === null ? null : { value: stood.live.state.value, phase: stood.projection.phase };
    return {
      id,
      actor: actor.address,
      outcome,
      seq: null,
      epoch: stood?.projection.epoch ?? null,
      before: still,
      after: still,
      effects: [],
      waitingOn: stood?.projection.waitingOn.slice(0, RECEIPT_WAITS_MAX) ?? [],
      code,
      reason,
      duplicate: false,
      at: turn.stamp(actor),
    };
  }

  return { park, unpark, freed, refused, refuse, keep, tellDamage };
}

/**
 * Caution after a crash: a step that kills the process (out of memory, an endless loop somebody ended) cannot be
 * caught, and would kill it at every start. So a node whose last life was not ended takes its first steps one by one,
 * each behind a durable mark that leaves with the step's own batch. A mark that is still there names the step in
 * which an earlier start ended; after two of them the envelope is poison, and its actor is parked.
 */
import { Bug } from '../errors.ts';
import { KEYS, SPACES } from '../store/keys.ts';
import type { Store } from '../store/store.ts';
import type { Actors } from './actors.ts';
import { BATCH_STEPS_MAX } from './batch.ts';
import type { Ledger } from './ledger.ts';
import type { Item, Mailbox } from './mailbox.ts';
import type { Parking } from './parking.ts';
import type { Turn } from './turn.ts';

/** What a crash costs is at most one batch on its way and one being filled: the step it happened in is among these. */
const CAREFUL_STEPS = 2 * BATCH_STEPS_MAX;
/** One start may end in a step by chance (somebody killed it there); two in the same one are no chance. */
const STARTS_MAX = 2;

const LIVING = KEYS.meta('living');

/** One life of the process with its store. */
export interface Life {
  /** The life before this one was never ended. */
  followsCrash: boolean;
  /** All is at rest: the next start has nothing to fear. */
  end(): Promise<void>;
}

/** To be called before the node is loaded. */
export async function beginLife(store: Store): Promise<Life> {
  const followsCrash = store.get(LIVING) !== undefined;
  if (!followsCrash) await store.write([{ put: LIVING, value: '' }]);
  return { followsCrash, end: () => store.write([{ del: LIVING }]) };
}

export interface Caution {
  isOn(): boolean;
  /** With nothing on its way to the disk: marks the next step, or takes the one that is marked. */
  advance(): void;
  /** Marks of envelopes that never came again are of no use to a start without fear. */
  load(store: Store): Promise<void>;
}

interface CautionOptions {
  followsCrash: boolean;
  ledger: Ledger;
  mailbox: Mailbox;
  actors: Actors;
  turn: Turn;
  parking: Parking;
}

export function createCaution({ followsCrash, ledger, mailbox, actors, turn, parking }: CautionOptions): Caution {
  let left = followsCrash ? CAREFUL_STEPS : 0;
  let marked: Item | null = null;

  function advance(): void {
    const address = mailbox.first();
    if (address === undefined) return;
    const actor = actors.get(address);
    const item = mailbox.peek(address);
    if (actor.parked === null && item !== undefined) {
      const mark = KEYS.stepping(address, item.envelope.id);
      const starts = Number(ledger.read(mark) ?? 0);
      if (marked !== item && starts < STARTS_MAX) {
        ledger.put(mark, String(starts + 1));
        marked = item;
        return;
      }
      left -= 1;
      ledger.del(mark);
      try {
        if (marked !== item) throw poison(item, starts);
        turn.take(actor, item);
      } catch (error) {
        parking.park(actor, item, error as Error);
      }
      marked = null;
    }
    mailbox.next();
    mailbox.yield(address, actor.parked !== null);
  }

  return {
    isOn: () => left > 0,
    advance,
    async load(store) {
      if (followsCrash) return;
      for await (const [key] of store.scan(SPACES.stepping)) ledger.del(key);
    },
  };
}

const poison = ({ envelope }: Item, starts: number): Bug =>
  new Bug(`poison: the process ended in the step of ${envelope.type} (${envelope.id}) at ${starts} starts in a row`);

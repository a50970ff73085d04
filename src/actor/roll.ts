/**
 * The roll: where every actor stands in the list, kept in memory so that a portion costs what it holds and not what
 * there is. Of each only what orders and counts it; all else is read from its index row when it is shown. It is read
 * from the store when it is first asked for, and from then on told who took a step.
 */
import type { WaitingOn } from '../../machines/contract.ts';
import { KEYS, SPACES, keyParts } from '../store/keys.ts';
import type { Store } from '../store/store.ts';
import { readIndex } from './actors.ts';
import type { IndexRow } from './actors.ts';

export interface Place {
  address: string;
  phase: string;
  /** Since when the oldest gate waits that needs a person. */
  since: string;
}

export interface Roll {
  /** All, whom a person has kept waiting longest first, then by address. Not to be changed. */
  sorted(): Promise<readonly Place[]>;
  /** This actor's row may say something else now. */
  stepped(address: string): void;
}

/** Later than any time: nobody is needed. */
const NEVER = '~';

export function createRoll(store: Pick<Store, 'get' | 'scan'>): Roll {
  const places = new Map<string, Place>();
  let order: Place[] = [];
  let reading: Promise<void> | null = null;
  const stepped = new Set<string>();

  async function readAll(): Promise<void> {
    for await (const [key, text] of store.scan(SPACES.index)) {
      const place = placeOf(readIndex(text, keyParts(key, 1)[0]!));
      places.set(place.address, place);
    }
    order = [...places.values()].sort(compare);
  }

  /** Takes those that moved out of the order and puts them in where they belong now. */
  function follow(): void {
    if (stepped.size === 0) return;
    const moved: Place[] = [];
    const gone = new Set<Place>();
    for (const address of stepped) {
      const before = places.get(address);
      const text = store.get(KEYS.index(address));
      // A letter to nobody is told as a step too.
      if (text === undefined) continue;
      const place = placeOf(readIndex(text, address));
      if (before?.since === place.since) {
        before.phase = place.phase;
        continue;
      }
      if (before !== undefined) gone.add(before);
      places.set(address, place);
      moved.push(place);
    }
    stepped.clear();
    if (moved.length > 0) order = merged(gone.size === 0 ? order : order.filter((place) => !gone.has(place)), moved);
  }

  return {
    async sorted() {
      reading ??= readAll();
      await reading;
      follow();
      return order;
    },
    stepped(address) {
      // Before it is first read nobody needs to know.
      if (reading !== null) stepped.add(address);
    },
  };
}

export const placeOf = (row: IndexRow): Place => ({
  address: row.address,
  phase: row.phase,
  since: neededSince(row),
});

const needsPerson = (wait: WaitingOn): boolean => wait.on === null || wait.on.startsWith('person/');

function neededSince({ waitingOn }: Pick<IndexRow, 'waitingOn'>): string {
  let oldest = NEVER;
  for (const wait of waitingOn) if (wait.since < oldest && needsPerson(wait)) oldest = wait.since;
  return oldest;
}

export function compare(a: Pick<Place, 'since' | 'address'>, b: Pick<Place, 'since' | 'address'>): number {
  if (a.since !== b.since) return a.since < b.since ? -1 : 1;
  return a.address === b.address ? 0 : a.address < b.address ? -1 : 1;
}

function merged(order: readonly Place[], moved: Place[]): Place[] {
  moved.sort(compare);
  const all: Place[] = [];
  let next = 0;
  for (const place of order) {
    while (next < moved.length && compare(moved[next]!, place) < 0) all.push(moved[next++]!);
    all.push(place);
  }
  return [...all, ...moved.slice(next)];
}

/** A place as text, so that a list goes on behind it whatever became of the actor that stood there. */
export const cursorOf = ({ since, address }: Place): string => `${since} ${address}`;

/** null: it is no cursor of ours. */
export function cursorFrom(text: string): Pick<Place, 'since' | 'address'> | null {
  const found = /^(\S+) ([a-z][a-z0-9_-]*\/[a-z0-9][a-z0-9_-]*)$/.exec(text);
  return found === null ? null : { since: found[1]!, address: found[2]! };
}

/** Index of the first place behind a cursor. */
export function behind(order: readonly Place[], cursor: Pick<Place, 'since' | 'address'>): number {
  let [low, high] = [0, order.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (compare(order[middle]!, cursor) <= 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

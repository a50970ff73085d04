/**
 * One life of the process: the store, the bus and the clock as the kernel sees them, each passing a numbered point
 * before and after everything that reaches the world outside. At the point of its death the world stops for it: nothing
 * it does later is seen by anybody, and nothing it waits for ever comes. All that runs between two points only changes
 * the memory of the process, so dying anywhere between them is the same as dying at the next.
 */
import type { Bus } from '../../src/bus/bus.ts';
import type { Clock } from '../../src/clock.ts';
import { StoreError } from '../../src/store/store.ts';
import type { Operation, Store } from '../../src/store/store.ts';
import type { Disk } from './disk.ts';

/** What becomes of the write that is under way when the process dies. */
export type Fate = 'lost' | 'happened';

/** `point` counts from 1 within one life. `fails`: the store refuses the first write from there on, and the process must end. */
export interface Death {
  point: number;
  fate: Fate;
  fails: boolean;
}

/** A point that was passed, and what dying there may mean. */
export interface Point {
  point: number;
  what: string;
  inFlight: boolean;
  isWrite: boolean;
}

/** Told what leaves the process, at the moment it leaves. */
export interface Witness {
  published(body: string): void;
  replied(body: string): void;
}

export interface Life {
  store: Store;
  bus: Bus;
  clock: Clock;
  /** Passes a point; false = the process is dead and the caller must not go on. */
  pass(what: string): boolean;
  /** Passes one point before and one after something outside; never resolves for a dead process. */
  reach<T>(what: string, happen: () => T | Promise<T>): Promise<T>;
  /** Ends it here, at no numbered point: what was planned has come. */
  end(why: string): void;
  isDead(): boolean;
  died: Promise<void>;
  points(): readonly Point[];
  /** Anything at all that it did: while this moves it is not at rest. */
  activity(): number;
  isWriting(): boolean;
}

interface LifeOptions {
  disk: Disk;
  bus: Bus;
  clock: Clock;
  death: Death | null;
  witness: Witness;
  tell: (line: string) => void;
}

/** Of the event loop: a slow disk lets the kernel run ahead of it. */
const WRITE_TURNS = [1, 3, 2, 5];

const never = <T>(): Promise<T> => new Promise<T>(() => {});
export const turn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

export function startLife({ disk, bus, clock, death, witness, tell }: LifeOptions): Life {
  const points: Point[] = [];
  let dead = false;
  let activity = 0;
  let writes = 0;
  let inFlight: readonly Operation[] | null = null;
  let poisoned = false;
  let announce: () => void = () => {};
  const died = new Promise<void>((resolve) => {
    announce = resolve;
  });

  function end(why: string): void {
    if (dead) return;
    dead = true;
    const fate =
      inFlight === null ? '' : ` (the write under way ${death?.fate === 'happened' ? 'happened' : 'is lost'})`;
    if (inFlight !== null && death?.fate === 'happened') disk.apply(inFlight);
    inFlight = null;
    tell(`✗ the process dies: ${why}${fate}`);
    void bus.close();
    announce();
  }

  function pass(what: string): boolean {
    if (dead) return false;
    activity += 1;
    points.push({ point: points.length + 1, what, inFlight: inFlight !== null, isWrite: what.startsWith('write ') });
    tell(`  ${points.length} ${what}`);
    if (death !== null && !death.fails && points.length === death.point) end(`at ${what}`);
    return !dead;
  }

  async function reach<T>(what: string, happen: () => T | Promise<T>): Promise<T> {
    if (!pass(what)) return never();
    const result = await happen();
    return pass(`done: ${what}`) ? result : never();
  }

  const store: Store = {
    get(key) {
      activity += 1;
      return disk.get(key);
    },
    async *scan(range) {
      const entries = disk.entries(range);
      if (!pass(`scan ${range.gte ?? ''}`)) await never();
      for (const entry of entries) {
        await Promise.resolve();
        if (dead) await never();
        yield entry;
      }
    },
    async write(operations) {
      const what = `write ${writtenRows(operations)}`;
      if (!pass(what)) return never();
      const fails = death?.fails === true && points.length >= death.point;
      if (poisoned) throw new StoreError('STORE_POISONED', 'an earlier write failed');
      inFlight = operations;
      for (let turns = WRITE_TURNS[writes++ % WRITE_TURNS.length]!; turns > 0 && !dead; turns--) await turn();
      if (dead) return never();
      inFlight = null;
      if (fails) {
        poisoned = true;
        if (death.fate === 'happened') disk.apply(operations);
        tell(
          `✗ the write fails, and ${death.fate === 'happened' ? 'is on the disk all the same' : 'nothing is written'}`,
        );
        throw new StoreError('STORE_FAILED', 'no space left on device');
      }
      disk.apply(operations);
      if (!pass('written')) return never();
    },
    snapshot: () => disk.store().snapshot(),
    size: async () => 0,
    close: async () => {},
  };

  const guarded: Bus = {
    ...bus,
    async read(stream, after, options) {
      if (!pass(`read ${stream} behind ${after}`)) return never();
      const letters = await bus.read(stream, after, options).catch((error: unknown) => {
        if (dead) return never<[]>();
        throw error;
      });
      return pass(`${letters.length} letters of ${stream}`) ? letters : never();
    },
    last: (stream) => reach(`look at the end of ${stream}`, () => bus.last(stream)),
    identify: (stream) => reach(`identify ${stream}`, () => bus.identify(stream)),
    async publishAll(stream, messages) {
      // One by one: a crash may come between any two of them.
      for (const message of messages) {
        if (!pass(`publish ${message.subject}`)) return never();
        witness.published(message.body);
        await bus.publishAll(stream, [message]);
      }
      if (!pass('published')) return never();
    },
    reply(inbox, body) {
      if (!pass('reply with a receipt')) return;
      witness.replied(body);
      bus.reply(inbox, body);
      pass('replied');
    },
  };

  return {
    store,
    bus: guarded,
    clock: {
      now: () => clock.now(),
      after: (ms, call) =>
        clock.after(ms, () => {
          if (!dead && pass('the clock calls')) call();
        }),
    },
    pass,
    reach,
    end,
    isDead: () => dead,
    died,
    points: () => points,
    activity: () => activity,
    isWriting: () => inFlight !== null,
  };
}

/** What a batch is about, for people: its journal entries, or the kinds of rows it has. */
function writtenRows(operations: readonly Operation[]): string {
  const rows = operations.map((operation) => {
    const [, space, ...rest] = ('put' in operation ? operation.put : operation.del).split('!');
    const sign = 'put' in operation ? '' : '-';
    return space === 'journal' ? rest.map((part) => part.replace(/^0+(?=\d)/, '')).join(' ') : `${sign}${space}`;
  });
  const kinds = [...new Set(rows)].filter((row) => !['batch', 'index', 'seen', 'meta'].includes(row));
  const batch = operations.findLast((operation) => 'put' in operation && operation.put.includes('!batch!'));
  const number = batch !== undefined && 'put' in batch ? Number(batch.put.split('!')[2]) : 0;
  return `batch ${number}: ${kinds.join(', ') || 'position'}`;
}

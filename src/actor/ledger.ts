/**
 * The ledger: the batch being filled, the one being written, and the store behind them. Reads see all three, since
 * writes land in order or not at all; what leaves the process waits for its batch. The first write that fails ends
 * everything: what the disk holds is no longer known.
 */
import type { Clock } from '../clock.ts';
import { KEYS } from '../store/keys.ts';
import type { Store } from '../store/store.ts';
import { BATCH_BYTES_MAX, BATCH_MS_MAX, BATCH_STEPS_MAX, del, isEmpty, openBatch, put, seal } from './batch.ts';
import type { Batch } from './batch.ts';
import { storedPosition } from './cursor.ts';
import type { Cursor } from './cursor.ts';

export interface Ledger {
  /** The batch being filled. */
  batch(): Batch;
  put(key: string, value: string): void;
  /** Removes a row; one of this very batch never reaches the disk. */
  del(key: string): void;
  /** Runs once everything put so far is durable; `fail` when it never will be. */
  after(run: () => void, fail?: (error: Error) => void): void;
  read(key: string): string | undefined;
  isFull(): boolean;
  isEmpty(): boolean;
  isFlying(): boolean;
  /** Writes the open batch if no other write is in flight and there is something in it. */
  fly(): void;
  /** Positions of streams that each batch writes. */
  follow(stream: string, cursor: Cursor, identity: string): void;
  /** Starts behind the last batch of the store. */
  load(): void;
  dead(): Error | null;
  /** Nothing is written any more: the store cannot be relied on. */
  end(error: Error): void;
  failed: Promise<never>;
}

interface LedgerOptions {
  store: Store;
  clock: Clock;
  /** Called when a batch is closed; what it returns is called when it has landed. */
  onSeal: (batch: Batch) => () => void;
  /** A write has landed: whoever waits may go on. */
  onLanded: () => void;
  onDeath: (error: Error) => void;
  /** Whether the namespace may be another's by now: nothing is written and nothing told until that is known. */
  lapse?: () => Promise<void> | null;
  /** Steps after which a batch is closed. */
  stepsMax?: number;
}

export function createLedger({
  store,
  clock,
  onSeal,
  onLanded,
  onDeath,
  lapse = () => null,
  stepsMax = BATCH_STEPS_MAX,
}: LedgerOptions): Ledger {
  const cursors = new Map<string, { cursor: Cursor; identity: string; written: number }>();
  let open: Batch = openBatch(1, clock.now());
  let flying: Batch | null = null;
  let lastHash = '';
  let dead: Error | null = null;
  let isHeld = false;
  let fail: (error: Error) => void = () => {};
  const failed = new Promise<never>((_resolve, reject) => {
    fail = reject;
  });
  failed.catch(() => {});

  function writePositions(): void {
    for (const [name, stream] of cursors) {
      const position = stream.cursor.position();
      if (position === stream.written) continue;
      stream.written = position;
      put(open, KEYS.meta(`position!${name}`), JSON.stringify(storedPosition(position, stream)));
    }
  }

  function fly(): void {
    if (flying !== null || dead !== null || isHeld) return;
    writePositions();
    if (isEmpty(open)) return;
    whenOurs(write);
  }

  /** At once, unless a lease has lapsed. */
  function whenOurs(go: () => void): void {
    const lapsed = lapse();
    if (lapsed === null) {
      go();
      return;
    }
    isHeld = true;
    lapsed.then(() => {
      isHeld = false;
      if (dead === null) whenOurs(go);
    }, die);
  }

  function write(): void {
    // Held back, the batch took more steps: their positions belong to it.
    writePositions();
    const writing = open;
    const land = onSeal(writing);
    if (writing.writes.size === 0) {
      // Only duplicates and questions: what they wait for is durable already.
      open = openBatch(writing.number, clock.now());
      for (const run of writing.after) run();
      onLanded();
      return;
    }
    flying = writing;
    open = openBatch(writing.number + 1, clock.now());
    const { operations, hash } = seal(writing, lastHash, new Date(clock.now()).toISOString());
    lastHash = hash;
    const landed = (): void => {
      flying = null;
      for (const run of writing.after) run();
      land();
      onLanded();
    };
    store.write(operations).then(() => whenOurs(landed), die);
  }

  function die(error: Error): void {
    if (dead !== null) return;
    dead = error;
    onDeath(error);
    for (const batch of [flying, open]) for (const tell of batch?.failures ?? []) tell(error);
    fail(error);
  }

  return {
    batch: () => open,
    put: (key, value) => put(open, key, value),
    del(key) {
      // Only of a row put in this very batch it matters whether there was one before.
      const isOld = !open.writes.has(key) || flying?.writes.has(key) === true || store.get(key) !== undefined;
      del(open, key, isOld);
    },
    after(run, failing) {
      open.after.push(run);
      if (failing !== undefined) open.failures.push(failing);
    },
    read(key) {
      for (const layer of [open, flying]) {
        const value = layer?.writes.get(key);
        if (value !== undefined) return value ?? undefined;
      }
      return store.get(key);
    },
    isFull() {
      if (open.steps.length === 0 && isEmpty(open)) open.startedMs = clock.now();
      return (
        open.steps.length >= stepsMax ||
        open.bytes >= BATCH_BYTES_MAX ||
        // While a write is in flight this one cannot begin: it may as well be filled.
        (flying === null && clock.now() - open.startedMs >= BATCH_MS_MAX)
      );
    },
    isEmpty: () => isEmpty(open),
    isFlying: () => flying !== null || isHeld,
    fly,
    follow: (stream, cursor, identity) => void cursors.set(stream, { cursor, identity, written: -1 }),
    load() {
      const last = store.get(KEYS.meta('last'));
      if (last === undefined) return;
      const { number, hash } = JSON.parse(last) as { number: number; hash: string };
      open = openBatch(number + 1, clock.now());
      lastHash = hash;
    },
    dead: () => dead,
    end: die,
    failed,
  };
}

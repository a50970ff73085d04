/**
 * One runtime per namespace: a row on the bus names the store that has it, renewed while the runtime lives. A second
 * runtime with another store refuses to start, until the row is stale or a person forces it. The store itself can be
 * open only once, so a row with our own store's id is that of our own earlier life.
 *
 * A runtime that did not run for a while (suspended, a machine that slept) may have lost the namespace without a word.
 * So it asks the clock before anything leaves it: once its lease has lapsed, it waits until the row is renewed or is
 * found to be another's. While it runs and only the bus is away, it goes on.
 */
import { z } from 'zod';
import type { Clock } from '../clock.ts';
import { TerminalError } from '../errors.ts';
import type { Logger } from '../log.ts';
import { BusError } from './bus.ts';
import type { Bus, BusRow } from './bus.ts';

/** A row not renewed for this long is that of a runtime that died, or has lost the bus for as long. */
const STALE_MS = 30_000;
const RENEW_MS = 10_000;
/** Not confirmed for this long it may be stale for others soon: theirs is another clock. */
const LAPSE_MS = 25_000;
/** Between two tries to confirm a lapsed one: everything waits for it. */
const RETRY_MS = 1_000;
const KEY = 'runtime';

const leaseRow = z.object({
  store: z.string(),
  /** For people: host, pid, start. */
  holder: z.string(),
  /** By the holder's clock; 0 = given back. */
  renewedAtMs: z.number(),
});
type LeaseRow = z.infer<typeof leaseRow>;

export interface LeaseOptions {
  bus: Pick<Bus, 'getRow' | 'putRow' | 'onStatus'>;
  clock: Clock;
  log: Logger;
  /** Identity of the store, kept in it. */
  storeId: string;
  /** Shown to whoever finds the namespace taken, e.g. `build-7, process 4711`. */
  holder: string;
  /** Take it even from a runtime that lives; that one is told at its next renewal. */
  force?: boolean;
  /** Somebody else has it: this runtime must stop. */
  onLost: (error: TerminalError) => void;
}

/** null: what is to be done may be done. Else it resolves when that is so again, and rejects when it never will be. */
export type Lapse = () => Promise<void> | null;

export interface Lease {
  lapse: Lapse;
  /** We end: what waits for a lapsed lease is not done any more. */
  abandon(): void;
  /** Gives it back, so that the next runtime need not wait. */
  release(): Promise<void>;
}

/** @throws TerminalError `LEASE_HELD`, naming the holder; BusError */
export async function acquireLease({ bus, clock, log, storeId, holder, force, onLost }: LeaseOptions): Promise<Lease> {
  let cancel = (): void => {};
  let released = false;
  let renewing: Promise<void> | null = null;
  let confirmedMs = clock.now();
  /** When the row was last ours, or the bus was away while we ran. */
  let seenMs = confirmedMs;
  let lapsed: { promise: Promise<void>; resolve: () => void; reject: (error: Error) => void } | null = null;
  let over: Error | null = null;

  const hasLapsed = (): boolean => clock.now() - seenMs >= LAPSE_MS;

  const rowNow = (renewedAtMs = clock.now()): string =>
    JSON.stringify({ store: storeId, holder, renewedAtMs } satisfies LeaseRow);

  async function take(): Promise<number> {
    for (;;) {
      const present = await bus.getRow(KEY);
      const row = parse(present);
      if (row !== null && row.store !== storeId && force !== true) {
        const ageMs = clock.now() - row.renewedAtMs;
        if (ageMs < STALE_MS) throw held(row, ageMs);
        if (row.renewedAtMs > 0) log.warn({ holder: row.holder, ageMs }, 'the runtime that had this namespace is gone');
      }
      const written = await bus.putRow(KEY, rowNow(), present?.revision ?? 0);
      // Somebody wrote in between: look again who it was.
      if (written !== null) return written;
    }
  }

  confirmedMs = seenMs = clock.now();
  let revision = await take();
  renewLater();
  bus.onStatus((status) => {
    // Nothing of ours left while it was away for so long: whoever came back sooner may have taken it.
    if (status !== 'connected' || clock.now() - confirmedMs < LAPSE_MS) return;
    seenMs = confirmedMs;
    renewNow();
  });

  function renewLater(): void {
    cancel();
    cancel = clock.after(lapsed === null ? RENEW_MS : RETRY_MS, renewNow);
  }

  function renewNow(): void {
    if (renewing !== null || released || over !== null) return;
    cancel();
    renewing = renew()
      .catch((error: unknown) => {
        if (!(error instanceof BusError)) throw error;
        log.debug({ err: error.message }, 'the lease could not be renewed; it is tried again');
        if (!hasLapsed()) seenMs = clock.now();
        return true;
      })
      .then((isOurs) => {
        renewing = null;
        if (!isOurs || released) return;
        if (hasLapsed()) void lapse();
        else settle();
        renewLater();
      });
  }

  /** @returns whether it is still ours */
  async function renew(): Promise<boolean> {
    const begunMs = clock.now();
    const written = await bus.putRow(KEY, rowNow(), revision);
    if (written !== null) {
      revision = written;
      confirmedMs = seenMs = begunMs;
      return true;
    }
    const present = await bus.getRow(KEY);
    const row = parse(present);
    // Our own write whose answer was lost, or a bus that came back empty.
    if (row === null || (row.store === storeId && row.holder === holder)) {
      revision = present?.revision ?? 0;
      return renew();
    }
    log.error({ holder: row.holder }, 'another runtime has taken this namespace');
    const error = lost(row.holder);
    end(error);
    onLost(error);
    return false;
  }

  function lapse(): Promise<void> | null {
    if (lapsed === null) {
      if (over === null && !hasLapsed()) return null;
      if (over === null)
        log.warn(
          {},
          'this runtime did not run for a while: nothing leaves it until the namespace is found to be its own',
        );
      let resolve = (): void => {};
      let reject: (error: Error) => void = () => {};
      const promise = new Promise<void>((yes, no) => {
        resolve = yes;
        reject = no;
      });
      promise.catch(() => {});
      lapsed = { promise, resolve, reject };
      if (over === null) renewNow();
      else reject(over);
    }
    return lapsed.promise;
  }

  function settle(): void {
    lapsed?.resolve();
    lapsed = null;
  }

  function end(error: Error): void {
    over ??= error;
    lapsed?.reject(error);
  }

  return {
    lapse,
    abandon() {
      if (lapse() !== null) end(new TerminalError('LEASE_LAPSED', 'it ended while its namespace may be another’s'));
    },
    async release() {
      released = true;
      cancel();
      await renewing;
      await bus.putRow(KEY, rowNow(0), revision).catch(() => {});
    },
  };
}

function parse(row: BusRow | null): LeaseRow | null {
  if (row === null) return null;
  try {
    return leaseRow.parse(JSON.parse(row.value));
  } catch {
    return null;
  }
}

const lost = (holder: string): TerminalError =>
  new TerminalError('LEASE_LOST', `another runtime has taken this namespace: ${holder}`);

function held(row: LeaseRow, ageMs: number): TerminalError {
  const seconds = Math.max(Math.round(ageMs / 1_000), 0);
  return new TerminalError(
    'LEASE_HELD',
    `another runtime has this namespace: ${row.holder}, with another store, last heard of ${seconds} s ago; stop it, or choose another namespace`,
  );
}

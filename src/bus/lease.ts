/**
 * One runtime per namespace: a row on the bus names the store that has it, renewed while the runtime lives. A second
 * runtime with another store refuses to start, until the row is stale or a person forces it. The store itself can be
 * open only once, so a row with our own store's id is that of our own earlier life.
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
  bus: Pick<Bus, 'getRow' | 'putRow'>;
  clock: Clock;
  log: Logger;
  /** Identity of the store, kept in it. */
  storeId: string;
  /** Shown to whoever finds the namespace taken, e.g. `build-7, process 4711`. */
  holder: string;
  /** Take it even from a runtime that lives; that one is told at its next renewal. */
  force?: boolean;
  /** Somebody else has it: this runtime must stop. */
  onLost: (holder: string) => void;
}

export interface Lease {
  /** Gives it back, so that the next runtime need not wait. */
  release(): Promise<void>;
}

/** @throws TerminalError `LEASE_HELD`, naming the holder; BusError */
export async function acquireLease({ bus, clock, log, storeId, holder, force, onLost }: LeaseOptions): Promise<Lease> {
  let cancel = (): void => {};
  let released = false;
  let renewing: Promise<void> | null = null;

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

  let revision = await take();
  renewLater();

  function renewLater(): void {
    cancel = clock.after(RENEW_MS, () => {
      renewing = renew()
        .catch((error: unknown) => {
          if (!(error instanceof BusError)) throw error;
          log.debug({ err: error.message }, 'the lease could not be renewed; it is tried again');
          return true;
        })
        .then((isOurs) => {
          renewing = null;
          if (isOurs && !released) renewLater();
        });
    });
  }

  /** @returns whether it is still ours */
  async function renew(): Promise<boolean> {
    const written = await bus.putRow(KEY, rowNow(), revision);
    if (written !== null) {
      revision = written;
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
    onLost(row.holder);
    return false;
  }

  return {
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

function held(row: LeaseRow, ageMs: number): TerminalError {
  const seconds = Math.max(Math.round(ageMs / 1_000), 0);
  return new TerminalError(
    'LEASE_HELD',
    `another runtime has this namespace: ${row.holder}, with another store, last heard of ${seconds} s ago; stop it, or choose another namespace`,
  );
}

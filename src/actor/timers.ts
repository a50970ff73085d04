/**
 * Durable timers. The rows lie in the store in order of due time; here is one wake-up for the nearest, never longer
 * than an hour (`setTimeout` overflows at 24.8 days). A timer's row leaves in the batch of the step it causes, so one
 * that was due while the process was down fires once after start.
 */
import type { Clock } from '../clock.ts';
import { SPACES, keyParts } from '../store/keys.ts';
import type { Store } from '../store/store.ts';

const WAKE_MS_MAX = 3_600_000;
/** After a long stop many are due at once: they are taken in portions, so that mail has its turn between them. */
const PORTION = 200;

export interface Timers {
  start(): void;
  stop(): void;
  /** A timer due then was committed. */
  armed(due: string): void;
  /** It was stepped, or is a leftover. */
  done(address: string, key: string, due: string): void;
  /** It is not fired and keeps its row: nobody can take it. */
  leave(address: string, key: string, due: string): void;
  /** Milliseconds the oldest due timer is late, 0 = none. */
  lateMs(): number;
}

interface TimersOptions {
  store: Store;
  clock: Clock;
  fire: (address: string, key: string, due: string, seq: number) => void;
  /** The store could not be read. */
  onFailure: (error: Error) => void;
}

export function createTimers({ store, clock, fire, onFailure }: TimersOptions): Timers {
  /** Fired and not yet stepped: not to be fired again by the next look. */
  const fired = new Set<string>();
  const left = new Set<string>();
  let started = false;
  let cancel = (): void => {};
  let nextDue = '';
  let looking = false;
  let lookAgain = false;
  let firstDue: string | null = null;

  const iso = (ms: number): string => new Date(ms).toISOString();

  function wakeAt(due: string): void {
    if (!started) return;
    if (nextDue !== '' && nextDue <= due) return;
    cancel();
    nextDue = due;
    const ms = Math.min(Math.max(0, Date.parse(due) - clock.now()), WAKE_MS_MAX);
    cancel = clock.after(ms, () => {
      nextDue = '';
      look().catch(onFailure);
    });
  }

  /** Fires what is due and sleeps until the next. */
  async function look(): Promise<void> {
    if (looking) {
      lookAgain = true;
      return;
    }
    looking = true;
    const now = iso(clock.now());
    let count = 0;
    let next: string | null = null;
    firstDue = null;
    for await (const [key, value] of store.scan(SPACES.timer)) {
      if (!started) break;
      const [due, address, name] = keyParts(key, 3) as [string, string, string];
      const id = `${due}!${address}!${name}`;
      if (due > now || count >= PORTION) {
        next = due;
        break;
      }
      if (left.has(id)) continue;
      firstDue ??= due;
      if (fired.has(id)) continue;
      fired.add(id);
      count += 1;
      fire(address, name, due, Number(value));
    }
    looking = false;
    if (lookAgain) {
      lookAgain = false;
      look().catch(onFailure);
      return;
    }
    if (next !== null) wakeAt(next);
  }

  return {
    start() {
      started = true;
      look().catch(onFailure);
    },
    stop() {
      started = false;
      cancel();
      nextDue = '';
    },
    armed: wakeAt,
    done: (address, key, due) => void fired.delete(`${due}!${address}!${key}`),
    leave(address, key, due) {
      const id = `${due}!${address}!${key}`;
      fired.delete(id);
      left.add(id);
    },
    lateMs: () => (firstDue === null || fired.size === 0 ? 0 : Math.max(0, clock.now() - Date.parse(firstDue))),
  };
}

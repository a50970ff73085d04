/** The page's second hand: one timer for all ages and countdowns on the screen, none when there are none. */
import type { Clock } from '../../../clock.ts';

export interface Ticker {
  nowMs(): number;
  /** Told every second. */
  subscribe(tell: () => void): () => void;
}

const TICK_MS = 1_000;

export function createTicker(clock: Clock): Ticker {
  const listeners = new Set<() => void>();
  let cancel = (): void => {};
  const tick = (): void => {
    cancel = clock.after(TICK_MS, tick);
    for (const tell of listeners) tell();
  };
  return {
    nowMs: () => clock.now(),
    subscribe(tell) {
      if (listeners.size === 0) cancel = clock.after(TICK_MS, tick);
      listeners.add(tell);
      return () => {
        listeners.delete(tell);
        if (listeners.size === 0) cancel();
      };
    },
  };
}

/** A clock that shows one moment for ever. */
export const stoppedAt = (ms: number): Ticker => ({ nowMs: () => ms, subscribe: () => () => {} });

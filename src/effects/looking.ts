/**
 * The rhythm of a watch that polls: at once at the start and when poked, then on a timer; slower while nothing is
 * awaited, slower still while looking fails. One look at a time; whatever asks for one meanwhile gets one more.
 */
import { timerMs } from '../../machines/contract.ts';
import type { Timers } from '../../machines/contract.ts';
import type { Clock } from '../clock.ts';
import { TransientError } from '../errors.ts';
import type { Logger } from '../log.ts';
import type { RateBudget } from './github/budget.ts';

export interface Pace {
  /** Something is awaited: look every `shortMs`. Else each quiet look doubles the time, up to `longMs`. */
  awaited: boolean;
  shortMs: number;
  longMs: number;
}

/** So few requests left in the hour are kept for what has to be done; watches become slow. */
const REMAINING_MIN = 200;

export function paceOf(timers: Timers, budget: RateBudget, awaited: boolean): Pace {
  const isShort = (budget.remaining() ?? Infinity) < REMAINING_MIN;
  const longMs = timerMs({ timers }, 'reconcileMax');
  return { awaited, shortMs: isShort ? longMs : timerMs({ timers }, 'reconcile'), longMs };
}

export interface Looked {
  /** Something changed since the last look. */
  news: boolean;
  /** Look again after this, because what was seen is about to change. */
  againMs?: number | undefined;
}

export interface Looking {
  now: () => void;
  /** The pace has changed: count from now. */
  retime: () => void;
  /** Ends it; resolves when a look in progress has ended. */
  stop: () => Promise<void>;
}

export interface LookingOptions {
  clock: Clock;
  log: Logger;
  pace: () => Pace;
  /** Told when looking fails for good, or for the third time in a row; and with null when it goes again. */
  trouble?: ((reason: string | null) => void) | undefined;
  /** May throw: it is tried again, later each time. */
  look: (signal: AbortSignal) => Promise<Looked>;
}

/** What a hook announces is readable at GitHub only a moment later. */
const SETTLE_MS = 5_000;
/** A look that fails once or twice is the network’s everyday; this often in a row a person should know. */
const FAILURES_SHOWN = 3;
/** 2^n beyond which doubling has long reached any upper bound. */
const DOUBLINGS_MAX = 16;

export function createLooking({ clock, log, pace, look, trouble }: LookingOptions): Looking {
  const ended = new AbortController();
  let cancel = (): void => {};
  let running: Promise<void> | undefined;
  let asked = false;
  let quiet = 0;
  let failures = 0;

  const doubled = (times: number): number => {
    const { shortMs, longMs } = pace();
    return Math.min(shortMs * 2 ** Math.min(times, DOUBLINGS_MAX), longMs);
  };
  const usual = (): number => (pace().awaited ? pace().shortMs : doubled(quiet));

  function schedule(ms: number): void {
    cancel();
    if (!ended.signal.aborted) cancel = clock.after(ms, start);
  }

  function start(): void {
    if (ended.signal.aborted) return;
    cancel();
    running ??= lookUntilNobodyAsks();
  }

  async function lookUntilNobodyAsks(): Promise<void> {
    let waitMs: number;
    do {
      const poked = asked;
      asked = false;
      waitMs = await lookOnce(poked);
    } while (asked && !ended.signal.aborted);
    // In the same breath as the check: a poke between the two would find nobody looking and nothing scheduled.
    running = undefined;
    schedule(waitMs);
  }

  async function lookOnce(poked: boolean): Promise<number> {
    try {
      const { news, againMs } = await look(ended.signal);
      failures = 0;
      trouble?.(null);
      quiet = news ? 0 : quiet + 1;
      return Math.min(againMs ?? Infinity, poked && !news ? SETTLE_MS : Infinity, usual());
    } catch (error) {
      if (ended.signal.aborted) return 0;
      const waitMs = Math.max(doubled(failures++), error instanceof TransientError ? (error.retryAfterMs ?? 0) : 0);
      if (failures >= FAILURES_SHOWN || !(error instanceof TransientError)) trouble?.((error as Error).message);
      // Once: a repository that is gone would say so every time.
      const level = failures === 1 ? 'warn' : 'debug';
      log[level]({ err: error, failures, waitMs }, 'look failed');
      return waitMs;
    }
  }

  return {
    now() {
      quiet = 0;
      asked = true;
      start();
    },
    retime() {
      quiet = 0;
      if (running === undefined) schedule(usual());
    },
    async stop() {
      ended.abort();
      cancel();
      await running;
    },
  };
}

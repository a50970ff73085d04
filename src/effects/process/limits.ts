/** The limits of a run: silence, wall clock, tokens, cost. All stand still while a question is open. */
import type { Usage } from '../../../machines/events/common.ts';
import type { Clock } from '../../clock.ts';

export interface RunLimits {
  runSeconds?: number | undefined;
  silenceSeconds?: number | undefined;
  tokens?: number | undefined;
  costUsd?: number | undefined;
}

export interface Limits {
  /** Something was heard; `working`: a turn runs; `asking`: a question is open. */
  heard: (now: { working: boolean; asking: boolean }) => void;
  used: (usage: Usage) => void;
  stop: () => void;
}

export interface LimitsOptions {
  limits: RunLimits;
  clock: Clock;
  /** A budget is spent: the turn is to be cut off. */
  cut: (reason: string) => void;
  silent: (sinceMs: number, nth: number) => void;
}

export function createLimits({ limits, clock, cut, silent }: LimitsOptions): Limits {
  const { runSeconds, silenceSeconds, tokens, costUsd } = limits;
  let stopSilence: (() => void) | null = null;
  let stopClock: (() => void) | null = null;
  let usedMs = 0;
  let since: number | null = null;
  let lines = 0;
  let over = false;

  function listen(): void {
    stopSilence?.();
    stopSilence = null;
    if (silenceSeconds === undefined) return;
    const ms = silenceSeconds * 1_000;
    const nth = lines;
    stopSilence = clock.after(ms, () => silent(ms, nth));
  }

  function run(): void {
    if (stopClock !== null || runSeconds === undefined) return;
    since = clock.now();
    stopClock = clock.after(Math.max(0, runSeconds * 1_000 - usedMs), () => cut(`it ran longer than ${runSeconds} s`));
  }

  function stand(): void {
    stopSilence?.();
    stopSilence = null;
    stopClock?.();
    stopClock = null;
    if (since !== null) usedMs += clock.now() - since;
    since = null;
  }

  return {
    heard({ working, asking }) {
      if (over) return;
      lines += 1;
      if (!working || asking) return stand();
      listen();
      run();
    },
    used({ inputTokens, outputTokens, costUsd: cost }) {
      if (tokens !== undefined && inputTokens + outputTokens > tokens) cut(`it used more than ${tokens} tokens`);
      else if (costUsd !== undefined && cost !== undefined && cost > costUsd) cut(`it cost more than ${costUsd} USD`);
    },
    stop() {
      over = true;
      stand();
    },
  };
}

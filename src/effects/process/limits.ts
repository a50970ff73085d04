/**
 * The limits of a run, and of each turn of a chat: silence, wall clock, tokens, cost. Silence and clock stand still while
 * a question is open.
 */
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
  /** Cumulative over the process. */
  used: (usage: Usage) => void;
  /** Silent, but at work all the same: waits for the limit again. */
  wait: () => void;
  /** Other limits from now on. */
  set: (limits: RunLimits) => void;
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
  let { runSeconds, silenceSeconds, tokens, costUsd } = limits;
  let working = false;
  /** What the process had used when the present turn began. */
  let before: Usage = { inputTokens: 0, outputTokens: 0 };
  let usedSoFar = before;
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

  /** The clock and the silence stand. */
  function stand(): void {
    stopSilence?.();
    stopSilence = null;
    stopClock?.();
    stopClock = null;
    if (since !== null) usedMs += clock.now() - since;
    since = null;
  }

  return {
    heard(now) {
      if (over) return;
      lines += 1;
      if (now.working && !working) before = usedSoFar;
      working = now.working;
      if (!working || now.asking) return stand();
      listen();
      run();
    },
    used(usage) {
      usedSoFar = usage;
      const used = usage.inputTokens + usage.outputTokens - before.inputTokens - before.outputTokens;
      const cost = (usage.costUsd ?? 0) - (before.costUsd ?? 0);
      if (tokens !== undefined && used > tokens) cut(`it used more than ${tokens} tokens`);
      else if (costUsd !== undefined && cost > costUsd) cut(`it cost more than ${costUsd} USD`);
    },
    wait() {
      if (!over && working) listen();
    },
    set(next) {
      ({ runSeconds, silenceSeconds, tokens, costUsd } = next);
    },
    stop() {
      over = true;
      stand();
    },
  };
}

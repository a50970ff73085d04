/** What an agent counts of its processes: crashes, contention, runs per hour; each count ends in a state (law 10). */
import { timerMs } from '../contract.ts';
import type { AgentContext } from './context.ts';
import type { Taken } from './event.ts';

/** This many crashes within the window cool an agent down. */
const CRASHES_MAX = 3;
/** This many crashes without one run that ended well stop it: somebody has to look. */
const CRASHES_IN_ROW_MAX = 20;
/** This many times in a row another process held the conversation: it will not let go by itself. */
const CONTENTIONS_MAX = 6;
const CONTENTION_FACTOR_MAX = 6;
const HOUR_MS = 3_600_000;

type Counters = Partial<AgentContext>;

const later = (at: string, ms: number): string => new Date(Date.parse(at) + ms).toISOString();

export function withinHour(times: readonly string[], at: string): string[] {
  return times.filter((time) => Date.parse(at) - Date.parse(time) < HOUR_MS);
}

export function afterGoodRun(): Counters {
  return { crashesInRow: 0, contentions: 0 };
}

export function afterCrash(context: AgentContext, at: string): Counters {
  const windowMs = timerMs(context, 'crashWindow');
  const crashes = [...crashesWithin(context, at), at];
  const crashesInRow = context.crashesInRow + 1;
  if (crashesInRow >= CRASHES_IN_ROW_MAX) {
    const reason = `${crashesInRow} crashes without one good run`;
    return { crashes, crashesInRow, afterwards: 'stopped', cause: { by: context.address, reason, at } };
  }
  const oldest = crashes[crashes.length - CRASHES_MAX];
  if (oldest === undefined) return { crashes, crashesInRow };
  const reason = `${CRASHES_MAX} crashes in ${Math.round(windowMs / 1_000)} s`;
  return { crashes, crashesInRow, cooling: { until: later(oldest, windowMs), reason } };
}

/** How its last process ended, in a class and in words. */
export function exitSeen(event: Extract<Taken, { type: 'driver.exited' }>): Counters {
  const { class: exit, reason, code, signal } = event.data;
  const text = reason ?? (exit === 'clean' ? null : exitText(code, signal));
  return { lastExit: { class: exit, reason: text, at: event.at } };
}

export function exitText(code: number | null | undefined, signal: string | null | undefined): string {
  return signal === null || signal === undefined
    ? `the process exited with ${code ?? '?'}`
    : `the process died of ${signal}`;
}

/** Crashes that still count at this time. */
export const crashesWithin = ({ crashes, timers }: Pick<AgentContext, 'crashes' | 'timers'>, at: string): string[] =>
  crashes.filter((time) => Date.parse(at) - Date.parse(time) < timerMs({ timers }, 'crashWindow'));

/** It cannot work for a reason outside of it: the conversation is held, or the provider refuses its credentials. */
export function afterContention(
  context: AgentContext,
  at: string,
  why = 'another live process holds the conversation',
): Counters {
  const contentions = context.contentions + 1;
  if (contentions >= CONTENTIONS_MAX) {
    const reason = `${why}, ${contentions} times in a row`;
    return { contentions, afterwards: 'stopped', cause: { by: context.address, reason, at } };
  }
  const backOffMs = timerMs(context, 'contention') * Math.min(contentions, CONTENTION_FACTOR_MAX);
  return {
    contentions,
    cooling: { until: later(at, backOffMs), reason: why },
  };
}

/** After a run that was not lost: the hour's runs may be used up. */
export function afterRun(context: AgentContext, at: string): Counters {
  const limit = context.limits.runsPerHour;
  const runs = withinHour(context.runs, at);
  if (limit === undefined || runs.length < limit) return {};
  const until = later(runs[runs.length - limit]!, HOUR_MS);
  return { cooling: { until, reason: `${limit} runs in an hour are its limit` } };
}

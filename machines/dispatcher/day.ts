/**
 * What all agents together may use in a day (UTC), runs and chats: counted as they tell it, limited by the
 * configuration, and for the rest of a day by a person. Beyond a limit nothing is handed out; runs in progress go on.
 */
import type { Decision } from '../decision.ts';
import type { DispatcherContext } from './context.ts';
import type { Taken } from './desk.ts';

export interface Day {
  date: string;
  tokens: number;
  costUsd: number;
  /** Limits that a person set for this day. */
  limits: DayLimits;
}

export interface DayLimits {
  tokens?: number | undefined;
  costUsd?: number | undefined;
}

const DAY_MS = 86_400_000;

export const newDay = (at: string): Day => ({ date: at.slice(0, 10), tokens: 0, costUsd: 0, limits: {} });

/** The day of this event: what was counted on an earlier one no longer counts. */
const dayAt = ({ day }: DispatcherContext, at: string): Day => (day.date === at.slice(0, 10) ? day : newDay(at));

export function countSpent(context: DispatcherContext, event: Taken): Decision<DispatcherContext> {
  if (event.type !== 'usage.spent') return {};
  const day = dayAt(context, event.at);
  const { tokens, costUsd } = event.data;
  return { set: { day: { ...day, tokens: day.tokens + tokens, costUsd: day.costUsd + costUsd } } };
}

export function setDayLimit(context: DispatcherContext, event: Taken): Decision<DispatcherContext> {
  if (event.type !== 'correct.budget.set') return {};
  const day = dayAt(context, event.at);
  const { kind, limit } = event.data;
  if (limitsOf(context, day)[kind] === limit) return {};
  return { set: { day: { ...day, limits: { ...day.limits, [kind]: limit } } } };
}

const limitsOf = ({ daily }: DispatcherContext, day: Day): DayLimits => ({ ...daily, ...day.limits });

/** Why nothing more may begin today, and until when; null = it may. */
export function spentAt(context: DispatcherContext, at: string): { reason: string; until: string } | null {
  const day = dayAt(context, at);
  const { tokens, costUsd } = limitsOf(context, day);
  const until = new Date(Date.parse(`${day.date}T00:00:00.000Z`) + DAY_MS).toISOString();
  if (tokens !== undefined && day.tokens >= tokens) {
    return { reason: `${day.tokens} of the day’s ${tokens} tokens are used`, until };
  }
  if (costUsd !== undefined && day.costUsd >= costUsd) {
    return { reason: `${day.costUsd.toFixed(2)} of the day’s ${costUsd.toFixed(2)} USD are used`, until };
  }
  return null;
}

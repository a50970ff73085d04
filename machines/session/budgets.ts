/** Budgets (law 10): how often, how long, how much; each ends in a state, never in silence. */
import type { Budgets, ObligationKind } from '../events/common.ts';
import { timerMs } from '../contract.ts';
import type { Counted, SessionContext } from './context.ts';
import { type Draft, set } from './draft.ts';

const LIMITS: Counted & { restarts: number } = {
  implement: 2,
  answer: 3,
  review: 3,
  checks: 3,
  queue: 3,
  upkeep: 3,
  verdict: 2,
  restarts: 5,
};

export function limitOf(context: SessionContext, kind: ObligationKind | 'restarts'): number {
  return context.budgets[kind] ?? LIMITS[kind];
}

/** Attempts against the budget of this kind: a verdict's are counted per head, the others since their gate was good. */
export function spent(context: SessionContext, kind: ObligationKind, attempts: number): boolean {
  return (kind === 'verdict' ? attempts : context.attempts[kind]) >= limitOf(context, kind);
}

export function countAttempt(draft: Draft, kind: ObligationKind): void {
  set(draft, { attempts: { ...draft.context.attempts, [kind]: draft.context.attempts[kind] + 1 } });
}

/** The gate of these kinds turned good, or a person moved the head, or said so. */
export function resetAttempts(draft: Draft, kinds: readonly ObligationKind[]): void {
  const stale = kinds.filter((kind) => draft.context.attempts[kind] > 0);
  if (stale.length === 0) return;
  const attempts = { ...draft.context.attempts };
  for (const kind of stale) attempts[kind] = 0;
  set(draft, { attempts });
}

export function setBudget(draft: Draft, kind: keyof Budgets, limit: number): void {
  set(draft, { budgets: { ...draft.context.budgets, [kind]: limit } });
}

/** Tokens or cost of the whole session that are used up; null = none. */
export function exhausted({ budgets, usage }: SessionContext): string | null {
  const tokens = usage.inputTokens + usage.outputTokens;
  if (budgets.tokens !== undefined && tokens >= budgets.tokens) return `${tokens} of ${budgets.tokens} tokens are used`;
  if (budgets.costUsd !== undefined && usage.costUsd >= budgets.costUsd) {
    return `${usage.costUsd.toFixed(2)} of ${budgets.costUsd.toFixed(2)} USD are used`;
  }
  return null;
}

/** What is left for the next run. */
export function runLimits(context: SessionContext): {
  runSeconds: number;
  silenceSeconds: number;
  tokens?: number;
  costUsd?: number;
} {
  const { budgets, usage } = context;
  return {
    runSeconds: runSeconds(context),
    silenceSeconds: timerMs(context, 'silence') / 1_000,
    ...(budgets.tokens === undefined
      ? {}
      : { tokens: Math.max(0, Math.floor(budgets.tokens - usage.inputTokens - usage.outputTokens)) }),
    ...(budgets.costUsd === undefined ? {} : { costUsd: Math.max(0, budgets.costUsd - usage.costUsd) }),
  };
}

export const runSeconds = (context: SessionContext): number =>
  context.budgets.runSeconds ?? timerMs(context, 'run') / 1_000;

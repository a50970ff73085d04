/** How a turn of Claude Code ended, as an event of a driver. */
import type { DriverEvent, TurnOutcome } from '../driver.ts';
import type { Usage } from '../../../machines/events/common.ts';
import type { Asked, Result } from './frames.ts';

const UNAUTHORISED = new Set([401, 403]);
const LIMITED = new Set([429, 503, 529]);
/** What it calls the errors of its provider, where it says no status. */
const AUTH = new Set(['authentication_failed', 'oauth_org_not_allowed']);
const LIMITS = new Set(['rate_limit', 'overloaded', 'billing_error']);
const BUDGETS = new Set(['error_max_turns', 'error_max_budget_usd']);

export interface Ending {
  turn: string;
  result: Result;
  /** Its last word on the provider. */
  error: string | undefined;
  isInterrupted: boolean;
  until: string | undefined;
}

/** A turn that says `success` may have failed all the same: only `is_error` tells. */
export function endingOf({ turn, result, error, isInterrupted, until }: Ending): DriverEvent {
  const { subtype, is_error, api_error_status: status } = result;
  const end = (outcome: TurnOutcome, reason?: string): DriverEvent => ({
    type: 'turn.ended',
    turn,
    outcome,
    ...(reason === undefined ? {} : { reason }),
  });
  if (isInterrupted && subtype === 'error_during_execution') return end('interrupted');
  if (!is_error && subtype === 'success') return end('completed');
  const reason = result.result ?? result.errors?.join('; ') ?? subtype;
  if (BUDGETS.has(subtype)) return end('budget', reason);
  if ((status != null && UNAUTHORISED.has(status)) || (error !== undefined && AUTH.has(error))) {
    return { type: 'auth.failed', reason };
  }
  if ((status != null && LIMITED.has(status)) || (error !== undefined && LIMITS.has(error))) {
    return { type: 'rate.limited', reason, ...(until === undefined ? {} : { until }) };
  }
  return end('failed', reason);
}

type ModelUsage = Result['modelUsage'][string];

/** Both are cumulative over the process: the latest is taken, nothing is summed but models. */
export function usageOf({ modelUsage, total_cost_usd: costUsd }: Result, filled: Asked | undefined): Usage {
  const models = Object.values(modelUsage);
  // Beside the model that talks there are small ones for titles and the like.
  const [main] = [...models].sort((a, b) => tokensOf(b) - tokensOf(a));
  const window = main?.contextWindow;
  const sum = (pick: (model: (typeof models)[number]) => number): number =>
    models.reduce((total, model) => total + pick(model), 0);
  return {
    inputTokens: sum((model) => model.inputTokens + model.cacheReadInputTokens + model.cacheCreationInputTokens),
    outputTokens: sum((model) => model.outputTokens),
    ...(costUsd === undefined ? {} : { costUsd }),
    ...(window === undefined || filled === undefined ? {} : { context: { used: usedOf(filled), window } }),
  };
}

const tokensOf = ({ inputTokens, cacheReadInputTokens, cacheCreationInputTokens }: ModelUsage): number =>
  inputTokens + cacheReadInputTokens + cacheCreationInputTokens;

const usedOf = (asked: Asked): number =>
  asked.input_tokens +
  (asked.cache_read_input_tokens ?? 0) +
  (asked.cache_creation_input_tokens ?? 0) +
  asked.output_tokens;

export const isRefused = (error: string | undefined): boolean => error !== undefined && AUTH.has(error);

/** Codex's typed errors as events of a driver. */
import type { DriverEvent } from '../driver.ts';
import type { TurnError } from './frames.ts';

/** Limits of the account or the provider: later it goes on. */
const LIMITS = new Set([
  'usageLimitExceeded',
  'rateLimitExceeded',
  'serverOverloaded',
  'flexUnavailable',
  'policyCapacityUnavailable',
]);
/** The model, or whoever stands before it, does not want to. */
const REFUSALS = new Set([
  'inferenceHookDenied',
  'cyberPolicy',
  'bioPolicy',
  'misalignmentPolicyViolation',
  'tooManyDenials',
]);
const UNAUTHORISED = 401;
const TOO_MANY = 429;
const OVERLOADED = new Set([503, 529]);

/** `until`: when the newest limit that is used up ends. */
export function eventOf(turn: string, error: TurnError | null | undefined, until: string | undefined): DriverEvent {
  const reason = error?.message ?? 'the turn failed without a reason';
  const name = nameOf(error);
  const status = statusOf(error);
  if (name === 'unauthorized' || status === UNAUTHORISED) return { type: 'auth.failed', reason };
  if (LIMITS.has(name) || status === TOO_MANY || (status !== undefined && OVERLOADED.has(status))) {
    return { type: 'rate.limited', reason, ...(until === undefined ? {} : { until }) };
  }
  if (REFUSALS.has(name)) return { type: 'turn.ended', turn, outcome: 'refused', reason };
  if (name === 'sessionBudgetExceeded') return { type: 'turn.ended', turn, outcome: 'budget', reason };
  const because = name === '' || name === 'other' ? reason : `${name}: ${reason}`;
  return { type: 'turn.ended', turn, outcome: 'failed', reason: because };
}

/** A plain word, or the one key of an object. */
function nameOf(error: TurnError | null | undefined): string {
  const info = error?.codexErrorInfo;
  return typeof info === 'string' ? info : (Object.keys(info ?? {})[0] ?? '');
}

function statusOf(error: TurnError | null | undefined): number | undefined {
  const info = error?.codexErrorInfo;
  if (info == null || typeof info === 'string') return undefined;
  const { httpStatusCode } = (Object.values(info)[0] ?? {}) as { httpStatusCode?: number | null };
  return httpStatusCode ?? undefined;
}

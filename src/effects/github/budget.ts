/**
 * What one GitHub token may still ask. Every request of the token passes here, so that one refusal for too many
 * requests holds back all of them until the time GitHub named, instead of each finding out for itself.
 */
import type { Clock } from '../../clock.ts';
import { TransientError } from '../../errors.ts';

export interface RateBudget {
  /** @throws TransientError `GITHUB_RATE_LIMITED` while GitHub asked us to wait. */
  enter: () => void;
  /** GitHub asked to wait this long. */
  hold: (waitMs: number) => void;
  /** Reads the limit headers of an answer. */
  note: (headers: Headers) => void;
  /** Requests left in this window as GitHub last said; null before the first answer. */
  remaining: () => number | null;
}

/** Header names in lower case, as Octokit gives them. */
export type Headers = Record<string, string | number | undefined>;

/** GitHub's own advice where a secondary limit names no time: wait at least a minute. */
const UNNAMED_WAIT_MS = 60_000;
/** The limit window is an hour; a wait beyond it comes from a clock that is wrong. */
const WAIT_MAX_MS = 3_660_000;

export function createRateBudget(clock: Clock): RateBudget {
  let heldUntil = 0;
  let remaining: number | null = null;
  return {
    enter() {
      const waitMs = heldUntil - clock.now();
      if (waitMs > 0) {
        throw new TransientError('GITHUB_RATE_LIMITED', `GitHub asked to wait ${Math.ceil(waitMs / 1_000)} s more`, {
          retryAfterMs: waitMs,
        });
      }
    },
    hold(waitMs) {
      heldUntil = Math.max(heldUntil, clock.now() + waitMs);
    },
    note(headers) {
      const left = Number(headers['x-ratelimit-remaining'] ?? NaN);
      if (Number.isFinite(left)) remaining = left;
    },
    remaining: () => remaining,
  };
}

/**
 * How long an answer asks to wait, in milliseconds; undefined where it does not say. The reset time is compared with
 * the answer's own `date`, so that a clock of ours that is wrong does not matter.
 */
export function waitOf(headers: Headers): number | undefined {
  const after = Number(headers['retry-after'] ?? NaN);
  if (Number.isFinite(after)) return Math.min(Math.max(0, after * 1_000), WAIT_MAX_MS);
  if (String(headers['x-ratelimit-remaining'] ?? '') !== '0') return undefined;
  const reset = Number(headers['x-ratelimit-reset'] ?? NaN) * 1_000;
  const date = Date.parse(String(headers['date'] ?? ''));
  if (!Number.isFinite(reset) || !Number.isFinite(date)) return UNNAMED_WAIT_MS;
  // One second more: the reset is named in whole seconds.
  return Math.min(Math.max(1_000, reset - date + 1_000), WAIT_MAX_MS);
}

export const waitOfLimit = (headers: Headers): number => waitOf(headers) ?? UNNAMED_WAIT_MS;

/** GitHub's primary rate limit: so many requests per token and hour, told in headers with every answer. */

export interface QuotaOptions {
  /** Requests per window and token. */
  limit?: number;
  windowMs?: number;
}

/** What GitHub gives an authenticated user per hour. */
const LIMIT_DEFAULT = 5_000;
const HOUR_MS = 3_600_000;
/** Without a token. */
const ANONYMOUS_LIMIT = 60;

interface Window {
  used: number;
  resetMs: number;
}

export type Quota = ReturnType<typeof createQuota>;

export function createQuota(
  nowMs: () => number,
  { limit = LIMIT_DEFAULT, windowMs = HOUR_MS }: QuotaOptions = {},
): {
  spend(bearer: string | undefined): boolean;
  refund(bearer: string | undefined): void;
  state(bearer: string | undefined): { limit: number; remaining: number; reset: number; used: number };
} {
  const windows = new Map<string, Window>();

  function windowOf(bearer: string | undefined): Window {
    const key = bearer ?? '';
    const known = windows.get(key);
    if (known !== undefined && known.resetMs > nowMs()) return known;
    const fresh = { used: 0, resetMs: nowMs() + windowMs };
    windows.set(key, fresh);
    return fresh;
  }
  const limitOf = (bearer: string | undefined): number =>
    bearer === undefined ? Math.min(limit, ANONYMOUS_LIMIT) : limit;

  return {
    /** Counts one request; false when none is left. */
    spend(bearer) {
      const window = windowOf(bearer);
      if (window.used >= limitOf(bearer)) return false;
      window.used += 1;
      return true;
    },
    /** A 304 costs nothing. */
    refund(bearer) {
      const window = windowOf(bearer);
      window.used = Math.max(0, window.used - 1);
    },
    state(bearer) {
      const { used, resetMs } = windowOf(bearer);
      const most = limitOf(bearer);
      return { limit: most, remaining: most - used, reset: Math.ceil(resetMs / 1000), used };
    },
  };
}

export function quotaHeaders(state: {
  limit: number;
  remaining: number;
  reset: number;
  used: number;
}): Record<string, string> {
  return {
    'x-ratelimit-limit': String(state.limit),
    'x-ratelimit-remaining': String(state.remaining),
    'x-ratelimit-used': String(state.used),
    'x-ratelimit-reset': String(state.reset),
    'x-ratelimit-resource': 'core',
  };
}

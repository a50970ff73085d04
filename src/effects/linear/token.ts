/**
 * What requests to Linear bear: the configured token, or one of an application of one's own, bought with its secret and
 * renewed ahead of its end. Tokens that people grant an application end after a day and cannot be configured.
 */
import { z } from 'zod';
import type { Clock } from '../../clock.ts';
import { TerminalError, TransientError } from '../../errors.ts';

export interface LinearApp {
  clientId: string;
  clientSecret: string;
}

/** Is there anything to speak to Linear with? */
export const hasLinear = ({ token, app }: { token: string; app?: LinearApp | undefined }): boolean =>
  token !== '' || app !== undefined;

export interface LinearToken {
  /** @throws TransientError, TerminalError where the application is not given one. */
  get(): Promise<string>;
  /** Linear did not accept this one. @returns whether another can be had. */
  renew(refused: string): boolean;
}

/** Always the same: asked for others, Linear would revoke those it gave before. */
const SCOPES = 'read,write,app:assignable,app:mentionable';
/** Renewed this long before its end, which is weeks after it was bought. */
const AHEAD_MS = 3_600_000;
const ANSWER_MS = 30_000;

const granted = z.object({ access_token: z.string().min(1), expires_in: z.number().min(0) });

export const fixedToken = (token: string): LinearToken => ({ get: async () => token, renew: () => false });

export function appToken({ clientId, clientSecret }: LinearApp, apiUrl: string, clock: Clock): LinearToken {
  const url = new URL('/oauth/token', apiUrl).href;
  let known: { token: string; endsMs: number } | undefined;
  let pending: Promise<string> | undefined;

  async function buy(): Promise<string> {
    const body = new URLSearchParams({
      grant_type: 'client_credentials',
      scope: SCOPES,
      client_id: clientId,
      client_secret: clientSecret,
    });
    let response: Response;
    let answer: unknown;
    try {
      response = await fetch(url, { method: 'POST', body, signal: AbortSignal.timeout(ANSWER_MS) });
      answer = await response.json().catch(() => null);
    } catch (error) {
      throw new TransientError('LINEAR_UNREACHABLE', `a token for the application: ${(error as Error).message}`, {
        cause: error,
      });
    }
    const { status } = response;
    if (status === 429 || status >= 500)
      throw new TransientError('LINEAR_UNAVAILABLE', `a token for the application: Linear says ${status}`);
    const parsed = granted.safeParse(answer);
    if (!response.ok || !parsed.success) {
      const what = `Linear gives the application ${clientId} no token (${status})`;
      throw new TerminalError(
        'LINEAR_UNAUTHORIZED',
        `${what}: check linear.app, and that client credentials are allowed in the application’s settings`,
      );
    }
    const { access_token: token, expires_in: seconds } = parsed.data;
    known = { token, endsMs: clock.now() + seconds * 1_000 };
    return token;
  }

  return {
    async get() {
      if (known !== undefined && clock.now() < known.endsMs - AHEAD_MS) return known.token;
      pending ??= buy().finally(() => (pending = undefined));
      return pending;
    },
    renew(refused) {
      if (known?.token === refused) known = undefined;
      return true;
    },
  };
}

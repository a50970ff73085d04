/** What GitHub's refusals mean here: come again later (TransientError), or no for good (TerminalError). */
import { TerminalError, TransientError } from '../../errors.ts';
import { waitOf, waitOfLimit } from './budget.ts';
import type { Headers } from './budget.ts';

interface Refused {
  status: number;
  message: string;
  headers: Headers;
}

/** Codes by status where the message does not say more. They are API: machines and people read them. */
const CODES: Record<number, string> = {
  400: 'GITHUB_INVALID',
  401: 'GITHUB_UNAUTHORIZED',
  403: 'GITHUB_FORBIDDEN',
  404: 'GITHUB_NOT_FOUND',
  405: 'GITHUB_NOT_MERGEABLE',
  409: 'GITHUB_CONFLICT',
  410: 'GITHUB_GONE',
  422: 'GITHUB_INVALID',
  451: 'GITHUB_FORBIDDEN',
};

export function refusalOf(error: unknown, asked: string): TransientError | TerminalError {
  const refused = refusedOf(error);
  if (refused === undefined) {
    return new TransientError('GITHUB_UNREACHABLE', `${asked}: ${messageOf(error)}`, { cause: error });
  }
  const { status, headers } = refused;
  const message = `${asked}: ${refused.message} (${status})`;
  if (isLimit(refused)) {
    return new TransientError('GITHUB_RATE_LIMITED', message, { retryAfterMs: waitOfLimit(headers), cause: error });
  }
  if (status >= 500) {
    const retryAfterMs = waitOf(headers);
    return new TransientError('GITHUB_UNAVAILABLE', message, {
      ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
      cause: error,
    });
  }
  // Somebody else's merge came between: the same request is right a moment later.
  if (status === 405 && /base branch was modified/i.test(refused.message)) {
    return new TransientError('GITHUB_BASE_MOVED', message, { cause: error });
  }
  if (status === 409 && /head (branch|sha)/i.test(refused.message)) {
    return new TerminalError('GITHUB_HEAD_MOVED', message, { cause: error });
  }
  if (status === 422 && /own pull request/i.test(refused.message)) {
    return new TerminalError('GITHUB_OWN_PULL', message, { cause: error });
  }
  return new TerminalError(CODES[status] ?? 'GITHUB_REFUSED', message, { cause: error });
}

export const isNotModified = (error: unknown): boolean => refusedOf(error)?.status === 304;

export function headersOf(error: unknown): Headers {
  return refusedOf(error)?.headers ?? {};
}

/** @returns undefined where no answer came at all (network, abort): Octokit gives those a status, but no response. */
function refusedOf(error: unknown): Refused | undefined {
  if (!(error instanceof Error) || !('status' in error) || !('response' in error)) return undefined;
  const { status, response } = error as Error & { status: unknown; response: { headers?: Headers } | undefined };
  if (typeof status !== 'number' || response === undefined) return undefined;
  return { status, message: error.message, headers: response.headers ?? {} };
}

function isLimit({ status, message, headers }: Refused): boolean {
  if (status === 429) return true;
  if (status !== 403) return false;
  return (
    headers['retry-after'] !== undefined ||
    String(headers['x-ratelimit-remaining'] ?? '') === '0' ||
    /rate limit|abuse detection/i.test(message)
  );
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

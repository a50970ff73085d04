/** What Linear's refusals mean here: come again later (TransientError), or no for good (TerminalError). */
import { z } from 'zod';
import { TerminalError, TransientError } from '../../errors.ts';

/** The part of an answer that the SDK's errors carry along in `raw`. */
const refusedAnswer = z.object({
  response: z.object({
    status: z.number(),
    headers: z.instanceof(Headers).optional(),
    error: z.string().optional(),
    errors: z
      .array(
        z.object({
          message: z.string().catch(''),
          extensions: z
            .object({
              code: z.string().optional().catch(undefined),
              type: z.string().optional().catch(undefined),
              userPresentableMessage: z.string().optional().catch(undefined),
            })
            .catch({}),
        }),
      )
      .optional()
      .catch(undefined),
  }),
});
type Refused = z.infer<typeof refusedAnswer>['response'];

/** `asked`: the operation, for the message. @returns what to throw instead. */
export function refusalOf(error: unknown, asked: string, nowMs: number): TransientError | TerminalError {
  const refused = refusedAnswer.safeParse(rawOf(error)).data?.response;
  if (refused === undefined) {
    return new TransientError('LINEAR_UNREACHABLE', `${asked}: ${messageOf(error)}`, { cause: error });
  }
  const { status, headers } = refused;
  const first = refused.errors?.[0];
  const code = first?.extensions.code ?? '';
  const said = first?.extensions.userPresentableMessage ?? first?.message ?? refused.error?.slice(0, 200) ?? '';
  const message = `${asked}: ${said || `HTTP ${status}`} (${status})`;
  const cause = { cause: error };
  if (isLimit(refused)) {
    const retryAfterMs = headers === undefined ? undefined : waitOf(headers, nowMs);
    const wait = retryAfterMs === undefined ? {} : { retryAfterMs };
    return new TransientError('LINEAR_RATE_LIMITED', message, { ...wait, ...cause });
  }
  if (status >= 500 || code === 'INTERNAL_SERVER_ERROR' || first?.extensions.type === 'lock timeout') {
    return new TransientError('LINEAR_UNAVAILABLE', message, cause);
  }
  if (status === 401 || code === 'AUTHENTICATION_ERROR')
    return new TerminalError('LINEAR_UNAUTHORIZED', message, cause);
  if (status === 403 || code === 'FORBIDDEN') return new TerminalError('LINEAR_FORBIDDEN', message, cause);
  // An answer that is no GraphQL answer comes from something in between, a proxy's page for instance.
  if (first === undefined) return new TransientError('LINEAR_UNAVAILABLE', message, cause);
  if (/^conflict on insert/i.test(first.message)) return new TerminalError('LINEAR_EXISTS', message, cause);
  if (/^entity not found/i.test(first.message)) return new TerminalError('LINEAR_NOT_FOUND', message, cause);
  return new TerminalError('LINEAR_REFUSED', message, cause);
}

/** Linear says “too many” with HTTP 400 and a code. */
const isLimit = ({ status, errors }: Refused): boolean =>
  status === 429 || (errors ?? []).some(({ extensions }) => extensions.code === 'RATELIMITED');

/** Milliseconds until the spent budget is full again. Linear gives times as milliseconds since 1970. */
function waitOf(headers: Headers, nowMs: number): number | undefined {
  const seconds = Number(headers.get('retry-after') ?? '');
  if (seconds > 0) return seconds * 1_000;
  const resets = ['requests', 'complexity']
    .filter((budget) => headers.get(`x-ratelimit-${budget}-remaining`) === '0')
    .map((budget) => Number(headers.get(`x-ratelimit-${budget}-reset`) ?? ''))
    .filter((reset) => reset > nowMs);
  return resets.length === 0 ? undefined : Math.max(...resets) - nowMs;
}

function rawOf(error: unknown): unknown {
  return error instanceof Error && 'raw' in error ? error.raw : error;
}

function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? `${error.message} (${error.cause.message})` : error.message;
}

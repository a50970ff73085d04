/**
 * One identity at GitHub: Octokit with its token (or app), one rate budget, one cache of answers. Everything the rest
 * of this folder asks of GitHub goes through its four verbs, which parse what comes back and speak our errors.
 */
import { createHash } from 'node:crypto';
import { createAppAuth } from '@octokit/auth-app';
import { retry } from '@octokit/plugin-retry';
import { throttling } from '@octokit/plugin-throttling';
import { Octokit } from '@octokit/rest';
import { z } from 'zod';
import type { OwnAccount } from '../../bridge/concern.ts';
import type { Clock } from '../../clock.ts';
import { TerminalError, TransientError } from '../../errors.ts';
import type { Logger } from '../../log.ts';
import { createRateBudget } from './budget.ts';
import type { RateBudget } from './budget.ts';
import { createAnswerCache } from './etags.ts';
import { headersOf, isNotModified, refusalOf } from './refusal.ts';

export type GithubAuth = { token: string } | { app: { id: string | number; privateKey: string; installation: number } };

export interface AccountOptions {
  apiUrl: string;
  auth: GithubAuth;
  userAgent: string;
  clock: Clock;
  log: Logger;
  /** Spaces writes as GitHub asks of its clients (one a second). False for a server that is one's own. */
  paced: boolean;
}

export type Params = Record<string, unknown>;

export interface Account {
  get: <Schema extends z.ZodType>(
    schema: Schema,
    route: string,
    params: Params,
    signal?: AbortSignal,
  ) => Answer<Schema>;
  /** All pages, up to `ITEMS_MAX`; `pick` is the property that holds the items where the answer is not a plain list. */
  list: <Schema extends z.ZodType>(
    item: Schema,
    route: string,
    params: Params,
    options?: { signal?: AbortSignal | undefined; pick?: string },
  ) => Promise<z.infer<Schema>[]>;
  /** Page after page as GitHub links them, for lists without page numbers; no further than the page that is `until`. */
  chain: <Schema extends z.ZodType>(
    item: Schema,
    route: string,
    params: Params,
    options: { until: (last: z.infer<Schema>) => boolean; signal?: AbortSignal | undefined },
  ) => Promise<z.infer<Schema>[]>;
  /** Not repeated by itself: whoever sends knows how to look whether an unanswered request happened. */
  send: <Schema extends z.ZodType>(
    schema: Schema,
    route: string,
    params: Params,
    signal?: AbortSignal,
  ) => Answer<Schema>;
  /** The answer, or undefined where GitHub says not found or not allowed; that “no” is remembered for a while. */
  maybe: <Value>(name: string, ask: () => Promise<Value>) => Promise<Value | undefined>;
  /** Whose account this is: known from the first answer on. */
  self: () => Promise<OwnAccount>;
  /** A token for git; an installation's is renewed well before it ends. */
  token: () => Promise<string>;
  budget: RateBudget;
}

type Answer<Schema extends z.ZodType> = Promise<z.infer<Schema>>;

const PAGE = 100;
/** Ten pages: more reviews, comments or checks than this on one pull request are noise. */
const ITEMS_MAX = 1_000;
const REQUEST_MS = 30_000;
/**
 * A refused question (no such feature, no right to it) counts against the limit each time: ask again after this. The
 * two questions about a branch's rules are then the four requests that an idle pull request may cost in an hour.
 */
const ABSENT_MS = 1_800_000;
/** An installation token lives an hour; a run may push with it for a while after it was given out. */
const RENEW_AHEAD_MS = 600_000;
/** Refusals that say the same a second later; 405 and 409 answer merges. */
const FINAL_STATUSES = [400, 401, 403, 404, 405, 406, 409, 410, 422, 429, 451];

const Client = Octokit.plugin(throttling, retry);

export function createAccount({ apiUrl, auth, userAgent, clock, log, paced }: AccountOptions): Account {
  const quiet = (message: string) => log.debug({ said: message }, 'octokit');
  const leave = () => undefined;
  const base = apiUrl.replace(/\/+$/, '');
  const octokit = new Client({
    baseUrl: base,
    userAgent,
    ...('token' in auth
      ? { auth: auth.token }
      : {
          authStrategy: createAppAuth,
          auth: { appId: auth.app.id, privateKey: auth.app.privateKey, installationId: auth.app.installation },
        }),
    // Its debug line holds whole requests with their headers.
    log: { debug: () => {}, info: quiet, warn: quiet, error: quiet },
    request: { fetch: createFetch(clock) },
    throttle: paced
      ? { id: throttleId(apiUrl, auth), onRateLimit: leave, onSecondaryRateLimit: leave }
      : { enabled: false },
    retry: { doNotRetry: FINAL_STATUSES, retries: 1, retryAfterBaseValue: paced ? 1_000 : 20 },
  });
  const budget = createRateBudget(clock);
  const answers = createAnswerCache();
  const absent = new Map<string, number>();
  let self: Promise<OwnAccount> | undefined;

  async function ask(
    route: string,
    params: Params,
    signal: AbortSignal | undefined,
  ): Promise<{ data: unknown; next?: string | undefined }> {
    const reads = route.startsWith('GET ');
    const { url } = octokit.request.endpoint(route, params);
    const kept = reads ? answers.get(url) : undefined;
    budget.enter();
    try {
      const response = await octokit.request(route, {
        ...params,
        headers: kept === undefined ? {} : { 'if-none-match': kept.etag },
        request: { ...(signal === undefined ? {} : { signal }), ...(reads ? {} : { retries: 0 }) },
      });
      budget.note(response.headers);
      const data: unknown = response.data;
      const { etag, link } = response.headers;
      const next = /<([^<>]+)>;\s*rel="next"/.exec(link ?? '')?.[1];
      if (reads && etag !== undefined) answers.set(url, { etag, data, next });
      return { data, next };
    } catch (error) {
      budget.note(headersOf(error));
      if (kept !== undefined && isNotModified(error)) return kept;
      const refusal = refusalOf(
        error,
        route.replace(/\{(\w+)\}/g, (_, name: string) => String(params[name])),
      );
      if (refusal.code === 'GITHUB_RATE_LIMITED') budget.hold((refusal as TransientError).retryAfterMs ?? 0);
      throw refusal;
    }
  }

  async function get<Schema extends z.ZodType>(schema: Schema, route: string, params: Params, signal?: AbortSignal) {
    return parse(schema, (await ask(route, params, signal)).data, route);
  }

  return {
    get,
    send: get,
    async list(item, route, params, { signal, pick } = {}) {
      const schema = z.array(item);
      const whole = pick === undefined ? schema : z.object({ [pick]: schema }).transform((page) => page[pick] ?? []);
      const items: z.infer<typeof item>[] = [];
      for (let page = 1; items.length < ITEMS_MAX; page++) {
        const some = await get(whole, route, { ...params, per_page: PAGE, page }, signal);
        items.push(...some);
        // Not by the Link header: a page that is answered with 304 keeps the one of the day it was first read.
        if (some.length < PAGE) break;
      }
      return items;
    },
    async chain(item, route, params, { until, signal }) {
      const items: z.infer<typeof item>[] = [];
      let answered = await ask(route, { ...params, per_page: PAGE }, signal);
      for (;;) {
        items.push(...parse(z.array(item), answered.data, route));
        const { next } = answered;
        const last = items.at(-1);
        // A token goes to GitHub and nowhere else, wherever a link leads.
        if (next === undefined || !next.startsWith(base) || items.length >= ITEMS_MAX) return items;
        if (last === undefined || until(last)) return items;
        answered = await ask(`GET ${next}`, {}, signal);
      }
    },
    async maybe(name, ask) {
      const until = absent.get(name);
      if (until !== undefined && until > clock.now()) return undefined;
      absent.delete(name);
      try {
        return await ask();
      } catch (error) {
        if (!(error instanceof TerminalError) || !ABSENT_CODES.has(error.code)) throw error;
        absent.set(name, clock.now() + ABSENT_MS);
        return undefined;
      }
    },
    self() {
      self ??= (
        'token' in auth
          ? get(z.object({ login: z.string(), id: z.number().int() }), 'GET /user', {}).then(({ login, id }) => ({
              login,
              id: String(id),
            }))
          : // The id of an app is not that of the account that writes for it.
            get(z.object({ slug: z.string() }), 'GET /app', {}).then(({ slug }) => ({ login: `${slug}[bot]` }))
      ).catch((error: unknown) => {
        self = undefined;
        throw error;
      });
      return self;
    },
    async token() {
      if ('token' in auth) return auth.token;
      try {
        const installation = async (refresh: boolean) =>
          installationToken.parse(await octokit.auth({ type: 'installation', refresh }));
        const current = await installation(false);
        if (Date.parse(current.expiresAt) - clock.now() > RENEW_AHEAD_MS) return current.token;
        return (await installation(true)).token;
      } catch (error) {
        throw refusalOf(error, 'a token for the installation');
      }
    },
    budget,
  };
}

const ABSENT_CODES = new Set(['GITHUB_NOT_FOUND', 'GITHUB_FORBIDDEN', 'GITHUB_GONE', 'GITHUB_UNAUTHORIZED']);
const installationToken = z.object({ token: z.string(), expiresAt: z.string() });

function parse<Schema extends z.ZodType>(schema: Schema, data: unknown, route: string): z.infer<Schema> {
  const parsed = schema.safeParse(data);
  if (parsed.success) return parsed.data;
  throw new TerminalError(
    'GITHUB_ANSWER',
    `${route} was answered in an unknown form: ${z.prettifyError(parsed.error)}`,
  );
}

/**
 * fetch has no limit of its own; counted from sending, not from joining the queue of paced requests. By hand and not
 * by `AbortSignal.any`: that keeps something of every request as long as the watch's own signal lives.
 */
function createFetch(clock: Clock) {
  return async (url: string, init: RequestInit): Promise<Response> => {
    const { signal } = init;
    const ends = new AbortController();
    const abort = () => ends.abort(signal?.reason);
    const cancel = clock.after(REQUEST_MS, () => ends.abort(new DOMException('no answer in time', 'TimeoutError')));
    signal?.addEventListener('abort', abort);
    if (signal?.aborted === true) abort();
    try {
      return await fetch(url, { ...init, signal: ends.signal });
    } finally {
      cancel();
      signal?.removeEventListener('abort', abort);
    }
  };
}

/** The throttling plugin keeps its queues per process by this name: one per token, and never the token itself. */
function throttleId(apiUrl: string, auth: GithubAuth): string {
  const who = 'token' in auth ? auth.token : `${auth.app.id}/${auth.app.installation}`;
  return createHash('sha256').update(`${apiUrl} ${who}`).digest('hex').slice(0, 16);
}

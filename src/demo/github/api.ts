/**
 * The REST API as one Hono app: who asks, the rate limit, trouble on demand, then the routes, then ETag and headers.
 */
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response';
import { randomUUID } from 'node:crypto';
import { Hono } from 'hono';
import { tokenIn, viewerOf } from './access.ts';
import type { Ctx, Env } from './answers.ts';
import { errorBody, etagOf, HttpError, matches } from './answers.ts';
import type { Fault, FaultBook } from './faults.ts';
import type { Quota } from './quota.ts';
import { quotaHeaders } from './quota.ts';
import { appRoutes } from './routes/apps.ts';
import { checkRoutes } from './routes/checks.ts';
import { hookRoutes } from './routes/hooks.ts';
import { issueRoutes } from './routes/issues.ts';
import { pullRoutes } from './routes/pulls.ts';
import { commitRoute, repositoryRoutes } from './routes/repositories.ts';
import { reviewRoutes } from './routes/reviews.ts';
import { userRoutes } from './routes/users.ts';
import type { Site } from './site.ts';
import type { Webhooks } from './webhooks.ts';

/** What was asked, by whom, and what came of it. */
export interface Call {
  method: string;
  /** With its query. */
  path: string;
  login: string | undefined;
  status: number;
}

export interface ApiParts {
  site: Site;
  webhooks: Webhooks;
  quota: Quota;
  faults: FaultBook;
  record(call: Call): void;
}

/** GitHub asks for this long after a secondary limit where it says nothing else. */
const SECONDARY_SECONDS = 60;
const SECONDARY_MESSAGE = 'You have exceeded a secondary rate limit. Please wait a few minutes before you try again.';
/** An App speaks here with its JWT, not with a token. */
const JWT_PATH = /^\/(app(\/|$)|repos\/[^/]+\/[^/]+\/installation$)/;

export function createApi({ site, webhooks, quota, faults, record }: ApiParts): Hono<Env> {
  const routes = new Hono<Env>();
  for (const part of [
    userRoutes(site, quota),
    appRoutes(site, webhooks),
    repositoryRoutes(site),
    checkRoutes(site),
    commitRoute(site),
    pullRoutes(site),
    reviewRoutes(site),
    issueRoutes(site),
    hookRoutes(site, webhooks),
  ]) {
    routes.route('/', part);
  }

  const prefix = '/api/v3';
  const app = new Hono<Env>();
  app.onError((error, c) => {
    const known =
      error instanceof HttpError ? error : new HttpError(500, `Server Error: ${error.stack ?? error.message}`);
    for (const [name, value] of Object.entries(known.headers)) c.header(name, value);
    return c.json(errorBody(known), known.status as 500);
  });
  app.notFound((c) => c.json(errorBody(new HttpError(404, 'Not Found')), 404));

  // Under an old name the answer is where it is now: by its number, which stays.
  app.use(async (c, next) => {
    const { pathname, search } = new URL(c.req.url);
    const [, owner = '', name = '', rest = ''] =
      /^\/repos\/([^/]+)\/([^/]+)(\/.*)?$/.exec(pathname.slice(prefix.length)) ?? [];
    const moved = site.world.moved.get(`${owner}/${name}`.toLowerCase());
    if (moved !== undefined) {
      const location = `${site.apiUrl}/repositories/${moved.id}${rest}${search}`;
      const status = c.req.method === 'GET' ? 301 : 307;
      return c.json({ message: 'Moved Permanently', url: location }, status, { location });
    }
    const [, id, beyond = ''] = /^\/repositories\/(\d+)(\/.*)?$/.exec(pathname.slice(prefix.length)) ?? [];
    const repository = [...site.world.repositories.values()].find((one) => String(one.id) === id);
    if (repository === undefined) return next();
    const there = `${site.apiUrl}/repos/${repository.fullName}${beyond}${search}`;
    return app.fetch(new Request(there, c.req.raw), c.env);
  });

  app.use(async (c, next) => {
    c.set('requestId', `${randomUUID().slice(0, 13).toUpperCase()}:0:${Date.parse(site.world.now()).toString(16)}`);
    c.header('x-github-request-id', c.get('requestId'));
    c.header('x-github-media-type', 'github.v3; format=json');
    c.header('x-github-api-version-selected', '2022-11-28');
    const path = c.req.path.slice(prefix.length);
    const token = tokenIn(c.req.header('authorization'));
    const viewer = token === undefined || JWT_PATH.test(path) ? null : (viewerOf(site.world, token) ?? null);
    c.set('viewer', viewer);
    await next();
    const { search } = new URL(c.req.url);
    record({ method: c.req.method, path: `${path}${search}`, login: viewer?.user.login, status: c.res.status });
  });

  app.use(async (c, next) => {
    const path = c.req.path.slice(prefix.length);
    const fault = faults.take({ method: c.req.method, path, login: c.get('viewer')?.user.login });
    if (fault === undefined) return next();
    const answer = fail(c, fault);
    if (fault.performed !== true) return answer;
    await next();
    // What was answered is lost, its headers too.
    c.res = undefined;
    c.res = answer;
    if (fault.status === 'hangUp') c.env.outgoing.destroy();
    return undefined;
  });

  app.use(async (c, next) => {
    const token = tokenIn(c.req.header('authorization'));
    const path = c.req.path.slice(prefix.length);
    if (token !== undefined && c.get('viewer') === null && !JWT_PATH.test(path)) {
      throw new HttpError(401, 'Bad credentials');
    }
    const free = path === '/rate_limit';
    const left = free || quota.spend(token);
    const told = (): void => {
      for (const [name, value] of Object.entries(quotaHeaders(quota.state(token)))) c.header(name, value);
    };
    if (!left) {
      told();
      const who = c.get('viewer')?.user.id;
      throw new HttpError(403, `API rate limit exceeded for ${who === undefined ? 'this address' : `user ID ${who}`}.`);
    }
    await next();
    if (c.req.method === 'GET' && c.res.status === 200) await conditional(c, () => quota.refund(token));
    told();
  });

  app.route(prefix, routes);
  return app;
}

/** 304 where the caller already has this answer; that costs nothing of its limit. */
async function conditional(c: Ctx, refund: () => void): Promise<void> {
  const body = await c.res.clone().text();
  const etag = etagOf(body);
  c.header('etag', etag);
  c.header('cache-control', 'private, max-age=60, s-maxage=60');
  if (!matches(c.req.header('if-none-match'), etag)) return;
  refund();
  const { headers } = c.res;
  c.res = new Response(null, { status: 304, headers: [...headers].filter(([name]) => name !== 'content-type') });
}

function fail(c: Ctx, fault: Fault): Response {
  if (fault.status === 'hangUp') {
    if (fault.performed !== true) c.env.outgoing.destroy();
    return RESPONSE_ALREADY_SENT;
  }
  const retryAfter = fault.retryAfter ?? (fault.secondary === true ? SECONDARY_SECONDS : undefined);
  if (retryAfter !== undefined) c.header('retry-after', String(retryAfter));
  const message = fault.message ?? (fault.secondary === true ? SECONDARY_MESSAGE : wordsOf(fault.status));
  return c.json(errorBody(new HttpError(fault.status, message)), fault.status as 500);
}

function wordsOf(status: number): string {
  switch (status) {
    case 401:
      return 'Bad credentials';
    case 403:
      return 'Forbidden';
    case 404:
      return 'Not Found';
    case 429:
      return 'Too Many Requests';
    case 502:
      return 'Bad Gateway';
    case 503:
      return 'Service Unavailable';
    default:
      return 'Server Error';
  }
}

/**
 * The operator's side over HTTP (docs/protocol.md §7): the page, health, metrics, every question, `send`, and the
 * stream of facts. Loopback by default; elsewhere only with a token. `Host` and `Origin` are checked, so that a page
 * of somebody else cannot talk to it through a person's browser.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import { Hono } from 'hono';
import type { Context } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import type { Publisher } from '../actor/publisher.ts';
import { CHANGING } from '../actor/questions.ts';
import type { QuestionName, Questions } from '../actor/questions.ts';
import type { Beat } from '../bus/presence.ts';
import type { Clock } from '../clock.ts';
import type { Logger } from '../log.ts';
import { answer } from './answer.ts';
import { streamFacts } from './fact-stream.ts';
import { serveHooks, servePresence, serveRuns, serveWays } from './local-questions.ts';
import type { Deliveries } from './local-questions.ts';
import type { Metrics } from './metrics.ts';
import { servePage } from './page-files.ts';
import type { RunLogs } from './run-logs.ts';
import type { Ways } from './ways.ts';

const SEND_TIMEOUT_MS = 10_000;
/** Twice the largest envelope: what is larger cannot become one. */
const BODY_BYTES_MAX = 2 * 1_024 * 1_024;

export interface OperatorOptions {
  questions: Questions;
  publisher: Publisher;
  metrics: Metrics;
  clock: Clock;
  log?: Logger;
  /** Empty: none is asked for; only on loopback. */
  token: string;
  /** Folder of the built page. */
  page: string;
  /** `ready`: everything moves; the reasons why not are in the answer. */
  ready: () => Promise<{ ready: boolean } & Record<string, unknown>>;
  /** Deliveries that lie in the stream; absent where there is none. */
  hooks?: Deliveries;
  /** Logs of agents' runs on this machine. */
  runs?: RunLogs;
  /** How often each way between states was taken. */
  ways?: Ways;
  /** Lets a chat know that a page is there, or leaves. */
  attend?: (agent: string, beat: Beat) => void;
  /** Replaces secrets in what others sent. */
  redact?: (text: string) => string;
  /** The run door, mounted beside. It has tokens of its own. */
  runDoor?: Hono;
  /** Facts that may wait for a slow reader of the stream. */
  readerBacklogMax?: number;
}

export function createOperator({
  questions,
  publisher,
  metrics,
  clock,
  log,
  token,
  page,
  ready,
  hooks,
  runs,
  ways,
  attend,
  redact = (text) => text,
  runDoor,
  readerBacklogMax,
}: OperatorOptions): Hono {
  const app = new Hono();
  app.onError((error, c) => {
    log?.error({ err: error, path: c.req.path }, 'a request failed');
    return c.json({ error: error.message }, 500);
  });

  app.get('/healthz', (c) => c.json({ alive: true }));
  if (runDoor !== undefined) app.route('/', runDoor);

  app.use('*', async (c, next) => {
    const refusal = checkCaller(c, token);
    if (refusal !== null) return c.json({ error: refusal.why }, refusal.status);
    await next();
    return undefined;
  });
  app.use(
    '/api/*',
    bodyLimit({
      maxSize: BODY_BYTES_MAX,
      onError: (c) => c.json({ error: `the body is larger than ${BODY_BYTES_MAX} bytes` }, 413),
    }),
  );

  app.get('/readyz', async (c) => {
    const state = await ready();
    return c.json(state, state.ready ? 200 : 503);
  });
  app.get('/metrics', async (c) => c.text(await metrics.text(), 200, { 'content-type': metrics.contentType }));

  app.get('/api/stream', (c) => streamFacts(c, { publisher, clock, log, backlogMax: readerBacklogMax }));
  app.post('/api/send', (c) =>
    answer(c, async (input) => {
      const receipt = await timeout(questions.send(input), SEND_TIMEOUT_MS, clock);
      if (receipt !== undefined) return c.json(receipt as object);
      return c.json({ error: `no receipt within ${SEND_TIMEOUT_MS / 1_000} s; ask for it by its id` }, 504);
    }),
  );
  if (hooks !== undefined) serveHooks(app, hooks, { publisher, redact });
  if (runs !== undefined) serveRuns(app, runs);
  if (ways !== undefined) serveWays(app, ways);
  if (attend !== undefined) servePresence(app, attend);
  app.on(['GET', 'POST'], '/api/:question', async (c): Promise<Response> => {
    const name = c.req.param('question');
    if (!Object.hasOwn(questions, name)) return c.json({ error: `there is no question “${name}”` }, 404);
    // An image or a link of another page makes a browser get any address without an Origin: a GET changes nothing.
    if (c.req.method !== 'POST' && CHANGING.has(name))
      return c.json({ error: `${name} changes something or takes an envelope: POST it` }, 405, { allow: 'POST' });
    return answer(c, async (input) => c.json((await questions[name as QuestionName](input)) as object));
  });
  app.all('/api/*', (c) => c.json({ error: `there is no ${c.req.method} ${c.req.path}` }, 404));

  app.get('*', (c) => servePage(c, page));
  return app;
}

function checkCaller(c: Context, token: string): { status: 401 | 403; why: string } | null {
  const host = c.req.header('host') ?? '';
  const origin = c.req.header('origin');
  if (token === '' && !isLoopbackHost(host))
    return { status: 403, why: `host “${host}” is not this machine; set operator.token to serve others` };
  if (origin !== undefined && (!URL.canParse(origin) || new URL(origin).host !== host))
    return { status: 403, why: `origin ${origin} is not this page` };
  if (token === '') return null;
  const { path } = c.req;
  // The page itself holds nothing secret; what it asks for does.
  if (c.req.method === 'GET' && !path.startsWith('/api/') && path !== '/metrics' && path !== '/readyz') return null;
  return isSame(c.req.header('authorization') ?? '', `Bearer ${token}`)
    ? null
    : { status: 401, why: 'a token is needed: Authorization: Bearer …' };
}

export function isLoopbackHost(host: string): boolean {
  const name = host.replace(/:\d+$/, '');
  return name === 'localhost' || name === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(name);
}

/** Compares without telling by its time how much was right. */
function isSame(given: string, wanted: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(given), digest(wanted));
}

function timeout<T>(promise: Promise<T>, ms: number, clock: Clock): Promise<T | undefined> {
  let cancel = (): void => {};
  const late = new Promise<undefined>((resolve) => {
    cancel = clock.after(ms, () => resolve(undefined));
  });
  return Promise.race([promise, late]).finally(() => cancel());
}

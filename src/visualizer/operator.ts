/**
 * The operator's side over HTTP (docs/protocol.md §7): the page, health, metrics, every question, `send`, and the
 * stream of facts. Loopback by default; elsewhere only with a token. `Host` and `Origin` are checked, so that a page
 * of somebody else cannot talk to it through a person's browser.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import { Hono } from 'hono';
import type { Context } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { z } from 'zod';
import { inputOf } from '../actor/asked.ts';
import type { Publisher } from '../actor/publisher.ts';
import { explainIssues } from '../actor/envelope.ts';
import { CHANGING, QuestionError, questionFailure } from '../actor/questions.ts';
import type { QuestionName, Questions } from '../actor/questions.ts';
import type { HookLog } from '../bridge/hook-log.ts';
import type { Clock } from '../clock.ts';
import type { Logger } from '../log.ts';
import { streamFacts } from './fact-stream.ts';
import type { Metrics } from './metrics.ts';
import { servePage } from './page-files.ts';
import type { RunLogs } from './run-logs.ts';

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
  hooks?: HookLog;
  /** Logs of agents' runs on this machine. */
  runs?: RunLogs;
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
  if (hooks !== undefined) serveHooks(app, hooks, redact);
  if (runs !== undefined) serveRuns(app, runs);
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

const HOOKS_SHOWN = 200;
const hookAsked = z.strictObject({ seq: z.coerce.number().int().min(1) });
const deliveryAsked = z.strictObject({ delivery: z.string().min(1).max(300) });

/** What only this side of a runtime has: the deliveries as they came. Their bodies may hold what is ours to keep. */
function serveHooks(app: Hono, hooks: HookLog, redact: (text: string) => string): void {
  app.on(['GET', 'POST'], '/api/hooks', (c) =>
    answer(c, async () => c.json({ hooks: (await hooks.list({ limit: HOOKS_SHOWN })).toReversed() })),
  );
  app.on(['GET', 'POST'], '/api/hook', (c) =>
    answer(c, async (input) => {
      const hook = await hooks.read(parsed(hookAsked, input).seq);
      if (hook === undefined) return c.json({ error: 'this delivery lies in the stream no more' }, 404);
      return c.body(redact(JSON.stringify(hook)), 200, { 'content-type': 'application/json' });
    }),
  );
  app.post('/api/redeliver', (c) =>
    answer(c, async (input) => c.json(await hooks.redeliver(parsed(deliveryAsked, input).delivery))),
  );
}

const runsAsked = z.strictObject({ actor: z.string().max(200) });
const outputAsked = z.strictObject({ run: z.string().max(300), from: z.coerce.number().int().min(0).default(0) });

function serveRuns(app: Hono, runs: RunLogs): void {
  app.on(['GET', 'POST'], '/api/runs', (c) =>
    answer(c, async (input) => c.json({ runs: await runs.list(parsed(runsAsked, input).actor) })),
  );
  app.on(['GET', 'POST'], '/api/output', (c) =>
    answer(c, async (input) => {
      const { run, from } = parsed(outputAsked, input);
      const output = await runs.read(run, from);
      return output === undefined ? c.json({ error: `there is no run ${run}` }, 404) : c.json(output);
    }),
  );
}

/** @throws QuestionError 400 */
function parsed<Schema extends z.ZodType>(schema: Schema, input: unknown): z.infer<Schema> {
  const result = schema.safeParse(input);
  if (result.success) return result.data;
  throw new QuestionError(400, explainIssues(result.error).join('; '));
}

/** Reads what was asked (query, or JSON body), and turns failures into their status. */
async function answer(c: Context, ask: (input: unknown) => Promise<Response>): Promise<Response> {
  try {
    const isPosted = c.req.method === 'POST';
    return await ask(isPosted ? inputOf(new Uint8Array(await c.req.arrayBuffer())) : c.req.query());
  } catch (error) {
    const { status, message } = questionFailure(error);
    return c.json({ error: message }, status);
  }
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

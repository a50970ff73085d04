/**
 * The operator's side over HTTP (docs/protocol.md §7): the page, health, metrics, every question, `send`, and the
 * stream of facts. Loopback by default; elsewhere only with a token. `Host` and `Origin` are checked, so that a page
 * of somebody else cannot talk to it through a person's browser.
 */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { Hono } from 'hono';
import type { Context } from 'hono';
import { streamSSE } from 'hono/streaming';
import type { Fact } from '../actor/fact.ts';
import type { Publisher } from '../actor/publisher.ts';
import { questionFailure } from '../actor/questions.ts';
import type { QuestionName, Questions } from '../actor/questions.ts';
import type { Clock } from '../clock.ts';
import type { Metrics } from './metrics.ts';

/** Facts waiting for a slow reader before it is cut off (it resumes by its last event id). */
const READER_BACKLOG_MAX = 10_000;
const SEND_TIMEOUT_MS = 10_000;
const KEEP_ALIVE_MS = 15_000;
const BODY_BYTES_MAX = 2 * 1_024 * 1_024;

export interface OperatorOptions {
  questions: Questions;
  publisher: Publisher;
  metrics: Metrics;
  clock: Clock;
  /** Empty: none is asked for; only on loopback. */
  token: string;
  /** Folder of the built page. */
  page: string;
  /** `ready`: everything moves; the reasons why not are in the answer. */
  ready: () => Promise<{ ready: boolean } & Record<string, unknown>>;
  /** The run door, mounted beside. It has tokens of its own. */
  runDoor?: Hono;
}

const TYPES: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.woff2': 'font/woff2',
  '.map': 'application/json',
};
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self'; connect-src 'self'; worker-src 'self' blob:; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

export function createOperator({
  questions,
  publisher,
  metrics,
  clock,
  token,
  page,
  ready,
  runDoor,
}: OperatorOptions): Hono {
  const app = new Hono();

  app.get('/healthz', (c) => c.json({ alive: true }));
  if (runDoor !== undefined) app.route('/', runDoor);

  app.use('*', async (c, next) => {
    const refusal = checkCaller(c, token);
    if (refusal !== null) return c.json({ error: refusal.why }, refusal.status);
    await next();
    return undefined;
  });

  app.get('/readyz', async (c) => {
    const state = await ready();
    return c.json(state, state.ready ? 200 : 503);
  });
  app.get('/metrics', async (c) => c.text(await metrics.text(), 200, { 'content-type': metrics.contentType }));

  app.get('/api/stream', (c) => stream(c, publisher));
  app.post('/api/send', async (c) => {
    const body = await readJson(c);
    if (!body.ok) return c.json({ error: body.why }, 400);
    try {
      const receipt = await timeout(questions.send(body.value), SEND_TIMEOUT_MS, clock);
      if (receipt === undefined)
        return c.json({ error: `no receipt within ${SEND_TIMEOUT_MS / 1_000} s; ask for it by its id` }, 504);
      return c.json(receipt as object);
    } catch (error) {
      const { status, message } = questionFailure(error);
      return c.json({ error: message }, status);
    }
  });
  app.on(['GET', 'POST'], '/api/:question', async (c) => {
    const name = c.req.param('question');
    if (!Object.hasOwn(questions, name)) return c.json({ error: `there is no question “${name}”` }, 404);
    let input: unknown = c.req.query();
    if (c.req.method === 'POST') {
      const body = await readJson(c);
      if (!body.ok) return c.json({ error: body.why }, 400);
      input = body.value;
    }
    try {
      return c.json((await questions[name as QuestionName](input)) as object);
    } catch (error) {
      const { status, message } = questionFailure(error);
      return c.json({ error: message }, status);
    }
  });

  app.get('*', (c) => servePage(c, page));
  return app;
}

function checkCaller(c: Context, token: string): { status: 401 | 403; why: string } | null {
  const host = c.req.header('host') ?? '';
  const origin = c.req.header('origin');
  if (token === '' && !isLoopbackHost(host))
    return { status: 403, why: `host “${host}” is not this machine; set operator.token to serve others` };
  if (origin !== undefined && new URL(origin).host !== host)
    return { status: 403, why: `origin ${origin} is not this page` };
  if (token === '') return null;
  const path = c.req.path;
  // The page itself holds nothing secret; what it asks for does.
  if (c.req.method === 'GET' && !path.startsWith('/api/') && path !== '/metrics' && path !== '/readyz') return null;
  return c.req.header('authorization') === `Bearer ${token}`
    ? null
    : { status: 401, why: 'a token is needed: Authorization: Bearer …' };
}

export function isLoopbackHost(host: string): boolean {
  const name = host.replace(/:\d+$/, '');
  return name === 'localhost' || name === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(name);
}

async function readJson(c: Context): Promise<{ ok: true; value: unknown } | { ok: false; why: string }> {
  const text = await c.req.text();
  if (text.length > BODY_BYTES_MAX) return { ok: false, why: `the body is larger than ${BODY_BYTES_MAX} bytes` };
  try {
    return { ok: true, value: text === '' ? {} : (JSON.parse(text) as unknown) };
  } catch (error) {
    return { ok: false, why: `not JSON: ${(error as Error).message}` };
  }
}

/** Server-sent facts: those behind `Last-Event-ID` first, then as they are committed, each once. */
function stream(c: Context, publisher: Publisher): Response {
  const last = c.req.header('last-event-id') ?? c.req.query('after');
  const actor = c.req.query('actor');
  return streamSSE(c, async (sse) => {
    let backlog: { fact: Fact; cursor: string }[] = [];
    let wake = (): void => {};
    let overrun = false;
    const leave = publisher.subscribe((fact, cursor) => {
      if (backlog.length >= READER_BACKLOG_MAX) overrun = true;
      else backlog.push({ fact, cursor });
      wake();
    });
    sse.onAbort(() => {
      leave();
      wake();
    });
    const send = async ({ fact, cursor }: { fact: Fact; cursor: string }): Promise<void> => {
      if (actor !== undefined && fact.actor !== actor) return;
      await sse.writeSSE({ id: cursor, event: 'fact', data: JSON.stringify(fact) });
    };
    await sse.writeSSE({ event: 'hello', data: '{}' });
    let position = last ?? '';
    if (last !== undefined) {
      for await (const entry of publisher.since(last)) {
        await send(entry);
        position = entry.cursor;
      }
    }
    while (!sse.aborted && !overrun) {
      const portion = backlog;
      backlog = [];
      for (const entry of portion) if (isAfter(entry.cursor, position)) await send(entry);
      if (backlog.length > 0) continue;
      const timer = setTimeout(() => wake(), KEEP_ALIVE_MS);
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
      clearTimeout(timer);
      if (backlog.length === 0 && !sse.aborted) await sse.write(': still here\n\n');
    }
    leave();
  });
}

function isAfter(cursor: string, position: string): boolean {
  if (position === '') return true;
  const [batch, index] = cursor.split('.').map(Number) as [number, number];
  const [atBatch, atIndex] = position.split('.').map(Number) as [number, number];
  return batch > atBatch || (batch === atBatch && index > atIndex);
}

function servePage(c: Context, page: string): Response {
  const wanted = path.normalize(c.req.path).replace(/^(\.\.[/\\])+/, '');
  let file = path.join(page, wanted);
  if (!file.startsWith(page) || path.extname(file) === '' || !existsSync(file)) file = path.join(page, 'index.html');
  if (!existsSync(file)) return c.text('The page has not been built: npm run build', 503);
  return c.body(readFileSync(file), 200, {
    'content-type': TYPES[path.extname(file)] ?? 'application/octet-stream',
    'content-security-policy': POLICY,
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
    'cache-control': wanted.startsWith('/assets/') ? 'public, max-age=31536000, immutable' : 'no-cache',
  });
}

function timeout<T>(promise: Promise<T>, ms: number, clock: Clock): Promise<T | undefined> {
  let cancel = (): void => {};
  const late = new Promise<undefined>((resolve) => {
    cancel = clock.after(ms, () => resolve(undefined));
  });
  return Promise.race([promise, late]).finally(() => cancel());
}

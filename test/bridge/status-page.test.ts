import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { MACHINES } from '../../machines/index.ts';
import { createNode } from '../../src/actor/node.ts';
import { createQuestions } from '../../src/actor/questions.ts';
import { STATUS_DAYS, statusLink } from '../../src/bridge/status-link.ts';
import { createStatusPage } from '../../src/bridge/status-page.ts';
import { createWebhooks } from '../../src/bridge/webhooks.ts';
import { createFakeClock } from '../../src/clock.ts';
import { pull } from '../machines/session-facts.ts';
import { letter } from '../support/letter.ts';
import { openMemoryStore } from '../support/memory-store.ts';
import { START_MS, createBridge, createFakeBus, quiet, tempDirectory, watchedSpool } from './parts.ts';

const SITE = { url: 'https://chartroom.example.com/hooks/', secret: 'status-secret-of-at-least-32-characters' };
const DAY_MS = 24 * 60 * 60 * 1_000;

/** The public door with the page, before a node in memory that has one session. */
async function given(t: TestContext, { title = 'Add hello', reasons = [] as string[] } = {}) {
  const clock = createFakeClock(START_MS);
  const store = await openMemoryStore();
  const node = createNode({ store, definitions: MACHINES, clock, log: quiet });
  await node.load();
  const health = async () => ({ ready: reasons.length === 0, reasons });
  const redact = (text: string) => text.replaceAll('hunter2hunter2', '[redacted]');
  const questions = createQuestions({ node, store, clock, health, redact, standing: () => [] });
  const webhooks = createWebhooks({
    github: {},
    linear: {},
    bus: createFakeBus(),
    spool: await watchedSpool(await tempDirectory(t)),
    taken: async () => {},
    status: createStatusPage({
      site: SITE,
      show: (actor) => questions.show({ actor }),
      ready: health,
      redact,
      clock,
    }),
    clock,
    log: quiet,
  });
  t.after(async () => {
    await webhooks.close();
    await node.stop();
    await store.close();
  });
  await node.send(
    letter('session/eng-42', 'open', {
      title,
      body: 'The body nobody outside reads.',
      source: { kind: 'linear', ref: 'ENG-42', url: 'https://linear.app/acme/issue/ENG-42' },
      repo: 'acme/api',
      kind: 'implement',
      deliver: 'pull_request',
    }),
  );
  await node.send(letter('session/eng-42', 'fyi', { text: 'a note nobody outside reads' }));
  const link = (address = 'session/eng-42') => new URL(statusLink(SITE, address, clock.now()).url);
  async function get(url: URL) {
    // What stands before the listener takes the prefix of its public address away.
    const response = await webhooks.fetch(
      new Request(`http://127.0.0.1${url.pathname.replace('/hooks', '')}${url.search}`),
    );
    return { status: response.status, headers: response.headers, text: await response.text() };
  }
  return { clock, node, webhooks, link, get, reasons };
}

test('whoever has a signed link reads title, phase, waits, the issue and when it was read, and no more', async (t) => {
  const { link, get, clock } = await given(t);
  assert.match(link().href, /^https:\/\/chartroom\.example\.com\/hooks\/status\/session\/eng-42\?until=\d+&signature=/);
  clock.advance(5 * 60_000);
  const { status, text, headers } = await get(link());
  assert.equal(status, 200);
  assert.match(text, /<h1>Add hello<\/h1>/);
  assert.match(text, /<dd>delegated, in this state since 2026-11-21T10:00:00\.000Z<\/dd>/);
  assert.match(text, /<li>dependency: a service outside, for 5 min<\/li>/);
  assert.match(text, /<a href="https:\/\/linear\.app\/acme\/issue\/ENG-42" rel="noreferrer">Issue<\/a>/);
  assert.match(text, /<dd>2026-11-21T10:05:00\.000Z<\/dd>/);
  assert.doesNotMatch(text, /nobody outside reads|acme\/api|test\/person|<script|<form|<button|<input/);
  assert.match(headers.get('content-type') ?? '', /^text\/html/);
  const style = createHash('sha256')
    .update(/<style>([^]*)<\/style>/.exec(text)![1]!)
    .digest('base64');
  const policy = headers.get('content-security-policy') ?? '';
  assert.ok(policy.startsWith(`default-src 'none'; style-src 'sha256-${style}'; base-uri 'none'`), policy);
  assert.equal(headers.get('cache-control'), 'no-store');
  assert.equal(headers.get('x-robots-tag'), 'noindex, nofollow');
  assert.equal(headers.get('referrer-policy'), 'no-referrer');
});

test('a link with another address, another time, another or no signature leads nowhere, as for an actor that is not there', async (t) => {
  const { node, link, get } = await given(t);
  await node.send(letter('agent/ada', 'hire', { role: 'implementer', driver: 'scripted', mode: 'worker' }));
  assert.equal((await get(link('agent/ada'))).status, 200);
  const nobody = await get(link('session/eng-43'));
  assert.equal(nobody.status, 404);
  const wrong: [string, (url: URL) => void][] = [
    ['another actor', (url) => (url.pathname = url.pathname.replace('session/eng-42', 'agent/ada'))],
    ['later', (url) => url.searchParams.set('until', String(Number(url.searchParams.get('until')) + 1))],
    ['written otherwise', (url) => url.searchParams.set('until', `0${url.searchParams.get('until')}`)],
    ['no time', (url) => url.searchParams.delete('until')],
    ['no signature', (url) => url.searchParams.delete('signature')],
    ['zeros', (url) => url.searchParams.set('signature', '0'.repeat(64))],
    ['a part of it', (url) => url.searchParams.set('signature', url.searchParams.get('signature')!.slice(0, 32))],
    ['no address', (url) => (url.pathname = url.pathname.replace('eng-42', 'ENG%2042'))],
  ];
  for (const [name, tamper] of wrong) {
    const url = link();
    tamper(url);
    const answer = await get(url);
    assert.deepEqual([answer.status, answer.text], [404, nobody.text], name);
  }
  const otherKey = statusLink(
    { ...SITE, secret: 'another-secret-of-at-least-32-characters' },
    'session/eng-42',
    START_MS,
  );
  assert.equal((await get(new URL(otherKey.url))).status, 404);
  assert.equal((await get(link())).status, 200);
});

test('a link holds for seven days, and says so when it has expired', async (t) => {
  const { link, get, clock } = await given(t);
  const url = link();
  clock.advance(STATUS_DAYS * DAY_MS - 1);
  assert.equal((await get(url)).status, 200);
  clock.advance(1);
  const { status, text, headers } = await get(url);
  assert.equal(status, 410);
  assert.match(text, /This link has expired: links to this page hold for 7 days\. Ask for a new one\./);
  assert.doesNotMatch(text, /Add hello/);
  assert.equal(headers.get('cache-control'), 'no-store');
  url.searchParams.set('signature', '0'.repeat(64));
  assert.equal((await get(url)).status, 404, 'who has no link of ours learns nothing of its time');
});

test('what people wrote in a title is text, and secrets in it are replaced', async (t) => {
  const { link, get } = await given(t, { title: `<script>alert("1")</script> & 'hunter2hunter2'` });
  const { text } = await get(link());
  assert.match(text, /<h1>&lt;script&gt;alert\(&quot;1&quot;\)&lt;\/script&gt; &amp; &#39;\[redacted\]&#39;<\/h1>/);
  assert.doesNotMatch(text, /<script|hunter2/);
});

test('a runtime that is not ready says so instead of showing what may be old', async (t) => {
  const { link, get, reasons } = await given(t);
  reasons.push('NATS is not connected');
  const { status, text, headers } = await get(link());
  assert.equal(status, 503);
  assert.equal(headers.get('retry-after'), '30');
  assert.doesNotMatch(text, /Add hello|NATS/);
});

test('the pull request of the work is linked beside its issue', async (t) => {
  const { node, link, get } = await given(t);
  await node.send(letter('session/eng-42', 'pull.observed', { ...pull() }));
  const { text } = await get(link());
  const { number, url } = pull();
  assert.ok(text.includes(`<a href="${url}" rel="noreferrer">Pull request #${number}</a>`), text);
});

test('what a wait quotes and who is waited for by name stay inside', async (t) => {
  const { node, link, get } = await given(t);
  await node.send(letter('session/eng-42', 'correct.pause', { reason: 'the customer Acme has not paid' }));
  const { text } = await get(link());
  assert.match(text, /<li>paused: a person or a program, for 0 s<\/li>/);
  assert.doesNotMatch(text, /Acme|paid|test\/person|person\//);
});

test('the page only reads, and without configuration there is none', async (t) => {
  const { webhooks, link } = await given(t);
  const path = `${link().pathname.replace('/hooks', '')}${link().search}`;
  for (const method of ['POST', 'PUT', 'DELETE']) {
    assert.equal((await webhooks.fetch(new Request(`http://127.0.0.1${path}`, { method }))).status, 404, method);
  }
  const without = await createBridge(t);
  assert.equal((await without.post(new Request(`http://127.0.0.1${path}`))).status, 404);
});

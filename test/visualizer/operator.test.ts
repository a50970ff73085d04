import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import type { Receipt } from '../../src/actor/receipt.ts';
import { decisionRows } from '../support/decision-rows.ts';
import { letter } from '../support/letter.ts';
import { createDecisions } from '../../src/bridge/decisions.ts';
import { createHookLog } from '../../src/bridge/hook-log.ts';
import { hookId, subjectOf } from '../../src/bridge/hook.ts';
import { createMemoryServer } from '../../src/bus/memory-bus.ts';
import { createFakeClock } from '../../src/clock.ts';
import { createRunLogs } from '../../src/visualizer/run-logs.ts';
import type { Chart, HookWhole, WaysTaken } from '../../src/visualizer/page/src/answers.ts';
import { openMemoryStore } from '../support/memory-store.ts';
import { MACHINES } from '../../machines/index.ts';
import { putUp, startSite } from './site.ts';
import { startRun } from './work.ts';

const posted = (body: unknown): RequestInit => ({ method: 'POST', body: JSON.stringify(body) });
const errorOf = async (response: Response): Promise<string> => ((await response.json()) as { error: string }).error;

test('it says that it lives, and whether everything moves', async (t) => {
  let ready = true;
  const site = await startSite({ ready: async () => ({ ready, bus: 'connected' }) });
  t.after(() => site.stop());
  assert.deepEqual(await (await site.ask('/healthz')).json(), { alive: true });
  assert.equal((await site.ask('/readyz')).status, 200);
  ready = false;
  const answer = await site.ask('/readyz');
  assert.equal(answer.status, 503);
  assert.deepEqual(await answer.json(), { ready: false, bus: 'connected' });
});

test('metrics count committed steps by kind, type and outcome, and dead letters', async (t) => {
  const site = await startSite();
  t.after(() => site.stop());
  await putUp(site.node, 'desk');
  await site.node.send(letter('lamp/desk', 'press'));
  await site.node.send(letter('lamp/none', 'press'));
  const response = await site.ask('/metrics');
  assert.match(response.headers.get('content-type')!, /^text\/plain/);
  const text = await response.text();
  assert.match(text, /chartroom_steps_total\{kind="lamp",type="press",outcome="taken"\} 1/);
  assert.match(text, /chartroom_kernel_facts_total\{type="letter.dead"\} 1/);
  assert.match(text, /chartroom_actors_in_memory 2/);
});

test('a question is asked by GET with a query or by POST with JSON', async (t) => {
  const site = await startSite();
  t.after(() => site.stop());
  await putUp(site.node, 'desk', 'hall');
  const got = (await (await site.ask('/api/list?text=hall&limit=5')).json()) as { items: { address: string }[] };
  assert.deepEqual(
    got.items.map(({ address }) => address),
    ['lamp/hall'],
  );
  const shown = (await (await site.ask('/api/show', posted({ actor: 'lamp/desk' }))).json()) as { phase: string };
  assert.equal(shown.phase, 'off');
});

test('what is no question, no JSON or no actor is said with its status', async (t) => {
  const site = await startSite();
  t.after(() => site.stop());
  await putUp(site.node, 'desk');
  const cases: [string, RequestInit | undefined, number, RegExp][] = [
    ['/api/gossip', undefined, 404, /no question “gossip”/],
    ['/api/constructor', undefined, 404, /no question/],
    ['/api/show', { method: 'POST', body: '{' }, 400, /not JSON/],
    ['/api/show?actor=lamp/deks', undefined, 404, /there is no lamp\/deks/],
    ['/api/show?who=me', undefined, 400, /actor/],
    ['/api/list?limit=many', undefined, 400, /limit/],
    ['/api/show', { method: 'POST', body: 'x'.repeat(2_200_000) }, 413, /larger/],
    ['/api/list', { method: 'DELETE' }, 404, /DELETE/],
  ];
  for (const [path, init, status, message] of cases) {
    const response = await site.ask(path, init);
    assert.equal(response.status, status, path);
    assert.match(await errorOf(response), message);
  }
});

test('send answers with the receipt whatever its outcome, and says which field is no envelope', async (t) => {
  const site = await startSite();
  t.after(() => site.stop());
  await putUp(site.node, 'desk');
  const taken = await site.ask('/api/send', posted(letter('lamp/desk', 'press')));
  assert.equal(taken.status, 200);
  assert.equal(((await taken.json()) as Receipt).outcome, 'taken');
  const unknown = await site.ask('/api/send', posted(letter('lamp/none', 'press')));
  assert.equal(unknown.status, 200);
  assert.equal(((await unknown.json()) as Receipt).outcome, 'unknown');
  const broken = await site.ask('/api/send', posted({ ...letter('lamp/desk', 'press'), id: 7, colour: 'red' }));
  assert.equal(broken.status, 400);
  assert.match(await errorOf(broken), /id: .*colour/);
});

test('a preview tells what would come and changes nothing', async (t) => {
  const site = await startSite();
  t.after(() => site.stop());
  await putUp(site.node, 'desk');
  const preview = (await (await site.ask('/api/preview', posted(letter('lamp/desk', 'press')))).json()) as Receipt;
  assert.equal(preview.after?.phase, 'on');
  const shown = (await (await site.ask('/api/show?actor=lamp/desk')).json()) as { phase: string; seq: number };
  assert.deepEqual([shown.phase, shown.seq], ['off', 1]);
});

test('a GET never sends: an image on another page could make a browser do it', async (t) => {
  const site = await startSite();
  t.after(() => site.stop());
  await putUp(site.node, 'desk');
  const query = new URLSearchParams({ specversion: '1.0', id: 'x', source: 'a/b', type: 'end', subject: 'lamp/desk' });
  const response = await site.ask(`/api/send?${query.toString()}`);
  assert.equal(response.status, 405);
  assert.equal(response.headers.get('allow'), 'POST');
  assert.equal((await site.node.settled('lamp/desk'))!.stood!.projection.phase, 'off');
});

test('without a receipt in time the answer is 504 and how to ask for it', async (t) => {
  const site = await startSite();
  t.after(() => site.stop());
  let asked = (): void => {};
  const isAsked = new Promise<void>((resolve) => {
    asked = resolve;
  });
  site.questions.send = () => {
    asked();
    return new Promise(() => {});
  };
  const answering = site.ask('/api/send', posted(letter('lamp/desk', 'press')));
  await isAsked;
  site.clock.advance(10_000);
  const response = await answering;
  assert.equal(response.status, 504);
  assert.match(await errorOf(response), /no receipt within 10 s/);
});

test('another host or origin is refused, so that no page of somebody else can ask', async (t) => {
  const site = await startSite();
  t.after(() => site.stop());
  const status = async (headers: Record<string, string>): Promise<number> =>
    (await site.ask('/api/list', { headers })).status;
  assert.equal(await status({ host: 'evil.example' }), 403);
  assert.equal(await status({ host: '127.0.0.1.evil.example' }), 403);
  assert.equal(await status({ origin: 'http://evil.example' }), 403);
  assert.equal(await status({ origin: 'http://127.0.0.1:9999' }), 403);
  assert.equal(await status({ origin: 'null' }), 403);
  assert.equal(await status({ origin: 'http://127.0.0.1:8788' }), 200);
  for (const host of ['localhost:8788', '[::1]:8788', '127.0.0.1']) assert.equal(await status({ host }), 200);
});

test('with a token every question needs it, on any host; the page and the heartbeat do not', async (t) => {
  const site = await startSite({ token: 'correct horse battery' });
  t.after(() => site.stop());
  const status = async (path: string, headers: Record<string, string> = {}): Promise<number> =>
    (await site.ask(path, { headers: { host: 'chartroom.example', ...headers } })).status;
  for (const path of ['/api/list', '/api/stream', '/metrics', '/readyz']) assert.equal(await status(path), 401, path);
  assert.equal(await status('/api/list', { authorization: 'Bearer correct horse' }), 401);
  assert.equal(await status('/api/list', { authorization: 'Bearer correct horse battery' }), 200);
  assert.equal(await status('/healthz'), 200);
  assert.equal(
    await status('/api/list', {
      authorization: 'Bearer correct horse battery',
      origin: 'http://evil.example',
    }),
    403,
  );
});

test('why tells of an event whose step throws, and of all others beside it', async (t) => {
  const site = await startSite();
  t.after(() => site.stop());
  await putUp(site.node, 'desk');
  const response = await site.ask('/api/why?actor=lamp/desk');
  assert.equal(response.status, 200);
  const { events } = (await response.json()) as { events: Record<string, { would: string; because: string }> };
  assert.match(events['break']!.because, /throws, the actor would be parked: a bug in the machine/);
  assert.equal(events['press']!.would, 'move');
});

test('deliveries are listed, shown without our secrets, and delivered again under a new id', async (t) => {
  const bus = createMemoryServer({ clock: createFakeClock() }).bus();
  const hook = {
    source: 'github' as const,
    event: 'pull_request',
    action: 'closed',
    delivery: 'd-1',
    receivedAt: '2026-01-01T00:00:00.000Z',
    headers: {},
    body: { number: 7, token: 'planted' },
  };
  await bus.publish('hook', subjectOf(hook), JSON.stringify(hook), { msgId: hookId(hook) });
  const decisions = createDecisions(decisionRows());
  const hooksHere = { log: createHookLog(bus), decisions };
  const site = await startSite({ hooks: hooksHere, redact: (text) => text.replaceAll('planted', '•') });
  t.after(() => site.stop());
  const post = (question: string, input: object): Promise<Response> =>
    site.ask(`/api/${question}`, { method: 'POST', body: JSON.stringify(input) });
  const { hooks } = (await (await site.ask('/api/hooks')).json()) as { hooks: { seq: number; delivery: string }[] };
  assert.deepEqual(
    hooks.map(({ delivery }) => delivery),
    ['d-1'],
  );
  const whole = (await (await post('hook', { seq: hooks[0]!.seq })).json()) as HookWhole;
  assert.deepEqual(whole.body, { number: 7, token: '•' });
  assert.deepEqual([whole.caused, whole.led], [null, []], 'of what was decided before this start nothing is known');
  // What was decided, and the steps that name it as their cause.
  decisions.note(hook, { poked: [], sent: [{ to: 'lamp/desk', type: 'press', id: 'github:d-1:0' }] });
  await putUp(site.node, 'desk');
  await site.node.send(letter('lamp/desk', 'press', {}, { id: 'github:d-1:0', causationid: 'github:d-1' }));
  const later = (await (await post('hook', { seq: hooks[0]!.seq })).json()) as HookWhole;
  assert.deepEqual(later.caused?.sent, [{ to: 'lamp/desk', type: 'press', id: 'github:d-1:0' }]);
  assert.deepEqual(later.led, [{ actor: 'lamp/desk', seq: 2, id: 'github:d-1:0', type: 'press', outcome: 'taken' }]);
  // A second delivery that told the same led to the same step.
  const second = { ...hook, delivery: 'd-2' };
  const { seq } = await bus.publish('hook', subjectOf(second), JSON.stringify(second), { msgId: hookId(second) });
  decisions.note(second, { poked: [], sent: [{ to: 'lamp/desk', type: 'press', id: 'github:d-1:0' }] });
  assert.deepEqual(((await (await post('hook', { seq })).json()) as HookWhole).led, later.led);
  assert.equal((await post('hook', { seq: 99 })).status, 404);
  assert.equal((await post('hook', { seq: 'x' })).status, 400);
  assert.equal((await site.ask('/api/redeliver?delivery=d-1')).status, 404, 'what changes something is POSTed');
  const again = (await (await post('redeliver', { delivery: 'd-1' })).json()) as { delivery: string };
  assert.equal(again.delivery, 'd-1#1');
  assert.equal((await post('redeliver', { delivery: 'd-9' })).status, 400);
});

test('how often each transition was taken is counted over all actors of a kind, before this start too, each once', async (t) => {
  const store = await openMemoryStore();
  const before = await startSite({ store });
  await putUp(before.node, 'desk', 'hall');
  await before.node.send(letter('lamp/desk', 'press'));
  await before.stop();
  const site = await startSite({ store });
  t.after(() => site.stop());
  const edges = ((await (await site.ask('/api/chart?kind=lamp')).json()) as Chart).edges;
  /** `from trigger [guard]` → how often. */
  const ways = async (): Promise<Record<string, number>> => {
    const { taken } = (await (await site.ask('/api/ways?kind=lamp')).json()) as WaysTaken;
    return Object.fromEntries(
      Object.entries(taken).map(([id, times]) => {
        const { from, event, after, guard } = edges.find((edge) => edge.id === id)!;
        return [`${from} ${event ?? `after ${after}`}${guard === undefined ? '' : ` [${guard}]`}`, times];
      }),
    );
  };
  const send = async (type: string, data = {}): Promise<unknown> =>
    site.node.send(letter('lamp/hall', type, { ...data }));
  await send('press');
  const opened = { 'up open': 2, 'up.light.off press [isBright]': 2 };
  assert.deepEqual(await ways(), opened);
  // Two that lead from and to the same states, one that stays, and one that a guard keeps from counting.
  await send('press');
  await send('press');
  site.clock.advance(3_600_000);
  await site.node.quiet();
  await send('dim', { to: 40 });
  await send('dim', { to: 400 });
  const later = {
    'up open': 2,
    'up.light.off press [isBright]': 3,
    'up.light.on press': 1,
    'up.light.on after offer': 2,
    'up.dimmer.ready dim': 1,
  };
  assert.deepEqual(await ways(), later);
  await send('end');
  assert.deepEqual(await ways(), { ...later, 'up end': 1 });
  assert.deepEqual(await (await site.ask('/api/ways?kind=mission')).json(), {
    version: null,
    facts: 0,
    since: null,
    taken: {},
  });
});

test('of a session it is counted which guard let it pass, and what followed by itself', async (t) => {
  const site = await startSite({ definitions: [...MACHINES] });
  t.after(() => site.stop());
  await startRun(site, { session: 'session/eng-1', agent: 'agent/ada' });
  const { edges } = (await (await site.ask('/api/chart?kind=session')).json()) as Chart;
  const { facts, taken } = (await (await site.ask('/api/ways?kind=session')).json()) as WaysTaken;
  const { last } = (await site.questions.history({ actor: 'session/eng-1' })) as { last: number };
  assert.equal(facts, last, 'each step once');
  const ways = edges
    .filter(({ id, to }) => taken[id] !== undefined && to.length > 0)
    .map(({ from, event, guard, to }) => `${from} ${event ?? 'always'} ${guard ?? '-'} ${to.join()}`);
  assert.deepEqual(ways, [
    'opening open - open',
    'open.work.unassigned work.matched matchesWant open.work.offered',
    'open.work.unassigned always shouldWant open.work.unassigned',
    'open.work.offered offer.accepted - open.work.preparing',
    'open.work.preparing worktree.prepared preparedForThisRun open.work.running',
    'open.work.idle always owesWork open.work.unassigned',
  ]);
});

test('that a page looks at a chat is told as a beat, by POST alone', async (t) => {
  const site = await startSite();
  t.after(() => site.stop());
  const beats: string[] = [];
  site.bus.listen('consumer.>', (subject, body) => beats.push(`${subject} ${Buffer.from(body).toString('utf8')}`));
  assert.equal((await site.ask('/api/attend?agent=agent/ada&consumer=page-1')).status, 404);
  const attend = (input: object): Promise<Response> => site.ask('/api/attend', posted(input));
  assert.equal((await attend({ agent: 'session/eng-42', consumer: 'page-1' })).status, 400);
  assert.equal((await attend({ agent: 'agent/ada', consumer: 'page-1', kind: 'terminal' })).status, 400);
  assert.deepEqual(beats, []);
  assert.equal((await attend({ agent: 'agent/ada', consumer: 'page-1' })).status, 200);
  assert.equal((await attend({ agent: 'agent/ada', consumer: 'page-1', leaving: true })).status, 200);
  assert.deepEqual(beats, [
    'consumer.ada {"kind":"page","consumer":"page-1"}',
    'consumer.ada {"kind":"page","consumer":"page-1","leaving":true}',
  ]);
});

test('a run’s log is found by its actor and read on from where one was', async (t) => {
  const data = await mkdtemp(path.join(tmpdir(), 'chartroom-runs-'));
  t.after(() => rm(data, { recursive: true }));
  const folder = path.join(data, 'runs', 'eng-42.1');
  await mkdir(folder, { recursive: true });
  const record = {
    run: 'eng-42.1',
    agent: 'agent/ada',
    driver: 'scripted',
    mode: 'worker',
    session: 'session/eng-42',
    epoch: 1,
    bootId: 'b',
    preparedAt: '2026-01-01T00:00:00.000Z',
  };
  await writeFile(path.join(folder, 'record.json'), JSON.stringify(record));
  await writeFile(path.join(folder, 'live.log'), 'ready\nwrites hällo\nhalf a li');
  const site = await startSite({ runs: createRunLogs(data) });
  t.after(() => site.stop());
  const ask = async (question: string): Promise<unknown> => (await site.ask(`/api/${question}`)).json();
  for (const actor of ['agent/ada', 'session/eng-42']) {
    const { runs } = (await ask(`runs?actor=${actor}`)) as { runs: { run: string }[] };
    assert.deepEqual(
      runs.map(({ run }) => run),
      ['eng-42.1'],
    );
  }
  assert.deepEqual(await ask('runs?actor=agent/bob'), { runs: [] });
  const first = (await ask('output?run=eng-42.1')) as { text: string; next: number; ended: boolean };
  assert.deepEqual([first.text, first.ended], ['ready\nwrites hällo\n', false]);
  await writeFile(path.join(folder, 'live.log'), 'ready\nwrites hällo\nhalf a line\n');
  assert.deepEqual(await ask(`output?run=eng-42.1&from=${first.next}`), {
    text: 'half a line\n',
    next: first.next + 12,
    ended: false,
  });
  assert.equal((await site.ask('/api/output?run=..%2F..%2Fetc')).status, 404);
  assert.equal((await site.ask('/api/output?run=eng-42.2')).status, 404);
});

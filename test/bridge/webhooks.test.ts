import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readdir } from 'node:fs/promises';
import { request as httpRequest } from 'node:http';
import type { IncomingMessage } from 'node:http';
import test from 'node:test';
import { listenWebhooks } from '../../src/bridge/listen.ts';
import { parseHook } from '../../src/bridge/hook.ts';
import { RejectedInput } from '../../src/errors.ts';
import {
  START_MS,
  SECRETS,
  createBridge,
  createFakeBus,
  githubDelivery,
  linearDelivery,
  tempDirectory,
} from './parts.ts';

const ping = { zen: 'Design for failure.', hook_id: 1 };
const issue = { type: 'Issue', action: 'update', data: { id: 'i-1' } };

test('a signed GitHub delivery lies in the stream under its subject and id, without its signature', async (t) => {
  const { post, bus } = await createBridge(t);
  const body = { action: 'Closed', number: 7, text: 'é “quoted”' };
  const answer = await post(githubDelivery('pull_request', { body, delivery: 'd-1' }));
  assert.deepEqual([answer.status, answer.body], [200, { taken: true }]);
  const [stored] = bus.stored;
  assert.equal(stored?.subject, 'github.pull_request.closed');
  assert.equal(stored?.msgId, 'github:d-1');
  assert.deepEqual(JSON.parse(stored?.body ?? ''), {
    source: 'github',
    event: 'pull_request',
    action: 'Closed',
    delivery: 'd-1',
    receivedAt: '2026-11-21T10:00:00.000Z',
    headers: { 'user-agent': 'GitHub-Hookshot/044aadd' },
    body,
  });
});

test('a signed Linear delivery is known by the type in its signed body', async (t) => {
  const { post, bus } = await createBridge(t);
  const body = { type: 'AgentSessionEvent', action: 'created' };
  const answer = await post(linearDelivery({ body, delivery: 'd-2', headers: { 'linear-event': 'Comment' } }));
  assert.equal(answer.status, 200);
  assert.equal(bus.stored[0]?.subject, 'linear.agentsessionevent.created');
  assert.equal(bus.stored[0]?.msgId, 'linear:d-2');
});

test('an event without action has the subject token -', async (t) => {
  const { post, bus } = await createBridge(t);
  await post(githubDelivery('push', { body: { ref: 'refs/heads/main' } }));
  assert.equal(bus.stored[0]?.subject, 'github.push.-');
  assert.equal(parseHook(Buffer.from(bus.stored[0]?.body ?? '')).action, null);
});

test('names from outside cannot mean anything in a subject', async (t) => {
  const { post, bus } = await createBridge(t);
  await post(githubDelivery('repository_dispatch', { body: { action: 'on demand.*.>\n' } }));
  assert.equal(bus.stored[0]?.subject, 'github.repository_dispatch.on_demand_');
});

for (const [what, delivery] of [
  ['unsigned', githubDelivery('ping', { body: ping, headers: { 'x-hub-signature-256': undefined } })],
  ['signed with another secret', githubDelivery('ping', { body: ping, secret: 'a guess' })],
  [
    'with a signature of the old kind',
    githubDelivery('ping', { body: ping, headers: { 'x-hub-signature-256': 'sha1=00' } }),
  ],
  [
    'with a signature of no form',
    githubDelivery('ping', { body: ping, headers: { 'x-hub-signature-256': 'sha256=zz' } }),
  ],
  ['unsigned and not even JSON', githubDelivery('ping', { raw: '{', headers: { 'x-hub-signature-256': undefined } })],
  ['Linear, unsigned', linearDelivery({ body: issue, headers: { 'linear-signature': undefined } })],
  ['Linear, wrongly signed', linearDelivery({ body: issue, secret: 'a guess' })],
  ['Linear, sent 61 seconds ago', linearDelivery({ body: issue, sentAt: START_MS - 60_001 })],
  ['Linear, sent 61 seconds from now', linearDelivery({ body: issue, sentAt: START_MS + 60_001 })],
  ['Linear, without its time', linearDelivery({ raw: JSON.stringify(issue) })],
] as const) {
  test(`401, and nothing is kept: ${what}`, async (t) => {
    const { post, bus, spool } = await createBridge(t);
    const answer = await post(delivery.clone());
    assert.equal(answer.status, 401);
    assert.equal(typeof answer.body['error'], 'string');
    assert.deepEqual([bus.calls, spool.size().count], [0, 0]);
  });
}

for (const [what, delivery] of [
  ['truncated', githubDelivery('ping', { raw: '{"zen":"Design fo' })],
  ['not JSON', githubDelivery('ping', { raw: 'payload=%7B%7D' })],
  ['empty', githubDelivery('ping', { raw: '' })],
  ['JSON, but no object', githubDelivery('ping', { raw: '[1]' })],
  ['not UTF-8', githubDelivery('ping', { raw: new Uint8Array([0x7b, 0xff, 0x7d]) })],
  ['without event header', githubDelivery('ping', { body: ping, headers: { 'x-github-event': undefined } })],
  ['without delivery header', githubDelivery('ping', { body: ping, headers: { 'x-github-delivery': undefined } })],
  ['with a delivery header that is no id', githubDelivery('ping', { body: ping, delivery: 'a b' })],
  ['Linear, truncated', linearDelivery({ raw: '{"type":"Iss' })],
  ['Linear, without delivery header', linearDelivery({ body: issue, headers: { 'linear-delivery': undefined } })],
] as const) {
  test(`400, and nothing is kept: ${what}`, async (t) => {
    const { post, bus, spool } = await createBridge(t);
    const answer = await post(delivery.clone());
    assert.equal(answer.status, 400);
    assert.deepEqual([bus.calls, spool.size().count], [0, 0]);
  });
}

test('a Linear delivery sent 60 seconds ago by its own clock is still believed', async (t) => {
  const { post } = await createBridge(t);
  assert.equal((await post(linearDelivery({ body: issue, sentAt: START_MS - 60_000 }))).status, 200);
  assert.equal((await post(linearDelivery({ body: issue, sentAt: START_MS + 60_000 }))).status, 200);
});

test('an unset secret refuses everything of its source, and nothing of the other', async (t) => {
  const { post, bus } = await createBridge(t, { github: {}, linear: { secret: SECRETS.linear } });
  assert.equal((await post(githubDelivery('ping', { body: ping }))).status, 401);
  const empty = await createBridge(t, { github: { secret: '' } });
  const forged = githubDelivery('ping', { body: ping, secret: 'x', headers: {} });
  assert.equal((await empty.post(forged)).status, 401);
  assert.equal((await post(linearDelivery({ body: issue }))).status, 200);
  assert.equal(bus.stored.length, 1);
});

test('a forged delivery does not block the genuine one with its id', async (t) => {
  const { post, bus } = await createBridge(t);
  const forged = githubDelivery('ping', { body: { zen: 'forged' }, delivery: 'same', secret: 'a guess' });
  assert.equal((await post(forged)).status, 401);
  assert.equal((await post(githubDelivery('ping', { body: ping, delivery: 'same' }))).status, 200);
  assert.equal(bus.stored.length, 1);
  assert.deepEqual(parseHook(Buffer.from(bus.stored[0]?.body ?? '')).body, ping);
});

test('a replayed delivery is answered like the first and is one hook', async (t) => {
  const { post, bus } = await createBridge(t);
  const first = await post(githubDelivery('ping', { body: ping, delivery: 'again' }));
  const second = await post(githubDelivery('ping', { body: ping, delivery: 'again' }));
  assert.deepEqual([first.status, second.status], [200, 200]);
  assert.equal(bus.stored.length, 1);
});

test('only POST, only the two paths', async (t) => {
  const { post, bus } = await createBridge(t);
  const get = await post(new Request('http://bridge.test/webhooks/github'));
  assert.deepEqual([get.status, get.headers.get('allow')], [405, 'POST']);
  for (const path of ['/', '/webhooks', '/webhooks/gitlab', '/webhooks/github/', '/api/list', '/healthz']) {
    const request = new Request(`http://bridge.test${path}`, { method: 'POST', body: '{}' });
    assert.equal((await post(request)).status, 404, path);
  }
  assert.equal(bus.calls, 0);
});

test('a body beyond the limit is refused, one of just that size is not', async (t) => {
  const { post, bus } = await createBridge(t, { limits: { bodyBytesMax: 1_000 } });
  const padded = (size: number) => JSON.stringify({ pad: 'x'.repeat(size - 10) });
  assert.equal(padded(1_000).length, 1_000);
  assert.equal((await post(githubDelivery('ping', { raw: padded(1_001) }))).status, 413);
  assert.equal((await post(githubDelivery('ping', { raw: padded(1_000) }))).status, 200);
  assert.equal(bus.stored.length, 1);
});

test('a body too large for the bus is refused where no store for bodies is', async (t) => {
  const { post, bus, spool } = await createBridge(t, { limits: { letterBytesMax: 1_000 } });
  assert.equal((await post(githubDelivery('ping', { body: { pad: 'x'.repeat(1_000) } }))).status, 413);
  assert.deepEqual([bus.calls, spool.size().count], [0, 0]);
});

test('a body too large for the bus goes to the store for bodies, the hook says where', async (t) => {
  const bodies = new Map<string, string>();
  const { post, bus } = await createBridge(t, {
    limits: { letterBytesMax: 1_000 },
    bodies: {
      put: async (id, bytes) => {
        bodies.set(id, Buffer.from(bytes).toString());
        return `bodies/${id}`;
      },
    },
  });
  const body = { pad: 'x'.repeat(1_000) };
  assert.equal((await post(githubDelivery('ping', { body, delivery: 'big' }))).status, 200);
  const hook = parseHook(Buffer.from(bus.stored[0]?.body ?? ''));
  assert.deepEqual([hook.bodyRef, hook.body], ['bodies/github:big', undefined]);
  assert.deepEqual(JSON.parse(bodies.get('github:big') ?? ''), body);
});

test('a deeply nested body is carried as it came', async (t) => {
  const { post, bus } = await createBridge(t);
  const raw = `{"deep":${'['.repeat(100_000)}${']'.repeat(100_000)}}`;
  assert.equal((await post(githubDelivery('ping', { raw }))).status, 200);
  assert.ok(bus.stored[0]?.body.endsWith(`"body":${raw}}`));
});

test('a mark of the byte order before the body is signed with it, and not carried', async (t) => {
  const { post, bus } = await createBridge(t);
  assert.equal((await post(githubDelivery('ping', { raw: `\ufeff${JSON.stringify(ping)}` }))).status, 200);
  assert.deepEqual(parseHook(Buffer.from(bus.stored[0]?.body ?? '')).body, ping);
});

test('2xx waits for the runtime, but not longer than the hook wait: then the spool makes it durable', async (t) => {
  let take = (): void => {};
  const taken = new Promise<void>((resolve) => {
    take = resolve;
  });
  const { post, bus, spool, clock } = await createBridge(t, { taken: () => taken });
  let answered = false;
  const answer = post(githubDelivery('ping', { body: ping })).finally(() => {
    answered = true;
  });
  await bus.holds(1);
  await settled();
  clock.advance(1_999);
  await settled();
  assert.equal(answered, false);
  clock.advance(1);
  assert.deepEqual([(await answer).status, (await answer).body], [202, { taken: false }]);
  assert.equal(spool.size().count, 1);
  take();
  await spool.emptied();
  assert.equal(bus.stored.length, 1, 'what lies in the stream is not published again');
});

test('closing waits for nobody: a delivery in hand is spooled and answered', async (t) => {
  const { webhooks, post, bus, spool } = await createBridge(t, { taken: () => new Promise(() => {}) });
  const answer = post(githubDelivery('ping', { body: ping }));
  await bus.holds(1);
  await webhooks.close();
  assert.deepEqual([(await answer).status, spool.size().count], [202, 1]);
});

test('Linear is answered with 200 also where the runtime has yet to take it: it counts nothing else', async (t) => {
  const { post, spool } = await createBridge(t, { bus: createFakeBus({ connected: false }) });
  const answer = await post(linearDelivery({ body: issue }));
  assert.deepEqual([answer.status, answer.body, spool.size().count], [200, { taken: false }, 1]);
});

test('with the bus down deliveries are spooled, and published in their order when it is back', async (t) => {
  const { post, bus, spool } = await createBridge(t, { bus: createFakeBus({ connected: false }) });
  for (const delivery of ['a', 'b', 'c']) {
    assert.equal((await post(githubDelivery('ping', { body: ping, delivery }))).status, 202);
  }
  assert.equal(spool.size().count, 3);
  bus.connect();
  await spool.emptied();
  assert.deepEqual(
    bus.stored.map(({ msgId }) => msgId),
    ['github:a', 'github:b', 'github:c'],
  );
});

test('what comes while the spool is being published gets behind it', async (t) => {
  const { post, bus, spool } = await createBridge(t, { bus: createFakeBus({ connected: false }) });
  await post(githubDelivery('ping', { body: ping, delivery: 'a' }));
  await post(githubDelivery('ping', { body: ping, delivery: 'b' }));
  bus.connect();
  const late = await post(githubDelivery('ping', { body: ping, delivery: 'c' }));
  await spool.emptied();
  assert.ok(late.status === 200 || late.status === 202);
  assert.deepEqual(
    bus.stored.map(({ msgId }) => msgId),
    ['github:a', 'github:b', 'github:c'],
  );
});

test('a new process brings the spool of the old one into the stream', async (t) => {
  const directory = await tempDirectory(t);
  const before = await createBridge(t, { directory, bus: createFakeBus({ connected: false }) });
  await before.post(githubDelivery('ping', { body: { n: 1 }, delivery: 'a' }));
  await before.post(githubDelivery('ping', { body: { n: 2 }, delivery: 'b' }));
  await before.webhooks.close();
  assert.equal((await readdir(directory)).length, 2);

  const after = await createBridge(t, { directory });
  await after.spool.emptied();
  assert.deepEqual(
    after.bus.stored.map(({ msgId, body }) => [msgId, parseHook(Buffer.from(body)).body]),
    [
      ['github:a', { n: 1 }],
      ['github:b', { n: 2 }],
    ],
  );
  assert.deepEqual(await readdir(directory), []);
});

test('a spooled delivery that nothing can carry any more is set aside; those behind it go on', async (t) => {
  const directory = await tempDirectory(t);
  const before = await createBridge(t, { directory, bus: createFakeBus({ connected: false }) });
  await before.post(githubDelivery('ping', { body: { pad: 'x'.repeat(1_000) }, delivery: 'large' }));
  await before.post(githubDelivery('ping', { body: ping, delivery: 'small' }));
  await before.webhooks.close();

  const after = await createBridge(t, { directory, limits: { letterBytesMax: 1_000 } });
  await after.bus.holds(1);
  await after.spool.emptied();
  assert.equal(after.bus.stored[0]?.msgId, 'github:small');
  assert.deepEqual(await readdir(directory), ['000000000001.hook.aside']);
});

test('what NATS is too small for is refused at once; spooled before, it is set aside, those behind it go on, and it is told', async (t) => {
  const directory = await tempDirectory(t);
  const before = await createBridge(t, { directory, bus: createFakeBus({ connected: false }) });
  const large = { pad: 'x'.repeat(1_000) };
  await before.post(githubDelivery('ping', { body: large, delivery: 'large' }));
  await before.post(githubDelivery('ping', { body: ping, delivery: 'small' }));
  await before.webhooks.close();
  assert.deepEqual(before.spool.notes(), []);

  const bus = createFakeBus({ connected: false });
  bus.takesAtMost(1_000);
  const after = await createBridge(t, { directory, bus });
  bus.connect();
  await bus.holds(1);
  await after.spool.emptied();
  assert.equal(bus.stored[0]?.msgId, 'github:small');
  const told = [`deliveries set aside because nothing could carry or read them: 1, in ${directory}/*.aside`];
  assert.deepEqual(after.spool.notes(), told);
  const answer = await after.post(githubDelivery('ping', { body: large, delivery: 'large-again' }));
  assert.equal(answer.status, 413);
  assert.match(String(answer.body['error']), /larger than NATS takes; set max_payload: 8MB/);
  assert.equal(after.spool.size().count, 0);

  const again = await createBridge(t, { directory });
  assert.deepEqual(again.spool.notes(), told);
  const next = { head: parseHook(Buffer.from(bus.stored[0].body)), body: Buffer.from('{}') };
  assert.equal(await again.spool.add(next), 2);
});

test('a full stream is waited out with growing pauses', async (t) => {
  const { post, bus, spool, clock } = await createBridge(t);
  bus.refuse(true);
  assert.equal((await post(githubDelivery('ping', { body: ping, delivery: 'a' }))).status, 202);
  await settled();
  clock.advance(60_000);
  await settled();
  assert.equal(bus.stored.length, 0);
  bus.refuse(false);
  clock.advance(30_000);
  await spool.emptied();
  assert.equal(bus.stored.length, 1);
});

test('503 with Retry-After only when the spool cannot take it either', async (t) => {
  const { post, bus, spool } = await createBridge(t, {
    bus: createFakeBus({ connected: false }),
    spoolLimits: { countMax: 1 },
  });
  assert.equal((await post(githubDelivery('ping', { body: ping, delivery: 'a' }))).status, 202);
  const full = await post(githubDelivery('ping', { body: ping, delivery: 'b' }));
  assert.equal(full.status, 503);
  assert.match(full.headers.get('retry-after') ?? '', /^\d+$/);
  bus.connect();
  await spool.emptied();
  assert.equal((await post(githubDelivery('ping', { body: ping, delivery: 'b' }))).status, 200);
  assert.deepEqual(
    bus.stored.map(({ msgId }) => msgId),
    ['github:a', 'github:b'],
  );
});

test('many deliveries at once do not pass the spool’s bounds together', async (t) => {
  const { post, spool } = await createBridge(t, {
    bus: createFakeBus({ connected: false }),
    spoolLimits: { countMax: 3 },
  });
  const answers = await Promise.all(Array.from({ length: 10 }, () => post(githubDelivery('ping', { body: ping }))));
  assert.equal(answers.filter(({ status }) => status === 202).length, 3);
  assert.equal(answers.filter(({ status }) => status === 503).length, 7);
  assert.equal(spool.size().count, 3);
});

test('over real HTTP: an endless chunked body is cut off with 413 and the server goes on', async (t) => {
  const { webhooks, bus } = await createBridge(t, { limits: { bodyBytesMax: 100_000 } });
  const server = await listenWebhooks(webhooks, '127.0.0.1:0');
  t.after(() => server.close());

  const sending = httpRequest(`${server.url}/webhooks/github`, {
    method: 'POST',
    headers: { 'x-github-event': 'ping' },
  });
  // The server hangs up while we are still sending.
  sending.on('error', () => {});
  const answered = once(sending, 'response') as Promise<[IncomingMessage]>;
  for (let sent = 0; sent < 30; sent++) sending.write('x'.repeat(10_000));
  const [response] = await answered;
  assert.equal(response.statusCode, 413);
  response.resume();
  sending.destroy();

  const genuine = githubDelivery('ping', { body: ping });
  const chunked = new ReadableStream<Uint8Array>({
    start(controller) {
      for (const part of ['{"zen":"Design ', 'for failure.","hook_id":1}']) controller.enqueue(Buffer.from(part));
      controller.close();
    },
  });
  const init: RequestInit & { duplex: 'half' } = {
    method: 'POST',
    body: chunked,
    headers: genuine.headers,
    duplex: 'half',
  };
  assert.equal((await fetch(`${server.url}/webhooks/github`, init)).status, 200);
  assert.equal(bus.stored.length, 1);
});

test('over real HTTP: a declared length beyond the limit is refused unread', async (t) => {
  const { webhooks } = await createBridge(t);
  const server = await listenWebhooks(webhooks, '127.0.0.1:0');
  t.after(() => server.close());
  const sending = httpRequest(`${server.url}/webhooks/linear`, {
    method: 'POST',
    headers: { 'content-length': String(6 * 1_024 * 1_024) },
  });
  sending.on('error', () => {});
  sending.flushHeaders();
  const [response] = (await once(sending, 'response')) as [IncomingMessage];
  assert.equal(response.statusCode, 413);
  sending.destroy();
});

test('a port that is taken is named, with how to choose another', async (t) => {
  const { webhooks } = await createBridge(t);
  const server = await listenWebhooks(webhooks, '127.0.0.1:0');
  t.after(() => server.close());
  await assert.rejects(listenWebhooks(webhooks, `127.0.0.1:${server.port}`), (error: RejectedInput) => {
    assert.ok(error instanceof RejectedInput);
    assert.match(error.message, new RegExp(`127\\.0\\.0\\.1:${server.port}: another program has this port`));
    assert.match(error.issues.join(), /webhooks\.listen/);
    return true;
  });
  await assert.rejects(listenWebhooks(webhooks, 'nowhere'), RejectedInput);
});

/** Lets promises that wait for nothing but each other and the file system come to rest. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve));
}

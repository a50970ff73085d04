import assert from 'node:assert/strict';
import test from 'node:test';
import { createRequire } from 'node:module';
import { AT, REPO, SECRET, openPull, receiver, refusal, site } from './github-site.ts';

test('a hook made through the API is pinged, gets only its events, and its log can be read', async (t) => {
  const s = await site(t);
  const hooks = await receiver(t);
  const config = { url: hooks.url, secret: SECRET, content_type: 'json' };
  const { data: hook } = await s.as('acme').rest.repos.createWebhook({ ...AT, config, events: ['pull_request'] });
  await openPull(s);
  await s.github.delivered();
  const { data: log } = await s.as('acme').rest.repos.listWebhookDeliveries({ ...AT, hook_id: hook.id });

  assert.deepEqual(hooks.names(), ['ping', 'pull_request.opened']);
  assert.deepEqual(hooks.badlySigned, []);
  assert.deepEqual(
    log.map((one) => [one.event, one.action, one.status, one.status_code, one.guid]),
    [
      ['pull_request', 'opened', 'OK', 200, hooks.received[1]?.guid],
      ['ping', null, 'OK', 200, hooks.received[0]?.guid],
    ],
  );
  const { data: one } = await s
    .as('acme')
    .rest.repos.getWebhookDelivery({ ...AT, hook_id: hook.id, delivery_id: log[0]?.id ?? 0 });
  assert.equal(one.response.payload, 'taken');
  assert.equal((one.request.payload as { action: string }).action, 'opened');
  assert.equal((await refusal(s.as('ada').rest.repos.listWebhooks(AT))).status, 404);
});

test('a refused delivery is not tried again by itself; asked for, it comes again under the same guid', async (t) => {
  const s = await site(t);
  const hooks = await receiver(t, { status: 500 });
  const hook = s.github.addWebhook({ repo: REPO, url: hooks.url, secret: SECRET, events: ['pull_request'] });
  await openPull(s);
  await s.github.delivered();
  assert.equal(hooks.received.length, 1);
  const [failed] = (await s.as('acme').rest.repos.listWebhookDeliveries({ ...AT, hook_id: hook.id })).data;
  assert.deepEqual([failed?.status_code, failed?.redelivery], [500, false]);

  hooks.answer(202);
  await s.as('acme').rest.repos.redeliverWebhookDelivery({ ...AT, hook_id: hook.id, delivery_id: failed?.id ?? 0 });
  await s.github.delivered();
  const [again] = (await s.as('acme').rest.repos.listWebhookDeliveries({ ...AT, hook_id: hook.id })).data;
  assert.deepEqual([again?.status, again?.redelivery, again?.guid], ['OK', true, failed?.guid]);
  assert.deepEqual(hooks.received[0]?.body, hooks.received[1]?.body);
});

test('a receiver that is not there, and a delivery lost on purpose, fail in the log and nowhere else', async (t) => {
  const s = await site(t);
  const hooks = await receiver(t);
  s.github.addWebhook({ url: 'http://127.0.0.1:1/', secret: SECRET, events: ['pull_request'] });
  s.github.addWebhook({ url: hooks.url, secret: SECRET });
  s.github.faults.loseDeliveries({ event: 'push' });
  await openPull(s);
  await s.github.delivered();

  assert.deepEqual(hooks.names(), ['pull_request.opened']);
  assert.deepEqual(
    s.github.deliveries.map((one) => [one.event, one.status]),
    [
      ['push', 'failed to connect to host'],
      ['pull_request', 'failed to connect to host'],
      ['pull_request', 'OK'],
    ],
  );
});

test('a secret that is wrong shows in the signature', async (t) => {
  const s = await site(t);
  const hooks = await receiver(t);
  s.github.addWebhook({ url: hooks.url, secret: 'another secret' });
  await openPull(s);
  await s.github.delivered();

  assert.deepEqual(hooks.badlySigned, ['push', 'pull_request']);
});

/** The package is one JSON file; its own types do not say so to an ES module. */
const examples = createRequire(import.meta.url)('@octokit/webhooks-examples') as {
  name: string;
  examples: Record<string, unknown>[];
}[];

/** Every path of the vendor's example that ours lacks; lists are compared by their first entry. */
function lacking(example: unknown, ours: unknown, at: string): string[] {
  if (Array.isArray(example) && Array.isArray(ours)) {
    return example.length === 0 || ours.length === 0 ? [] : lacking(example[0], ours[0], `${at}[]`);
  }
  if (example === null || ours === null || typeof example !== 'object' || typeof ours !== 'object') return [];
  return Object.entries(example).flatMap(([key, value]) =>
    key in ours ? lacking(value, (ours as Record<string, unknown>)[key], `${at}.${key}`) : [`${at}.${key}`],
  );
}

/** Only there for some hooks, some Apps, some deployments, or in the days when the example was recorded. */
const OPTIONAL =
  /(^issues\.closed\.changes|\.(installation|organization|app\.permissions\.\w+|deployment|stargazers|master_branch|issue\.draft))$/;

test('what is told has every field that the vendor’s own examples have', async (t) => {
  const s = await site(t, { repository: { protection: { requiredReviews: 1, dismissStaleReviews: true } } });
  const hooks = await receiver(t);
  s.github.addWebhook({ url: hooks.url, secret: SECRET });
  const { number, head } = await openPull(s);
  const at = { ...AT, pull_number: number };
  const comments = [{ path: 'price.txt', line: 2, body: 'x' }];
  await s.as('ben').rest.pulls.createReview({ ...at, event: 'APPROVE', comments });
  await s.as('ada').rest.issues.createComment({ ...AT, issue_number: number, body: 'Hm.' });
  const issue = await s.as('ada').rest.issues.create({ ...AT, title: 'x', labels: ['bug'], assignees: ['ben'] });
  await s.as('ada').rest.issues.update({ ...AT, issue_number: issue.data.number, state: 'closed' });
  await s.as('ci').rest.checks.create({ ...AT, name: 'Tests', head_sha: head.sha, conclusion: 'success' });
  await s.as('ada').rest.repos.createCommitStatus({ ...AT, sha: head.sha, state: 'success' });
  await s.github.pushFiles({ repo: REPO, branch: 'feature', files: { a: 'b' }, message: 'More', login: 'ada' });
  await s.as('ada').rest.pulls.update({ ...at, state: 'closed' });
  await s.github.delivered();

  const gaps = hooks.received.flatMap(({ event, body }) => {
    const samples = examples.find((one) => one.name === event)?.examples ?? [];
    // Not every action has an example of its own; any other of the event shows the same objects.
    const example = samples.find((one) => one['action'] === body.action) ?? samples[0];
    assert.ok(example, event);
    return lacking(example, body, `${event}.${body.action ?? ''}`);
  });
  assert.deepEqual(
    [...new Set(gaps)].filter((gap) => !OPTIONAL.test(gap)),
    [],
  );
});

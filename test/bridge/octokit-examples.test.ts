import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import test from 'node:test';
import type { WebhookDefinition } from '@octokit/webhooks-examples';
import { concernsOfGithub } from '../../src/bridge/github.ts';
import { parseHook } from '../../src/bridge/hook.ts';
import { createBridge, githubDelivery } from './parts.ts';

const definitions = createRequire(import.meta.url)('@octokit/webhooks-examples') as WebhookDefinition[];
const examples = definitions.flatMap(({ name, examples }) => examples.map((payload) => ({ name, payload })));

test('every example of GitHub’s webhooks goes through, signed, each on its subject', async (t) => {
  const { post, bus } = await createBridge(t);
  assert.equal(examples.length, 329);
  for (const { name, payload } of examples) {
    const answer = await post(githubDelivery(name, { body: payload }));
    assert.deepEqual([answer.status, answer.body], [200, { taken: true }], name);
    const stored = bus.stored.at(-1);
    const action = 'action' in payload ? payload.action : '-';
    assert.equal(stored?.subject, `github.${name}.${action}`);
    const hook = parseHook(Buffer.from(stored?.body ?? ''));
    assert.deepEqual(hook.body, payload);
    assert.ok(Array.isArray(concernsOfGithub(hook)), name);
  }
  assert.equal(bus.stored.length, examples.length);
});

test('of every event we subscribe to some example concerns somebody, of no other event any', () => {
  const concerning = new Set<string>();
  for (const { name, payload } of examples) {
    const action = 'action' in payload && typeof payload.action === 'string' ? payload.action : null;
    const head = { source: 'github', event: name, action, delivery: 'd', receivedAt: '', headers: {} } as const;
    if (concernsOfGithub({ ...head, body: payload }).length > 0) concerning.add(name);
  }
  assert.deepEqual([...concerning].toSorted(), [
    'check_run',
    'check_suite',
    'issue_comment',
    'issues',
    'merge_group',
    'pull_request',
    'pull_request_review',
    'pull_request_review_comment',
    'pull_request_review_thread',
    'push',
    'status',
    'workflow_run',
  ]);
});

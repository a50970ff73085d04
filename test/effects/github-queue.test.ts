import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Report } from '../../src/effects/github/gate.ts';
import { queueOf } from '../../src/effects/github/queue.ts';
import type { QueueInput } from '../../src/effects/github/queue.ts';

const input: QueueInput = { head: 'sha-42', closed: false, autoMerge: false, green: true, events: [] };

const check: Report = {
  name: 'merge-steward/queue',
  from: 'run',
  id: 42,
  conclusion: 'failure',
  url: 'https://github.com/owner/repo/actions/runs/42',
  startedAt: null,
  endedAt: null,
  app: null,
  title: 'Queue eviction: rebase conflict',
  summary: 'PR #42 was evicted from the merge queue.',
  text: JSON.stringify({
    incidentId: 'incident-42',
    incidentUrl: 'https://queue.test/incidents/42',
    version: 1,
    failureClass: 'integration_conflict',
    baseSha: 'base-123',
    conflictFiles: ['src/conflicted.ts'],
  }),
  annotations: 0,
};

test('an eviction brings its incident: title, summary and what the queue wrote of it (C1)', () => {
  assert.deepEqual(queueOf({ ...input, report: check }), {
    state: 'evicted',
    incident: {
      id: 'incident-42',
      url: 'https://queue.test/incidents/42',
      title: 'Queue eviction: rebase conflict',
      summary: 'PR #42 was evicted from the merge queue.',
      check: 'merge-steward/queue',
      checkUrl: 'https://github.com/owner/repo/actions/runs/42',
      head: 'sha-42',
      context: {
        version: 1,
        failureClass: 'integration_conflict',
        baseSha: 'base-123',
        conflictFiles: ['src/conflicted.ts'],
      },
    },
  });
});

test('an incident that is no JSON, or not ours, leaves what the check shows', () => {
  for (const text of ['', 'merge conflict in a.ts', '[1]', '{"incidentUrl": 7}']) {
    const { state, incident } = queueOf({ ...input, report: { ...check, text } });
    assert.equal(state, 'evicted', text);
    assert.equal(incident?.title, check.title, text);
    assert.equal(incident.context, undefined, text);
  }
});

test('a number for an incident’s id is taken as its text', () => {
  const { incident } = queueOf({ ...input, report: { ...check, text: '{"incidentId": 42}' } });
  assert.equal(incident?.id, '42');
});

test('the queue’s check in progress means waiting, its success means out', () => {
  assert.equal(queueOf({ ...input, report: { ...check, conclusion: null } }).state, 'waiting');
  assert.equal(queueOf({ ...input, report: { ...check, conclusion: 'success' } }).state, 'out');
});

const bot = { login: 'github-merge-queue[bot]', type: 'Bot' };
const person = { login: 'ann', type: 'User' };
const added = { id: 1, event: 'added_to_merge_queue', actor: person, created_at: '2026-01-01T10:00:00Z' };
const removed = { id: 2, event: 'removed_from_merge_queue', actor: bot, created_at: '2026-01-01T10:10:00Z' };

test('GitHub’s own queue: entered is waiting, thrown out by GitHub is evicted, by a person is out', () => {
  assert.equal(queueOf({ ...input, events: [added] }).state, 'waiting');
  assert.equal(queueOf({ ...input, events: [added, removed] }).state, 'evicted');
  assert.equal(queueOf({ ...input, events: [added, { ...removed, actor: person }] }).state, 'out');
  assert.equal(queueOf({ ...input, events: [added, removed, { ...added, id: 3 }] }).state, 'waiting');
});

test('a head made after the eviction was not evicted', () => {
  const events = [added, removed];
  assert.equal(queueOf({ ...input, events, headAt: '2026-01-01T10:09:00Z' }).state, 'evicted');
  assert.equal(queueOf({ ...input, events, headAt: '2026-01-01T10:11:00Z' }).state, 'out');
});

test('auto-merge waits once the gate is green; nothing waits on a closed pull request', () => {
  assert.equal(queueOf({ ...input, autoMerge: true }).state, 'waiting');
  assert.equal(queueOf({ ...input, autoMerge: true, green: false }).state, 'out');
  assert.equal(queueOf({ ...input, closed: true, report: check, events: [added] }).state, 'out');
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openSession } from '../../machines/events/session.ts';
import { names, tells } from '../support/actor.ts';
import type { TestActor } from '../support/actor.ts';
import { hire } from './agent-support.ts';

function watching(): TestActor {
  const agent = hire({ role: 'reviewer', github: { login: 'susan' } }, 'agent/susan');
  agent.take('correct.subscribe', { repo: 'Acme/API' });
  return agent;
}

const pull = (number: number, head: string, changes: Record<string, unknown> = {}) => ({
  number,
  head,
  author: 'bob',
  draft: false,
  state: 'open',
  ...changes,
});

const observe = (agent: TestActor, pulls: ReturnType<typeof pull>[], repo = 'acme/api') =>
  agent.take('pulls.observed', { repo, pulls });

test('an open pull request gives a review session that owes a verdict for its head, oldest first', () => {
  const { effects } = observe(watching(), [pull(9, 'aaaaaaa9'), pull(3, 'aaaaaaa3', { title: 'Add hello' })]);
  assert.deepEqual(names(effects), ['tell:open', 'tell:review.wanted', 'tell:open', 'tell:review.wanted']);
  const [first] = tells(effects, 'open');
  assert.equal(first?.to, 'session/review-default-acme-api-3');
  assert.equal(openSession.parse(first?.data).title, 'Review: Add hello');
  assert.deepEqual(tells(effects, 'review.wanted')[0]?.data, { for: 'agent/susan', number: 3, head: 'aaaaaaa3' });
});

test('a push asks for the new head alone; the same head again asks for nothing', () => {
  const agent = watching();
  observe(agent, [pull(3, 'aaaaaaa3')]);
  assert.equal(observe(agent, [pull(3, 'aaaaaaa3')]).outcome, 'recorded');
  assert.deepEqual(names(observe(agent, [pull(3, 'bbbbbbb3')]).effects), ['tell:review.wanted']);
});

test('drafts, closed ones and its own are left out; a draft that is ready is not', () => {
  const agent = watching();
  const pulls = [
    pull(1, 'aaaaaaa1', { draft: true }),
    pull(2, 'aaaaaaa2', { state: 'closed' }),
    pull(3, 'aaaaaaa3', { author: 'susan' }),
  ];
  assert.deepEqual(names(observe(agent, pulls).effects), []);
  assert.deepEqual(names(observe(agent, [pull(1, 'aaaaaaa1')]).effects), ['tell:open', 'tell:review.wanted']);
});

test('a repository that is not watched here opens nothing, nor does one seen by a stopped agent', () => {
  const agent = watching();
  assert.equal(observe(agent, [pull(1, 'aaaaaaa1')], 'acme/web').outcome, 'recorded');
  agent.take('correct.stop');
  assert.equal(observe(agent, [pull(1, 'aaaaaaa1')]).outcome, 'recorded');
});

test('a subscription that somebody else took meanwhile opens nothing', () => {
  const agent = watching();
  agent.take('correct.stop');
  agent.take('correct.resume', {}, { known: { holders: { 'subscription:default:acme/api': 'agent/bob' } } });
  assert.deepEqual(names(observe(agent, [pull(1, 'aaaaaaa1')]).effects), []);
});

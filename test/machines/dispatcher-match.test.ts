import assert from 'node:assert/strict';
import { test } from 'node:test';
import { match, slotsTaken } from '../../machines/dispatcher/match.ts';
import type { AgentRow, Field, Want } from '../../machines/dispatcher/match.ts';

const agent = (name: string, changes: Partial<AgentRow> = {}): AgentRow => ({
  agent: `agent/${name}`,
  role: 'implementer',
  kinds: ['implement', 'test', 'docs', 'design'],
  lanes: [],
  user: 'default',
  life: 'asleep',
  door: 'open',
  why: 'free',
  freeSince: '2026-01-01T00:00:00.000Z',
  declined: false,
  silent: false,
  heard: true,
  ...changes,
});
const reviewer = (name: string, changes: Partial<AgentRow> = {}): AgentRow =>
  agent(name, { role: 'reviewer', kinds: ['review'], ...changes });
const want = (name: string, changes: Partial<Want> = {}): Want => ({
  session: `session/${name}`,
  want: 1,
  user: 'default',
  kind: 'implement',
  role: 'implementer',
  excluded: [],
  priority: 0,
  since: '2026-01-01T00:00:00.000Z',
  said: null,
  pinLost: false,
  ...changes,
});
const field = (wants: Want[], agents: AgentRow[], changes: Partial<Field> = {}): Field => ({
  wants,
  agents,
  offers: [],
  maxRuns: 10,
  held: null,
  ...changes,
});
const pairs = (of: Field): string[] => match(of).matched.map((m) => `${m.session.slice(8)}:${m.agent.slice(6)}`);
const whys = (of: Field): string[] => match(of).unmatched.flatMap(({ ruledOut }) => ruledOut.map(({ why }) => why));

test('an implementer is never offered a review, a reviewer never an implementation', () => {
  const agents = [agent('ada'), reviewer('susan')];
  assert.deepEqual(pairs(field([want('s', { kind: 'review', role: 'reviewer' })], agents)), ['s:susan']);
  assert.deepEqual(pairs(field([want('s')], agents)), ['s:ada']);
  assert.deepEqual(whys(field([want('s')], [reviewer('susan')])), ['a reviewer does not take implement work']);
});

test('a correction that names an agent counts more than its role', () => {
  assert.deepEqual(pairs(field([want('s', { pin: 'agent/susan' })], [agent('ada'), reviewer('susan')])), ['s:susan']);
});

test('a pinned want waits for that agent alone', () => {
  const of = field([want('s', { pin: 'agent/ada' })], [agent('ada', { life: 'busy' }), agent('bob')]);
  assert.deepEqual(whys(of), ['is busy', 'the work waits for agent/ada alone']);
});

test('a pinned want is told what its agent is at', () => {
  const ada = agent('ada', { life: 'busy', session: 'session/other' });
  assert.deepEqual(whys(field([want('s', { pin: 'agent/ada' })], [ada])), ['is busy with session/other']);
  assert.deepEqual(whys(field([want('s')], [ada])), ['is busy'], 'others would hear of every change');
});

test('a pin on a lane keeps the kinds, a pin on a role does not', () => {
  const agents = [reviewer('susan', { lanes: ['web'] }), agent('ada', { lanes: ['web'] })];
  assert.deepEqual(pairs(field([want('s', { pin: 'lane/web' })], agents)), ['s:ada']);
  assert.deepEqual(pairs(field([want('s', { pin: 'role/review' })], agents)), ['s:susan']);
});

test('the kind of the work beats the wording of a role', () => {
  const agents = [
    agent('auditor', { role: 'audit', kinds: ['review'] }),
    agent('backend-worker', { role: 'backend', kinds: ['implement'] }),
  ];
  assert.deepEqual(pairs(field([want('s', { kind: 'review', role: 'backend' })], agents)), ['s:auditor']);
});

test('a role of one’s own naming counts where somebody has it', () => {
  const agents = [
    agent('front', { role: 'frontend', kinds: ['implement'] }),
    agent('back', { role: 'backend', kinds: ['implement'], life: 'busy' }),
  ];
  assert.deepEqual(whys(field([want('s', { role: 'backend' })], agents)), ['is no backend', 'is busy']);
  assert.deepEqual(pairs(field([want('s')], agents)), ['s:front']);
});

test('a tester is asked to test before an implementer, and never to implement', () => {
  const tester = agent('tess', { role: 'tester', kinds: ['test'], freeSince: '2026-01-02T00:00:00.000Z' });
  assert.deepEqual(pairs(field([want('s', { kind: 'test', role: 'tester' })], [agent('ada'), tester])), ['s:tess']);
  assert.deepEqual(pairs(field([want('s', { kind: 'test', role: 'tester' })], [agent('ada')])), ['s:ada']);
  assert.deepEqual(pairs(field([want('s')], [tester])), []);
});

test('lane, user and exclusion rule out, each with its reason', () => {
  const agents = [
    agent('lane', { lanes: ['api'] }),
    agent('user', { user: 'dev', lanes: ['web'] }),
    agent('gone', { lanes: ['web'] }),
    agent('chat', { lanes: ['web'], mode: 'chat' }),
  ];
  assert.deepEqual(whys(field([want('s', { lane: 'web', excluded: ['agent/gone'] })], agents)), [
    'is not in lane web',
    'works for dev, not for default',
    'is excluded from this work',
    'is a chat, which is not offered work',
  ]);
});

test('urgent work goes first, unprioritised last, and then whoever waits longest', () => {
  const wants = [
    want('none', { priority: 0, since: '2025-01-01T00:00:00.000Z' }),
    want('low', { priority: 4 }),
    want('late', { priority: 1, since: '2026-01-03T00:00:00.000Z' }),
    want('early', { priority: 1, since: '2026-01-02T00:00:00.000Z' }),
  ];
  const agents = ['a', 'b', 'c', 'd'].map((name) => agent(name));
  assert.deepEqual(pairs(field(wants, agents)), ['early:a', 'late:b', 'low:c', 'none:d']);
});

test('the past owner is asked first, then who has least waiting for it, then who is idle longest', () => {
  const early = '2025-01-01T00:00:00.000Z';
  assert.deepEqual(
    pairs(field([want('s', { lastOwner: 'agent/ada' })], [agent('bob', { freeSince: early }), agent('ada')])),
    ['s:ada'],
  );
  const pinned = want('p', { pin: 'agent/bob', priority: 4 });
  assert.deepEqual(
    pairs(field([want('s', { priority: 1 }), pinned], [agent('bob', { freeSince: early }), agent('ada')])),
    ['s:ada', 'p:bob'],
  );
  assert.deepEqual(pairs(field([want('s')], [agent('ada'), agent('bob', { freeSince: early })])), ['s:bob']);
});

test('no more runs than slots, and one agent gets one thing', () => {
  const agents = [agent('a'), agent('b'), agent('c', { life: 'busy', session: 'session/x' })];
  const of = field([want('s1'), want('s2'), want('s3')], agents, { maxRuns: 2 });
  assert.deepEqual(pairs(of), ['s1:a']);
  assert.deepEqual(
    match(of).unmatched.map(({ slot }) => slot),
    [true, true],
  );
  assert.equal(slotsTaken(of), 1);
});

test('the same field gives the same matches whatever order its rows are in', () => {
  const wants = [want('s1'), want('s2', { priority: 2 }), want('s3')];
  const agents = [agent('a'), agent('b')];
  const forwards = pairs(field(wants, agents));
  assert.deepEqual(pairs(field(wants.toReversed(), agents.toReversed())), forwards);
});

test('whether anybody hired will ever take it is told apart from who is only busy', () => {
  const nobody = (wanted: Want, ...agents: AgentRow[]): boolean => match(field([wanted], agents)).unmatched[0]!.nobody;
  assert.equal(nobody(want('s')), true, 'nobody is hired at all');
  assert.equal(nobody(want('s'), reviewer('susan'), agent('ada', { user: 'other' })), true, 'none of them may');
  assert.equal(nobody(want('s', { excluded: ['agent/ada'] }), agent('ada')), true, 'it handed this back');
  for (const life of ['stopped', 'archived', 'offboarding'])
    assert.equal(nobody(want('s'), agent('ada', { life })), true, life);
  for (const passing of [{ life: 'busy' }, { life: 'coolingDown' }, { door: 'paused' }, { declined: true }])
    assert.equal(nobody(want('s'), reviewer('susan'), agent('ada', passing)), false, JSON.stringify(passing));
});

test('a role takes only so many runs at the same time, of one user; another role and another user are free', () => {
  const limited = { concurrent: 1 };
  const agents = [
    agent('ada', limited),
    agent('bob', limited),
    agent('cat', { ...limited, user: 'ann' }),
    reviewer('susan'),
  ];
  const wants = [want('s1'), want('s2'), want('s3', { user: 'ann' }), want('s4', { kind: 'review', role: 'reviewer' })];
  assert.deepEqual(pairs(field(wants, agents)), ['s1:ada', 's3:cat', 's4:susan']);
  const working = agents.map((row) =>
    row.agent === 'agent/ada' ? { ...row, life: 'busy', session: 'session/s0' } : row,
  );
  assert.ok(whys(field([want('s2')], working)).includes('1 of role implementer at the same time are its limit'));
});

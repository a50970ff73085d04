import assert from 'node:assert/strict';
import { test } from 'node:test';
import { missionDefinition } from '../../machines/mission/index.ts';
import { mistakeIn } from '../../machines/mission/graph.ts';
import type { StepEffect } from '../../src/actor/step.ts';
import { names, tells, testActor } from '../support/actor.ts';
import type { TestActor } from '../support/actor.ts';

const item = (key: string, dependsOn: string[] = [], changes: Record<string, unknown> = {}) => ({
  key,
  title: `Do ${key}`,
  body: '',
  kind: 'implement',
  dependsOn,
  repo: 'acme/api',
  deliver: 'pull_request',
  ...changes,
});

function mission(
  items: ReturnType<typeof item>[],
  policy: Record<string, unknown> = {},
): TestActor & { opened: StepEffect[] } {
  const actor = testActor(missionDefinition, 'mission/m1');
  const { effects } = actor.take('open', { objective: 'Ship it', items, policy });
  return { ...actor, opened: effects };
}

/** What the session of an item tells. */
function told(
  actor: TestActor,
  key: string,
  work: string,
  { pull, owner = null, waitingOn = [] }: { pull?: number; owner?: string | null; waitingOn?: unknown[] } = {},
): StepEffect[] {
  const ended = ['done', 'failed', 'cancelled'].includes(work);
  return actor.take(
    'session.changed',
    {
      value: ended ? work : { open: { work } },
      phase: work,
      owner,
      epoch: 1,
      ...(pull === undefined ? {} : { pull }),
      unread: 0,
      waitingOn,
      at: actor.now(),
      cause: { id: 'x', source: 'x' },
    },
    { source: `session/m1-${key}` },
  ).effects;
}

const items = (actor: TestActor): Record<string, string> =>
  Object.fromEntries(
    (actor.context()['items'] as { spec: { key: string }; state: string }[]).map(({ spec, state }) => [
      spec.key,
      state,
    ]),
  );
const to = (effects: readonly StepEffect[], type: string): string[] =>
  tells(effects, type).map((one) => one.to.slice(11));

test('every item’s session is opened at the start, held or freed with the reason', () => {
  const { opened } = mission([item('a'), item('b', ['a']), item('c'), item('d')]);
  assert.deepEqual(to(opened, 'open'), ['a', 'b', 'c', 'd']);
  assert.deepEqual(tells(opened, 'open')[0]?.data, {
    title: 'Do a',
    body: '',
    kind: 'implement',
    repo: 'acme/api',
    deliver: 'pull_request',
    source: { kind: 'mission' },
    gates: { review: 'required' },
    mission: 'mission/m1',
    item: 'a',
  });
  assert.deepEqual(to(opened, 'start.freed'), ['a', 'c']);
  assert.deepEqual(tells(opened, 'start.held'), [
    { to: 'session/m1-b', data: { by: ['session/m1-a'] } },
    { to: 'session/m1-d', data: { by: ['slot'] } },
  ]);
});

test('what a session is opened with fits its schema', async () => {
  const { openSession } = await import('../../machines/events/session.ts');
  const { opened } = mission([
    item('a', [], { gates: { checks: 'none' }, priority: 2, lane: 'web', branchPrefix: 'x' }),
  ]);
  assert.doesNotThrow(() => openSession.parse(tells(opened, 'open')[0]?.data));
});

test('a graph with a cycle, an unknown dependency or a key used twice is refused with what is wrong', () => {
  assert.equal(mistakeIn([item('a', ['c']), item('b', ['a']), item('c', ['b']), item('d')]), 'a cycle: a → c → b → a');
  assert.match(mistakeIn([item('a', ['z'])]) ?? '', /“a” depends on “z”/);
  assert.match(mistakeIn([item('a'), item('a')]) ?? '', /used twice/);
  assert.throws(() => mission([item('a', ['a'])]), /a cycle: a → a/);
});

test('a chain of thousands of items is checked without ending the stack', () => {
  const chain = Array.from({ length: 10_000 }, (_, n) => item(`k${n}`, n === 0 ? [] : [`k${n - 1}`]));
  assert.equal(mistakeIn(chain), null);
});

test('a slot that becomes free goes by priority, then by how much an item unblocks, then by order', () => {
  const actor = mission(
    [item('first'), item('plain'), item('hub'), item('urgent', [], { priority: 1 }), item('x', ['hub'])],
    { maxParallel: 1 },
  );
  assert.deepEqual(to(actor.opened, 'start.freed'), ['urgent']);
  told(actor, 'urgent', 'running');
  assert.deepEqual(to(told(actor, 'urgent', 'done'), 'start.freed'), ['hub']);
  told(actor, 'hub', 'running');
  assert.deepEqual(to(told(actor, 'hub', 'done'), 'start.freed'), ['first']);
});

test('an item in review holds no slot', () => {
  const actor = mission([item('a'), item('b')], { maxParallel: 1 });
  told(actor, 'a', 'running');
  assert.deepEqual(to(told(actor, 'a', 'idle', { pull: 7 }), 'start.freed'), ['b']);
  assert.deepEqual(items(actor), { a: 'inReview', b: 'ready' });
});

test('an item that nobody can take does not keep the others from their slot', () => {
  const actor = mission([item('a'), item('b')], { maxParallel: 1 });
  const wait = { gate: 'agent', on: null, since: actor.now(), until: null, detail: 'no tester', moves: [] };
  assert.deepEqual(to(told(actor, 'a', 'unassigned', { waitingOn: [wait] }), 'start.freed'), ['b']);
});

test('an item that owes nothing keeps its turn: it would say so no more without it, and get it back, for ever', () => {
  const actor = mission([item('a'), item('b')], { maxParallel: 1 });
  const wait = {
    gate: 'human',
    on: 'person/operator',
    since: actor.now(),
    until: null,
    detail: 'say what',
    moves: ['say'],
  };
  assert.deepEqual(to(told(actor, 'a', 'idle', { waitingOn: [wait] }), 'start.held'), []);
});

test('a finished dependency frees what waited for it, and the last one completes the mission with a report', () => {
  const actor = mission([item('a'), item('b', ['a'])]);
  assert.deepEqual(to(told(actor, 'a', 'done', { pull: 7 }), 'start.freed'), ['b']);
  told(actor, 'b', 'running', { owner: 'agent/ada' });
  assert.deepEqual(items(actor), { a: 'done', b: 'active' });
  told(actor, 'b', 'done');
  assert.equal(actor.project().phase, 'completed');
  assert.equal(
    actor.context()['report'],
    'Ship it\n\n- a: Do a: done, pull request #7\n- b: Do b: done, by agent/ada, 1 min',
  );
});

test('a failed item holds what waits for it, and the mission says who must move', () => {
  const actor = mission([item('a'), item('b', ['a'])]);
  assert.deepEqual(to(told(actor, 'a', 'failed'), 'start.freed'), []);
  assert.equal(actor.project().phase, 'running');
  assert.equal(actor.project().waitingOn[0]?.detail, 'a: failed; restart or remove it');
  const again = actor.take('correct.item.restart', { item: 'a' }).effects;
  assert.equal(tells(again, 'open')[0]?.to, 'session/m1-a-2');
  assert.equal(tells(again, 'start.freed')[0]?.to, 'session/m1-a-2');
});

test('with `continue` a failed item frees what waits for it, and is in the report', () => {
  const actor = mission([item('a'), item('b', ['a'])], { onItemFailed: 'continue' });
  assert.deepEqual(to(told(actor, 'a', 'failed'), 'start.freed'), ['b']);
  told(actor, 'b', 'done');
  assert.equal(actor.project().phase, 'completed');
});

test('a mission of which nothing was done is not completed: called off by its items, or failed where it went on', () => {
  const ends = (states: string[], policy = {}) => {
    const actor = mission([item('a'), item('b')], policy);
    told(actor, 'a', states[0]!);
    told(actor, 'b', states[1]!);
    return actor.project().phase;
  };
  assert.equal(ends(['cancelled', 'cancelled']), 'cancelled');
  assert.equal(ends(['cancelled', 'done']), 'completed');
  assert.equal(ends(['done', 'cancelled']), 'completed');
  assert.equal(ends(['failed', 'cancelled'], { onItemFailed: 'continue' }), 'failed');
  assert.equal(ends(['failed', 'failed'], { onItemFailed: 'continue' }), 'failed');
  assert.equal(ends(['failed', 'cancelled']), 'running', 'a person restarts or removes what failed');
});

test('an item that waits for a cancelled one waits for a person, who is asked', () => {
  const actor = mission([item('a'), item('b', ['a'])], { onItemFailed: 'hold' });
  told(actor, 'b', 'unassigned');
  const effects = told(actor, 'a', 'cancelled');
  const waits = actor.project().waitingOn.filter(({ gate }) => gate === 'human');
  assert.deepEqual(
    waits.map(({ detail }) => detail),
    ['a: cancelled; restart or remove it'],
  );
  assert.ok(effects.some((effect) => effect.kind === 'act' && effect.act === 'help.ask'));
});

test('with `fail` a failed item closes the others and fails the mission', () => {
  const actor = mission([item('a'), item('b')], { onItemFailed: 'fail' });
  const effects = told(actor, 'a', 'failed');
  assert.deepEqual(to(effects, 'correct.close'), ['b']);
  assert.equal(actor.project().phase, 'stopping');
  told(actor, 'b', 'cancelled');
  assert.equal(actor.project().phase, 'failed');
});

test('a session that could not be opened is a failed item with the reason', () => {
  const actor = mission([item('a'), item('b')]);
  actor.take('mail.refused', {
    id: 'mission/m1/1/0',
    to: 'session/m1-a',
    type: 'open',
    outcome: 'refused',
    code: 'claim',
    reason: 'source:ENG-1 is held by session/eng-1',
  });
  assert.match(actor.project().waitingOn[0]?.detail ?? '', /a: failed: source:ENG-1 is held/);
});

test('a paused mission holds every open session and shows what goes on; resume lets them go', () => {
  const actor = mission([item('a'), item('b')]);
  told(actor, 'a', 'running');
  const paused = actor.take('correct.pause').effects;
  assert.deepEqual(
    tells(paused, 'start.held').map(({ data }) => data['by']),
    [['paused'], ['paused']],
  );
  assert.deepEqual(names(paused), ['tell:start.held', 'tell:start.held'], 'runs go on');
  told(actor, 'a', 'done');
  told(actor, 'b', 'done');
  assert.equal(actor.project().phase, 'paused', 'completion waits for the resume');
  actor.take('correct.resume');
  assert.equal(actor.project().phase, 'completed');
});

test('`pause {runs}` pauses the runs too, and resume resumes them', () => {
  const actor = mission([item('a')]);
  assert.deepEqual(to(actor.take('correct.pause', { runs: true }).effects, 'correct.pause'), ['a']);
  assert.deepEqual(to(actor.take('correct.resume').effects, 'correct.resume'), ['a']);
});

test('stop closes what has no run at once and the others when their run has ended', () => {
  const actor = mission([item('a'), item('b')]);
  told(actor, 'a', 'running');
  assert.deepEqual(to(actor.take('correct.stop').effects, 'correct.close'), ['b']);
  assert.equal(actor.send('correct.resume').outcome, 'refused');
  assert.deepEqual(to(told(actor, 'a', 'idle', { pull: 7 }), 'correct.close'), ['a']);
  told(actor, 'b', 'cancelled');
  told(actor, 'a', 'cancelled');
  assert.equal(actor.project().phase, 'cancelled');
  assert.equal(actor.take('correct.stop').outcome, 'recorded');
});

test('a forced stop ends the runs now, also after a patient one', () => {
  const actor = mission([item('a')]);
  told(actor, 'a', 'running');
  assert.deepEqual(to(actor.take('correct.stop').effects, 'correct.close'), []);
  assert.deepEqual(to(actor.take('correct.stop', { force: true }).effects, 'correct.close'), ['a']);
});

test('items are added, removed and depend on others, never in a cycle', () => {
  const actor = mission([item('a'), item('b', ['a'])]);
  assert.deepEqual(to(actor.take('correct.item.add', { item: item('c', ['b']) }).effects, 'open'), ['c']);
  const cycle = actor.send('correct.item.depends', { item: 'a', on: ['c'] });
  assert.match(cycle.outcome === 'refused' ? cycle.reason : '', /a cycle: a → c → b → a/);
  assert.deepEqual(to(actor.take('correct.item.remove', { item: 'b', dependants: 'free' }).effects, 'start.freed'), [
    'c',
  ]);
  actor.take('correct.item.remove', { item: 'c', dependants: 'remove' });
  assert.deepEqual(items(actor), { a: 'ready' });
  const again = actor.take('correct.item.add', { item: item('c') }).effects;
  assert.equal(tells(again, 'open')[0]?.to, 'session/m1-c-2', 'a name is not used twice');
});

test('an older word of a session does not overwrite a newer one, and a stranger is only recorded', () => {
  const actor = mission([item('a')]);
  told(actor, 'a', 'running');
  const data = {
    value: 'done',
    phase: 'done',
    owner: null,
    epoch: 1,
    unread: 0,
    waitingOn: [],
    cause: { id: 'x', source: 'x' },
  };
  const old = actor.take('session.changed', { ...data, at: '2025-01-01T00:00:00.000Z' }, { source: 'session/m1-a' });
  assert.equal(old.outcome, 'recorded');
  assert.equal(
    actor.take('session.changed', { ...data, at: actor.now() }, { source: 'session/other' }).outcome,
    'recorded',
  );
  assert.deepEqual(items(actor), { a: 'active' });
});

const pleas = (effects: readonly StepEffect[]): string[] =>
  effects.flatMap((effect) =>
    effect.kind === 'act' && effect.act === 'help.ask' ? [String(effect.params['item'])] : [],
  );
const waiting = (actor: TestActor, gate: string, on: string | null) => [
  { gate, on, since: actor.now(), until: null, detail: 'x', moves: [] },
];

test('help is asked at once for what only a person can move, again with back-off, and no more when it is gone', () => {
  const actor = mission([item('a')]);
  const parked = waiting(actor, 'human', 'person/operator');
  assert.deepEqual(pleas(told(actor, 'a', 'escalated', { waitingOn: parked })), ['a']);
  assert.deepEqual(pleas(told(actor, 'a', 'escalated', { waitingOn: parked })), [], 'said once');
  assert.deepEqual(pleas(actor.wait(1_799)), []);
  assert.deepEqual(pleas(actor.wait(1)), ['a']);
  assert.deepEqual(pleas(actor.wait(3_599)), []);
  assert.deepEqual(pleas(actor.wait(1)), ['a']);
  told(actor, 'a', 'running');
  assert.deepEqual(pleas(actor.wait(86_400)), []);
});

test('a ready item that nobody takes is spoken of after a while, one that is worked on never', () => {
  const actor = mission([item('a'), item('b')]);
  told(actor, 'a', 'unassigned', { waitingOn: waiting(actor, 'agent', 'dispatcher/main') });
  told(actor, 'b', 'running', { waitingOn: waiting(actor, 'agent', 'agent/ada') });
  assert.deepEqual(pleas(actor.wait(179)), []);
  assert.deepEqual(pleas(actor.wait(1)), ['a']);
});

test('a ready item that nobody takes for so long no longer keeps others from their slot', () => {
  const actor = mission([item('a'), item('b')], { maxParallel: 1 });
  told(actor, 'a', 'unassigned', { waitingOn: waiting(actor, 'agent', 'dispatcher/main') });
  assert.deepEqual(to(actor.wait(179), 'start.freed'), []);
  assert.deepEqual(to(actor.wait(1), 'start.freed'), ['b']);
});

test('a correction that moves no item leaves the very list as it was, and what is waited for: nothing is computed anew', () => {
  const actor = mission([item('a'), item('b', ['a'])], { maxParallel: 1 });
  told(actor, 'a', 'unassigned', { waitingOn: waiting(actor, 'agent', null) });
  const before = { ...actor.context() };
  const waits = actor.project().waitingOn;
  actor.take('correct.policy.set', { stallSeconds: 60 });
  const after = actor.context();
  assert.notEqual(after['policy'], before['policy']);
  assert.equal(after['items'], before['items']);
  assert.equal(after['pleas'], before['pleas']);
  assert.equal(actor.project().waitingOn, waits);
});

test('a conductor agent is asked as well', () => {
  const actor = testActor(missionDefinition, 'mission/m1');
  actor.take('open', { objective: 'Ship it', conductor: 'agent/boss', items: [item('a')] });
  const effects = told(actor, 'a', 'unassigned', { waitingOn: waiting(actor, 'agent', null) });
  assert.deepEqual(
    tells(effects, 'query').map(({ to: whom }) => whom),
    ['agent/boss'],
  );
});

test('a paused mission asks nobody', () => {
  const actor = mission([item('a')]);
  told(actor, 'a', 'escalated', { waitingOn: waiting(actor, 'human', 'person/operator') });
  actor.take('correct.pause');
  assert.deepEqual(pleas(actor.wait(86_400)), []);
});

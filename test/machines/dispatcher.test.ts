import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dispatcherDefinition } from '../../machines/dispatcher/index.ts';
import type { StepEffect } from '../../src/actor/step.ts';
import { names, tells, testActor } from '../support/actor.ts';
import type { TestActor } from '../support/actor.ts';

function open(maxRuns = 4): TestActor {
  const dispatcher = testActor(dispatcherDefinition, 'dispatcher/main');
  dispatcher.take('fleet.configured', { maxRuns });
  return dispatcher;
}

function agent(dispatcher: TestActor, name: string, changes: Record<string, unknown> = {}): StepEffect[] {
  return dispatcher.take('agent.changed', {
    agent: `agent/${name}`,
    role: 'implementer',
    kinds: ['implement', 'test', 'docs', 'design'],
    lanes: [],
    user: 'default',
    life: 'asleep',
    door: 'open',
    why: 'free',
    ...changes,
  }).effects;
}

function wants(dispatcher: TestActor, name: string, changes: Record<string, unknown> = {}): StepEffect[] {
  return dispatcher.take('work.wanted', {
    session: `session/${name}`,
    want: 1,
    user: 'default',
    kind: 'implement',
    role: 'implementer',
    excluded: [],
    priority: 0,
    since: dispatcher.now(),
    ...changes,
  }).effects;
}

const settle = (dispatcher: TestActor, session: string, agentName: string, outcome: string, want = 1): StepEffect[] =>
  dispatcher.take('offer.settled', { session: `session/${session}`, agent: `agent/${agentName}`, want, outcome })
    .effects;

const matches = (effects: readonly StepEffect[]): string[] =>
  tells(effects, 'work.matched').map(({ to, data }) => `${to}→${String(data['agent'])}`);

test('work is matched with a free agent, and the match carries the want', () => {
  const dispatcher = open();
  agent(dispatcher, 'ada');
  const effects = wants(dispatcher, 's1', { want: 7 });
  assert.deepEqual(tells(effects, 'work.matched'), [{ to: 'session/s1', data: { agent: 'agent/ada', want: 7 } }]);
});

test('an agent has one open offer at most, and the next work waits for it', () => {
  const dispatcher = open();
  agent(dispatcher, 'ada');
  wants(dispatcher, 's1');
  const effects = wants(dispatcher, 's2');
  assert.deepEqual(matches(effects), []);
  assert.deepEqual(tells(effects, 'work.unmatched'), [
    {
      to: 'session/s2',
      data: {
        want: 1,
        role: 'implementer',
        ruledOut: [{ agent: 'agent/ada', why: 'is busy' }],
        slot: false,
        nobody: false,
      },
    },
  ]);
  assert.deepEqual(matches(settle(dispatcher, 's1', 'ada', 'timedOut')), ['session/s2→agent/ada']);
});

test('what is unmatched is said again only when it changed', () => {
  const dispatcher = open();
  assert.deepEqual(names(wants(dispatcher, 's1')), ['tell:work.unmatched']);
  assert.deepEqual(names(agent(dispatcher, 'susan', { role: 'reviewer', kinds: ['review'] })), ['tell:work.unmatched']);
  assert.deepEqual(names(agent(dispatcher, 'susan', { role: 'reviewer', kinds: ['review'], why: 'other' })), []);
});

test('a slot is taken by a match and given back by the agent that shows itself without session', () => {
  const dispatcher = open(1);
  agent(dispatcher, 'ada');
  agent(dispatcher, 'bob');
  assert.deepEqual(matches(wants(dispatcher, 's1')), ['session/s1→agent/ada']);
  assert.deepEqual(tells(wants(dispatcher, 's2'), 'work.unmatched'), [
    {
      to: 'session/s2',
      data: {
        want: 1,
        role: 'implementer',
        ruledOut: [{ agent: 'agent/ada', why: 'is busy' }],
        slot: true,
        nobody: false,
      },
    },
  ]);
  assert.deepEqual(matches(settle(dispatcher, 's1', 'ada', 'accepted')), []);
  dispatcher.wait(1);
  assert.deepEqual(matches(agent(dispatcher, 'ada', { life: 'starting', session: 'session/s1' })), []);
  assert.deepEqual(matches(agent(dispatcher, 'ada')), ['session/s2→agent/bob']);
});

test('an older word of an agent that has just accepted does not give its slot back', () => {
  const dispatcher = open(1);
  agent(dispatcher, 'ada');
  wants(dispatcher, 's1');
  wants(dispatcher, 's2');
  settle(dispatcher, 's1', 'ada', 'accepted');
  assert.deepEqual(matches(agent(dispatcher, 'ada', { lanes: ['web'] })), [], 'sent before it accepted');
  assert.deepEqual(matches(agent(dispatcher, 'ada', { life: 'busy', session: 'session/s1' })), []);
  assert.deepEqual(matches(agent(dispatcher, 'ada')), ['session/s2→agent/ada']);
});

test('no session has two open offers: a newer want waits until the last offer is closed', () => {
  const dispatcher = open();
  agent(dispatcher, 'ada');
  agent(dispatcher, 'bob');
  wants(dispatcher, 's1');
  assert.deepEqual(matches(wants(dispatcher, 's1', { want: 2 })), []);
  assert.deepEqual(matches(settle(dispatcher, 's1', 'ada', 'ended')), ['session/s1→agent/ada']);
});

test('a match that the session refuses leaves no offer behind', () => {
  const dispatcher = open(1);
  agent(dispatcher, 'ada');
  wants(dispatcher, 's1');
  wants(dispatcher, 's2');
  const { effects } = dispatcher.take('mail.refused', {
    id: 'dispatcher/main/3/0',
    to: 'session/s1',
    type: 'work.matched',
    outcome: 'superseded',
    code: null,
    reason: 'an older want',
  });
  assert.deepEqual(matches(effects), ['session/s2→agent/ada']);
});

test('an agent that declined is not asked again before it says something new', () => {
  const dispatcher = open();
  agent(dispatcher, 'ada');
  wants(dispatcher, 's1');
  settle(dispatcher, 's1', 'ada', 'declined');
  assert.deepEqual(matches(wants(dispatcher, 's1', { want: 2 })), []);
  assert.deepEqual(matches(agent(dispatcher, 'ada')), ['session/s1→agent/ada']);
});

test('a decline that an agent has already explained does not hold it back', () => {
  const dispatcher = open();
  agent(dispatcher, 'ada');
  wants(dispatcher, 's1');
  agent(dispatcher, 'ada', { door: 'paused' });
  agent(dispatcher, 'ada');
  settle(dispatcher, 's1', 'ada', 'declined');
  assert.deepEqual(matches(wants(dispatcher, 's1', { want: 2 })), ['session/s1→agent/ada']);
});

test('an agent that let an offer time out is asked after all others', () => {
  const dispatcher = open();
  agent(dispatcher, 'ada');
  agent(dispatcher, 'bob');
  wants(dispatcher, 's1');
  settle(dispatcher, 's1', 'ada', 'timedOut');
  assert.deepEqual(matches(wants(dispatcher, 's1', { want: 2, lastOwner: 'agent/ada' })), ['session/s1→agent/bob']);
});

test('a want that is over is forgotten; an older “over” than the want is superseded', () => {
  const dispatcher = open();
  wants(dispatcher, 's1', { want: 2 });
  assert.equal(dispatcher.send('work.unwanted', { session: 'session/s1', want: 1 }).outcome, 'superseded');
  dispatcher.take('work.unwanted', { session: 'session/s1', want: 2 });
  assert.deepEqual(matches(agent(dispatcher, 'ada')), []);
});

test('work that waits for one agent alone loses its pin a minute after that agent stopped', () => {
  const dispatcher = open();
  agent(dispatcher, 'ada', { lanes: ['web'] });
  agent(dispatcher, 'bob');
  agent(dispatcher, 'ada', { lanes: ['web'], life: 'busy', session: 'session/s0' });
  wants(dispatcher, 's1', { pin: 'agent/ada' });
  dispatcher.wait(3_600);
  agent(dispatcher, 'ada', { lanes: ['web'], life: 'stopped', door: 'closed' });
  assert.deepEqual(dispatcher.wait(59), []);
  const effects = dispatcher.wait(1);
  assert.deepEqual(tells(effects, 'pin.lost'), [
    { to: 'session/s1', data: { agent: 'agent/ada', lane: 'web', reason: 'agent/ada is stopped' } },
  ]);
  assert.deepEqual(dispatcher.wait(3_600), [], 'said once');
});

test('an agent that comes back in time keeps its pin', () => {
  const dispatcher = open();
  agent(dispatcher, 'ada', { life: 'coolingDown' });
  wants(dispatcher, 's1', { pin: 'agent/ada' });
  dispatcher.wait(30);
  assert.deepEqual(matches(agent(dispatcher, 'ada')), ['session/s1→agent/ada']);
  assert.deepEqual(dispatcher.wait(3_600), []);
});

test('a paused fleet hands out nothing and says so; resume hands out what waits', () => {
  const dispatcher = open();
  agent(dispatcher, 'ada');
  dispatcher.take('correct.pause');
  const said = tells(wants(dispatcher, 's1'), 'work.unmatched');
  assert.deepEqual(said[0]?.data['ruledOut'], [{ agent: 'agent/ada', why: 'the fleet is paused' }]);
  assert.equal(dispatcher.project().phase, 'paused');
  assert.deepEqual(matches(dispatcher.take('correct.resume').effects), ['session/s1→agent/ada']);
});

test('a stopped fleet stops every agent, those hired later too, and brings back those it stopped', () => {
  const dispatcher = open();
  agent(dispatcher, 'ada', { life: 'busy', session: 'session/s1' });
  agent(dispatcher, 'eve', { life: 'stopped', door: 'closed' });
  assert.deepEqual(
    tells(dispatcher.take('correct.stop').effects, 'correct.stop').map(({ to }) => to),
    ['agent/ada'],
  );
  agent(dispatcher, 'ada', { life: 'stopped', door: 'closed' });
  assert.deepEqual(
    tells(agent(dispatcher, 'new'), 'correct.stop').map(({ to }) => to),
    ['agent/new'],
  );
  assert.deepEqual(
    tells(dispatcher.take('correct.resume').effects, 'correct.resume').map(({ to }) => to),
    ['agent/ada', 'agent/new'],
  );
});

test('what a person asked of one agent outlives a stop of the fleet: its pause, also through a drain, and its drain', () => {
  const dispatcher = open();
  const busy = { life: 'busy', session: 'session/s1' };
  agent(dispatcher, 'paused', { ...busy, door: 'paused' });
  agent(dispatcher, 'drained', { ...busy, session: 'session/s2', door: 'draining' });
  dispatcher.take('correct.drain');
  agent(dispatcher, 'paused', { ...busy, door: 'draining' });
  dispatcher.take('correct.stop');
  for (const name of ['paused', 'drained']) agent(dispatcher, name, { life: 'stopped', door: 'closed' });
  const { effects } = dispatcher.take('correct.resume');
  for (const type of ['correct.resume', 'correct.pause']) {
    const told = tells(effects, type).map(({ to }) => to);
    assert.deepEqual(told, ['agent/paused'], type);
  }
});

test('a drained fleet ends up stopped, and pins are not lost meanwhile', () => {
  const dispatcher = open();
  agent(dispatcher, 'ada', { life: 'busy', session: 'session/s1' });
  wants(dispatcher, 's2', { pin: 'agent/ada' });
  assert.deepEqual(names(dispatcher.take('correct.drain').effects), ['tell:correct.drain']);
  assert.deepEqual(names(agent(dispatcher, 'ada', { life: 'busy', door: 'draining', session: 'session/s1' })), []);
  agent(dispatcher, 'ada', { life: 'stopped', door: 'closed' });
  assert.equal(dispatcher.project().phase, 'stopped');
  assert.deepEqual(names(dispatcher.wait(3_600)), []);
});

test('beyond what a day may cost nothing is handed out until the next day, and who waits is told', () => {
  const dispatcher = testActor(dispatcherDefinition, 'dispatcher/main');
  dispatcher.take('fleet.configured', { maxRuns: 4, day: { costUsd: 2 } });
  agent(dispatcher, 'ada');
  dispatcher.take('usage.spent', { agent: 'agent/ada', session: 'session/s0', epoch: 1, tokens: 10, costUsd: 1.5 });
  dispatcher.take('usage.spent', { agent: 'agent/ada', session: 'session/s0', epoch: 2, tokens: 10, costUsd: 0.5 });
  const [told] = tells(wants(dispatcher, 's1'), 'work.unmatched');
  const { reason, until } = told!.data['limit'] as { reason: string; until: string };
  assert.equal(reason, '2.00 of the day’s 2.00 USD are used');
  assert.equal(until.slice(11), '00:00:00.000Z');
  assert.deepEqual(matches(dispatcher.wait(3_600)), []);
  assert.deepEqual(matches(dispatcher.wait(86_400)), ['session/s1→agent/ada']);
});

test('what was used yesterday does not count today, nor does what a person allowed yesterday', () => {
  const dispatcher = testActor(dispatcherDefinition, 'dispatcher/main');
  dispatcher.take('fleet.configured', { maxRuns: 4, day: { tokens: 100 } });
  agent(dispatcher, 'ada');
  dispatcher.take('usage.spent', { agent: 'agent/ada', session: 'session/s0', epoch: 1, tokens: 150, costUsd: 0 });
  dispatcher.take('correct.budget.set', { kind: 'tokens', limit: 200 });
  dispatcher.wait(86_400);
  dispatcher.take('usage.spent', { agent: 'agent/ada', session: 'session/s0', epoch: 2, tokens: 150, costUsd: 0 });
  assert.deepEqual(matches(wants(dispatcher, 's1')), []);
});

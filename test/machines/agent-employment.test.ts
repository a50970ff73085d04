import assert from 'node:assert/strict';
import { test } from 'node:test';
import { agentDefinition } from '../../machines/agent/index.ts';
import { names, testActor, tells } from '../support/actor.ts';
import { SESSION, begin, busy, exit, hire, offer, turn } from './agent-support.ts';

test('a hire of an unknown role is refused, one that brings its role along is not', () => {
  assert.throws(() => hire({ role: 'juggler' }), /there is no role/);
  const agent = hire({ role: 'juggler', settings: { kinds: ['docs'], actions: [] } });
  assert.deepEqual(agent.project().tags['kinds'], ['docs']);
});

test('a hire is decided by what the configuration has under the names it gives, never by what stands in it', () => {
  const role = { name: 'writer', kinds: ['docs'], actions: ['read'], aliases: ['author'], limits: { tokens: 5 } };
  const data = { role: 'author', driver: 'scripted', mode: 'worker', limits: { costUsd: 2 } };
  const agent = testActor(agentDefinition, 'agent/ada');
  for (const configured of [
    { role: { missing: 'no such role' }, driver: { found: 'scripted' } },
    { role: { found: role }, driver: { missing: 'no such driver' } },
  ]) {
    const refused = agent.send('hire', { ...data, settings: { kinds: [], actions: [] } }, { known: { configured } });
    assert.equal(refused.outcome, 'refused');
    assert.match(JSON.stringify(refused), /guard.*no such (role|driver)/);
  }
  agent.take('hire', data, { known: { configured: { role: { found: role }, driver: { found: 'scripted' } } } });
  const { role: name, kinds, actions, limits } = agent.context();
  assert.deepEqual(
    { name, kinds, actions, limits },
    {
      name: 'writer',
      kinds: ['docs'],
      actions: ['read'],
      limits: { tokens: 5, costUsd: 2 },
    },
  );
});

test('nobody is hired as conductor or supervisor: that is whoever conducts a mission', () => {
  for (const name of ['conductor', 'supervisor'])
    assert.throws(() => hire({ role: 'conductor' }, `agent/${name}`), /hire under a name of its own/, name);
});

test('hiring tells the dispatcher who it is', () => {
  const agent = hire({ lanes: ['web'], user: 'dev' });
  const { effects } = agent.take('correct.lane.set', { lanes: ['api'] });
  assert.deepEqual(tells(effects, 'agent.changed'), [
    {
      to: 'dispatcher/main',
      data: {
        agent: 'agent/ada',
        role: 'implementer',
        kinds: ['implement', 'test', 'docs', 'design'],
        lanes: ['api'],
        user: 'dev',
        life: 'asleep',
        door: 'open',
        mode: 'worker',
        why: 'free',
      },
    },
  ]);
});

test('stopping an idle agent holds until it is resumed', () => {
  const agent = hire();
  agent.take('correct.stop', { reason: 'enough' });
  assert.deepEqual(agent.value(), { life: 'stopped', door: 'closed' });
  assert.equal(agent.project().waitingOn[0]?.detail, 'stopped by cli/alice: enough');
  assert.deepEqual(tells(offer(agent, 1).effects, 'offer.declined')[0]?.data, { reason: 'closed' });
  assert.equal(agent.take('correct.stop').outcome, 'recorded');
  assert.equal(agent.send('correct.pause').outcome, 'refused');
  agent.take('correct.resume');
  assert.deepEqual(agent.value(), { life: 'asleep', door: 'open' });
});

test('stopping a busy agent ends the process, then the session hears who is gone', () => {
  const agent = busy();
  assert.deepEqual(names(agent.take('correct.stop').effects), ['act:process.end', 'tell:agent.changed']);
  assert.deepEqual(agent.value(), { life: 'stopping', door: 'closed' });
  const gone = exit(agent, 'ended');
  assert.deepEqual(names(gone), ['tell:run.released', 'tell:agent.gone', 'tell:agent.changed']);
  assert.equal(tells(gone, 'agent.gone')[0]?.data['class'], 'stopped');
  assert.deepEqual(agent.value(), { life: 'stopped', door: 'closed' });
});

test('stopping an agent whose run has not begun gives the run back at once', () => {
  const agent = hire();
  offer(agent, 1);
  assert.deepEqual(names(agent.take('correct.stop').effects), [
    'tell:run.released',
    'tell:agent.gone',
    'tell:agent.changed',
  ]);
  assert.deepEqual(agent.value(), { life: 'stopped', door: 'closed' });
});

test('a resume while it is stopping lets it sleep afterwards', () => {
  const agent = busy();
  agent.take('correct.stop');
  agent.take('correct.resume');
  exit(agent, 'ended');
  assert.deepEqual(agent.value(), { life: 'asleep', door: 'open' });
});

test('a stop while a run is being ended for another reason still stops', () => {
  const agent = busy();
  agent.take('run.cancelled', { session: SESSION, epoch: 1, reason: 'x' });
  agent.take('correct.stop');
  exit(agent, 'ended');
  assert.deepEqual(agent.value(), { life: 'stopped', door: 'closed' });
});

test('draining finishes the run, then stops; an idle agent stops at once', () => {
  const agent = busy();
  agent.take('correct.drain');
  assert.deepEqual(agent.value(), { life: 'busy', door: 'draining' });
  turn(agent, 'completed');
  exit(agent, 'clean');
  assert.deepEqual(agent.value(), { life: 'stopped', door: 'closed' });
  const idle = hire();
  idle.take('correct.drain');
  assert.deepEqual(idle.value(), { life: 'stopped', door: 'closed' });
});

test('a drain that is taken back leaves the agent at work', () => {
  const agent = busy();
  agent.take('correct.drain');
  agent.take('correct.resume');
  turn(agent, 'completed');
  exit(agent, 'clean');
  assert.deepEqual(agent.value(), { life: 'asleep', door: 'open' });
});

test('a restart interrupts the run, which is no attempt, and clears the counters', () => {
  const agent = busy();
  const { effects } = agent.take('correct.restart');
  assert.equal(tells(effects, 'run.ended')[0]?.data['outcome'], 'interrupted');
  assert.deepEqual(names(exit(agent, 'ended')), ['tell:run.released', 'tell:agent.changed']);
  assert.deepEqual(agent.value(), { life: 'asleep', door: 'open' });
});

test('a restart leaves cooling down', () => {
  const agent = hire();
  offer(agent, 1);
  begin(agent, 1);
  exit(agent, 'contention');
  assert.deepEqual(agent.value(), { life: 'coolingDown', door: 'open' });
  agent.take('correct.restart');
  assert.deepEqual(agent.value(), { life: 'asleep', door: 'open' });
});

test('interrupt asks the running turn to end, and is refused where nothing runs', () => {
  assert.deepEqual(names(busy().take('correct.interrupt').effects), ['act:driver.interrupt']);
  assert.equal(hire().send('correct.interrupt').outcome, 'refused');
});

test('offboarding a busy agent: credential, process, release, loss, and only then the end', () => {
  const agent = busy();
  const { effects } = agent.take('correct.offboard');
  assert.deepEqual(
    names(effects).filter((name) => name.startsWith('act:')),
    ['act:credential.revoke', 'act:process.end'],
  );
  assert.deepEqual(agent.value(), { life: 'offboarding', door: 'closed' });
  assert.ok(agent.watches()['process'] !== undefined);
  agent.take('credential.revoke.done', { key: 'k' });
  assert.deepEqual(agent.value(), { life: 'offboarding', door: 'closed' });
  const gone = exit(agent, 'ended');
  assert.deepEqual(names(gone), ['tell:run.released', 'tell:agent.gone', 'tell:agent.changed']);
  assert.equal(tells(gone, 'agent.gone')[0]?.data['class'], 'offboarded');
  assert.equal(agent.project().phase, 'offboarded');
  assert.ok(agent.live().view.final);
});

test('a process that cannot be ended keeps it offboarding, tried again every minute and by a repeat', () => {
  const agent = busy();
  agent.take('correct.offboard');
  agent.take('credential.revoke.done', { key: 'k' });
  assert.deepEqual(names(agent.wait(59)), []);
  assert.deepEqual(names(agent.wait(1)), ['act:process.end']);
  assert.deepEqual(names(agent.take('correct.offboard').effects), ['act:process.end']);
  assert.equal(agent.project().waitingOn[0]?.gate, 'stopping');
  assert.equal(agent.send('correct.resume').outcome, 'refused');
});

test('a credential that could not be revoked keeps it offboarding', () => {
  const agent = hire();
  agent.take('correct.offboard');
  agent.take('credential.revoke.failed', { key: 'k', code: 'X', reason: 'x' });
  assert.deepEqual(names(agent.wait(60)), ['act:credential.revoke']);
  agent.take('credential.revoke.done', { key: 'k' });
  assert.equal(agent.project().phase, 'offboarded');
});

test('offboarded is for ever: goals already reached are recorded, notes kept, the rest refused', () => {
  const agent = hire();
  agent.take('correct.memory.set', { key: 'k', value: 'v' });
  agent.take('correct.offboard');
  agent.take('credential.revoke.done', { key: 'k' });
  for (const type of ['correct.offboard', 'correct.stop', 'correct.drain']) {
    assert.equal(agent.take(type).outcome, 'recorded', type);
  }
  assert.equal(agent.take('fyi', { text: 'thank you' }).outcome, 'recorded');
  assert.deepEqual(agent.send('correct.resume'), {
    outcome: 'refused',
    code: 'final',
    reason: 'agent/ada has ended ({"life":"offboarded","door":"closed"})',
  });
  assert.deepEqual(agent.context()['memory'], { k: 'v' });
});

test('a review that was posted before it left and is told after is kept', () => {
  const agent = reviewer();
  agent.take('correct.offboard');
  agent.take('credential.revoke.done', { key: 'k' });
  const review = { repo: 'acme/api', number: 7, head: 'a'.repeat(40), verdict: 'approve', accepted: true };
  assert.equal(agent.take('review.recorded', review).outcome, 'recorded');
  assert.deepEqual(agent.context()['reviews'], [{ ...review, at: agent.now() }]);
});

const reviewer = (name = 'agent/susan') => hire({ role: 'reviewer' }, name);

test('a subscription is a claim of its user, whatever the spelling', () => {
  const agent = reviewer();
  agent.take('correct.subscribe', { repo: ' Acme/API ' });
  assert.deepEqual(agent.claims(), ['subscription:default:acme/api']);
  assert.deepEqual(agent.watches()['repository'], { repos: ['Acme/API'] });
  assert.equal(agent.take('correct.subscribe', { repo: 'acme/api' }).outcome, 'recorded');
  agent.take('correct.unsubscribe', { repo: 'ACME/api' });
  assert.deepEqual(agent.claims(), []);
});

test('an implementer and a stopped agent cannot subscribe', () => {
  assert.equal(hire().send('correct.subscribe', { repo: 'acme/api' }).outcome, 'refused');
  const agent = reviewer();
  agent.take('correct.stop');
  assert.equal(agent.send('correct.subscribe', { repo: 'acme/api' }).outcome, 'refused');
});

test('stopped releases and remembers; resume claims what is free and lists what was taken', () => {
  const agent = reviewer();
  agent.take('correct.subscribe', { repo: 'acme/api' });
  agent.take('correct.subscribe', { repo: 'acme/web' });
  agent.take('correct.stop');
  assert.deepEqual(agent.claims(), []);
  assert.deepEqual(agent.watches(), {});
  agent.take(
    'correct.resume',
    {},
    {
      known: { holders: { 'subscription:default:acme/api': 'agent/bob', 'subscription:default:acme/web': null } },
    },
  );
  assert.deepEqual(agent.claims(), ['subscription:default:acme/web']);
  assert.deepEqual(
    (agent.context()['subscriptions'] as { repo: string; takenBy: string | null }[]).map(({ repo, takenBy }) => [
      repo,
      takenBy,
    ]),
    [
      ['acme/api', 'agent/bob'],
      ['acme/web', null],
    ],
  );
});

test('the events that bring an agent back ask the index who holds its subscriptions', () => {
  const agent = reviewer();
  agent.take('correct.subscribe', { repo: 'Acme/API' });
  for (const type of ['correct.resume', 'correct.restart', 'correct.restore']) {
    assert.deepEqual(agent.definition.events[type]?.lookUp?.({} as never, agent.context() as never), {
      claims: ['subscription:default:acme/api'],
    });
  }
});

test('claims are held while offboarding and released in the step that enters offboarded', () => {
  const agent = reviewer();
  agent.take('correct.subscribe', { repo: 'acme/api' });
  agent.take('correct.offboard');
  assert.deepEqual(agent.claims(), ['subscription:default:acme/api']);
  assert.deepEqual(agent.watches(), {}, 'but nothing is watched any more');
  agent.take('credential.revoke.done', { key: 'k' });
  assert.deepEqual(agent.claims(), []);
});

test('memory is set, deleted and bounded', () => {
  const agent = hire();
  agent.take('correct.memory.set', { key: 'a', value: '1' });
  agent.take('correct.memory.set', { key: 'b', value: '2' });
  agent.take('correct.memory.delete', { key: 'a' });
  assert.deepEqual(agent.context()['memory'], { b: '2' });
  assert.equal(agent.take('correct.memory.delete', { key: 'a' }).outcome, 'recorded');
  assert.deepEqual(agent.send('correct.memory.set', { key: 'c', value: 'x'.repeat(100_001) }).outcome, 'refused');
});

test('of what the session gives and what the agent may use its process gets the less', () => {
  const agent = hire({ limits: { tokens: 1_000, costUsd: 2, silenceSeconds: 30 } });
  offer(agent, 1);
  const { data } = begin(agent, 1);
  const limits = () => (agent.watches()['process']?.['begun'] as { limits: unknown } | undefined)?.limits;
  assert.deepEqual(limits(), { tokens: 1_000, costUsd: 2, silenceSeconds: 30 });
  exit(agent, 'clean');
  offer(agent, 2);
  agent.take('run.begun', { ...data, epoch: 2, limits: { tokens: 500, costUsd: 5, runSeconds: 60 } });
  assert.deepEqual(limits(), { tokens: 500, costUsd: 2, runSeconds: 60, silenceSeconds: 30 });
});

test('limits are set, and the wall clock of the next run follows them', () => {
  const agent = hire();
  agent.take('correct.limits.set', { runSeconds: 60 });
  offer(agent, 1);
  begin(agent, 1);
  agent.take('driver.started', { pid: 1, startedAt: agent.now() });
  assert.deepEqual(names(agent.wait(60)), ['tell:run.ended', 'act:process.end', 'tell:agent.changed']);
});

test('notes wake nobody, are read, and are refused only when too many are unread', () => {
  const agent = hire();
  for (let count = 0; count < 200; count++)
    assert.equal(agent.take('fyi', { text: `n${count}` }, { id: `n${count}` }).outcome, 'recorded');
  const full = agent.send('fyi', { text: 'one more' });
  assert.equal(full.outcome === 'refused' && full.code, 'limit');
  agent.take('note.read', { ids: Array.from({ length: 200 }, (_, index) => `n${index}`), by: 'run' });
  agent.take('fyi', { text: 'one more' });
  assert.equal((agent.context()['notes'] as unknown[]).length, 51);
});

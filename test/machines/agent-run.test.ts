import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { StepEffect } from '../../src/actor/step.ts';
import { names, tells } from '../support/actor.ts';
import type { TestActor } from '../support/actor.ts';
import { SESSION, begin, busy, exit, hire, offer, stopping, turn } from './agent-support.ts';

test('a worker accepts an offer under its epoch and tells the dispatcher', () => {
  const agent = hire();
  const { effects } = offer(agent, 3);
  assert.deepEqual(tells(effects, 'offer.accepted'), [{ to: SESSION, data: {}, expectepoch: 3 }]);
  assert.deepEqual(tells(effects, 'agent.changed')[0]?.to, 'dispatcher/main');
  assert.deepEqual(agent.value(), { life: 'starting', door: 'open' });
  assert.deepEqual(agent.watches(), {}, 'no process before the run begins');
});

test('a second offer is declined: one agent has one run', () => {
  const agent = busy();
  const { effects } = offer(agent, 9, 'session/other');
  assert.deepEqual(tells(effects, 'offer.declined'), [
    { to: 'session/other', data: { reason: 'busy' }, expectepoch: 9 },
  ]);
});

test('a paused door declines offers while the run in progress goes on', () => {
  const agent = busy();
  agent.take('correct.pause');
  assert.deepEqual(agent.value(), { life: 'busy', door: 'paused' });
  assert.deepEqual(tells(offer(agent, 9).effects, 'offer.declined')[0]?.data, { reason: 'paused' });
});

test('run.begun starts the process watch under a name of its own', () => {
  const agent = hire();
  offer(agent, 3);
  begin(agent, 3);
  assert.equal(agent.watches()['process']?.['run'], 's1-3');
  assert.deepEqual(agent.value(), { life: 'starting', door: 'open' });
});

test('remembering something while it runs does not look like another process', () => {
  const agent = busy();
  const before = agent.watches()['process'];
  agent.take('correct.memory.set', { key: 'style', value: 'tabs' });
  assert.deepEqual(agent.watches()['process'], before);
});

test('a run that was not accepted here does not begin', () => {
  const agent = hire();
  const data = begin(hireAccepted(agent), 3).data;
  assert.equal(agent.send('run.begun', { ...data, epoch: 2 }).outcome, 'superseded');
  function hireAccepted(of: typeof agent) {
    offer(of, 3);
    return of;
  }
});

test('the whole way of a run that ends well', () => {
  const agent = busy(3);
  const ended = turn(agent, 'completed', { result: { summary: 'done', pull: 7 } });
  assert.deepEqual(tells(ended, 'run.ended'), [
    { to: SESSION, data: { outcome: 'completed', conversation: 'c1', summary: 'done', pull: 7 }, expectepoch: 3 },
  ]);
  assert.deepEqual(agent.value(), { life: 'stopping', door: 'open' });
  assert.ok(agent.watches()['process'] !== undefined, 'the watch stands until the process is gone');
  const gone = exit(agent, 'clean', { inputTokens: 10, outputTokens: 2 });
  assert.deepEqual(names(gone), ['tell:usage.spent', 'tell:run.released', 'tell:agent.changed']);
  assert.deepEqual(tells(gone, 'run.released'), [
    { to: SESSION, data: { epoch: 3, usage: { inputTokens: 10, outputTokens: 2 } } },
  ]);
  assert.deepEqual(agent.value(), { life: 'asleep', door: 'open' });
  assert.deepEqual(agent.watches(), {});
});

test('a process that does not leave after its turn is ended after a moment, and again every minute', () => {
  const agent = busy();
  turn(agent, 'completed');
  assert.deepEqual(names(agent.wait(4)), []);
  assert.deepEqual(names(agent.wait(1)), ['act:process.end']);
  assert.deepEqual(names(agent.wait(59)), []);
  assert.deepEqual(names(agent.wait(1)), ['act:process.end']);
});

test('a hand-back ends the run as handedBack with its reason', () => {
  const agent = busy();
  const ended = turn(agent, 'completed', { result: { handedBack: 'not reviewer work' } });
  assert.deepEqual(tells(ended, 'run.ended')[0]?.data, {
    outcome: 'handedBack',
    reason: 'not reviewer work',
    conversation: 'c1',
  });
});

test('each way a turn can end has its outcome', () => {
  const outcomes = {
    interrupted: 'interrupted',
    failed: 'failed',
    refused: 'failed',
    budget: 'failed',
    limited: 'limited',
  };
  for (const [outcome, expected] of Object.entries(outcomes)) {
    const data = tells(turn(busy(), outcome), 'run.ended')[0]?.data as { outcome: string };
    assert.equal(data.outcome, expected, outcome);
  }
});

test('refused credentials are the loss of the agent, told when its process is gone', () => {
  const agent = busy();
  assert.deepEqual(names(turn(agent, 'auth', { reason: 'not logged in' })), ['tell:agent.changed']);
  const gone = exit(agent, 'clean');
  assert.deepEqual(tells(gone, 'agent.gone')[0]?.data, { class: 'auth', reason: 'not logged in' });
});

test('a usage limit is told with its time, and the agent takes nothing before it', () => {
  const agent = busy();
  const until = '2026-01-01T01:00:00.000Z';
  assert.equal(tells(turn(agent, 'limited', { until }), 'run.ended')[0]?.data['until'], until);
  exit(agent, 'clean');
  assert.deepEqual(agent.value(), { life: 'coolingDown', door: 'open' });
  assert.equal(agent.project().waitingOn[0]?.until, until);
  agent.wait(3_600);
  assert.deepEqual(agent.value(), { life: 'asleep', door: 'open' });
});

test('a crash is told after the release, and is no run.ended', () => {
  const agent = busy(3);
  const gone = exit(agent, 'crash', undefined, { signal: 'SIGSEGV' });
  assert.deepEqual(names(gone), ['tell:run.released', 'tell:agent.gone', 'tell:agent.changed']);
  assert.deepEqual(tells(gone, 'agent.gone'), [
    { to: SESSION, data: { class: 'crash', reason: 'the process died of SIGSEGV' }, expectepoch: 3 },
  ]);
});

test('exit 0 without a turn is a loss', () => {
  assert.equal(tells(exit(busy(), 'clean'), 'agent.gone')[0]?.data['class'], 'lost');
});

test('exit 1 after a turn that ended well is no crash', () => {
  const agent = busy();
  turn(agent, 'completed');
  assert.deepEqual(names(exit(agent, 'crash')), ['tell:run.released', 'tell:agent.changed']);
  assert.deepEqual(agent.context()['crashes'], []);
});

test('a process ended by a restart of the runtime is an interrupted run, not an attempt', () => {
  const agent = busy();
  const gone = exit(agent, 'ended');
  assert.deepEqual(names(gone), ['tell:run.ended', 'tell:run.released', 'tell:agent.changed']);
  assert.equal(tells(gone, 'run.ended')[0]?.data['outcome'], 'interrupted');
});

test('a question is told, holds the wall clock, and its answer goes to the process', () => {
  const agent = busy();
  agent.wait(600);
  const { effects } = agent.take('driver.asked', {
    question: 'q1',
    kind: 'question',
    text: 'Which?',
    choices: ['a', 'b'],
  });
  assert.deepEqual(tells(effects, 'run.asked')[0]?.data, { question: 'q1', text: 'Which?', choices: ['a', 'b'] });
  agent.wait(200);
  const answer = agent.take('run.answered', { session: SESSION, epoch: 1, question: 'q1', choice: 'a' });
  assert.deepEqual(names(answer.effects), ['act:driver.answer']);
  assert.deepEqual(names(agent.wait(1_199)), []);
  assert.deepEqual(names(agent.wait(1)), ['tell:run.ended', 'act:process.end', 'tell:agent.changed']);
});

test('a question that nobody answers ends the run as asked', () => {
  const agent = busy();
  agent.take('driver.asked', { question: 'q1', kind: 'question', text: 'Which?' });
  const effects = agent.wait(300);
  assert.equal(tells(effects, 'run.ended')[0]?.data['outcome'], 'asked');
  assert.deepEqual(names(exit(agent, 'ended')), ['tell:run.released', 'tell:agent.changed']);
});

test('an answer to another question is superseded', () => {
  const agent = busy();
  agent.take('driver.asked', { question: 'q1', kind: 'question', text: 'Which?' });
  assert.equal(
    agent.send('run.answered', { session: SESSION, epoch: 1, question: 'q0', text: 'x' }).outcome,
    'superseded',
  );
});

test('a text for the running conversation is tried at once and settled by what came of it', () => {
  const agent = busy();
  const steered = agent.take('run.steered', { session: SESSION, epoch: 1, say: 'm1', text: 'use tabs' });
  assert.deepEqual(names(steered.effects), ['act:driver.steer']);
  const wish = { session: SESSION, epoch: 1, say: 'm1', text: 'use tabs' };
  const done = agent.take('driver.steer.done', { key: 'k', result: { taken: true } }, { wish });
  assert.deepEqual(tells(done.effects, 'steer.settled'), [
    { to: SESSION, data: { say: 'm1', taken: true }, expectepoch: 1 },
  ]);
  const failed = agent.take('driver.steer.failed', { key: 'k', code: 'X', reason: 'x' }, { wish });
  assert.deepEqual(tells(failed.effects, 'steer.settled')[0]?.data, { say: 'm1', taken: false });
  const old = agent.take('driver.steer.done', { key: 'k', result: { taken: true } }, { wish: { ...wish, epoch: 0 } });
  assert.deepEqual(names(old.effects), []);
});

test('a text for a run that is not running yet stays owed', () => {
  const agent = hire();
  offer(agent, 1);
  const { effects } = agent.take('run.steered', { session: SESSION, epoch: 1, say: 'm1', text: 'x' });
  assert.deepEqual(tells(effects, 'steer.settled')[0]?.data, { say: 'm1', taken: false });
});

test('a cancelled run is ended and only its release is told', () => {
  const agent = busy();
  const { effects } = agent.take('run.cancelled', { session: SESSION, epoch: 1, reason: 'reassigned' });
  assert.deepEqual(names(effects), ['act:process.end', 'tell:agent.changed']);
  assert.deepEqual(names(exit(agent, 'ended')), ['tell:run.released', 'tell:agent.changed']);
});

test('a cancelled run that had no process yet is released at once', () => {
  const agent = hire();
  offer(agent, 1);
  const { effects } = agent.take('run.cancelled', { session: SESSION, epoch: 1, reason: 'paused' });
  assert.deepEqual(names(effects), ['tell:run.released', 'tell:agent.changed']);
});

test('a cancel for an unknown epoch is answered with its release at once', () => {
  const agent = busy(5);
  const { effects } = agent.take('run.cancelled', { session: SESSION, epoch: 4, reason: 'x' });
  assert.deepEqual(tells(effects, 'run.released')[0]?.data, {
    epoch: 4,
    usage: { inputTokens: 0, outputTokens: 0 },
  });
  assert.deepEqual(agent.value(), { life: 'busy', door: 'open' });
});

test('a superseded report makes the agent stop that run, one of an earlier run does not', () => {
  const refused = (agent: ReturnType<typeof busy>, seq: number, type = 'run.started') =>
    agent.take('mail.refused', {
      id: `agent/ada/${seq}/0`,
      to: SESSION,
      type,
      outcome: 'superseded',
      code: null,
      reason: 'epoch 4',
    });
  const agent = busy(3);
  assert.deepEqual(names(refused(agent, 1).effects), []);
  assert.deepEqual(names(refused(agent, 4).effects), ['act:process.end', 'tell:agent.changed']);
  assert.deepEqual(names(exit(agent, 'ended')), ['tell:run.released', 'tell:agent.changed']);

  const accepted = hire();
  offer(accepted, 3);
  const { effects } = refused(accepted, 2, 'offer.accepted');
  assert.deepEqual(names(effects), ['tell:run.released', 'tell:agent.changed']);
  assert.deepEqual(accepted.value(), { life: 'asleep', door: 'open' });
});

test('a refused release changes nothing', () => {
  const agent = busy();
  const data = {
    id: 'agent/ada/9/0',
    to: SESSION,
    type: 'run.released',
    outcome: 'refused',
    code: 'final',
    reason: 'x',
  };
  assert.deepEqual(names(agent.take('mail.refused', data).effects), []);
});

test('an accepted run that does not begin is given back after its time', () => {
  const agent = hire();
  offer(agent, 1);
  assert.deepEqual(names(agent.wait(719)), []);
  const effects = agent.wait(1);
  assert.deepEqual(names(effects), ['tell:run.released', 'tell:agent.gone', 'tell:agent.changed']);
  assert.deepEqual(agent.value(), { life: 'asleep', door: 'open' });
});

test('a process that is not up in time is ended and lost', () => {
  const agent = hire();
  offer(agent, 1);
  begin(agent, 1);
  assert.deepEqual(names(agent.wait(60)), ['act:process.end', 'tell:agent.changed']);
  assert.equal(tells(exit(agent, 'ended'), 'agent.gone')[0]?.data['class'], 'lost');
});

test('silence while a question is open is none', () => {
  const agent = busy();
  agent.take('driver.asked', { question: 'q1', kind: 'question', text: 'Which?' });
  assert.deepEqual(names(agent.take('driver.silent', { sinceMs: 600_000 }).effects), []);
});

const SILENT = { sinceMs: 600_000 };
/** What it waits for now, and how many seconds from now until when. */
const wait = (agent: TestActor): [string, number] => {
  const [first] = agent.project().waitingOn;
  return [first?.detail ?? '', (Date.parse(first?.until ?? '') - Date.parse(agent.now())) / 1_000];
};
const deaf = (agent: TestActor, effects: readonly StepEffect[]) => {
  const [steer] = effects.flatMap((effect) => (effect.kind === 'act' ? [effect.params] : []));
  return agent.take('driver.steer.done', { key: 'k', result: { taken: false } }, { wish: steer ?? {} }).effects;
};

test('a silent process is asked, then interrupted, then ended and lost, each with a time of its own that is seen', () => {
  const agent = busy(3);
  assert.deepEqual(names(agent.take('driver.silent', SILENT).effects), ['act:driver.steer']);
  assert.deepEqual([wait(agent)[0].replace(/.*: /, ''), wait(agent)[1]], ['it was asked what it does', 60]);
  assert.deepEqual(names(agent.wait(59)), []);
  assert.deepEqual(names(agent.wait(1)), ['act:driver.interrupt']);
  assert.deepEqual([wait(agent)[0].replace(/.*: /, ''), wait(agent)[1]], ['its turn was interrupted', 5]);
  assert.deepEqual(names(agent.wait(5)), ['act:process.end', 'tell:agent.changed']);
  const gone = tells(exit(agent, 'ended'), 'agent.gone');
  assert.deepEqual(gone, [
    { to: SESSION, data: { class: 'silent', reason: 'nothing was heard for 665 s' }, expectepoch: 3 },
  ]);
});

test('one that cannot be asked is interrupted at once; one that can is given no longer than it was allowed to be silent', () => {
  const agent = busy();
  const { effects } = agent.take('driver.silent', SILENT);
  assert.deepEqual(names(deaf(agent, effects)), ['act:driver.interrupt']);
  const hasty = busy(1, { limits: { silenceSeconds: 2 } });
  hasty.take('driver.silent', { sinceMs: 2_000 });
  assert.deepEqual(names(hasty.wait(2)), ['act:driver.interrupt']);
});

test('a silent turn that ends when it is interrupted is lost all the same, not merely interrupted', () => {
  const agent = busy();
  agent.take('driver.silent', SILENT);
  agent.wait(60);
  assert.deepEqual(tells(turn(agent, 'interrupted'), 'run.ended'), []);
  assert.equal(tells(exit(agent, 'clean'), 'agent.gone')[0]?.data['class'], 'silent');
});

test('heard again, it goes on with the rest of its wall clock, and what it brings in the end counts', () => {
  const agent = busy();
  agent.wait(600);
  agent.take('driver.silent', SILENT);
  agent.wait(30);
  agent.take('driver.heard');
  assert.equal(agent.take('driver.heard').outcome, 'recorded');
  assert.deepEqual(names(agent.wait(1_169)), []);
  const late = busy();
  late.take('driver.silent', SILENT);
  late.wait(60);
  assert.equal(tells(turn(late, 'completed'), 'run.ended')[0]?.data['outcome'], 'completed');
  assert.deepEqual(names(agent.wait(1)), ['tell:run.ended', 'act:process.end', 'tell:agent.changed']);
});

test('a run that ends well after all, while it is being ended, counts as such', () => {
  const agent = stopping('correct.stop');
  assert.equal(tells(turn(agent, 'completed'), 'run.ended')[0]?.data['outcome'], 'completed');
  assert.deepEqual(names(exit(agent, 'clean')), ['tell:run.released', 'tell:agent.changed']);
  assert.deepEqual(agent.value(), { life: 'stopped', door: 'closed' });
});

test('three crashes within the window cool down until the oldest leaves it', () => {
  const agent = hire();
  for (let epoch = 1; epoch <= 3; epoch++) {
    offer(agent, epoch);
    begin(agent, epoch);
    agent.take('driver.started', { pid: 1, startedAt: agent.now() });
    agent.wait(100);
    exit(agent, 'crash');
  }
  assert.deepEqual(agent.value(), { life: 'coolingDown', door: 'open' });
  assert.equal(agent.project().waitingOn[0]?.until, '2026-01-01T00:11:40.000Z', '600 s after the crash at 100 s');
  assert.deepEqual(tells(offer(agent, 9).effects, 'offer.declined')[0]?.data, { reason: 'busy' });
  agent.wait(400);
  assert.deepEqual(agent.value(), { life: 'asleep', door: 'open' });
});

test('twenty crashes without one good run stop the agent, with the reason', () => {
  const agent = hire();
  for (let epoch = 1; epoch <= 20; epoch++) {
    agent.wait(1_000);
    offer(agent, epoch);
    begin(agent, epoch);
    agent.take('driver.started', { pid: 1, startedAt: agent.now() });
    exit(agent, 'crash');
  }
  assert.deepEqual(agent.value(), { life: 'stopped', door: 'closed' });
  assert.match(agent.project().waitingOn[0]?.detail ?? '', /20 crashes without one good run/);
  agent.take('correct.resume');
  assert.deepEqual(agent.value(), { life: 'asleep', door: 'open' });
});

test('contention backs off and gives up', () => {
  const agent = hire();
  for (let time = 1; time <= 6; time++) {
    offer(agent, time);
    begin(agent, time);
    exit(agent, 'contention');
    if (time < 6) {
      assert.deepEqual(agent.value(), { life: 'coolingDown', door: 'open' });
      agent.wait(10 * time);
    }
  }
  assert.deepEqual(agent.value(), { life: 'stopped', door: 'closed' });
});

test('the runs of an hour have a limit', () => {
  const agent = hire({ limits: { runsPerHour: 1 } });
  offer(agent, 1);
  begin(agent, 1);
  agent.take('driver.started', { pid: 1, startedAt: agent.now() });
  turn(agent, 'completed');
  exit(agent, 'clean');
  assert.deepEqual(agent.value(), { life: 'coolingDown', door: 'open' });
  agent.wait(3_600);
  assert.deepEqual(agent.value(), { life: 'asleep', door: 'open' });
});

test('refused credentials make the agent rest, and stop it when they stay refused', () => {
  const agent = hire();
  for (let n = 1; n <= 6; n++) {
    offer(agent, n);
    begin(agent, n);
    agent.take('driver.started', { pid: 1, startedAt: agent.now() });
    turn(agent, 'auth', { reason: 'the key has expired' });
    const effects = exit(agent, 'clean');
    assert.equal(tells(effects, 'agent.gone')[0]?.data['class'], 'auth');
    if (n === 6) break;
    assert.equal(agent.project().phase, 'coolingDown');
    assert.equal(agent.project().waitingOn[0]?.detail, 'the key has expired');
    agent.wait(60);
  }
  assert.equal(agent.project().phase, 'stopped');
  assert.match(agent.project().waitingOn[0]?.detail ?? '', /the key has expired, 6 times in a row/);
});

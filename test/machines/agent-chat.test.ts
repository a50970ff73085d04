import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { StepEffect } from '../../src/actor/step.ts';
import { agentDefinition } from '../../machines/agent/index.ts';
import type { TimerName } from '../../machines/contract.ts';
import { names, testActor, tells } from '../support/actor.ts';
import type { TestActor } from '../support/actor.ts';
import type { RunBegun } from '../../machines/events/agent.ts';
import { begin, busy, exit, hire, offer, turn } from './agent-support.ts';

const chat = (): TestActor => hire({ mode: 'chat' }, 'agent/eve');
const testChat = (timers: Partial<Record<TimerName, number>>): TestActor => hire({ mode: 'chat' }, 'agent/eve', timers);
const started = (agent: TestActor) =>
  agent.take('driver.started', { pid: 1, startedAt: agent.now(), conversation: 'c1' }).effects;
const prompted = (effects: readonly StepEffect[]): string[] =>
  effects.flatMap((effect) =>
    effect.kind === 'act' && effect.act === 'driver.prompt'
      ? (effect.params['mail'] as { text: string }[]).map(({ text }) => text)
      : [],
  );
const mail = (agent: TestActor): string[] =>
  (agent.context()['mail'] as { text: string; state: string }[]).map(({ text, state }) => `${text}: ${state}`);
const life = (agent: TestActor): unknown => (agent.value() as { life: string }).life;

/** A chat in the middle of the turn that reads this letter. */
function talking(): TestActor {
  const agent = chat();
  agent.take('say', { text: 'hello' });
  started(agent);
  return agent;
}

test('a dormant chat has no process, and is never offered work', () => {
  const agent = chat();
  assert.equal(life(agent), 'asleep');
  assert.equal(agent.watches()['process'], undefined);
  assert.deepEqual(tells(offer(agent, 1).effects, 'offer.declined')[0]?.data, { reason: 'unsuited' });
});

test('mail wakes it, is read in a turn, and is answered by what it says', () => {
  const agent = chat();
  agent.take('say', { text: 'hello' });
  assert.equal(life(agent), 'starting');
  assert.equal(agent.watches()['process']?.['run'], 'chat-1');
  assert.deepEqual(prompted(started(agent)), ['hello']);
  assert.equal(life(agent), 'busy');
  agent.take('driver.said', { text: 'hi there', final: true });
  turn(agent, 'completed');
  assert.equal(life(agent), 'awake');
  assert.deepEqual(mail(agent), ['hello: answered']);
  assert.equal((agent.context()['mail'] as { answer: string }[])[0]?.answer, 'hi there');
});

test('its watch keeps its name and parameters while the process lives', () => {
  const agent = talking();
  const before = agent.watches()['process'];
  agent.take('correct.memory.set', { key: 'a', value: 'b' });
  turn(agent, 'completed');
  assert.deepEqual(agent.watches()['process'], before);
  exit(agent, 'clean');
  agent.take('say', { text: 'again' });
  agent.wait(2);
  const next = agent.watches()['process'];
  assert.deepEqual([next?.['run'], next?.['conversation'], next?.['memory']], ['chat-2', 'c1', { a: 'b' }]);
});

const steered = (effects: readonly StepEffect[]): unknown[] =>
  effects.flatMap((effect) => (effect.kind === 'act' && effect.act === 'driver.steer' ? [effect.params['text']] : []));
const settleSteer = (agent: TestActor, say: string, taken: boolean) =>
  agent.take('driver.steer.done', { key: 'k', result: { taken } }, { wish: { say, text: 'x' } }).effects;

test('urgent mail is shown first, within one in order of sending', () => {
  const agent = talking();
  agent.take('say', { text: 'one' });
  agent.take('say', { text: 'two' }, { priority: 'urgent', id: 'u2' });
  agent.take('say', { text: 'three' });
  agent.take('say', { text: 'four' }, { priority: 'urgent', id: 'u4' });
  settleSteer(agent, 'u2', false);
  agent.take('driver.steer.failed', { key: 'k', code: 'X', reason: 'no' }, { wish: { say: 'u4', text: 'four' } });
  assert.deepEqual(prompted(turn(agent, 'completed')), ['two', 'four', 'one', 'three']);
});

test('urgent mail reaches the turn that is on, and is answered with it', () => {
  const agent = talking();
  assert.deepEqual(steered(agent.take('say', { text: 'whenever' }).effects), []);
  assert.deepEqual(steered(agent.take('say', { text: 'stop that' }, { priority: 'urgent', id: 'u' }).effects), [
    'stop that',
  ]);
  settleSteer(agent, 'u', true);
  agent.take('driver.said', { text: 'stopped', final: true });
  assert.deepEqual(prompted(turn(agent, 'completed')), ['whenever']);
  assert.deepEqual(mail(agent), ['hello: answered', 'whenever: delivered', 'stop that: answered']);
});

test('a turn that ends before it has said whether it took the letter does not have it shown twice', () => {
  const agent = talking();
  agent.take('say', { text: 'now' }, { priority: 'urgent', id: 'u' });
  assert.deepEqual(prompted(turn(agent, 'completed')), []);
  assert.deepEqual(prompted(settleSteer(agent, 'u', false)), ['now'], 'not taken: in the next turn');
});

test('a query that nobody answers in time is answered visibly, once, whatever the agent does meanwhile', () => {
  const ask = (agent: TestActor) => agent.take('query', { text: 'well?', deadlineMs: 60_000 }, { source: 'mission/m' });
  const stopped = chat();
  stopped.take('correct.stop');
  const states: Record<string, TestActor> = { busy: talking(), stopped, worker: hire() };
  for (const [name, agent] of Object.entries(states)) {
    ask(agent);
    assert.deepEqual(tells(agent.wait(59), 'query.answered'), [], name);
    const told = tells(agent.wait(1), 'query.answered');
    assert.deepEqual(
      told.map(({ to, data }) => [to, data['text'], data['late']]),
      [['mission/m', null, true]],
      name,
    );
    assert.match(mail(agent).at(-1) ?? '', /failed/);
    assert.deepEqual(tells(agent.wait(86_400), 'query.answered'), [], name);
  }
});

test('an answer in time is the only one', () => {
  const agent = chat();
  agent.take('query', { text: 'well?', deadlineMs: 60_000 }, { source: 'mission/m' });
  started(agent);
  agent.take('driver.said', { text: 'yes', final: true });
  const told = tells(turn(agent, 'completed'), 'query.answered');
  assert.deepEqual(
    told.map(({ data }) => [data['text'], data['late']]),
    [['yes', false]],
  );
  assert.deepEqual(tells(agent.wait(3_600), 'query.answered'), []);
});

test('a query to a worker is handed to its run, and waits for the next where that one said nothing to it', () => {
  const agent = busy();
  const { effects } = agent.take('query', { text: 'well?' }, { source: 'mission/m', id: 'q' });
  assert.deepEqual(steered(effects), ['well?']);
  settleSteer(agent, 'q', true);
  assert.deepEqual(mail(agent), ['well?: delivered']);
  turn(agent, 'completed');
  exit(agent, 'clean');
  assert.deepEqual(mail(agent), ['well?: queued']);
});

test('mail that waits when the employment ends is returned', () => {
  const agent = hire();
  agent.take('query', { text: 'well?' }, { source: 'mission/m' });
  const told = tells(agent.take('correct.offboard').effects, 'query.answered');
  assert.deepEqual(
    told.map(({ to, data }) => [to, data['text']]),
    [['mission/m', null]],
  );
  assert.deepEqual(mail(agent), ['well?: failed']);
  assert.equal(agent.send('say', { text: 'x' }).outcome, 'refused');
});

test('after a clean exit with nothing to read and nobody there it is dormant', () => {
  const agent = talking();
  turn(agent, 'completed');
  exit(agent, 'clean');
  assert.equal(life(agent), 'asleep');
  assert.deepEqual(names(agent.wait(86_400)), []);
  agent.take('say', { text: 'still there?' });
  assert.equal(life(agent), 'starting', 'mail wakes it without a restart of anything');
});

test('after a clean exit with mail waiting it starts again after a moment', () => {
  const agent = chat();
  agent.take('say', { text: 'hello' });
  exit(agent, 'clean');
  assert.equal(life(agent), 'coolingDown');
  agent.wait(2);
  assert.equal(life(agent), 'starting');
});

test('a consumer wakes it, and a recent one brings its process back', () => {
  const agent = chat();
  agent.take('consumer.attached', { consumer: 't1', kind: 'terminal' });
  assert.equal(life(agent), 'starting');
  started(agent);
  agent.take('consumer.left', { consumer: 't1', kind: 'terminal' });
  agent.wait(299);
  exit(agent, 'clean');
  agent.wait(2);
  assert.equal(life(agent), 'asleep', 'meanwhile the consumer is no longer recent');
  agent.take('consumer.attached', { consumer: 't1', kind: 'terminal' });
  started(agent);
  agent.take('consumer.left', { consumer: 't1', kind: 'terminal' });
  agent.wait(100);
  exit(agent, 'clean');
  agent.wait(2);
  assert.equal(life(agent), 'starting');
});

test('an awake chat that nobody needs is closed after a while, one with a consumer is not', () => {
  const agent = talking();
  turn(agent, 'completed');
  assert.deepEqual(names(agent.wait(899)), []);
  assert.deepEqual(names(agent.wait(1)), ['act:process.end', 'tell:agent.changed']);
  exit(agent, 'ended');
  assert.equal(life(agent), 'asleep');
  const attended = talking();
  attended.take('consumer.attached', { consumer: 't1', kind: 'page' });
  turn(attended, 'completed');
  assert.deepEqual(names(attended.wait(10_000)), []);
});

test('a letter left unread by three clean exits in a row is failed and no longer wakes', () => {
  const agent = chat();
  agent.take('say', { text: 'hello' });
  for (let times = 0; times < 3; times++) {
    assert.equal(life(agent), 'starting');
    exit(agent, 'clean');
    agent.wait(2);
  }
  assert.equal(life(agent), 'asleep');
  assert.deepEqual(mail(agent), ['hello: failed']);
});

test('a turn that a crash cut off waits again and is read by the next process', () => {
  const agent = talking();
  exit(agent, 'crash');
  assert.deepEqual(mail(agent), ['hello: queued']);
  assert.equal(life(agent), 'starting');
  assert.deepEqual(prompted(started(agent)), ['hello']);
});

test('three crashes cool a chat down, its mail waits', () => {
  const agent = chat();
  agent.take('say', { text: 'hello' });
  for (let times = 0; times < 3; times++) exit(agent, 'crash');
  assert.equal(life(agent), 'coolingDown');
  assert.deepEqual(mail(agent), ['hello: queued']);
  agent.wait(600);
  assert.equal(life(agent), 'starting');
});

test('a process that does not take its mail is ended, and the letter fails in the end', () => {
  const agent = chat();
  agent.take('say', { text: 'hello' });
  for (let times = 0; times < 3; times++) {
    started(agent);
    agent.take('driver.prompt.failed', { key: 'k', code: 'X', reason: 'x' });
    assert.equal(life(agent), 'stopping');
    exit(agent, 'ended');
  }
  assert.deepEqual(mail(agent), ['hello: failed']);
  assert.equal(life(agent), 'asleep');
});

test('stopping in mid-turn fails that letter and keeps the others; resume reads them', () => {
  const agent = talking();
  agent.take('say', { text: 'later' });
  assert.deepEqual(names(agent.take('correct.stop').effects), [
    'cancel:driver.prompt',
    'cancel:driver.steer',
    'cancel:driver.answer',
    'cancel:driver.interrupt',
    'act:process.end',
    'tell:agent.changed',
  ]);
  exit(agent, 'ended');
  assert.deepEqual(agent.value(), { life: 'stopped', door: 'closed' });
  assert.deepEqual(mail(agent), ['hello: failed', 'later: queued']);
  agent.wait(86_400);
  assert.equal(life(agent), 'stopped');
  agent.take('correct.resume');
  assert.equal(life(agent), 'starting');
});

test('archive is archive: it holds, keeps what was said, and is undone only by restore', () => {
  const agent = talking();
  agent.take('correct.archive');
  exit(agent, 'ended');
  assert.deepEqual(agent.value(), { life: 'archived', door: 'closed' });
  assert.equal(agent.watches()['process'], undefined);
  assert.equal(agent.take('correct.archive').outcome, 'recorded');
  for (const type of ['correct.resume', 'correct.restart', 'correct.pause']) {
    assert.equal(agent.send(type).outcome, 'refused', type);
  }
  assert.equal(agent.send('say', { text: 'x' }).outcome, 'refused');
  agent.wait(86_400);
  agent.take('correct.restore');
  assert.deepEqual(agent.value(), { life: 'asleep', door: 'open' });
  assert.deepEqual(mail(agent), ['hello: failed']);
});

test('archive {unlessActive} leaves a chat alone that is in use, and says why', () => {
  const attended = chat();
  attended.take('consumer.attached', { consumer: 't1', kind: 'terminal' });
  const refusal = attended.send('correct.archive', { unlessActive: true });
  assert.match(refusal.outcome === 'refused' ? refusal.reason : '', /somebody is attached/);
  assert.equal(talking().send('correct.archive', { unlessActive: true }).outcome, 'refused');
  assert.equal(chat().send('correct.archive', { unlessActive: true }, { source: 'agent/eve' }).outcome, 'refused');
  const quiet = talking();
  turn(quiet, 'completed');
  assert.equal(quiet.send('correct.archive', { unlessActive: true }).outcome, 'refused', 'written to a moment ago');
  quiet.wait(60);
  quiet.take('correct.archive', { unlessActive: true });
  assert.equal(life(quiet), 'stopping');
});

test('a worker is not archived', () => {
  assert.equal(hire().send('correct.archive').outcome, 'refused');
});

test('a stopped chat can be archived, an archived one offboarded', () => {
  const agent = chat();
  agent.take('correct.stop');
  agent.take('correct.archive');
  assert.equal(life(agent), 'archived');
  agent.take('correct.offboard');
  agent.take('credential.revoke.done', { key: 'k' });
  assert.equal(agent.project().phase, 'offboarded');
});

test('offboarding a chat in mid-turn waits for its process', () => {
  const agent = talking();
  agent.take('correct.offboard');
  agent.take('credential.revoke.done', { key: 'k' });
  assert.equal(life(agent), 'offboarding');
  exit(agent, 'ended');
  assert.equal(agent.project().phase, 'offboarded');
  assert.deepEqual(mail(agent), ['hello: failed']);
});

test('a drained chat finishes its turn, then stops', () => {
  const agent = talking();
  agent.take('correct.drain');
  assert.equal(life(agent), 'busy');
  turn(agent, 'completed');
  assert.equal(life(agent), 'stopping');
  exit(agent, 'ended');
  assert.deepEqual(agent.value(), { life: 'stopped', door: 'closed' });
});

test('a mission’s query is answered to the mission, or visibly not', () => {
  const agent = chat();
  agent.take('query', { text: 'which lane?' }, { source: 'mission/m1', id: 'q1' });
  started(agent);
  agent.take('driver.said', { text: 'backend', inReplyTo: 'q1', final: true });
  const told = turn(agent, 'completed');
  assert.deepEqual(tells(told, 'query.answered'), [], 'it was answered when it was said');
  agent.take('query', { text: 'and who?' }, { source: 'mission/m1', id: 'q2' });
  const failed = turn(agent, 'failed', { reason: 'it broke' });
  assert.deepEqual(tells(failed, 'query.answered'), [
    { to: 'mission/m1', data: { query: 'q2', text: null, late: false } },
  ]);
});

test('what was noted for a chat comes with its next turn, and is read then', () => {
  const agent = chat();
  agent.take('fyi', { text: 'Use the old API.' }, { id: 'n1' });
  assert.equal(life(agent), 'asleep', 'a note wakes nobody');
  agent.take('say', { text: 'hello' });
  const [prompt] = started(agent).flatMap((effect) => (effect.kind === 'act' ? [effect.params] : []));
  assert.deepEqual(
    (prompt!['notes'] as { id: string; text: string }[]).map(({ id, text }) => [id, text]),
    [['n1', 'Use the old API.']],
  );
  const notes = (): unknown => (agent.context()['notes'] as { readBy: string | null }[]).map(({ readBy }) => readBy);
  assert.deepEqual(notes(), [null]);
  agent.take('driver.prompt.done', { key: 'k', result: { turn: 't' } }, { wish: prompt! });
  assert.deepEqual(notes(), ['agent/eve']);
  turn(agent, 'completed');
  const [again] = agent
    .take('say', { text: 'again' })
    .effects.flatMap((effect) => (effect.kind === 'act' ? [effect.params] : []));
  assert.deepEqual(Object.keys(again!), ['mail'], 'shown once');
});

test('what waits for a worker is in the prompt of its next run, whoever drives it, and is answered when that ends well', () => {
  const agent = hire();
  agent.take('say', { text: 'mind the tests' }, { id: 'm1' });
  agent.take('query', { text: 'how long?' }, { id: 'm2', source: 'mission/m1', priority: 'urgent' });
  agent.take('fyi', { text: 'The API is down.' }, { id: 'n1' });
  offer(agent, 1);
  begin(agent, 1);
  const { begun, notes } = agent.watches()['process'] as unknown as { begun: RunBegun; notes: string[] };
  assert.deepEqual(
    begun.prompt.texts.map(({ id, author, text }) => [id, author, text]),
    [
      ['m2', 'mission/m1', 'how long?'],
      ['m1', 'cli/alice', 'mind the tests'],
    ],
    'urgent first',
  );
  assert.deepEqual(begun.prompt.notes.at(-1)?.text, 'The API is down.');
  assert.deepEqual(notes, ['n1']);
  const before = agent.watches()['process'];
  agent.take('say', { text: 'and the docs' }, { id: 'm3' });
  assert.deepEqual(steered(started(agent)), ['and the docs'], 'what came since is told at once');
  assert.deepEqual(agent.watches()['process'], before, 'the process stays the same');
  settleSteer(agent, 'm3', false);
  const told = turn(agent, 'completed', { result: { summary: 'Two days.' } });
  assert.deepEqual(
    tells(told, 'query.answered').map(({ to, data }) => [to, data['text']]),
    [['mission/m1', 'Two days.']],
  );
  exit(agent, 'clean');
  assert.deepEqual(mail(agent), ['mind the tests: answered', 'how long?: answered', 'and the docs: queued']);
});

test('mail in the prompt of a run that did not end well is in the next one again', () => {
  const agent = hire();
  agent.take('say', { text: 'mind the tests' }, { id: 'm1' });
  offer(agent, 1);
  begin(agent, 1);
  started(agent);
  assert.deepEqual(mail(agent), ['mind the tests: delivered']);
  exit(agent, 'crash');
  assert.deepEqual(mail(agent), ['mind the tests: queued']);
  offer(agent, 2);
  begin(agent, 2);
  const { begun } = agent.watches()['process'] as unknown as { begun: RunBegun };
  assert.deepEqual(
    begun.prompt.texts.map(({ id }) => id),
    ['m1'],
  );
});

test('an agent that asks another hears the answer as mail, or that there is none', () => {
  const asked = chat();
  asked.take('query', { text: 'which lane?', deadlineMs: 60_000 }, { source: 'agent/ada', id: 'q1' });
  started(asked);
  asked.take('driver.said', { text: 'backend', inReplyTo: 'q1', final: true });
  turn(asked, 'completed');
  asked.take('query', { text: 'and who?', deadlineMs: 60_000 }, { source: 'agent/ada', id: 'q2' });
  const told = tells(asked.wait(60), 'query.answered');
  assert.deepEqual(
    told.map(({ to, data }) => [to, data]),
    [['agent/ada', { query: 'q2', text: null, late: true }]],
  );
  const asks = busy();
  const { effects } = asks.take('query.answered', { query: 'q1', text: 'backend', late: false }, { id: 'w1' });
  assert.deepEqual(steered(effects), ['The answer to your query q1:\nbackend'], 'its run is told at once');
  settleSteer(asks, 'w1', true);
  asks.take('query.answered', { query: 'q2', text: null, late: true }, { source: 'agent/eve', id: 'w2' });
  settleSteer(asks, 'w2', false);
  assert.deepEqual(mail(asks), [
    'The answer to your query q1:\nbackend: answered',
    'There is no answer to your query q2.: queued',
  ]);
});

test('a worker’s mail is tried on the running process at once and kept where it is not taken', () => {
  const agent = hire();
  agent.take('say', { text: 'mind the tests' }, { id: 'm1' });
  assert.equal(life(agent), 'asleep', 'a worker sleeps between runs');
  assert.deepEqual(mail(agent), ['mind the tests: queued']);
});

const attach = (agent: TestActor, consumer = 't1') => agent.take('consumer.attached', { consumer, kind: 'terminal' });
const leave = (agent: TestActor, consumer = 't1') => agent.take('consumer.left', { consumer, kind: 'terminal' });

test('closed for being idle it stays dormant, however short that is beside what counts as recent', () => {
  const early = testChat({ idle: 5 });
  attach(early);
  started(early);
  leave(early);
  early.wait(5);
  exit(early, 'ended');
  assert.equal(life(early), 'asleep', 'somebody was there a moment ago, and it was closed all the same');
  early.take('fyi', { text: 'by the way' });
  assert.equal(life(early), 'asleep', 'a note wakes nobody');
});

test('whoever is attached when it is stopped is no longer taken to be there when it is resumed', () => {
  const agent = talking();
  attach(agent);
  agent.take('correct.stop');
  exit(agent, 'ended');
  agent.take('correct.resume');
  assert.equal(life(agent), 'asleep');
  attach(agent);
  assert.equal(life(agent), 'starting');
});

test('its watch of consumers knows who was there already', () => {
  const agent = chat();
  attach(agent, 't1');
  attach(agent, 't2');
  leave(agent, 't1');
  assert.deepEqual(agent.watches()['consumer'], { present: [{ consumer: 't2', kind: 'terminal' }] });
});

test('a turn that takes too long, again and again, fails its letter; the chat cools down', () => {
  const agent = chat();
  agent.take('say', { text: 'forever' });
  for (let times = 0; times < 3; times++) {
    started(agent);
    agent.wait(1_800);
    assert.equal(life(agent), 'stopping');
    exit(agent, 'ended');
  }
  assert.deepEqual(mail(agent), ['forever: failed']);
  assert.equal(life(agent), 'asleep');
});

test('a process that never comes up is a crash: three cool the chat down', () => {
  const agent = chat();
  attach(agent);
  for (let times = 0; times < 3; times++) {
    assert.equal(life(agent), 'starting');
    agent.wait(60);
    exit(agent, 'ended');
  }
  assert.equal(life(agent), 'coolingDown');
});

test('urgent mail on its way to a turn that is cut off for good waits for whoever comes next', () => {
  const agent = talking();
  agent.take('say', { text: 'now' }, { priority: 'urgent', id: 'u' });
  agent.take('correct.stop');
  exit(agent, 'ended');
  assert.deepEqual(mail(agent), ['hello: failed', 'now: queued']);
  agent.take('correct.resume');
  assert.deepEqual(prompted(started(agent)), ['now']);
});

// — what it asks, and what its turns may use —

const ask = (agent: TestActor) =>
  agent.take('driver.asked', { question: 'chat-1:q1', kind: 'question', text: 'Which?', choices: ['yes', 'no'] });
const acts = (effects: readonly StepEffect[], act: string) =>
  effects.flatMap((effect) => (effect.kind === 'act' && effect.act === act ? [effect.params] : []));

test('what a chat asks waits for who wrote, and the answer reaches its process; the clock of its turn stands', () => {
  const agent = talking();
  agent.wait(1_000);
  ask(agent);
  const [wait] = agent.project().waitingOn;
  assert.deepEqual([wait?.gate, wait?.on, wait?.moves], ['human', 'person/alice', ['answer']]);
  agent.wait(200);
  const answered = agent.take('answer', { choice: 'yes' }).effects;
  assert.deepEqual(acts(answered, 'driver.answer'), [{ question: 'chat-1:q1', choice: 'yes' }]);
  assert.equal(agent.send('answer', { text: 'again' }).outcome, 'refused');
  assert.deepEqual(names(agent.wait(799)), []);
  assert.deepEqual(names(agent.wait(1)), ['act:process.end', 'tell:agent.changed']);
});

test('only an open question is answered, by its name or none', () => {
  const agent = talking();
  ask(agent);
  const other = agent.send('answer', { question: 'chat-1:q9', text: 'x' });
  assert.match(other.outcome === 'refused' ? other.reason : '', /that question is not open/);
  assert.equal(agent.take('answer', { question: 'chat-1:q1', text: 'x' }).outcome, 'taken');
  const worker = busy().send('answer', { text: 'x' });
  assert.match(worker.outcome === 'refused' ? worker.reason : '', /answered at its session/);
});

test('a question that nobody answers ends the turn, unless somebody is there', () => {
  const agent = talking();
  ask(agent);
  assert.deepEqual(names(agent.wait(300)), ['act:process.end', 'tell:agent.changed']);
  assert.deepEqual(mail(agent), ['hello: failed']);
  exit(agent, 'ended');
  assert.equal(life(agent), 'asleep', 'no crash, nothing to read');
  const attended = talking();
  attended.take('consumer.attached', { consumer: 't1', kind: 'terminal' });
  ask(attended);
  assert.deepEqual(names(attended.wait(3_600)), []);
  assert.equal(attended.project().waitingOn[0]?.until, null);
});

test('a turn whose tokens or costs are spent fails its letter, and the next letter has a process of its own', () => {
  const agent = hire({ mode: 'chat', limits: { tokens: 100 } }, 'agent/eve');
  agent.take('say', { text: 'hello' });
  assert.deepEqual(agent.watches()['process']?.['limits'], { tokens: 100 });
  started(agent);
  agent.take('say', { text: 'and then?' });
  const spent = turn(agent, 'budget', { reason: 'it used more than 100 tokens' });
  assert.deepEqual(prompted(spent), [], 'nothing more is asked of a process that may go on');
  assert.deepEqual(names(spent), ['act:process.end', 'tell:agent.changed']);
  assert.deepEqual(mail(agent), ['hello: failed', 'and then?: queued']);
  exit(agent, 'ended');
  assert.equal(agent.watches()['process']?.['run'], 'chat-2');
  assert.deepEqual(prompted(started(agent)), ['and then?']);
});

test('the turns of an hour are counted as runs are: beyond its limit its mail waits until the hour has moved on', () => {
  const agent = hire({ mode: 'chat', limits: { runsPerHour: 2 } }, 'agent/eve');
  agent.take('say', { text: 'one' });
  started(agent);
  agent.wait(600);
  turn(agent, 'completed');
  agent.take('say', { text: 'two' });
  assert.deepEqual(names(turn(agent, 'completed')), ['act:process.end', 'tell:agent.changed']);
  agent.take('say', { text: 'three' });
  exit(agent, 'ended');
  assert.equal(life(agent), 'coolingDown');
  assert.match(agent.project().waitingOn[0]?.detail ?? '', /2 runs in an hour/);
  agent.wait(2_999);
  assert.equal(life(agent), 'coolingDown');
  agent.wait(1);
  assert.deepEqual(prompted(started(agent)), ['three']);
});

test('a provider’s limit ends the process before another letter is handed to it', () => {
  const agent = talking();
  agent.take('say', { text: 'later' });
  const limited = turn(agent, 'limited', { until: '2026-01-01T01:00:00.000Z' });
  assert.deepEqual(names(limited), ['act:process.end', 'tell:agent.changed']);
  exit(agent, 'ended');
  assert.deepEqual(mail(agent), ['hello: queued', 'later: queued']);
  assert.equal(life(agent), 'coolingDown');
});

test('a silent chat is asked and interrupted as a run is; its letter fails with the reason, its process stays', () => {
  const agent = talking();
  assert.deepEqual(names(agent.take('driver.silent', { sinceMs: 600_000 }).effects), ['act:driver.steer']);
  assert.deepEqual(names(agent.wait(60)), ['act:driver.interrupt']);
  turn(agent, 'interrupted');
  assert.deepEqual(mail(agent), ['hello: failed']);
  assert.equal(life(agent), 'awake');
});

// — adopted from elsewhere —

const origin = (letters: number, archived = false) => ({
  system: 'workgraph',
  names: ['/p/.workgraph#0', '.chat-0'],
  references: [],
  letters,
  archived,
});
const letters = (...texts: string[]) =>
  texts.map((text) => ({
    id: text,
    at: '2025-12-01T00:00:00.000Z',
    author: 'person/ben',
    text,
    answer: null,
    state: 'queued',
  }));

test('an adopted chat is not woken before its last letter is in, and reads them in one turn', () => {
  const agent = hire({ mode: 'chat', origin: origin(2) }, 'agent/eve');
  assert.deepEqual(agent.project().refs, ['name:/p/.workgraph#0', 'name:.chat-0']);
  agent.take('mail.adopted', { from: 0, letters: letters('one') });
  assert.equal(life(agent), 'asleep');
  assert.equal(agent.take('mail.adopted', { from: 0, letters: letters('one') }).outcome, 'recorded', 'said twice');
  assert.equal(agent.send('mail.adopted', { from: 1, letters: letters('two', 'three') }).outcome, 'refused');
  agent.take('mail.adopted', { from: 1, letters: letters('two') });
  assert.deepEqual(prompted(started(agent)), ['one', 'two']);
});

test('put away there, it is put away here; no worker is adopted', () => {
  assert.equal(life(hire({ mode: 'chat', origin: origin(0, true) }, 'agent/eve')), 'archived');
  const agent = hire({ mode: 'chat', origin: origin(1, true) }, 'agent/eve');
  agent.take('mail.adopted', { from: 0, letters: letters('one') });
  assert.equal(life(agent), 'archived');
  agent.take('correct.restore');
  assert.equal(life(agent), 'starting', 'what nobody had read is read when it is brought back');
  const worker = testActor(agentDefinition, 'agent/ada');
  const refused = worker.send('hire', { role: 'implementer', driver: 'scripted', mode: 'worker', origin: origin(0) });
  assert.equal(refused.outcome, 'refused');
});

test('a chat whose conversation has grown too long wakes in a fresh one, which is told what was said', () => {
  const agent = talking();
  agent.take('driver.said', { text: 'hi there', final: true });
  const usage = { inputTokens: 1, outputTokens: 1, context: { used: 190_000, window: 200_000 } };
  agent.take('driver.turned', { outcome: 'completed', usage });
  exit(agent, 'clean');
  agent.take('say', { text: 'and now?' });
  agent.wait(2);
  assert.equal(agent.watches()['process']?.['conversation'], undefined);
  const started = agent.take('driver.started', { pid: 2, startedAt: agent.now(), conversation: 'c2' }).effects;
  const { parent, conversation } = agent.context()['chat'] as { parent: string; conversation: string };
  assert.deepEqual([conversation, parent], ['c2', 'c1']);
  const earlier = started.flatMap((effect) =>
    effect.kind === 'act' && effect.act === 'driver.prompt' ? [effect.params['earlier']] : [],
  );
  assert.deepEqual(earlier, [[{ author: 'cli/alice', text: 'hello', answer: 'hi there' }]]);
  turn(agent, 'completed');
  const again = agent.take('say', { text: 'fine' }).effects;
  assert.ok(!JSON.stringify(again).includes('earlier'), 'it is told once');
});

test('a chat is run by another driver from its next process on, with a conversation of its own', () => {
  const agent = talking();
  const before = agent.watches()['process'];
  agent.take('correct.driver.set', { driver: 'codex' });
  assert.deepEqual(agent.watches()['process'], before, 'the present process is what it was started as');
  turn(agent, 'completed');
  agent.wait(900);
  exit(agent, 'ended');
  agent.take('say', { text: 'again' });
  const next = agent.watches()['process'];
  assert.deepEqual([next?.['driver'], next?.['conversation']], ['codex', undefined]);
  const earlier = started(agent).flatMap((effect) =>
    effect.kind === 'act' && effect.act === 'driver.prompt' ? [effect.params['earlier']] : [],
  );
  assert.match(JSON.stringify(earlier), /hello/, 'it is told what was said');
  assert.equal(agent.take('correct.driver.set', { driver: 'codex' }).outcome, 'recorded');
  const known = { configured: { driver: { missing: 'there is no driver “wand”' } } };
  assert.equal(agent.send('correct.driver.set', { driver: 'wand' }, { known }).outcome, 'refused');
  assert.equal(hire().send('correct.driver.set', { driver: 'codex' }).outcome, 'refused', 'a worker');
});

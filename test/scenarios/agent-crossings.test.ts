/** What crosses what in the life of an agent: a correction that comes while a back-off, a silence, a question or an end is on. */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import type { Receipt } from '../../src/actor/receipt.ts';
import { createFakeClock } from '../../src/clock.ts';
import { openMemoryStore } from '../support/memory-store.ts';
import type { Data } from './place.ts';
import { openStage, reportOf } from './stage.ts';
import type { Stage } from './stage.ts';

const ADA = 'agent/ada';
const EVE = 'agent/eve';
const DISPATCHER = 'dispatcher/main';

let stage: Stage;
beforeEach(async () => {
  stage = await openStage();
});
afterEach(() => stage.stop());

async function taken(sending: Promise<Receipt>): Promise<void> {
  const receipt = await sending;
  assert.equal(receipt.outcome, 'taken', JSON.stringify(receipt));
}
const work = (id: string, more: Data = {}): Promise<void> =>
  taken(stage.send(`session/${id}`, 'open', reportOf(`Do ${id}`, more)));
const phase = async (actor: string): Promise<string> => (await stage.show(actor)).phase;
const gates = async (actor: string): Promise<string[]> => (await stage.show(actor)).waitingOn.map(({ gate }) => gate);
const mail = async (agent: string): Promise<string[]> =>
  ((await stage.show(agent)).context['mail'] as { text: string; state: string }[]).map(
    ({ text, state }) => `${text}: ${state}`,
  );
const starts = async (agent: string): Promise<number> =>
  (await stage.history(agent)).filter(({ type }) => type === 'driver.started').length;
const chats = async (maxChats: number, ...names: string[]): Promise<void> => {
  await stage.send(DISPATCHER, 'fleet.configured', { maxRuns: 10, maxChats });
  for (const name of names) await stage.hire(name, 'implementer', { mode: 'chat' });
};

test('paused in its back-off both are said; when that is over it sleeps and takes nothing until it is resumed', async () => {
  await stage.hire('ada', 'implementer');
  await work('s');
  for (let n = 0; n < 3; n++) {
    if (stage.running(ADA) === null) await stage.wait(60);
    await stage.crash(ADA);
  }
  assert.equal(await phase(ADA), 'coolingDown');
  await taken(stage.send(ADA, 'correct.pause'));
  assert.deepEqual(await gates(ADA), ['backoff', 'paused']);
  await stage.wait(900);
  assert.deepEqual([await phase(ADA), await gates(ADA)], ['asleep', ['paused']]);
  assert.equal(stage.running(ADA), null);
  await taken(stage.send(ADA, 'correct.resume'));
  assert.equal(stage.running(ADA)?.session, 'session/s');
});

test('offboarded while its silence is looked into: it leaves, its work goes on elsewhere, and no timer of the silence is left', async () => {
  await stage.hire('ada', 'implementer');
  await work('s');
  await stage.send(ADA, 'driver.silent', { sinceMs: 600_000 });
  assert.match((await stage.show(ADA)).waitingOn[0]!.detail, /it was asked/);
  await taken(stage.send(ADA, 'correct.offboard'));
  assert.equal(await phase(ADA), 'offboarded');
  assert.equal((await stage.show('session/s')).owner, null);
  await stage.hire('ben', 'implementer');
  await stage.wait(60);
  assert.equal(stage.running('agent/ben')?.session, 'session/s');
  const before = await stage.history(ADA);
  await stage.wait(1_200);
  assert.equal((await stage.history(ADA)).length, before.length);
});

test('a purge and somebody who comes: who comes first has the chat, who comes after finds it put away and starts nothing', async () => {
  await chats(16, 'eve');
  const consumer = { consumer: 't1', kind: 'terminal' };
  await stage.send(EVE, 'consumer.attached', consumer);
  assert.equal((await stage.send(EVE, 'correct.archive', { unlessActive: true })).outcome, 'refused');
  await stage.send(EVE, 'consumer.left', consumer);
  await stage.wait(60);
  await taken(stage.send(EVE, 'correct.archive', { unlessActive: true }));
  const count = await starts(EVE);
  await stage.send(EVE, 'consumer.attached', { consumer: 't2', kind: 'page' });
  assert.deepEqual([await phase(EVE), await starts(EVE)], ['archived', count]);
  await taken(stage.send(EVE, 'correct.restore'));
  await stage.send(EVE, 'consumer.left', { consumer: 't2', kind: 'page' });
  await stage.wait(60);
  assert.equal((await stage.show(EVE)).waitingOn.length, 0);
});

test('a name whose agent is on its way out, or out, is not hired again, and nothing of it changes', async () => {
  await stage.stop();
  stage = await openStage({ acts: { 'process.end': () => ({}) } });
  await stage.hire('ada', 'implementer');
  await work('s');
  await taken(stage.send(ADA, 'correct.offboard'));
  assert.equal(await phase(ADA), 'offboarding');
  const hire = { role: 'reviewer', driver: 'scripted', mode: 'worker' };
  const again = await stage.send(ADA, 'hire', hire);
  assert.deepEqual([again.outcome, again.code], ['refused', 'exists']);
  await stage.end(ADA);
  assert.equal(await phase(ADA), 'offboarded');
  const late = await stage.send(ADA, 'hire', hire);
  assert.equal(late.outcome, 'refused', JSON.stringify(late));
  assert.equal((await stage.show(ADA)).context['role'], 'implementer');
});

test('given to another in mid-run: the word of the first about its old epoch changes nothing, and is recorded as such', async () => {
  await stage.hire('ada', 'implementer');
  await work('s');
  const { epoch } = await stage.show('session/s');
  await stage.hire('ben', 'implementer');
  await taken(stage.send('session/s', 'correct.reassign', { to: 'agent/ben' }));
  assert.equal(stage.running('agent/ben')?.session, 'session/s');
  const before = await stage.show('session/s');
  const late = await stage.send('session/s', 'run.ended', { outcome: 'completed' }, { expectepoch: epoch });
  assert.equal(late.outcome, 'superseded', JSON.stringify(late));
  const after = await stage.show('session/s');
  assert.deepEqual([after.owner, after.epoch, after.phase], [before.owner, before.epoch, before.phase]);
  assert.equal(stage.running('agent/ben')?.session, 'session/s');
});

test('the fleet is paused, the runtime starts again, and somebody is hired: nobody works until one resume', async () => {
  const clock = createFakeClock();
  const store = await openMemoryStore();
  await stage.stop();
  stage = await openStage({ clock, store });
  await taken(stage.send(DISPATCHER, 'correct.pause', { reason: 'the network is being moved' }));
  await stage.stop();
  stage = await openStage({ clock, store });
  await stage.hire('ada', 'implementer');
  await work('s');
  assert.equal(stage.running(ADA), null);
  assert.match(JSON.stringify((await stage.show('session/s')).waitingOn), /the fleet is paused/);
  await taken(stage.send(DISPATCHER, 'correct.resume'));
  assert.equal(stage.running(ADA)?.session, 'session/s');
});

test('chats that wait to wake are stopped with the fleet, keep their letters, and wake in turn when it is resumed', async () => {
  await chats(1, 'eve', 'fay', 'gus');
  for (const name of ['eve', 'fay', 'gus']) {
    await taken(stage.send(`agent/${name}`, 'say', { text: `for ${name}` }));
    await stage.wait(1);
  }
  assert.deepEqual(await gates('agent/fay'), ['slot']);
  assert.match(JSON.stringify((await stage.show(DISPATCHER)).waitingOn), /agent\/gus waits to wake.*1 before it/);
  const { chats: places } = await stage.ask<{ chats: Data }>('why', { actor: DISPATCHER });
  assert.deepEqual(places, { awake: 1, of: 1, waiting: ['agent/fay', 'agent/gus'] });
  await taken(stage.send(DISPATCHER, 'correct.stop'));
  for (const name of ['eve', 'fay', 'gus']) assert.equal(await phase(`agent/${name}`), 'stopped');
  assert.deepEqual(await mail('agent/fay'), ['for fay: queued']);
  assert.equal(await starts('agent/fay'), 0);
  await taken(stage.send(DISPATCHER, 'correct.resume'));
  const answered: string[] = [];
  for (let turn = 0; turn < 4; turn++) {
    for (const name of ['eve', 'fay', 'gus']) {
      if (stage.reading(`agent/${name}`).length === 0) continue;
      answered.push(name);
      await stage.reply(`agent/${name}`, 'done');
    }
  }
  assert.deepEqual(answered.sort(), ['fay', 'gus']);
  assert.deepEqual(await mail('agent/eve'), ['for eve: failed']);
});

test('after a restart of the runtime as many chats are awake as before it, and who waited still waits its turn', async () => {
  const clock = createFakeClock();
  const store = await openMemoryStore();
  await stage.stop();
  stage = await openStage({ clock, store, maxChats: 1 });
  await chats(1, 'eve', 'fay');
  await taken(stage.send(EVE, 'say', { text: 'for eve' }));
  await taken(stage.send('agent/fay', 'say', { text: 'for fay' }));
  await stage.stop();
  stage = await openStage({ clock, store, maxChats: 1 });
  assert.deepEqual([await phase(EVE), await phase('agent/fay')], ['busy', 'asleep']);
  await stage.reply(EVE, 'done');
  assert.deepEqual(stage.reading('agent/fay'), ['for fay']);
  assert.deepEqual([await phase(EVE), await mail(EVE)], ['asleep', ['for eve: answered']]);
});

test('drained with a question open it stays to hear the answer, then stops; a chat stops after the letter it reads', async () => {
  await stage.hire('ada', 'implementer');
  await work('s');
  await chats(16, 'eve');
  await taken(stage.send(EVE, 'say', { text: 'first' }));
  await stage.send(ADA, 'driver.asked', { question: 'q1', kind: 'question', text: 'Which?' });
  for (const agent of [ADA, EVE]) await taken(stage.send(agent, 'correct.drain'));
  await taken(stage.send(EVE, 'say', { text: 'second' }));
  assert.deepEqual([await phase(ADA), await phase(EVE)], ['busy', 'busy']);
  await taken(stage.send('session/s', 'say', { text: 'This one.' }));
  await stage.finish(ADA, { report: 'done' });
  assert.equal(await phase(ADA), 'stopped');
  await stage.reply(EVE, 'done');
  assert.deepEqual([await phase(EVE), await mail(EVE)], ['stopped', ['first: answered', 'second: queued']]);
  await taken(stage.send(EVE, 'correct.resume'));
  assert.deepEqual(stage.reading(EVE), ['second']);
  await taken(stage.send(EVE, 'correct.drain'));
  await taken(stage.send(EVE, 'say', { text: 'third' }));
  await taken(stage.send(EVE, 'correct.resume'));
  await stage.reply(EVE, 'done');
  assert.deepEqual(stage.reading(EVE), ['third'], 'taken back in time it reads on');
});

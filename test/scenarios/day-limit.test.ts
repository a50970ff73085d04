/** What all agents together may use in a day (domain §4): who is counted, who waits, who may allow more. */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import type { Data } from './place.ts';
import { openStage } from './stage.ts';
import type { Stage } from './stage.ts';

/** Every process of the stage uses 12 tokens. */
const USED = 12;
const BRIEF = {
  title: 'Greet people',
  body: 'By name.',
  source: { kind: 'manual' },
  repo: 'acme/hello',
  base: 'main',
  kind: 'implement',
  deliver: 'pull_request',
  gates: { checks: 'none', review: 'none' },
  merge: 'people',
};

let stage: Stage;
beforeEach(async () => {
  stage = await openStage();
  await stage.hire('ada', 'implementer');
});
afterEach(() => stage.stop());

const allow = (tokens: number) => stage.send('dispatcher/main', 'fleet.configured', { maxRuns: 10, day: { tokens } });
const begin = async (session: string, more: Data = {}): Promise<void> => {
  const receipt = await stage.send(session, 'open', { ...BRIEF, ...more });
  assert.equal(receipt.outcome, 'taken', JSON.stringify(receipt));
};
const slotWait = async (session: string) =>
  (await stage.show(session)).waitingOn.find(({ gate }) => gate === 'slot') ?? null;

test('used up, no run begins: it waits and says for what; a person allows more, and it goes on', async () => {
  await allow(USED);
  await begin('session/s');
  await stage.pull('session/s');
  await stage.finish('agent/ada');
  await stage.send('session/s', 'say', { text: 'And in blue.' });
  assert.equal(stage.running('agent/ada'), null);
  const wait = await slotWait('session/s');
  assert.match(wait!.detail, /12 of the day’s 12 tokens are used/);
  assert.equal(wait!.until, '2026-01-02T00:00:00.000Z');
  const { waitingOn } = await stage.show('dispatcher/main');
  assert.ok(waitingOn.some(({ gate, on }) => gate === 'slot' && on === 'person/operator'));
  const receipt = await stage.send('dispatcher/main', 'correct.budget.set', { kind: 'tokens', limit: 1_000 });
  assert.equal(receipt.outcome, 'taken');
  assert.equal(stage.running('agent/ada')?.for, 'answer');
});

test('at midnight (UTC) it goes on by itself', async () => {
  await allow(USED);
  await begin('session/s');
  await stage.pull('session/s');
  await stage.finish('agent/ada');
  await begin('session/s2');
  assert.equal(stage.running('agent/ada'), null);
  await stage.wait(86_400);
  assert.equal(stage.running('agent/ada')?.session, 'session/s2');
});

test('a run counts whose session had ended when its process was gone', async () => {
  await allow(USED);
  await begin('session/s');
  await stage.send('session/s', 'correct.close', { outcome: 'cancelled' });
  assert.equal(stage.running('agent/ada'), null);
  await begin('session/s2');
  assert.match((await slotWait('session/s2'))!.detail, /12 of the day’s 12 tokens are used/);
});

test('a run counts that was taken from its agent, and one that crashed', async () => {
  await allow(2 * USED);
  await begin('session/s');
  await stage.send('session/s', 'correct.unassign');
  await stage.crash('agent/ada');
  await begin('session/s2');
  const { context } = await stage.show('dispatcher/main');
  assert.equal((context['day'] as { tokens: number }).tokens, 2 * USED);
  assert.ok((await slotWait('session/s2')) !== null);
});

test('the turns of a chat count once each, and what it used after the last one when its process is gone', async () => {
  await allow(3 * USED);
  await stage.hire('guide', 'conductor', { mode: 'chat' });
  const spent = async (): Promise<number> =>
    ((await stage.show('dispatcher/main')).context['day'] as { tokens: number }).tokens;
  await stage.send('agent/guide', 'say', { text: 'Hello.' });
  await stage.reply('agent/guide', 'Hello.');
  assert.equal(await spent(), USED);
  await stage.wait(1_000);
  assert.deepEqual(stage.reading('agent/guide'), [], 'nobody needed it: its process is gone');
  assert.equal(await spent(), USED, 'figures of a process are sums: nothing was added');
  await stage.send('agent/guide', 'say', { text: 'And again.' });
  await stage.reply('agent/guide', 'Again.');
  assert.equal(await spent(), 2 * USED, 'another process counts from nothing');
});

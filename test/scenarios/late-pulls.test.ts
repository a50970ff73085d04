/** Pull requests that come of a session’s work too late, or are closed by nobody’s decision (domain §1.6), on the machines alone. */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, test } from 'node:test';
import type { Data } from './place.ts';
import { openStage } from './stage.ts';
import type { Stage } from './stage.ts';
import { open } from './work.ts';

const S = 'session/s';
const ADA = 'agent/ada';
let stage: Stage;
beforeEach(async () => {
  stage = await openStage();
  await stage.hire('ada', 'implementer');
  await stage.send(S, 'open', {
    title: 'Greet people',
    body: 'By name.',
    source: { kind: 'manual' },
    repo: 'acme/hello',
    base: 'main',
    kind: 'implement',
    deliver: 'pull_request',
    gates: { checks: 'none', review: 'none' },
    merge: 'people',
  });
});
afterEach(() => stage.stop());

let deliveries = 0;
const late = (number: number, more: Data = {}) =>
  stage.send(
    S,
    'pull.late',
    { number, url: `https://github.example/acme/hello/pull/${number}`, author: 'chartroom[bot]', ...more },
    { id: `late-${++deliveries}` },
  );
const closings = async (): Promise<unknown[]> =>
  (await stage.history(S))
    .flatMap(({ effects }) => effects)
    .filter(({ name }) => name === 'pull.close')
    .map(({ params }) => params?.['number']);
const runs = async (): Promise<string[]> =>
  (await stage.history(ADA)).filter(({ type }) => type === 'run.begun').map(({ data }) => String(data['for']));

describe('a pull request that is opened after its session was closed', () => {
  test('is closed with a word, once; the session stays as it ended', async () => {
    await stage.send(S, 'correct.close', { outcome: 'cancelled' });
    const receipt = await late(7);
    assert.deepEqual([receipt.outcome, receipt.effects], ['recorded', ['pull.close']]);
    const words = (await stage.history(S)).at(-2)!.effects[0]!.params!['comment'];
    assert.match(String(words), /opened after its work had ended \(session\/s is cancelled\)/);
    assert.deepEqual((await late(7)).effects, [], 'whoever opens it again means it');
    assert.deepEqual(await closings(), [7]);
    assert.equal((await stage.show(S)).phase, 'cancelled');
  });

  test('is told apart from one that was there before, and was kept', async () => {
    await stage.pull(S);
    await stage.finish(ADA);
    await stage.send(S, 'correct.close', { outcome: 'done' });
    await late(1);
    await late(8, { openedAt: '2025-12-31T00:00:00Z' });
    assert.deepEqual(await closings(), []);
  });

  test('is let be where the work was merged: the branch is free for something else', async () => {
    await stage.pull(S);
    await stage.finish(ADA);
    await stage.pull(S, { merged: true });
    assert.equal((await stage.show(S)).phase, 'done');
    await late(9);
    assert.deepEqual(await closings(), []);
  });
});

describe('a pull request of work that is taken back', () => {
  test('is closed where it was opened meanwhile', async () => {
    await stage.send(S, 'correct.withdraw');
    await stage.pull(S, { by: 'other' });
    assert.deepEqual(await closings(), [1]);
  });

  test('is not, where a person attached it', async () => {
    await stage.send(S, 'correct.withdraw');
    await stage.send(S, 'correct.pull.attach', { number: 1 });
    await stage.pull(S, { by: 'other' });
    assert.deepEqual(await closings(), []);
  });

  test('is adopted where the work was only given to somebody else', async () => {
    await stage.hire('bob', 'implementer');
    await stage.send(S, 'correct.reassign', { to: 'agent/bob' });
    await stage.pull(S);
    assert.deepEqual(await closings(), []);
    assert.equal(open(await stage.show(S))['pull'], 'open');
  });
});

describe('a pull request that our own account closed though nobody took the work back', () => {
  const bySelf = { closedBy: { login: 'chartroom[bot]', kind: 'self' } };

  test('is asked about, and is no rejection: it is not the first of two', async () => {
    await stage.pull(S);
    await stage.finish(ADA);
    await stage.pull(S, { state: 'closed', facts: bySelf });
    assert.deepEqual(await runs(), ['implement']);
    assert.equal(stage.pleas().length, 1);
    await stage.pull(S, { state: 'open', facts: {} });
    assert.equal(open(await stage.show(S))['work'], 'idle');
    await stage.pull(S, { state: 'closed', facts: { closedBy: { login: 'ann', kind: 'person' } } });
    assert.deepEqual(await runs(), ['implement', 'implement']);
  });

  test('is done again where the run did not open another one', async () => {
    await stage.pull(S);
    await stage.finish(ADA);
    await stage.send(S, 'say', { text: 'Split it in two.' });
    await stage.pull(S, { state: 'closed', facts: bySelf });
    await stage.finish(ADA);
    assert.deepEqual(await runs(), ['implement', 'answer', 'implement']);
    assert.deepEqual(stage.pleas(), []);
  });

  test('asks for nothing more where the next one of the branch is there', async () => {
    await stage.pull(S);
    await stage.finish(ADA);
    await stage.send(S, 'say', { text: 'Split it in two.' });
    await stage.pull(S, { state: 'closed', facts: bySelf });
    await stage.pull(S, { state: 'open', facts: { number: 2, url: 'https://github.example/acme/hello/pull/2' } });
    await stage.finish(ADA);
    assert.deepEqual(await runs(), ['implement', 'answer']);
    assert.deepEqual((await stage.show(S)).context['obligations'], []);
    assert.equal(((await stage.show(S)).context['pull'] as { number: number }).number, 2);
  });
});

/** Two things at once: a correction, a pause or a person's act that comes while something else is under way. */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import type { Receipt } from '../../src/actor/receipt.ts';
import type { Data } from './place.ts';
import { item, itemOf, openStage } from './stage.ts';
import type { Stage } from './stage.ts';
import { open } from './work.ts';

let stage: Stage;
/** What a verification waits for before it tells what it found. */
let looking: Promise<void>;
let looked: () => void;
beforeEach(async () => {
  looking = Promise.resolve();
  looked = () => {};
  stage = await openStage({
    acts: {
      async 'run.verify'({ run, headBefore }) {
        await looking;
        const evidence = { headBefore, headAfter: '0000002bbbbbbb', pull: 1, dirty: [], unpushed: 0, protected: [] };
        return { run, ok: true, evidence };
      },
    },
  });
  await stage.hire('ada', 'implementer');
});
afterEach(async () => {
  // Stopping waits for acts that are out.
  looked();
  await stage.stop();
});

const M = 'mission/m';
const A = 'session/m-a';
const ADA = 'agent/ada';
const BEN = 'agent/ben';

async function taken(sending: Promise<Receipt>): Promise<void> {
  const receipt = await sending;
  assert.equal(receipt.outcome, 'taken', JSON.stringify(receipt));
}
const begin = (items: Data[], more: Data = {}): Promise<void> =>
  taken(stage.send(M, 'open', { objective: 'Ship it', conductor: 'person/connie', items, ...more }));
const correct = (verb: string, data: Data = {}): Promise<Receipt> => stage.send(`${M}#a`, `correct.${verb}`, data);
const waits = async (actor: string): Promise<[string, string | null][]> =>
  (await stage.show(actor)).waitingOn.map(({ gate, on }) => [gate, on]);
const phase = async (actor: string): Promise<string> => (await stage.show(actor)).phase;
const told = (agent = ADA): string => JSON.stringify(stage.running(agent)?.prompt);
const runs = async (agent = ADA): Promise<string[]> =>
  (await stage.history(agent)).filter(({ type }) => type === 'run.begun').map(({ data }) => String(data['for']));
/** The mission shows of the item what the session says of itself. */
async function agree(): Promise<void> {
  const { picture, session } = await itemOf(stage, M, 'a');
  const { owner, epoch, phase: at, waitingOn } = await stage.show(session);
  assert.deepEqual([picture?.owner, picture?.epoch, picture?.phase], [owner, epoch, at]);
  assert.deepEqual(picture?.waitingOn, waitingOn);
}
/** Until it is so, while an act is still out: settling would wait for that act. */
async function comes(holds: () => Promise<boolean>): Promise<void> {
  for (let turn = 0; !(await holds()); turn++) {
    assert.ok(turn < 1_000, 'it does not come');
    await new Promise((resolve) => setImmediate(resolve));
  }
}

test('the last item is merged while the mission is paused: it is done at once, the mission when it is resumed', async () => {
  await begin([item('a')]);
  await stage.pull(A);
  await stage.finish(ADA);
  await taken(stage.send(M, 'correct.pause'));
  await stage.pull(A, { merged: true });
  assert.deepEqual([await phase(A), await phase(M)], ['done', 'paused']);
  await agree();
  await taken(stage.send(M, 'correct.resume'));
  assert.equal(await phase(M), 'completed');
});

test('a pull request closed by a person in a pause is owed again, and done again once when the mission is resumed', async () => {
  await begin([item('a')]);
  await stage.pull(A);
  await stage.finish(ADA);
  await taken(stage.send(M, 'correct.pause'));
  const closedBy = { login: 'maintainer', kind: 'person' };
  await stage.pull(A, { state: 'closed', facts: { closedBy, closingComment: 'Not like this.' } });
  assert.equal(stage.running(ADA), null);
  await agree();
  await taken(stage.send(M, 'correct.resume'));
  assert.match(told(), /Not like this/);
  assert.deepEqual(await runs(), ['implement', 'implement']);
});

test('a policy that changes after an item failed holds for that item too', async () => {
  const after = item('b', { dependsOn: ['a'], deliver: 'report' });
  await begin([item('a'), after], { policy: { onItemFailed: 'hold' } });
  await taken(correct('close', { outcome: 'failed' }));
  assert.equal(stage.running(ADA), null);
  await taken(stage.send(M, 'correct.policy.set', { onItemFailed: 'continue' }));
  assert.equal(stage.running(ADA)?.session, 'session/m-b');
});

test('withdrawn with a question open and answered meanwhile, the next run after the handing over knows both', async () => {
  await begin([item('a')]);
  const { epoch } = await stage.show(A);
  const asked = { question: 'q1', text: 'Which colour?' };
  await taken(stage.send(A, 'run.asked', asked, { expectepoch: epoch }));
  await taken(correct('withdraw', { reason: 'not now' }));
  await stage.end(ADA);
  assert.equal(await phase(A), 'awaiting_input');
  await taken(stage.send(A, 'answer', { question: 'q1', text: 'Blue.' }));
  assert.equal(stage.running(ADA), null, 'an answer is no handing over');
  await taken(correct('delegate'));
  assert.match(told(), /Which colour\?/);
  assert.match(told(), /Blue\./);
  await agree();
});

test('given to another while a run is verified: the new owner is shown at once, the verification counts, the next run is his', async () => {
  await taken(stage.send(ADA, 'correct.lane.set', { lanes: ['web'] }));
  await stage.hire('ben', 'implementer');
  await begin([item('a', { lane: 'web' })]);
  await stage.pull(A);
  looking = new Promise((resolve) => (looked = resolve));
  const finishing = stage.finish(ADA);
  await comes(async () => open(await stage.show(A))['work'] === 'verifying');
  const { epoch } = await stage.show(A);
  const giving = correct('reassign', { to: BEN });
  await comes(async () => (await stage.show(A)).owner === BEN);
  const between = await stage.show(A);
  assert.deepEqual([between.epoch, open(between)['work']], [epoch! + 1, 'verifying']);
  looked();
  await finishing;
  await taken(giving);
  assert.equal(open(await stage.show(A))['work'], 'idle', 'what the first run did was verified');
  await agree();
  await stage.send(A, 'say', { text: 'Rename it.' });
  assert.deepEqual([stage.running(BEN)?.for, stage.running(ADA)], ['answer', null]);
});

test('pushed over by a person after the approval, and the reviewer replaced meanwhile: the new one judges the new head', async () => {
  await stage.hire('susan', 'reviewer');
  await begin([item('a', { gates: { checks: 'none', review: 'everyHead' } })]);
  const { head } = await stage.pull(A);
  await stage.finish(ADA);
  const verdict = (at: string, said: string): Data => ({
    verdict: { head: at, verdict: said, body: 'Name it.', comments: [] },
  });
  await stage.finish('agent/susan', verdict(head, 'approve'));
  await stage.hire('tom', 'reviewer');
  await stage.pull(A, { head: 'abcdef1aaaaaaa', by: 'other' });
  assert.equal(stage.running('agent/susan')?.head, 'abcdef1aaaaaaa', 'whoever judged before is asked first');
  await taken(correct('reviewer.replace', { to: 'agent/tom' }));
  assert.deepEqual(await waits(A), [['review', 'agent/tom']]);
  await agree();
  await stage.finish('agent/tom', verdict('abcdef1aaaaaaa', 'request_changes'));
  assert.equal(stage.running(ADA)?.for, 'review', 'it is the owner’s to answer');
  await agree();
});

test('the only agent of its lane is offboarded in mid-run: said at once, and gone on with by whoever is put into the lane', async () => {
  await taken(stage.send(ADA, 'correct.lane.set', { lanes: ['api'] }));
  await stage.hire('ben', 'implementer', { lanes: ['web'] });
  await begin([item('a', { lane: 'api' })]);
  await taken(stage.send(ADA, 'correct.offboard'));
  assert.deepEqual(await waits(A), [['agent', null]]);
  assert.match((await stage.show(A)).waitingOn[0]!.detail, /agent\/ben: is not in lane api/);
  assert.equal(stage.pleas().length, 1);
  await taken(stage.send(BEN, 'correct.lane.set', { lanes: ['web', 'api'] }));
  assert.equal(stage.running(BEN)?.session, A);
  await agree();
});

test('while nobody is hired to review, one help is asked: not again for another head, nor for whoever is hired for other work', async () => {
  const { key: _key, dependsOn: _on, ...brief } = item('a', { gates: { checks: ['Tests'], review: 'everyHead' } });
  await taken(stage.send('session/alone', 'open', { ...brief, source: { kind: 'manual' } }));
  await stage.pull('session/alone');
  await stage.finish(ADA);
  await stage.hire('ben', 'implementer');
  await stage.pull('session/alone', { head: 'abcdef1aaaaaaa', by: 'other' });
  await stage.pull('session/alone', { head: 'abcdef2aaaaaaa', gate: 'red' });
  await stage.wait(29 * 60);
  assert.deepEqual(stage.pleas(), ['No reviewer takes this (agent/ada: is excluded from this work).']);
  await stage.wait(60);
  assert.equal(stage.pleas().length, 2, 'again after its back-off');
});

test('closed while it is reviewed, its pull request kept: the review is ended with it, and asked for anew by whoever goes on', async () => {
  await stage.hire('susan', 'reviewer');
  const { key: _key, dependsOn: _on, ...brief } = item('a', { gates: { checks: 'none', review: 'required' } });
  const work = { ...brief, source: { kind: 'manual' } };
  await taken(stage.send('session/first', 'open', work));
  const { number, head } = await stage.pull('session/first');
  await stage.finish(ADA);
  const { session: review } = stage.running('agent/susan')!;
  await taken(stage.send('session/first', 'correct.close', { outcome: 'cancelled' }));
  assert.equal(stage.running('agent/susan'), null);
  assert.deepEqual(open(await stage.show(review))['work'], 'idle');
  assert.equal((await stage.show('agent/susan')).phase, 'asleep');
  await taken(stage.send('session/second', 'open', work));
  await taken(stage.send('session/second', 'correct.pull.attach', { number }));
  await stage.pull('session/second', { head, facts: { number } });
  await stage.finish(ADA);
  assert.deepEqual(
    [stage.running('agent/susan')?.session, stage.running('agent/susan')?.head],
    [review, head],
    'the same review session, for the same head',
  );
});

for (const [how, verb, data, gate] of [
  ['given to a person', 'reviewer.replace', { to: 'person/maria' }, [['review', 'person/maria']]],
  ['waived', 'review.waive', {}, [['merge', 'external/github']]],
] as const)
  test(`${how} while an agent reviews: that one is at nothing, and has it again when it is asked again`, async () => {
    await stage.hire('susan', 'reviewer');
    await begin([item('a', { gates: { checks: 'none', review: 'required' } })]);
    await stage.pull(A);
    await stage.finish(ADA);
    assert.notEqual(stage.running('agent/susan'), null);
    await taken(correct(verb, data));
    assert.deepEqual([stage.running('agent/susan'), await waits(A)], [null, gate]);
    await agree();
    if (verb === 'review.waive') return;
    await taken(correct('reviewer.replace', { to: 'agent/susan' }));
    const { head } = (await stage.show(A)).context['pull'] as { head: string };
    await stage.finish('agent/susan', { verdict: { head, verdict: 'approve', body: 'Good.', comments: [] } });
    assert.deepEqual(await waits(A), [['merge', 'external/github']]);
  });

/** Missions on the way of their items: review, rejection, loss, pause and help, on the machines alone. */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, test } from 'node:test';
import type { Receipt } from '../../src/actor/receipt.ts';
import type { Data } from './place.ts';
import { item, itemOf, openStage } from './stage.ts';
import type { Stage } from './stage.ts';
import { open } from './work.ts';

let stage: Stage;
beforeEach(async () => void (stage = await openStage()));
afterEach(() => stage.stop());

const M = 'mission/m';
const A = 'session/m-a';
const REVIEWED = { gates: { checks: 'none', review: 'required' }, merge: 'self' };
const CHECKED = { gates: { checks: ['Tests'], review: 'none' }, merge: 'self' };

async function taken(sending: Promise<Receipt>): Promise<Receipt> {
  const receipt = await sending;
  assert.equal(receipt.outcome, 'taken', JSON.stringify(receipt));
  return receipt;
}
const begin = (items: Data[], more: Data = {}): Promise<Receipt> =>
  taken(stage.send(M, 'open', { objective: 'Ship it', conductor: 'person/connie', items, ...more }));
const waits = async (actor: string): Promise<[string, string | null][]> =>
  (await stage.show(actor)).waitingOn.map(({ gate, on }) => [gate, on]);
/** Every `run.begun` of a session: who, and for what. */
async function runsOf(session: string): Promise<string[]> {
  const { items } = await stage.ask<{ items: { address: string }[] }>('list', { kind: 'agent', limit: 1_000 });
  const runs: { at: string; what: string }[] = [];
  for (const { address } of items)
    for (const { type, data, at } of await stage.history(address))
      if (type === 'run.begun' && data['session'] === session)
        runs.push({ at, what: `${address.slice('agent/'.length)} ${String(data['for'])}` });
  return runs.sort((a, b) => (a.at < b.at ? -1 : 1)).map(({ what }) => what);
}
/** The implementer’s run of an item ends with a pull request. */
async function submit(agent = 'agent/ada', session = A): Promise<number> {
  const { number } = await stage.pull(session);
  await stage.finish(agent, { summary: 'Opened it.' });
  return number;
}
const verdict = (head: string, said: 'approve' | 'request_changes', body = 'Name it.'): Data => ({
  verdict: { head, verdict: said, body, comments: [] },
});
const agentsOf = async (session: string): Promise<string | null> => (await stage.show(session)).owner;

describe('an item that is to be reviewed', () => {
  test('T5: asks for one review when its pull request is there, and a second word of it asks for none', async () => {
    await stage.hire('ada', 'implementer');
    await stage.hire('susan', 'reviewer');
    await begin([item('a', REVIEWED)]);
    const number = await submit();
    assert.equal(stage.running('agent/susan')?.session, `session/review-default-acme-hello-${number}`);
    assert.equal((await itemOf(stage, M, 'a')).state, 'inReview');
    await stage.pull(A, { gate: 'pending' });
    const { items } = await stage.ask<{ items: { address: string }[] }>('list', { kind: 'session', text: 'review-' });
    assert.equal(items.length, 1);
    assert.deepEqual(await waits(M), [['review', 'agent/susan']]);
    await stage.wait(3_600 / 6);
    assert.deepEqual(stage.pleas(), [], 'nobody is asked about what a reviewer is at');
    const { head } = await stage.pull(A);
    await stage.finish('agent/susan', verdict(head, 'approve'));
    assert.equal((await stage.show(M)).phase, 'completed', JSON.stringify(await waits(M)));
  });

  for (const [state, leave, back] of [
    ['stopped', 'correct.stop', 'correct.resume'],
    ['paused', 'correct.pause', 'correct.resume'],
  ] as const)
    test(`B: the reviewer ${state} when it is submitted and there again later: the review is asked for`, async () => {
      await stage.hire('ada', 'implementer');
      await stage.hire('susan', 'reviewer');
      await taken(stage.send('agent/susan', leave));
      await begin([item('a', REVIEWED)]);
      await submit();
      const [[gate, on] = []] = await waits(M);
      assert.equal(gate, 'review');
      assert.equal(on, state === 'stopped' ? null : 'dispatcher/main', 'who could move it');
      if (state === 'stopped') assert.match(stage.pleas()[0] ?? '', /no reviewer is hired/, 'help is asked at once');
      await taken(stage.send('agent/susan', back));
      assert.equal(stage.running('agent/susan')?.for, 'verdict');
    });

  test('B: the only reviewer is busy: it waits for her by name of the gate, and is asked for when she is free', async () => {
    await stage.hire('ada', 'implementer');
    await stage.hire('ben', 'implementer');
    await stage.hire('susan', 'reviewer');
    await begin([item('a', REVIEWED), item('b', REVIEWED)]);
    const [first, second] =
      (await agentsOf(A)) === 'agent/ada' ? ['agent/ada', 'agent/ben'] : ['agent/ben', 'agent/ada'];
    await submit(first, A);
    await submit(second, 'session/m-b');
    assert.equal(open(await stage.show('session/m-b'))['review'], 'wanted');
    const { head } = await stage.pull(A);
    await stage.finish('agent/susan', verdict(head, 'approve'));
    assert.match(stage.running('agent/susan')?.session ?? '', /review-default-acme-hello-2/);
    assert.equal(open(await stage.show('session/m-b'))['review'], 'requested');
  });

  test('nobody to review is hired: said at once, asked with back-off, and it goes on by itself when one is', async () => {
    await stage.hire('ada', 'implementer');
    await begin([item('a', REVIEWED)]);
    await submit();
    assert.deepEqual(await waits(M), [['review', null]]);
    assert.match((await stage.show(M)).waitingOn[0]!.detail, /a: .*no reviewer is hired/);
    const asked = (): number => {
      const pleas = stage.pleas();
      assert.deepEqual(
        pleas.filter((text) => !text.startsWith('a (Do a) waits for ')),
        [],
        'nobody else asks about the same cause',
      );
      return pleas.filter((text) => text.startsWith('a (Do a) waits for nobody, gate review')).length;
    };
    assert.equal(asked(), 1);
    await stage.wait(1_790);
    assert.equal(asked(), 1);
    await stage.wait(20);
    assert.equal(asked(), 2);
    await stage.wait(3_500);
    assert.equal(asked(), 2);
    await stage.hire('susan', 'reviewer');
    assert.equal(stage.running('agent/susan')?.for, 'verdict');
    await stage.wait(3_600);
    assert.equal(asked(), 2, 'withdrawn with its cause');
    const [, , parked, ...more] = stage.pleas();
    assert.match(
      parked ?? '',
      /waits for person\/operator, gate review.*: the review is parked .* ran longer than 1800 s/,
    );
    assert.deepEqual(more, [], 'of a review that fails, once too');
  });

  test('C: rejected, also long after, it goes back to whoever owns it, with what the review says', async () => {
    await stage.hire('ada', 'implementer');
    await stage.hire('ben', 'implementer');
    await stage.hire('susan', 'reviewer');
    await begin([item('a', REVIEWED)]);
    const owner = (await agentsOf(A))!;
    await submit(owner);
    await stage.wait(120);
    const { head } = await stage.pull(A);
    await stage.finish('agent/susan', verdict(head, 'request_changes', 'Name it better.'));
    const fixing = stage.running(owner);
    assert.equal(fixing?.for, 'review', JSON.stringify(await waits(M)));
    assert.match(JSON.stringify(fixing.prompt), /Name it better\./);
    assert.equal((await itemOf(stage, M, 'a')).picture?.owner, owner);
    assert.equal(stage.running('agent/susan'), null);
    await stage.pull(A, { head: '7777777ccccccc' });
    await stage.finish(owner, { summary: 'Named.' });
    assert.equal(stage.running('agent/susan')?.head, '7777777ccccccc', 'the same reviewer judges the new head');
    await stage.finish('agent/susan', verdict('7777777ccccccc', 'approve'));
    assert.equal((await stage.show(M)).phase, 'completed');
  });

  test('the reviewer dies over it: it is wanted again and judged by another, once', async () => {
    await stage.hire('ada', 'implementer');
    await stage.hire('susan', 'reviewer');
    await begin([item('a', REVIEWED)]);
    await submit();
    await stage.hire('rita', 'reviewer');
    await taken(stage.send('agent/susan', 'correct.offboard'));
    await stage.wait(60);
    assert.equal(stage.running('agent/rita')?.for, 'verdict', JSON.stringify(await waits(M)));
    assert.deepEqual(await waits(M), [['review', 'agent/rita']]);
    const { head } = await stage.pull(A);
    await stage.finish('agent/rita', verdict(head, 'approve'));
    assert.equal((await stage.show(M)).phase, 'completed');
  });

  test('replaced by correction to the item, the new reviewer has it at once; the one before is at nothing', async () => {
    await stage.hire('ada', 'implementer');
    await stage.hire('susan', 'reviewer');
    await begin([item('a', REVIEWED)]);
    await submit();
    await stage.hire('rita', 'reviewer');
    await taken(stage.send(`${M}#a`, 'correct.reviewer.replace', { to: 'agent/rita', reason: 'she knows it' }));
    assert.equal(stage.running('agent/susan'), null);
    assert.equal(stage.running('agent/rita')?.for, 'verdict');
    assert.deepEqual(await waits(M), [['review', 'agent/rita']]);
  });

  test('waived, it waits for no review; the reviewer’s late verdict moves nothing', async () => {
    await stage.hire('ada', 'implementer');
    await stage.hire('susan', 'reviewer');
    await begin([item('a', { ...REVIEWED, merge: 'people' })]);
    await submit();
    await taken(stage.send(`${M}#a`, 'correct.review.waive', { reason: 'a typo' }));
    assert.deepEqual(
      (await waits(M)).filter(([gate]) => gate === 'review'),
      [],
    );
    await stage.pull(A, { merged: true });
    assert.equal((await stage.show(M)).phase, 'completed');
  });

  test('an approval of an older head, pushed over by somebody else, does not count', async () => {
    await stage.hire('ada', 'implementer');
    await stage.hire('susan', 'reviewer');
    await begin([item('a', REVIEWED)]);
    await submit();
    const { head } = await stage.pull(A);
    await stage.pull(A, { head: '8888888ddddddd', by: 'other' });
    if (stage.running('agent/susan')?.head === head) await stage.finish('agent/susan', verdict(head, 'approve'));
    assert.notEqual((await stage.show(M)).phase, 'completed');
    assert.equal(stage.running('agent/susan')?.head, '8888888ddddddd');
  });

  test('L: paused, no review and no repair begins either; resumed, they do', async () => {
    await stage.hire('ada', 'implementer');
    await stage.hire('susan', 'reviewer');
    await begin([item('a', REVIEWED), item('b')]);
    await taken(stage.send(M, 'correct.pause'));
    await submit((await agentsOf(A))!);
    await stage.wait(600);
    const dispatched = [stage.running('agent/susan'), stage.running('agent/ada')];
    assert.deepEqual(dispatched, [null, null], 'nothing is begun');
    assert.equal((await stage.show(M)).phase, 'paused');
    assert.deepEqual(stage.pleas(), []);
    await taken(stage.send(M, 'correct.resume'));
    assert.equal(stage.running('agent/susan')?.for, 'verdict');
  });
});

describe('an item with checks', () => {
  test('T7, T11: a failing check goes to its owner, once; green, it is merged and the mission ends', async () => {
    await stage.hire('ada', 'implementer');
    await stage.hire('tess', 'tester');
    await begin([item('a', CHECKED)]);
    await submit();
    await stage.pull(A, { gate: 'red' });
    assert.equal(stage.running('agent/ada')?.for, 'checks', JSON.stringify(await waits(M)));
    assert.equal((await itemOf(stage, M, 'a')).state, 'active');
    await stage.pull(A, { gate: 'red' });
    await stage.pull(A, { head: '9999999eeeeeee', gate: 'pending' });
    await stage.finish('agent/ada', { summary: 'Fixed.' });
    assert.equal((await itemOf(stage, M, 'a')).state, 'inReview');
    assert.deepEqual(await runsOf(A), ['ada implement', 'ada checks']);
    await stage.pull(A, { gate: 'green' });
    assert.equal((await stage.show(M)).phase, 'completed', 'T8');
  });

  test('T14: with its pull request there and its run still on, nothing is finished', async () => {
    await stage.hire('ada', 'implementer');
    await begin([item('a', CHECKED)]);
    await stage.pull(A, { gate: 'green' });
    await stage.wait(60);
    assert.equal((await itemOf(stage, M, 'a')).state, 'active');
    assert.equal((await stage.show(M)).phase, 'running');
  });
});

describe('an owner that is lost', () => {
  test('E: the item is given out again, once', async () => {
    await stage.hire('ada', 'implementer');
    await begin([item('a')]);
    await stage.hire('ben', 'implementer');
    await taken(stage.send('agent/ada', 'correct.stop'));
    await stage.wait(120);
    assert.equal(stage.running('agent/ben')?.session, A, JSON.stringify(await waits(M)));
    assert.equal((await itemOf(stage, M, 'a')).picture?.owner, 'agent/ben');
    assert.deepEqual(await runsOf(A), ['ada implement', 'ben implement']);
  });

  test('the report at the end says who did what, how long it took, in how many runs, and how often it was corrected', async () => {
    await stage.hire('ada', 'implementer');
    await begin([item('a'), item('b', { pin: 'agent/ada' })], { policy: { maxParallel: 1 } });
    await stage.hire('ben', 'implementer');
    await stage.wait(300);
    await taken(stage.send(`${M}#a`, 'correct.reassign', { to: 'agent/ben', reason: 'ada is slow' }));
    await submit('agent/ben');
    await stage.pull(A, { merged: true });
    await taken(stage.send(`${M}#b`, 'correct.close', { outcome: 'cancelled', reason: 'not needed' }));
    const shown = await stage.show(M);
    assert.equal(shown.phase, 'completed');
    const [, , a, b] = String(shown.context['report']).split('\n');
    assert.match(a ?? '', /^- a: Do a: done, pull request #1, by agent\/ben, 2 runs, 5 min, \d+ tokens, 1 correction$/);
    assert.match(b ?? '', /^- b: Do b: cancelled, .*1 correction$/);
  });

  test('M: what a correction moved does not come back to the wrong lane when its new owner is lost', async () => {
    await stage.hire('susan', 'reviewer');
    await stage.hire('ada', 'implementer', { lanes: ['backend'] });
    await begin([item('a', { pin: 'agent/susan' })]);
    assert.equal(stage.running('agent/susan')?.session, A);
    await taken(stage.send(`${M}#a`, 'correct.reassign', { to: 'agent/ada', reason: 'wrong lane' }));
    assert.equal(stage.running('agent/ada')?.session, A);
    assert.equal(stage.running('agent/susan'), null);
    await stage.hire('ben', 'implementer', { lanes: ['backend'] });
    await taken(stage.send('agent/ada', 'correct.offboard'));
    await stage.wait(180);
    assert.equal(stage.running('agent/ben')?.session, A, JSON.stringify(await waits(M)));
    assert.equal(stage.running('agent/susan'), null);
  });

  test('H: the same item corrected twice at the same instant: one run, at whom the last one names', async () => {
    await stage.hire('ada', 'implementer');
    await stage.hire('ben', 'implementer');
    await taken(stage.send('dispatcher/main', 'correct.pause'));
    await begin([item('a')]);
    const [first, second] = await Promise.all([
      stage.send(`${M}#a`, 'correct.reassign', { to: 'agent/ada' }),
      stage.send(`${M}#a`, 'correct.reassign', { to: 'agent/ben' }),
    ]);
    const last = first.seq! > second.seq! ? 'ada' : 'ben';
    await taken(stage.send('dispatcher/main', 'correct.resume'));
    await stage.wait(60);
    assert.deepEqual(await runsOf(A), [`${last} implement`]);
  });

  test('F: after a correction, the earlier owner’s late word is superseded and changes nothing', async () => {
    await stage.hire('ada', 'implementer');
    await begin([item('a')]);
    const { epoch } = await stage.show(A);
    await stage.hire('ben', 'implementer');
    await taken(stage.send(`${M}#a`, 'correct.reassign', { to: 'agent/ben' }));
    const was = await stage.show(A);
    for (const [type, data] of [
      ['run.ended', { outcome: 'completed', summary: 'late' }],
      ['agent.gone', { class: 'crash', reason: 'late' }],
      ['run.asked', { question: 'q', text: 'late?' }],
    ] as const) {
      const late = await stage.send(A, type, data, { expectepoch: epoch });
      assert.equal(late.outcome, 'superseded', type);
    }
    assert.deepEqual(await stage.show(A), was);
    assert.equal(stage.running('agent/ben')?.session, A);
  });
});

describe('what is said to a mission', () => {
  test('J: a decision written to the mission is shown there and at its items, and is in the next prompts, as read', async () => {
    await stage.hire('ada', 'implementer');
    await begin([item('a'), item('b', { dependsOn: ['a'] })]);
    const told = await stage.send(M, 'fyi', { text: 'Use the old API.' });
    assert.equal(told.outcome, 'recorded');
    const notes = async (actor: string): Promise<unknown> =>
      ((await stage.show(actor)).context['notes'] as { text: string; readBy: string | null }[]).map(
        ({ text, readBy }) => [text, readBy === null],
      );
    assert.deepEqual(await notes(M), [['Use the old API.', true]]);
    assert.deepEqual(await notes('session/m-b'), [['Use the old API.', true]]);
    const unread = (await itemOf(stage, M, 'b')).picture as unknown as { unread: number };
    assert.equal(unread.unread, 1, 'shown on the item');
    await submit();
    await stage.pull(A, { merged: true });
    assert.match(JSON.stringify(stage.running('agent/ada')?.prompt), /Use the old API\./);
    assert.deepEqual(await notes('session/m-b'), [['Use the old API.', false]]);
    assert.deepEqual(await notes(M), [['Use the old API.', false]]);
  });

  test('a note to an item that has ended is kept there; a correction of it is refused as final', async () => {
    await stage.hire('ada', 'implementer');
    await begin([item('a'), item('b')]);
    await taken(stage.send(`${M}#a`, 'correct.close', { outcome: 'cancelled' }));
    assert.equal((await stage.send(`${M}#a`, 'fyi', { text: 'for the record' })).outcome, 'recorded');
    const refused = await stage.send(`${M}#a`, 'correct.reassign', { to: 'agent/ada' });
    assert.deepEqual([refused.outcome, refused.code], ['refused', 'final']);
  });

  test('a correction to a mission that has ended is refused, one whose goal holds is recorded', async () => {
    await begin([item('a')]);
    await taken(stage.send(M, 'correct.stop', { force: true }));
    assert.equal((await stage.show(M)).phase, 'cancelled');
    assert.equal((await stage.send(M, 'correct.stop')).outcome, 'recorded');
    const refused = await stage.send(M, 'correct.resume');
    assert.deepEqual([refused.outcome, refused.code], ['refused', 'final']);
    type Why = { events: Record<string, { would: string }> };
    const { events } = await stage.ask<Why>('why', { actor: M });
    const would = ['fyi', 'correct.stop', 'correct.pause', 'session.changed'].map((type) => events[type]?.would);
    assert.deepEqual(would, ['record', 'record', 'refuse', 'record']);
  });

  test('T22, T23: a pause of a mission that waits pauses it; resumed, it goes on where it was', async () => {
    await begin([item('a')]);
    const before = await waits(M);
    await taken(stage.send(M, 'correct.pause', { reason: 'holidays' }));
    assert.equal((await waits(M))[0]?.[0], 'paused');
    assert.equal((await stage.send(M, 'correct.pause')).outcome, 'recorded');
    await taken(stage.send(M, 'correct.resume'));
    assert.deepEqual(await waits(M), before);
    assert.equal((await stage.send(M, 'correct.resume')).outcome, 'recorded');
  });
});

describe('a conductor that is an agent', () => {
  const CONDUCTED = { conductor: 'agent/boss' };
  const mailOf = async (agent: string): Promise<[string, string, string | null][]> => {
    const { mail } = (await stage.show(agent)).context as {
      mail: { author: string; text: string; state: string; answer: string | null; why: string | null }[];
    };
    return mail.map(({ text, state, answer, why }) => [text.split(':')[0]!, state, answer ?? why]);
  };

  test('is asked what only somebody can move, and its answer is the mission’s to hear', async () => {
    await stage.hire('boss', 'conductor', { mode: 'chat' });
    await begin([item('a')], CONDUCTED);
    assert.match(stage.reading('agent/boss')[0] ?? '', /a \(Do a\) waits for nobody, gate agent/);
    await stage.reply('agent/boss', 'I will hire somebody.');
    const answered = (await stage.history(M)).find(({ type }) => type === 'query.answered');
    assert.equal(answered?.data['text'], 'I will hire somebody.');
    assert.equal(answered.data['late'], false);
  });

  test('that says nothing is visibly without an answer before it is asked again', async () => {
    await stage.hire('boss', 'conductor', { mode: 'chat' });
    await begin([item('a')], CONDUCTED);
    await stage.wait(1_830);
    const [first, second] = await mailOf('agent/boss');
    assert.deepEqual(first?.slice(1), ['failed', 'not answered in time']);
    assert.notEqual(second?.[1], 'failed', 'asked again');
    const answered = (await stage.history(M)).filter(({ type }) => type === 'query.answered');
    assert.deepEqual(
      answered.map(({ data }) => [data['text'], data['late']]),
      [[null, true]],
    );
  });

  test('T17: is asked no more once the cause is gone; other questions stay, in their order', async () => {
    await stage.hire('boss', 'conductor');
    await begin([item('a'), item('b', { kind: 'test' })], CONDUCTED);
    await stage.send('agent/boss', 'query', { text: 'How long still?' });
    assert.deepEqual(
      (await mailOf('agent/boss')).map(([text, state]) => [text, state]),
      [
        ['a (Do a) waits for nobody, gate agent, for 0 min', 'queued'],
        ['b (Do b) waits for nobody, gate agent, for 0 min', 'queued'],
        ['How long still?', 'queued'],
      ],
    );
    await taken(stage.send(`${M}#a`, 'correct.close', { outcome: 'done' }));
    assert.deepEqual(
      (await mailOf('agent/boss')).map(([text, state, why]) => [text.slice(0, 1), state, why]),
      [
        ['a', 'failed', 'withdrawn: what it asked about is so no more'],
        ['b', 'queued', null],
        ['H', 'queued', null],
      ],
    );
    await taken(stage.send(M, 'correct.pause'));
    assert.equal((await mailOf('agent/boss'))[1]?.[1], 'failed', 'a paused mission asks nothing');
    assert.equal((await mailOf('agent/boss'))[2]?.[1], 'queued');
  });

  test('that is wrong or chatty moves nothing its corrections do not: each is judged, and one too many changes nothing', async () => {
    await stage.hire('boss', 'conductor', { mode: 'chat' });
    await stage.hire('ada', 'implementer');
    await begin([item('a')], CONDUCTED);
    const was = await stage.show(A);
    const refused = await Promise.all([
      stage.send(`${M}#a`, 'correct.reassign', { to: 'agent/nobody' }),
      stage.send(`${M}#a`, 'correct.obligation.drop', { id: 'none' }),
      stage.send(`${M}#a`, 'correct.pull.merge'),
      stage.send(M, 'correct.item.depends', { item: 'a', on: ['a'] }),
      stage.send(`${M}#a`, 'correct.unassign', {}, { expectepoch: 99 }),
    ]);
    assert.deepEqual(
      refused.map(({ outcome }) => outcome),
      ['refused', 'refused', 'unknown', 'refused', 'superseded'],
    );
    assert.deepEqual(await stage.show(A), was);
    const posed = await stage.send(`${M}#a`, 'correct.unassign', {}, { source: 'agent/boss' });
    assert.deepEqual([posed.outcome, posed.code], ['refused', 'policy'], 'an agent speaks through its door alone');
  });
});

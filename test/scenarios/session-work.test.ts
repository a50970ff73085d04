/** One piece of work between its agents and its people (domain §1.2–1.7), on the machines alone. */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, test } from 'node:test';
import type { Data } from './place.ts';
import { openStage } from './stage.ts';
import type { Stage } from './stage.ts';
import { open } from './work.ts';

let stage: Stage;
beforeEach(async () => {
  stage = await openStage();
  await stage.hire('ada', 'implementer');
});
afterEach(() => stage.stop());

const S = 'session/s';
const ADA = 'agent/ada';
const BRIEF = {
  title: 'Greet people',
  body: 'By name.',
  source: { kind: 'manual' },
  repo: 'acme/hello',
  base: 'main',
  kind: 'implement',
  deliver: 'pull_request',
  gates: { checks: ['Tests'], review: 'required' },
  merge: 'people',
  reviewers: 'people',
};
interface Owed {
  id: string;
  kind: string;
  attempts: number;
  parked: { by: string; reason: string } | null;
}

async function begin(more: Data = {}): Promise<void> {
  const receipt = await stage.send(S, 'open', { ...BRIEF, ...more });
  assert.equal(receipt.outcome, 'taken', JSON.stringify(receipt));
}
async function withPull(more: Data = {}): Promise<string> {
  await begin(more);
  const { head } = await stage.pull(S);
  await stage.finish(ADA);
  assert.equal(open(await stage.show(S))['work'], 'idle');
  return head;
}
const runs = async (agent = ADA): Promise<string[]> =>
  (await stage.history(agent))
    .filter(({ type, data }) => type === 'run.begun' && data['session'] === S)
    .map(({ data }) => String(data['for']));
const region = async (name: string): Promise<unknown> => open(await stage.show(S))[name];
const phase = async (): Promise<string> => (await stage.show(S)).phase;
const owed = async (): Promise<Owed[]> => (await stage.show(S)).context['obligations'] as Owed[];
const gates = async (): Promise<string[]> => (await stage.show(S)).waitingOn.map(({ gate }) => gate);
const waits = async (gate: string) => (await stage.show(S)).waitingOn.find((one) => one.gate === gate);
const told = (): string => JSON.stringify(stage.running(ADA)!.prompt);
const acts = async (name: string): Promise<Data[]> =>
  (await stage.history(S)).flatMap(({ effects }) =>
    effects.filter((effect) => effect.name === name).map(({ params }) => params ?? {}),
  );
const review = (id: string, verdict: string, head: string, more: Data = {}): Data => ({
  id,
  author: 'maintainer',
  verdict,
  head,
  body: 'Please.',
  comments: [],
  at: '2026-01-01T00:00:00.000Z',
  ...more,
});
/** A worker’s report as it would come by another door. */
const report = (type: string, data: Data, expectepoch: number) => stage.send(S, type, data, { expectepoch });

describe('an epoch', () => {
  test('C37: a word of an assignment that is over changes nothing, byte for byte; that of the present one counts', async () => {
    await begin();
    const old = (await stage.show(S)).epoch!;
    await stage.hire('bob', 'implementer');
    await stage.send(S, 'correct.reassign', { to: 'agent/bob' });
    const before = await stage.show(S);
    for (const [type, data] of [
      ['run.started', { driver: 'scripted' }],
      ['run.ended', { outcome: 'completed' }],
      ['run.asked', { question: 'q', text: 'Which?' }],
      ['agent.gone', { class: 'crash', reason: 'x' }],
      ['steer.settled', { say: 'x', taken: true }],
    ] as const) {
      const receipt = await report(type, data, old);
      assert.equal(receipt.outcome, 'superseded', type);
    }
    assert.deepEqual(await stage.show(S), before);
    assert.equal((await report('run.ended', { outcome: 'completed' }, before.epoch!)).outcome, 'taken');
  });

  test('goes up with every offer and every end that is not the run’s own; a run that ends well keeps it', async () => {
    await begin();
    const first = (await stage.show(S)).epoch!;
    await stage.pull(S);
    await stage.finish(ADA);
    assert.equal((await stage.show(S)).epoch, first);
    await stage.send(S, 'say', { text: 'And in blue.' });
    assert.equal((await stage.show(S)).epoch, first + 1);
    await stage.send(S, 'correct.pause');
    assert.equal((await stage.show(S)).epoch, first + 2);
  });

  test('that a correction expects must be the present one', async () => {
    await begin();
    const { epoch } = await stage.show(S);
    const late = await stage.send(S, 'correct.unassign', {}, { expectepoch: epoch! - 1 });
    assert.equal(late.outcome, 'superseded');
    assert.notEqual(stage.running(ADA), null);
    assert.equal((await stage.send(S, 'correct.unassign', {}, { expectepoch: epoch! })).outcome, 'taken');
  });
});

describe('an interrupted run', () => {
  test('C32: of a repair is no attempt, and the repair is still what is owed', async () => {
    await withPull();
    await stage.pull(S, { gate: 'red' });
    assert.deepEqual(await runs(), ['implement', 'checks']);
    await stage.send(S, 'correct.pause');
    await stage.send(S, 'correct.resume');
    assert.deepEqual(await runs(), ['implement', 'checks', 'checks']);
    const { attempts, context } = { attempts: stage.running(ADA)!.attempt, context: (await stage.show(S)).context };
    assert.equal(attempts, 1);
    assert.equal((context['attempts'] as { checks: number }).checks, 0);
    assert.equal(await phase(), 'repairing_ci');
  });

  test('by a usage limit waits until the provider says, and is no attempt either', async () => {
    await begin();
    const { epoch } = await stage.show(S);
    const until = '2026-01-01T02:00:00.000Z';
    await report('run.ended', { outcome: 'limited', until, reason: 'the limit' }, epoch!);
    await stage.crash(ADA);
    const wait = await waits('provider');
    assert.equal(wait?.until, until);
    assert.deepEqual(
      (await owed()).map(({ attempts }) => attempts),
      [0],
    );
    await stage.wait(2 * 3_600);
    assert.equal((await runs()).length, 2);
  });
});

describe('what people say', () => {
  test('waits in order of arrival, with its authors, and rides along with a repair that comes first', async () => {
    await withPull();
    await stage.send(S, 'correct.pause');
    await stage.send(S, 'say', { text: 'First.', author: 'ann' });
    await stage.send(S, 'say', { text: 'Second.', author: 'bea' });
    await stage.pull(S, { gate: 'red' });
    await stage.send(S, 'correct.resume');
    assert.deepEqual(await runs(), ['implement', 'checks']);
    const { texts } = stage.running(ADA)!.prompt;
    assert.deepEqual(
      texts.map(({ author, text }) => [author, text]),
      [
        ['ann', 'First.'],
        ['bea', 'Second.'],
      ],
    );
    await stage.pull(S, { head: '7777777ccccccc', by: 'us', gate: 'green' });
    await stage.finish(ADA);
    assert.deepEqual(await owed(), [], 'heard by a run that ended well');
    assert.deepEqual(await runs(), ['implement', 'checks']);
  });

  test('that rode along with a repair which did not move the head is still owed', async () => {
    await withPull();
    await stage.send(S, 'correct.pause');
    await stage.send(S, 'say', { text: 'First.', author: 'ann' });
    await stage.pull(S, { gate: 'red' });
    await stage.send(S, 'correct.resume');
    await stage.finish(ADA);
    assert.deepEqual(await runs(), ['implement', 'checks', 'answer']);
    assert.match(told(), /First/);
  });

  test('reaches a run that can be steered, and is owed no more', async () => {
    await begin();
    const receipt = await stage.send(S, 'say', { text: 'In blue.' });
    assert.ok(receipt.effects.includes('tell:run.steered'));
    assert.deepEqual(stage.steered, ['In blue.']);
    await stage.pull(S);
    await stage.finish(ADA);
    assert.deepEqual(await runs(), ['implement']);
  });

  test('un-parks what was stopped', async () => {
    await begin();
    await stage.send(S, 'correct.stop', { reason: 'not now' });
    assert.equal(stage.running(ADA), null);
    assert.equal(await phase(), 'awaiting_input');
    assert.ok((await owed()).every(({ parked }) => parked?.by === 'stopped'));
    await stage.send(S, 'say', { text: 'Go on.' });
    assert.notEqual(stage.running(ADA), null);
    assert.match(told(), /Go on/);
  });

  test('as a note wakes nobody, answers no question, and is handed to the next run', async () => {
    await withPull();
    const receipt = await stage.send(S, 'fyi', { text: 'The owner is on leave.' });
    assert.equal(receipt.outcome, 'recorded');
    assert.deepEqual(await runs(), ['implement']);
    await stage.send(S, 'say', { text: 'Go on.' });
    assert.match(told(), /on leave/);
    const notes = (await stage.show(S)).context['notes'] as { readBy: string | null }[];
    assert.deepEqual(
      notes.map(({ readBy }) => readBy),
      [ADA],
    );
  });
});

describe('a question', () => {
  const ask = async (question = 'q1', text = 'Which colour?') => {
    const { epoch } = await stage.show(S);
    return report('run.asked', { question, text }, epoch!);
  };

  test('is answered by the next word of a person, not by a note; with two open a name is needed', async () => {
    await begin();
    await ask();
    assert.equal((await waits('human'))?.detail, 'Which colour?');
    await stage.send(S, 'fyi', { text: 'Blue is nice.' });
    assert.equal(await region('human'), 'asked');
    await ask('q2', 'Which size?');
    const unclear = await stage.send(S, 'answer', { text: 'Blue.' });
    assert.deepEqual([unclear.outcome, unclear.code], ['refused', 'guard']);
    assert.equal((await stage.send(S, 'answer', { question: 'q2', text: 'Large.' })).outcome, 'taken');
    await stage.send(S, 'say', { text: 'Blue.' });
    assert.equal(await region('human'), 'none');
    const none = await stage.send(S, 'answer', { text: 'Again.' });
    assert.deepEqual([none.outcome, none.code], ['refused', 'guard']);
  });

  test('C27: that outlives its run is the first thing the next run is told, before repairs that came meanwhile', async () => {
    await withPull();
    await stage.send(S, 'say', { text: 'Make it nicer.' });
    await ask();
    const { epoch } = await stage.show(S);
    await report('run.ended', { outcome: 'asked', conversation: 'c1' }, epoch!);
    await stage.crash(ADA);
    assert.equal(await phase(), 'awaiting_input');
    await stage.pull(S, { gate: 'red' });
    assert.equal(stage.running(ADA), null, 'an open question holds everything');
    await stage.send(S, 'say', { text: 'Blue.' });
    assert.deepEqual(await runs(), ['implement', 'answer', 'answer']);
    assert.match(told(), /Which colour\?.*Blue|Blue.*Which colour\?/);
    assert.equal(stage.running(ADA)!.conversation, 'c1');
    await stage.finish(ADA);
    assert.deepEqual(await runs(), ['implement', 'answer', 'answer', 'checks']);
  });
});

describe('a run that is handed back', () => {
  test('is no attempt, and its agent does not get the work again until a correction names it', async () => {
    await begin();
    const { epoch } = await stage.show(S);
    await report('run.ended', { outcome: 'handedBack', reason: 'not my language' }, epoch!);
    await stage.crash(ADA);
    const shown = await stage.show(S);
    assert.deepEqual([shown.owner, stage.running(ADA)], [null, null]);
    assert.match((await waits('agent'))!.detail, /not my language|handed it back|excluded/);
    assert.deepEqual(
      (await owed()).map(({ attempts }) => attempts),
      [0],
    );
    await stage.send(S, 'correct.reassign', { to: ADA });
    assert.equal(stage.running(ADA)?.attempt, 1);
  });
});

describe('a run without its result', () => {
  /** What the session’s own look at a run finds, changed by the test. */
  const evidence = { ok: false, dirty: ['notes.txt'], unpushed: 1, protected: [] as string[] };
  beforeEach(async () => {
    await stage.stop();
    const found = { headBefore: '1111111aaaaaaa', headAfter: '1111111aaaaaaa' };
    stage = await openStage({
      acts: {
        'run.verify': ({ run }) => {
          const { ok, ...rest } = evidence;
          return { run, ok, evidence: { ...found, ...rest } };
        },
      },
    });
    await stage.hire('ada', 'implementer');
  });

  test('gets one more try in the same place, with what was missing; then it is parked, and a larger budget goes on', async () => {
    await begin();
    const { epoch } = stage.running(ADA)!;
    await stage.finish(ADA);
    const again = stage.running(ADA)!;
    assert.ok(again.epoch > epoch, 'a new epoch');
    assert.match(told(), /uncommitted files are left: notes\.txt/);
    assert.deepEqual(
      (await acts('worktree.prepare')).map((params) => params['keep'] ?? false),
      [false, true],
    );
    await stage.finish(ADA);
    assert.equal(stage.running(ADA), null);
    const [left] = await owed();
    assert.match(left!.parked!.reason, /notes\.txt.*2 attempts are spent/);
    assert.equal(await phase(), 'escalated');
    assert.equal(stage.pleas().length, 1, 'a person is told once');
    await stage.send(S, 'correct.budget.set', { kind: 'implement', limit: 3 });
    assert.notEqual(stage.running(ADA), null);
  });

  test('but a protected path that changed unasked is parked at once, and a person is asked', async () => {
    Object.assign(evidence, { ok: false, dirty: [], unpushed: 0, protected: ['.github/workflows/ci.yml'] });
    await begin();
    await stage.finish(ADA);
    assert.equal(stage.running(ADA), null);
    assert.match((await owed())[0]!.parked!.reason, /protected paths were changed: \.github/);
    assert.match(stage.pleas().join(), /ci\.yml/);
  });

  test('of a report that is not there is asked for once more', async () => {
    Object.assign(evidence, { ok: false, dirty: [], unpushed: 0, protected: [] });
    await begin({ deliver: 'report', gates: { checks: 'none', review: 'none' } });
    await stage.finish(ADA);
    assert.match(told(), /no report was delivered/);
    evidence.ok = true;
    await stage.finish(ADA, { report: 'All is well.' });
    assert.equal(await phase(), 'done');
    assert.equal((await stage.show(S)).context['report'], 'All is well.');
  });
});

describe('a budget', () => {
  test('of tokens that is used up parks everything that is owed; more of it goes on', async () => {
    await withPull({ budgets: { tokens: 12 } });
    await stage.send(S, 'say', { text: 'And in blue.' });
    assert.deepEqual(await runs(), ['implement']);
    assert.equal(await phase(), 'escalated');
    assert.match((await owed())[0]!.parked!.reason, /12 of 12 tokens/);
    await stage.send(S, 'correct.budget.set', { kind: 'tokens', limit: 100 });
    assert.deepEqual(await runs(), ['implement', 'answer']);
  });

  test('of reviews counts one answer to each request, goes back to nothing with an approval, and is told once', async () => {
    let head = await withPull({ budgets: { review: 2 } });
    for (const [n, verdict] of (
      ['request_changes', 'request_changes', 'approve', 'request_changes'] as const
    ).entries()) {
      await stage.pull(S, { facts: { reviews: [review(`90${n}`, verdict, head)] } });
      if (stage.running(ADA) === null) continue;
      head = `${n}${n}${n}7777ccccccc`;
      await stage.pull(S, { head, by: 'us', facts: {} });
      await stage.finish(ADA);
    }
    assert.deepEqual(await runs(), ['implement', 'review', 'review', 'review']);
  });

  test('of restarts ends in a state that names it; the work goes on where a person says so', async () => {
    await begin({ budgets: { restarts: 1 } });
    await stage.crash(ADA);
    await stage.wait(60);
    await stage.crash(ADA);
    await stage.wait(600);
    assert.equal(await phase(), 'escalated');
    assert.match((await waits('human'))!.detail, /runs were lost in a row/);
    await stage.send(S, 'correct.retry');
    assert.notEqual(stage.running(ADA), null);
  });
});

describe('an approval', () => {
  test('holds for our own later heads, and not for those of others', async () => {
    const head = await withPull();
    await stage.pull(S, { facts: { reviews: [review('1', 'approve', head)] } });
    assert.equal(await region('review'), 'approved');
    await stage.pull(S, { head: '7777777ccccccc', by: 'us' });
    assert.equal(await region('review'), 'approved');
    await stage.pull(S, { head: '8888888ccccccc', by: 'other' });
    assert.equal(await region('review'), 'requested');
  });

  test('is bound to its head where the repository says everyHead', async () => {
    const head = await withPull({ gates: { checks: ['Tests'], review: 'everyHead' } });
    await stage.pull(S, { facts: { reviews: [review('1', 'approve', head)] } });
    await stage.pull(S, { head: '7777777ccccccc', by: 'us' });
    assert.equal(await region('review'), 'requested');
  });

  test('by one does not take back what another asked for', async () => {
    const head = await withPull();
    await stage.send(S, 'correct.pause');
    await stage.pull(S, {
      facts: {
        reviews: [
          review('1', 'request_changes', head, { author: 'ann' }),
          review('2', 'approve', head, { author: 'bea' }),
        ],
      },
    });
    assert.equal(await region('review'), 'changesRequested');
    assert.deepEqual(
      (await owed()).map(({ kind }) => kind),
      ['review'],
    );
  });
});

describe('a merge of our own', () => {
  const mergeSelf = { merge: 'self', gates: { checks: ['Tests'], review: 'required' } };
  test('waits for both gates, gives the head, and only the seen merge ends the session', async () => {
    const head = await withPull(mergeSelf);
    await stage.pull(S, { gate: 'green' });
    assert.deepEqual(await acts('pull.merge'), []);
    await stage.pull(S, { facts: { reviews: [review('1', 'approve', head)] } });
    assert.deepEqual(
      (await acts('pull.merge')).map((params) => params['head']),
      [head],
    );
    assert.equal(await phase(), 'done');
  });

  test('does not happen while a person’s word waits, nor while paused; it does after it', async () => {
    const head = await withPull(mergeSelf);
    await stage.send(S, 'correct.pause');
    await stage.pull(S, { gate: 'green', facts: { reviews: [review('1', 'approve', head)] } });
    assert.deepEqual(await acts('pull.merge'), []);
    await stage.send(S, 'say', { text: 'One more thing.' });
    await stage.send(S, 'correct.resume');
    assert.deepEqual(await acts('pull.merge'), []);
    await stage.finish(ADA);
    assert.equal((await acts('pull.merge')).length, 1);
  });
});

describe('the queue', () => {
  test('C16: past it a withdrawal is recorded and the merge goes on', async () => {
    const head = await withPull({ merge: 'queue' });
    await stage.pull(S, { gate: 'green', facts: { reviews: [review('1', 'approve', head)] } });
    assert.equal(await region('queue'), 'waiting');
    assert.equal(await phase(), 'awaiting_queue');
    await stage.send(S, 'correct.withdraw');
    assert.equal(await region('authority'), 'delegated');
    await stage.pull(S, { facts: { reviews: [review('1', 'approve', head)], queue: { state: 'waiting' } } });
    await stage.pull(S, { merged: true });
    assert.equal(await phase(), 'done');
  });

  test('C24: before it a withdrawal ends the run and shows who must move', async () => {
    await begin();
    const { epoch } = await stage.show(S);
    await stage.send(S, 'correct.withdraw', { reason: 'wrong team' });
    assert.equal(stage.running(ADA), null);
    assert.equal(await phase(), 'awaiting_input');
    assert.ok((await stage.show(S)).epoch! > epoch!);
    assert.match((await waits('withdrawn'))!.detail, /wrong team/);
    await stage.send(S, 'correct.delegate');
    assert.notEqual(stage.running(ADA), null);
  });
});

describe('a check', () => {
  test('that stays silent is asked about after a quarter of an hour; ignored, the gate is green', async () => {
    await withPull();
    await stage.wait(1_000);
    assert.match((await waits('checks'))!.detail, /nothing was heard of Tests/);
    assert.equal(stage.pleas().length, 1);
    const unknown = await stage.send(S, 'correct.check.ignore', { name: 'Lint' });
    assert.deepEqual([unknown.outcome, unknown.code], ['refused', 'guard']);
    await stage.send(S, 'correct.check.ignore', { name: 'Tests' });
    assert.equal(await region('checks'), 'green');
  });

  test('that a person ignores is repaired by nobody; ignored for one head only, the next head counts again', async () => {
    const head = await withPull();
    await stage.send(S, 'correct.pause');
    await stage.pull(S, { gate: 'red' });
    await stage.send(S, 'correct.check.ignore', { name: 'Tests', head });
    assert.equal(await region('checks'), 'green');
    await stage.send(S, 'correct.resume');
    assert.deepEqual(await runs(), ['implement']);
    await stage.pull(S, { head: '7777777ccccccc', by: 'other', gate: 'red' });
    assert.deepEqual(await runs(), ['implement', 'checks']);
  });

  test('may be run again instead of repaired', async () => {
    const head = await withPull();
    await stage.send(S, 'correct.pause');
    await stage.pull(S, { gate: 'red' });
    await stage.send(S, 'correct.check.rerun', { name: 'Tests' });
    assert.deepEqual(
      (await acts('check.rerun')).map((params) => params['head']),
      [head],
    );
  });
});

describe('a review', () => {
  test('that is waived is wanted no more, and what it asked for is nobody’s work', async () => {
    const head = await withPull();
    await stage.send(S, 'correct.pause');
    await stage.pull(S, { gate: 'green', facts: { reviews: [review('1', 'request_changes', head)] } });
    await stage.send(S, 'correct.review.waive');
    await stage.send(S, 'correct.resume');
    assert.deepEqual(await runs(), ['implement']);
    assert.equal(await phase(), 'awaiting_queue');
  });

  test('outlives the head it judged, and its reviewer is asked first when it was answered', async () => {
    const head = await withPull();
    await stage.pull(S, { facts: { reviews: [review('1', 'request_changes', head)] } });
    assert.equal(await phase(), 'changes_requested');
    await stage.pull(S, { head: '7777777ccccccc', by: 'us', facts: {} });
    assert.equal(await region('review'), 'changesRequested');
    await stage.finish(ADA);
    assert.equal(await region('review'), 'requested');
    assert.deepEqual((await acts('review.request')).at(-1)?.['logins'], ['maintainer']);
  });
});

describe('a correction', () => {
  test('to somebody who is not there is refused with near names; to somebody busy it is not', async () => {
    await begin();
    const nobody = await stage.send(S, 'correct.reassign', { to: 'agent/adda' });
    assert.deepEqual([nobody.outcome, nobody.code], ['refused', 'target']);
    assert.match(nobody.reason!, /agent\/ada/);
    await stage.hire('bob', 'implementer');
    await stage.send('session/other', 'open', { ...BRIEF, title: 'Other', pin: 'agent/bob' });
    const busy = await stage.send(S, 'correct.reassign', { to: 'agent/bob' });
    assert.equal(busy.outcome, 'taken');
    const shown = await stage.show(S);
    assert.equal(shown.owner, 'agent/bob');
    const wait = await waits('agent');
    assert.equal(wait?.on, 'agent/bob');
    assert.match(wait.detail, /busy with session\/other/);
  });

  test('whose goal already holds is recorded', async () => {
    await begin();
    await stage.send(S, 'correct.pause');
    for (const [type, data] of [
      ['correct.pause', {}],
      ['correct.delegate', {}],
      ['correct.reassign', { to: ADA }],
    ] as const) {
      const first = await stage.send(S, type, data);
      const again = await stage.send(S, type, data);
      assert.ok(first.outcome === 'taken' || first.outcome === 'recorded', type);
      assert.equal(again.outcome, 'recorded', type);
    }
  });

  test('of a pin ends with its agent: after a minute it widens to the lane, never to another by name', async () => {
    await stage.hire('bob', 'implementer', { lanes: ['api'] });
    await begin({ pin: 'agent/bob' });
    assert.notEqual(stage.running('agent/bob'), null);
    await stage.send('agent/bob', 'correct.stop');
    await stage.wait(120);
    const { context } = await stage.show(S);
    assert.equal(context['pin'], 'lane/api');
    assert.equal(stage.running(ADA), null, 'ada is not of that lane');
  });

  test('to adopt is refused over the live run of another, unless the epoch is given', async () => {
    await begin();
    await stage.hire('bob', 'implementer');
    const refused = await stage.send(S, 'correct.adopt', { agent: 'agent/bob' });
    assert.deepEqual([refused.outcome, refused.code], ['refused', 'guard']);
    const { epoch } = await stage.show(S);
    const taken = await stage.send(S, 'correct.adopt', { agent: 'agent/bob' }, { expectepoch: epoch! });
    assert.equal(taken.outcome, 'taken');
    assert.notEqual(stage.running('agent/bob'), null);
  });

  test('at a finished session is refused as final; a note is kept, and what already holds is recorded', async () => {
    await begin();
    await stage.send(S, 'correct.close', { outcome: 'cancelled' });
    for (const [type, data] of [
      ['correct.retry', {}],
      ['correct.resume', {}],
      ['correct.delegate', {}],
      ['say', { text: 'Hello?' }],
      ['correct.close', { outcome: 'done' }],
      ['open', BRIEF],
    ] as const) {
      const receipt = await stage.send(S, type, data);
      assert.equal(receipt.outcome, 'refused', type);
      assert.ok(receipt.code === 'final' || receipt.code === 'exists', `${type} ${receipt.code}`);
    }
    assert.equal((await stage.send(S, 'fyi', { text: 'For the record.' })).outcome, 'recorded');
    assert.equal((await stage.send(S, 'correct.close', { outcome: 'cancelled' })).outcome, 'recorded');
    assert.deepEqual((await stage.show(S)).waitingOn, []);
    assert.deepEqual((await stage.show(S)).claims, []);
  });

  test('that is only foretold changes nothing and says what it would do', async () => {
    await begin();
    const before = await stage.show(S);
    const preview = await stage.preview(S, 'correct.stop', { reason: 'x' });
    assert.equal(preview.outcome, 'taken');
    assert.ok(preview.effects.includes('tell:run.cancelled'), preview.effects.join());
    assert.deepEqual(await stage.show(S), before);
  });

  test('drops one thing that is owed, by its id, and nothing else', async () => {
    await withPull();
    await stage.send(S, 'correct.pause');
    await stage.pull(S, { gate: 'red' });
    await stage.send(S, 'say', { text: 'And in blue.' });
    const [checks] = await owed();
    const unknown = await stage.send(S, 'correct.obligation.drop', { id: 'checks-999' });
    assert.deepEqual([unknown.outcome, unknown.code], ['refused', 'guard']);
    await stage.send(S, 'correct.obligation.drop', { id: checks!.id });
    assert.deepEqual(
      (await owed()).map(({ kind }) => kind),
      ['answer'],
    );
  });

  test('edits the gates, and the regions follow at once', async () => {
    const head = await withPull();
    await stage.pull(S, { gate: 'green', facts: { reviews: [review('1', 'comment', head)] } });
    assert.equal(await phase(), 'pr_open');
    const empty = await stage.send(S, 'correct.edit', {});
    assert.deepEqual([empty.outcome, empty.code], ['refused', 'guard']);
    await stage.send(S, 'correct.edit', { gates: { review: 'none' } });
    assert.equal(await region('review'), 'notWanted');
    assert.equal(await phase(), 'awaiting_queue');
  });
});

describe('a claim', () => {
  test('of a source is held by one session; the second is refused with the holder, and free when it ended', async () => {
    const source = { kind: 'manual', ref: 'TASK-1' };
    await begin({ source });
    const second = await stage.send('session/t', 'open', { ...BRIEF, source });
    assert.deepEqual([second.outcome, second.code, (second as Data & typeof second).holder], ['refused', 'claim', S]);
    await stage.send(S, 'correct.close', { outcome: 'cancelled' });
    assert.equal((await stage.send('session/t', 'open', { ...BRIEF, source })).outcome, 'taken');
  });
});

describe('an agent that is gone', () => {
  test('by stop is nobody’s failure: the work is wanted again at once, by others too', async () => {
    await begin();
    await stage.hire('bob', 'implementer');
    await stage.send(ADA, 'correct.stop');
    assert.notEqual(stage.running('agent/bob'), null);
    const { context } = await stage.show(S);
    assert.equal(context['restarts'], 0);
  });

  test('by a crash is waited out longer each time, and a run that ended well forgets it', async () => {
    await begin();
    await stage.crash(ADA);
    assert.deepEqual(await gates(), ['backoff']);
    const until = Date.parse((await waits('backoff'))!.until!);
    await stage.wait(30);
    assert.ok(until <= Date.parse('2026-01-01T00:00:30.000Z'));
    assert.notEqual(stage.running(ADA), null);
    assert.equal((await stage.show(S)).context['restarts'], 1);
    await stage.pull(S);
    await stage.finish(ADA);
    assert.equal((await stage.show(S)).context['restarts'], 0);
  });
});

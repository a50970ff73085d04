/** Corrections of missions and their items, as people and conductors send them, on the machines alone. */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, test } from 'node:test';
import type { Receipt } from '../../src/actor/receipt.ts';
import type { Data, Shown } from './place.ts';
import { item, itemOf, openStage } from './stage.ts';
import type { Stage } from './stage.ts';

let stage: Stage;
beforeEach(async () => void (stage = await openStage()));
afterEach(() => stage.stop());

const M = 'mission/m';
const sessionOf = (key: string): string => `session/m-${key}`;
const A = sessionOf('a');

async function taken(sending: Promise<Receipt>): Promise<Receipt> {
  const receipt = await sending;
  assert.equal(receipt.outcome, 'taken', JSON.stringify(receipt));
  return receipt;
}
async function refused(sending: Promise<Receipt>, code: string, reason = /./): Promise<void> {
  const receipt = await sending;
  assert.deepEqual([receipt.outcome, receipt.code], ['refused', code], JSON.stringify(receipt));
  assert.match(receipt.reason ?? '', reason);
}
const begin = (items: Data[], more: Data = {}): Promise<Receipt> =>
  taken(stage.send(M, 'open', { objective: 'Ship it', conductor: 'person/connie', items, ...more }));
const correct = (key: string, verb: string, data: Data = {}, more: Data = {}): Promise<Receipt> =>
  stage.send(`${M}#${key}`, `correct.${verb}`, data, more);
const stateOf = async (key: string): Promise<string> => (await itemOf(stage, M, key)).state;
const waits = async (actor: string): Promise<[string, string | null][]> =>
  (await stage.show(actor)).waitingOn.map(({ gate, on }) => [gate, on]);
const phase = async (actor: string): Promise<string> => (await stage.show(actor)).phase;
/** The mission shows of an item what the session says of itself. */
async function agree(...keys: string[]): Promise<void> {
  for (const key of keys) {
    const { picture, session } = await itemOf(stage, M, key);
    const shown: Shown = await stage.show(session);
    assert.deepEqual([picture?.owner, picture?.epoch, picture?.phase], [shown.owner, shown.epoch, shown.phase], key);
    assert.deepEqual(picture?.waitingOn, shown.waitingOn, key);
  }
}
async function merge(key: string, agent: string): Promise<void> {
  await stage.pull(sessionOf(key));
  await stage.finish(agent, { summary: 'Opened it.' });
  await stage.pull(sessionOf(key), { merged: true });
}

describe('who gets an item', () => {
  test('A: words that correct are kept and change nothing; beside other work of the worker, the typed correction does', async () => {
    await stage.hire('susan', 'reviewer');
    await begin([item('a', { pin: 'agent/susan' })]);
    await stage.finish('agent/susan', { handedBack: 'not reviewer work' });
    await taken(stage.send('dispatcher/main', 'correct.pause'));
    await stage.hire('backend', 'implementer', { lanes: ['backend'] });
    await taken(stage.send('agent/backend', 'correct.pause'));
    await taken(stage.send('dispatcher/main', 'correct.resume'));
    // The same work by hand, which nothing ties to the mission.
    const { key: _key, dependsOn: _on, ...brief } = item('x');
    await taken(stage.send('session/byhand', 'open', { ...brief, title: 'Do a', source: { kind: 'manual' } }));
    await taken(stage.send('session/byhand', 'correct.reassign', { to: 'agent/backend' }));
    const before = await stage.show(A);
    const words = 'redirect a to backend: reviewer was the wrong lane';
    for (const to of [M, `${M}#a`, 'agent/backend']) {
      const receipt = await stage.send(to, 'fyi', { text: words });
      assert.equal(receipt.outcome, 'recorded', to);
      assert.deepEqual(
        receipt.effects.filter((effect) => effect.startsWith('tell:work')),
        [],
      );
    }
    const after = await stage.show(A);
    assert.deepEqual([after.owner, after.epoch, after.value], [before.owner, before.epoch, before.value]);
    assert.deepEqual(await waits(M), [['agent', 'dispatcher/main']], 'a paused worker will be free again');
    await agree('a');

    await taken(correct('a', 'reassign', { to: 'agent/backend', reason: words }));
    assert.equal((await itemOf(stage, M, 'a')).picture?.owner, 'agent/backend');
    await taken(stage.send('agent/backend', 'correct.resume'));
    await taken(stage.send('session/byhand', 'correct.close', { outcome: 'cancelled' }));
    assert.equal(stage.running('agent/backend')?.session, A);
    assert.match(JSON.stringify(stage.running('agent/backend')?.prompt.notes), /wrong lane/);
    await merge('a', 'agent/backend');
    assert.equal(await phase(M), 'completed');
  });

  test('T13: a worker that is at work on it says so, and is its owner, its run shown', async () => {
    await stage.hire('tess', 'tester');
    await begin([item('a', { kind: 'test' })]);
    await stage.pull(A);
    await stage.finish('agent/tess', { summary: 'Opened it.' });
    assert.equal((await stage.show(A)).owner, 'agent/tess');
    await stage.hire('backend', 'implementer');
    await taken(stage.send('agent/tess', 'correct.pause'));
    await taken(correct('a', 'adopt', { agent: 'agent/backend', reason: 'I have it already' }));
    await taken(stage.send(A, 'say', { text: 'Name it.' }));
    assert.equal(stage.running('agent/backend')?.session, A);
    const { picture, state } = await itemOf(stage, M, 'a');
    assert.deepEqual([picture?.owner, state], ['agent/backend', 'active']);
    await agree('a');
  });

  test('T19: moved in mid-run with a pull request there, the old run is cancelled, once, and one new one begins', async () => {
    await stage.hire('tess', 'tester');
    await begin([item('a', { pin: 'agent/tess' })]);
    const { number } = await stage.pull(A);
    await stage.hire('backend', 'implementer');
    await taken(correct('a', 'reassign', { to: 'agent/backend', reason: 'tester was the wrong lane' }));
    assert.equal(stage.running('agent/tess'), null);
    assert.equal(stage.running('agent/backend')?.session, A);
    assert.equal((await itemOf(stage, M, 'a')).state, 'active');
    assert.equal(await phase(M), 'running');
    const cancelled = (await stage.history('agent/tess')).filter(({ type }) => type === 'run.cancelled');
    assert.equal(cancelled.length, 1);
    assert.equal(((await stage.show(A)).context['pull'] as { number: number }).number, number, 'its work is kept');
    await stage.finish('agent/backend', { summary: 'Done.' });
    await stage.pull(A, { merged: true });
    assert.equal(await phase(M), 'completed');
  });

  test('an agent that is not there, stopped or offboarded is refused by name, with those that are like it', async () => {
    await stage.hire('backend', 'implementer');
    await stage.hire('gone', 'implementer');
    await taken(stage.send('dispatcher/main', 'correct.pause'));
    await begin([item('a')]);
    const was = await stage.show(A);
    await refused(correct('a', 'reassign', { to: 'agent/backnd' }), 'target', /agent\/backnd.*agent\/backend/);
    await taken(stage.send('agent/gone', 'correct.stop'));
    await refused(correct('a', 'reassign', { to: 'agent/gone' }), 'target', /stopped/);
    await taken(stage.send('agent/gone', 'correct.offboard'));
    await refused(correct('a', 'reassign', { to: 'agent/gone' }), 'target', /offboarded/);
    await refused(correct('a', 'reassign', { to: 'agent/gone' }, { expiresat: '2020-01-01T00:00:00.000Z' }), 'expired');
    const is = await stage.show(A);
    assert.deepEqual(
      [is.owner, is.epoch, is.value, is.context['pin']],
      [was.owner, was.epoch, was.value, was.context['pin']],
    );
  });

  test('to a lane: nobody is in it, which is said and asked about; whoever is hired into it gets it, nobody else', async () => {
    await stage.hire('ada', 'implementer', { lanes: ['web'] });
    await taken(stage.send('dispatcher/main', 'correct.pause'));
    await begin([item('a')]);
    await taken(correct('a', 'reassign', { to: 'lane/backend' }));
    await taken(stage.send('dispatcher/main', 'correct.resume'));
    assert.equal(stage.running('agent/ada'), null);
    assert.deepEqual(await waits(M), [['agent', null]]);
    assert.match((await stage.show(M)).waitingOn[0]!.detail, /lane\/backend.*agent\/ada: is not in lane backend/);
    assert.equal(stage.pleas().length, 1);
    await stage.hire('susan', 'reviewer', { lanes: ['backend'] });
    assert.equal(stage.running('agent/susan'), null, 'a reviewer implements nothing');
    await stage.hire('ben', 'implementer', { lanes: ['backend'] });
    assert.equal(stage.running('agent/ben')?.session, A);
    await stage.pull(A);
    await stage.finish('agent/ben');
    await stage.wait(3_600);
    assert.equal(stage.pleas().length, 1, 'withdrawn with its cause');
  });

  test('to a role or an agent of the wrong kind: the correction counts', async () => {
    await stage.hire('susan', 'reviewer');
    await begin([item('a')]);
    assert.equal(stage.running('agent/susan'), null);
    await taken(correct('a', 'reassign', { to: 'role/reviewer' }));
    assert.equal(stage.running('agent/susan')?.session, A);
    await agree('a');
  });

  test('what it already is, a correction records: its run goes on, its epoch stays', async () => {
    await stage.hire('ada', 'implementer');
    await begin([item('a', { pin: 'agent/ada' })]);
    const { epoch } = await stage.show(A);
    const again = await correct('a', 'reassign', { to: 'agent/ada' });
    assert.equal(again.outcome, 'recorded', JSON.stringify(again));
    assert.equal((await stage.show(A)).epoch, epoch);
    assert.equal(stage.running('agent/ada')?.epoch, epoch);
    assert.equal((await correct('a', 'resume')).outcome, 'recorded');
  });

  test('of two that fence the same epoch the first counts; the other is superseded and changes nothing', async () => {
    await stage.hire('ada', 'implementer');
    await begin([item('a')]);
    const { epoch } = await stage.show(A);
    await stage.hire('ben', 'implementer');
    await stage.hire('cleo', 'implementer');
    const both = await Promise.all([
      correct('a', 'reassign', { to: 'agent/ben' }, { expectepoch: epoch }),
      correct('a', 'reassign', { to: 'agent/cleo' }, { expectepoch: epoch }),
    ]);
    assert.deepEqual(both.map(({ outcome }) => outcome).sort(), ['superseded', 'taken']);
    const won = both[0].outcome === 'taken' ? 'agent/ben' : 'agent/cleo';
    assert.equal((await itemOf(stage, M, 'a')).picture?.owner, won);
    assert.equal(stage.running('agent/ada'), null);
    assert.equal(stage.running(won)?.session, A);
    await agree('a');
  });

  test('adopted while another is at it: refused, unless the epoch is named', async () => {
    await stage.hire('ada', 'implementer');
    await begin([item('a')]);
    await stage.hire('ben', 'implementer');
    await refused(
      correct('a', 'adopt', { agent: 'agent/ben' }),
      'guard',
      /another agent is live: agent\/\w+ has epoch \d+/,
    );
    const { epoch } = await stage.show(A);
    await taken(correct('a', 'adopt', { agent: 'agent/ben' }, { expectepoch: epoch }));
    assert.equal(stage.running('agent/ada'), null);
    assert.equal(stage.running('agent/ben')?.session, A);
  });

  test('handed back, it is not offered to that agent again until a correction names it', async () => {
    await stage.hire('ada', 'implementer');
    await begin([item('a')]);
    await stage.finish('agent/ada', { handedBack: 'I know no Rust' });
    assert.equal(stage.running('agent/ada'), null);
    assert.match((await stage.show(M)).waitingOn[0]!.detail, /agent\/ada: .*excluded|I know no Rust/);
    const attempts = ((await stage.show(A)).context['obligations'] as { attempts: number }[]).map(
      (one) => one.attempts,
    );
    assert.deepEqual(attempts, [0], 'that is no attempt');
    await taken(correct('a', 'reassign', { to: 'agent/ada', reason: 'learn it' }));
    assert.equal(stage.running('agent/ada')?.session, A);
  });

  test('taken away in mid-run it is free for others, and its work rides on', async () => {
    await stage.hire('ada', 'implementer');
    await begin([item('a')]);
    const { epoch } = await stage.show(A);
    await taken(stage.send('agent/ada', 'correct.pause'));
    await stage.hire('ben', 'implementer');
    const receipt = await taken(correct('a', 'unassign', { reason: 'ada is ill' }));
    assert.ok(receipt.epoch! > epoch!);
    assert.equal(stage.running('agent/ben')?.session, A);
    await agree('a');
  });
});

describe('what goes on and what does not', () => {
  test('stopped, an item waits for a word and the mission says so; told to go on, it does', async () => {
    await stage.hire('ada', 'implementer');
    await begin([item('a'), item('b', { dependsOn: ['a'] })]);
    await taken(correct('a', 'stop', { reason: 'wait for the design' }));
    assert.equal(stage.running('agent/ada'), null);
    assert.match(JSON.stringify((await stage.show(M)).waitingOn), /wait for the design/);
    await stage.wait(300);
    assert.equal(stage.running('agent/ada'), null);
    await taken(correct('a', 'retry'));
    assert.equal(stage.running('agent/ada')?.session, A);
    await agree('a', 'b');
  });

  test('paused with its runs, what runs is interrupted, which is no attempt; resumed, it goes on', async () => {
    await stage.hire('ada', 'implementer');
    await begin([item('a'), item('b', { dependsOn: ['a'] })]);
    const { epoch } = await stage.show(A);
    await taken(stage.send(M, 'correct.pause', { runs: true, reason: 'an incident' }));
    assert.equal(stage.running('agent/ada'), null);
    assert.deepEqual((await waits(A)).map(([gate]) => gate).includes('paused'), true);
    await stage.wait(900);
    assert.equal(stage.running('agent/ada'), null);
    assert.deepEqual(stage.pleas(), []);
    await taken(stage.send(M, 'correct.resume'));
    assert.equal(stage.running('agent/ada')?.session, A);
    assert.ok((await stage.show(A)).epoch! > epoch!);
    assert.equal(stage.running('agent/ada')?.attempt, 1);
    await agree('a', 'b');
  });

  test('stopped softly, a mission lets its runs end and closes the rest; what was opened stays open', async () => {
    await stage.hire('ada', 'implementer');
    await begin([item('a'), item('b', { dependsOn: ['a'] })]);
    await taken(stage.send(M, 'correct.stop', { reason: 'another way' }));
    assert.equal(await phase(M), 'stopping');
    assert.equal(await phase(sessionOf('b')), 'cancelled');
    assert.equal(stage.running('agent/ada')?.session, A, 'it goes on');
    await refused(stage.send(M, 'correct.item.add', { item: item('c') }), 'guard', /stopped/);
    await stage.pull(A);
    await stage.finish('agent/ada', { summary: 'Opened it.' });
    assert.equal(await phase(M), 'cancelled');
    const pull = await stage.pull(A);
    assert.equal(pull.state, 'open');
    assert.match(String((await stage.show(M)).context['report']), /a: Do a: cancelled, pull request #1/);
  });

  test('stopped softly while an item backs off, a mission does not wait for that: nothing runs', async () => {
    await stage.hire('ada', 'implementer');
    await begin([item('a')]);
    await stage.crash('agent/ada');
    assert.deepEqual((await waits(A))[0], ['backoff', A]);
    await taken(stage.send(M, 'correct.stop'));
    assert.deepEqual([(await stage.show(M)).phase, (await stage.show(A)).phase], ['cancelled', 'cancelled']);
  });

  test('stopped by force, it ends its runs; nobody is at anything of it', async () => {
    await stage.hire('ada', 'implementer');
    await begin([item('a'), item('b')]);
    await taken(stage.send(M, 'correct.stop', { force: true }));
    await stage.wait(60);
    assert.equal(await phase(M), 'cancelled');
    assert.equal(stage.running('agent/ada'), null);
    assert.equal(await phase('agent/ada'), 'asleep');
    assert.deepEqual(await waits(M), []);
  });

  test('withdrawn and handed over again: nothing begins between', async () => {
    await stage.hire('ada', 'implementer');
    await begin([item('a')]);
    await taken(correct('a', 'withdraw', { reason: 'not ours' }));
    assert.equal(stage.running('agent/ada'), null);
    assert.equal((await waits(M))[0]?.[0], 'withdrawn');
    await stage.wait(300);
    assert.equal(stage.running('agent/ada'), null);
    await taken(correct('a', 'delegate'));
    assert.equal(stage.running('agent/ada')?.session, A);
  });

  test('T16: asked once, a long back-off adds nothing, however much happens meanwhile', async () => {
    await begin([item('a')], { policy: { help: { base: 1_000_000, max: 1_000_000 } } });
    for (let round = 0; round < 4; round++) {
      await stage.hire(`susan${round}`, 'reviewer');
      await stage.wait(3_600);
    }
    assert.equal(stage.pleas().length, 1);
    const pleas = (await stage.show(M)).context['pleas'] as { asked: number }[];
    assert.deepEqual(
      pleas.map(({ asked }) => asked),
      [1],
    );
  });

  test('T10: a bot’s comment asks for nothing, a person’s review for one fix; both answered, it ends', async () => {
    await stage.hire('ada', 'implementer');
    await begin([item('a', { gates: { checks: ['Tests'], review: 'required' }, merge: 'self', reviewers: 'people' })]);
    await stage.pull(A);
    await stage.finish('agent/ada', { summary: 'Opened it.' });
    const { head, number } = await stage.pull(A, { gate: 'pending' });
    const comment = { on: 'pull', url: 'https://github.example/c', text: 'Bug here.' };
    const bot = { ...comment, comment: 'c1', author: { login: 'bugbot', kind: 'bot' } };
    assert.equal((await stage.send(A, 'comment.observed', bot)).outcome, 'recorded');
    assert.equal(stage.running('agent/ada'), null);
    const review = { id: 'r1', author: 'pia', verdict: 'request_changes', head, body: 'Name it.', comments: [] };
    await stage.pull(A, { facts: { reviews: [review] } });
    assert.equal(stage.running('agent/ada')?.for, 'review');
    await stage.pull(A, { facts: { reviews: [review] } });
    await stage.pull(A, { head: '7777777ccccccc', gate: 'green' });
    await stage.finish('agent/ada', { summary: 'Named.' });
    assert.equal(stage.running('agent/ada'), null);
    assert.equal(await stateOf('a'), 'inReview');
    const approval = { id: 'r2', author: 'pia', verdict: 'approve', head: '7777777ccccccc', body: '', comments: [] };
    await stage.pull(A, { facts: { reviews: [review, approval] } });
    assert.equal(await phase(M), 'completed', JSON.stringify([number, await waits(M)]));
  });
});

/** The graph of a mission while it runs, its end, the fleet under it, and what people and agents say, on the machines alone. */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, test } from 'node:test';
import type { Receipt } from '../../src/actor/receipt.ts';
import { envelope } from './place.ts';
import type { Data } from './place.ts';
import { item, itemOf, openStage } from './stage.ts';
import type { Stage } from './stage.ts';
import { open } from './work.ts';

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
const mission = (verb: string, data: Data = {}): Promise<Receipt> => stage.send(M, `correct.${verb}`, data);
const close = (key: string, outcome: string): Promise<Receipt> =>
  taken(stage.send(`${M}#${key}`, 'correct.close', { outcome }));
const stateOf = async (key: string): Promise<string> => (await itemOf(stage, M, key)).state;
const startOf = async (key: string): Promise<string | undefined> => open(await stage.show(sessionOf(key)))['start'];
const waits = async (actor: string): Promise<[string, string | null][]> =>
  (await stage.show(actor)).waitingOn.map(({ gate, on }) => [gate, on]);
const phase = async (actor: string): Promise<string> => (await stage.show(actor)).phase;
const sessionRunBy = (agent: string): string | undefined => stage.running(agent)?.session;

describe('the graph, while it runs', () => {
  test('an item is added behind a done one and begins; behind one that is not there, or in a circle, it is refused', async () => {
    await stage.hire('ada', 'implementer');
    await begin([item('a'), item('z', { pin: 'agent/ada' })]);
    await close('a', 'done');
    await taken(mission('item.add', { item: item('b', { dependsOn: ['a'], priority: 1 }) }));
    assert.equal(await startOf('b'), 'free');
    const was = await stage.show(M);
    await refused(mission('item.add', { item: item('c', { dependsOn: ['nowhere'] }) }), 'guard', /“nowhere”/);
    await refused(mission('item.add', { item: item('b') }), 'guard', /“b” is used twice/);
    await taken(mission('item.add', { item: item('c', { dependsOn: ['b'] }) }));
    await refused(mission('item.depends', { item: 'b', on: ['c'] }), 'guard', /b → c → b|c → b → c/);
    assert.equal(
      (was.context['items'] as unknown[]).length + 1,
      ((await stage.show(M)).context['items'] as unknown[]).length,
    );
  });

  test('an item that is at work is removed: its run ends, what waited for it is freed or goes with it', async () => {
    await stage.hire('ada', 'implementer');
    await begin([item('a'), item('b', { dependsOn: ['a'] }), item('c', { dependsOn: ['b'] })]);
    assert.equal(sessionRunBy('agent/ada'), A);
    await taken(mission('item.remove', { item: 'a', dependants: 'free', reason: 'not needed' }));
    assert.equal(await phase(A), 'cancelled');
    assert.equal(sessionRunBy('agent/ada'), sessionOf('b'));
    await refused(mission('item.remove', { item: 'b', dependants: 'remove' }), 'guard', /nothing would be left/);
    await taken(mission('item.remove', { item: 'c', dependants: 'free' }));
    await refused(mission('item.remove', { item: 'nowhere', dependants: 'free' }), 'guard', /no item “nowhere”/);
  });

  test('wired anew, an item waits for what it now depends on, and for nothing it did', async () => {
    await stage.hire('ada', 'implementer');
    await begin([item('a'), item('b', { dependsOn: ['a'] }), item('c')], { policy: { maxParallel: 1 } });
    assert.equal(await startOf('b'), 'held');
    await taken(mission('item.depends', { item: 'b', on: ['c'], reason: 'it needs c' }));
    assert.match(JSON.stringify((await stage.show(sessionOf('b'))).waitingOn), /m-c/);
    await close('a', 'cancelled');
    await close('c', 'done');
    assert.equal(sessionRunBy('agent/ada'), sessionOf('b'));
  });

  test('more at a time begins the next; fewer ends nothing that runs', async () => {
    await stage.hire('ada', 'implementer');
    await stage.hire('ben', 'implementer');
    await stage.hire('cleo', 'implementer');
    await begin([item('a'), item('b'), item('c')], { policy: { maxParallel: 1 } });
    const running = (): string[] => ['ada', 'ben', 'cleo'].flatMap((name) => sessionRunBy(`agent/${name}`) ?? []);
    assert.equal(running().length, 1);
    assert.deepEqual((await waits(sessionOf('c'))).at(-1), ['slot', M]);
    await taken(mission('policy.set', { maxParallel: 3 }));
    assert.equal(running().length, 3);
    await taken(mission('policy.set', { maxParallel: 1 }));
    assert.equal(running().length, 3);
  });

  for (const [held, hold, goOn] of [
    ['paused', { type: 'correct.pause', data: {} }, { type: 'correct.resume', data: {} }],
    ['withdrawn', { type: 'correct.withdraw', data: {} }, { type: 'correct.delegate', data: {} }],
  ] as const)
    test(`an item that is ${held} by itself waits without a slot; going on, it takes its turn again`, async () => {
      await stage.hire('ada', 'implementer');
      await stage.hire('ben', 'implementer');
      await begin([item('a'), item('b')], { policy: { maxParallel: 1 } });
      assert.equal(await stateOf('a'), 'active');
      await taken(stage.send(`${M}#a`, hold.type, hold.data));
      assert.deepEqual([await stateOf('a'), await stateOf('b')], ['waiting', 'active']);
      await taken(stage.send(`${M}#a`, goOn.type, goOn.data));
      assert.deepEqual([await stateOf('a'), (await waits(A)).at(-1)], ['waiting', ['slot', M]]);
      await close('b', 'done');
      assert.equal(await stateOf('a'), 'active');
    });

  test('an item whose issue is blocked elsewhere is not ready, and keeps nobody from a slot', async () => {
    await stage.hire('ada', 'implementer');
    await begin([item('a', { source: { kind: 'linear', ref: 'ENG-1' } }), item('b')], { policy: { maxParallel: 1 } });
    assert.deepEqual([await stateOf('a'), sessionRunBy('agent/ada')], ['waiting', sessionOf('b')]);
  });

  test('an item that was removed is removed: said again it is recorded, and its key is free', async () => {
    await begin([item('a'), item('b')]);
    await taken(mission('item.remove', { item: 'b', dependants: 'free' }));
    assert.equal((await mission('item.remove', { item: 'b', dependants: 'free' })).outcome, 'recorded');
    await taken(mission('item.add', { item: item('b') }));
    await taken(mission('item.remove', { item: 'b', dependants: 'free' }));
  });

  test('an item for an agent that has left is refused with who else there is, and no session comes of it', async () => {
    await stage.hire('ada', 'implementer');
    await stage.hire('adam', 'implementer');
    await taken(stage.send('agent/ada', 'correct.offboard'));
    await begin([item('a')]);
    await refused(mission('item.add', { item: item('b', { pin: 'agent/ada' }) }), 'target', /offboarded.*agent\/adam/);
    assert.equal(await itemOf(stage, M, 'b'), undefined);
  });

  test('a policy of no review holds for the items that are open already, but for those with a gate of their own', async () => {
    await stage.hire('ada', 'implementer');
    await stage.hire('ben', 'implementer');
    await begin([
      item('a', { merge: 'self', gates: { checks: 'none' } }),
      item('b', { gates: { checks: 'none', review: 'required' } }),
    ]);
    await stage.pull(A);
    await stage.finish('agent/ada');
    assert.deepEqual(await waits(A), [['review', null]]);
    await taken(mission('policy.set', { review: 'none', reason: 'a spike' }));
    assert.equal(await phase(A), 'done');
    const { brief } = (await stage.show(sessionOf('b'))).context as { brief: { gates: Data } };
    assert.equal(brief.gates['review'], 'required');
  });

  test('the receipt of a correction to a mission says what it made wait, not all that waits', async () => {
    await begin([item('a'), item('b'), item('c', { dependsOn: ['b'] })]);
    const { waitingOn } = await taken(mission('pause'));
    assert.deepEqual(
      waitingOn.map(({ gate }) => gate),
      ['paused'],
    );
    assert.ok((await waits(M)).length > 1);
  });

  test('an item in review holds no slot', async () => {
    await stage.hire('ada', 'implementer');
    await begin([item('a'), item('b')], { policy: { maxParallel: 1 } });
    await stage.pull(A);
    await stage.finish('agent/ada');
    assert.equal(await stateOf('a'), 'inReview');
    assert.equal(sessionRunBy('agent/ada'), sessionOf('b'));
  });

  test('urgent items go first, then those that free most', async () => {
    await begin(
      [
        item('low', { priority: 4 }),
        item('leaf', { dependsOn: ['root'] }),
        item('root'),
        item('urgent', { priority: 1 }),
      ],
      { policy: { maxParallel: 1 } },
    );
    const begun: string[] = [];
    await stage.hire('ada', 'implementer');
    for (let n = 0; n < 4; n++) {
      const session = sessionRunBy('agent/ada')!;
      begun.push(session.slice('session/m-'.length));
      await stage.pull(session);
      await stage.finish('agent/ada');
      await stage.pull(session, { merged: true });
    }
    assert.deepEqual(begun, ['urgent', 'low', 'root', 'leaf']);
    assert.equal(await phase(M), 'completed');
  });

  for (const [policy, end] of [
    ['hold', 'running'],
    ['continue', 'completed'],
    ['fail', 'failed'],
  ] as const)
    test(`an item that failed: ${policy}`, async () => {
      await stage.hire('ada', 'implementer');
      await begin([item('a', { deliver: 'report' }), item('b', { deliver: 'report', dependsOn: ['a'] })], {
        policy: { onItemFailed: policy },
      });
      await close('a', 'failed');
      if (policy === 'hold') {
        assert.deepEqual((await waits(M))[0], ['human', 'person/connie']);
        assert.match(stage.pleas().at(-1) ?? '', /a .*failed; restart or remove it/);
        await taken(mission('item.restart', { item: 'a' }));
        assert.equal((await itemOf(stage, M, 'a')).session, `${A}-2`);
        assert.equal(sessionRunBy('agent/ada'), `${A}-2`);
        await refused(stage.send(A, 'correct.reassign', { to: 'role/implementer' }), 'final');
        assert.equal((await stage.send(`${M}#a`, 'fyi', { text: 'again' })).actor, `${A}-2`);
      } else if (policy === 'continue') {
        await stage.finish('agent/ada', { report: 'All is well.' });
      }
      await stage.wait(60);
      assert.equal(await phase(M), end);
      if (policy === 'fail') assert.equal(await phase(sessionOf('b')), 'cancelled');
    });

  test('an item whose issue is another session’s shows that one, and ends with it', async () => {
    await stage.hire('ada', 'implementer');
    const source = { kind: 'github', ref: 'acme/hello#7' };
    const { key: _key, dependsOn: _on, ...brief } = item('x', { source: { kind: 'manual', ref: 'acme/hello#7' } });
    await taken(stage.send('session/acme-hello-7', 'open', brief));
    await begin([item('a', { source }), item('b', { dependsOn: ['a'] })]);
    const { session, state } = await itemOf(stage, M, 'a');
    assert.deepEqual([session, state], ['session/acme-hello-7', 'active']);
    assert.equal((await stage.send(`${M}#a`, 'fyi', { text: 'x' })).actor, 'session/acme-hello-7');
    await taken(stage.send('session/acme-hello-7', 'correct.close', { outcome: 'done' }));
    assert.equal(sessionRunBy('agent/ada'), sessionOf('b'));
  });

  test('a mission is opened once; the same letter again is its first receipt', async () => {
    const letter = { ...envelope(M, 'open', { objective: 'Ship it', items: [item('a')] }) };
    const first = await stage.ask<Receipt>('send', letter);
    const again = await stage.ask<Receipt>('send', letter);
    assert.deepEqual(again, { ...first, duplicate: true });
    await refused(stage.send(M, 'open', { objective: 'Ship it', items: [item('a')] }), 'exists');
    assert.equal((await stage.history(A)).filter(({ type }) => type === 'open').length, 1);
  });
});

describe('the fleet under it', () => {
  test('paused fleet-wide, nothing begins, hired meanwhile or not, and each wait says so', async () => {
    await stage.hire('ada', 'implementer');
    await taken(stage.send('dispatcher/main', 'correct.pause', { reason: 'an audit' }));
    await begin([item('a')]);
    await stage.hire('ben', 'implementer');
    await stage.wait(120);
    assert.deepEqual([sessionRunBy('agent/ada'), sessionRunBy('agent/ben')], [undefined, undefined]);
    assert.match((await stage.show(M)).waitingOn[0]!.detail, /the fleet is paused/);
    await taken(stage.send('dispatcher/main', 'correct.resume'));
    assert.equal([sessionRunBy('agent/ada'), sessionRunBy('agent/ben')].filter((one) => one === A).length, 1);
  });

  test('stopped fleet-wide, runs end, whoever is hired stops too; resumed, all are back and the work goes on', async () => {
    await stage.hire('ada', 'implementer');
    await begin([item('a')]);
    await taken(stage.send('dispatcher/main', 'correct.stop'));
    await stage.hire('ben', 'implementer');
    await stage.wait(30);
    assert.deepEqual([await phase('agent/ada'), await phase('agent/ben')], ['stopped', 'stopped']);
    assert.equal((await stage.show(A)).owner, null);
    await taken(stage.send('dispatcher/main', 'correct.resume'));
    await stage.wait(60);
    assert.equal([sessionRunBy('agent/ada'), sessionRunBy('agent/ben')].filter((one) => one === A).length, 1);
  });

  test('as many runs as there are slots; who has waited longest is next, whatever mission it is of', async () => {
    await stage.send('dispatcher/main', 'fleet.configured', { maxRuns: 1 });
    await stage.hire('ada', 'implementer');
    await stage.hire('ben', 'implementer');
    await begin([item('a')]);
    await taken(stage.send('mission/n', 'open', { objective: 'Other', items: [item('a')] }));
    await stage.wait(30);
    await taken(stage.send('mission/o', 'open', { objective: 'Third', items: [item('a')] }));
    const running = (): string[] => ['ada', 'ben'].flatMap((name) => sessionRunBy(`agent/${name}`) ?? []);
    assert.deepEqual(running(), [A]);
    assert.deepEqual(await waits('mission/n'), [['slot', 'dispatcher/main']]);
    await taken(stage.send(`${M}#a`, 'correct.close', { outcome: 'cancelled' }));
    assert.deepEqual(running(), ['session/n-a']);
  });

  test('an agent that is offered work and dies before it says a word: another has it, after its time', async () => {
    await stage.hire('ada', 'implementer');
    await begin([item('a')]);
    await stage.hire('ben', 'implementer');
    await stage.crash('agent/ada');
    await stage.wait(60);
    const owners = [sessionRunBy('agent/ada'), sessionRunBy('agent/ben')].filter((session) => session === A);
    assert.equal(owners.length, 1);
    assert.equal((await itemOf(stage, M, 'a')).picture?.owner, (await stage.show(A)).owner);
  });
});

describe('what is said', () => {
  test('T28: urgent first, within one in order of sending, with who sent it and what belongs together', async () => {
    await stage.hire('boss', 'conductor', { mode: 'chat' });
    await stage.send('agent/boss', 'say', { text: 'hello' });
    await stage.send('agent/boss', 'say', { text: 'one' }, { source: 'cli/ann', correlationid: 'talk-1' });
    await stage.send('agent/boss', 'say', { text: 'two' }, { source: 'cli/bob' });
    stage.steerable = false;
    await stage.send('agent/boss', 'say', { text: 'now' }, { source: 'cli/cid', priority: 'urgent' });
    await stage.reply('agent/boss', 'hi');
    assert.deepEqual(stage.reading('agent/boss'), ['now', 'one', 'two']);
    const said = (await stage.history('agent/boss')).filter(({ type }) => type === 'say');
    assert.deepEqual(
      said.map(({ envelope: { source, correlationid }, data }) => [data['text'], source, correlationid ?? null]),
      [
        ['hello', 'cli/maintainer', null],
        ['one', 'cli/ann', 'talk-1'],
        ['two', 'cli/bob', null],
        ['now', 'cli/cid', null],
      ],
    );
  });

  test('T28: mail of an agent that was stopped waits in its order, whole, for whoever resumes it', async () => {
    await stage.hire('boss', 'conductor', { mode: 'chat' });
    await taken(stage.send('agent/boss', 'correct.stop'));
    for (const text of ['one', 'two', 'three']) await stage.send('agent/boss', 'say', { text });
    assert.deepEqual(stage.reading('agent/boss'), []);
    await taken(stage.send('agent/boss', 'correct.resume'));
    await stage.wait(5);
    assert.deepEqual(stage.reading('agent/boss'), ['one', 'two', 'three']);
  });

  test('T26: a chat that nobody needs is closed after its time and nothing is left of what it was at', async () => {
    await stage.hire('boss', 'conductor', { mode: 'chat' });
    await stage.send('agent/boss', 'say', { text: 'hello' });
    await stage.reply('agent/boss', 'hi');
    await stage.wait(901);
    assert.equal(await phase('agent/boss'), 'asleep');
    assert.match(
      ((await stage.show('agent/boss')) as unknown as { supervision: { dormant: string } }).supervision.dormant,
      /nobody/,
    );
    await stage.hire('ada', 'implementer');
    await begin([item('a')]);
    await stage.pull(A);
    await stage.finish('agent/ada');
    const { context, phase: life } = await stage.show('agent/ada');
    assert.deepEqual([context['run'], life], [null, 'asleep']);
  });

  test('T29: an agent is found by its address, its name and however that is spelled; what is nobody’s name is said', async () => {
    await stage.hire('backend-worker', 'implementer');
    for (const name of ['agent/backend-worker', 'backend-worker', 'Backend Worker', 'BACKEND-WORKER'])
      assert.equal((await stage.show(name)).address, 'agent/backend-worker', name);
    await stage.send('mission/backend-worker', 'open', { objective: 'x', items: [item('a')] });
    await assert.rejects(
      stage.show('backend-worker'),
      /may be (agent\/backend-worker or mission|mission\/backend-worker or agent)/,
    );
    await assert.rejects(stage.show('agent/backend-workr'), /did you mean agent\/backend-worker/);
  });

  test('urgent words reach a worker at its work where it can be steered, else they are in its next run', async () => {
    await stage.hire('ada', 'implementer');
    await begin([item('a'), item('b')], { policy: { maxParallel: 1 } });
    await stage.send('agent/ada', 'say', { text: 'mind the tests' }, { priority: 'urgent' });
    assert.deepEqual(stage.steered, ['mind the tests']);
    stage.steerable = false;
    await stage.send('agent/ada', 'say', { text: 'and the docs' }, { priority: 'urgent' });
    assert.deepEqual(stage.steered, ['mind the tests']);
    await stage.pull(A);
    await stage.finish('agent/ada');
    assert.equal(sessionRunBy('agent/ada'), sessionOf('b'));
    const texts = stage.running('agent/ada')!.prompt.texts.map(({ text, author }) => [text, author]);
    assert.deepEqual(texts, [['and the docs', 'cli/maintainer']]);
  });

  test('an FYI to the worker is in its next run, and read; it corrects and wakes nothing', async () => {
    await stage.hire('ada', 'implementer');
    assert.equal((await stage.send('agent/ada', 'fyi', { text: 'open the pull request' })).outcome, 'recorded');
    assert.equal(stage.running('agent/ada'), null);
    await begin([item('a')]);
    const notes = stage.running('agent/ada')!.prompt.notes.map(({ text }) => text);
    assert.deepEqual(notes, ['open the pull request']);
  });

  test('a conductor agent that has left is not waited for: the mission says what it waits for, and asks people', async () => {
    await stage.hire('boss', 'conductor', { mode: 'chat' });
    await stage.hire('ada', 'implementer');
    await taken(stage.send(M, 'open', { objective: 'Ship it', conductor: 'agent/boss', items: [item('a')] }));
    await taken(stage.send('agent/boss', 'correct.offboard'));
    await stage.wait(60);
    await taken(stage.send('agent/ada', 'correct.stop'));
    await stage.wait(60);
    assert.deepEqual(await waits(M), [['agent', null]]);
    assert.equal(stage.pleas().length, 1);
    assert.equal((await stage.show(M)).phase, 'running');
    await taken(stage.send('agent/ada', 'correct.resume'));
    assert.equal(sessionRunBy('agent/ada'), A);
  });

  test('unread notes are never dropped: beyond two hundred the sender is refused, and what was there stays', async () => {
    await begin([item('a')]);
    const notes = Array.from({ length: 201 }, (_, n) =>
      stage.ask<Receipt>('send', envelope(M, 'fyi', { text: `n${n}` })),
    );
    const receipts = await Promise.all(notes);
    await stage.settle();
    assert.deepEqual(
      receipts.map(({ outcome }) => outcome).filter((outcome) => outcome !== 'recorded'),
      ['refused'],
    );
    assert.equal(receipts.at(-1)?.code, 'limit');
    assert.equal(((await stage.show(M)).context['notes'] as unknown[]).length, 200);
  });
});

/** The kernel with lamps: doors, claims, tells, parking, and timers that were due while it was down (I9). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Definition } from '../../src/actor/state.ts';
import { createNode } from '../../src/actor/node.ts';
import type { Committed, Node, NodeOptions } from '../../src/actor/node.ts';
import { createFakeClock } from '../../src/clock.ts';
import { createLog } from '../../src/log.ts';
import type { Store } from '../../src/store/store.ts';
import { KEYS, SPACES } from '../../src/store/keys.ts';
import { openFaultyStore } from '../support/faulty-store.ts';
import { lampDefinition } from '../support/lamp.ts';
import { turns } from '../support/lamp-node.ts';
import { letter } from '../support/letter.ts';
import { openMemoryStore } from '../support/memory-store.ts';

const log = createLog({ level: 'silent' });

async function startNode(store: Store, options: Partial<NodeOptions> = {}) {
  const clock = createFakeClock();
  const node = createNode({ store, definitions: [lampDefinition as unknown as Definition], clock, log, ...options });
  const committed: Committed[] = [];
  node.onCommitted((batch) => committed.push(batch));
  await node.load();
  return { node, clock, committed };
}

const phase = async (node: Node, address: string) => (await node.settled(address))?.stood?.projection.phase;

test('an envelope is taken, and its receipt tells before, after and what it wished', async () => {
  const { node } = await startNode(await openMemoryStore());
  await node.send(letter('lamp/desk', 'open', { room: 'desk' }));
  await node.send(letter('lamp/desk', 'press'));
  const receipt = await node.send(letter('lamp/desk', 'press'));
  assert.equal(receipt.outcome, 'taken');
  assert.equal(receipt.seq, 3);
  assert.equal(receipt.before?.phase, 'on');
  assert.equal(receipt.after?.phase, 'off');
  assert.deepEqual(receipt.effects, ['pull.say']);
});

test('an actor that steps on and on is shown as it stood when asked, once that is durable', async () => {
  const store = await openMemoryStore();
  const slow: Store = { ...store, write: (operations) => turns(5).then(() => store.write(operations)) };
  const { node } = await startNode(slow);
  await node.send(letter('lamp/desk', 'open', { room: 'desk' }));
  let shown: Awaited<ReturnType<Node['settled']>> | undefined;
  let sent = 0;
  const flood = async (): Promise<void> => {
    while (shown === undefined && sent < 500) {
      sent += 1;
      void node.send(letter('lamp/desk', 'fyi', { text: 'again' }));
      await turns(1);
    }
  };
  const flooding = flood();
  while (!node.actors.isAhead('lamp/desk')) await new Promise((resolve) => setImmediate(resolve));
  shown = await node.settled('lamp/desk');
  await flooding;
  assert.ok(sent < 500, 'it was shown before the flood ended');
  const { seq } = shown!.stood!.live.state;
  assert.ok(store.get(KEYS.journal('lamp/desk', seq)) !== undefined);
});

test('the same id again gives the first receipt as a duplicate, a refused one too, and changes nothing', async () => {
  const { node } = await startNode(await openMemoryStore());
  await node.send(letter('lamp/desk', 'open', { room: 'desk' }));
  const press = letter('lamp/desk', 'press');
  const first = await node.send(press);
  await node.send(letter('lamp/desk', 'press'));
  assert.deepEqual(await node.send(press), { ...first, duplicate: true });
  const tooBright = letter('lamp/desk', 'dim', { to: 500 });
  const refused = await node.send(tooBright);
  assert.equal(refused.code, 'limit');
  assert.deepEqual(await node.send(tooBright), { ...refused, duplicate: true });
  assert.equal(await phase(node, 'lamp/desk'), 'off');
});

test('what cannot be taken says which field and why, is a dead letter, and leaves the actor untouched', async () => {
  const store = await openMemoryStore();
  const { node } = await startNode(store);
  await node.send(letter('lamp/desk', 'open', { room: 'desk' }));
  const before = (await node.settled('lamp/desk'))!.stood!.live.state;
  const outcomes = [
    await node.send(letter('lamp/desk', 'dim', { to: 'much' })),
    await node.send(letter('lamp/desk', 'dim', { to: 1, extra: true })),
    await node.send(letter('lamp/desk', 'explode')),
    await node.send(letter('lamp/desk', 'xstate.after.offer.lamp.up.light.on')),
    await node.send(letter('lamp/none', 'press')),
    await node.send(letter('torch/one', 'press')),
    await node.send(letter('lamp/desk', 'open', { room: 'other' })),
    await node.send(letter('lamp/desk', 'press', {}, { expectepoch: 0 })),
    await node.send(letter('lamp/desk', 'press', {}, { expiresat: '2020-01-01T00:00:00Z' })),
  ];
  assert.deepEqual(
    outcomes.map((receipt) => receipt.code ?? receipt.outcome),
    ['schema', 'schema', 'unknown', 'unknown', 'unknown', 'unknown', 'exists', 'schema', 'expired'],
  );
  assert.match(outcomes[0]!.reason!, /data\.to/);
  assert.match(outcomes[1]!.reason!, /extra/);
  assert.deepEqual((await node.settled('lamp/desk'))!.stood!.live.state, before);
  const letters: string[] = [];
  for await (const [, value] of store.scan(SPACES.dead)) letters.push(value);
  assert.equal(letters.length, outcomes.length);
});

test('a claim held by another refuses the step and names the holder; it is free once the holder has ended', async () => {
  const { node } = await startNode(await openMemoryStore());
  await node.send(letter('lamp/a', 'open', { room: 'hall' }));
  const refused = await node.send(letter('lamp/b', 'open', { room: 'hall' }));
  assert.equal(refused.code, 'claim');
  assert.equal(refused.holder, 'lamp/a');
  assert.equal(await node.settled('lamp/b'), null);
  await node.send(letter('lamp/a', 'end'));
  assert.equal((await node.send(letter('lamp/b', 'open', { room: 'hall' }))).outcome, 'taken');
});

test('one actor tells another exactly once, and what is not taken comes back', async () => {
  const { node } = await startNode(await openMemoryStore());
  await node.send(letter('lamp/a', 'open', { room: 'a' }));
  await node.send(letter('lamp/b', 'open', { room: 'b' }));
  await node.send(letter('lamp/a', 'ring', { to: 'lamp/b' }));
  await node.send(letter('lamp/a', 'ring', { to: 'lamp/none' }));
  await node.stop();
  assert.equal(await phase(node, 'lamp/b'), 'on');
  const context = (await node.settled('lamp/a'))!.stood!.live.state.context;
  assert.deepEqual(context['refused'], ['lamp/a/3/0']);
});

test('a timer fires once, also one that was due while the node was down', async () => {
  const store = await openMemoryStore();
  const first = await startNode(store);
  await first.node.send(letter('lamp/desk', 'open', { room: 'desk' }));
  await first.node.send(letter('lamp/desk', 'press'));
  await first.node.stop();
  const again = await startNode(store);
  again.clock.advance(3_600_000);
  const dark = new Promise<void>((resolve) => {
    again.node.onCommitted(({ facts }) => {
      if (facts.some((fact) => fact.after?.phase === 'off')) resolve();
    });
  });
  again.node.releaseTimers();
  await dark;
  assert.equal(await phase(again.node, 'lamp/desk'), 'off');
  const timers: string[] = [];
  for await (const [key] of store.scan(SPACES.timer)) timers.push(key);
  assert.deepEqual(timers, []);
});

test('a step that throws parks the actor with its mail; others go on; unpark with skip goes on behind it', async () => {
  const store = await openMemoryStore();
  const { node, committed } = await startNode(store);
  await node.send(letter('lamp/a', 'open', { room: 'a' }));
  await node.send(letter('lamp/b', 'open', { room: 'b' }));
  const poison = node.send(letter('lamp/a', 'break'), { door: 'mail' });
  const held = node.send(letter('lamp/a', 'press'), { door: 'mail' });
  assert.equal((await node.send(letter('lamp/b', 'press'))).outcome, 'taken');
  assert.equal((await node.send(letter('lamp/a', 'press'))).code, 'parked');
  assert.ok(committed.some(({ facts }) => facts.some((fact) => fact.type === 'actor.parked')));
  assert.equal(node.waiting('lamp/a').length, 2);
  assert.equal((await node.send(letter('lamp/a', 'correct.unpark', { skip: true }))).outcome, 'taken');
  assert.equal((await poison).code, 'parked');
  assert.equal((await held).outcome, 'taken');
});

test('mail held for a parked actor survives a restart', async () => {
  const store = await openMemoryStore();
  const first = await startNode(store);
  await first.node.send(letter('lamp/a', 'open', { room: 'a' }));
  void first.node.send(letter('lamp/a', 'break'), { door: 'mail' });
  void first.node.send(letter('lamp/a', 'press'), { door: 'mail' });
  await first.node.stop();
  const again = await startNode(store);
  assert.equal(again.node.waiting('lamp/a').length, 2);
  await again.node.send(letter('lamp/a', 'correct.unpark', { skip: true }));
  await again.node.stop();
  assert.equal(await phase(again.node, 'lamp/a'), 'on');
});

test('an act is handed out after the commit with a stable key, its answer is taken once, a later one is superseded', async () => {
  const store = await openMemoryStore();
  const { node, committed } = await startNode(store);
  await node.send(letter('lamp/a', 'open', { room: 'a' }));
  await node.send(letter('lamp/a', 'press'));
  await node.send(letter('lamp/a', 'press'));
  const act = committed.flatMap((batch) => batch.acts)[0]!;
  assert.equal(act.key, 'lamp/a/3/0');
  const again = await startNode(store);
  assert.deepEqual(
    again.committed.flatMap((batch) => batch.acts).map(({ key, params }) => ({ key, params })),
    [{ key: act.key, params: act.params }],
  );
  assert.equal(await again.node.answer(act.key, 'pull.say.done', {}), true);
  assert.equal(await again.node.answer(act.key, 'pull.say.done', {}), false);
  assert.deepEqual((await again.node.settled('lamp/a'))!.stood!.live.state.context['said'], ['lamp/a/3/0']);
  assert.equal(store.get(KEYS.outbox('lamp/a', 3, 0)), undefined);
});

test('of two answers that come at once one is taken', async () => {
  const { node, committed } = await startNode(await openMemoryStore());
  await node.send(letter('lamp/a', 'open', { room: 'a' }));
  await node.send(letter('lamp/a', 'press'));
  await node.send(letter('lamp/a', 'press'));
  const { key } = committed.flatMap((batch) => batch.acts)[0]!;
  const answers = [node.answer(key, 'pull.say.done', {}), node.answer(key, 'pull.say.done', {})];
  assert.deepEqual(await Promise.all(answers), [true, false]);
  assert.deepEqual((await node.settled('lamp/a'))!.stood!.live.state.context['said'], [key]);
});

test('nothing leaves before its batch is durable, and a failed write ends everything', async () => {
  const { store, holdWrites, failNextWrite } = await openFaultyStore();
  const { node, committed } = await startNode(store);
  await node.send(letter('lamp/a', 'open', { room: 'a' }));
  const batches = committed.length;
  const release = holdWrites();
  let told = false;
  const receipt = node.send(letter('lamp/a', 'press')).then((got) => {
    told = true;
    return got;
  });
  await new Promise(setImmediate);
  await new Promise(setImmediate);
  assert.equal(told, false);
  assert.equal(committed.length, batches);
  release();
  assert.equal((await receipt).outcome, 'taken');
  failNextWrite();
  const lost = node.send(letter('lamp/a', 'press'));
  await assert.rejects(node.failed, { code: 'STORE_FAILED' });
  await assert.rejects(Promise.race([lost, node.send(letter('lamp/a', 'press'))]), { code: 'STORE_FAILED' });
});

test('whoever waits for a batch that cannot be written is told, also where the next one was begun', async () => {
  const { store, holdWrites, failNextWrite } = await openFaultyStore();
  const { node } = await startNode(store);
  await node.send(letter('lamp/a', 'open', { room: 'a' }));
  const release = holdWrites();
  const flying = [node.send(letter('lamp/a', 'press', {}, { id: 'p1' })), node.send(letter('lamp/none', 'press'))];
  await turns();
  const next = [node.send(letter('lamp/a', 'press', {}, { id: 'p1' })), node.send(letter('lamp/a', 'press'))];
  const written = node.write([{ key: KEYS.meta('note'), value: 'x' }]);
  await turns();
  failNextWrite();
  release();
  const waited = await Promise.allSettled([...flying, ...next, written]);
  assert.deepEqual(
    waited.map((one) => one.status === 'rejected' && (one.reason as { code: string }).code),
    waited.map(() => 'STORE_FAILED'),
  );
});

test('actors that are evicted after every step write the same journals as ones that never are', async () => {
  const run = async (activeMax: number): Promise<[string, string][]> => {
    const store = await openMemoryStore();
    const { node } = await startNode(store, { activeMax });
    for (const name of ['a', 'b', 'c'])
      await node.send(letter(`lamp/${name}`, 'open', { room: name }, { id: `open-${name}` }));
    for (let round = 0; round < 50; round++) {
      await Promise.all(
        ['a', 'b', 'c'].map((name) =>
          node.send(
            letter(`lamp/${name}`, round % 7 === 0 ? 'dim' : 'press', round % 7 === 0 ? { to: round + 1 } : {}, {
              id: `${name}${round}`,
            }),
          ),
        ),
      );
    }
    await node.stop();
    const journal: [string, string][] = [];
    for await (const entry of store.scan(SPACES.journal)) journal.push(entry);
    return journal;
  };
  assert.deepEqual(await run(0), await run(1_000));
});

test('a preview is the receipt that then comes, and does nothing', async () => {
  const { node } = await startNode(await openMemoryStore());
  await node.send(letter('lamp/a', 'open', { room: 'a' }));
  for (const [type, data] of [
    ['press', {}],
    ['dim', { to: 300 }],
    ['nonsense', {}],
    ['dim', { to: 3 }],
  ] as const) {
    const envelope = letter('lamp/a', type, { ...data });
    const before = (await node.settled('lamp/a'))!.stood!.live.state;
    const preview = node.preview(envelope);
    assert.deepEqual((await node.settled('lamp/a'))!.stood!.live.state, before);
    assert.deepEqual(await node.send(envelope), preview);
  }
});

for (const part of ['project', 'watch'] as const) {
  test(`an actor whose state this code cannot ${part} is parked at the start, and the others go on`, async () => {
    const store = await openMemoryStore();
    const first = await startNode(store);
    await first.node.send(letter('lamp/a', 'open', { room: 'a' }));
    await first.node.send(letter('lamp/b', 'open', { room: 'b' }));
    await first.node.send(letter('lamp/a', 'press'));
    await first.node.stop();
    const failing = (view: { address: string }) => {
      if (view.address === 'lamp/a') throw new Error('a key it does not have');
    };
    const broken: typeof lampDefinition = {
      ...lampDefinition,
      project(view) {
        if (part === 'project') failing(view);
        return lampDefinition.project(view);
      },
      watch(name, view) {
        if (part === 'watch') failing(view);
        return lampDefinition.watch(name, view);
      },
    };
    const again = await startNode(store, { definitions: [broken as unknown as Definition] });
    assert.equal((await again.node.send(letter('lamp/b', 'press'))).outcome, 'taken');
    const refused = await again.node.send(letter('lamp/a', 'press'));
    assert.equal(refused.code, 'parked');
    assert.match(refused.reason ?? '', /cannot be read.*a key it does not have/);
  });
}

test('a machine that cannot say what it watches parks its actor with nothing of the step done', async () => {
  const store = await openMemoryStore();
  const broken: typeof lampDefinition = {
    ...lampDefinition,
    watch() {
      throw new Error('a bug in the machine');
    },
  };
  const { node } = await startNode(store, { definitions: [broken as unknown as Definition] });
  await node.send(letter('lamp/a', 'open', { room: 'a' }));
  const press = letter('lamp/a', 'press');
  void node.send(press, { door: 'mail' });
  await node.quiet();
  assert.equal(await phase(node, 'lamp/a'), 'off');
  assert.deepEqual(
    node.waiting('lamp/a').map(({ envelope }) => envelope.id),
    [press.id],
  );
  assert.deepEqual(
    [store.get(KEYS.journal('lamp/a', 2)), store.get(KEYS.seen('lamp/a', press.id))],
    [undefined, undefined],
  );
});

test('what goes in circles from actor to actor ends as a dead letter, and parks nobody', async () => {
  const store = await openMemoryStore();
  const { node } = await startNode(store);
  await node.send(letter('lamp/a', 'open', { room: 'a' }));
  await node.stop();
  const circling = { ...letter('lamp/a', 'press', {}, { source: 'lamp/b' }), hops: 65 };
  await store.write([
    { put: KEYS.mail('lamp/a', 1), value: `{"door":"inside","envelope":${JSON.stringify(circling)}}` },
  ]);
  const again = await startNode(store);
  await again.node.quiet();
  const dead: { envelope: { id: string }; receipt: { code: string; reason: string } }[] = [];
  for await (const [, value] of store.scan(SPACES.dead)) dead.push(JSON.parse(value));
  assert.deepEqual(
    dead.map(({ envelope, receipt }) => [envelope.id, receipt.code]),
    [[circling.id, 'limit']],
  );
  assert.match(dead[0]!.receipt.reason, /press passed 64 actors: it is going in circles/);
  assert.equal((await again.node.settled('lamp/a'))!.parked, null);
  assert.equal((await again.node.send(letter('lamp/a', 'press'))).outcome, 'taken');
});

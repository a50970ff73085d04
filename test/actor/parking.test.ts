/** An actor that is parked: nobody but it waits, and what was said of an envelope is still said of it (I10, I14). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLetterbox } from '../../src/actor/letterbox.ts';
import { createMemoryServer } from '../../src/bus/memory-bus.ts';
import { SPACES } from '../../src/store/keys.ts';
import type { Store } from '../../src/store/store.ts';
import { lampNode, turns } from '../support/lamp-node.ts';
import type { LampNode } from '../support/lamp-node.ts';
import { letter } from '../support/letter.ts';
import { openMemoryStore } from '../support/memory-store.ts';

/** Lamp a has been lit and is parked by the bug it met. */
async function parked(store: Store) {
  const lamps = lampNode(store);
  await lamps.node.load();
  await lamps.node.send(letter('lamp/a', 'open', { room: 'a' }));
  const press = letter('lamp/a', 'press');
  await lamps.node.send(press);
  void lamps.node.send(letter('lamp/a', 'break'), { door: 'mail' });
  await lamps.node.quiet();
  return { ...lamps, press };
}

const unpark = ({ node }: Pick<LampNode, 'node'>) => node.send(letter('lamp/a', 'correct.unpark', { skip: true }));

test('what was taken before its actor was parked is still answered with its first receipt', async () => {
  const { node, press } = await parked(await openMemoryStore());
  const { outcome, seq, duplicate } = await node.send(press);
  assert.deepEqual([outcome, seq, duplicate], ['taken', 2, true]);
});

test('what is asked of a parked actor is refused, a dead letter, and answered the same way once it goes on', async () => {
  const store = await openMemoryStore();
  const lamps = await parked(store);
  const late = letter('lamp/a', 'press');
  assert.equal((await lamps.node.send(late)).code, 'parked');
  const dead: string[] = [];
  for await (const [, row] of store.scan(SPACES.dead))
    dead.push((JSON.parse(row) as { envelope: { id: string } }).envelope.id);
  assert.deepEqual(dead, [late.id]);
  await unpark(lamps);
  const { code, duplicate } = await lamps.node.send(late);
  assert.deepEqual([code, duplicate], ['parked', true]);
  assert.equal(await lamps.phase('lamp/a'), 'on');
});

test('an unpark is foretold as it will be; of an actor that is not parked it is refused, not unknown', async () => {
  const { node } = await parked(await openMemoryStore());
  const freeing = letter('lamp/a', 'correct.unpark', { skip: true });
  assert.equal(node.preview(freeing).outcome, 'taken');
  assert.equal((await node.send(freeing)).outcome, 'taken');
  const { outcome, code, reason } = await node.send(letter('lamp/a', 'correct.unpark'));
  assert.deepEqual([outcome, code, reason], ['refused', 'guard', 'lamp/a is not parked']);
});

for (const when of ['before', 'after']) {
  test(`an observation that came ${when} its actor was parked is durable at once, and taken when it goes on`, async () => {
    const store = await openMemoryStore();
    const lamps = lampNode(store);
    await lamps.node.load();
    await lamps.node.send(letter('lamp/a', 'open', { room: 'a' }));
    void lamps.node.send(letter('lamp/a', 'break'), { door: 'mail' });
    if (when === 'after') await lamps.node.quiet();
    const { outcome, seq, reason } = await lamps.node.send(letter('lamp/a', 'press'), { door: 'hook' });
    assert.deepEqual([outcome, seq], ['recorded', null]);
    assert.match(reason ?? '', /lamp\/a is parked: it is kept/);
    assert.equal(await lamps.phase('lamp/a'), 'off');
    const again = lampNode(store);
    await again.node.load();
    await unpark(again);
    await again.node.quiet();
    assert.equal(await again.phase('lamp/a'), 'on');
  });
}

test('a hook for a parked actor is taken, and so are those behind it', async () => {
  const lamps = await parked(await openMemoryStore());
  const { clock, log, node } = lamps;
  const bus = createMemoryServer({ clock }).bus();
  const letterbox = createLetterbox({
    node,
    bus,
    clock,
    log,
    async takeHook({ subject }) {
      const lamp = subject === 'first' ? 'lamp/a' : 'lamp/b';
      await node.send(letter(lamp, 'press'), { door: 'hook' });
    },
  });
  await letterbox.start();
  await node.send(letter('lamp/b', 'open', { room: 'b' }));
  await bus.publish('hook', 'first', '{}');
  const { seq } = await bus.publish('hook', 'second', '{}');
  await letterbox.taken(seq);
  assert.equal(await lamps.phase('lamp/b'), 'on');
  await letterbox.stop();
});

test('what waits for a parked actor holds back no other’s mail, and has an end of its own', async () => {
  const store = await openMemoryStore();
  const lamps = await parked(store);
  const { clock, log, node } = lamps;
  const bus = createMemoryServer({ clock }).bus();
  const letterbox = createLetterbox({ node, bus, clock, log, takeHook: async () => {} });
  await letterbox.start();
  const text = 'x'.repeat(1_000_000);
  for (let nth = 0; nth < 20; nth++) {
    await bus.publish('mail', 'lamp.a', JSON.stringify(letter('lamp/a', 'fyi', { text })));
  }
  await bus.publish('mail', 'lamp.b', JSON.stringify(letter('lamp/b', 'open', { room: 'b' })));
  await turns();
  assert.equal(await lamps.phase('lamp/b'), 'off');
  assert.deepEqual([node.queuedBytes(), node.waiting('lamp/a').length], [0, 17]);
  let dead = 0;
  for await (const _ of store.scan(SPACES.dead)) dead += 1;
  assert.equal(dead, 4);
  await unpark(lamps);
  await node.quiet();
  const { notes } = (await node.settled('lamp/a'))!.stood!.live.state.context as { notes: string[] };
  assert.equal(notes.length, 16);
  await letterbox.stop();
});

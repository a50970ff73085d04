/** Who has a reference is read once and then known, until a step changes it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createReferences } from '../../src/actor/references.ts';
import type { Definition } from '../../src/actor/state.ts';
import type { Store } from '../../src/store/store.ts';
import { lampDefinition } from '../support/lamp.ts';
import { lampNode } from '../support/lamp-node.ts';
import { letter } from '../support/letter.ts';
import { openMemoryStore } from '../support/memory-store.ts';

/** A lamp is known by its floor, which is another at the level 100. */
const movingLamp = {
  ...lampDefinition,
  project: (view: Parameters<typeof lampDefinition.project>[0]) => ({
    ...lampDefinition.project(view),
    refs: [view.context.level < 100 ? 'floor:Ground' : 'floor:attic'],
  }),
} as unknown as Definition;

async function start() {
  const memory = await openMemoryStore();
  let scans = 0;
  const store: Store = {
    ...memory,
    scan(range) {
      scans += 1;
      return memory.scan(range);
    },
  };
  const { node } = lampNode(store, { definitions: [movingLamp] });
  await node.load();
  const { find } = createReferences({ store, node });
  const scansOf = async (work: () => Promise<unknown>): Promise<number> => {
    const before = scans;
    await work();
    return scans - before;
  };
  return { node, find, scansOf };
}

test('who has a reference is found in any case, and read from the store once', async () => {
  const { node, find, scansOf } = await start();
  await node.send(letter('lamp/a', 'open', { room: 'hall' }));
  assert.deepEqual(await find('floor:Ground'), ['lamp/a']);
  assert.equal(await scansOf(async () => assert.deepEqual(await find('FLOOR:ground'), ['lamp/a'])), 0);
  assert.equal(await scansOf(async () => assert.deepEqual(await find('floor:none'), [])), 1);
  assert.equal(await scansOf(() => find('floor:none')), 0);
});

test('whoever gets a reference is found by the question after its receipt, whoever loses it no more', async () => {
  const { node, find } = await start();
  await node.send(letter('lamp/a', 'open', { room: 'hall' }));
  assert.deepEqual([await find('floor:ground'), await find('floor:attic')], [['lamp/a'], []]);
  await node.send(letter('lamp/b', 'open', { room: 'bath' }));
  assert.deepEqual(await find('floor:ground'), ['lamp/a', 'lamp/b']);
  await node.send(letter('lamp/a', 'press'));
  await node.send(letter('lamp/a', 'dim', { to: 100 }));
  assert.deepEqual([await find('floor:ground'), await find('floor:attic')], [['lamp/b'], ['lamp/a']]);
});

test('an answer that was on its way while a step changed it is not kept', async () => {
  const { node, find } = await start();
  const asked = find('floor:ground');
  await node.send(letter('lamp/a', 'open', { room: 'hall' }));
  await asked;
  assert.deepEqual(await find('floor:ground'), ['lamp/a']);
});

/** What the kernel holds is bounded by what is active, not by what exists (I12), and nobody waits for another’s mail (I14). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Store } from '../../src/store/store.ts';
import { lampNode } from '../support/lamp-node.ts';
import { letter } from '../support/letter.ts';
import { openMemoryStore } from '../support/memory-store.ts';

const ACTIVE_MAX = 20;

async function rowsOf(store: Store): Promise<Record<string, number>> {
  const rows: Record<string, number> = {};
  for await (const [key] of store.scan({ gte: '', lt: '\uffff' })) {
    const space = key.split('\u0000').slice(0, 2).join(' ');
    rows[space] = (rows[space] ?? 0) + 1;
  }
  return rows;
}

test('a node of many idle actors holds only the last few, also after a restart, and asking after one holds no more', async () => {
  const store = await openMemoryStore();
  const { node } = lampNode(store, { activeMax: ACTIVE_MAX });
  await node.load();
  for (const many of [100, 400]) {
    for (let lamp = 0; lamp < many; lamp++) {
      void node.send(letter(`lamp/of-${many}-${lamp}`, 'open', { room: `${many}-${lamp}` }));
    }
    await node.quiet();
    assert.ok(node.actors.inMemory() <= ACTIVE_MAX, `${node.actors.inMemory()} are held`);
    assert.equal(node.queuedBytes(), 0);
  }
  await node.stop();
  const next = lampNode(store, { activeMax: ACTIVE_MAX });
  await next.node.load();
  assert.equal(next.node.actors.inMemory(), 0, 'a start brings none to life');
  for (let lamp = 0; lamp < 100; lamp++) {
    assert.equal(next.node.actors.row(`lamp/of-100-${lamp}`)?.phase, 'off');
    await next.node.settled(`lamp/of-400-${lamp}`);
  }
  assert.ok(next.node.actors.inMemory() <= ACTIVE_MAX, `${next.node.actors.inMemory()} are held`);
});

test('each actor that is idle costs the same few rows, however many there are', async () => {
  const cost = async (many: number): Promise<number> => {
    const store = await openMemoryStore();
    const { node } = lampNode(store);
    await node.load();
    for (let lamp = 0; lamp < many; lamp++) await node.send(letter(`lamp/l${lamp}`, 'open', { room: `r${lamp}` }));
    await node.stop();
    return Object.values(await rowsOf(store)).reduce((sum, rows) => sum + rows, 0);
  };
  const [few, twice, thrice] = [await cost(10), await cost(20), await cost(30)];
  assert.ok(few > 10);
  assert.equal(twice - few, thrice - twice);
});

test('an actor whose mailbox is flooded gives every other its turn within one batch', async () => {
  const { node, committed } = lampNode(await openMemoryStore());
  await node.load();
  for (const name of ['flooded', 'quiet', 'other']) await node.send(letter(`lamp/${name}`, 'open', { room: name }));
  const from = committed.length;
  for (let press = 0; press < 2_000; press++) void node.send(letter('lamp/flooded', 'press'));
  void node.send(letter('lamp/quiet', 'press'));
  void node.send(letter('lamp/other', 'press'));
  await node.quiet();
  const batchOf = (actor: string): number =>
    committed.slice(from).findIndex(({ facts }) => facts.some((fact) => fact.actor === actor));
  assert.ok(committed.length - from > 3, 'the flood does not fit into one batch');
  // A turn is a few steps long, so that they even share the flood’s first batch.
  assert.equal(batchOf('lamp/quiet'), batchOf('lamp/flooded'));
  assert.equal(batchOf('lamp/other'), batchOf('lamp/flooded'));
});

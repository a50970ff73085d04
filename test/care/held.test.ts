/** The hold of a restored store: durable until it is ended, and over for good then. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createHold } from '../../src/actor/hold.ts';
import type { Held } from '../../src/actor/hold.ts';
import { createWatches } from '../../src/actor/watches.ts';
import type { Definition } from '../../src/actor/state.ts';
import type { WatchPerformer } from '../../src/effects/effect.ts';
import { KEYS } from '../../src/store/keys.ts';
import type { Store } from '../../src/store/store.ts';
import { lampDefinition } from '../support/lamp.ts';
import { lampNode, turns } from '../support/lamp-node.ts';
import { letter } from '../support/letter.ts';
import { openMemoryStore } from '../support/memory-store.ts';

const HELD: Held = { since: '2026-02-02T00:00:00.000Z', backup: { at: '2026-02-01T00:00:00.000Z', batch: 7 } };

async function heldStore(): Promise<Store> {
  const store = await openMemoryStore();
  await store.write([{ put: KEYS.meta('held'), value: JSON.stringify(HELD) }]);
  return store;
}

const holdOf = (store: Store) => {
  const { node } = lampNode(store);
  return { node, hold: createHold({ node, read: (key) => store.get(key) }) };
};

test('a hold outlives restarts, and ends once with what was held', async () => {
  const store = await heldStore();
  for (let life = 0; life < 2; life++) {
    const { node, hold } = holdOf(store);
    await node.load();
    let isResumed = false;
    void hold.resumed.then(() => (isResumed = true));
    await turns();
    assert.deepEqual(hold.held(), HELD);
    assert.equal(isResumed, false);
    await node.stop();
  }
  const { node, hold } = holdOf(store);
  await node.load();
  assert.deepEqual(await hold.resume(), HELD);
  await hold.resumed;
  assert.equal(hold.held(), null);
  assert.equal(store.get(KEYS.meta('held')), undefined);
  assert.equal(await hold.resume(), null);
  await node.stop();
  const again = holdOf(store);
  await again.hold.resumed;
  assert.equal(again.hold.held(), null);
});

test('watches that are held start when they are released, as they are wanted then', async () => {
  const watched = {
    ...lampDefinition,
    watch: (_name: string, view: { context: { level: number } }) => ({ level: view.context.level }),
  } as unknown as Definition;
  const { node, log, clock } = lampNode(await openMemoryStore(), { definitions: [watched] });
  const heard: string[] = [];
  const consumer: WatchPerformer<{ level: number }> = {
    kind: 'watch',
    start(params, { actor }) {
      heard.push(`start ${actor} ${params.level}`);
      return { update: ({ level }) => void heard.push(`update ${level}`), poke() {}, async stop() {} };
    },
  };
  const watches = createWatches({ node, performers: { consumer }, log, clock, held: true });
  await node.load();
  for (const name of ['a', 'b']) {
    await node.send(letter(`lamp/${name}`, 'open', { room: name }));
    await node.send(letter(`lamp/${name}`, 'press'));
  }
  await node.send(letter('lamp/a', 'dim', { to: 20 }));
  await node.send(letter('lamp/b', 'press'));
  watches.poke('lamp/a', 'consumer');
  assert.deepEqual([heard, watches.standing('lamp/a')], [[], []]);

  watches.release();

  assert.deepEqual(heard, ['start lamp/a 20']);
  await node.send(letter('lamp/a', 'dim', { to: 30 }));
  assert.deepEqual(heard, ['start lamp/a 20', 'update 30']);
  await watches.stop();
  await node.stop();
});

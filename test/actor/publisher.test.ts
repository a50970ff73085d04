/** Facts on the bus: what a crash kept back is published by the next start, the very last batch too. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createNode } from '../../src/actor/node.ts';
import { createPublisher } from '../../src/actor/publisher.ts';
import type { Definition } from '../../src/actor/state.ts';
import type { Bus } from '../../src/bus/bus.ts';
import { createMemoryServer } from '../../src/bus/memory-bus.ts';
import { createFakeClock } from '../../src/clock.ts';
import { createLog } from '../../src/log.ts';
import { lampDefinition } from '../support/lamp.ts';
import { letter } from '../support/letter.ts';
import { openMemoryStore } from '../support/memory-store.ts';

test('a start publishes what was committed and not yet published, and knows where the facts stand', async () => {
  const clock = createFakeClock();
  const log = createLog({ level: 'silent' });
  const store = await openMemoryStore();
  const ids: (string | undefined)[] = [];
  let told = (): void => {};
  const all = new Promise<void>((resolve) => (told = resolve));
  const memory = createMemoryServer({ clock }).bus();
  const bus: Bus = {
    ...memory,
    async publishAll(stream, letters) {
      ids.push(...letters.map(({ msgId }) => msgId));
      if (ids.length >= 2) told();
      return memory.publishAll(stream, letters);
    },
  };
  const open = async () => {
    const node = createNode({ store, definitions: [lampDefinition as unknown as Definition], clock, log });
    const publisher = createPublisher({ node, bus, clock, log, namespace: 'chartroom' });
    await node.load();
    return { node, publisher };
  };
  const before = await open();
  await before.node.send(letter('lamp/desk', 'open', { room: 'hall' }));
  await before.node.send(letter('lamp/desk', 'press', { by: 'ann' }));
  const position = before.publisher.position();
  await before.node.stop();

  const { node, publisher } = await open();
  assert.equal(publisher.position(), position);
  publisher.start();
  // Another batch, so that a start which forgets the last one is seen to go past it.
  await node.send(letter('lamp/desk', 'press', { by: 'bob' }));
  await all;

  assert.deepEqual(ids.slice(0, 2), ['lamp/desk/1', 'lamp/desk/2']);
  await publisher.stop();
  await node.stop();
});

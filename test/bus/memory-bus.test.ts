import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createMemoryServer } from '../../src/bus/memory-bus.ts';
import { createFakeClock, realClock } from '../../src/clock.ts';
import { busContract } from './contract.ts';

busContract('memory', async (limits = {}) => {
  const server = createMemoryServer({ clock: realClock, limits });
  const opened: { close(): Promise<void> }[] = [];
  const keep = <T extends { close(): Promise<void> }>(one: T): T => {
    opened.push(one);
    return one;
  };
  return {
    connect: async () => keep(server.bus()),
    client: async () => keep(server.client()),
    stop: async () => server.stop(),
    start: async () => server.start(),
    replace: async (stream) => server.replace(stream),
    async dispose() {
      for (const one of opened) await one.close();
    },
  };
});

test('memory: a read gives up when its clock says so', async () => {
  const clock = createFakeClock();
  const bus = createMemoryServer({ clock }).bus();
  const waiting = bus.read('mail', 0, { max: 1, waitMs: 30_000 });
  clock.advance(30_000);
  assert.deepEqual(await waiting, []);
});

test('memory: the window of message ids is that of the real stream', async () => {
  const clock = createFakeClock();
  const bus = createMemoryServer({ clock }).bus();
  await bus.publish('fact', 'a.b.c', '1', { msgId: 'x' });
  clock.advance(119_000);
  assert.equal((await bus.publish('fact', 'a.b.c', '1', { msgId: 'x' })).duplicate, true);
  clock.advance(2_000);
  assert.equal((await bus.publish('fact', 'a.b.c', '1', { msgId: 'x' })).duplicate, false);
});

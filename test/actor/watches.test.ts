/** Watches stand while their state is active: started, updated, poked and stopped with it, and again after a restart (I4). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createWatches } from '../../src/actor/watches.ts';
import type { Definition } from '../../src/actor/state.ts';
import type { WatchContext, WatchPerformer } from '../../src/effects/effect.ts';
import type { Store } from '../../src/store/store.ts';
import { lampDefinition } from '../support/lamp.ts';
import { lampNode, turns } from '../support/lamp-node.ts';
import { letter } from '../support/letter.ts';
import { openMemoryStore } from '../support/memory-store.ts';

/** A lamp that is lit is watched with its level as parameter. */
const watchedLamp = {
  ...lampDefinition,
  watch: (_name: string, view: { context: { level: number } }) => ({ level: view.context.level }),
} as unknown as Definition;

async function startWatching(store: Store) {
  const lamps = lampNode(store, { definitions: [watchedLamp] });
  const heard: string[] = [];
  let context: WatchContext | null = null;
  const consumer: WatchPerformer<{ level: number }> = {
    kind: 'watch',
    start(params, given) {
      context = given;
      heard.push(`start ${given.actor} ${params.level}`);
      return {
        update: ({ level }) => void heard.push(`update ${level}`),
        poke: (hint) => void heard.push(`poke ${String(hint)}`),
        stop: async (leaving) => void heard.push(`stop ${leaving}`),
      };
    },
  };
  const watches = createWatches({
    node: lamps.node,
    performers: { consumer },
    log: lamps.log,
    clock: lamps.clock,
  });
  await lamps.node.load();
  return { ...lamps, watches, heard, context: () => context! };
}

test('a watch starts with its state, is told of other parameters, and stops when the state is left', async () => {
  const { node, watches, heard } = await startWatching(await openMemoryStore());
  await node.send(letter('lamp/a', 'open', { room: 'a' }));
  assert.deepEqual(heard, []);
  await node.send(letter('lamp/a', 'press'));
  assert.deepEqual(watches.standing('lamp/a'), ['consumer']);
  await node.send(letter('lamp/a', 'fyi', { text: 'nothing of it changes' }));
  await node.send(letter('lamp/a', 'dim', { to: 20 }));
  watches.poke('lamp/a', 'consumer', 'hook');
  await node.send(letter('lamp/a', 'press'));
  assert.deepEqual(heard, ['start lamp/a 50', 'update 20', 'poke hook', 'stop state']);
  assert.deepEqual(watches.standing('lamp/a'), []);
  watches.poke('lamp/a', 'consumer');
  watches.poke('lamp/none', 'consumer');
  assert.equal(heard.length, 4);
});

test('no watch starts before the step that wants it is durable, though an earlier one of its actor is', async () => {
  const store = await openMemoryStore();
  const held: (() => void)[] = [];
  const slow: Store = {
    ...store,
    async write(operations) {
      await new Promise<void>((go) => held.push(go));
      await store.write(operations);
    },
  };
  const { node, heard } = await startWatching(slow);
  void node.send(letter('lamp/a', 'open', { room: 'a' }));
  await turns();
  void node.send(letter('lamp/a', 'press'));
  await turns();
  held[0]!();
  await turns();
  assert.deepEqual([held.length, heard], [2, []]);
  held[1]!();
  await node.quiet();
  assert.deepEqual(heard, ['start lamp/a 50']);
});

test('what stood when the process ended stands again after a restart, and nothing else', async () => {
  const store = await openMemoryStore();
  const first = await startWatching(store);
  for (const name of ['a', 'b', 'c']) {
    await first.node.send(letter(`lamp/${name}`, 'open', { room: name }));
    await first.node.send(letter(`lamp/${name}`, 'press'));
  }
  await first.node.send(letter('lamp/b', 'press'));
  await first.node.send(letter('lamp/c', 'end'));
  await first.watches.stop();
  assert.equal(first.heard.at(-1), 'stop runtime');
  await first.node.stop();
  const again = await startWatching(store);
  assert.deepEqual(again.heard, ['start lamp/a 50']);
});

test('what a watch tells is a step of its actor, and told twice under one id it is one', async () => {
  const { node, context } = await startWatching(await openMemoryStore());
  await node.send(letter('lamp/a', 'open', { room: 'a' }));
  await node.send(letter('lamp/a', 'press'));
  const first = await context().tell('dim', { to: 30 }, { id: 'level-30' });
  const second = await context().tell('dim', { to: 30 }, { id: 'level-30' });
  assert.equal(first.outcome, 'taken');
  assert.deepEqual(second, { ...first, duplicate: true });
});

test('a watch that cannot look is told of, since when and why, until it can again', async () => {
  const { node, watches, context, clock } = await startWatching(await openMemoryStore());
  await node.send(letter('lamp/a', 'open', { room: 'a' }));
  await node.send(letter('lamp/a', 'press'));
  assert.deepEqual(watches.blind(), []);
  const since = new Date(clock.now()).toISOString();
  context().trouble?.('401');
  clock.advance(1_000);
  context().trouble?.('404');
  assert.deepEqual(watches.blind(), [{ actor: 'lamp/a', watch: 'consumer', since, reason: '404' }]);
  assert.deepEqual(watches.blind('lamp/b'), []);
  context().trouble?.(null);
  assert.deepEqual(watches.blind('lamp/a'), []);
});

/** Damage is found (I13): whatever row of the journal, of the chain or of what is made of them is altered, it is named. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createNode } from '../../src/actor/node.ts';
import type { Definition } from '../../src/actor/state.ts';
import { replayActor, verifyStore } from '../../src/actor/verify.ts';
import { createFakeClock } from '../../src/clock.ts';
import { createLog } from '../../src/log.ts';
import { KEYS, SPACES } from '../../src/store/keys.ts';
import type { Store } from '../../src/store/store.ts';
import { lampDefinition } from '../support/lamp.ts';
import { letter } from '../support/letter.ts';
import { openMemoryStore } from '../support/memory-store.ts';

/** More steps than a snapshot waits for. */
const PRESSES = 110;

async function lived(): Promise<Store> {
  const store = await openMemoryStore();
  const node = createNode({
    store,
    definitions: [lampDefinition as unknown as Definition],
    clock: createFakeClock(),
    log: createLog({ level: 'silent' }),
  });
  await node.load();
  for (const name of ['a', 'b']) await node.send(letter(`lamp/${name}`, 'open', { room: name }));
  for (let press = 0; press < PRESSES; press++) await node.send(letter('lamp/a', 'press'));
  await node.send(letter('lamp/b', 'fyi', { text: 'a note' }));
  await node.stop();
  return store;
}

async function last(store: Store, range: { gte: string; lt: string }): Promise<[string, string]> {
  for await (const entry of store.scan({ ...range, reverse: true, limit: 1 })) return entry;
  throw new assert.AssertionError({ message: 'the range is empty' });
}

test('a store that was only written by steps is good', async () => {
  const { actors, entries, batches, differences } = await verifyStore(await lived());
  assert.deepEqual(differences, []);
  assert.equal(actors, 2);
  assert.equal(entries, PRESSES + 3);
  assert.ok(batches > 1);
});

test('one flipped byte of a journal entry is named with its batch, wherever it is', async () => {
  const store = await lived();
  const key = KEYS.journal('lamp/a', 7);
  const text = store.get(key)!;
  for (let at = 0; at < text.length; at += 7) {
    const flipped = String.fromCharCode(text.charCodeAt(at) ^ 1);
    await store.write([{ put: key, value: text.slice(0, at) + flipped + text.slice(at + 1) }]);
    const { differences } = await verifyStore(store);
    assert.ok(
      differences.some((difference) => difference.includes('lamp/a 7')),
      `byte ${at}: ${differences.join('; ')}`,
    );
  }
  await store.write([{ put: key, value: text }]);
  assert.deepEqual((await verifyStore(store)).differences, []);
});

for (const [what, damage, named] of [
  ['an entry that is gone', async () => ({ del: KEYS.journal('lamp/a', 9) }), /lamp\/a.*no entry 9/],
  ['the last entry that is gone', async () => ({ del: KEYS.journal('lamp/b', 2) }), /step 2 of lamp\/b/],
  [
    'an entry nobody wrote',
    async (store: Store) => ({ put: KEYS.journal('lamp/b', 3), value: store.get(KEYS.journal('lamp/b', 2))! }),
    /lamp\/b: its journal has 3 entries, batches wrote 2/,
  ],
  ['a batch that is gone', async () => ({ del: KEYS.batch(3) }), /batch 3 is missing/],
  ['a lost tail', async (store: Store) => ({ del: (await last(store, SPACES.batch))[0] }), /was the last/],
  [
    'a snapshot that is another',
    async (store: Store) => {
      const key = KEYS.snapshot('lamp/a');
      return { put: key, value: store.get(key)!.replace('"presses":', '"presses":1') };
    },
    /lamp\/a: its snapshot at step \d+ differs in context/,
  ],
  [
    'a row of the index that is another',
    async (store: Store) => ({
      put: KEYS.index('lamp/a'),
      value: store.get(KEYS.index('lamp/a'))!.replaceAll('"off"', '"on"'),
    }),
    /lamp\/a: the index shows another state/,
  ],
] as const) {
  test(`${what} is found and named`, async () => {
    const store = await lived();
    await store.write([await damage(store)]);
    const { differences } = await verifyStore(store);
    assert.match(differences.join('\n'), named);
  });
}

test('an entry that is half of one leaves what is said of the rest to the step before it', async () => {
  const store = await lived();
  const key = KEYS.journal('lamp/b', 2);
  const entry = JSON.parse(store.get(key)!) as { change: object };
  await store.write([{ put: key, value: JSON.stringify({ ...entry, change: { value: 'nowhere', patch: [7] } }) }]);
  const { differences } = await replayActor(store, 'lamp/b');
  assert.deepEqual(differences, [
    'entry 2 of its journal cannot be read',
    'its last step was 2, its journal is read to 1',
  ]);
});

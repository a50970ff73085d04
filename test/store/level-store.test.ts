/** The store on a disk: one process has it (I7), and a write that failed is the last. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { openLevelStore } from '../../src/store/level-store.ts';
import { openMemoryStore } from '../support/memory-store.ts';
import { StoreError } from '../../src/store/store.ts';
import { openFaultyStore } from '../support/faulty-store.ts';
import { storeContract } from './contract.ts';

const temporary = () => mkdtemp(path.join(tmpdir(), 'chartroom-store-'));

storeContract('level', async () => {
  const directory = await temporary();
  let store = await openLevelStore(directory);
  return {
    store,
    reopen: async () => {
      await store.close();
      store = await openLevelStore(directory);
      return store;
    },
    dispose: async () => {
      await store.close();
      await rm(directory, { recursive: true });
    },
  };
});

storeContract('memory', async () => {
  const store = await openMemoryStore();
  return { store, dispose: () => store.close() };
});

test('a second opener is told who holds the store', async () => {
  const directory = await temporary();
  const store = await openLevelStore(directory, 'the runtime “chartroom”');
  await assert.rejects(
    openLevelStore(directory),
    (error: StoreError) =>
      error.code === 'STORE_LOCKED' && error.message.includes(`the runtime “chartroom” (pid ${process.pid})`),
  );
  await store.close();
  await rm(directory, { recursive: true });
});

test('after a failed write no other is tried', async () => {
  const { store, failNextWrite } = await openFaultyStore();
  await store.write([{ put: 'a', value: '1' }]);
  failNextWrite();
  await assert.rejects(store.write([{ put: 'a', value: '2' }]), { code: 'STORE_FAILED' });
  await assert.rejects(store.write([{ put: 'a', value: '3' }]), { code: 'STORE_POISONED' });
  assert.equal(store.get('a'), '1');
  await store.close();
});

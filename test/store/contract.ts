/** What every store must do. `storeContract('level', open)` runs it; `reopen` is given where the store outlives itself. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Store } from '../../src/store/store.ts';

export interface StoreUnderTest {
  store: Store;
  /** Closes and opens it again with what it holds. */
  reopen?: () => Promise<Store>;
  /** Ends it and removes what it left. */
  dispose: () => Promise<void>;
}

export function storeContract(name: string, open: () => Promise<StoreUnderTest>): void {
  const withStore = async (use: (given: StoreUnderTest) => Promise<void>): Promise<void> => {
    const given = await open();
    try {
      await use(given);
    } finally {
      await given.dispose();
    }
  };
  const all = async (store: Store, range: Parameters<Store['scan']>[0]): Promise<[string, string][]> => {
    const entries: [string, string][] = [];
    for await (const entry of store.scan(range)) entries.push(entry);
    return entries;
  };

  test(`${name}: what was written is read, what was not is undefined`, () =>
    withStore(async ({ store }) => {
      await store.write([
        { put: 'a', value: '1' },
        { put: 'ä/€', value: 'ünïcode' },
        { put: 'empty', value: '' },
      ]);
      assert.equal(store.get('a'), '1');
      assert.equal(store.get('ä/€'), 'ünïcode');
      assert.equal(store.get('empty'), '');
      assert.equal(store.get('b'), undefined);
    }));

  test(`${name}: a later operation of the same batch wins`, () =>
    withStore(async ({ store }) => {
      await store.write([{ put: 'a', value: '1' }, { put: 'a', value: '2' }, { put: 'b', value: '1' }, { del: 'b' }]);
      assert.equal(store.get('a'), '2');
      assert.equal(store.get('b'), undefined);
    }));

  test(`${name}: a range is read in key order, both ways, within its bounds and limit`, () =>
    withStore(async ({ store }) => {
      await store.write(['a', 'b', 'c', 'd'].map((key) => ({ put: key, value: key })));
      assert.deepEqual(await all(store, { gte: 'b', lt: 'd' }), [
        ['b', 'b'],
        ['c', 'c'],
      ]);
      assert.deepEqual(await all(store, { gt: 'a', reverse: true, limit: 2 }), [
        ['d', 'd'],
        ['c', 'c'],
      ]);
    }));

  test(`${name}: a scan sees the moment it began`, () =>
    withStore(async ({ store }) => {
      await store.write([{ put: 'a', value: '1' }]);
      const scan = store.scan({})[Symbol.asyncIterator]();
      await scan.next();
      await store.write([{ put: 'b', value: '1' }]);
      assert.equal((await scan.next()).done, true);
    }));

  test(`${name}: a snapshot stays as it was while writes go on`, () =>
    withStore(async ({ store }) => {
      await store.write([{ put: 'a', value: '1' }]);
      const view = store.snapshot();
      await store.write([{ put: 'a', value: '2' }]);
      const entries: [string, string][] = [];
      for await (const entry of view.entries({})) entries.push(entry);
      await view.close();
      assert.deepEqual(entries, [['a', '1']]);
    }));

  test(`${name}: what was written is there after opening again`, (context) =>
    withStore(async ({ store, reopen }) => {
      if (reopen === undefined) return context.skip('this store does not outlive its process');
      await store.write([{ put: 'a', value: '1' }]);
      const again = await reopen();
      assert.equal(again.get('a'), '1');
    }));
}

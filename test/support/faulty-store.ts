/** A store on memory-level whose writes can be made to fail or to wait. */
import { MemoryLevel } from 'memory-level';
import { createLevelStore } from '../../src/store/level-store.ts';
import type { Store } from '../../src/store/store.ts';

export interface FaultyStore {
  store: Store;
  failNextWrite(): void;
  /** Holds every write back until released. */
  holdWrites(): () => void;
  /** Bytes of keys and values put so far. */
  written(): number;
}

export async function openFaultyStore(): Promise<FaultyStore> {
  const database = new MemoryLevel({ storeEncoding: 'utf8' });
  await database.open();
  let fail = false;
  let gate: Promise<void> = Promise.resolve();
  let bytes = 0;
  const chained = database.batch.bind(database) as () => ReturnType<typeof database.batch>;
  (database as { batch: unknown }).batch = () => {
    const batch = chained() as unknown as {
      put(key: string, value: string): unknown;
      write(options: object): Promise<void>;
    };
    const write = batch.write.bind(batch);
    const put = batch.put.bind(batch);
    batch.put = (key, value) => {
      bytes += key.length + value.length;
      return put(key, value);
    };
    batch.write = async (options) => {
      await gate;
      if (fail) throw new Error('no space left on device');
      return write(options);
    };
    return batch;
  };
  return {
    store: createLevelStore(database),
    failNextWrite: () => {
      fail = true;
    },
    holdWrites: () => {
      let release = () => {};
      gate = new Promise((resolve) => {
        release = resolve;
      });
      return release;
    },
    written: () => bytes,
  };
}

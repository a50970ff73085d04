/** A store that forgets: the same code on memory-level. */
import { MemoryLevel } from 'memory-level';
import { createLevelStore } from '../../src/store/level-store.ts';
import type { Store } from '../../src/store/store.ts';

export async function openMemoryStore(): Promise<Store> {
  const database = new MemoryLevel({ storeEncoding: 'utf8' });
  await database.open();
  return createLevelStore(database);
}

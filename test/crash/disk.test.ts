import { storeContract } from '../store/contract.ts';
import { createDisk } from './disk.ts';

storeContract('the disk of the crash harness', async () => {
  const disk = createDisk();
  return { store: disk.store(), reopen: async () => disk.store(), dispose: async () => {} };
});

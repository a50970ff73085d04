/** A store as a killed process leaves it: what was written last stands in LevelDB's log alone. */
import { cp, rename, rm } from 'node:fs/promises';

/** Closes whatever has the store of this directory open, and puts back what lay there before. */
export async function asKilled(directory: string, close: () => Promise<unknown>): Promise<void> {
  const copy = `${directory}-killed`;
  await cp(directory, copy, { recursive: true });
  await close();
  await rm(directory, { recursive: true });
  await rename(copy, directory);
}

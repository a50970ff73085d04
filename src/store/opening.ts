/** Opens the store of a data directory as a whole: what wrote it is looked at first, then LevelDB, then the archives. */
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { directoryOfArchives } from './archive-files.ts';
import { withArchives } from './archive.ts';
import type { ArchivedStore } from './archive.ts';
import { admit, hasStore, readFormat, writeFormat } from './format.ts';
import type { Build, MachineVersions } from './format.ts';
import { openLevelStore } from './level-store.ts';
import { withMark } from './mark.ts';
import { StoreError } from './store.ts';
import type { Store } from './store.ts';

/** In the store’s own directory: one rename moves both. */
export const ARCHIVE_DIRECTORY = 'archive';

export interface OpeningOptions {
  /** Whoever finds it locked is told this. */
  holder: string;
  build: Build;
  /** Nothing is written: not even who opened it last. */
  reading?: boolean;
  /** Versions of the machines that wrote a store which does not say so itself. */
  sampled?: (rows: Store) => Promise<MachineVersions>;
}

/**
 * @throws StoreError `STORE_VERSION`, before anything in it is touched; `STORE_LOCKED`, `STORE_DAMAGED`, `STORE_FAILED`
 */
export async function openStore(
  directory: string,
  { holder, build, reading = false, sampled }: OpeningOptions,
): Promise<ArchivedStore> {
  const written = readFormat(directory);
  if (written !== null) admit(directory, written, build);
  else if (!hasStore(directory)) {
    mkdirSync(directory, { recursive: true });
    await writeFormat(directory, build);
  }
  const level = await openLevelStore(directory, holder);
  let rows = level;
  try {
    rows = await withMark(level, directory, reading);
    if (written === null && sampled !== undefined) {
      admit(directory, { format: 1, chartroom: 'of an older build', machines: await sampled(rows) }, build);
    }
    if (!reading && (written === null || !isSame(written, build))) await writeFormat(directory, build);
  } catch (error) {
    await rows.close();
    throw error instanceof StoreError
      ? error
      : new StoreError('STORE_FAILED', `the store in ${directory} could not be opened: ${(error as Error).message}`, {
          cause: error,
        });
  }
  return withArchives(rows, directoryOfArchives(path.join(directory, ARCHIVE_DIRECTORY)));
}

const isSame = (written: Build, build: Build): boolean =>
  written.chartroom === build.chartroom &&
  Object.keys(build.machines).every((kind) => written.machines[kind] === build.machines[kind]);

/**
 * What wrote a store, in a file beside it that is read before the store is touched: the format of its rows, and the
 * version of each machine. A store of another format or version is refused as it is, with both named.
 */
import { existsSync, readFileSync } from 'node:fs';
import { rename } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { syncDirectory, writeSynced } from './durable.ts';
import { StoreError } from './store.ts';

/** Of keys and rows. It changes when an older build could no longer read what a newer one writes. */
export const STORE_FORMAT = 1;
const FORMAT_FILE = 'chartroom-store.json';

/** Kind → version. */
export type MachineVersions = Record<string, string>;

const format = z.object({
  format: z.number().int(),
  chartroom: z.string(),
  machines: z.record(z.string(), z.string()),
});
export type StoreFormat = z.infer<typeof format>;

export interface Build {
  /** The product's version. */
  chartroom: string;
  machines: MachineVersions;
}

/** Whether a store lies in a directory. */
export const hasStore = (directory: string): boolean => existsSync(path.join(directory, 'CURRENT'));

/** Null: there is none (a new store, or one of a build that wrote none). @throws StoreError when it cannot be read */
export function readFormat(directory: string): StoreFormat | null {
  const file = path.join(directory, FORMAT_FILE);
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw new StoreError('STORE_FAILED', `${file} cannot be read: ${(error as Error).message}`, { cause: error });
  }
  try {
    return format.parse(JSON.parse(text));
  } catch (error) {
    const message = `${file} does not say what wrote the store: it is damaged, or of a build this one knows nothing of`;
    throw new StoreError('STORE_VERSION', message, { cause: error });
  }
}

/** What of a store this build cannot open, one sentence each; empty = it opens. */
export function versionDifferences(written: StoreFormat, build: Build): string[] {
  if (written.format !== STORE_FORMAT) {
    return [`its format is ${written.format}, this build (chartroom ${build.chartroom}) reads format ${STORE_FORMAT}`];
  }
  return Object.entries(written.machines).flatMap(([kind, version]) => {
    const here = build.machines[kind];
    if (here === version) return [];
    if (here === undefined) return [`it holds actors of kind ${kind} (version ${version}), which this build has not`];
    return [`${kind} is version ${version} in it, version ${here} in this build`];
  });
}

/** @throws StoreError `STORE_VERSION` with everything that differs */
export function admit(directory: string, written: StoreFormat, build: Build): void {
  const differences = versionDifferences(written, build);
  if (differences.length === 0) return;
  throw new StoreError(
    'STORE_VERSION',
    `the store in ${directory} was written by chartroom ${written.chartroom}: ${differences.join('; ')}`,
  );
}

/** Writes what this build will have written, whole or not at all. */
export async function writeFormat(directory: string, { chartroom, machines }: Build): Promise<void> {
  const file = path.join(directory, FORMAT_FILE);
  const written: StoreFormat = { format: STORE_FORMAT, chartroom, machines };
  await writeSynced(`${file}.partial`, Buffer.from(`${JSON.stringify(written)}\n`));
  await rename(`${file}.partial`, file);
  await syncDirectory(directory);
}

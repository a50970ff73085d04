/** Runs whose processes live on this machine, by what their folders say and the process table confirms. */
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { isAlive } from './ending.ts';
import { folderAt, isRunName, readRecord } from './folder.ts';
import type { RunRecord } from './folder.ts';

export async function livingRuns(dataDir: string, bootId: string): Promise<RunRecord[]> {
  const names = await readdir(path.join(path.resolve(dataDir), 'runs')).catch(() => []);
  const records = await Promise.all(names.filter(isRunName).map((name) => readRecord(folderAt(dataDir, name))));
  const alive = await Promise.all(
    records.map(async (record) =>
      record !== undefined && record.exit === undefined && (await isAlive(record, bootId)) ? [record] : [],
    ),
  );
  return alive.flat();
}

/** What a process did without a word: when files were last written. By the clock of the files, never by ours. */
import { lstat, opendir } from 'node:fs/promises';
import path from 'node:path';

/** A worktree with more than this is looked at in part: silence is asked about, nothing is ended for it yet. */
const ENTRIES_MAX = 50_000;

/** When this file was last written; 0: there is none. */
export async function writtenMs(file: string): Promise<number> {
  return (await lstat(file).catch(() => null))?.mtimeMs ?? 0;
}

/** Bytes of this file; 0: there is none. */
export async function sizeOf(file: string): Promise<number> {
  return (await lstat(file).catch(() => null))?.size ?? 0;
}

/** The first time after `sinceMs` found in a directory and all below it; the newest one where nothing is later. */
export async function newestWithin(directory: string, sinceMs: number): Promise<number> {
  let newest = await writtenMs(directory);
  let left = ENTRIES_MAX;
  const waiting = [directory];
  while (newest <= sinceMs && left > 0) {
    const next = waiting.pop();
    if (next === undefined) break;
    for await (const entry of await opendir(next).catch(() => [])) {
      left -= 1;
      const at = path.join(next, entry.name);
      if (entry.isDirectory()) waiting.push(at);
      newest = Math.max(newest, await writtenMs(at));
      if (newest > sinceMs || left <= 0) break;
    }
  }
  return newest;
}

/** What a process did without a word: files that were written meanwhile. By the clock of the files, never by ours. */
import { lstat, opendir, writeFile } from 'node:fs/promises';
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

/** What time the file system has: what a file written now is dated. */
export async function fileTimeMs(probe: string): Promise<number> {
  await writeFile(probe, '.');
  return writtenMs(probe);
}

/** Behind `fromMs`, up to and with `toMs`: a file that dates itself into the future says nothing of today. */
export interface Span {
  fromMs: number;
  toMs: number;
}

/** Whether this file was written within the span. */
export async function wasWritten(file: string, { fromMs, toMs }: Span): Promise<boolean> {
  const at = await writtenMs(file);
  return at > fromMs && at <= toMs;
}

/** Whether a directory or anything below it was written within the span; what links lead to is not looked at. */
export async function wasWrittenWithin(directory: string, span: Span): Promise<boolean> {
  if (await wasWritten(directory, span)) return true;
  let left = ENTRIES_MAX;
  const waiting = [directory];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    for await (const entry of await opendir(next).catch(() => [])) {
      const at = path.join(next, entry.name);
      if (entry.isDirectory()) waiting.push(at);
      if (await wasWritten(at, span)) return true;
      left -= 1;
      if (left === 0) return false;
    }
  }
  return false;
}

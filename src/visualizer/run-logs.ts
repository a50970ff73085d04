/** The logs of runs as people read them: already redacted when they were written, found by their actor, read on from a byte. */
import { open, readdir } from 'node:fs/promises';
import path from 'node:path';
import { folderAt, readRecord } from '../effects/process/folder.ts';

export interface RunLine {
  /** Name of its folder. */
  run: string;
  agent: string;
  session: string | null;
  epoch: number | null;
  driver: string;
  startedAt: string | null;
  /** How it ended; null = it has not. */
  ended: string | null;
}

export interface RunLogs {
  /** Runs of an agent or of a session, newest first. */
  list(actor: string): Promise<RunLine[]>;
  /** Whole lines from a byte on; undefined: there is no such run. */
  read(run: string, from: number): Promise<{ text: string; next: number; ended: boolean } | undefined>;
}

/** A browser is sent no more at once; the rest is a question away. */
const PORTION_BYTES = 256 * 1_024;
const RUNS_MAX = 200;
const RUN_NAME = /^[a-z0-9][a-z0-9_.-]{0,255}$/;

export function createRunLogs(dataDirectory: string): RunLogs {
  const recordOf = (run: string) => readRecord(folderAt(dataDirectory, run));
  return {
    async list(actor) {
      const names = await readdir(path.join(dataDirectory, 'runs')).catch(() => []);
      const lines: RunLine[] = [];
      for (const run of names) {
        if (!RUN_NAME.test(run)) continue;
        const record = await recordOf(run);
        if (record === undefined || (record.agent !== actor && record.session !== actor)) continue;
        lines.push({
          run,
          agent: record.agent,
          session: record.session ?? null,
          epoch: record.epoch ?? null,
          driver: record.driver,
          startedAt: record.startedAt ?? record.preparedAt,
          ended: record.exit?.class ?? null,
        });
      }
      return lines.sort((a, b) => ((a.startedAt ?? '') < (b.startedAt ?? '') ? 1 : -1)).slice(0, RUNS_MAX);
    },
    async read(run, from) {
      if (!RUN_NAME.test(run)) return undefined;
      // Before the text: a run that ends meanwhile is read once more.
      const record = await recordOf(run);
      if (record === undefined) return undefined;
      const text = await portion(folderAt(dataDirectory, run).files.live, from);
      return { ...text, ended: record.exit !== undefined };
    },
  };
}

async function portion(file: string, from: number): Promise<{ text: string; next: number }> {
  const handle = await open(file).catch(() => null);
  // Nothing was put out yet.
  if (handle === null) return { text: '', next: from };
  try {
    const { size } = await handle.stat();
    // The logs of a run begin anew when the runtime is started again.
    const start = from > size ? 0 : from;
    const bytes = Buffer.alloc(Math.min(PORTION_BYTES, size - start));
    const { bytesRead } = await handle.read(bytes, 0, bytes.length, start);
    const read = bytes.subarray(0, bytesRead);
    // Up to the end of a line: a letter of several bytes is not cut; a line longer than a portion is.
    const end = read.lastIndexOf(10) + 1 || (bytesRead === PORTION_BYTES ? bytesRead : 0);
    return { text: read.subarray(0, end).toString('utf8'), next: start + end };
  } finally {
    await handle.close();
  }
}

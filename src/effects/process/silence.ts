/**
 * The silence of a process: told when for the limit neither a line was heard of it nor a file of its worktree was
 * written, and taken back with the first line after it, also by a runtime that was started in between.
 */
import { fileTimeMs, wasWritten, wasWrittenWithin, writtenMs } from './activity.ts';
import type { Folder, RunRecord } from './folder.ts';
import type { Word } from './telling.ts';

export interface Silence {
  /** The limit of `sinceMs` went by without a line, the `nth` time something was waited for. */
  look: (sinceMs: number, nth: number) => Promise<void>;
  /** A line was read. */
  line: () => void;
}

export interface SilenceOptions {
  run: string;
  folder: Folder;
  /** Where it works. */
  cwd: string;
  /** The silence an earlier runtime told. */
  told: RunRecord['silence'];
  keep: (told: RunRecord['silence']) => Promise<void>;
  say: (word: Word) => void;
  /** It worked all the same: the limit begins again. */
  wait: () => void;
}

export function createSilence({ run, folder, cwd, told, keep, say, wait }: SilenceOptions): Silence {
  const { files } = folder;
  let lines = 0;
  /** When its files were last looked at, by their own clock. */
  let lookedMs = 0;

  return {
    async look(sinceMs, nth) {
      const before = lines;
      const toMs = await fileTimeMs(files.probe);
      const span = { fromMs: Math.max(lookedMs, await writtenMs(files.output)), toMs };
      lookedMs = toMs;
      if ((await wasWritten(files.complaint, span)) || (await wasWrittenWithin(cwd, span))) return wait();
      const silent = { nth, lines: before };
      // Kept before it is told; a line that comes meanwhile ends the silence before anybody heard of it.
      await keep(silent);
      if (lines > before) return keep(undefined);
      told = silent;
      say({ type: 'driver.silent', data: { sinceMs }, id: `${run}/silent/${nth}` });
    },
    line() {
      lines += 1;
      // A later runtime reads from the beginning what was heard before.
      if (told === undefined || lines <= told.lines) return;
      say({ type: 'driver.heard', data: {}, id: `${run}/heard/${told.nth}` });
      told = undefined;
      // Not kept, a later runtime says it again under the same id.
      keep(undefined).catch(() => {});
    },
  };
}

/**
 * Worktrees of sessions that ended are removed as they end. What could not be removed then (a process was still in it,
 * the disk said no) goes when the session has been over for a while; its unsaved work is kept on a rescue branch, as ever.
 */
import { readdir, readlink } from 'node:fs/promises';
import path from 'node:path';
import type { Clock } from '../clock.ts';
import type { Logger } from '../log.ts';

export interface TidyingOptions {
  /** Where the worktrees lie. */
  root: string;
  /** The session of this id; null = there is none here, and its directory is somebody else's. */
  session(id: string): { final: boolean; epoch: number | null; updatedAt: string } | null;
  /** Removes a session's directories; what they hold beyond the remote is kept. */
  remove(id: string, epoch: number): Promise<void>;
  ageMs: number;
  clock: Clock;
  log: Logger;
}

export interface Tidying {
  start(): void;
  stop(): Promise<void>;
  /** @returns the ids of the sessions whose directories it removed. */
  once(): Promise<string[]>;
}

/** Nobody waits for it. */
const EVERY_MS = 6 * 3_600_000;

export function createTidying({ root, session, remove, ageMs, clock, log }: TidyingOptions): Tidying {
  let cancel = (): void => {};
  let running: Promise<unknown> = Promise.resolve();
  let isOver = false;

  async function once(): Promise<string[]> {
    const names = await readdir(root).catch(() => []);
    const removed: string[] = [];
    for (const id of new Set(names.map((name) => name.replace(/\.\d+$/, '')))) {
      const row = id.startsWith('.') ? null : session(id);
      if (isOver || row?.final !== true || clock.now() - Date.parse(row.updatedAt) < ageMs) continue;
      try {
        if (await isInUse(root, id)) continue;
        await remove(id, row.epoch ?? 0);
        removed.push(id);
      } catch (err) {
        log.warn({ err, session: id }, 'a worktree of a finished session cannot be removed');
      }
    }
    if (removed.length > 0) log.info({ removed }, 'worktrees of finished sessions were removed');
    return removed;
  }

  const run = (): void => {
    running = once().then(() => {
      if (!isOver) cancel = clock.after(EVERY_MS, run);
    });
  };
  return {
    once,
    start: run,
    async stop() {
      isOver = true;
      cancel();
      await running;
    },
  };
}

/** Whether a process works in one of its directories; where the system does not tell, nobody does. */
async function isInUse(root: string, id: string): Promise<boolean> {
  const own = path.join(root, id);
  const pids = (await readdir('/proc').catch(() => [])).filter((name) => /^\d+$/.test(name));
  const places = await Promise.all(pids.map((pid) => readlink(`/proc/${pid}/cwd`).catch(() => '')));
  return places.some((place) => place === own || place.startsWith(own + path.sep) || place.startsWith(`${own}.`));
}

/**
 * Where the worktrees of sessions lie: `<root>/<session id>`, a later one `<session id>.2` where the first still has a
 * process in it. Which one is a session's, and what its prepare hook left there, is kept in a small record beside them.
 */
import { lstat, mkdir, readFile, readdir, realpath, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { TerminalError } from '../errors.ts';

const record = z.object({
  /** Which directory: 1 is the session id alone. */
  n: z.number().int().min(1),
  /** The act that last asked for a fresh one: asked again, it gets the same. */
  freshKey: z.string().optional(),
  /** The session's own branch; a review has none. */
  branch: z.string().optional(),
  /** Untracked files the prepare hook left: no work of a run. */
  hookLeft: z.array(z.string()).default([]),
});
export type DirectoryRecord = z.infer<typeof record>;

const ID = /^[a-z0-9][a-z0-9_-]{0,127}$/;

export type Directories = ReturnType<typeof createDirectories>;

export function createDirectories(root: string) {
  const records = path.join(root, '.records');
  const recordFile = (session: string): string => path.join(records, `${session}.json`);

  return {
    /** The directory's path; the name is checked, so that it stays below the root. */
    pathOf(session: string, n: number): string {
      if (!ID.test(session)) throw new TerminalError('WORKTREE_UNSAFE', `“${session}” is no session id`);
      return path.join(root, n === 1 ? session : `${session}.${n}`);
    },
    async read(session: string): Promise<DirectoryRecord> {
      try {
        return record.parse(JSON.parse(await readFile(recordFile(session), 'utf8')));
      } catch {
        return { n: 1, hookLeft: [] };
      }
    },
    async write(session: string, next: DirectoryRecord): Promise<void> {
      await mkdir(records, { recursive: true });
      const file = recordFile(session);
      await writeFile(`${file}.new`, JSON.stringify(next));
      await rename(`${file}.new`, file);
    },
    /** All directories a session ever had and still has. */
    async all(session: string): Promise<string[]> {
      const names = await readdir(root).catch(() => []);
      return names
        .filter(
          (name) =>
            name === session || (name.startsWith(`${session}.`) && /^\d+$/.test(name.slice(session.length + 1))),
        )
        .map((name) => path.join(root, name));
    },
    recordFile,
  };
}

/** Refuses a directory that is a symlink, or that lies elsewhere than it says. @throws TerminalError `WORKTREE_UNSAFE`. */
export async function checkInside(root: string, directory: string): Promise<'missing' | 'there'> {
  const found = await lstat(directory).catch(() => null);
  if (found === null) return 'missing';
  if (found.isSymbolicLink() || !found.isDirectory()) {
    throw new TerminalError('WORKTREE_UNSAFE', `${directory} is not a directory of its own`);
  }
  const [realRoot, real] = await Promise.all([realpath(root), realpath(directory)]);
  if (!real.startsWith(realRoot + path.sep)) {
    throw new TerminalError('WORKTREE_UNSAFE', `${directory} lies outside of ${root}`);
  }
  return 'there';
}

/**
 * Who moved a head: us, if a run of this session committed it in its worktree; else somebody else. Read from the
 * worktree's own log of its HEAD, where what was only fetched and checked out does not count as made here.
 */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { idOf } from '../actor/address.ts';
import { createDirectories } from './directory.ts';
import { createGit } from './git.ts';

/** What git writes into the log when a commit is made, not merely arrived at. */
const MADE = /^(commit|rebase|merge|cherry-pick|revert|am)\b/;

export type HeadBy = (actor: string, repo: string, branch: string, head: string) => Promise<'us' | 'other'>;

interface HeadByOptions {
  /** The data directory. */
  root: string;
  env: Record<string, string>;
}

export function createHeadBy({ root, env }: HeadByOptions): HeadBy {
  const directories = createDirectories(path.resolve(root, 'worktrees'));
  const git = createGit({ env, person: { name: 'chartroom', email: 'chartroom@localhost' } });
  return async (actor, _repo, _branch, head) => {
    for (const directory of await directories.all(idOf(actor))) {
      if (!existsSync(directory)) continue;
      const log = await git.ask(['log', '--walk-reflogs', '--format=%H %gs', 'HEAD'], { cwd: directory });
      const made = log.stdout
        .split('\n')
        .map((line) => ({ commit: line.slice(0, line.indexOf(' ')), how: line.slice(line.indexOf(' ') + 1) }))
        .filter(({ how }) => MADE.test(how));
      if (made.some(({ commit }) => commit === head)) return 'us';
    }
    return 'other';
  };
}

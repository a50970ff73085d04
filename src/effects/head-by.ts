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

/** Sessions remembered; git is asked again for those beyond. */
const KNOWN_MAX = 1_000;

export type HeadBy = (actor: string, repo: string, branch: string, head: string) => Promise<'us' | 'other'>;

interface HeadByOptions {
  /** The data directory. */
  root: string;
  env: Record<string, string>;
}

export function createHeadBy({ root, env }: HeadByOptions): HeadBy {
  const directories = createDirectories(path.resolve(root, 'worktrees'));
  const git = createGit({ env, person: { name: 'chartroom', email: 'chartroom@localhost' } });
  /** Of each session the last head that was asked about, and whose it is: that does not change. */
  const known = new Map<string, { head: string; by: 'us' | 'other' }>();

  return async (actor, _repo, _branch, head) => {
    const last = known.get(actor);
    if (last?.head === head) return last.by;
    const by = await madeBy(actor, head);
    if (known.size >= KNOWN_MAX) known.delete(known.keys().next().value!);
    known.set(actor, { head, by });
    return by;
  };

  async function madeBy(actor: string, head: string): Promise<'us' | 'other'> {
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
  }
}

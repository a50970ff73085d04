/**
 * Submodules are a run's own affair: neither fetched nor reset by us. But what git keeps of one goes with the worktree
 * it is in, and a rescue branch holds only its name: a worktree is not removed while one has what nobody else has.
 */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { TerminalError } from '../errors.ts';
import type { Git } from './git.ts';
import { leftoversOf } from './rescue.ts';

/** @throws TerminalError `WORKTREE_UNSAVED` where a submodule has changes or commits that its remote has not. */
export async function checkSubmodules(git: Git, directory: string): Promise<void> {
  for (const name of await fetchedIn(git, directory)) {
    const { dirty, unpushed } = await leftoversOf(git, path.join(directory, name));
    if (dirty.length === 0 && unpushed === 0) continue;
    const what = dirty.length > 0 ? `changes (${dirty.slice(0, 3).join(', ')})` : `${unpushed} commits`;
    throw new TerminalError(
      'WORKTREE_UNSAVED',
      `${directory} is kept: its submodule ${name} has ${what} that are nowhere else; publish or remove them`,
    );
  }
}

/** Paths of submodules that somebody has fetched. */
async function fetchedIn(git: Git, directory: string): Promise<string[]> {
  const index = await git.run(['ls-files', '--stage', '-z'], { cwd: directory });
  return index
    .split('\0')
    .filter((entry) => entry.startsWith('160000 '))
    .map((entry) => entry.slice(entry.indexOf('\t') + 1))
    .filter((name) => existsSync(path.join(directory, name, '.git')));
}

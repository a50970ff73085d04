/** Names of commits made commits, many at once: starting git is what costs. */
import type { Git } from './git.ts';

/** The commit of each name (a ref or a commit), in their order; undefined where there is none. */
export async function resolveCommits(git: Git, cwd: string, names: readonly string[]): Promise<(string | undefined)[]> {
  const input = names.map((name) => `${name}^{commit}\n`).join('');
  const text = await git.run(['cat-file', '--batch-check=%(objectname)'], { cwd, input });
  // Of a name that is none it says the name and why.
  return text
    .split('\n')
    .slice(0, names.length)
    .map((line) => (/^[0-9a-f]{40,64}$/.test(line) ? line : undefined));
}

/** Those of the names whose commit no branch of the remote has, as commits; and how many such commits lie behind them. */
export async function unpublishedOf(
  git: Git,
  cwd: string,
  names: readonly string[],
): Promise<{ tips: string[]; count: number }> {
  const found = new Set((await resolveCommits(git, cwd, names)).filter((commit) => commit !== undefined));
  if (found.size === 0) return { tips: [], count: 0 };
  const text = await git.run(['rev-list', ...found, '--not', '--remotes=origin'], { cwd });
  const commits = new Set(text.split('\n').filter((line) => line !== ''));
  return { tips: [...found].filter((commit) => commits.has(commit)), count: commits.size };
}

/**
 * Keeps what a run left: a commit on `rescue/<session>/<epoch>` with its un-pushed commits as parents and its
 * uncommitted files, untracked ones included. It touches neither the work tree nor its index, so that it can be done
 * again after a crash, and nothing is reset before it is done.
 */
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { unpublishedOf } from './commits.ts';
import type { Git } from './git.ts';

export interface Leftovers {
  /** Paths with uncommitted changes, untracked ones included; ignored ones are not. */
  dirty: string[];
  /** Commits that no branch of the remote has. */
  unpushed: number;
}

/** Names of refs besides HEAD that may hold a run's commits while a rebase, merge or pick is half finished. */
const HALF_FINISHED = ['REBASE_HEAD', 'CHERRY_PICK_HEAD', 'MERGE_HEAD'];

/** What the work tree has that the remote has not. */
export async function leftoversOf(git: Git, cwd: string, branch?: string): Promise<Leftovers> {
  const status = await git.run(['status', '--porcelain', '-z', '--untracked-files=all', '--ignore-submodules=none'], {
    cwd,
  });
  const { count } = await unpublishedOf(git, cwd, ['HEAD', ...(branch === undefined ? [] : [`refs/heads/${branch}`])]);
  return { dirty: pathsOf(status), unpushed: count };
}

export interface Left {
  session: string;
  epoch: number;
  /** The session's own branch; a review has none. */
  branch: string | undefined;
  /** Files that are no work of a run. */
  ignore: readonly string[];
}

/** The directory is gone; commits that only the branch holds are kept all the same. */
export async function rescueBranch(
  git: Git,
  cwd: string,
  { session, epoch, branch }: Left,
): Promise<string | undefined> {
  if (branch === undefined) return undefined;
  const { tips } = await unpublishedOf(git, cwd, [`refs/heads/${branch}`]);
  const [commit] = tips;
  return commit === undefined ? undefined : keep(git, cwd, `rescue/${session}/${epoch}`, commit);
}

/** Keeps all of it on a rescue branch; its name, or undefined where there is nothing to keep. */
export async function rescue(
  git: Git,
  cwd: string,
  { session, epoch, branch, ignore }: Left,
): Promise<string | undefined> {
  const found = await leftoversOf(git, cwd, branch);
  const dirty = found.dirty.filter((file) => !ignore.includes(file));
  if (dirty.length === 0 && found.unpushed === 0) return undefined;
  const { tips } = await unpublishedOf(git, cwd, [
    'HEAD',
    ...(branch === undefined ? [] : [`refs/heads/${branch}`]),
    ...HALF_FINISHED,
  ]);
  const parents = await withoutAncestors(git, cwd, tips);
  const head = (await git.run(['rev-parse', '--verify', 'HEAD^{commit}'], { cwd })).trim();
  const tree = await treeOf(git, cwd, head, ignore);
  const message = `Kept from a run of ${session} that ended before epoch ${epoch}`;
  const onto = parents.length === 0 ? [head] : parents;
  const only = onto.length === 1 && (await git.run(['rev-parse', `${onto[0]!}^{tree}`], { cwd })).trim() === tree;
  const kept = only
    ? onto[0]!
    : (
        await git.run(['commit-tree', tree, ...onto.flatMap((parent) => ['-p', parent]), '-m', message], { cwd })
      ).trim();
  return keep(git, cwd, `rescue/${session}/${epoch}`, kept);
}

/** A rescue branch is never overwritten: what differs gets the next free name. */
async function keep(git: Git, cwd: string, name: string, commit: string): Promise<string> {
  for (let n = 1; ; n++) {
    const branch = n === 1 ? name : `${name}-${n}`;
    const { ok, stdout } = await git.ask(['rev-parse', '--verify', '--quiet', `refs/heads/${branch}`], { cwd });
    if (ok && !(await same(git, cwd, stdout.trim(), commit))) continue;
    if (!ok) await git.run(['update-ref', `refs/heads/${branch}`, commit], { cwd });
    return branch;
  }
}

/** Done again after a crash: the same files on the same commits are the same rescue, whenever they were written. */
async function same(git: Git, cwd: string, one: string, other: string): Promise<boolean> {
  const shape = async (commit: string): Promise<string> => git.run(['show', '-s', '--format=%T %P', commit], { cwd });
  return one === other || (await shape(one)) === (await shape(other));
}

/** The tree as it lies there, conflict markers and all, through an index of its own. */
async function treeOf(git: Git, cwd: string, head: string, ignore: readonly string[]): Promise<string> {
  const gitDirectory = (await git.run(['rev-parse', '--absolute-git-dir'], { cwd })).trim();
  const index = path.join(gitDirectory, 'chartroom-rescue-index');
  try {
    await git.run(['read-tree', head], { cwd, index });
    await git.run(['add', '--all', '--', '.', ...ignore.map((file) => `:(exclude,literal)${file}`)], { cwd, index });
    return (await git.run(['write-tree'], { cwd, index })).trim();
  } finally {
    await rm(index, { force: true });
  }
}

async function withoutAncestors(git: Git, cwd: string, commits: readonly string[]): Promise<string[]> {
  if (commits.length < 2) return [...commits];
  const text = await git.run(['merge-base', '--independent', ...commits], { cwd });
  return text.split('\n').filter((line) => line !== '');
}

/** Paths of `git status --porcelain -z`; of a rename both. */
function pathsOf(status: string): string[] {
  const paths: string[] = [];
  const parts = status.split('\0');
  for (let at = 0; at < parts.length; at++) {
    const entry = parts[at]!;
    if (entry.length < 4) continue;
    paths.push(entry.slice(3));
    if (entry.startsWith('R') || entry.startsWith('C')) paths.push(parts[++at] ?? '');
  }
  return paths;
}

/** What a pull request is made of in git: its base, its commits, its files. */
import type { Commit, FileChange } from './git.ts';
import { EMPTY_TREE } from './git.ts';
import type { Site } from './site.ts';
import type { Issue, Pull, Repository } from './world.ts';

export type PullIssue = Issue & { pull: Pull };

export const isPull = (issue: Issue): issue is PullIssue => issue.pull !== undefined;

export const pullsOf = (repository: Repository): PullIssue[] => [...repository.issues.values()].filter(isPull);

/** The base as it is now; once closed, as it was when the pull request last moved. */
export function baseTip(repository: Repository, issue: PullIssue): string {
  const { pull } = issue;
  return issue.state === 'open' ? (repository.branches.get(pull.baseRef) ?? pull.baseSha) : pull.baseSha;
}

const forkPoint = async (site: Site, repository: Repository, pull: Pull): Promise<string | undefined> =>
  site.git.mergeBase(repository.path, pull.baseSha, pull.headSha);

/** What the head has that the base has not, oldest first. */
export async function commitsOf(site: Site, repository: Repository, pull: Pull): Promise<Commit[]> {
  return site.git.commits(repository.path, pull.baseSha, pull.headSha);
}

/** The changes since the head left the base. */
export async function filesOf(site: Site, repository: Repository, pull: Pull): Promise<FileChange[]> {
  return site.git.diff(repository.path, (await forkPoint(site, repository, pull)) ?? EMPTY_TREE, pull.headSha);
}

/**
 * What follows when branches moved, by a push, a merge or the API: `push` events, and pull requests that got a new
 * head, were merged by it, or lost a branch. Always called in the repository's turn.
 */
import type { Commit } from './git.ts';
import { NO_COMMIT } from './git.ts';
import type { PullIssue } from './pull.ts';
import { pullsOf } from './pull.ts';
import { closePull } from './pull-life.ts';
import { pushedCommitShape } from './shapes/commit.ts';
import { hookReviewShape, pullShape, pullSimpleShape } from './shapes/pull.ts';
import { htmlOf, repositoryShape } from './shapes/repository.ts';
import { userShape } from './shapes/user.ts';
import type { Site } from './site.ts';
import type { Repository, User } from './world.ts';

interface Move {
  branch: string;
  before: string;
  after: string;
}

/** Reads the refs again and tells what changed since they were last read. */
export async function moved(site: Site, repository: Repository, by: User): Promise<void> {
  const before = repository.branches;
  const after = await site.git.branches(repository.path);
  repository.branches = after;
  const names = [...new Set([...before.keys(), ...after.keys()])];
  const moves = names
    .map((branch) => ({
      branch,
      before: before.get(branch) ?? NO_COMMIT,
      after: after.get(branch) ?? NO_COMMIT,
    }))
    .filter((move) => move.before !== move.after);
  if (moves.length === 0) return;
  repository.pushedAt = site.world.now();
  for (const move of moves) await tellPush(site, repository, move, by);
  for (const move of moves) {
    for (const where of [repository, ...(repository.forkOf === undefined ? [] : [repository.forkOf])]) {
      for (const issue of pullsOf(where).filter((one) => one.state === 'open')) {
        const { headIn, headRef } = issue.pull;
        if (headIn === repository && headRef === move.branch) await headMoved(site, where, issue, move, by);
      }
    }
    for (const issue of pullsOf(repository).filter((one) => one.state === 'open')) {
      if (issue.state === 'open' && issue.pull.baseRef === move.branch) {
        await baseMoved(site, repository, issue, move, by);
      }
    }
  }
}

async function headMoved(site: Site, repository: Repository, issue: PullIssue, move: Move, by: User): Promise<void> {
  if (move.after === NO_COMMIT) return closePull(site, repository, issue, by);
  const { pull } = issue;
  if (pull.headIn !== repository) await site.git.bring(repository.path, pull.headIn.path, move.after);
  pull.headSha = move.after;
  pull.baseSha = repository.branches.get(pull.baseRef) ?? pull.baseSha;
  issue.updatedAt = site.world.now();
  await site.git.updateRef(repository.path, `refs/pull/${issue.number}/head`, move.after);
  site.emit(repository, 'pull_request', {
    action: 'synchronize',
    number: issue.number,
    before: move.before,
    after: move.after,
    pull_request: await pullShape(site, repository, issue),
    repository: repositoryShape(site, repository),
    sender: userShape(site, by),
  });
  if (repository.protection.get(pull.baseRef)?.dismissStaleReviews === true) {
    dismissApprovals(site, repository, issue, by);
  }
}

function dismissApprovals(site: Site, repository: Repository, issue: PullIssue, by: User): void {
  for (const review of issue.pull.reviews.filter((one) => one.state === 'APPROVED')) {
    review.state = 'DISMISSED';
    site.emit(repository, 'pull_request_review', {
      action: 'dismissed',
      review: { ...hookReviewShape(site, repository, issue, review), state: 'dismissed' },
      pull_request: pullSimpleShape(site, repository, issue),
      repository: repositoryShape(site, repository),
      sender: userShape(site, by),
    });
  }
}

async function baseMoved(site: Site, repository: Repository, issue: PullIssue, move: Move, by: User): Promise<void> {
  if (move.after === NO_COMMIT) return closePull(site, repository, issue, by);
  if (issue.pull.merged !== null) return closePull(site, repository, issue, by);
  // A push that brings the head into the base has merged the pull request, whoever pushed.
  if (await site.git.isAncestor(repository.path, issue.pull.headSha, move.after)) {
    issue.pull.merged = { at: site.world.now(), by, sha: move.after };
    await closePull(site, repository, issue, by);
  }
}

/** GitHub lists at most this many commits in one push. */
const COMMITS_MAX = 2_048;

async function tellPush(site: Site, repository: Repository, move: Move, by: User): Promise<void> {
  const { git } = site;
  const { owner } = repository;
  const created = move.before === NO_COMMIT;
  const deleted = move.after === NO_COMMIT;
  const trunk = repository.branches.get(repository.defaultBranch);
  const from = created ? (trunk === move.after ? undefined : trunk) : move.before;
  const commits: Commit[] =
    deleted || from === undefined ? [] : (await git.commits(repository.path, from, move.after)).slice(-COMMITS_MAX);
  const shapes = await Promise.all(
    commits.map(async (commit) => {
      const [parent] = commit.parents;
      const files = parent === undefined ? [] : await git.diff(repository.path, parent, commit.sha);
      return pushedCommitShape(site, repository, commit, files);
    }),
  );
  const tip = deleted ? null : pushedCommitShape(site, repository, await git.commit(repository.path, move.after), []);
  const forced = !created && !deleted && !(await git.isAncestor(repository.path, move.before, move.after));
  const range =
    created || deleted
      ? (created ? move.after : move.before).slice(0, 12)
      : `${move.before.slice(0, 12)}...${move.after.slice(0, 12)}`;
  site.emit(repository, 'push', {
    ref: `refs/heads/${move.branch}`,
    before: move.before,
    after: move.after,
    created,
    deleted,
    forced,
    base_ref: null,
    compare: `${htmlOf(site, repository)}/compare/${range}`,
    commits: shapes,
    head_commit: shapes.at(-1) ?? tip,
    repository: {
      ...repositoryShape(site, repository),
      owner: { ...userShape(site, owner), name: owner.login, email: owner.email },
    },
    pusher: { name: by.login, email: by.email },
    sender: userShape(site, by),
  });
}

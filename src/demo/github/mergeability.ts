/** May this pull request be merged, and what is in the way: a real trial merge, required checks, required reviews. */
import { permissionOf } from './access.ts';
import type { PullIssue } from './pull.ts';
import { baseTip } from './pull.ts';
import { latest } from './shapes/check.ts';
import type { Site } from './site.ts';
import type { CheckRun, CommitStatus, Repository, Review } from './world.ts';

/** Null: not computed yet; the next look will know. */
export interface Mergeability {
  mergeable: boolean | null;
  state: 'clean' | 'dirty' | 'blocked' | 'unstable' | 'behind' | 'draft' | 'unknown';
}

export const UNKNOWN: Mergeability = { mergeable: null, state: 'unknown' };

export type Outcome = 'good' | 'bad' | 'pending';

/** What every check and status says of a commit, by name; the newest of a name counts. */
export function outcomes(repository: Repository, sha: string): Map<string, Outcome> {
  const found = new Map<string, Outcome>();
  const add = (name: string, outcome: Outcome): void => {
    const known = found.get(name);
    if (known === undefined || known === 'good' || outcome === 'bad') found.set(name, outcome);
  };
  for (const run of latest(repository.checkRuns.filter((one) => one.headSha === sha))) add(run.name, runOutcome(run));
  for (const status of latestStatuses(repository, sha)) add(status.context, statusOutcome(status));
  return found;
}

const GOOD = ['success', 'neutral', 'skipped'];

function runOutcome(run: CheckRun): Outcome {
  if (run.status !== 'completed' || run.conclusion === null) return 'pending';
  return GOOD.includes(run.conclusion) ? 'good' : 'bad';
}

function statusOutcome(status: CommitStatus): Outcome {
  if (status.state === 'success') return 'good';
  return status.state === 'pending' ? 'pending' : 'bad';
}

/** The newest status of each context, newest first. */
export function latestStatuses(repository: Repository, sha: string): CommitStatus[] {
  const newest = new Map(
    repository.statuses.filter((status) => status.sha === sha).map((status) => [status.context, status]),
  );
  return [...newest.values()].toSorted((a, b) => b.id - a.id);
}

/** Each reviewer's standing verdict: the last approval or request for changes that nobody dismissed. */
export function verdicts(issue: PullIssue): Map<number, Review> {
  const standing = new Map<number, Review>();
  for (const review of issue.pull.reviews) {
    if (review.state === 'APPROVED' || review.state === 'CHANGES_REQUESTED') standing.set(review.user.id, review);
    if (review.state === 'DISMISSED' && standing.get(review.user.id)?.id === review.id) standing.delete(review.user.id);
  }
  return standing;
}

/** What the base's protection still asks for, in the words GitHub refuses a merge with. */
export function missing(repository: Repository, issue: PullIssue): string[] {
  const protection = repository.protection.get(issue.pull.baseRef);
  if (protection === undefined) return [];
  return [...missingReviews(repository, issue, protection.requiredReviews ?? 0), ...missingChecks(repository, issue)];
}

function missingReviews(repository: Repository, issue: PullIssue, needed: number): string[] {
  if (needed === 0) return [];
  const counting = [...verdicts(issue).values()].filter((review) => {
    const permission = permissionOf(repository, review.user);
    return permission === 'write' || permission === 'admin';
  });
  if (counting.some((review) => review.state === 'CHANGES_REQUESTED')) {
    return ['Changes have been requested on this pull request.'];
  }
  if (counting.length >= needed) return [];
  return [
    `At least ${needed} approving review${needed === 1 ? ' is' : 's are'} required by reviewers with write access.`,
  ];
}

function missingChecks(repository: Repository, issue: PullIssue): string[] {
  const names = repository.protection.get(issue.pull.baseRef)?.requiredChecks ?? [];
  const known = outcomes(repository, issue.pull.headSha);
  const words = (name: string): string | undefined => {
    switch (known.get(name)) {
      case 'good':
        return undefined;
      case 'bad':
        return `Required status check "${name}" is failing.`;
      case 'pending':
        return `Required status check "${name}" is in progress.`;
      case undefined:
        return `Required status check "${name}" is expected.`;
    }
  };
  return names.map(words).filter((text) => text !== undefined);
}

/** Looks, and so makes the next look know: GitHub begins to compute when somebody asks. */
export async function look(site: Site, repository: Repository, issue: PullIssue): Promise<Mergeability> {
  if (issue.state === 'closed') return UNKNOWN;
  const pair = `${baseTip(repository, issue)}..${issue.pull.headSha}`;
  if (issue.pull.computed !== pair) {
    issue.pull.computed = pair;
    return UNKNOWN;
  }
  return compute(site, repository, issue);
}

export async function compute(site: Site, repository: Repository, issue: PullIssue): Promise<Mergeability> {
  const { pull } = issue;
  const base = baseTip(repository, issue);
  const merge = await site.git.mergeTree(repository.path, base, pull.headSha);
  if (!merge.ok) return { mergeable: false, state: 'dirty' };
  await testMerge(site, repository, issue, base, merge.tree);
  if (pull.draft) return { mergeable: true, state: 'draft' };
  if (missing(repository, issue).length > 0) return { mergeable: true, state: 'blocked' };
  const strict = repository.protection.get(pull.baseRef)?.strict ?? false;
  if (strict && !(await site.git.isAncestor(repository.path, base, pull.headSha))) {
    return { mergeable: true, state: 'behind' };
  }
  const all = [...outcomes(repository, pull.headSha).values()];
  return { mergeable: true, state: all.every((outcome) => outcome === 'good') ? 'clean' : 'unstable' };
}

/** The merge as it would be, kept as a real commit at `refs/pull/<n>/merge`. */
async function testMerge(
  site: Site,
  repository: Repository,
  issue: PullIssue,
  base: string,
  tree: string,
): Promise<void> {
  const pair = `${base}..${issue.pull.headSha}`;
  if (issue.pull.testMerge?.pair === pair) return;
  const person = { name: issue.user.name, email: issue.user.email };
  const sha = await site.git.commitTree(repository.path, {
    tree,
    parents: [base, issue.pull.headSha],
    message: `Merge ${issue.pull.headSha} into ${base}`,
    author: person,
    committer: person,
    atMs: site.world.nowMs(),
  });
  await site.git.updateRef(repository.path, `refs/pull/${issue.number}/merge`, sha);
  issue.pull.testMerge = { pair, sha };
}

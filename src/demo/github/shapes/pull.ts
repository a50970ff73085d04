/** Pull requests, reviews and review comments as GitHub shows them. */
import type { Site } from '../site.ts';
import type { Repository, Review, ReviewComment } from '../world.ts';
import { nodeId } from '../world.ts';
import { commitsOf, filesOf } from '../pull.ts';
import type { PullIssue } from '../pull.ts';
import type { Mergeability } from '../mergeability.ts';
import { association, labelShape } from './issue.ts';
import { apiOf, htmlOf, repoRefShape, repositoryShape } from './repository.ts';
import type { Hook, Rest } from './types.ts';
import { reactionsShape, userShape } from './user.ts';

export function pullSimpleShape(site: Site, repository: Repository, issue: PullIssue) {
  const api = `${apiOf(site, repository)}/pulls/${issue.number}`;
  const issueApi = `${apiOf(site, repository)}/issues/${issue.number}`;
  const html = `${htmlOf(site, repository)}/pull/${issue.number}`;
  const { pull } = issue;
  const [assignee] = issue.assignees;
  const statuses = `${apiOf(site, repository)}/statuses/${pull.headSha}`;
  const side = (where: Repository, ref: string, sha: string) => ({
    label: `${where.owner.login}:${ref}`,
    ref,
    sha,
    user: userShape(site, where.owner),
    repo: repositoryShape(site, where),
  });
  return {
    url: api,
    id: pull.id,
    node_id: nodeId('PR', pull.id),
    html_url: html,
    diff_url: `${html}.diff`,
    patch_url: `${html}.patch`,
    issue_url: issueApi,
    commits_url: `${api}/commits`,
    review_comments_url: `${api}/comments`,
    review_comment_url: `${apiOf(site, repository)}/pulls/comments{/number}`,
    comments_url: `${issueApi}/comments`,
    statuses_url: statuses,
    number: issue.number,
    state: issue.state,
    locked: false,
    title: issue.title,
    user: userShape(site, issue.user),
    body: issue.body,
    labels: issue.labels.map((label) => ({
      ...labelShape(site, repository, label),
      description: label.description ?? '',
    })),
    milestone: null,
    active_lock_reason: null,
    created_at: issue.createdAt,
    updated_at: issue.updatedAt,
    closed_at: issue.closedAt,
    merged_at: pull.merged?.at ?? null,
    merge_commit_sha: pull.merged?.sha ?? pull.testMerge?.sha ?? null,
    assignee: assignee === undefined ? null : userShape(site, assignee),
    assignees: issue.assignees.map((user) => userShape(site, user)),
    requested_reviewers: pull.requestedReviewers.map((user) => userShape(site, user)),
    requested_teams: [],
    head: side(pull.headIn, pull.headRef, pull.headSha),
    base: side(repository, pull.baseRef, pull.baseSha),
    _links: {
      self: { href: api },
      html: { href: html },
      issue: { href: issueApi },
      comments: { href: `${issueApi}/comments` },
      review_comments: { href: `${api}/comments` },
      review_comment: { href: `${apiOf(site, repository)}/pulls/comments{/number}` },
      commits: { href: `${api}/commits` },
      statuses: { href: statuses },
    },
    author_association: association(repository, issue.user),
    auto_merge: null,
    draft: pull.draft,
  } satisfies Rest['pull-request-simple'] & Hook.SimplePullRequest;
}

/** What is known of mergeability goes in as found; a webhook's payload carries `unknown`. */
export async function pullShape(
  site: Site,
  repository: Repository,
  issue: PullIssue,
  mergeability: Mergeability = { mergeable: null, state: 'unknown' },
) {
  const files = await filesOf(site, repository, issue.pull);
  const commits = await commitsOf(site, repository, issue.pull);
  const sum = (key: 'additions' | 'deletions'): number => files.reduce((total, file) => total + file[key], 0);
  return {
    ...pullSimpleShape(site, repository, issue),
    merged: issue.pull.merged !== null,
    mergeable: mergeability.mergeable,
    rebaseable: mergeability.mergeable,
    mergeable_state: mergeability.state,
    merged_by: issue.pull.merged === null ? null : userShape(site, issue.pull.merged.by),
    comments: issue.comments.length,
    review_comments: issue.pull.reviews.flatMap((review) => (review.state === 'PENDING' ? [] : review.comments)).length,
    maintainer_can_modify: false,
    commits: commits.length,
    additions: sum('additions'),
    deletions: sum('deletions'),
    changed_files: files.length,
  } satisfies Rest['pull-request'] & Hook.PullRequest;
}

export const pullRefShape = (site: Site, repository: Repository, issue: PullIssue) =>
  ({
    url: `${apiOf(site, repository)}/pulls/${issue.number}`,
    id: issue.pull.id,
    number: issue.number,
    head: { ref: issue.pull.headRef, sha: issue.pull.headSha, repo: repoRefShape(site, issue.pull.headIn) },
    base: { ref: issue.pull.baseRef, sha: issue.pull.baseSha, repo: repoRefShape(site, repository) },
  }) satisfies Rest['pull-request-minimal'] & Hook.CheckRunPullRequest;

export function reviewShape(site: Site, repository: Repository, issue: PullIssue, review: Review) {
  const pullApi = `${apiOf(site, repository)}/pulls/${issue.number}`;
  const html = `${htmlOf(site, repository)}/pull/${issue.number}#pullrequestreview-${review.id}`;
  return {
    id: review.id,
    node_id: nodeId('PRR', review.id),
    user: userShape(site, review.user),
    body: review.body,
    state: review.state,
    html_url: html,
    pull_request_url: pullApi,
    author_association: association(repository, review.user),
    _links: { html: { href: html }, pull_request: { href: pullApi } },
    ...(review.submittedAt === null ? {} : { submitted_at: review.submittedAt }),
    commit_id: review.commitId,
  } satisfies Rest['pull-request-review'];
}

/** The same in a webhook: the state in small letters, a body that is empty is null. */
export function hookReviewShape(
  site: Site,
  repository: Repository,
  issue: PullIssue,
  review: Review,
): Hook.PullRequestReview {
  const shape = reviewShape(site, repository, issue, review);
  const states = {
    PENDING: 'commented',
    COMMENTED: 'commented',
    APPROVED: 'approved',
    CHANGES_REQUESTED: 'changes_requested',
    DISMISSED: 'dismissed',
  } as const;
  return {
    ...shape,
    body: review.body === '' ? null : review.body,
    state: states[review.state],
    submitted_at: review.submittedAt,
  };
}

/** `outdated`: the line the comment stands on is no longer in the diff. */
export function reviewCommentShape(
  site: Site,
  repository: Repository,
  issue: PullIssue,
  comment: ReviewComment,
  outdated: boolean,
) {
  const url = `${apiOf(site, repository)}/pulls/comments/${comment.id}`;
  const pullApi = `${apiOf(site, repository)}/pulls/${issue.number}`;
  const html = `${htmlOf(site, repository)}/pull/${issue.number}#discussion_r${comment.id}`;
  return {
    url,
    pull_request_review_id: comment.reviewId,
    id: comment.id,
    node_id: nodeId('PRRC', comment.id),
    diff_hunk: comment.diffHunk,
    path: comment.path,
    position: outdated ? null : comment.position,
    original_position: comment.position,
    commit_id: outdated ? comment.commitId : issue.pull.headSha,
    original_commit_id: comment.commitId,
    ...(comment.inReplyTo === undefined ? {} : { in_reply_to_id: comment.inReplyTo }),
    user: userShape(site, comment.user),
    body: comment.body,
    created_at: comment.createdAt,
    updated_at: comment.updatedAt,
    html_url: html,
    pull_request_url: pullApi,
    author_association: association(repository, comment.user),
    _links: { self: { href: url }, html: { href: html }, pull_request: { href: pullApi } },
    reactions: reactionsShape(url),
    start_line: comment.startLine,
    original_start_line: comment.startLine,
    start_side: comment.startLine === null ? null : comment.side,
    line: outdated ? null : comment.line,
    original_line: comment.line,
    side: comment.side,
    subject_type: 'line' as const,
  } satisfies Hook.PullRequestReviewComment;
}

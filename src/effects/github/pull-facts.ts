/** One look at a pull request: everything GitHub says of it, as `pull.observed` and `comment.observed` tell it. */
import type { PullObserved } from '../../../machines/events/session.ts';
import type { WatchParams } from '../../../machines/effects.ts';
import { TerminalError } from '../../errors.ts';
import type { Account } from './account.ts';
import {
  GHOST,
  commentAnswer,
  commitAnswer,
  issueAnswer,
  issueEventAnswer,
  pullAnswer,
  reviewAnswer,
  reviewCommentAnswer,
} from './answers.ts';
import type { CommentAnswer, PullAnswer } from './answers.ts';
import { readGate } from './checks.ts';
import { closingOf, commentsOf, reviewComments } from './comments.ts';
import type { Authors, Closing, TimedComment } from './comments.ts';
import { isMerged, isOfBranch, isOfRepo } from './github.ts';
import { coordinates } from './names.ts';
import { lastOfQueue, queueOf } from './queue.ts';
import type { Renames } from './renames.ts';
import { reviewsOf } from './reviews.ts';

export type HeadBy = (actor: string, repo: string, branch: string, head: string) => Promise<'us' | 'other'>;

export interface PullLook {
  facts: PullObserved;
  /** Times and ids behind the facts: they differ where the facts came back to what they were. */
  stamps: unknown[];
  comments: TimedComment[];
}

export interface PullReading {
  account: Account;
  /** What GitHub calls a repository now. */
  current: Renames['current'];
  params: WatchParams<'pull'>;
  /** Whose head is it? */
  headBy: (branch: string, head: string) => Promise<'us' | 'other'>;
  authors: Authors;
  signal: AbortSignal;
}

/** The number we were given is no pull request to work on, and why. */
export interface Missed {
  missed: string;
}

/** @returns undefined while there is no pull request of ours. */
export async function readPull(reading: PullReading): Promise<PullLook | Missed | undefined> {
  const pull = await findOurs(reading);
  if (pull === undefined || 'missed' in pull) return pull;
  const { account, params, signal, authors } = reading;
  const { gates, queueCheck } = params;
  const numbered = { ...coordinates(params.repo), pull_number: pull.number };
  const asIssue = { ...coordinates(params.repo), issue_number: pull.number };
  const listing = { signal };

  const [reviews, lineComments, comments, { gate, reports, hasQueue }, headBy] = await Promise.all([
    account.list(reviewAnswer, 'GET /repos/{owner}/{repo}/pulls/{pull_number}/reviews', numbered, listing),
    account.list(reviewCommentAnswer, 'GET /repos/{owner}/{repo}/pulls/{pull_number}/comments', numbered, listing),
    account.list(commentAnswer, 'GET /repos/{owner}/{repo}/issues/{issue_number}/comments', asIssue, listing),
    readGate(account, { repo: params.repo, head: pull.head.sha, base: pull.base.ref, gates, queueCheck }, signal),
    reading.headBy(pull.head.ref, pull.head.sha),
  ]);
  const closed = pull.state === 'closed';
  const merged = isMerged(pull);
  const events =
    hasQueue && !closed
      ? await account.list(issueEventAnswer, 'GET /repos/{owner}/{repo}/issues/{issue_number}/events', asIssue, listing)
      : [];
  const left = lastOfQueue(events)?.event === 'removed_from_merge_queue';

  const facts: PullObserved = {
    number: pull.number,
    url: pull.html_url,
    state: pull.state,
    draft: pull.draft,
    merged,
    ...(closed && !merged ? await readClosing(reading, pull, comments) : {}),
    title: pull.title,
    author: pull.user.login,
    branch: pull.head.ref,
    head: pull.head.sha,
    headBy,
    base: pull.base.ref,
    conflict: closed ? false : (pull.mergeable ?? null) === null ? null : pull.mergeable === false,
    reviews: reviewsOf(reviews, lineComments, authors),
    gate,
    queue: queueOf({
      head: pull.head.sha,
      closed,
      autoMerge: pull.auto_merge != null,
      green: gate.state === 'green',
      report: queueCheck === undefined ? undefined : reports.find(({ name }) => name === queueCheck),
      events,
      headAt: left ? await readCommitTime(reading, pull.head.sha) : undefined,
    }),
    updatedAt: pull.updated_at,
  };
  const told = [...commentsOf(comments, 'pull', authors), ...reviewComments(reviews, lineComments, authors)].sort(
    (a, b) => Date.parse(a.at) - Date.parse(b.at),
  );
  return {
    facts,
    stamps: [pull.merge_commit_sha ?? null, reports.map(({ id, startedAt, endedAt }) => [id, startedAt, endedAt])],
    comments: told,
  };
}

/** By its number; without one, or where that one is known to be closed unmerged, by the branch. */
async function findOurs({
  account,
  current,
  params,
  headBy,
  signal,
}: PullReading): Promise<PullAnswer | Missed | undefined> {
  const { repo, branch, number, fork = false, next = false } = params;
  const at = coordinates(repo);
  const route = 'GET /repos/{owner}/{repo}/pulls/{pull_number}';
  const read = (pull_number: number) => account.get(pullAnswer, route, { ...at, pull_number }, signal);

  const known =
    number === undefined ? undefined : await read(number).catch(missedOf(`${repo} shows no pull request #${number}`));
  if (known !== undefined && 'missed' in known) return known;
  if (known !== undefined && !fork && !isOfRepo(known, repo)) {
    return { missed: `it comes from ${known.head.repo?.full_name ?? 'a repository that is gone'}, not from ${repo}` };
  }
  if (known !== undefined && (!next || known.state === 'open' || isMerged(known) || !isOfBranch(known, repo, branch)))
    return known;

  const { owner } = coordinates(await current(repo, signal));
  const found = await account.list(
    pullAnswer,
    'GET /repos/{owner}/{repo}/pulls',
    { ...at, head: `${owner}:${branch}`, state: 'all', sort: 'created', direction: 'desc' },
    { signal },
  );
  const ours = found.filter((pull) => isOfBranch(pull, repo, branch));
  const open = ours.find(({ state }) => state === 'open');
  if (open !== undefined) return read(open.number);
  if (known !== undefined) return known;
  // A closed one of this branch may be an earlier session's: ours only if the head is.
  const newest = ours[0];
  if (newest === undefined || (await headBy(newest.head.ref, newest.head.sha)) !== 'us') return undefined;
  return read(newest.number);
}

function missedOf(missed: string) {
  return (error: unknown): Missed => {
    if (error instanceof TerminalError && (error.code === 'GITHUB_NOT_FOUND' || error.code === 'GITHUB_GONE'))
      return { missed };
    throw error;
  };
}

async function readClosing(
  { account, params, authors, signal }: PullReading,
  pull: PullAnswer,
  comments: readonly CommentAnswer[],
): Promise<Closing> {
  const route = 'GET /repos/{owner}/{repo}/issues/{issue_number}';
  const asked = { ...coordinates(params.repo), issue_number: pull.number };
  const { closed_by } = await account.get(issueAnswer, route, asked, signal);
  // A deleted account is nobody at GitHub; that somebody closed it remains a fact.
  return closingOf(closed_by ?? GHOST, pull.closed_at ?? pull.updated_at, comments, authors);
}

async function readCommitTime({ account, params, signal }: PullReading, ref: string): Promise<string | undefined> {
  const route = 'GET /repos/{owner}/{repo}/commits/{ref}';
  const { commit } = await account.get(commitAnswer, route, { ...coordinates(params.repo), ref }, signal);
  return commit.committer?.date ?? undefined;
}

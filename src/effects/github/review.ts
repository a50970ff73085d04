/**
 * Posting a verdict as a review, once. GitHub refuses to let anybody approve or ask changes of their own pull
 * request; there it becomes a comment review beside a commit status. A comment on a line the diff does not show
 * would sink the whole review, so those go into its text.
 */
import type { ActAnswer, ActParams } from '../../../machines/effects.ts';
import { TerminalError } from '../../errors.ts';
import type { Doing } from '../effect.ts';
import type { Account } from './account.ts';
import { anyAnswer, fileAnswer, reviewAnswer } from './answers.ts';
import type { ReviewAnswer } from './answers.ts';
import { bodyWith, placeComments, shownLines } from './diff.ts';
import { REVIEW_STATUS } from './gate.ts';
import { coordinates, markOf, withMark } from './names.ts';

type Post = ActParams<'review.post'>;
type Posted = ActAnswer<'review.post'>;

/** A verdict is worth waiting for: 2, 5, 10, 30, 60 minutes. */
export const REVIEW_BACKOFF_MS = [2, 5, 10, 30, 60].map((minutes) => minutes * 60_000);

const EVENTS = { approve: 'APPROVE', request_changes: 'REQUEST_CHANGES', comment: 'COMMENT' } as const;
const STATUS_TEXT = { approve: 'Approved', request_changes: 'Changes requested' } as const;

export async function postReview(account: Account, params: Post, doing: Doing): Promise<Posted> {
  const earlier = await findReview(account, params, doing);
  if (earlier !== undefined) return settle(account, params, earlier, doing);
  try {
    return await settle(account, params, await create(account, params, EVENTS[params.verdict], doing), doing);
  } catch (error) {
    if (!(error instanceof TerminalError) || error.code !== 'GITHUB_OWN_PULL') throw error;
    return settle(account, params, await create(account, params, 'COMMENT', doing), doing);
  }
}

/** Of a reviewer that is gone only what it posted itself counts: it was posted while it was employed, or never is. */
export async function postedBefore(account: Account, params: Post, doing: Doing): Promise<Posted> {
  const earlier = await findReview(account, params, doing);
  if (earlier !== undefined) return settle(account, params, earlier, doing);
  throw new TerminalError('REVIEWER_GONE', `${params.reviewer} is offboarded: nothing is posted under its name`);
}

/** The review stands; where it is weaker than the verdict, the status has to carry it. */
async function settle(account: Account, params: Post, review: ReviewAnswer, doing: Doing): Promise<Posted> {
  const posted = { as: review.user.login, id: String(review.id) };
  const { verdict } = params;
  if (verdict === 'comment' || review.state !== 'COMMENTED') return { posted, how: 'review' };
  await account.send(
    anyAnswer,
    'POST /repos/{owner}/{repo}/statuses/{sha}',
    {
      ...coordinates(params.repo),
      sha: params.head,
      state: verdict === 'approve' ? 'success' : 'failure',
      context: REVIEW_STATUS,
      description: `${STATUS_TEXT[verdict]} by ${params.reviewer}`,
    },
    doing.signal,
  );
  return { posted, how: 'commentAndStatus' };
}

async function findReview(account: Account, params: Post, doing: Doing): Promise<ReviewAnswer | undefined> {
  const route = 'GET /repos/{owner}/{repo}/pulls/{pull_number}/reviews';
  const reviews = await account.list(reviewAnswer, route, pullOf(params), { signal: doing.signal });
  return reviews.find(({ body }) => body?.includes(markOf(doing)) === true);
}

async function create(account: Account, params: Post, event: string, doing: Doing): Promise<ReviewAnswer> {
  const { inline, rest } = await place(account, params, doing);
  try {
    return await send(account, params, { event, comments: inline, body: bodyWith(params.body, rest) }, doing);
  } catch (error) {
    // The diff of another head than the one we read: every comment then goes into the text.
    if (inline.length === 0 || !isAboutLines(error)) throw error;
    return send(account, params, { event, comments: [], body: bodyWith(params.body, params.comments) }, doing);
  }
}

async function place(account: Account, params: Post, doing: Doing): Promise<ReturnType<typeof placeComments>> {
  if (params.comments.length === 0) return { inline: [], rest: [] };
  const route = 'GET /repos/{owner}/{repo}/pulls/{pull_number}/files';
  const files = await account.list(fileAnswer, route, pullOf(params), { signal: doing.signal });
  return placeComments(params.comments, shownLines(files));
}

function send(
  account: Account,
  params: Post,
  review: { event: string; body: string; comments: ReturnType<typeof placeComments>['inline'] },
  doing: Doing,
): Promise<ReviewAnswer> {
  return account.send(
    reviewAnswer,
    'POST /repos/{owner}/{repo}/pulls/{pull_number}/reviews',
    { ...pullOf(params), commit_id: params.head, ...review, body: withMark(review.body, markOf(doing)) },
    doing.signal,
  );
}

function isAboutLines(error: unknown): boolean {
  return (
    error instanceof TerminalError &&
    error.code === 'GITHUB_INVALID' &&
    /part of the diff|could not be resolved|diff hunk|path is invalid/i.test(error.message)
  );
}

const pullOf = ({ repo, number }: Post) => ({ ...coordinates(repo), pull_number: number });

/** Reviews and their comments: nobody judges their own pull request, and a comment stands on a line of the diff. */
import { Hono } from 'hono';
import { z } from 'zod';
import { repositoryIn, viewerIn } from '../access.ts';
import type { Ctx, Env } from '../answers.ts';
import { bodyOf, HttpError, invalid, notFound, numberParam, page, unprocessable } from '../answers.ts';
import type { FileChange } from '../git.ts';
import { locate } from '../git.ts';
import type { PullIssue } from '../pull.ts';
import { commitsOf, filesOf } from '../pull.ts';
import { hookReviewShape, pullSimpleShape, reviewCommentShape, reviewShape } from '../shapes/pull.ts';
import { repositoryShape } from '../shapes/repository.ts';
import { userShape } from '../shapes/user.ts';
import type { Site } from '../site.ts';
import type { Repository, Review, ReviewComment, ReviewState, User } from '../world.ts';
import { pullIn } from './pulls.ts';

const PULL = '/repos/:owner/:repo/pulls/:number';

const EVENTS = { APPROVE: 'APPROVED', REQUEST_CHANGES: 'CHANGES_REQUESTED', COMMENT: 'COMMENTED' } as const;
const eventWish = z.enum(['APPROVE', 'REQUEST_CHANGES', 'COMMENT']);
const sideWish = z.enum(['LEFT', 'RIGHT']);
const commentWish = z.object({
  path: z.string(),
  body: z.string().min(1),
  line: z.number().int().positive(),
  side: sideWish.default('RIGHT'),
  start_line: z.number().int().positive().nullish(),
});
const reviewWish = z.object({
  commit_id: z.string().optional(),
  body: z.string().nullish(),
  event: eventWish.optional(),
  comments: z.array(commentWish).default([]),
});
const singleCommentWish = commentWish.extend({ commit_id: z.string(), in_reply_to: z.number().int().optional() });

export function reviewRoutes(site: Site): Hono<Env> {
  const app = new Hono<Env>();
  const { world } = site;

  app.post(`${PULL}/reviews`, async (c) => {
    const repository = repositoryIn(c, world);
    const { user } = viewerIn(c);
    const issue = pullIn(c, repository);
    const wish = await bodyOf(c, 'PullRequestReview', reviewWish);
    const pending = issue.pull.reviews.some((review) => review.user === user && review.state === 'PENDING');
    if (pending) throw unprocessable('User can only have one pending review per pull request');
    if (wish.event !== undefined) allowed(issue, user, wish.event, wish.body ?? '', wish.comments.length);
    const commitId = await commitIdIn(site, repository, issue, wish.commit_id);
    const files = await filesOf(site, repository, issue.pull);
    const id = world.nextId();
    const now = world.now();
    const review: Review = {
      id,
      user,
      body: wish.body ?? '',
      state: 'PENDING',
      commitId,
      submittedAt: null,
      comments: wish.comments.map((comment) => {
        const { position, hunk } = placed(files, comment);
        return {
          id: world.nextId(),
          reviewId: id,
          user,
          body: comment.body,
          path: comment.path,
          line: comment.line,
          side: comment.side,
          startLine: comment.start_line ?? null,
          position,
          diffHunk: hunk,
          commitId,
          createdAt: now,
          updatedAt: now,
        };
      }),
    };
    issue.pull.reviews.push(review);
    if (wish.event !== undefined) await submit(site, repository, issue, review, EVENTS[wish.event]);
    return c.json(reviewShape(site, repository, issue, review));
  });

  app.post(`${PULL}/reviews/:review/events`, async (c) => {
    const repository = repositoryIn(c, world);
    const issue = pullIn(c, repository);
    const review = reviewIn(c, issue);
    const { user } = viewerIn(c);
    const wish = await bodyOf(c, 'PullRequestReview', z.object({ body: z.string().optional(), event: eventWish }));
    if (review.user !== user || review.state !== 'PENDING')
      throw unprocessable('Can not submit a review that is not pending');
    review.body = wish.body ?? review.body;
    allowed(issue, user, wish.event, review.body, review.comments.length);
    await submit(site, repository, issue, review, EVENTS[wish.event]);
    return c.json(reviewShape(site, repository, issue, review));
  });

  app.get(`${PULL}/reviews`, (c) => {
    const repository = repositoryIn(c, world);
    const issue = pullIn(c, repository);
    const seen = issue.pull.reviews.filter((one) => one.state !== 'PENDING' || one.user === c.get('viewer')?.user);
    return c.json(
      page(
        c,
        seen.map((review) => reviewShape(site, repository, issue, review)),
      ),
    );
  });

  app.get(`${PULL}/reviews/:review`, (c) => {
    const repository = repositoryIn(c, world);
    const issue = pullIn(c, repository);
    return c.json(reviewShape(site, repository, issue, reviewIn(c, issue)));
  });

  app.put(`${PULL}/reviews/:review`, async (c) => {
    const repository = repositoryIn(c, world);
    const issue = pullIn(c, repository);
    const review = reviewIn(c, issue);
    if (review.user !== viewerIn(c).user) throw new HttpError(403, 'Must be the author of the review');
    const wish = await bodyOf(c, 'PullRequestReview', z.object({ body: z.string().min(1) }));
    const from = review.body;
    review.body = wish.body;
    issue.updatedAt = world.now();
    site.emit(repository, 'pull_request_review', {
      action: 'edited',
      changes: { body: { from } },
      ...about(site, repository, issue, review, review.user),
    });
    return c.json(reviewShape(site, repository, issue, review));
  });

  app.get(`${PULL}/reviews/:review/comments`, async (c) => {
    const repository = repositoryIn(c, world);
    const issue = pullIn(c, repository);
    return c.json(page(c, await shapesOf(site, repository, issue, reviewIn(c, issue).comments)));
  });

  app.put(`${PULL}/reviews/:review/dismissals`, async (c) => {
    const repository = repositoryIn(c, world, 'write');
    const issue = pullIn(c, repository);
    const review = reviewIn(c, issue);
    await bodyOf(c, 'PullRequestReview', z.object({ message: z.string().min(1) }));
    if (review.state !== 'APPROVED' && review.state !== 'CHANGES_REQUESTED') {
      throw unprocessable(`Can not dismiss a ${review.state.toLowerCase()} pull request review`);
    }
    review.state = 'DISMISSED';
    issue.updatedAt = world.now();
    const told = about(site, repository, issue, review, viewerIn(c).user);
    site.emit(repository, 'pull_request_review', {
      action: 'dismissed',
      ...told,
      review: { ...told.review, state: 'dismissed' },
    });
    return c.json(reviewShape(site, repository, issue, review));
  });

  app.get(`${PULL}/comments`, async (c) => {
    const repository = repositoryIn(c, world);
    const issue = pullIn(c, repository);
    const since = c.req.query('since');
    const all = issue.pull.reviews.flatMap((review) => (review.state === 'PENDING' ? [] : review.comments));
    const wanted = all.filter((comment) => since === undefined || Date.parse(comment.updatedAt) >= Date.parse(since));
    return c.json(page(c, await shapesOf(site, repository, issue, wanted)));
  });

  app.post(`${PULL}/comments`, async (c) => {
    const repository = repositoryIn(c, world);
    const issue = pullIn(c, repository);
    const { user } = viewerIn(c);
    const wish = await bodyOf(c, 'PullRequestReviewComment', singleCommentWish);
    const comment = await single(site, repository, issue, user, wish);
    const [shape] = await shapesOf(site, repository, issue, [comment]);
    return c.json(shape, 201);
  });

  app.post(`${PULL}/comments/:comment/replies`, async (c) => {
    const repository = repositoryIn(c, world);
    const issue = pullIn(c, repository);
    const { user } = viewerIn(c);
    const parent = issue.pull.reviews
      .flatMap((review) => review.comments)
      .find((one) => one.id === numberParam(c, 'comment'));
    if (parent === undefined) throw notFound();
    const { body } = await bodyOf(c, 'PullRequestReviewComment', z.object({ body: z.string().min(1) }));
    const { path, line, side, commitId } = parent;
    const wish = { path, line, side, body, commit_id: commitId, in_reply_to: parent.inReplyTo ?? parent.id };
    const comment = await single(site, repository, issue, user, wish, parent);
    const [shape] = await shapesOf(site, repository, issue, [comment]);
    return c.json(shape, 201);
  });

  return app;
}

function reviewIn(c: Ctx, issue: PullIssue): Review {
  const review = issue.pull.reviews.find((one) => one.id === numberParam(c, 'review'));
  if (review === undefined || (review.state === 'PENDING' && review.user !== c.get('viewer')?.user)) throw notFound();
  return review;
}

/** GitHub's two rules for a verdict: not on one's own, and not without a word where the word is the point. */
function allowed(issue: PullIssue, user: User, event: keyof typeof EVENTS, body: string, comments: number): void {
  if (issue.user === user && event === 'APPROVE') throw unprocessable('Can not approve your own pull request');
  if (issue.user === user && event === 'REQUEST_CHANGES') {
    throw unprocessable('Can not request changes on your own pull request');
  }
  if (body === '' && event === 'REQUEST_CHANGES') throw unprocessable('Body cannot be blank');
  if (body === '' && event === 'COMMENT' && comments === 0) throw unprocessable('Body cannot be blank');
}

async function commitIdIn(
  site: Site,
  repository: Repository,
  issue: PullIssue,
  wish: string | undefined,
): Promise<string> {
  if (wish === undefined || wish === issue.pull.headSha) return issue.pull.headSha;
  const commits = await commitsOf(site, repository, issue.pull);
  if (commits.some((commit) => commit.sha === wish)) return wish;
  throw invalid({
    resource: 'PullRequestReview',
    code: 'custom',
    field: 'commit_id',
    message: 'commit_id is not part of the pull request',
  });
}

/** Where a comment stands in the diff; 422 for a path or line the diff does not show. */
function placed(
  files: readonly FileChange[],
  comment: { path: string; line: number; side: 'LEFT' | 'RIGHT' },
): { position: number; hunk: string } {
  const file = files.find((one) => one.path === comment.path);
  if (file === undefined) throw unprocessable('Path could not be resolved');
  const place = file.patch === undefined ? undefined : locate(file.patch, comment.line, comment.side);
  if (place === undefined) throw unprocessable('Line could not be resolved');
  return place;
}

async function submit(
  site: Site,
  repository: Repository,
  issue: PullIssue,
  review: Review,
  state: ReviewState,
): Promise<void> {
  const now = site.world.now();
  review.state = state;
  review.submittedAt = now;
  issue.updatedAt = now;
  issue.pull.requestedReviewers = issue.pull.requestedReviewers.filter((user) => user !== review.user);
  site.emit(repository, 'pull_request_review', {
    action: 'submitted',
    ...about(site, repository, issue, review, review.user),
  });
  for (const comment of review.comments) await tellComment(site, repository, issue, comment);
}

/** A comment by itself is a review of one comment, as GitHub keeps it. */
async function single(
  site: Site,
  repository: Repository,
  issue: PullIssue,
  user: User,
  wish: Omit<z.infer<typeof singleCommentWish>, 'start_line'> & { start_line?: number | null | undefined },
  parent?: ReviewComment,
): Promise<ReviewComment> {
  const { world } = site;
  const commitId = parent?.commitId ?? (await commitIdIn(site, repository, issue, wish.commit_id));
  const place =
    parent === undefined
      ? placed(await filesOf(site, repository, issue.pull), wish)
      : { position: parent.position, hunk: parent.diffHunk };
  const now = world.now();
  const reviewId = world.nextId();
  const comment: ReviewComment = {
    id: world.nextId(),
    reviewId,
    user,
    body: wish.body,
    path: wish.path,
    line: wish.line,
    side: wish.side,
    startLine: wish.start_line ?? null,
    position: place.position,
    diffHunk: place.hunk,
    commitId,
    ...(wish.in_reply_to === undefined ? {} : { inReplyTo: wish.in_reply_to }),
    createdAt: now,
    updatedAt: now,
  };
  const review: Review = {
    id: reviewId,
    user,
    body: '',
    state: 'PENDING',
    commitId,
    submittedAt: null,
    comments: [comment],
  };
  issue.pull.reviews.push(review);
  await submit(site, repository, issue, review, 'COMMENTED');
  return comment;
}

/** A comment is outdated when its file is no longer as it was in the commit it was made on. */
async function isOutdated(
  site: Site,
  repository: Repository,
  issue: PullIssue,
  comment: ReviewComment,
): Promise<boolean> {
  if (comment.commitId === issue.pull.headSha) return false;
  const changed = await site.git.diff(repository.path, comment.commitId, issue.pull.headSha);
  return changed.some((file) => file.path === comment.path || file.previousPath === comment.path);
}

const shapesOf = (site: Site, repository: Repository, issue: PullIssue, comments: readonly ReviewComment[]) =>
  Promise.all(
    comments.map(async (comment) => {
      const outdated = await isOutdated(site, repository, issue, comment);
      return reviewCommentShape(site, repository, issue, comment, outdated);
    }),
  );

const about = (site: Site, repository: Repository, issue: PullIssue, review: Review, by: User) => ({
  review: hookReviewShape(site, repository, issue, review),
  pull_request: pullSimpleShape(site, repository, issue),
  repository: repositoryShape(site, repository),
  sender: userShape(site, by),
});

async function tellComment(
  site: Site,
  repository: Repository,
  issue: PullIssue,
  comment: ReviewComment,
): Promise<void> {
  const outdated = await isOutdated(site, repository, issue, comment);
  site.emit(repository, 'pull_request_review_comment', {
    action: 'created',
    comment: reviewCommentShape(site, repository, issue, comment, outdated),
    pull_request: pullSimpleShape(site, repository, issue),
    repository: repositoryShape(site, repository),
    sender: userShape(site, comment.user),
  });
}

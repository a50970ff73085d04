/** Who wrote, and what of it is a comment rather than part of a review. Pure. */
import type { z } from 'zod';
import type { PullObserved, SESSION_EVENTS } from '../../../machines/events/session.ts';
import type { CommentAnswer, ReviewAnswer, ReviewCommentAnswer, User } from './answers.ts';
import { isOneOf } from '../../bridge/concern.ts';
import type { OwnAccount } from '../../bridge/concern.ts';
import { hasMark, sameName, withoutMark } from './names.ts';

export type CommentObserved = z.infer<(typeof SESSION_EVENTS)['comment.observed']['data']>;
export type AuthorKind = CommentObserved['author']['kind'];

export interface Authors {
  /** This system's account and its agents'. */
  self: readonly OwnAccount[];
  /** Bots whose word counts as a person's. */
  bots: readonly string[];
  /** People whose word counts; absent: everybody's. Others are heard no more than a bot. */
  people?: readonly string[] | undefined;
}

const isBot = ({ login, type }: User): boolean => type === 'Bot' || login.endsWith('[bot]');

/** A person whom the configuration does not name, where it names any. */
export function isStranger(user: User, { self, people }: Pick<Authors, 'self' | 'people'>): boolean {
  if (people === undefined || isBot(user) || isOneOf(self, accountOf(user))) return false;
  return !people.some((listed) => sameName(listed, user.login));
}

const accountOf = ({ login, id }: User) => ({ login, ...(id === undefined ? {} : { id: String(id) }) });

export function kindOf(user: User, authors: Authors): AuthorKind {
  if (isOneOf(authors.self, accountOf(user))) return 'self';
  if (isStranger(user, authors)) return 'bot';
  return isBot(user) && !authors.bots.some((listed) => sameName(listed, user.login)) ? 'bot' : 'person';
}

/** A comment with the time it was made, in whose order comments are told. */
export interface TimedComment {
  at: string;
  comment: CommentObserved;
}

/** Comments of an issue or pull request. What our own acts wrote is no news. */
export function commentsOf(comments: readonly CommentAnswer[], on: 'issue' | 'pull', authors: Authors): TimedComment[] {
  return comments
    .filter(({ body }) => !hasMark(body ?? ''))
    .map(({ id, user, body, html_url, created_at }) => ({
      at: created_at,
      comment: {
        comment: String(id),
        on,
        author: { login: user.login, kind: kindOf(user, authors) },
        text: body ?? '',
        url: html_url,
      },
    }));
}

/**
 * What was said in reviews without a verdict: their text and their line comments, and the single line comments and
 * replies that GitHub wraps in such a review. What comes with a verdict belongs to it and is told there.
 */
export function reviewComments(
  reviews: readonly ReviewAnswer[],
  comments: readonly ReviewCommentAnswer[],
  authors: Authors,
): TimedComment[] {
  const texts = reviews
    .filter(({ state, body }) => state === 'COMMENTED' && !isBlank(body) && !hasMark(body ?? ''))
    .map(({ id, user, body, html_url, submitted_at }) => ({
      at: submitted_at ?? '',
      // Ids of comments, line comments and reviews are counted apart: GitHub's own anchors tell them apart.
      comment: { comment: `pullrequestreview-${id}`, ...saidBy(user, authors), text: body ?? '', url: html_url },
    }));
  const elsewhere = new Set(
    reviews.filter(({ state, body }) => state !== 'COMMENTED' || hasMark(body ?? '')).map(({ id }) => id),
  );
  const lines = comments
    .filter((comment) => !elsewhere.has(comment.pull_request_review_id ?? -1) && !hasMark(comment.body))
    .map((comment) => {
      const line = lineOf(comment);
      return {
        at: comment.created_at,
        comment: {
          comment: `discussion_r${comment.id}`,
          ...saidBy(comment.user, authors),
          text: comment.body,
          path: comment.path,
          ...(line === undefined ? {} : { line }),
          url: comment.html_url,
        },
      };
    });
  return [...texts, ...lines];
}

const saidBy = (user: User, authors: Authors) =>
  ({ on: 'pull', author: { login: user.login, kind: kindOf(user, authors) } }) as const;

const isBlank = (body: string | null | undefined): boolean => withoutMark(body ?? '') === '';

/** A review in people's sense: with a verdict, or with a text. */
export const isReview = ({ state, body }: ReviewAnswer): boolean =>
  state !== 'PENDING' && (state !== 'COMMENTED' || !isBlank(body));

/** An outdated comment keeps the line it was made on. */
export const lineOf = ({ line, original_line }: ReviewCommentAnswer): number | undefined =>
  line ?? original_line ?? undefined;

export type Closing = Pick<PullObserved, 'closedBy' | 'closingComment'>;

/** A comment this long before the closing, or a moment after it, is taken for its reason. */
const CLOSING_MS = { before: 600_000, after: 60_000 };

/** Who closed a pull request unmerged, and what they last said around then. */
export function closingOf(
  closer: User,
  closedAt: string,
  comments: readonly CommentAnswer[],
  authors: Authors,
): Closing {
  const reason = comments.findLast(({ user, created_at }) => {
    const sinceMs = Date.parse(created_at) - Date.parse(closedAt);
    return sameName(user.login, closer.login) && sinceMs >= -CLOSING_MS.before && sinceMs <= CLOSING_MS.after;
  });
  return {
    closedBy: { login: closer.login, kind: kindOf(closer, authors) },
    ...(reason?.body == null ? {} : { closingComment: withoutMark(reason.body) }),
  };
}

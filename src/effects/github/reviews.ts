/** Reviews as `pull.observed` carries them, each with its own comments: of all who are heard. Whose counts is decided elsewhere. */
import type { PullObserved } from '../../../machines/events/session.ts';
import type { ReviewAnswer, ReviewCommentAnswer } from './answers.ts';
import { isReview, isStranger, lineOf } from './comments.ts';
import type { Authors } from './comments.ts';
import { withoutMark } from './names.ts';

type Review = PullObserved['reviews'][number];

const VERDICTS: Record<string, Review['verdict']> = {
  APPROVED: 'approve',
  CHANGES_REQUESTED: 'request_changes',
  COMMENTED: 'comment',
  DISMISSED: 'dismissed',
};
/** The latest matter; the schema's limits lie above. */
const REVIEWS_MAX = 200;
const COMMENTS_MAX = 200;
const TEXT_MAX = 20_000;
/** An envelope holds 1 MiB; what is left must hold the rest of the facts. */
const CHARACTERS_MAX = 250_000;

export function reviewsOf(
  reviews: readonly ReviewAnswer[],
  comments: readonly ReviewCommentAnswer[],
  authors: Pick<Authors, 'self' | 'people'>,
): Review[] {
  const heard = reviews.filter((review) => isReview(review) && !isStranger(review.user, authors));
  const all = heard.flatMap((review): Review[] => {
    const verdict = VERDICTS[review.state];
    if (verdict === undefined) return [];
    return [
      {
        id: String(review.id),
        author: review.user.login,
        verdict,
        head: review.commit_id ?? '',
        body: withoutMark(review.body ?? '').slice(0, TEXT_MAX),
        comments: comments
          .filter((comment) => comment.pull_request_review_id === review.id)
          .slice(0, COMMENTS_MAX)
          .map(commentOf),
        ...(review.submitted_at == null ? {} : { at: review.submitted_at }),
      },
    ];
  });
  return fit(all.slice(-REVIEWS_MAX));
}

function commentOf(comment: ReviewCommentAnswer): Review['comments'][number] {
  const line = lineOf(comment);
  return {
    path: comment.path,
    ...(line === undefined ? {} : { line }),
    ...(comment.side == null ? {} : { side: comment.side }),
    body: comment.body.slice(0, TEXT_MAX),
    id: String(comment.id),
    url: comment.html_url,
    author: comment.user.login,
    ...(comment.commit_id == null ? {} : { commit: comment.commit_id }),
  };
}

/** The oldest reviews lose their texts first, never their verdicts. */
function fit(reviews: Review[]): Review[] {
  let left = CHARACTERS_MAX;
  return reviews
    .toReversed()
    .map((review) => {
      left -= JSON.stringify(review).length;
      return left >= 0 ? review : { ...review, body: '', comments: [] };
    })
    .toReversed();
}

/** How a session ends by fact: merged, reported, its pull request over (a review), its issue removed. */
import { finish } from './corrections.ts';
import { type Draft } from './draft.ts';
import { isReview } from './standing.ts';
import { moveIssue, showPlan } from './tracker.ts';

/** Merged, or the report delivered: the issue goes to its completed state, Linear gets its response. */
export function complete(draft: Draft): void {
  const { context } = draft;
  const { pull, report } = context;
  if (isReview(context)) return finish(draft, 'the pull request is over', 'response');
  moveIssue(draft, 'completed');
  showPlan(draft);
  const words = pull?.merged === true ? `Merged: ${pull.url}` : (report ?? 'Done.');
  finish(draft, words, 'response');
}

export function removed(draft: Draft): void {
  finish(draft, 'The issue was removed.', 'error');
}

/** How a session ends: merged, reported, its pull request over (a review), its issue removed, closed by a person. */
import { endAssignment, isAssigned, unwant } from './assignment.ts';
import { why } from './corrections.ts';
import { type Draft, set, wishFor } from './draft.ts';
import { dropReview } from './reviewing.ts';
import { isReview } from './standing.ts';
import { moveIssue, respond, showPlan } from './tracker.ts';

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

/** Ended by a person or the mission. */
export function close(draft: Draft): void {
  const { event, context } = draft;
  if (event.type !== 'correct.close') return;
  const { outcome, pull } = event.data;
  // Known by its number though the watch has not seen it yet: nobody looks for it any more after this step.
  const number = context.pull === null ? (context.number ?? context.run?.ended?.pull ?? null) : context.pull.number;
  if (pull === 'close' && number !== null && context.pull?.state !== 'closed' && !isReview(context)) {
    wishFor(draft, 'pull.close', { repo: context.brief.repo, number, comment: why(draft, 'Closed') });
  }
  set(draft, { ending: true });
  showPlan(draft);
  draft.raised.push(`closed.${outcome}`);
  finish(draft, why(draft, `closed as ${outcome}`), outcome === 'done' ? 'response' : 'error');
}

/** Leaves nothing behind: offers, runs, wants, acts that have not begun, the worktree. */
export function finish(draft: Draft, reason: string, word: 'response' | 'error'): void {
  const { context, event } = draft;
  set(draft, { endedAt: event.at });
  if (isAssigned(context)) endAssignment(draft, reason);
  unwant(draft);
  if (context.merge?.state === 'asked') draft.wishes.push({ type: 'act.cancel', params: { act: 'pull.merge' } });
  if (context.worktree !== null) {
    wishFor(draft, 'worktree.remove', { repo: context.brief.repo, branch: context.branch, epoch: context.epoch });
  }
  // Merged, the review session sees that for itself; else the pull request may stay open.
  if (context.pull?.merged !== true) dropReview(draft);
  respond(draft, word, reason);
}

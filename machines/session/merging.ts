/** Merging by ourselves (`merge: self`): one try per head, and only the observed merge ends the session. */
import type { SessionContext } from './context.ts';
import { type Draft, set, wishFor } from './draft.ts';
import { askHelp } from './tracker.ts';
import { checksOf, isReplaced, isReview, mayAct, pullOf, reviewIsGood } from './standing.ts';

/** Everything a merge needs, and nothing owed, asked, or in the making. */
export function mayMerge(context: SessionContext): boolean {
  const { pull, brief, merge } = context;
  return (
    brief.merge === 'self' &&
    pull !== null &&
    merge?.head !== pull.head &&
    !isReplaced(context) &&
    context.obligations.length === 0 &&
    context.questions.length === 0 &&
    context.run === null &&
    context.offer === null &&
    pullOf(context) === 'open' &&
    pull.conflict !== true &&
    pull.queue.state === 'out' &&
    reviewIsGood(context) &&
    checksOf(context) === 'green' &&
    mayAct(context) &&
    !isReview(context)
  );
}

export function merge(draft: Draft): void {
  const { context, event } = draft;
  const { pull, brief } = context;
  if (pull === null) return;
  set(draft, { merge: { head: pull.head, state: 'asked', reason: null, at: event.at } });
  wishFor(draft, 'pull.merge', { repo: brief.repo, number: pull.number, head: pull.head, method: brief.mergeMethod });
}

/** The answer of the act: believed only as a reason to look; a refusal is shown at gate `merge`. */
export function mergeAnswered(draft: Draft): void {
  const { context, event } = draft;
  if (event.type !== 'pull.merge.done' && event.type !== 'pull.merge.failed') return;
  const { merge } = context;
  if (merge === null || event.wish?.['head'] !== merge.head || merge.state !== 'asked') return;
  const refusal =
    event.type === 'pull.merge.failed'
      ? event.data.reason
      : isMerged(event.data.result)
        ? null
        : 'GitHub did not merge it';
  set(draft, {
    merge: { ...merge, state: refusal === null ? 'done' : 'refused', reason: refusal },
    look: context.look + 1,
  });
  if (refusal === null || context.brief.mission !== null) return;
  askHelp(draft, { gate: 'merge', on: 'person/operator', text: `The pull request could not be merged: ${refusal}.` });
}

const isMerged = (result: unknown): boolean => (result as { merged?: unknown } | null | undefined)?.merged !== false;

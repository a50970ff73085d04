/**
 * Where each region stands, read from the facts: pure functions of the context. The chart follows them by labels
 * (`labels.ts`), so a region can never disagree with what is known.
 */
import type { GivenVerdict, SessionContext } from './context.ts';

export type Authority = 'delegated' | 'withdrawn';
export type Hold = 'free' | 'paused' | 'taken';
export type Start = 'held' | 'free';
export type PullState = 'none' | 'draft' | 'open' | 'merged' | 'closed';
export type ReviewState = 'notWanted' | 'wanted' | 'requested' | 'changesRequested' | 'approved';
export type ChecksState = 'unknown' | 'pending' | 'green' | 'red';
export type QueueState = 'out' | 'waiting' | 'merging' | 'evicted';
export type HumanState = 'none' | 'asked';

export const isReview = (context: SessionContext): boolean => context.brief.kind === 'review';

/** Past `queue.waiting` a withdrawal is only recorded: the merge goes on. */
export function authorityOf(context: SessionContext): Authority {
  if (context.authority.delegated) return 'delegated';
  const queue = queueOf(context);
  return queue === 'waiting' || queue === 'merging' ? 'delegated' : 'withdrawn';
}

export function holdOf({ taken, paused }: SessionContext): Hold {
  if (taken !== null) return 'taken';
  return paused === null ? 'free' : 'paused';
}

export function startOf(context: SessionContext): Start {
  if (context.heldBy.length > 0 || context.blockers === null) return 'held';
  return context.blockers.some((blocker) => !blocker.done) ? 'held' : 'free';
}

export function pullOf({ pull }: SessionContext): PullState {
  if (pull === null) return 'none';
  if (pull.merged) return 'merged';
  if (pull.state === 'closed') return 'closed';
  return pull.draft ? 'draft' : 'open';
}

/** Another pull request was attached and is not seen yet: with the one before nothing is begun any more. */
export const isReplaced = ({ number, pull }: SessionContext): boolean =>
  number !== null && pull !== null && pull.state === 'open' && pull.number !== number;

export const humanOf = (context: SessionContext): HumanState => (context.questions.length > 0 ? 'asked' : 'none');

const RED = new Set(['failure', 'timed_out', 'action_required', 'startup_failure', 'error']);
const GOOD = new Set(['success', 'neutral', 'skipped']);

/**
 * The gate as the watch judged it, less the checks a person ignores. Red needs a snapshot that names the failed check:
 * a bare verdict without one is not settled yet.
 */
export function checksOf(context: SessionContext): ChecksState {
  const { pull } = context;
  if (pull === null || isReview(context)) return 'unknown';
  const wanted = context.brief.gates.checks ?? 'required';
  if (wanted === 'none') return 'green';
  const { state, checks, failed } = pull.gate;
  const ignored = ignoredNames(context);
  if (ignored.size === 0) {
    if (state !== 'red') return state;
    return failed.length > 0 || checks.some((check) => isRed(check.conclusion)) ? 'red' : 'pending';
  }
  const left = checks.filter((check) => !ignored.has(check.name));
  if (left.some((check) => isRed(check.conclusion))) return 'red';
  const names = Array.isArray(wanted) ? wanted.filter((name) => !ignored.has(name)) : left.map((check) => check.name);
  const good = new Set(left.filter((check) => isGood(check.conclusion)).map((check) => check.name));
  return names.every((name) => good.has(name)) ? 'green' : 'pending';
}

const isRed = (conclusion: string | null): boolean => conclusion !== null && RED.has(conclusion.toLowerCase());
const isGood = (conclusion: string | null): boolean => conclusion !== null && GOOD.has(conclusion.toLowerCase());

function ignoredNames(context: SessionContext): Set<string> {
  const head = context.pull?.head;
  return new Set(
    context.ignored.filter((entry) => entry.head === null || entry.head === head).map((entry) => entry.name),
  );
}

/** Names a correction may ignore or run again. */
export function gateCheckNames(context: SessionContext): string[] {
  const named = context.brief.gates.checks;
  return [...(Array.isArray(named) ? named : []), ...(context.pull?.gate.checks.map((check) => check.name) ?? [])];
}

/** What the gate hangs on where it names nothing and nothing has reported. */
export const ANY_CHECK = 'any check';

/** Gate checks that have not reported for this head: the named ones, else those the branch requires, else all of them. */
export function silentChecks(context: SessionContext): string[] {
  const { pull } = context;
  const wanted = context.brief.gates.checks ?? 'required';
  if (pull === null || wanted === 'none') return [];
  const { checks } = pull.gate;
  if (!Array.isArray(wanted) && checks.length === 0) return [ANY_CHECK];
  const ignored = ignoredNames(context);
  const told = new Set(
    checks.filter((check) => check.conclusion !== null || check.url !== null).map((check) => check.name),
  );
  const names = Array.isArray(wanted) ? wanted : checks.map((check) => check.name);
  return names.filter((name) => !ignored.has(name) && !told.has(name));
}

/** A verdict belongs to a head (law 9); approvals may hold for our own later ones. */
export function reviewOf(context: SessionContext): ReviewState {
  const { pull, reviewing } = context;
  if (isReview(context) || pull === null || pull.state !== 'open' || pull.draft) return 'notWanted';
  if (context.brief.gates.review === 'none' || isWaived(context)) return 'notWanted';
  if (reviewing.verdicts.some((verdict) => asksForChanges(context, verdict))) return 'changesRequested';
  if (isApproved(context)) return 'approved';
  if (reviewing.comment?.head === pull.head) return 'requested';
  if (reviewing.asked?.head !== pull.head) return 'wanted';
  if (context.brief.reviewers === 'people' || reviewing.person !== null) return 'requested';
  return reviewing.picture?.owner != null ? 'requested' : 'wanted';
}

export function isWaived({ pull, reviewing }: SessionContext): boolean {
  return reviewing.waived || (pull !== null && reviewing.waivedHeads.includes(pull.head));
}

/** Changes requested carry over until answered: while its head stands, or its obligation is open. */
export function asksForChanges(context: SessionContext, verdict: GivenVerdict): boolean {
  if (verdict.verdict !== 'request_changes') return false;
  if (verdict.head === context.pull?.head) return true;
  return context.obligations.some(
    (obligation) => obligation.kind === 'review' && obligation.evidence['reviewer'] === verdict.reviewer,
  );
}

/** Approved for this head, by somebody who spoke after every request for changes by others. */
function isApproved({ pull, reviewing }: SessionContext): boolean {
  const lastChange = Math.max(
    0,
    ...reviewing.verdicts.filter(({ verdict }) => verdict === 'request_changes').map(({ n }) => n),
  );
  return reviewing.verdicts.some(
    ({ verdict, holds, n }) => verdict === 'approve' && holds === pull?.head && n > lastChange,
  );
}

/** Nothing of the review gate is in the way of a merge. */
export function reviewIsGood(context: SessionContext): boolean {
  const review = reviewOf(context);
  return review === 'approved' || (review === 'notWanted' && pullOf(context) === 'open');
}

export function queueOf(context: SessionContext): QueueState {
  const { pull, merge, brief } = context;
  if (pull === null || pull.state !== 'open' || isReview(context)) return 'out';
  const { state, head } = pull.queue;
  if (state === 'evicted' && (head === null || head === pull.head)) return 'evicted';
  if (state === 'waiting' || state === 'merging') return state;
  if (merge?.head === pull.head && merge.state !== 'refused') return 'merging';
  if (brief.merge === 'queue' && reviewIsGood(context) && checksOf(context) !== 'red') return 'waiting';
  return 'out';
}

/** Paused, taken over, withdrawn and held are guards on everything (law 11). */
export function mayAct(context: SessionContext): boolean {
  if (context.ending || context.pull?.merged === true) return false;
  return holdOf(context) === 'free' && startOf(context) === 'free' && authorityOf(context) === 'delegated';
}

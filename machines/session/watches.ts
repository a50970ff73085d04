/** What keeps looking while the session is open: its issue, its pull request. */
import type { ActorView } from '../contract.ts';
import type { WatchParams } from '../effects.ts';
import type { SessionContext } from './context.ts';
import { authorityOf, checksOf, isReview, queueOf, reviewIsGood, startOf } from './standing.ts';

export function watch(name: string, { context }: ActorView<SessionContext>): Record<string, unknown> | undefined {
  if (name === 'issue') return watchIssue(context);
  if (name === 'pull') return watchPull(context);
  return undefined;
}

function watchIssue(context: SessionContext): WatchParams<'issue'> | undefined {
  const { source, repo } = context.brief;
  if ((source.kind !== 'linear' && source.kind !== 'github') || source.ref === null) return undefined;
  const awaited = startOf(context) === 'held' || authorityOf(context) === 'withdrawn';
  return { source: source.kind, ref: source.ref, repo, awaited };
}

function watchPull(context: SessionContext): WatchParams<'pull'> | undefined {
  const { brief, number, pull } = context;
  const wanted = isReview(context) ? brief.target : number;
  if (isReview(context) ? brief.target === null : brief.deliver === 'report') return undefined;
  return {
    repo: brief.repo,
    branch: isReview(context) ? (pull?.branch ?? '') : context.branch,
    ...(wanted === null ? {} : { number: wanted }),
    ...(brief.base === null ? {} : { base: brief.base }),
    gates: brief.gates,
    ...(brief.queueCheck === null ? {} : { queueCheck: brief.queueCheck }),
    reviewers: brief.reviewers,
    awaited: isAwaited(context),
    look: context.look,
    // Not before the session was told that its own is closed, or it would never learn how that one ended.
    ...(!isReview(context) && pull?.state === 'closed' && pull.number === number ? { next: true } : {}),
  };
}

/** The next move is GitHub’s: a review by people, a check, a merge, or the first sight of the pull request. */
function isAwaited(context: SessionContext): boolean {
  if (isReview(context)) return false;
  const { pull, run, runs, brief } = context;
  if (pull === null) return runs.length > 0 || run !== null;
  if (pull.state === 'closed') return run !== null;
  const checks = checksOf(context);
  const byPeople = brief.reviewers === 'people' || context.reviewing.person !== null;
  return (
    checks === 'unknown' || checks === 'pending' || byPeople || reviewIsGood(context) || queueOf(context) !== 'out'
  );
}

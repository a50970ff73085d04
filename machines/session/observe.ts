/**
 * The pull request as its watch sees it, folded into the context (domain §1.6). The same fact gives the same future:
 * nothing new changes nothing, something older than the last is recorded and not applied.
 */
import type { PullObserved } from '../events/index.ts';
import { isSame } from '../same.ts';
import { resetAttempts } from './budgets.ts';
import { observeChecks } from './checking.ts';
import { isLive } from './assignment.ts';
import type { Obligation, Pull } from './context.ts';
import { type Draft, latest, set, wishFor } from './draft.ts';
import { isBefore } from './instant.ts';
import { lapse, owe, park, unpark } from './obligations.ts';
import { carryApprovals, changeRefusal, forgetReviews, observeReviews, reviewReopened } from './reviewing.ts';
import { authorityOf, isReview, queueOf, reviewIsGood } from './standing.ts';
import { askHelp, link } from './tracker.ts';

const HEADS_MAX = 100;

export function observePull(draft: Draft): void {
  const { context, event } = draft;
  if (event.type !== 'pull.observed') return;
  const seen = event.data;
  if (context.number !== null && seen.number !== context.number && context.pull?.state !== 'closed') return;
  if (isBefore(seen.updatedAt, context.seen.pullAt) && seen.number === context.pull?.number) return;
  set(draft, { seen: { ...context.seen, pullAt: seen.updatedAt } });
  const before = context.pull?.number === seen.number ? context.pull : null;
  if (before === null && context.merge !== null) set(draft, { merge: null });
  const pull = pullFrom(seen);
  if (before === null || !isSame(before, pull)) set(draft, { pull });
  // A closed one is let go of: the next pull request of the branch is looked for.
  if (context.number !== seen.number && (seen.state === 'open' || seen.merged)) set(draft, { number: seen.number });
  if (before?.head !== seen.head) moved(draft, before, seen);
  if (isReview(context)) return;
  if (before === null) appeared(draft, seen, { attached: context.attached === seen.number });
  observeReviews(draft, seen);
  observeClosing(draft, before, seen);
  if (seen.state !== 'open') return;
  observeChecks(draft, before, seen);
  observeQueue(draft, seen);
}

/** The number that was attached names nothing that can be worked on: let go of for the one before, and said. */
export function missPull(draft: Draft): void {
  const { context, event } = draft;
  if (event.type !== 'pull.missed') return;
  const { number, reason } = event.data;
  if (isReview(context) || context.number !== number || context.pull?.number === number) return;
  set(draft, {
    number: context.pull?.number ?? null,
    look: context.look + 1,
    missed: { number, reason, at: event.at },
  });
  askHelp(draft, {
    gate: 'merge',
    on: 'person/operator',
    text: `Pull request #${number} cannot be taken over: ${reason}.`,
  });
}

function pullFrom(seen: PullObserved): Pull {
  return {
    number: seen.number,
    url: seen.url,
    state: seen.state,
    draft: seen.draft,
    merged: seen.merged,
    closedBy: seen.closedBy ?? null,
    title: seen.title,
    author: seen.author,
    branch: seen.branch,
    head: seen.head,
    headBy: seen.headBy,
    base: seen.base,
    conflict: seen.conflict,
    gate: {
      state: seen.gate.state,
      checks: seen.gate.checks,
      failed: [...new Set(seen.gate.failures.map((failure) => failure.check))],
    },
    queue: { state: seen.queue.state, head: seen.queue.incident?.head ?? null },
  };
}

/** First sight of this pull request: its branch is ours from now on. Opened while withdrawn, it is closed again. */
function appeared(draft: Draft, seen: PullObserved, { attached }: { attached: boolean }): void {
  const { context } = draft;
  if (context.missed !== null && context.missed.number === seen.number) set(draft, { missed: null });
  if (seen.branch !== context.branch) set(draft, { branch: seen.branch });
  if (context.reviewing.asked !== null || context.reviewing.verdicts.length > 0) forgetReviews(draft);
  link(draft, seen.url, `Pull request #${seen.number}`);
  if (seen.state !== 'open') return;
  // The one before was closed by our own account, and here is what it was closed for.
  const running = context.run?.claims ?? [];
  lapse(draft, ({ id, signature }) => signature?.startsWith(CLOSED) === true && !running.includes(id));
  // What runs were tried for in vain is there: a person opened it, or it was seen late.
  unpark(draft, ({ kind, parked }) => kind === 'implement' && (parked?.by === 'budget' || parked?.by === 'unmoved'));
  if (seen.headBy === 'other') resetAttempts(draft, ['implement']);
  const isOurs = seen.headBy === 'us' || context.runs.length > 0;
  if (isOurs && !attached && authorityOf(draft.context) === 'withdrawn') {
    wishFor(draft, 'pull.close', {
      repo: context.brief.repo,
      number: seen.number,
      comment: 'This work was withdrawn before the pull request was opened.',
    });
  }
}

/** Another head: results for the old one lapse, gates are judged anew, what was parked has another chance. */
function moved(draft: Draft, before: Pull | null, { head, headBy }: PullObserved): void {
  const { heads } = draft.context;
  if (heads.at(-1)?.head !== head) set(draft, { heads: latest([...heads, { head, by: headBy }], HEADS_MAX) });
  if (before === null) return;
  carryApprovals(draft, before.head, head, headBy);
  changeRefusal(draft);
  lapse(draft, (open) => REPAIRS.has(open.kind) && open.head !== null && open.head !== head);
  const running = draft.context.run?.claims ?? [];
  lapse(draft, (open) => open.kind === 'verdict' && open.head === before.head && !running.includes(open.id));
  // What our own run pushed is no new chance for what its budget, or a person, has to decide (law 10).
  if (headBy === 'us') return unpark(draft, ({ parked }) => parked?.by === 'unmoved');
  unpark(draft, ({ parked }) => parked?.by !== 'stopped');
  resetAttempts(draft, ['checks', 'queue', 'review', 'upkeep', 'implement']);
}

const REPAIRS = new Set(['checks', 'queue', 'upkeep']);

/** Closed unmerged by a person: the work is owed again, with what they said; a second time they are asked. */
function observeClosing(draft: Draft, before: Pull | null, seen: PullObserved): void {
  if (seen.merged) return;
  if (seen.state === 'open') {
    if (before?.state !== 'closed') return;
    lapse(draft, (open) => open.kind === 'implement' && open.signature === closed(seen));
    return reviewReopened(draft);
  }
  const { context } = draft;
  const by = seen.closedBy;
  if (before?.state === 'closed' || by === undefined) return;
  const isSelf = by.kind === 'self';
  if (isSelf && authorityOf(context) === 'withdrawn') return takeBack(draft, seen);
  if (context.brief.deliver !== 'pull_request') return;
  if (isSelf) return closedBySelf(draft, seen, by.login);
  const closings = context.closings + 1;
  set(draft, { closings, number: null, merge: null });
  const again = workAgain(draft, seen, by.login);
  if (closings > 1 && again !== undefined)
    park(draft, again.id, 'closed', `${by.login} closed the pull request a second time`);
}

/**
 * By our own account though nobody took the work back: a run that is about to open another one, whose end will show
 * it; or somebody who uses our account, and then only a person knows what it means. Its number is kept till the next.
 */
function closedBySelf(draft: Draft, seen: PullObserved, login: string): void {
  const isByRun = isLive(draft.context);
  set(draft, { merge: null });
  const again = workAgain(draft, seen, login);
  if (!isByRun && again !== undefined)
    park(
      draft,
      again.id,
      'closed',
      `${login}, our own account, closed the pull request, and nobody took the work back`,
    );
}

function workAgain(draft: Draft, seen: PullObserved, login: string): Obligation | undefined {
  lapse(draft, (open) => open.kind !== 'implement' && open.kind !== 'answer');
  const evidence = { closedBy: login, comment: seen.closingComment ?? null, pull: seen.url };
  owe(draft, { kind: 'implement', signature: closed(seen), evidence });
  return draft.context.obligations.find((open) => open.signature === closed(seen));
}

/** We closed it because the work was withdrawn: delegated again, the work is to be done, in another pull request. */
function takeBack(draft: Draft, seen: PullObserved): void {
  set(draft, { number: null, merge: null });
  lapse(draft, ({ kind }) => kind !== 'implement' && kind !== 'answer');
  if (draft.context.obligations.some(({ kind }) => kind === 'implement')) return;
  owe(draft, { kind: 'implement', signature: closed(seen), evidence: { closedBy: 'withdrawal', pull: seen.url } });
}

const CLOSED = 'pull.closed::';
const closed = ({ number }: PullObserved): string => `${CLOSED}${number}`;

function observeQueue(draft: Draft, seen: PullObserved): void {
  const { head, conflict, headBy } = seen;
  const queue = queueOf(draft.context);
  if (queue === 'evicted') {
    const incident = seen.queue.incident ?? {};
    owe(draft, {
      kind: 'queue',
      head,
      signature: `queue_eviction::${head}::${incident.check ?? draft.context.brief.queueCheck ?? 'queue'}`,
      evidence: { failureReason: 'queue_eviction', incident, head },
    });
    return;
  }
  if (seen.queue.state === 'waiting' || seen.queue.state === 'merging') resetAttempts(draft, ['queue']);
  if (conflict === false) {
    lapse(draft, (open) => open.kind === 'upkeep' || (open.kind === 'queue' && isConflict(open.signature)));
    resetAttempts(draft, ['upkeep']);
    if (seen.queue.state === 'out') lapse(draft, (open) => open.kind === 'queue' && !isConflict(open.signature));
  }
  if (conflict !== true || seen.draft) return;
  const evidence = { failureReason: 'preemptive_conflict', head, base: seen.base };
  if (reviewIsGood(draft.context)) {
    lapse(draft, ({ kind }) => kind === 'upkeep');
    owe(draft, { kind: 'queue', head, signature: `conflict::${head}`, evidence });
  } else if (headBy === 'us') {
    owe(draft, { kind: 'upkeep', head, signature: `conflict::${head}`, evidence });
  }
}

const isConflict = (signature: string | null): boolean => signature?.startsWith('conflict::') === true;

/** Approved meanwhile: a conflict is no longer upkeep but in the way of the merge. */
export function weighConflict(draft: Draft): void {
  const { pull } = draft.context;
  if (pull?.conflict !== true || pull.state !== 'open' || !reviewIsGood(draft.context)) return;
  lapse(draft, ({ kind }) => kind === 'upkeep');
  owe(draft, {
    kind: 'queue',
    head: pull.head,
    signature: `conflict::${pull.head}`,
    evidence: { failureReason: 'preemptive_conflict', head: pull.head, base: pull.base },
  });
}

/** After a run: the session's own look at what it left (domain §1.4), and what follows from the evidence. */
import { closeRun } from './assignment.ts';
import { countAttempt, limitOf, resetAttempts, spent } from './budgets.ts';
import type { Obligation, SessionContext } from './context.ts';
import { type Draft, set, wishFor } from './draft.ts';
import { short } from './names.ts';
import { amend, park, parkIfSpent, settle } from './obligations.ts';
import { checksOf, reviewOf } from './standing.ts';
import { askHelp } from './tracker.ts';

/** Act run.verify: the session's own look at worktree, remote and pull request. */
export function verify(draft: Draft): void {
  const { context } = draft;
  const { run, brief } = context;
  if (run === null || run.ended === null) return;
  set(draft, { run: { ...run, verifying: true } });
  const main = context.obligations.find(({ id }) => id === run.claims[0]);
  const number = context.number ?? context.pull?.number ?? run.ended.pull ?? brief.target;
  wishFor(draft, 'run.verify', {
    run: run.epoch,
    for: run.for ?? 'implement',
    kind: brief.kind,
    deliver: brief.deliver,
    repo: brief.repo,
    ...(brief.base === null ? {} : { base: brief.base }),
    branch: context.branch,
    ...(number === null ? {} : { number }),
    headBefore: run.head,
    report: run.ended.report !== null,
    ...(run.ended.verdict === null ? {} : { verdict: { head: run.ended.verdict.head } }),
    ...(main?.kind === 'verdict' && main.head !== null ? { target: main.head } : {}),
    protectedPaths: brief.protectedPaths,
    gates: brief.gates,
  });
}

/** The evidence is in: discharge what the run claimed, or count the attempt and say why not. */
export function judge(draft: Draft): void {
  const { context, event } = draft;
  const { run } = context;
  if (event.type !== 'run.verified' || run === null || run.ended === null || run.for === null) return;
  const { evidence } = event.data;
  const main = context.obligations.find(({ id }) => id === run.claims[0]) ?? null;
  const reasons = [
    ...(run.ended.outcome === 'completed' ? [] : [run.ended.reason ?? 'the run failed']),
    ...(evidence.protected.length > 0 ? [`protected paths were changed: ${evidence.protected.join(', ')}`] : []),
    ...(event.data.ok ? [] : [shortfall(run.for, context, evidence)]),
  ];
  const well = reasons.length === 0;
  const isHeard = context.obligations.some(({ id, voice }) => run.claims.includes(id) && voice?.bot !== true);
  if (!(well && gateIsGood(context, run.for))) countAttempt(draft, run.for);
  if (main !== null) amend(draft, main.id, { attempts: main.attempts + 1 });
  if (evidence.pull !== undefined && context.number === null) set(draft, { number: evidence.pull });
  if (run.ended.report !== null && well) set(draft, { report: run.ended.report });
  closeRun(draft, run.ended.outcome, well ? null : reasons.join('; '), { ok: well, evidence });
  if (well) {
    set(draft, { restarts: 0, limited: 0, answered: null });
    settle(draft, ({ id }) => run.claims.includes(id));
    // An answer has no gate that turns good: being answered is all of it.
    if (run.for === 'answer' && isHeard) resetAttempts(draft, ['answer']);
  } else if (main !== null) {
    fallShort(draft, main.id, {
      reason: reasons.join('; '),
      evidence,
      moved: evidence.headAfter !== evidence.headBefore,
    });
  }
  parkSpent(draft, run.for);
}

/** What the same run’s push has opened meanwhile is owed under the same budget. */
function parkSpent(draft: Draft, kind: Obligation['kind']): void {
  if (kind === 'answer' || kind === 'verdict') return;
  for (const open of draft.context.obligations) {
    if (open.kind === kind && open.parked === null) parkIfSpent(draft, open);
  }
}

/** The gate turned good before the evidence was in: its counter has gone back to 0 and stays there. */
function gateIsGood(context: SessionContext, kind: Obligation['kind']): boolean {
  if (kind === 'checks') return checksOf(context) === 'green';
  if (kind === 'review') return reviewOf(context) === 'approved';
  return kind === 'upkeep' && context.pull?.conflict === false;
}

type Evidence = Extract<Draft['event'], { type: 'run.verified' }>['data']['evidence'];

function shortfall(kind: Obligation['kind'], context: SessionContext, evidence: Evidence): string {
  if (kind === 'verdict') return 'no verdict was given for exactly this head';
  if (evidence.dirty.length > 0) return `uncommitted files are left: ${evidence.dirty.slice(0, 5).join(', ')}`;
  if (evidence.unpushed > 0) return `${evidence.unpushed} commits are not pushed`;
  if (kind === 'implement') {
    return context.brief.deliver === 'report' ? 'no report was delivered' : 'no pull request of this branch is open';
  }
  const { headBefore, headAfter } = evidence;
  if (headAfter === headBefore) return `the head did not move${headAfter === null ? '' : ` past ${short(headAfter)}`}`;
  return 'what was required is not there';
}

interface Shortfall {
  reason: string;
  evidence: Record<string, unknown>;
  moved: boolean;
}

/** Implementations and verdicts get one more try in the same worktree; a repair that did not move the head is parked. */
function fallShort(draft: Draft, id: string, { reason, evidence, moved }: Shortfall): void {
  const { context, event } = draft;
  const main = context.obligations.find((open) => open.id === id);
  if (main === undefined) return;
  amend(draft, id, { last: { epoch: context.runs.at(-1)?.epoch ?? context.epoch, reason, evidence } });
  const isProtected = Array.isArray(evidence['protected']) && evidence['protected'].length > 0;
  if (isProtected) {
    park(draft, id, 'protected', reason);
    askHelp(draft, { gate: 'human', on: 'person/operator', text: reason, since: event.at });
    return;
  }
  if (spent(context, main.kind, main.attempts)) {
    park(draft, id, 'budget', `${reason} (${limitOf(context, main.kind)} attempts are spent)`);
    return;
  }
  const again = main.kind === 'implement' || main.kind === 'verdict' || main.kind === 'answer' || moved;
  if (!again) {
    park(draft, id, 'unmoved', reason);
    return;
  }
  const { worktree } = draft.context;
  if (worktree !== null) set(draft, { worktree: { ...worktree, keep: true } });
}

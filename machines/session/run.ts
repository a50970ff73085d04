/** One run (domain §1.3–1.5): prepared, begun, ended, verified on evidence, or lost. */
import type { ActParams } from '../effects.ts';
import { timerMs } from '../contract.ts';
import { closeRun, endAssignment, excludeAgent, pinnedAgent, roleOf } from './assignment.ts';
import { countAttempt, exhausted, limitOf, runLimits, spent } from './budgets.ts';
import type { Obligation, RunEnd, SessionContext } from './context.ts';
import { type Draft, latest, say, set, wishFor } from './draft.ts';
import { msOf } from './instant.ts';
import { short } from './names.ts';
import { claimsOf, due } from './next.ts';
import { amend, park, settle } from './obligations.ts';
import { promptFor } from './prompt.ts';
import { checksOf, isReview, reviewOf } from './standing.ts';
import { askHelp, elicit, moveIssue, showPlan, tellLinear } from './tracker.ts';

/** Act worktree.prepare for the accepted run. A once-more run goes on in the directory as it was left. */
export function prepare(draft: Draft): void {
  const { context } = draft;
  const main = due(context);
  const { brief, worktree } = context;
  const keep = worktree?.keep === true && !worktree.fresh;
  wishFor(draft, 'worktree.prepare', {
    repo: brief.repo,
    ...(brief.base === null ? {} : { base: brief.base }),
    branch: context.branch,
    ...(isReview(context) && main?.head != null ? { head: main.head } : {}),
    // A published branch is not rebased under its reviewers; conflicts are the run's own to resolve.
    rebase: main?.kind === 'implement' && context.pull === null && !keep,
    epoch: context.epoch,
    fresh: worktree?.fresh ?? false,
    ...(keep ? { keep } : {}),
  });
}

/** The worktree stands: claim what is due and let the agent begin. */
export function begin(draft: Draft): void {
  const { context, event } = draft;
  const main = due(context);
  if (event.type !== 'worktree.prepared' || context.run === null || main === null) return;
  const { path, head, branch } = event.data;
  const { run } = context;
  const claims = claimsOf(context, main);
  const attempt = attemptOf(context, main);
  set(draft, {
    worktree: { path, head, fresh: false, keep: false, left: context.worktree?.left ?? [] },
    run: { ...run, for: main.kind, claims, attempt, head, begunAt: event.at },
  });
  const resumes = main.kind === 'answer' || context.answered !== null;
  const conversation = resumes && context.conversation?.agent === run.agent ? context.conversation.id : null;
  say(draft, run.agent, 'run.begun', {
    session: context.address,
    epoch: run.epoch,
    kind: context.brief.kind,
    for: main.kind,
    title: context.brief.title,
    attempt,
    ...(isReview(context) && main.head !== null ? { head: main.head } : { head }),
    worktree: path,
    branch,
    repo: context.brief.repo,
    prompt: promptFor(context, main, claims, event.at),
    ...(conversation === null ? {} : { conversation }),
    limits: runLimits(context),
  });
  set(draft, { changes: [] });
  moveIssue(draft, 'started');
  showPlan(draft);
}

/** From 1: of this kind since its gate was last good; of a verdict, over all heads of the pull request. */
export function attemptOf(context: SessionContext, { kind, attempts }: Obligation): number {
  return kind === 'verdict' ? context.verdicts.length + attempts + 1 : context.attempts[kind] + 1;
}

export function started(draft: Draft): void {
  const { context, event } = draft;
  if (event.type !== 'run.started' || context.run === null) return;
  const { driver, conversation } = event.data;
  set(draft, {
    run: { ...context.run, startedAt: event.at, driver },
    ...(conversation === undefined ? {} : { conversation: { agent: context.run.agent, id: conversation } }),
  });
  tellLinear(draft, {
    type: 'action',
    body: `Working with ${context.run.agent}`,
    action: 'Working',
    parameter: roleOf(context),
  });
}

export function asked(draft: Draft): void {
  const { context, event } = draft;
  if (event.type !== 'run.asked' || context.run === null) return;
  const { question, text, choices = [] } = event.data;
  if (context.questions.some(({ id }) => id === question)) return;
  set(draft, {
    questions: [
      ...context.questions,
      {
        id: question,
        text,
        choices,
        agent: context.run.agent,
        epoch: context.run.epoch,
        at: event.at,
        claims: context.run.claims,
      },
    ],
  });
  elicit(draft, text, choices);
}

/** The run's own end: remembered with what it says it did. Questions of a run that is over lapse unless it ended asked. */
function ended(draft: Draft): RunEnd | null {
  const { context, event } = draft;
  if (event.type !== 'run.ended' || context.run === null) return null;
  const { run } = context;
  const { outcome, reason, summary, report, verdict, pull, conversation } = event.data;
  const end: RunEnd = {
    outcome,
    reason: reason ?? null,
    at: event.at,
    summary: summary ?? null,
    report: report ?? null,
    verdict: verdict ?? null,
    pull: pull ?? null,
  };
  set(draft, {
    run: { ...run, ended: end },
    ...(conversation === undefined ? {} : { conversation: { agent: run.agent, id: conversation } }),
    ...(outcome === 'asked' ? {} : { questions: context.questions.filter(({ epoch }) => epoch !== run.epoch) }),
    ...(outcome === 'completed' ? { answered: null } : {}),
  });
  return end;
}

/** Over by its own word: judged on evidence next. */
export const toVerify = (draft: Draft): void => void ended(draft);

/** Not this agent's work: neither verified nor an attempt; it is not offered to it again. */
export function handedBack(draft: Draft): void {
  const agent = draft.context.run?.agent;
  const end = ended(draft);
  if (end === null || agent === undefined) return;
  const reason = end.reason ?? 'handed back';
  closeRun(draft, 'handedBack', reason);
  set(draft, { owner: null, pin: null, lastOwner: null });
  excludeAgent(draft, agent, reason);
}

/** Interrupted (stop, restart, capacity) or waiting for an answer: no attempt, what was owed is owed. */
export function putDown(draft: Draft): void {
  const end = ended(draft);
  if (end === null) return;
  closeRun(draft, end.outcome, end.reason);
  const { worktree } = draft.context;
  if (end.outcome === 'asked' && worktree !== null) set(draft, { worktree: { ...worktree, keep: true } });
}

const CAPACITY_STEPS = [1, 2.5, 5];

/** A usage limit or no capacity: wait until the provider says, else 2, 5, 10 minutes with jitter. */
export function limited(draft: Draft): void {
  const { context, event } = draft;
  const end = ended(draft);
  if (end === null || event.type !== 'run.ended') return;
  closeRun(draft, 'limited', end.reason);
  const step = CAPACITY_STEPS[Math.min(context.limited, CAPACITY_STEPS.length - 1)] ?? 1;
  const named = event.data.until === undefined ? Number.NaN : msOf(event.data.until) - msOf(event.at);
  const ms = Number.isFinite(named)
    ? Math.max(0, named)
    : Math.round(timerMs(context, 'capacity') * step * (1 + jitter(`${context.address}/${context.epoch}`) / 5));
  set(draft, {
    limited: context.limited + 1,
    backoff: { gate: 'provider', ms, reason: end.reason ?? 'the provider’s limit is reached', at: event.at },
  });
}

/** 0 to 1 from a name: many sessions limited at once do not come back at once. */
function jitter(name: string): number {
  let hash = 2_166_136_261;
  for (let index = 0; index < name.length; index++) hash = Math.imul(hash ^ name.charCodeAt(index), 16_777_619);
  return (hash >>> 0) / 2 ** 32;
}

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
  if (!(well && gateIsGood(context, run.for))) countAttempt(draft, run.for);
  if (main !== null) amend(draft, main.id, { attempts: main.attempts + 1 });
  if (evidence.pull !== undefined && context.number === null) set(draft, { number: evidence.pull });
  if (run.ended.report !== null && well) set(draft, { report: run.ended.report });
  closeRun(draft, run.ended.outcome, well ? null : reasons.join('; '), { ok: well, evidence });
  if (well) {
    set(draft, { restarts: 0, limited: 0, answered: null });
    settle(draft, ({ id }) => run.claims.includes(id));
  } else if (main !== null) {
    fallShort(draft, main.id, {
      reason: reasons.join('; '),
      evidence,
      moved: evidence.headAfter !== evidence.headBefore,
    });
  }
  showPlan(draft);
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

/** Worker loss: back off 15 s · 2^n, after five restarts in a row park what was claimed. */
export function lose(reason: (draft: Draft) => string) {
  return (draft: Draft): void => {
    const why = reason(draft);
    const { context, event } = draft;
    const { run } = context;
    const main = run?.claims[0] ?? due(context)?.id ?? null;
    const released = run !== null && run.released;
    // An ended run that could not be verified has no process to end any more.
    if (run !== null && run.ended === null) endAssignment(draft, why, { agentIsGone: event.type === 'agent.gone' });
    else {
      set(draft, { epoch: context.epoch + 1 });
      closeRun(draft, 'lost', why);
    }
    // Law 5: the agent's own word that it is gone comes after its release; our giving up does not.
    if (released || event.type === 'agent.gone') {
      set(draft, { unreleased: draft.context.unreleased.filter(({ epoch }) => epoch !== run?.epoch) });
    }
    const restarts = context.restarts + 1;
    set(draft, {
      owner: pinnedAgent(draft.context),
      lastOwner: context.owner ?? context.lastOwner,
      restarts,
      questions: context.questions.filter(({ epoch }) => epoch !== run?.epoch),
    });
    if (restarts > limitOf(context, 'restarts')) {
      if (main !== null) park(draft, main, 'restarts', `${restarts} runs were lost in a row, the last one: ${why}`);
      return;
    }
    set(draft, {
      backoff: {
        gate: 'backoff',
        ms: timerMs(context, 'restartBase') * 2 ** (restarts - 1),
        reason: why,
        at: event.at,
      },
    });
  };
}

/** The agent was stopped or let go: not its failure, so nothing is counted and nothing waited for. */
export function leave(draft: Draft): void {
  const { context, event } = draft;
  if (event.type !== 'agent.gone') return;
  const { run } = context;
  const reason = `${run?.agent ?? context.offer?.agent ?? 'the agent'} is ${event.data.class}`;
  endAssignment(draft, reason, { agentIsGone: true });
  set(draft, {
    owner: pinnedAgent(draft.context),
    questions: context.questions.filter(({ epoch }) => epoch !== run?.epoch),
    unreleased: draft.context.unreleased.filter(({ epoch }) => epoch !== run?.epoch),
  });
}

/** Tokens or cost of the whole session are used up: everything owed is parked. */
export function parkExhausted(draft: Draft): void {
  const reason = exhausted(draft.context);
  if (reason === null) return;
  for (const { id, parked } of draft.context.obligations) if (parked === null) park(draft, id, 'budget', reason);
}

export function clearBackoff(draft: Draft): void {
  set(draft, { backoff: null });
}

/** Remembered changes that the next prompt lists. */
export function noteChange(draft: Draft, author: string, text: string): void {
  set(draft, { changes: latest([...draft.context.changes, { at: draft.event.at, author, text }], 200) });
}

export type VerifyParams = ActParams<'run.verify'>;

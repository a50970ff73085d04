/** One run (domain §1.3) until its end: prepared, begun, started, asking, ended by its own word. */
import { closeRun, excludeAgent, roleOf } from './assignment.ts';
import { timerMs } from '../contract.ts';
import { runLimits } from './budgets.ts';
import type { Obligation, Run, RunEnd, SessionContext } from './context.ts';
import { type Draft, latest, say, set, wishFor } from './draft.ts';
import { claimsOf, due } from './next.ts';
import { park } from './obligations.ts';
import { promptFor } from './prompt.ts';
import { goingOn } from './resuming.ts';
import { isReview } from './standing.ts';
import { elicit, moveIssue, tellLinear } from './tracker.ts';

/** Who tells the next run of what was done to its worktree. */
const OURSELVES = 'chartroom';

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
  const { path, head, branch, rescued, notRebased } = event.data;
  const { run } = context;
  const claims = claimsOf(context, main);
  const attempt = attemptOf(context, main);
  const going = goingOn(context, run.agent, main);
  if (rescued !== undefined)
    noteChange(draft, OURSELVES, `What was not published before is kept on branch ${rescued}.`);
  if (notRebased !== undefined) noteChange(draft, OURSELVES, `The branch was not rebased: ${notRebased}.`);
  set(draft, {
    worktree: { path, head, fresh: false, keep: false, left: context.worktree?.left ?? [] },
    run: {
      ...run,
      for: main.kind,
      claims,
      attempt,
      // What a person committed by hand is part of what this run delivers.
      head: context.handback?.head ?? head,
      ...going,
      begunAt: event.at,
    },
  });
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
    prompt: promptFor(draft.context, main, claims, event.at),
    ...(going.resumes === null ? {} : { conversation: going.resumes }),
    limits: runLimits(context),
  });
  set(draft, { changes: [], missed: null, handback: null });
  moveIssue(draft, 'started');
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
    ...(conversation === undefined ? {} : { conversation: talkOf(context, context.run, conversation) }),
  });
  tellLinear(draft, {
    type: 'action',
    body: `Working with ${context.run.agent}`,
    action: 'Working',
    parameter: roleOf(context),
  });
}

/** An agent that could not go on with the conversation it was given has begun another in its place. */
function talkOf({ conversation }: SessionContext, run: Run, id: string): NonNullable<SessionContext['conversation']> {
  const { agent, epoch } = run;
  if (conversation?.id === id) return { ...conversation, agent, epoch };
  return { agent, id, epoch, filled: null, parent: run.resumes ?? run.parent };
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
export function ended(draft: Draft): RunEnd | null {
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
    ...(outcome === 'interrupted' ? {} : { interrupted: 0 }),
    ...(conversation === undefined ? {} : { conversation: talkOf(context, run, conversation) }),
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
  if (end.outcome === 'interrupted') interrupted(draft, end.reason ?? 'it was interrupted');
  const { worktree } = draft.context;
  if (end.outcome === 'asked' && worktree !== null) set(draft, { worktree: { ...worktree, keep: true } });
}

/** More interruptions in a row than this are no accident of a restart: a person has to look. */
const INTERRUPTED_MAX = 20;

/** Once is nothing; a run that is interrupted again and again is begun later each time, and in the end not at all. */
function interrupted(draft: Draft, reason: string): void {
  const { context, event } = draft;
  const count = context.interrupted + 1;
  set(draft, { interrupted: count });
  if (count === 1) return;
  const main = due(context);
  if (count > INTERRUPTED_MAX && main !== null) {
    set(draft, { interrupted: 0 });
    return park(draft, main.id, 'restarts', `${count} runs in a row were interrupted, the last one: ${reason}`);
  }
  const ms = timerMs(context, 'restartBase') * 2 ** Math.min(count - 2, 6);
  set(draft, { backoff: { gate: 'backoff', ms, reason: `${count} runs in a row: ${reason}`, at: event.at } });
}

/** Remembered changes that the next prompt lists. */
export function noteChange(draft: Draft, author: string, text: string): void {
  set(draft, { changes: latest([...draft.context.changes, { at: draft.event.at, author, text }], 200) });
}

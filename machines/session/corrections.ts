/**
 * Corrections a session accepts (domain §1.7): typed, with their receipts. One whose goal already holds changes nothing
 * and is recorded.
 */
import { endAssignment, excludedOf, isAssigned, isLive, pinnedAgent, unwant, wantAnew } from './assignment.ts';
import { resetAttempts, setBudget } from './budgets.ts';
import type { ObligationKind } from '../events/common.ts';
import type { SessionContext } from './context.ts';
import { type Draft, deny, set, wishFor } from './draft.ts';
import { ORDER } from './next.ts';
import { lapse, park, unpark } from './obligations.ts';
import { askAgain, changeRefusal } from './reviewing.ts';
import { noteChange } from './run.ts';
import { gateCheckNames } from './standing.ts';
import { tellLinear } from './tracker.ts';

export const why = (draft: Draft, what: string): string => {
  const reason = 'reason' in draft.event.data ? draft.event.data.reason : undefined;
  return reason === undefined
    ? `${what} by ${draft.event.source}`
    : `${what} by ${draft.event.source}: ${String(reason)}`;
};

/** The new owner is shown at once and waited for; the old run ends. */
export function reassign(draft: Draft): void {
  const { event } = draft;
  if (event.type === 'correct.reassign') giveTo(draft, event.data.to);
  if (event.type === 'correct.adopt') giveTo(draft, event.data.agent);
}

export function denyAdoption(draft: Draft): void {
  const { run, epoch } = draft.context;
  deny(
    draft,
    'guard',
    `a run of another agent is live: ${run?.agent} has epoch ${epoch}; give expectepoch ${epoch} to take it over`,
  );
}

function giveTo(draft: Draft, to: string): void {
  const { context } = draft;
  unpark(draft, ({ parked }) => parked?.by === 'stopped' || parked?.by === 'restarts');
  if (draft.context.restarts > 0 && draft.context.obligations !== context.obligations) set(draft, { restarts: 0 });
  if (context.backoff !== null) set(draft, { backoff: null });
  if (!to.startsWith('agent/')) {
    if (context.pin === to && context.owner === null && !isAssigned(context)) return;
    endAssignment(draft, why(draft, `given to ${to}`));
    set(draft, { pin: to, owner: null });
    return wantAnew(draft);
  }
  const excluded = context.excluded.filter(({ agent }) => agent !== to);
  if (excluded.length < context.excluded.length) set(draft, { excluded });
  const has = isLive(context) ? context.run?.agent === to : context.offer?.agent === to;
  if (has) {
    if (context.pin !== to) set(draft, { pin: to, owner: to });
    return;
  }
  if (context.pin === to && context.owner === to && !isAssigned(context)) return wantIfChanged(draft, context);
  endAssignment(draft, why(draft, `given to ${to}`));
  set(draft, { pin: to, owner: to });
  wantAnew(draft);
}

function wantIfChanged(draft: Draft, before: SessionContext): void {
  if (excludedOf(draft.context).length !== excludedOf(before).length) wantAnew(draft);
}

/** Free for others too: whoever fits may have it. */
export function unassign(draft: Draft): void {
  const { context } = draft;
  if (context.owner === null && context.pin === null && !isAssigned(context)) return;
  endAssignment(draft, why(draft, 'unassigned'));
  set(draft, { owner: null, pin: null });
  wantAnew(draft);
}

/** Ends the run; everything owed is parked until a person says go on. */
export function stop(draft: Draft): void {
  const { context } = draft;
  const assigned = isAssigned(context);
  if (assigned) {
    endAssignment(draft, why(draft, 'stopped'));
    set(draft, { owner: null });
  }
  for (const { id, parked } of context.obligations) {
    if (parked === null) park(draft, id, 'stopped', why(draft, 'stopped'));
  }
  set(draft, { backoff: null });
  unwant(draft);
  if (assigned || draft.context.obligations !== context.obligations) {
    tellLinear(draft, {
      type: 'elicitation',
      body: `I stopped (${why(draft, 'stopped')}). Write what to do next, or retry.`,
    });
  }
}

export function pause(draft: Draft): void {
  const { context, event } = draft;
  if (event.type !== 'correct.pause') return;
  set(draft, { paused: { by: event.source, reason: event.data.reason ?? null, at: event.at } });
  if (isAssigned(context)) {
    endAssignment(draft, why(draft, 'paused'));
    set(draft, { owner: pinnedAgent(draft.context) });
  }
  unwant(draft);
}

export const resume = (draft: Draft): void => set(draft, { paused: null });

/** In the queue a withdrawal is recorded and the merge goes on (`standing.ts`). */
export function withdrawWork(draft: Draft): void {
  const { context, event } = draft;
  if (event.type !== 'correct.withdraw' || !context.authority.delegated) return;
  set(draft, { authority: { delegated: false, by: event.source, reason: why(draft, 'withdrawn'), at: event.at } });
}

export function delegateWork(draft: Draft): void {
  const { context, event } = draft;
  if (event.type !== 'correct.delegate' || context.authority.delegated) return;
  set(draft, { authority: { delegated: true, by: event.source, reason: null, at: event.at } });
}

/** The withdrawal takes effect: the assignment ends, Linear is told. */
export function letGo(draft: Draft): void {
  const { context } = draft;
  const reason = context.authority.reason ?? 'withdrawn';
  if (isAssigned(context)) endAssignment(draft, reason);
  set(draft, { owner: null });
  unwant(draft);
  if (context.runs.length > 0 || context.run !== null || context.offer !== null) {
    tellLinear(draft, { type: 'thought', body: `I stopped: ${reason}.` });
  }
}

export function retry(draft: Draft): void {
  const { event, context } = draft;
  if (event.type !== 'correct.retry') return;
  const { kind } = event.data;
  unpark(draft, (open) => kind === undefined || open.kind === kind);
  resetAttempts(draft, kind === undefined ? ORDER : [kind]);
  if (context.restarts > 0) set(draft, { restarts: 0 });
  if (context.backoff !== null) set(draft, { backoff: null });
  forgetVerdictAttempts(draft, kind);
  changeRefusal(draft);
  if (kind === undefined) askAgain(draft);
}

function forgetVerdictAttempts(draft: Draft, kind: ObligationKind | undefined): void {
  if (kind !== undefined && kind !== 'verdict') return;
  if (!draft.context.obligations.some((open) => open.kind === 'verdict' && open.attempts > 0)) return;
  set(draft, {
    obligations: draft.context.obligations.map((open) => (open.kind === 'verdict' ? { ...open, attempts: 0 } : open)),
  });
}

/** Something is owed, waited for by a back-off, or was refused. */
export function canRetry(context: SessionContext, kind: ObligationKind | undefined): boolean {
  if (kind !== undefined) return context.obligations.some((open) => open.kind === kind);
  return (
    context.obligations.length > 0 ||
    context.backoff !== null ||
    context.merge?.state === 'refused' ||
    context.reviewing.unreachable !== null
  );
}

export function dropObligation(draft: Draft): void {
  const { event } = draft;
  if (event.type !== 'correct.obligation.drop') return;
  lapse(draft, ({ id }) => id === event.data.id);
}

export function setLimit(draft: Draft): void {
  const { event } = draft;
  if (event.type !== 'correct.budget.set') return;
  const { kind, limit } = event.data;
  if (draft.context.budgets[kind] !== limit) setBudget(draft, kind, limit);
  if (kind === 'restarts') {
    if (draft.context.restarts > 0) set(draft, { restarts: 0 });
    unpark(draft, ({ parked }) => parked?.by === 'restarts');
  } else if (kind === 'tokens' || kind === 'costUsd' || kind === 'runSeconds') {
    unpark(draft, ({ parked }) => parked?.by === 'budget');
  } else {
    resetAttempts(draft, [kind]);
    forgetVerdictAttempts(draft, kind);
    unpark(draft, (open) => open.kind === kind && open.parked?.by !== 'stopped');
  }
}

export function ignoreCheck(draft: Draft): void {
  const { event, context } = draft;
  if (event.type !== 'correct.check.ignore') return;
  const entry = { name: event.data.name, head: event.data.head ?? null };
  if (context.ignored.some(({ name, head }) => name === entry.name && head === entry.head)) return;
  set(draft, { ignored: [...context.ignored, entry].slice(-100) });
  changeRefusal(draft);
}

export const isGateCheck = (context: SessionContext, name: string): boolean => gateCheckNames(context).includes(name);

export function rerunCheck(draft: Draft): void {
  const { event, context } = draft;
  if (event.type !== 'correct.check.rerun' || context.pull === null) return;
  const { name } = event.data;
  const { pull, brief } = context;
  wishFor(draft, 'check.rerun', { repo: brief.repo, head: pull.head, ...(name === undefined ? {} : { name }) });
}

/** This pull request is ours: the watch looks at it from now on. The one before is kept until it is seen. */
export function attachPull(draft: Draft): void {
  const { event, context } = draft;
  if (event.type !== 'correct.pull.attach' || context.number === event.data.number) return;
  set(draft, { number: event.data.number, attached: event.data.number, look: context.look + 1, missed: null });
}

export function edit(draft: Draft): void {
  const { event, context } = draft;
  if (event.type !== 'correct.edit') return;
  const { title, body, gates, priority, lane } = event.data;
  const brief = {
    ...context.brief,
    ...(title === undefined ? {} : { title }),
    ...(body === undefined ? {} : { body }),
    ...(gates === undefined ? {} : { gates: { ...context.brief.gates, ...gates } }),
    ...(priority === undefined ? {} : { priority }),
    ...(lane === undefined ? {} : { lane }),
  };
  if (JSON.stringify(brief) === JSON.stringify(context.brief)) return;
  set(draft, { brief });
  if (title !== undefined || body !== undefined) noteChange(draft, event.source, 'The objective was edited.');
  if (priority !== undefined || lane !== undefined) wantAnew(draft);
}

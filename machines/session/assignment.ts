/**
 * Who works (domain §1.3): want, offer, acceptance, the end of an assignment. The epoch goes up with every offer and
 * with every end that is not the run's own, so that a late word of an earlier worker is told apart (law 2).
 */
import type { WorkKind } from '../events/common.ts';
import { timerMs } from '../contract.ts';
import { filledOf } from '../window.ts';
import type { PastRun, Run, RunEnd, SessionContext } from './context.ts';
import { type Draft, latest, say, set, withdraw } from './draft.ts';
import { due } from './next.ts';
import { isReview } from './standing.ts';

export const DISPATCHER = 'dispatcher/main';
const RUNS_KEPT = 20;
/** Offers that came to nothing in a row before the session waits a while instead of asking again at once. */
const DECLINES_MAX = 3;

export const ROLES: Record<WorkKind, string> = {
  implement: 'implementer',
  docs: 'implementer',
  design: 'implementer',
  test: 'tester',
  review: 'reviewer',
};

export const roleOf = ({ brief }: SessionContext): string => brief.role ?? ROLES[brief.kind];

/** The agent a correction named; a pin may also name a lane or a role, which own nothing. */
export const pinnedAgent = ({ pin }: SessionContext): string | null =>
  pin?.startsWith('agent/') === true ? pin : null;

/** Agents this session is not offered to: those who handed it back, and whoever made the head it judges. */
export function excludedOf(context: SessionContext): string[] {
  const names = context.excluded.map(({ agent }) => agent);
  if (!isReview(context)) return names;
  const head = due(context)?.head ?? null;
  const makers = context.makers.filter((maker) => maker.head === head).map(({ agent }) => agent);
  return [...names, ...makers.filter((agent) => !names.includes(agent))];
}

/** Asks the dispatcher for an agent. A newer want replaces the older. Without a pin the work has no owner meanwhile. */
export function want(draft: Draft): void {
  const { context, event } = draft;
  const number = context.wants + 1;
  const since = context.want?.since ?? event.at;
  const owner = pinnedAgent(context);
  set(draft, {
    wants: number,
    want: { number, since },
    unmatched: null,
    owner,
    lastOwner: context.owner ?? context.lastOwner,
  });
  const { brief, pin, lastOwner } = draft.context;
  say(draft, DISPATCHER, 'work.wanted', {
    session: context.address,
    want: number,
    user: brief.user,
    kind: brief.kind,
    role: roleOf(context),
    ...(brief.lane === null ? {} : { lane: brief.lane }),
    ...(pin === null ? {} : { pin }),
    excluded: excludedOf(context),
    ...(lastOwner === null ? {} : { lastOwner }),
    priority: brief.priority,
    since,
  });
}

/** What is wanted has changed: the next want goes out with a new number. */
export function wantAnew(draft: Draft): void {
  if (draft.context.want !== null) want(draft);
}

export function unwant(draft: Draft): void {
  const { want, address } = draft.context;
  if (want === null) return;
  set(draft, { want: null, unmatched: null });
  say(draft, DISPATCHER, 'work.unwanted', { session: address, want: want.number });
}

/** Offers the run to the matched agent, under a new epoch. */
export function offer(draft: Draft): void {
  const { context, event } = draft;
  if (event.type !== 'work.matched') return;
  const epoch = context.epoch + 1;
  set(draft, {
    epoch,
    want: null,
    unmatched: null,
    offer: { agent: event.data.agent, want: event.data.want, at: event.at },
  });
  say(draft, event.data.agent, 'run.offered', {
    session: context.address,
    epoch,
    kind: context.brief.kind,
    title: context.brief.title,
  });
}

type Settled = 'accepted' | 'declined' | 'timedOut' | 'ended';

/** Closes the open offer, here and at the dispatcher, in one step. */
function closeOffer(draft: Draft, outcome: Settled): void {
  const { offer, address } = draft.context;
  if (offer === null) return;
  set(draft, { offer: null });
  say(draft, DISPATCHER, 'offer.settled', { session: address, agent: offer.agent, want: offer.want, outcome });
}

export function accept(draft: Draft): void {
  const { context, event } = draft;
  if (context.offer === null) return;
  const { agent } = context.offer;
  closeOffer(draft, 'accepted');
  const run: Run = {
    epoch: context.epoch,
    agent,
    acceptedAt: event.at,
    for: null,
    claims: [],
    attempt: 1,
    head: null,
    resumes: null,
    parent: null,
    begunAt: null,
    startedAt: null,
    driver: null,
    ended: null,
    released: false,
    verifying: false,
  };
  set(draft, {
    run,
    owner: agent,
    declines: 0,
    unreleased: [...context.unreleased, { epoch: context.epoch, agent, ours: false }],
  });
}

/** The offer came to nothing: declined, timed out, or its mail was refused. */
export function offerFailed(outcome: 'declined' | 'timedOut', reason: string, exclude = false) {
  return (draft: Draft): void => {
    const { context, event } = draft;
    if (context.offer === null) return;
    const { agent } = context.offer;
    closeOffer(draft, outcome);
    if (outcome === 'timedOut') cancelRun(draft, agent, context.epoch, reason);
    const declines = context.declines + 1;
    set(draft, { epoch: context.epoch + 1, declines });
    if (exclude) excludeAgent(draft, agent, reason);
    if (declines >= DECLINES_MAX) {
      const ms = timerMs(context, 'restartBase') * 2 ** Math.min(declines - DECLINES_MAX, 6);
      set(draft, {
        backoff: { gate: 'backoff', ms, reason: `${declines} offers in a row came to nothing`, at: event.at },
      });
    }
  };
}

export function excludeAgent(draft: Draft, agent: string, reason: string): void {
  const others = draft.context.excluded.filter((entry) => entry.agent !== agent);
  set(draft, { excluded: latest([...others, { agent, reason, at: draft.event.at }], 100) });
}

function cancelRun(draft: Draft, agent: string, epoch: number, reason: string): void {
  say(draft, agent, 'run.cancelled', { session: draft.context.address, epoch, reason });
}

/** A run of which the agent has not said that it ended. */
export const isLive = ({ run }: SessionContext): boolean => run !== null && run.ended === null;

/**
 * Ends the current assignment, whatever it is, other than by its own end: epoch up, offer closed, run cancelled, its
 * process to be waited for. A run that has already ended by itself is still verified: only the epoch goes up.
 */
export function endAssignment(draft: Draft, reason: string, { agentIsGone = false } = {}): void {
  const { context } = draft;
  set(draft, { epoch: context.epoch + 1 });
  if (context.offer !== null) {
    closeOffer(draft, 'ended');
    if (!agentIsGone) cancelRun(draft, context.offer.agent, context.epoch, reason);
    draft.raised.push('assignment.ended');
  }
  if (context.run !== null && context.run.ended === null) {
    const { run } = context;
    if (run.begunAt === null) withdraw(draft, 'worktree.prepare');
    if (!agentIsGone) cancelRun(draft, run.agent, run.epoch, reason);
    set(draft, {
      unreleased: context.unreleased.map((entry) => (entry.epoch === run.epoch ? { ...entry, ours: true } : entry)),
    });
    closeRun(draft, 'cancelled', reason);
    draft.raised.push('assignment.ended');
  }
}

/** Something of an assignment is there to be ended. */
export const isAssigned = (context: SessionContext): boolean => context.offer !== null || isLive(context);

/** The next prompt tells it, beside what other runs said. */
const SUMMARY_MAX = 4_000;
const summaryOf = (said: string | null | undefined): string | null => said?.slice(0, SUMMARY_MAX) ?? null;

/** Puts the run away: into the list of past ones. */
export function closeRun(
  draft: Draft,
  outcome: RunEnd['outcome'],
  reason: string | null,
  judged: { ok: boolean; evidence: PastRun['evidence'] } = { ok: false, evidence: null },
): void {
  const { run, runs } = draft.context;
  if (run === null) return;
  const past: PastRun = {
    epoch: run.epoch,
    agent: run.agent,
    for: run.for,
    outcome,
    ...judged,
    reason,
    summary: summaryOf(run.ended?.summary ?? run.ended?.report),
    at: draft.event.at,
  };
  set(draft, { run: null, runs: latest([...runs, past], RUNS_KEPT) });
}

/** The process group of an epoch is gone; its usage is counted once. */
export function release(draft: Draft): void {
  const { context, event } = draft;
  if (event.type !== 'run.released') return;
  const { epoch, usage, summary } = event.data;
  const known = context.unreleased.some((entry) => entry.epoch === epoch);
  const counted = context.usageByEpoch.find((entry) => entry.epoch === epoch);
  const before = counted?.usage ?? { inputTokens: 0, outputTokens: 0 };
  if (!known && counted === undefined && epoch > context.epoch) return;
  if (!known && counted !== undefined) return;
  set(draft, {
    unreleased: context.unreleased.filter((entry) => entry.epoch !== epoch),
    look: known ? context.look + 1 : context.look,
    usageByEpoch: latest([...context.usageByEpoch, { epoch, usage }], 50),
    usage: {
      inputTokens: context.usage.inputTokens + usage.inputTokens - before.inputTokens,
      outputTokens: context.usage.outputTokens + usage.outputTokens - before.outputTokens,
      costUsd: context.usage.costUsd + (usage.costUsd ?? 0) - (before.costUsd ?? 0),
    },
  });
  const { run, runs, conversation } = draft.context;
  const filled = filledOf(usage);
  if (conversation?.epoch === epoch && filled !== null) set(draft, { conversation: { ...conversation, filled } });
  // A run that was cut off had no other way to say it.
  const cut = runs.find((past) => past.epoch === epoch && past.summary === null);
  if (cut !== undefined && summary !== undefined) {
    set(draft, { runs: runs.map((past) => (past === cut ? { ...past, summary: summaryOf(summary) } : past)) });
  }
  if (run?.epoch === epoch && !run.released) set(draft, { run: { ...run, released: true } });
}

/** A process we ended is not known to be gone yet. */
export const isStopping = ({ unreleased }: SessionContext): boolean => unreleased.some(({ ours }) => ours);

/** An earlier accepted epoch of this session may still have a process in the worktree. */
export const isOccupied = ({ unreleased, run }: SessionContext): boolean =>
  unreleased.some(({ epoch }) => epoch !== run?.epoch);

/** Given up waiting: the next run gets a new directory, the old one is left and shown. */
export function abandon(draft: Draft): void {
  const { context } = draft;
  const gone = context.unreleased.filter(({ epoch }) => epoch !== context.run?.epoch || context.run.ended !== null);
  if (gone.length === 0) return;
  const left = context.worktree === null ? [] : [...context.worktree.left, context.worktree.path];
  set(draft, {
    unreleased: context.unreleased.filter((entry) => !gone.includes(entry)),
    worktree: {
      path: context.worktree?.path ?? '',
      head: context.worktree?.head ?? '',
      fresh: true,
      keep: false,
      left: latest(
        left.filter((path) => path !== ''),
        10,
      ),
    },
  });
}

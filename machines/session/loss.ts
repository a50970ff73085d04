/** Runs that ended without a result (domain §1.5): lost workers, provider limits, spent budgets. Each ends in a state. */
import { timerMs } from '../contract.ts';
import { closeRun, endAssignment, pinnedAgent } from './assignment.ts';
import { exhausted, limitOf } from './budgets.ts';
import { type Draft, set } from './draft.ts';
import { msOf } from './instant.ts';
import { due } from './next.ts';
import { park } from './obligations.ts';
import { ended } from './run.ts';

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

/** What region `work` waits for: an agent, a process to be gone, evidence, a back-off, a person for what is parked. */
import type { WaitingOn } from '../contract.ts';
import type { ObligationKind } from '../events/common.ts';
import { DISPATCHER } from './assignment.ts';
import type { SessionContext } from './context.ts';
import { due } from './next.ts';
import { OPERATOR, type View, sinceOf, timerOf, wait } from './wait.ts';

/** What is owed, as people call it. */
const WORDS: Record<ObligationKind, string> = {
  implement: 'the implementation',
  answer: 'an answer to what was said',
  review: 'the requested changes',
  checks: 'the failing checks',
  queue: 'the way into the merge queue',
  upkeep: 'the conflict with the base branch',
  verdict: 'the review',
};

export function onWork(view: View): WaitingOn[] {
  const state = (view.value as { open: { work: string } }).open.work;
  const { context } = view;
  const since = sinceOf(view, `work.${state}`);
  switch (state) {
    case 'unassigned':
      return context.want === null ? onOwed(view) : [onWant(view, context.want.since)];
    case 'offered':
      return [
        wait('agent', {
          on: context.offer?.agent ?? null,
          since,
          until: timerOf(view, 'offered', 'offer'),
          detail: `offered to ${context.offer?.agent ?? 'an agent'}`,
          moves: ['offer.accepted', 'offer.declined'],
        }),
      ];
    case 'preparing':
      return [
        wait('agent', {
          on: context.run?.agent ?? null,
          since,
          until: timerOf(view, 'preparing', 'prepare'),
          detail: 'the worktree is being made ready',
          moves: ['worktree.prepared', 'worktree.failed'],
        }),
      ];
    case 'running':
      return [
        wait('agent', {
          on: context.run?.agent ?? null,
          since: context.run?.startedAt ?? since,
          until: timerOf(view, 'running', 'overrun'),
          detail: `${context.run?.agent ?? 'an agent'} works on ${context.run?.for == null ? 'it' : WORDS[context.run.for]}, attempt ${context.run?.attempt ?? 1}`,
          moves: ['run.ended', 'agent.gone'],
        }),
      ];
    case 'stopping':
      return [
        wait('stopping', {
          on: (context.unreleased.find(({ ours }) => ours) ?? context.unreleased[0])?.agent ?? null,
          since,
          until: timerOf(view, 'stopping', 'release'),
          detail: 'the process of an earlier run is being ended',
          moves: ['run.released'],
        }),
      ];
    case 'verifying': {
      const released = context.run?.released === true;
      return [
        wait('stopping', {
          on: released ? context.address : (context.run?.agent ?? null),
          since,
          until: timerOf(view, 'verifying', released ? 'verify' : 'release'),
          detail: released
            ? 'what the run left behind is being checked'
            : 'the run has ended; its process is about to be gone',
          moves: released ? ['run.verified', 'run.verify.failed'] : ['run.released'],
        }),
      ];
    }
    case 'backingOff':
      return [
        wait(context.backoff?.gate ?? 'backoff', {
          on: context.address,
          since,
          until: timerOf(view, 'backingOff', 'backoff'),
          detail: context.backoff?.reason ?? 'waiting before the next try',
          moves: ['correct.retry', 'correct.reassign'],
        }),
      ];
    case 'escalated':
      return onParked(context);
    default:
      return [];
  }
}

/** Something is owed and nothing was asked for: what holds it is said elsewhere, unless nothing is. */
function onOwed({ context }: View): WaitingOn[] {
  if (due(context) === null) return onParked(context);
  return [];
}

function onWant({ context }: View, since: string): WaitingOn {
  const { unmatched, pin } = context;
  const why = unmatched?.ruledOut.find(({ agent }) => agent === pin)?.why;
  if (pin?.startsWith('agent/') === true) {
    return wait('agent', {
      on: pin,
      since,
      detail: why === undefined ? `waits for ${pin}` : `waits for ${pin}: ${why}`,
      moves: ['work.matched', 'pin.lost', 'correct.reassign'],
    });
  }
  const moves = ['work.matched', 'correct.reassign'];
  if (unmatched === null) return wait('agent', { on: DISPATCHER, since, detail: 'an agent is looked for', moves });
  if (unmatched.limit !== null) {
    const { reason, until } = unmatched.limit;
    return wait('slot', {
      on: OPERATOR,
      since,
      until,
      detail: `${reason}; chartroom correct dispatcher/main budget.set allows more`,
      moves,
    });
  }
  if (unmatched.slot)
    return wait('slot', { on: DISPATCHER, since, detail: 'as many runs as allowed are in progress', moves });
  const ruledOut = unmatched.ruledOut.map(({ agent, why }) => `${agent}: ${why}`).join('; ');
  const { nobody } = unmatched;
  const what = `no ${pin ?? unmatched.role} is ${nobody ? 'hired' : 'free'}`;
  const detail = ruledOut === '' ? what : `${what} (${ruledOut.slice(0, 500)})`;
  return wait('agent', { on: nobody || ruledOut === '' ? null : DISPATCHER, since, detail, moves });
}

function onParked({ obligations }: SessionContext): WaitingOn[] {
  return obligations
    .filter(({ parked }) => parked !== null)
    .slice(0, 5)
    .map(({ kind, parked, id }) =>
      wait(kind === 'upkeep' ? 'upkeep' : 'human', {
        on: OPERATOR,
        since: parked!.at,
        detail: `${WORDS[kind]} ${kind === 'checks' || kind === 'review' ? 'are' : 'is'} parked (${id}): ${parked!.reason}`,
        moves: ['say', 'correct.retry', 'correct.budget.set', 'correct.obligation.drop', 'pull.moved'],
      }),
    );
}

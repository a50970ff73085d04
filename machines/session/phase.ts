/** The phase people see (domain §1.1): the first sentence that holds. */
import type { ActorView } from '../contract.ts';
import type { ObligationKind } from '../events/common.ts';
import type { SessionContext } from './context.ts';
import { due } from './next.ts';
import { authorityOf, checksOf, holdOf, pullOf, reviewIsGood } from './standing.ts';

export const PHASES = [
  'delegated',
  'implementing',
  'pr_open',
  'changes_requested',
  'repairing_ci',
  'repairing_queue',
  'awaiting_queue',
  'awaiting_input',
  'escalated',
  'paused',
  'done',
  'failed',
  'cancelled',
] as const;
export type Phase = (typeof PHASES)[number];

export function phaseOf({ value, context }: ActorView<SessionContext>): Phase {
  if (typeof value === 'string') return PHASES.find((phase) => phase === value) ?? 'delegated';
  if (holdOf(context) !== 'free') return 'paused';
  if (context.run === null && isAwaitingInput(context)) return 'awaiting_input';
  if (isEscalated(context)) return 'escalated';
  const kind = context.run?.for ?? (due(context) ?? context.obligations[0])?.kind ?? null;
  if (kind !== null) return phaseFor(kind, context);
  if (pullOf(context) === 'open')
    return reviewIsGood(context) && checksOf(context) !== 'red' ? 'awaiting_queue' : 'pr_open';
  return 'delegated';
}

function isAwaitingInput(context: SessionContext): boolean {
  const stopped = context.obligations.some(({ parked }) => parked?.by === 'stopped') && due(context) === null;
  return authorityOf(context) === 'withdrawn' || stopped || context.questions.length > 0;
}

function isEscalated({ obligations }: SessionContext): boolean {
  return (
    obligations.some(({ parked }) => parked?.by === 'budget' || parked?.by === 'restarts') &&
    obligations.every(({ parked }) => parked !== null)
  );
}

function phaseFor(kind: ObligationKind, context: SessionContext): Phase {
  switch (kind) {
    case 'queue':
      return 'repairing_queue';
    case 'checks':
      return 'repairing_ci';
    case 'review':
    case 'upkeep':
      return 'changes_requested';
    case 'implement':
    case 'answer':
    case 'verdict':
      return context.run !== null ? 'implementing' : 'delegated';
  }
}

/** The session machine as the kernel registers it: chart, catalogue, reasons, projections. */
import type { MachineDefinition } from '../contract.ts';
import { SESSION_EVENTS } from '../events/session.ts';
import { announce } from './announce.ts';
import { claimsOf, refsOf } from './claims.ts';
import type { SessionContext } from './context.ts';
import { afterwards, whenFinal } from './final.ts';
import { REASONS } from './guards.ts';
import { sessionMachine } from './machine.ts';
import { phaseOf } from './phase.ts';
import { ownerOf } from './taking-over.ts';
import { waitingOn } from './waiting.ts';
import { watch } from './watches.ts';

export const sessionDefinition: MachineDefinition<SessionContext> = {
  kind: 'session',
  version: '2',
  logic: sessionMachine,
  events: SESSION_EVENTS,
  reasons: REASONS,
  recordKeys: ['timers', 'notes', 'seen', 'changes', 'authority', 'unmatched', 'makers', 'usage', 'usageByEpoch'],
  claims: claimsOf,
  watch,
  project: (view) => ({
    phase: phaseOf(view),
    epoch: view.context.epoch,
    owner: ownerOf(view.context),
    waitingOn: waitingOn(view),
    title: view.context.brief.title,
    user: view.context.brief.user,
    mission: view.context.brief.mission,
    refs: refsOf(view),
    tags: { kind: view.context.brief.kind, repo: view.context.brief.repo },
  }),
  announce,
  whenFinal,
  afterwards,
};

export type { SessionContext } from './context.ts';
export { reviewAddress } from './names.ts';

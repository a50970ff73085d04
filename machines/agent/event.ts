/** The events an agent's handlers see: those of the catalogue, and the few its regions raise for each other. */
import type { MachineEvent } from '../contract.ts';
import type { Decision } from '../decision.ts';
import type { AgentEvent } from '../events/agent.ts';
import type { AgentContext } from './context.ts';

type Offer = Extract<AgentEvent, { type: 'run.offered' }>['data'];
type Nothing = Record<string, never>;

export type Raised =
  /** The door let an offer in; life answers it. */
  | MachineEvent<'offer.admitted', Offer>
  /** No process, no run: a draining door may close. */
  | MachineEvent<'life.rested', Nothing>
  /** Stopped for whatever reason: the door closes. */
  | MachineEvent<'life.halted', Nothing>
  /** The drained door is closed: stop. */
  | MachineEvent<'door.drained', Nothing>;

export type Taken = AgentEvent | Raised;

/** What a handler decides; pure. */
export type Handler = (context: AgentContext, event: Taken) => Decision<AgentContext>;

/** Every machine of Chartroom. */
import { agentDefinition } from './agent/index.ts';
import type { MachineDefinition } from './contract.ts';
import { dispatcherDefinition } from './dispatcher/index.ts';
import { missionDefinition } from './mission/index.ts';
import { sessionDefinition } from './session/index.ts';

/** Whoever runs machines never looks into their contexts: the type forgets it. */
const anonymous = <Context>(definition: MachineDefinition<Context>): MachineDefinition =>
  definition as unknown as MachineDefinition;

export const MACHINES: MachineDefinition[] = [
  anonymous(agentDefinition),
  anonymous(dispatcherDefinition),
  anonymous(missionDefinition),
  anonymous(sessionDefinition),
];

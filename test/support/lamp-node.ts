/** A node of lamps on a store, with a clock turned by hand and what it told after each batch. */
import { createNode } from '../../src/actor/node.ts';
import type { Committed, Node, NodeOptions } from '../../src/actor/node.ts';
import type { Definition } from '../../src/actor/state.ts';
import { createFakeClock } from '../../src/clock.ts';
import type { FakeClock } from '../../src/clock.ts';
import { createLog } from '../../src/log.ts';
import type { Logger } from '../../src/log.ts';
import type { Store } from '../../src/store/store.ts';
import { lampDefinition } from './lamp.ts';

export interface LampNode {
  node: Node;
  clock: FakeClock;
  log: Logger;
  committed: Committed[];
  phase(address: string): Promise<string | undefined>;
}

/** Not yet loaded: listeners that must hear of what was under way are added first. */
export function lampNode(store: Store, options: Partial<NodeOptions> = {}, clock = createFakeClock()): LampNode {
  const log = createLog({ level: 'silent' });
  const definitions = [lampDefinition as unknown as Definition];
  const node = createNode({ store, definitions, clock, log, ...options });
  const committed: Committed[] = [];
  node.onCommitted((batch) => committed.push(batch));
  return {
    node,
    clock,
    log,
    committed,
    phase: async (address) => (await node.settled(address))?.stood?.projection.phase,
  };
}

/** Lets everything that is not waiting for a clock go on, a few turns of the loop long. */
export async function turns(count = 20): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise(setImmediate);
}

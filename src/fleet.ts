/** Brings the configured fleet to life: the dispatcher with its slots, agents that are not hired yet, subscriptions. */
import { randomUUID } from 'node:crypto';
import type { DispatcherContext } from '../machines/dispatcher/context.ts';
import type { Want } from '../machines/dispatcher/match.ts';
import { addressOf } from './actor/address.ts';
import type { Node } from './actor/node.ts';
import type { Questions } from './actor/questions.ts';
import type { Config } from './config/config.ts';
import { hireOf } from './config/roles.ts';
import type { Roles } from './config/roles.ts';
import { RejectedInput } from './errors.ts';

const DISPATCHER = 'dispatcher/main';
const SOURCE = 'config/start';

export async function introduceFleet({
  node,
  config,
  roles,
}: {
  node: Node;
  config: Config;
  roles: Roles;
}): Promise<void> {
  await tell(node, DISPATCHER, 'fleet.configured', {
    maxRuns: config.limits.maxRuns,
    maxChats: config.limits.maxChats,
    ...(config.limits.day === undefined ? {} : { day: config.limits.day }),
  });
  for (const agent of config.agents) {
    const address = addressOf('agent', agent.name);
    if (node.actors.row(address) === null) await tell(node, address, 'hire', hireOf(agent, roles));
    for (const repo of agent.subscribe ?? []) await tell(node, address, 'correct.subscribe', { repo });
  }
}

/** What wants an agent and has none, as the dispatcher knows it. */
export async function wantedWork(node: Node, questions: Pick<Questions, 'show'>): Promise<readonly Want[]> {
  if (node.actors.row(DISPATCHER) === null) return [];
  const { context } = (await questions.show({ actor: DISPATCHER })) as { context: Pick<DispatcherContext, 'wants'> };
  return context.wants;
}

/** @throws RejectedInput what the configuration asks for and the actor refuses, other than a repository held by another */
async function tell(node: Node, subject: string, type: string, data: Record<string, unknown>): Promise<void> {
  const receipt = await node.send(
    { specversion: '1.0', id: `${SOURCE}/${randomUUID()}`, source: SOURCE, type, subject, data },
    { door: 'hook' },
  );
  if (receipt.outcome === 'refused' && receipt.code === 'schema') {
    throw new RejectedInput('CONFIG', `${subject} does not take ${type} as configured`, [receipt.reason ?? '']);
  }
}

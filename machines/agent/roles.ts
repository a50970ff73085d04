/**
 * Roles as built in. A hire normally carries its role along (`settings`, read from the role's YAML file at the door);
 * a hire without it gets the built-in role of that name or alias.
 */
import type { WorkKind } from '../events/common.ts';

export interface Role {
  name: string;
  aliases: readonly string[];
  kinds: readonly WorkKind[];
  actions: readonly string[];
}

/** What every run may do through its door: read its session, keep memory, take its own work over, answer. */
const OWN_ACTIONS = ['read', 'fyi', 'answer', 'correct.adopt', 'correct.memory.set', 'correct.memory.delete'];

export const ROLES: readonly Role[] = [
  {
    name: 'implementer',
    aliases: ['implement', 'worker'],
    kinds: ['implement', 'test', 'docs', 'design'],
    actions: [...OWN_ACTIONS, 'pull.open'],
  },
  { name: 'reviewer', aliases: ['review', 'audit', 'auditor'], kinds: ['review'], actions: OWN_ACTIONS },
  { name: 'tester', aliases: ['test'], kinds: ['test'], actions: [...OWN_ACTIONS, 'pull.open'] },
  {
    name: 'conductor',
    aliases: [],
    kinds: [],
    actions: [...OWN_ACTIONS, 'say', 'query', 'correct.*'],
  },
];

/** The built-in role of this name or alias. */
export function roleNamed(name: string): Role | undefined {
  const wanted = name.toLowerCase();
  return ROLES.find((role) => role.name === wanted || role.aliases.includes(wanted));
}

/**
 * Roles as built in: for a hire that nobody looked up in a configuration and that brings no role along (`settings`).
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

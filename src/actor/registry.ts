/** The machines of this node, checked against the rules that make them executable, drawable and replayable. */
import { checkRegistration } from '../check/check.ts';
import { Bug } from '../errors.ts';
import type { Definition } from './state.ts';

export type Registry = ReadonlyMap<string, Definition>;

/** @throws Bug with every broken rule at once */
export function createRegistry(definitions: readonly Definition[]): Registry {
  const registry = new Map<string, Definition>();
  const mistakes: string[] = [];
  for (const definition of definitions) {
    if (registry.has(definition.kind)) mistakes.push(`${definition.kind}: registered twice`);
    registry.set(definition.kind, definition);
    for (const { machine, where, what, todo } of checkRegistration(definition)) {
      mistakes.push(`${machine} ${where}: ${what} — ${todo}`);
    }
  }
  if (mistakes.length > 0) throw new Bug(`machines break the rules of docs/machines.md:\n  ${mistakes.join('\n  ')}`);
  return registry;
}

/** The graph of a mission's items: what is wrong with it, and in which order ready items go. Pure. */
import type { MissionItem } from '../events/mission.ts';

type Node = Pick<MissionItem, 'key' | 'dependsOn'>;

/** The first mistake as a sentence, or null: a key used twice, an unknown dependency, a cycle with its path. */
export function mistakeIn(nodes: readonly Node[]): string | null {
  const byKey = new Map<string, Node>();
  for (const node of nodes) {
    if (byKey.has(node.key)) return `the key “${node.key}” is used twice`;
    byKey.set(node.key, node);
  }
  for (const node of nodes) {
    const unknown = node.dependsOn.find((key) => !byKey.has(key));
    if (unknown !== undefined) return `“${node.key}” depends on “${unknown}”, which is not an item`;
  }
  const cycle = cycleIn(byKey);
  return cycle === null ? null : `a cycle: ${cycle.join(' → ')}`;
}

/** Walked with a stack of its own: a chain of thousands of items must not end the call stack. */
function cycleIn(byKey: ReadonlyMap<string, Node>): string[] | null {
  const done = new Set<string>();
  for (const start of byKey.keys()) {
    const path: { key: string; next: number }[] = done.has(start) ? [] : [{ key: start, next: 0 }];
    const onPath = new Set(path.map(({ key }) => key));
    while (path.length > 0) {
      const top = path.at(-1)!;
      const dependency = byKey.get(top.key)?.dependsOn[top.next++];
      if (dependency === undefined) {
        done.add(top.key);
        onPath.delete(top.key);
        path.pop();
      } else if (onPath.has(dependency)) {
        const keys = path.map(({ key }) => key);
        return [...keys.slice(keys.indexOf(dependency)), dependency];
      } else if (!done.has(dependency)) {
        path.push({ key: dependency, next: 0 });
        onPath.add(dependency);
      }
    }
  }
  return null;
}

/** How many items wait for each, directly or not. */
export function unblocks(nodes: readonly Node[]): Map<string, number> {
  const dependants = new Map<string, string[]>();
  for (const { key, dependsOn } of nodes) {
    for (const on of dependsOn) dependants.set(on, [...(dependants.get(on) ?? []), key]);
  }
  return new Map(nodes.map(({ key }) => [key, reachable(key, dependants).size]));
}

function reachable(from: string, dependants: ReadonlyMap<string, string[]>): Set<string> {
  const found = new Set<string>();
  const open = [from];
  for (let key = open.pop(); key !== undefined; key = open.pop()) {
    for (const next of dependants.get(key) ?? []) {
      if (found.has(next)) continue;
      found.add(next);
      open.push(next);
    }
  }
  return found;
}

/** This item and everything that waits for it. */
export function withDependants(key: string, nodes: readonly Node[]): Set<string> {
  const dependants = new Map<string, string[]>();
  for (const node of nodes) {
    for (const on of node.dependsOn) dependants.set(on, [...(dependants.get(on) ?? []), node.key]);
  }
  return new Set([key, ...reachable(key, dependants)]);
}

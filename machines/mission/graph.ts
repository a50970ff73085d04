/** The graph of a mission's items: what is wrong with it, and in which order ready items go. Pure. */
import type { MissionItem } from '../events/mission.ts';

type Node = Pick<MissionItem, 'key' | 'dependsOn'>;

/** More are no help: the first hundred say what is wrong with a file. */
const MISTAKES_MAX = 100;

/** Every mistake as a sentence: a key used twice, an unknown dependency, a cycle with its path. */
export function mistakesIn(nodes: readonly Node[]): string[] {
  const byKey = new Map<string, Node>();
  const mistakes: string[] = [];
  for (const node of nodes) {
    if (byKey.has(node.key)) mistakes.push(`the key “${node.key}” is used twice`);
    else byKey.set(node.key, node);
  }
  for (const node of byKey.values()) {
    for (const key of node.dependsOn)
      if (!byKey.has(key)) mistakes.push(`“${node.key}” depends on “${key}”, which is not an item`);
  }
  mistakes.push(...cyclesIn(byKey).map((cycle) => `a cycle: ${cycle.join(' → ')}`));
  return mistakes.slice(0, MISTAKES_MAX);
}

/** All of them in one sentence, or null. */
export function mistakeIn(nodes: readonly Node[]): string | null {
  const mistakes = mistakesIn(nodes);
  return mistakes.length === 0 ? null : mistakes.join('; ');
}

/** Walked with a stack of its own: a chain of thousands of items must not end the call stack. */
function cyclesIn(byKey: ReadonlyMap<string, Node>): string[][] {
  const cycles: string[][] = [];
  const done = new Set<string>();
  for (const start of byKey.keys()) {
    const path: { key: string; next: number }[] = done.has(start) ? [] : [{ key: start, next: 0 }];
    const onPath = new Set(path.map(({ key }) => key));
    while (path.length > 0 && cycles.length < MISTAKES_MAX) {
      const top = path.at(-1)!;
      const dependency = byKey.get(top.key)?.dependsOn[top.next++];
      if (dependency === undefined) {
        done.add(top.key);
        onPath.delete(top.key);
        path.pop();
      } else if (onPath.has(dependency)) {
        const keys = path.map(({ key }) => key);
        cycles.push([...keys.slice(keys.indexOf(dependency)), dependency]);
      } else if (!done.has(dependency)) {
        path.push({ key: dependency, next: 0 });
        onPath.add(dependency);
      }
    }
  }
  return cycles;
}

/** The longest chain of items that wait for each other, first to last; of a graph without mistakes. */
export function criticalPath(nodes: readonly Node[]): string[] {
  const levels = levelsOf(nodes);
  const byKey = new Map(nodes.map((node) => [node.key, node]));
  let key = [...levels].reduce<string | null>((last, [name, level]) => {
    return last === null || level > levels.get(last)! ? name : last;
  }, null);
  const path: string[] = [];
  while (key !== null) {
    path.unshift(key);
    const level: number = levels.get(key)!;
    key = byKey.get(key)!.dependsOn.find((on) => levels.get(on) === level - 1) ?? null;
  }
  return path;
}

/** How many items each has to wait for at least, one after the other, by its longest chain; 0 = it may begin at once. */
export function levelsOf(nodes: readonly Node[]): Map<string, number> {
  const levels = new Map<string, number>();
  const waiting = new Map(nodes.map(({ key, dependsOn }) => [key, new Set(dependsOn)]));
  for (let level = 0; waiting.size > 0; level++) {
    const ready = [...waiting].filter(([, on]) => [...on].every((key) => !waiting.has(key))).map(([key]) => key);
    // Only a graph with a cycle comes to a stand.
    if (ready.length === 0) break;
    for (const key of ready) {
      levels.set(key, level);
      waiting.delete(key);
    }
  }
  return levels;
}

/** How many items wait for each of these, directly or not. */
export function unblocks(keys: readonly string[], nodes: readonly Node[]): Map<string, number> {
  const dependants = dependantsIn(nodes);
  return new Map(keys.map((key) => [key, reachable(key, dependants).size]));
}

function dependantsIn(nodes: readonly Node[]): Map<string, string[]> {
  const dependants = new Map<string, string[]>();
  for (const { key, dependsOn } of nodes) {
    for (const on of dependsOn) {
      const own = dependants.get(on);
      if (own === undefined) dependants.set(on, [key]);
      else own.push(key);
    }
  }
  return dependants;
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
  return new Set([key, ...reachable(key, dependantsIn(nodes))]);
}

/** What is different between two moments of an actor, and what its journal tells of the ways it went. Pure. */
import type { HistoryEntry, StateValue } from './answers.ts';
import { activePaths } from './tree.ts';

export interface Change {
  /** Dotted path in the context. */
  path: string;
  before: unknown;
  after: unknown;
}

/** More than this nobody reads line by line; the whole context is there beside it. */
const CHANGES_MAX = 60;
/** Deeper than this a difference is shown as a whole. */
const DEPTH_MAX = 4;

/** Leaves that differ, in the order of the later one; arrays by index. */
export function changesOf(before: unknown, after: unknown): { changes: Change[]; more: number } {
  const changes: Change[] = [];
  compare(before, after, '', 0, changes);
  return { changes: changes.slice(0, CHANGES_MAX), more: Math.max(0, changes.length - CHANGES_MAX) };
}

function compare(before: unknown, after: unknown, path: string, depth: number, changes: Change[]): void {
  if (before === after) return;
  if (isTree(before) && isTree(after) && Array.isArray(before) === Array.isArray(after) && depth < DEPTH_MAX) {
    const left = before as Record<string, unknown>;
    const right = after as Record<string, unknown>;
    for (const key of new Set([...Object.keys(right), ...Object.keys(left)]))
      compare(left[key], right[key], path === '' ? key : `${path}.${key}`, depth + 1, changes);
  } else if (JSON.stringify(before) !== JSON.stringify(after)) changes.push({ path, before, after });
}

const isTree = (value: unknown): boolean => typeof value === 'object' && value !== null;

/** Innermost states that were left and entered. */
export function movesOf(before: StateValue | null, after: StateValue): { left: string[]; entered: string[] } {
  const was = before === null ? new Set<string>() : activePaths(before);
  const is = activePaths(after);
  const innermost = (paths: string[]): string[] =>
    paths.filter((path) => !paths.some((other) => other.startsWith(`${path}.`)));
  return {
    left: innermost([...was].filter((path) => !is.has(path))),
    entered: innermost([...is].filter((path) => !was.has(path))),
  };
}

export interface Ways {
  /** State → milliseconds spent in it within the entries at hand. */
  spentMs: Map<string, number>;
  /** `from>to` → how often. */
  taken: Map<string, number>;
}

/** Where an actor has been, by the entries at hand, up to a moment. */
export function waysOf(entries: readonly HistoryEntry[], untilMs: number): Ways {
  const spentMs = new Map<string, number>();
  const taken = new Map<string, number>();
  entries.forEach((entry, index) => {
    if (entry.after === null) return;
    const fromMs = Date.parse(entry.at);
    const next = entries[index + 1];
    const lastsMs = Math.max(0, (next === undefined ? untilMs : Date.parse(next.at)) - fromMs);
    for (const path of activePaths(entry.after.value)) spentMs.set(path, (spentMs.get(path) ?? 0) + lastsMs);
    for (const way of waysBetween(entry.before?.value ?? null, entry.after.value))
      taken.set(way, (taken.get(way) ?? 0) + 1);
  });
  return { spentMs, taken };
}

/** The ways that lead from one value to the next, as `from>to`: of each region that moved, the state it left whole. */
export function waysBetween(before: StateValue | null, after: StateValue): string[] {
  const was = before === null ? new Set<string>() : activePaths(before);
  const is = activePaths(after);
  const entered = [...is].filter((path) => !was.has(path));
  const ways = new Set<string>();
  for (const from of was) {
    if (is.has(from)) continue;
    const to = entered.find((path) => parentOf(path) === parentOf(from));
    if (to !== undefined) ways.add(`${from}>${to}`);
  }
  return [...ways];
}

/** How often a transition's way was taken; one of a region leads into a state of its own from wherever the region was. */
export function timesTaken(from: string, to: string, taken: ReadonlyMap<string, number>): number {
  const times = taken.get(`${from}>${to}`) ?? 0;
  if (!to.startsWith(`${from}.`)) return times;
  let sum = times;
  for (const [way, count] of taken) if (way.startsWith(`${from}.`) && way.endsWith(`>${to}`)) sum += count;
  return sum;
}

const parentOf = (path: string): string => path.slice(0, Math.max(0, path.lastIndexOf('.')));

/** 0 … 3: how much of the whole time was spent there; 0 = never there. */
export function tintOf(spentMs: number | undefined, wholeMs: number): 0 | 1 | 2 | 3 {
  if (spentMs === undefined) return 0;
  const share = wholeMs <= 0 ? 0 : spentMs / wholeMs;
  return share > 0.4 ? 3 : share > 0.1 ? 2 : 1;
}

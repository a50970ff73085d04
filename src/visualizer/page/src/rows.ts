/** The list of actors: kept up to date by facts, sorted by need, filtered and counted. All pure. */
import type { Fact, IndexRow } from './answers.ts';
import { neededSince } from './wait.ts';

export interface Filter {
  text: string;
  kind: string | null;
  phase: string | null;
}
export const NO_FILTER: Filter = { text: '', kind: null, phase: null };

export const kindOf = (address: string): string => address.slice(0, address.indexOf('/'));
export const idOf = (address: string): string => address.slice(address.indexOf('/') + 1);

/** A row after a fact about its actor. A fact tells all but title, references and whether it is over. */
export function afterFact(row: IndexRow, fact: Fact): IndexRow {
  // Older than the row, which was asked for meanwhile; or of the kernel, which tells nothing of the state.
  if (fact.after === null || fact.at < row.updatedAt) return row;
  return {
    ...row,
    value: fact.after.value,
    phase: fact.after.phase,
    owner: fact.owner,
    epoch: fact.epoch,
    waitingOn: fact.waitingOn,
    updatedAt: fact.at,
  };
}

/** Oldest gate that needs a person first, then by address: the order of the question `list`. */
export function byNeed(rows: Iterable<IndexRow>): IndexRow[] {
  const keyed = [...rows].map((row) => ({ row, since: neededSince(row) ?? '~' }));
  keyed.sort((a, b) => compare(a.since, b.since) || compare(a.row.address, b.row.address));
  return keyed.map(({ row }) => row);
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

export function matches(row: IndexRow, { text, kind, phase }: Filter): boolean {
  if (kind !== null && kindOf(row.address) !== kind) return false;
  if (phase !== null && row.phase !== phase) return false;
  if (text === '') return true;
  const whole = `${row.address} ${row.title} ${row.phase} ${row.owner ?? ''} ${row.refs.join(' ')}`.toLowerCase();
  return text
    .toLowerCase()
    .split(/\s+/)
    .every((word) => whole.includes(word));
}

/** How many there are of each, most first. */
export function counted(rows: readonly IndexRow[], name: (row: IndexRow) => string): [name: string, count: number][] {
  const counts = new Map<string, number>();
  for (const row of rows) counts.set(name(row), (counts.get(name(row)) ?? 0) + 1);
  return [...counts].sort((a, b) => b[1] - a[1] || compare(a[0], b[0]));
}

/** What a phase means to who looks: somebody is needed, it went wrong, it moves, it waits, it is over. */
export type Tone = 'needed' | 'wrong' | 'moving' | 'calm' | 'over';

const WRONG = new Set(['failed', 'escalated', 'coolingDown']);
const MOVING =
  /^(implementing|changes_requested|repairing_ci|repairing_queue|busy|starting|awake|running|stopping|offboarding)$/;

export function toneOf({ phase, final, waitingOn }: Pick<IndexRow, 'phase' | 'final' | 'waitingOn'>): Tone {
  if (WRONG.has(phase)) return 'wrong';
  if (final) return 'over';
  if (neededSince({ waitingOn }) !== null) return 'needed';
  return MOVING.test(phase) ? 'moving' : 'calm';
}

/** `changes_requested`, `coolingDown` → `changes requested`, `cooling down`. */
export const spoken = (name: string): string =>
  name
    .replace(/([a-z])([A-Z])/g, '$1 $2')
    .replaceAll('_', ' ')
    .toLowerCase();

/** The list of actors: kept up to date by facts, sorted by need, filtered and counted. All pure. */
import type { Fact, IndexRow, StateValue } from './answers.ts';
import { activePaths } from './tree.ts';
import { neededSince } from './wait.ts';

export interface Filter {
  text: string;
  kind: string | null;
  phase: string | null;
  /** What it waits on. */
  gate: string | null;
}
export const NO_FILTER: Filter = { text: '', kind: null, phase: null, gate: null };

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
  return [...rows].map(placed).sort(inOrder).map(rowOf);
}

/** The same order kept: of thousands of rows only those are moved that a change has moved. */
export function createOrder(): (rows: ReadonlyMap<string, IndexRow>) => IndexRow[] {
  let order: Placed[] = [];
  return (rows) => {
    const kept: Placed[] = [];
    const moved: Placed[] = [];
    let isMoved = false;
    for (const before of order) {
      const row = rows.get(before.row.address);
      if (row === before.row) kept.push(before);
      else if (row === undefined) isMoved = true;
      else {
        const after = placed(row);
        if (after.since === before.since) kept.push(after);
        else moved.push(after);
      }
    }
    if (kept.length + moved.length < rows.size) {
      const known = new Set([...kept, ...moved].map(({ row }) => row.address));
      for (const row of rows.values()) if (!known.has(row.address)) moved.push(placed(row));
    }
    if (moved.length > 0 || isMoved) order = merged(kept, moved.sort(inOrder));
    else order = kept;
    return order.map(rowOf);
  };
}

interface Placed {
  row: IndexRow;
  since: string;
}

const placed = (row: IndexRow): Placed => ({ row, since: neededSince(row) ?? '~' });
const rowOf = ({ row }: Placed): IndexRow => row;
const inOrder = (a: Placed, b: Placed): number => compare(a.since, b.since) || compare(a.row.address, b.row.address);

function merged(kept: readonly Placed[], moved: readonly Placed[]): Placed[] {
  const all: Placed[] = [];
  let next = 0;
  for (const place of kept) {
    while (next < moved.length && inOrder(moved[next]!, place) < 0) all.push(moved[next++]!);
    all.push(place);
  }
  return [...all, ...moved.slice(next)];
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

export function matches(row: IndexRow, { text, kind, phase, gate }: Filter): boolean {
  if (kind !== null && kindOf(row.address) !== kind) return false;
  if (phase !== null && row.phase !== phase) return false;
  if (gate !== null && !row.waitingOn.some((wait) => wait.gate === gate)) return false;
  if (text === '') return true;
  const whole = searchedIn(row);
  return text
    .toLowerCase()
    .split(/\s+/)
    .every((word) => whole.includes(word));
}

/** Made once for each row, not for each letter that is typed. */
const searched = new WeakMap<IndexRow, string>();
function searchedIn(row: IndexRow): string {
  const known = searched.get(row);
  if (known !== undefined) return known;
  const { address, title, phase, owner, refs, value } = row;
  const states = [...activePaths(value as StateValue)].join(' ');
  const whole = `${address} ${title} ${phase} ${owner ?? ''} ${refs.join(' ')} ${states}`.toLowerCase();
  searched.set(row, whole);
  return whole;
}

/** How many there are of each, most first. A row may count under several names, or none. */
export function counted(
  rows: readonly IndexRow[],
  names: (row: IndexRow) => Iterable<string>,
): [name: string, count: number][] {
  const counts = new Map<string, number>();
  for (const row of rows) for (const name of names(row)) counts.set(name, (counts.get(name) ?? 0) + 1);
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

/**
 * An actor's state as its snapshot and the journal entries behind it say; no machine code runs. What cannot be read is
 * named and never stepped over: the state is then the one before it.
 */
import { KEYS } from '../store/keys.ts';
import { batchOf } from './batch-search.ts';
import { applyChange } from './change.ts';
import type { JournalEntry } from './journal.ts';
import { unborn } from './state.ts';
import type { ActorState } from './state.ts';

/** Numbers of the entries that have the present value and what is waited for: later entries point to them. */
export interface Marks {
  value: number;
  waitingOn: number;
}

/** The state with its marks. */
export type SnapshotRow = ActorState & { marks: Marks };

export interface Folded {
  state: ActorState;
  marks: Marks;
  /** Bytes and entries of the journal since the snapshot, and that one's size. */
  since: { bytes: number; entries: number; snapshotBytes: number };
  /** What is missing or cannot be read, in a sentence; null = it is whole. */
  damage: string | null;
}

type Read = (key: string) => string | undefined;

export function foldActor(read: Read, address: string, version: string): Folded {
  const snapshot = read(KEYS.snapshot(address));
  let state = unborn(version);
  let marks: Marks = { value: 0, waitingOn: 0 };
  const since = { bytes: 0, entries: 0, snapshotBytes: snapshot?.length ?? 0 };
  const folded = (damage: string | null): Folded => ({ state, marks, since, damage });
  const bad = (seq: number, what: string): Folded => {
    const batch = batchOf(read, address, seq, state.at);
    return folded(`${what}${batch === null ? '' : ` (batch ${batch})`}`);
  };
  if (snapshot !== undefined) {
    try {
      const row = snapshotRow(snapshot, version);
      ({ marks, ...state } = row);
    } catch (error) {
      return folded(`its snapshot ${(error as Error).message}`);
    }
  }
  for (;;) {
    const seq: number = state.seq + 1;
    const text = read(KEYS.journal(address, seq));
    if (text === undefined) break;
    try {
      const entry = entryOf(text, address, version);
      state = applyChange(state, seq, entry.at, entry.version, entry.change);
      marks = marked(marks, seq, entry);
    } catch (error) {
      return bad(seq, `entry ${seq} of its journal ${(error as Error).message}`);
    }
    since.bytes += text.length;
    since.entries += 1;
  }
  const { seq } = state;
  const { seq: last } = readStepped(read(KEYS.stepped(address)) ?? '');
  if (last === null || last === seq) return folded(null);
  if (last < seq) return folded(`entry ${last + 1} of its journal is of no step: its last was ${last}`);
  return bad(seq + 1, `its journal has no entry ${seq + 1}, and its last step was ${last}`);
}

/** An actor whose rows the store cannot read. */
export const unread = (version: string, why: string): Folded => ({
  state: unborn(version),
  marks: { value: 0, waitingOn: 0 },
  since: { bytes: 0, entries: 0, snapshotBytes: 0 },
  damage: `its rows cannot be read: ${why}`,
});

/** @throws Error that says what is wrong with it */
function snapshotRow(text: string, version: string): SnapshotRow {
  const row = parsed(text) as SnapshotRow;
  if (typeof row.seq !== 'number' || typeof row.at !== 'string' || typeof row.marks !== 'object') {
    throw new Error('is something else than a snapshot');
  }
  checkVersion(row.version, version);
  return row;
}

/** @throws Error that says what is wrong with it */
function entryOf(text: string, address: string, version: string): JournalEntry {
  const entry = parsed(text) as JournalEntry;
  const { at, envelope, change, stood } = entry;
  if (typeof at !== 'string' || ![envelope, change, stood].every(isObject)) {
    throw new Error('is something else than an entry');
  }
  if (envelope.subject !== address) throw new Error(`is of ${envelope.subject}`);
  checkVersion(entry.version, version);
  return entry;
}

function parsed(text: string): object {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new Error('is not JSON');
  }
  if (!isObject(value)) throw new Error('is no object');
  return value;
}

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null;

function checkVersion(written: string, version: string): void {
  if (written !== version) throw new Error(`was written by version ${written} of its machine, this is ${version}`);
}

export function marked(marks: Marks, seq: number, { change, stood }: JournalEntry): Marks {
  if (change.value === undefined && typeof stood.waitingOn === 'number') return marks;
  return {
    value: change.value === undefined ? marks.value : seq,
    waitingOn: typeof stood.waitingOn === 'number' ? marks.waitingOn : seq,
  };
}

/** The snapshot row of a step, from the row before and the entries up to it. @returns null where one is missing */
export function snapshotAt(read: Read, address: string, seq: number): string | null {
  const before = read(KEYS.snapshot(address));
  let row: SnapshotRow | null = before === undefined ? null : (JSON.parse(before) as SnapshotRow);
  while ((row?.seq ?? 0) < seq) {
    const number: number = (row?.seq ?? 0) + 1;
    const text = read(KEYS.journal(address, number));
    if (text === undefined) return null;
    const entry = JSON.parse(text) as JournalEntry;
    const state = applyChange(row ?? unborn(entry.version), number, entry.at, entry.version, entry.change);
    row = { ...state, marks: marked(row?.marks ?? { value: 0, waitingOn: 0 }, number, entry) };
  }
  return row?.seq === seq ? JSON.stringify(row) : null;
}

/** When an actor took its last step, and which that was: a journal that ends before is not whole. */
export const steppedRow = ({ at, seq }: ActorState): string => `${at} ${seq}`;

/** `seq` null: written by a build that noted only the time. */
export function readStepped(text: string): { at: string; seq: number | null } {
  const [at = '', seq] = text.split(' ');
  return { at, seq: seq === undefined ? null : Number(seq) };
}

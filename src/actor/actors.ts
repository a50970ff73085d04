/**
 * The actors in memory: brought to life from snapshot and journal when they are needed, evicted when they are not.
 * Beside each stands its index row, so that lists, target checks and the router need not wake anybody.
 */
import type { Projection, WaitingOn } from '../../machines/contract.ts';
import { Bug } from '../errors.ts';
import { KEYS, SPACES, keyParts } from '../store/keys.ts';
import type { Store } from '../store/store.ts';
import { idOf, kindOf } from './address.ts';
import { put } from './batch.ts';
import type { Batch } from './batch.ts';
import type { Stood } from './decide.ts';
import type { JournalEntry } from './journal.ts';
import { isSameContent } from './patch.ts';
import type { Registry } from './registry.ts';
import { applyChange, unborn } from './state.ts';
import type { ActorState } from './state.ts';
import { revive } from './step.ts';

/**
 * A snapshot is written when the journal since the last is this many times its size, or after so many entries. The
 * first number differs from actor to actor by up to `SNAPSHOT_SPREAD`: else those born together write together for ever.
 */
const SNAPSHOT_GROWTH = 3;
const SNAPSHOT_SPREAD = 2;
const SNAPSHOT_ENTRIES_MAX = 100;
/** Not sooner than after so many: a short journal is read as quickly. */
const SNAPSHOT_ENTRIES_MIN = 8;
const SNAPSHOT_ENTRIES_FIRST = 32;

export interface Actor {
  address: string;
  kind: string;
  /** null: it does not exist. */
  stood: Stood | null;
  parked: { at: string; envelope: string; type: string; reason: string; stack: string } | null;
  /** Steps that are not durable yet. */
  ahead: number;
  /** It has standing watches (a row says so). */
  watching: boolean;
  watches: Record<string, Record<string, unknown>>;
  /** Bytes and entries of the journal since the last snapshot, and that one's size. */
  since: { bytes: number; entries: number; snapshotBytes: number };
  marks: Marks;
}

/** Numbers of the entries that have the present value and what is waited for: later entries point to them. */
interface Marks {
  value: number;
  waitingOn: number;
}

/** The state with its marks. */
type SnapshotRow = ActorState & { marks: Marks };

/** What the index knows of an actor (`list`, target checks, the router). */
export interface IndexRow {
  address: string;
  value: unknown;
  phase: string;
  epoch: number | null;
  owner: string | null;
  waitingOn: WaitingOn[];
  updatedAt: string;
  title: string;
  user: string | null;
  mission: string | null;
  refs: string[];
  tags: Record<string, string | string[]>;
  final: boolean;
}

export interface Actors {
  get(address: string): Actor;
  /** The index row, live if the actor is in memory. */
  row(address: string): IndexRow | null;
  stand(actor: Actor, stood: Stood, entry: JournalEntry, entryBytes: number, batch: Batch): void;
  used(actor: Actor): void;
  durable(steps: [string, number][]): void;
  isAhead(address: string): boolean;
  near(address: string): string[];
  load(store: Store): Promise<void>;
  inMemory(): number;
}

interface ActorsOptions {
  registry: Registry;
  read: (key: string) => string | undefined;
  activeMax: number;
}

/** Kinds of which every address is kept in memory, for target checks with near names; fleets are small. */
const NAMED_KIND = 'agent';
/** Edits between two names that still count as a slip of the finger. */
const NEAR_EDITS_MAX = 3;

const UNREADABLE: Projection = {
  phase: 'unreadable',
  epoch: null,
  owner: null,
  waitingOn: [],
  title: '',
  user: null,
  mission: null,
  refs: [],
  tags: {},
};

export function createActors({ registry, read, activeMax }: ActorsOptions): Actors {
  /** In order of last use: the first is evicted first. */
  const actors = new Map<string, Actor>();
  const names = new Set<string>();

  function get(address: string): Actor {
    const known = actors.get(address);
    if (known !== undefined) return known;
    const actor: Actor = {
      address,
      kind: kindOf(address),
      stood: null,
      parked: null,
      ahead: 0,
      watching: false,
      watches: {},
      since: { bytes: 0, entries: 0, snapshotBytes: 0 },
      marks: { value: 0, waitingOn: 0 },
    };
    activate(actor);
    actors.set(address, actor);
    evict(address);
    return actor;
  }

  /** Snapshot plus the entries behind it; no machine code runs but its pure projection. */
  function activate(actor: Actor): void {
    const definition = registry.get(actor.kind);
    if (definition === undefined) return;
    const snapshot = read(KEYS.snapshot(actor.address));
    let state = unborn(definition.version);
    if (snapshot !== undefined) ({ marks: actor.marks, ...state } = JSON.parse(snapshot) as SnapshotRow);
    actor.since = { bytes: 0, entries: 0, snapshotBytes: snapshot?.length ?? 0 };
    for (;;) {
      const text = read(KEYS.journal(actor.address, state.seq + 1));
      if (text === undefined) break;
      const entry = JSON.parse(text) as JournalEntry;
      state = applyChange(state, state.seq + 1, entry.at, entry.version, entry.change);
      actor.since.bytes += text.length;
      actor.since.entries += 1;
      mark(actor, state.seq, entry);
    }
    if (state.seq === 0) return;
    if (state.version !== definition.version) {
      throw new Bug(
        `${actor.address} was written by version ${state.version} of ${actor.kind}, this is ${definition.version}`,
      );
    }
    const live = revive(actor.address, state);
    try {
      actor.stood = { live, projection: definition.project(live.view as never) };
    } catch (error) {
      // One actor that this code cannot read must not keep all others from starting.
      actor.stood = { live, projection: UNREADABLE };
      const { message, stack = '' } = error as Error;
      const reason = `its state cannot be read by this version of ${actor.kind}: ${message}`;
      actor.parked = { at: state.at, envelope: '', type: '', reason, stack };
    }
    actor.watching = read(KEYS.watching(actor.address)) !== undefined;
    const parked = read(KEYS.parked(actor.address));
    if (parked !== undefined) actor.parked = JSON.parse(parked) as Actor['parked'];
  }

  function evict(keep: string): void {
    if (actors.size <= activeMax) return;
    for (const [address, actor] of actors) {
      if (actors.size <= activeMax) return;
      if (address === keep || actor.ahead > 0 || actor.parked !== null) continue;
      actors.delete(address);
    }
  }

  function used(actor: Actor): void {
    actors.delete(actor.address);
    actors.set(actor.address, actor);
    evict(actor.address);
  }

  function rowOf(actor: Actor): IndexRow | null {
    if (actor.stood === null) return null;
    const { live, projection } = actor.stood;
    return indexRow(live.state, projection, actor.address);
  }

  return {
    get,
    row(address) {
      const active = actors.get(address);
      if (active !== undefined) return rowOf(active);
      const text = read(KEYS.index(address));
      if (text === undefined) return null;
      const row = JSON.parse(text) as IndexRow;
      return { ...row, updatedAt: read(KEYS.stepped(address)) ?? row.updatedAt };
    },
    stand(actor, stood, entry, entryBytes, batch) {
      const before = actor.stood;
      actor.stood = stood;
      actor.ahead += 1;
      actor.since.bytes += entryBytes;
      actor.since.entries += 1;
      const { state } = stood.live;
      mark(actor, state.seq, entry);
      if (isSnapshotDue(actor)) {
        // Not sorted: a revived actor must write its next entries with keys in the very order a live one would.
        const row: SnapshotRow = { ...state, marks: actor.marks };
        const text = JSON.stringify(row);
        put(batch, KEYS.snapshot(actor.address), text);
        actor.since = { bytes: 0, entries: 0, snapshotBytes: text.length };
      }
      writeIndex(actor.address, before, stood, entry, batch);
      if (before === null && actor.kind === NAMED_KIND) names.add(actor.address);
      used(actor);
    },
    used,
    durable(steps) {
      for (const [address] of steps) {
        const actor = actors.get(address);
        if (actor !== undefined) actor.ahead -= 1;
      }
      evict('');
    },
    isAhead: (address) => (actors.get(address)?.ahead ?? 0) > 0,
    near(address) {
      const kind = kindOf(address);
      return [...names]
        .filter((name) => kindOf(name) === kind)
        .map((name) => ({ name, edits: editDistance(idOf(name), idOf(address)) }))
        .filter(({ name, edits }) => edits <= NEAR_EDITS_MAX || idOf(name).includes(idOf(address)))
        .sort((a, b) => a.edits - b.edits || a.name.localeCompare(b.name))
        .map(({ name }) => name);
    },
    async load(store) {
      for await (const [key] of store.scan(SPACES.indexOf(NAMED_KIND))) names.add(keyParts(key, 1)[0]!);
    },
    inMemory: () => actors.size,
  };
}

function indexRow(state: ActorState, projection: Projection, address: string): IndexRow {
  return {
    address,
    value: state.value,
    phase: projection.phase,
    epoch: projection.epoch,
    owner: projection.owner,
    waitingOn: projection.waitingOn,
    updatedAt: state.at,
    title: projection.title,
    user: projection.user,
    mission: projection.mission,
    refs: projection.refs,
    tags: projection.tags,
    final: state.status === 'done',
  };
}

function mark(actor: Actor, seq: number, entry: JournalEntry): void {
  actor.marks = marked(actor.marks, seq, entry);
}

function marked(marks: Marks, seq: number, { change, stood }: JournalEntry): Marks {
  if (change.value === undefined && typeof stood.waitingOn === 'number') return marks;
  return {
    value: change.value === undefined ? marks.value : seq,
    waitingOn: typeof stood.waitingOn === 'number' ? marks.waitingOn : seq,
  };
}

/** The snapshot row of a step, from the row before and the entries up to it. @returns null where one is missing */
export function snapshotAt(read: (key: string) => string | undefined, address: string, seq: number): string | null {
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

function isSnapshotDue({ address, since: { entries, bytes, snapshotBytes } }: Actor): boolean {
  if (entries < SNAPSHOT_ENTRIES_MIN) return false;
  if (entries >= SNAPSHOT_ENTRIES_MAX) return true;
  const spread = spreadOf(address);
  if (snapshotBytes === 0) return entries >= SNAPSHOT_ENTRIES_FIRST * (1 + spread);
  return bytes > (SNAPSHOT_GROWTH + SNAPSHOT_SPREAD * spread) * snapshotBytes;
}

/** 0…1, always the same for an address. */
function spreadOf(address: string): number {
  let hash = 0;
  for (let index = 0; index < address.length; index++) hash = (hash * 31 + address.charCodeAt(index)) % 8_191;
  return hash / 8_191;
}

/** The row is written when it says something new; when the last step was is a row of its own. */
function writeIndex(address: string, before: Stood | null, after: Stood, { change }: JournalEntry, batch: Batch): void {
  put(batch, KEYS.stepped(address), after.live.state.at);
  const isSame = before !== null && change.value === undefined && change.status === undefined;
  if (isSame && isSameContent(before.projection, after.projection)) return;
  put(batch, KEYS.index(address), JSON.stringify(indexRow(after.live.state, after.projection, address)));
  const old = new Set(before?.projection.refs);
  for (const ref of after.projection.refs) if (!old.delete(ref)) put(batch, KEYS.reference(ref, address), '');
  for (const ref of old) batch.writes.set(KEYS.reference(ref, address), null);
}

/** Levenshtein distance of two short names. */
export function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      next.push(Math.min(next[j - 1]! + 1, row[j]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)));
    }
    row = next;
  }
  return row[b.length]!;
}

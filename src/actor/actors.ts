/**
 * The actors in memory: brought to life from snapshot and journal when they are needed, evicted when they are not.
 * Beside each stands its index row, so that lists, target checks and the router need not wake anybody.
 */
import type { Supervision, Projection, WaitingOn } from '../../machines/contract.ts';
import { KEYS, SPACES, keyParts } from '../store/keys.ts';
import { StoreError } from '../store/store.ts';
import type { Store } from '../store/store.ts';
import { idOf, kindOf } from './address.ts';
import { put } from './batch.ts';
import type { Batch } from './batch.ts';
import type { Stood } from './decide.ts';
import { editDistance } from './edits.ts';
import { foldActor, marked, readStepped, steppedRow, unread } from './folded.ts';
import type { Folded, Marks, SnapshotRow } from './folded.ts';
import type { JournalEntry } from './journal.ts';
import { isSameContent } from './patch.ts';
import type { Registry } from './registry.ts';
import type { ActorState } from './state.ts';
import { revive } from './step.ts';

/**
 * A snapshot is written when the journal since the last is this many times its size, or after so many entries. The
 * first number differs from actor to actor by up to `SNAPSHOT_SPREAD`: else those born together write together for ever.
 */
const SNAPSHOT_GROWTH = 3;
const SNAPSHOT_SPREAD = 2;
const SNAPSHOT_ENTRIES_MAX = 100;
/** A large one (a mission of a thousand items) is written more seldom, or it would be most of what each step writes. */
const SNAPSHOT_BYTES_A_STEP = 700;
/** Not sooner than after so many: a short journal is read as quickly. */
const SNAPSHOT_ENTRIES_MIN = 8;
const SNAPSHOT_ENTRIES_FIRST = 32;

export interface Parked {
  at: string;
  envelope: string;
  type: string;
  reason: string;
  stack: string;
  /** What the store has of it is not whole: nothing is done with it any more, and it cannot be unparked. */
  damaged?: true;
}

export interface Actor {
  address: string;
  kind: string;
  /** null: it does not exist. */
  stood: Stood | null;
  parked: Parked | null;
  /** Steps that are not durable yet. */
  ahead: number;
  /** It has standing watches (a row says so). */
  watching: boolean;
  /** Bytes and entries of the journal since the last snapshot, and that one's size. */
  since: { bytes: number; entries: number; snapshotBytes: number };
  marks: Marks;
}

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
  supervision?: Supervision;
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
  /** Sets an actor aside: what the store has of it is not whole. */
  damaged(actor: Actor, damage: string): void;
  /** Those that were found not to be whole, with what is wrong. */
  listDamaged(): [address: string, damage: string][];
}

interface ActorsOptions {
  registry: Registry;
  read: (key: string) => string | undefined;
  activeMax: number;
  /** Told once of each that is not whole. */
  onDamage: (actor: Actor, damage: string) => void;
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

export function createActors({ registry, read, activeMax, onDamage }: ActorsOptions): Actors {
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
    const { state, marks, since, damage, watching, parked } = rowsOf(actor.address, definition.version);
    actor.marks = marks;
    actor.since = since;
    if (damage !== null) {
      // Its acts, timers and mail wait as they are.
      actor.stood = { live: revive(actor.address, state), projection: UNREADABLE };
      damaged(actor, damage);
      return;
    }
    if (state.seq === 0) return;
    const live = revive(actor.address, state);
    try {
      actor.stood = { live, projection: definition.project(live.view as never) };
    } catch (error) {
      actor.stood = { live, projection: UNREADABLE };
      actor.parked = unreadable(actor.kind, state, error as Error);
    }
    actor.watching = watching;
    if (parked === undefined) return;
    try {
      actor.parked = JSON.parse(parked) as Parked;
    } catch {
      damaged(actor, 'what says why it was parked is not JSON');
    }
  }

  function rowsOf(address: string, version: string): Folded & { watching: boolean; parked: string | undefined } {
    try {
      const watching = read(KEYS.watching(address)) !== undefined;
      return { ...foldActor(read, address, version), watching, parked: read(KEYS.parked(address)) };
    } catch (error) {
      // A table with a damaged block: whoever lies elsewhere goes on.
      if (!(error instanceof StoreError)) throw error;
      return { ...unread(version, error.message), watching: false, parked: undefined };
    }
  }

  function damaged(actor: Actor, damage: string): void {
    if (actor.parked?.damaged === true) return;
    const at = actor.stood?.live.state.at ?? '';
    actor.parked = { at, envelope: '', type: '', reason: damage, stack: '', damaged: true };
    onDamage(actor, damage);
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
      const row = readIndex(text, address);
      return { ...row, updatedAt: updatedAt(read, row) };
    },
    stand(actor, stood, entry, entryBytes, batch) {
      const before = actor.stood;
      actor.stood = stood;
      actor.ahead += 1;
      actor.since.bytes += entryBytes;
      actor.since.entries += 1;
      const { state } = stood.live;
      actor.marks = marked(actor.marks, state.seq, entry);
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
    damaged,
    listDamaged: () =>
      [...actors.values()].flatMap(({ address, parked }): [string, string][] =>
        parked?.damaged === true ? [[address, parked.reason]] : [],
      ),
  };
}

/** One actor that this code cannot read must not keep all others from starting. */
export function unreadable(kind: string, { at }: ActorState, { message, stack = '' }: Error): Parked {
  return {
    at,
    envelope: '',
    type: '',
    reason: `its state cannot be read by this version of ${kind}: ${message}`,
    stack,
  };
}

/** The time of an actor's last step, which has a row of its own. */
export function updatedAt(read: (key: string) => string | undefined, row: IndexRow): string {
  const stepped = read(KEYS.stepped(row.address));
  return stepped === undefined ? row.updatedAt : readStepped(stepped).at;
}

/** A row of the index; of one that is not JSON that it cannot be read: what lists many must not fail for one. */
export function readIndex(text: string, address: string): IndexRow {
  try {
    return JSON.parse(text) as IndexRow;
  } catch {
    return { ...UNREADABLE, address, value: null, updatedAt: '', final: false };
  }
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
    ...(projection.supervision === undefined ? {} : { supervision: projection.supervision }),
    final: state.status === 'done',
  };
}

function isSnapshotDue({ address, since: { entries, bytes, snapshotBytes } }: Actor): boolean {
  if (entries < SNAPSHOT_ENTRIES_MIN) return false;
  if (entries >= Math.max(SNAPSHOT_ENTRIES_MAX, snapshotBytes / SNAPSHOT_BYTES_A_STEP)) return true;
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
  put(batch, KEYS.stepped(address), steppedRow(after.live.state));
  const isSame = before !== null && change.value === undefined && change.status === undefined;
  if (isSame && isSameContent(before.projection, after.projection)) return;
  put(batch, KEYS.index(address), JSON.stringify(indexRow(after.live.state, after.projection, address)));
  const old = new Set(before?.projection.refs);
  for (const ref of after.projection.refs) if (!old.delete(ref)) put(batch, KEYS.reference(ref, address), '');
  for (const ref of old) batch.writes.set(KEYS.reference(ref, address), null);
}

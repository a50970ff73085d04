/**
 * Proof that a store is what its journal says: every actor's entries are folded anew and compared with its stored
 * snapshot and its row in the index, and the chain of batch records is followed from the first to the last.
 */
import { recordHash } from './batch.ts';
import type { BatchRecord } from './batch.ts';
import type { IndexRow } from './actors.ts';
import { foldChange } from './change.ts';
import { readStepped } from './folded.ts';
import { decodeEntry } from './journal.ts';
import { isSameContent } from './patch.ts';
import { unborn } from './state.ts';
import type { ActorState } from './state.ts';
import { KEYS, SPACES, keyParts } from '../store/keys.ts';
import type { Store } from '../store/store.ts';

export interface Replayed {
  actor: string;
  /** Entries of its journal that follow each other without a gap. */
  steps: number;
  /** One sentence each; empty = all is as the journal says. */
  differences: string[];
}

export interface Verified {
  actors: number;
  /** Journal entries read and found good. */
  entries: number;
  batches: number;
  /** One sentence each; empty = nothing is missing or altered. */
  differences: string[];
}

/** Proves the whole store: every journal, and the chain of batches that wrote them. */
export async function verifyStore(store: Store): Promise<Verified> {
  const verified: Verified = { actors: 0, entries: 0, batches: 0, differences: [] };
  const chain = await followChain(store);
  for (const actor of await actorsOf(store)) {
    const { steps, differences } = await replayActor(store, actor);
    verified.actors += 1;
    verified.entries += steps;
    verified.differences.push(...differences.map((difference) => `${actor}: ${difference}`));
    const written = chain.steps.get(actor) ?? 0;
    if (differences.length === 0 && written !== steps) {
      verified.differences.push(`${actor}: its journal has ${steps} entries, batches wrote ${written}`);
    }
  }
  verified.batches = chain.batches;
  verified.differences.push(...chain.differences);
  return verified;
}

/** Folds one actor's journal. */
export async function replayActor(store: Store, actor: string): Promise<Replayed> {
  const snapshot = parsed<ActorState>(store.get(KEYS.snapshot(actor)));
  const row = parsed<IndexRow>(store.get(KEYS.index(actor)));
  const differences: string[] = [];
  let state: ActorState | null = null;
  if (snapshot === 'unreadable') differences.push('its snapshot is not JSON');
  if (row === 'unreadable') differences.push('its row in the index is not JSON');
  for await (const [key, text] of store.scan(SPACES.journalOf(actor))) {
    const seq = Number(keyParts(key, 2)[1]);
    const expected: number = (state?.seq ?? 0) + 1;
    if (seq !== expected) {
      differences.push(`its journal has no entry ${expected}; the next is ${seq}`);
      break;
    }
    const folding: ActorState = state ?? unborn('');
    if (!isFolded(folding, seq, text)) {
      differences.push(`entry ${seq} of its journal cannot be read`);
      break;
    }
    state = folding;
    if (isRead(snapshot) && snapshot.seq === seq) differences.push(...compared(state, snapshot));
  }
  if (state === null) differences.push('it has no journal');
  if (isRead(snapshot) && snapshot.seq > (state?.seq ?? 0)) {
    differences.push(`its snapshot is of step ${snapshot.seq}, its journal ends at ${state?.seq ?? 0}`);
  }
  if (row === undefined) differences.push('it is not in the index');
  else if (isRead(row) && state !== null) {
    if (!isSame(row.value, state.value)) {
      differences.push(`the index shows another state than step ${state.seq} of the journal`);
    }
    const stepped = readStepped(store.get(KEYS.stepped(actor)) ?? row.updatedAt);
    if (stepped.at !== state.at) differences.push(`the index is of ${stepped.at}, the journal of ${state.at}`);
    if (stepped.seq !== null && stepped.seq > state.seq) {
      differences.push(`its last step was ${stepped.seq}, its journal is read to ${state.seq}`);
    }
  }
  return { actor, steps: state?.seq ?? 0, differences };
}

/** Addresses that have a journal, a snapshot or a row in the index, in order. */
export async function actorsOf(store: Store): Promise<string[]> {
  const actors = new Set<string>();
  for (const space of [SPACES.journal, SPACES.snapshot, SPACES.index]) {
    for await (const [key] of store.scan(space)) actors.add(keyParts(key, 2)[0]!);
  }
  return [...actors].sort();
}

/** Follows the chain of batch records; what it says of the journal is held against the journal. */
export async function replayChain(store: Store): Promise<{ batches: number; differences: string[] }> {
  const { batches, differences } = await followChain(store);
  return { batches, differences };
}

/** What the batches that wrote an actor's steps say of them, by number. */
export async function replayBatchesOf(store: Store, actor: string): Promise<string[]> {
  const differences: string[] = [];
  for await (const [key, text] of store.scan(SPACES.batch)) {
    const record = parsed<BatchRecord>(text);
    if (!isRead(record) || record.steps.every(([name]) => name !== actor)) continue;
    differences.push(...differencesOf(store, record, Number(keyParts(key, 1)[0]), record.prev));
  }
  return differences;
}

/** `steps`: how many of each actor the records list. */
async function followChain(
  store: Store,
): Promise<{ batches: number; steps: ReadonlyMap<string, number>; differences: string[] }> {
  const steps = new Map<string, number>();
  const differences: string[] = [];
  let batches = 0;
  let hash = '';
  for await (const [key, text] of store.scan(SPACES.batch)) {
    const number = Number(keyParts(key, 1)[0]);
    if (number !== batches + 1) differences.push(`batch ${batches + 1} is missing; the next is ${number}`);
    batches = number;
    const record = parsed<BatchRecord>(text);
    if (!isRead(record)) {
      differences.push(`batch ${number} cannot be read`);
      hash = '';
      continue;
    }
    for (const [actor] of record.steps) steps.set(actor, (steps.get(actor) ?? 0) + 1);
    differences.push(...differencesOf(store, record, number, hash));
    hash = record.hash;
  }
  const last = parsed<{ number: number; hash: string }>(store.get(KEYS.meta('last')));
  if (!isRead(last)) {
    if (batches > 0) differences.push('nothing says which batch is the last');
  } else if (last.number !== batches) {
    differences.push(`batch ${last.number} was the last, ${batches} is what is left`);
  } else if (last.hash !== hash) differences.push(`the last batch, ${batches}, is not the one that was written`);
  return { batches, steps, differences };
}

function differencesOf(store: Store, record: BatchRecord, number: number, before: string): string[] {
  if (before !== '' && record.prev !== before) return [`batch ${number} does not follow the one before it`];
  const entries: [string, string][] = [];
  for (const [actor, seq] of record.steps) {
    const key = KEYS.journal(actor, seq);
    const value = store.get(key);
    if (value === undefined) return [`batch ${number} holds step ${seq} of ${actor}, the journal does not`];
    entries.push([key, value]);
  }
  if (recordHash(record.prev, entries) === record.hash) return [];
  return [`batch ${number} (${stepsText(record)}) does not have the hash it was written with`];
}

const stepsText = ({ steps }: BatchRecord): string =>
  steps.length === 0 ? 'no steps' : steps.map(([actor, seq]) => `${actor} ${seq}`).join(', ');

const PARTS = ['version', 'seq', 'at', 'status', 'value', 'context', 'since', 'timers', 'history', 'claims'] as const;

function compared(folded: ActorState, snapshot: ActorState): string[] {
  const wrong = PARTS.filter((part) => !isSame(folded[part], snapshot[part]));
  return wrong.length === 0 ? [] : [`its snapshot at step ${snapshot.seq} differs in ${wrong.join(', ')}`];
}

export const isSame = (a: unknown, b: unknown): boolean => isSameContent(a ?? null, b ?? null);

/** Folds an entry into the state; false where it is no longer one, not JSON or not of its shape. */
function isFolded(state: ActorState, seq: number, text: string): boolean {
  const { seq: last, at: lastAt, value } = state;
  try {
    const { version, at, change } = decodeEntry(text);
    foldChange(state, seq, at, version, change);
    return true;
  } catch {
    // What is said of it below is said of the step before.
    Object.assign(state, { seq: last, at: lastAt, value });
    return false;
  }
}

function parsed<T>(text: string | undefined): T | 'unreadable' | undefined {
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text) as T;
  } catch {
    return 'unreadable';
  }
}

const isRead = <T>(value: T | 'unreadable' | undefined): value is T => value !== undefined && value !== 'unreadable';

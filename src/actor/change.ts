/**
 * What a step changed: found by comparing the state before with the one after, kept in the journal, and applied again
 * by recovery without running any code.
 */
import type { StateValue } from '../../machines/contract.ts';
import { assert } from '../errors.ts';
import { applyPatch, diffValue, isSameContent, isSameList, patchInPlace } from './patch.ts';
import type { Patch } from './patch.ts';
import type { ActorState, ArmedTimer, Definition } from './state.ts';

/** As the journal holds it. */
export interface Change {
  value?: StateValue;
  status?: 'done';
  /** Top-level context keys, new values; null-valued keys are values too. */
  set?: Record<string, unknown>;
  /** Places within other context keys, with what is there now. */
  patch?: Patch;
  unset?: string[];
  /** State path → entered at this step's `at` (`true`) or left (`false`). */
  since?: Record<string, boolean>;
  /** Timer key → armed, or null = gone. */
  timers?: Record<string, ArmedTimer | null>;
  history?: Record<string, string[]>;
  claims?: string[];
}

/** One journal entry applied: no machine code runs. */
export function applyChange(state: ActorState, seq: number, at: string, version: string, change: Change): ActorState {
  const next = { ...state };
  const { patch, ...rest } = change;
  if (change.set !== undefined || change.unset !== undefined || patch !== undefined) {
    next.context = applyPatch(state.context, patch ?? []);
  }
  if (change.since !== undefined) next.since = { ...state.since };
  if (change.timers !== undefined) next.timers = { ...state.timers };
  foldChange(next, seq, at, version, rest);
  return next;
}

/**
 * The same on a state that nobody else holds: it is changed, and a quarter of the work is saved where many are folded.
 * What throws in the middle leaves it half changed.
 */
export function foldChange(state: ActorState, seq: number, at: string, version: string, change: Change): void {
  state.seq = seq;
  state.at = at;
  state.version = version;
  if (change.value !== undefined) state.value = change.value;
  if (change.status !== undefined) state.status = change.status;
  if (change.patch !== undefined) patchInPlace(state.context, change.patch);
  if (change.set !== undefined) Object.assign(state.context, change.set);
  for (const key of change.unset ?? []) delete state.context[key];
  if (change.since !== undefined) foldSince(state.since, change.since, at);
  if (change.timers !== undefined) foldTimers(state.timers, change.timers);
  if (change.history !== undefined) state.history = change.history;
  if (change.claims !== undefined) state.claims = change.claims;
}

export function foldSince(since: ActorState['since'], change: NonNullable<Change['since']>, at: string): void {
  for (const path in change) {
    if (change[path] === true) since[path] = at;
    else delete since[path];
  }
}

export function foldTimers(timers: ActorState['timers'], change: NonNullable<Change['timers']>): void {
  for (const key in change) {
    const timer = change[key]!;
    if (timer === null) delete timers[key];
    else timers[key] = timer;
  }
}

// --- finding it ---

export function isSameValue(a: StateValue, b: StateValue): boolean {
  if (typeof a === 'string' || typeof b === 'string') return a === b;
  const keys = Object.keys(b);
  if (keys.length !== Object.keys(a).length) return false;
  return keys.every((key) => a[key] !== undefined && isSameValue(a[key], b[key]!));
}

/** Fills `change.set`, `patch` and `unset`; true when a key that counts has changed. */
export function diffContext(
  { kind, recordKeys }: Pick<Definition, 'kind' | 'recordKeys'>,
  before: Record<string, unknown>,
  after: Record<string, unknown>,
  change: Change,
): boolean {
  if (before === after) return false;
  let counts = false;
  let common = 0;
  const keys = Object.keys(after);
  const values = Object.values(after);
  // Side by side where both have the same keys, as nearly always: V8 looks a key up far more slowly than it lists all.
  const isAligned = isSameList(keys, Object.keys(before));
  const old = isAligned ? Object.values(before) : keys.map((key) => before[key]);
  for (let index = 0; index < keys.length; index++) {
    const value = values[index];
    const key = keys[index]!;
    if (old[index] === value) {
      common += 1;
      continue;
    }
    assert(value !== undefined, `context.${key} of ${kind} is undefined: use null`);
    if (!isAligned && !(key in before)) {
      (change.set ??= {})[key] = value;
      if (key !== 'timers' && !recordKeys.includes(key)) counts = true;
      continue;
    }
    common += 1;
    const patch: Patch = [];
    if (diffValue(old[index], value, [key], patch)) continue;
    if (patch[0]![0].length === 1) (change.set ??= {})[key] = value;
    else (change.patch ??= []).push(...patch);
    if (counts || key === 'timers' || recordKeys.includes(key)) continue;
    // Other bytes of an equal value, keys in another order, are kept for the journal's sake but change nothing.
    counts = !isSameContent(old[index], value);
  }
  if (common === Object.keys(before).length) return counts;
  for (const key of Object.keys(before)) {
    if (key in after) continue;
    (change.unset ??= []).push(key);
    counts = true;
  }
  return counts;
}

export function diffTimers(
  before: Record<string, ArmedTimer>,
  armed: Record<string, ArmedTimer | null>,
  done: boolean,
): Record<string, ArmedTimer | null> | null {
  const changed: Record<string, ArmedTimer | null> = {};
  for (const [key, timer] of Object.entries(armed)) {
    if (timer === null && before[key] === undefined) continue;
    changed[key] = timer;
  }
  if (done) for (const key of Object.keys(before)) changed[key] = null;
  return Object.keys(changed).length > 0 ? changed : null;
}

export function diffSince(
  before: Record<string, string>,
  active: readonly string[],
  armed: Record<string, ArmedTimer | null>,
  change: Change,
): void {
  let rearmed: Set<string> | null = null;
  for (const key in armed) {
    if (armed[key] !== null) (rearmed ??= new Set()).add(key.slice(0, key.lastIndexOf(':')));
  }
  let known = 0;
  for (const path of active) {
    if (before[path] !== undefined) known += 1;
    // A timer armed anew means the state was entered anew.
    if (before[path] === undefined || rearmed?.has(path) === true) (change.since ??= {})[path] = true;
  }
  const old = Object.keys(before);
  if (old.length === known) return;
  for (const path of old) if (!active.includes(path)) (change.since ??= {})[path] = false;
}

export function diffHistory(
  before: Record<string, string[]> | undefined,
  history: Record<string, string[]>,
  change: Change,
): void {
  if (isEmpty(history) && before === undefined) return;
  if (!isSameContent(history, before ?? {})) change.history = history;
}

export function isEmpty(object: object): boolean {
  for (const _ in object) return false;
  return true;
}

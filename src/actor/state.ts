/**
 * What the kernel keeps of an actor: plain JSON, the fold of its journal. The same for a live actor and one that was
 * just read from the store.
 */
import type { ActorView, MachineDefinition, StateValue } from '../../machines/contract.ts';
import { applyPatch, patchInPlace } from './patch.ts';
import type { Patch } from './patch.ts';

/** A machine's definition as the kernel holds it: it never knows the context's type. */
export type Definition = MachineDefinition;

export interface ArmedTimer {
  /** ISO time it is due. */
  due: string;
  /** The step that armed it: a timer of an earlier life of the same state is told apart by it. */
  seq: number;
  /** XState's event type. */
  event: string;
}

export interface ActorState {
  /** The machine's version that wrote it. */
  version: string;
  seq: number;
  /** ISO time of the last step. */
  at: string;
  status: 'active' | 'done';
  value: StateValue;
  context: Record<string, unknown>;
  since: Record<string, string>;
  timers: Record<string, ArmedTimer>;
  /** XState's history: history node id → ids of the states to return to. */
  history?: Record<string, string[]>;
  claims: string[];
}

/** What a step changed: what the journal holds, so that recovery runs no code. */
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

/** The state before the first entry. */
export function unborn(version: string): ActorState {
  return { version, seq: 0, at: '', status: 'active', value: '', context: {}, since: {}, timers: {}, claims: [] };
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
 * The same on a state that nobody else holds: it is changed, which saves half of the work where many entries are folded.
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
  for (const path in change.since) {
    if (change.since[path] === true) state.since[path] = at;
    else delete state.since[path];
  }
  for (const key in change.timers) {
    const timer = change.timers[key]!;
    if (timer === null) delete state.timers[key];
    else state.timers[key] = timer;
  }
  if (change.history !== undefined) state.history = change.history;
  if (change.claims !== undefined) state.claims = change.claims;
}

export function viewOf(address: string, state: ActorState): ActorView {
  const timers: Record<string, string> = {};
  for (const key in state.timers) timers[key] = state.timers[key]!.due;
  return {
    address,
    value: state.value,
    context: state.context,
    since: state.since,
    timers,
    at: state.at,
    final: state.status === 'done',
  };
}

/** JSON with keys in code-unit order at every depth: equal values give equal bytes. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) => {
    if (part === null || typeof part !== 'object' || Array.isArray(part)) return part;
    const source = part as Record<string, unknown>;
    const keys = Object.keys(source);
    let sorted = true;
    for (let index = 1; index < keys.length; index++) {
      if (keys[index - 1]! > keys[index]!) {
        sorted = false;
        break;
      }
    }
    if (sorted) return part;
    const result: Record<string, unknown> = {};
    for (const key of keys.sort()) result[key] = source[key];
    return result;
  });
}

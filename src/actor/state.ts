/**
 * What the kernel keeps of an actor: plain JSON, the fold of its journal. The same for a live actor and one that was
 * just read from the store.
 */
import type { ActorView, MachineDefinition, StateValue } from '../../machines/contract.ts';

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

/** The state before the first entry. */
export function unborn(version: string): ActorState {
  return { version, seq: 0, at: '', status: 'active', value: '', context: {}, since: {}, timers: {}, claims: [] };
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

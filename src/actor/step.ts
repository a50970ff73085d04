/**
 * One step of one actor: a state and an event in, a state and effects out. Pure: no clock, no disk, no network, no
 * randomness. It and its engine (`engine.ts`) are the only files that know XState's internals.
 *
 * XState is used as a function: `machine.transition(snapshot, event, scope)` with one inert scope per machine returns
 * everything that would happen as data and executes nothing. (`transition()` does the same but builds an actor and
 * runs the context factory at every call; a property test uses it as the oracle of this file.)
 */
import type { AnyMachineSnapshot, AnyStateMachine } from 'xstate';
import type { ActorView, MachineEvent, RefusalCode, StateValue, Timers } from '../../machines/contract.ts';
import type { Wish } from '../../machines/decision.ts';
import type { Refuse, Supersede, Tell } from '../../machines/effects.ts';
import { Bug } from '../errors.ts';
import {
  diffContext,
  diffHistory,
  diffSince,
  diffTimers,
  foldSince,
  foldTimers,
  isEmpty,
  isSameValue,
} from './change.ts';
import type { Change } from './change.ts';
import { edgeIdsOf } from './chart.ts';
import { engineOf } from './engine.ts';
import type { Engine, StateNodeLike } from './engine.ts';
import { isSameContent } from './patch.ts';
import { unborn, viewOf } from './state.ts';
import type { ActorState, ArmedTimer, Definition } from './state.ts';

/** A wish of a step, in order; its place in the list is the last part of its key `actor/seq/index`. */
export type StepEffect =
  | { kind: 'act'; act: string; params: Record<string, unknown> }
  | { kind: 'cancel'; act: string }
  | ({ kind: 'tell' } & Tell);

export type StepResult =
  | {
      outcome: 'taken' | 'recorded';
      live: LiveActor;
      change: Change;
      effects: StepEffect[];
      /** Event types handled in this step, raised ones included. */
      events: string[];
    }
  | { outcome: 'refused'; code: RefusalCode; reason: string }
  | { outcome: 'superseded'; reason: string };

/** An actor in memory: its plain state, and XState's snapshot of the same. */
export interface LiveActor {
  state: ActorState;
  view: ActorView;
  snapshot: AnyMachineSnapshot | null;
}

const AFTER = 'xstate.after.';
const NO_TIMERS: Timers = {};

/** Brings a state back to life for the next step. */
export function revive(address: string, state: ActorState): LiveActor {
  return { state, view: viewOf(address, state), snapshot: null };
}

/** A machine's snapshot from a plain state, in normal form. */
function restore(engine: Engine, state: ActorState): AnyMachineSnapshot {
  const historyValue: Record<string, { id: string }[]> = {};
  for (const [id, ids] of Object.entries(state.history ?? {})) historyValue[id] = ids.map((node) => ({ id: node }));
  const snapshot = engine.machine.restoreSnapshot(
    {
      status: state.status,
      value: inDocumentOrder(engine.machine.root, state.value),
      context: state.context,
      children: {},
      historyValue,
      output: undefined,
      error: undefined,
    } as never,
    engine.scope,
  ) as AnyMachineSnapshot;
  return normalise(engine, snapshot);
}

/** Regions take an event in the order of `value`'s keys, so they are put in the order of the machine's text. */
function inDocumentOrder(node: StateNodeLike, value: StateValue): StateValue {
  if (typeof value === 'string') return value;
  const ordered: Record<string, StateValue> = {};
  for (const key of Object.keys(node.states)) {
    const part = value[key];
    if (part !== undefined) ordered[key] = inDocumentOrder(node.states[key]!, part);
  }
  return ordered;
}

/**
 * The normal form: active nodes and `value` in document order. A live snapshot carries them in the order of entry, a
 * restored one in another; eventless transitions follow that order, so without this an evicted actor acts differently.
 * A live `value` is out of order where a region ended before the one above it.
 */
function normalise(engine: Engine, snapshot: AnyMachineSnapshot): AnyMachineSnapshot {
  const nodes = snapshot._nodes as unknown as StateNodeLike[];
  let sorted = true;
  for (let index = 1; index < nodes.length; index++) {
    if (nodes[index - 1]!.order > nodes[index]!.order) {
      sorted = false;
      break;
    }
  }
  if (!sorted) nodes.sort((a, b) => a.order - b.order);
  snapshot.value = inDocumentOrder(engine.machine.root, snapshot.value as StateValue) as never;
  return snapshot;
}

/** Whether the very same states are active, in the same order. */
function isSamePlace(before: AnyMachineSnapshot, after: AnyMachineSnapshot): boolean {
  const [a, b] = [before._nodes, after._nodes];
  if (a.length !== b.length || before.status !== after.status) return false;
  for (let index = 0; index < a.length; index++) if (a[index] !== b[index]) return false;
  return true;
}

export interface StepOptions {
  address: string;
  /** The configured timers that differ from the defaults. */
  timers: Timers;
}

/**
 * Takes one event. `live` null: the actor is created by it. The event was checked against its schema, its fence and
 * its targets before; what is left to say is the machine's.
 * @throws whatever a guard or assign throws: a bug in the machine, for which the kernel parks the actor.
 */
export function step(
  definition: Definition,
  live: LiveActor | null,
  event: MachineEvent,
  { address, timers }: StepOptions,
): StepResult {
  const engine = engineOf(definition.logic);
  const before = live?.state ?? unborn(definition.version);
  if (before.status === 'done') return stepFinal(definition, live!, event, address);

  engine.collected = [];
  engine.events = [];
  engine.transitions = [];
  let snapshot: AnyMachineSnapshot;
  if (live === null) {
    engine.first = false;
    snapshot = engine.machine.getInitialSnapshot(engine.scope, { address, at: event.at, timers }) as AnyMachineSnapshot;
    if (snapshot.status === 'error')
      throw new Bug(`the context factory of ${definition.kind} failed`, { cause: snapshot.error });
  } else {
    snapshot = live.snapshot ??= restore(engine, before);
    if (!isSameContent(before.context['timers'] ?? NO_TIMERS, timers)) {
      snapshot = withContext(engine, snapshot, { ...(snapshot.context as object), timers });
    }
  }

  engine.first = true;
  engine.enabled = false;
  const armed: Record<string, ArmedTimer | null> = {};
  const isTimer = event.type.startsWith(AFTER);
  if (isTimer) {
    const key = timerKey(engine.machine, event.type);
    if (before.timers[key] === undefined)
      return { outcome: 'superseded', reason: `the timer ${key} is no longer armed` };
    armed[key] = null;
  }
  const next = engine.machine.transition(snapshot, event, engine.scope);
  if (next.status === 'error') throw new Bug(`the machine ${definition.kind} ended in an error`, { cause: next.error });
  if (!engine.enabled) {
    return { outcome: 'refused', code: 'guard', reason: refusal(definition, event, before.value) };
  }

  const collected = engine.collected;
  const events = engine.events;
  const effects: StepEffect[] = [];
  const seq = before.seq + 1;
  for (const { type, params } of collected) {
    switch (type) {
      case 'refuse':
        return { outcome: 'refused', ...(params as Refuse) };
      case 'supersede':
        return { outcome: 'superseded', ...(params as Supersede) };
      case 'tell':
        effects.push({ kind: 'tell', ...(params as Tell) });
        break;
      case 'act': {
        const wish = params as { act: string; params: Record<string, unknown> };
        effects.push({ kind: 'act', act: wish.act, params: wish.params });
        break;
      }
      case 'act.cancel':
        effects.push({ kind: 'cancel', act: (params as { act: string }).act });
        break;
      case 'xstate.raise': {
        const { event: raised, delay } = params as { event: { type: string }; delay?: number };
        // Without a delay it has already been executed inside this very transition.
        if (delay === undefined) break;
        armed[timerKey(engine.machine, raised.type)] = {
          due: new Date(Date.parse(event.at) + Math.max(0, delay)).toISOString(),
          seq,
          event: raised.type,
        };
        break;
      }
      case 'xstate.cancel': {
        const key = timerKey(engine.machine, (params as { sendId: string }).sendId);
        if (before.timers[key] !== undefined || armed[key] !== undefined) armed[key] = null;
        break;
      }
      default:
        throw new Bug(`the machine ${definition.kind} wishes “${type}”, which is not in the list of wishes`);
    }
  }

  const stayed = live !== null && isSamePlace(snapshot, next);
  // In normal form already, and so it stays: what is the same object need not be compared.
  const settled = stayed ? Object.assign(next, { value: snapshot.value as never }) : normalise(engine, next);
  return finish(definition, live, before, event, { address, settled, stayed, armed, effects, events, seq });
}

interface Finish {
  address: string;
  settled: AnyMachineSnapshot;
  /** The same states are active as before. */
  stayed: boolean;
  armed: Record<string, ArmedTimer | null>;
  effects: StepEffect[];
  events: string[];
  seq: number;
}

/** Puts together what changed, and judges whether it counts as taken. */
function finish(
  definition: Definition,
  live: LiveActor | null,
  before: ActorState,
  event: MachineEvent,
  { address, settled, stayed, armed, effects, events, seq }: Finish,
): StepResult {
  const change: Change = {};
  let counts = live === null || effects.length > 0;

  const value = settled.value as StateValue;
  if (live === null || (!stayed && !isSameValue(before.value, value))) {
    change.value = value;
    counts = true;
  }
  if (settled.status === 'done') change.status = 'done';

  counts = diffContext(definition, before.context, settled.context as Record<string, unknown>, change) || counts;
  const timers = diffTimers(before.timers, armed, settled.status === 'done');
  if (timers !== null) {
    change.timers = timers;
    counts = true;
  }
  if (!stayed || !isEmpty(armed)) diffSince(before.since, activePaths(settled), armed, change);
  diffHistory(before.history, historyOf(settled), change);

  const state: ActorState = {
    version: definition.version,
    seq,
    at: event.at,
    status: settled.status === 'done' ? 'done' : 'active',
    value,
    context: settled.context as Record<string, unknown>,
    since: before.since,
    timers: before.timers,
    claims: before.claims,
  };
  if (change.since !== undefined) foldSince((state.since = { ...before.since }), change.since, event.at);
  if (change.timers !== undefined) foldTimers((state.timers = { ...before.timers }), change.timers);
  const history = change.history ?? before.history;
  if (history !== undefined) state.history = history;

  const view = viewOf(address, state);
  const claims = definition.claims(view as never).sort();
  if (!isSameContent(claims, before.claims)) {
    change.claims = claims;
    state.claims = claims;
    counts = true;
  }
  for (const announcement of definition.announce?.((live?.view ?? null) as never, view as never, event) ?? []) {
    effects.push({ kind: 'tell', ...announcement });
  }
  return {
    outcome: counts ? 'taken' : 'recorded',
    live: { state, view, snapshot: settled },
    change,
    effects,
    events,
  };
}

/** A final actor: its machine is not asked (XState would still run root transitions); a pure reducer is. */
function stepFinal(definition: Definition, live: LiveActor, event: MachineEvent, address: string): StepResult {
  const context = definition.whenFinal(live.view as never, event) as Record<string, unknown> | null;
  if (context === null) {
    return { outcome: 'refused', code: 'final', reason: `${address} has ended (${JSON.stringify(live.state.value)})` };
  }
  const change: Change = {};
  diffContext(definition, live.state.context, context, change);
  const state: ActorState = {
    ...live.state,
    version: definition.version,
    seq: live.state.seq + 1,
    at: event.at,
    context,
  };
  return {
    outcome: 'recorded',
    live: { state, view: viewOf(address, state), snapshot: null },
    change,
    effects: (definition.afterwards?.(live.view as never, event) ?? []).map(effectOf),
    events: [event.type],
  };
}

function effectOf({ type, params }: Wish): StepEffect {
  switch (type) {
    case 'tell':
      return { kind: 'tell', ...params };
    case 'act':
      return { kind: 'act', ...params };
    default:
      throw new Bug(`a final actor cannot wish “${type}”`);
  }
}

/** Armed timers in order of due time, with the event each would send. */
export function dueTimers(state: ActorState): { key: string; timer: ArmedTimer }[] {
  return Object.entries(state.timers)
    .map(([key, timer]) => ({ key, timer }))
    .sort((a, b) => (a.timer.due < b.timer.due ? -1 : a.timer.due > b.timer.due ? 1 : a.timer.seq - b.timer.seq));
}

/** The names of the watches that stand in this state, with their parameters. */
export function watchesOf(definition: Definition, live: LiveActor): Record<string, Record<string, unknown>> {
  if (live.state.status === 'done') return {};
  const engine = engineOf(definition.logic);
  const snapshot = live.snapshot ?? (live.snapshot = restore(engine, live.state));
  const watches: Record<string, Record<string, unknown>> = {};
  for (const node of snapshot._nodes as unknown as { meta?: { watches?: readonly string[] } }[]) {
    for (const name of node.meta?.watches ?? []) {
      if (watches[name] !== undefined) continue;
      const params = definition.watch(name, live.view as never);
      if (params !== undefined) watches[name] = params;
    }
  }
  return watches;
}

const edgeIds = new WeakMap<Engine, ReadonlyMap<unknown, string>>();

/** The edges of the chart (`chartOf`) that an event takes from here, by their ids; none where it changes nothing. */
export function edgesTaken(
  definition: Definition,
  live: LiveActor | null,
  event: MachineEvent,
  options: StepOptions,
): string[] {
  if (live?.state.status === 'done') return [];
  const { outcome } = step(definition, live, event, options);
  if (outcome === 'refused' || outcome === 'superseded') return [];
  const engine = engineOf(definition.logic);
  let ids = edgeIds.get(engine);
  if (ids === undefined) edgeIds.set(engine, (ids = edgeIdsOf(engine.machine.root)));
  return engine.transitions.map((transition) => ids.get(transition)).filter((id) => id !== undefined);
}

/** A candidate transition of the current state: what `why` explains. */
export interface Candidate {
  event: string;
  /** Name of its guard, or null. */
  guard: string | null;
}

/** Every transition that leaves the current configuration, guarded or not, without eventless ones. */
export function candidates(definition: Definition, live: LiveActor): Candidate[] {
  if (live.state.status === 'done') return [];
  const engine = engineOf(definition.logic);
  const snapshot = live.snapshot ?? (live.snapshot = restore(engine, live.state));
  const found: Candidate[] = [];
  for (const node of snapshot._nodes as unknown as {
    transitions: Map<string, { guard?: string | { type: string } | ((...args: never[]) => unknown) }[]>;
  }[]) {
    for (const [event, transitions] of node.transitions) {
      if (event === '' || event.startsWith('xstate.')) continue;
      for (const { guard } of transitions) {
        found.push({
          event,
          guard: guard === undefined ? null : typeof guard === 'string' ? guard : 'type' in guard ? guard.type : null,
        });
      }
    }
  }
  return found;
}

/** The timer's event as the machine gets it. */
export function timerEvent(key: string, timer: ArmedTimer, at: string, seq: number, address: string): MachineEvent {
  return { type: timer.event, data: {}, at, id: `timer/${key}/${timer.seq}`, source: address, seq };
}

function refusal(definition: Definition, event: MachineEvent, value: StateValue): string {
  return `${event.type} changes nothing while ${definition.kind} is in ${JSON.stringify(value)}`;
}

function timerKey(machine: AnyStateMachine, type: string): string {
  if (!type.startsWith(AFTER)) return type;
  const rest = type.slice(AFTER.length);
  const dot = rest.indexOf('.');
  const delay = rest.slice(0, dot);
  const nodeId = rest.slice(dot + 1);
  const root = machine.root.id;
  return `${nodeId === root ? '' : nodeId.slice(root.length + 1)}:${delay}`;
}

function withContext(engine: Engine, snapshot: AnyMachineSnapshot, context: object): AnyMachineSnapshot {
  const copy = engine.machine.resolveState({
    value: snapshot.value,
    context,
    status: snapshot.status,
    historyValue: snapshot.historyValue as never,
  }) as AnyMachineSnapshot;
  return normalise(engine, copy);
}

const paths = new WeakMap<StateNodeLike, string>();
function pathOf(node: StateNodeLike): string {
  let path = paths.get(node);
  if (path === undefined) paths.set(node, (path = node.path.join('.')));
  return path;
}

function activePaths(snapshot: AnyMachineSnapshot): string[] {
  const active: string[] = [];
  for (const node of snapshot._nodes as unknown as StateNodeLike[]) if (node.path.length > 0) active.push(pathOf(node));
  return active;
}

function historyOf(snapshot: AnyMachineSnapshot): Record<string, string[]> {
  const history: Record<string, string[]> = {};
  for (const [id, nodes] of Object.entries(snapshot.historyValue as Record<string, { id: string }[]>)) {
    history[id] = nodes.map((node) => node.id);
  }
  return history;
}

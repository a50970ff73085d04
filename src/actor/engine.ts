/**
 * XState made quick for one machine. It stays what executes the chart; what a profile showed to be spent on nothing is
 * left out: an action's new context is taken as it is instead of being copied key by key into another object, and an
 * event is looked for only in those regions that know it. The result is XState's own, to the last key: a property test
 * holds it against XState's `transition()`.
 */
import { createActor } from 'xstate';
import type { AnyActorScope, AnyEventObject, AnyMachineSnapshot, AnyStateMachine } from 'xstate';
import type { StateValue } from '../../machines/contract.ts';

/** What a transition would do: an action as XState hands it out for execution. */
export interface Collected {
  type: string;
  params: unknown;
}

export interface Engine {
  machine: AnyStateMachine;
  scope: AnyActorScope;
  /** Filled during a transition. */
  collected: Collected[];
  /** Types of the events that found a transition. */
  events: string[];
  /** The transitions themselves, as XState has them. */
  transitions: unknown[];
  /** Whether the event itself found a transition. */
  enabled: boolean;
  first: boolean;
}

/** A state node, as far as it is looked at. */
export interface StateNodeLike {
  id: string;
  path: string[];
  order: number;
  states: Record<string, StateNodeLike>;
}

/** More microsteps than this in one step is a loop in a machine. */
const MICROSTEPS_MAX = 1_000;

const engines = new WeakMap<AnyStateMachine, Engine>();

/** The engine of a machine, made at first use. */
export function engineOf(logic: AnyStateMachine): Engine {
  const known = engines.get(logic);
  if (known !== undefined) return known;
  const machine = quick(logic);
  const engine = {
    machine,
    collected: [],
    events: [],
    transitions: [],
    enabled: false,
    first: true,
  } as unknown as Engine;
  engine.scope = scopeOf(engine);
  engines.set(logic, engine);
  return engine;
}

interface Microstep {
  type: string;
  event: AnyEventObject;
  _transitions: unknown[];
}

/** The inert scope: nothing is executed, everything is written down. */
function scopeOf(engine: Engine): AnyActorScope {
  const actor = createActor(engine.machine, { input: { address: 'none/none', at: '', timers: {} } });
  const system = Object.assign(Object.create(actor.system) as typeof actor.system, {
    // Called by XState itself after each microstep; an observer of `inspect` would get a copy of the same.
    _sendInspectionEvent({ type, event, _transitions }: Microstep) {
      if (type !== '@xstate.microstep') return;
      if (engine.first) {
        engine.first = false;
        engine.enabled = _transitions.length > 0;
      }
      if (_transitions.length === 0) return;
      engine.events.push(event.type);
      engine.transitions.push(..._transitions);
    },
  });
  return {
    self: actor,
    id: actor.id,
    sessionId: actor.sessionId,
    logger: () => {},
    defer: () => {},
    emit: () => {},
    system,
    stopChild: () => {},
    actionExecutor: (action) => {
      engine.collected.push({ type: action.type, params: action.params });
    },
  } as AnyActorScope;
}

/** The same machine, with quick actions and a quick search for transitions. */
function quick(logic: AnyStateMachine): AnyStateMachine {
  const actions: Record<string, unknown> = {};
  for (const [name, action] of Object.entries(logic.implementations.actions)) actions[name] = quickAction(action);
  const machine = logic.provide({ actions } as never) as AnyStateMachine;
  machine.options.maxIterations = MICROSTEPS_MAX;
  machine.getTransitionData = quickSearch(machine) as never;
  return machine;
}

// --- actions ---

type Context = Record<string, unknown>;

interface Arguments {
  context: Context;
  event: AnyEventObject;
}

/** How XState resolves an action of its own: the snapshot after it, parameters, and actions that follow from it. */
type Resolve = (
  scope: AnyActorScope,
  snapshot: AnyMachineSnapshot,
  args: Arguments,
  params: unknown,
  action: BuiltIn,
  extra: { internalQueue: AnyEventObject[] },
) => [AnyMachineSnapshot, unknown, unknown[] | undefined];

interface BuiltIn {
  type: string;
  resolve: Resolve;
}

interface Assign extends BuiltIn {
  type: 'xstate.assign';
  assignment: unknown;
}

const isBuiltIn = (action: unknown): action is BuiltIn => typeof action === 'function' && 'resolve' in action;

function quickAction(action: unknown): unknown {
  if (!isBuiltIn(action)) return action;
  if (action.type === 'xstate.assign') return withResolve(action, resolveAssign);
  if (action.type === 'xstate.enqueueActions') return withResolve(action, resolveEnqueued(action.resolve));
  return action;
}

function withResolve(action: BuiltIn, resolve: Resolve): BuiltIn {
  return Object.assign(() => {}, action, { resolve });
}

/** What an action enqueued, with its assignments resolved quickly. */
function resolveEnqueued(original: Resolve): Resolve {
  return (...args) => {
    const [snapshot, params, actions] = original(...args);
    if (actions === undefined) return [snapshot, params, actions];
    for (const action of actions) {
      if (isBuiltIn(action) && action.type === 'xstate.assign') action.resolve = resolveAssign;
    }
    return [snapshot, params, actions];
  };
}

const resolveAssign: Resolve = (_scope, snapshot, args, params, action) => {
  const { assignment } = action as Assign;
  const given = typeof assignment === 'function' ? (assignment as (...all: unknown[]) => Context)(args, params) : null;
  const context = after(snapshot.context as Context, given ?? evaluated(assignment as Context, args, params));
  return [withContext(snapshot, context), undefined, undefined];
};

/** The same states are active: what is computed from them stays. Key by key, which V8 does far quicker than `...`. */
function withContext(snapshot: AnyMachineSnapshot, context: Context): AnyMachineSnapshot {
  return {
    status: snapshot.status,
    output: snapshot.output,
    error: snapshot.error,
    machine: snapshot.machine,
    context,
    _nodes: snapshot._nodes,
    value: snapshot.value,
    tags: snapshot.tags,
    children: snapshot.children,
    historyValue: snapshot.historyValue,
    matches: snapshot.matches,
    hasTag: snapshot.hasTag,
    can: snapshot.can,
    getMeta: snapshot.getMeta,
    toJSON: snapshot.toJSON,
  } as AnyMachineSnapshot;
}

/** An assignment may have a function for a key. */
function evaluated(assignment: Context, args: Arguments, params: unknown): Context {
  for (const value of Object.values(assignment)) {
    if (typeof value !== 'function') continue;
    return Object.fromEntries(
      Object.entries(assignment).map(([key, part]) => [key, typeof part === 'function' ? part(args, params) : part]),
    );
  }
  return assignment;
}

/** A whole context is the next one as it stands; a part of one is laid over what was. */
function after(before: Context, given: Context): Context {
  const [known, keys] = [Object.keys(before), Object.keys(given)];
  if (keys.length < known.length) return { ...before, ...given };
  for (let index = 0; index < known.length; index++) {
    if (known[index] !== keys[index]) return { ...before, ...given };
  }
  return given;
}

// --- search ---

interface SearchedNode extends StateNodeLike {
  type: string;
  transitions: Map<string, unknown>;
  states: Record<string, SearchedNode>;
  next(snapshot: AnyMachineSnapshot, event: AnyEventObject): unknown[] | undefined;
}

type Search = (snapshot: AnyMachineSnapshot, event: AnyEventObject) => unknown[];

/** XState's selection of transitions, which asks every active state of every region, asking only those that know the event. */
function quickSearch(machine: AnyStateMachine): Search {
  const root = machine.root as unknown as SearchedNode;
  const knowing = new Map<string, Set<SearchedNode>>();

  function knows(type: string): Set<SearchedNode> {
    let nodes = knowing.get(type);
    if (nodes === undefined) {
      nodes = new Set();
      addKnowing(root, type, nodes);
      knowing.set(type, nodes);
    }
    return nodes;
  }

  return (snapshot, event) =>
    search(root, snapshot.value as StateValue, { snapshot, event, knows: knows(event.type) }) ?? [];
}

/** Adds the node if it or something below it has a transition for the event. Wildcards may mean any. */
function addKnowing(node: SearchedNode, type: string, nodes: Set<SearchedNode>): boolean {
  let known = false;
  for (const descriptor of node.transitions.keys()) if (descriptor === type || descriptor.endsWith('*')) known = true;
  for (const child of Object.values(node.states)) if (addKnowing(child, type, nodes)) known = true;
  if (known) nodes.add(node);
  return known;
}

interface Wanted {
  snapshot: AnyMachineSnapshot;
  event: AnyEventObject;
  knows: Set<SearchedNode>;
}

/** The innermost states come first; of parallel regions each has its say. */
function search(node: SearchedNode, value: StateValue | undefined, wanted: Wanted): unknown[] | undefined {
  if (!wanted.knows.has(node)) return undefined;
  const found: unknown[] = [];
  if (typeof value === 'string') {
    const child = node.states[value]!;
    if (wanted.knows.has(child)) found.push(...(child.next(wanted.snapshot, wanted.event) ?? []));
  } else {
    for (const key in value) found.push(...(search(node.states[key]!, value[key], wanted) ?? []));
  }
  return found.length > 0 ? found : node.next(wanted.snapshot, wanted.event);
}

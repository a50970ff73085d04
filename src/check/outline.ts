/**
 * A machine as its check sees it: places, the ways out of them, and what its setup names. Read from XState's node tree
 * without running anything; XState's own actions behind `after` are left out.
 */
import type { Definition } from '../actor/state.ts';

export interface Outline {
  root: Place;
  /** In document order, the root first. */
  places: Place[];
  actions: Record<string, unknown>;
  guards: Record<string, unknown>;
  delays: Record<string, unknown>;
  /** What makes the context of a new actor. */
  context: unknown;
}

export interface Place {
  /** Dotted, without the root. */
  path: string;
  type: 'atomic' | 'compound' | 'parallel' | 'final' | 'history';
  parent: Place | null;
  children: Place[];
  initial: Place | null;
  description: string | null;
  meta: { waitsFor?: unknown; unbounded?: unknown; endless?: unknown };
  ways: Way[];
  /** Those of them that can be taken at all. */
  open: Way[];
  /** Itself and everything around it, the root last. */
  around: Place[];
  entry: Part[];
  exit: Part[];
  invokes: number;
}

export interface Way {
  from: Place;
  by: 'event' | 'after' | 'always' | 'done';
  /** The event's type or the delay's name; empty for `always` and `done`. */
  name: string;
  targets: Place[];
  reenter: boolean;
  guard: Part | null;
  actions: Part[];
  /** A candidate without guard stands before it. */
  shadowed: boolean;
}

/** A guard or action as the chart uses it: by its name in the setup, or written in place. */
export type Part = { name: string; params: unknown } | { inline: string };

interface NodeLike {
  path: string[];
  type: Place['type'];
  description?: string;
  meta?: Place['meta'];
  states?: Record<string, NodeLike>;
  initial?: { target?: NodeLike[] };
  transitions?: Map<string, TransitionLike[]>;
  always?: TransitionLike[];
  after?: (TransitionLike & { delay: string | number })[];
  entry?: unknown[];
  exit?: unknown[];
  invoke?: unknown[];
}
interface TransitionLike {
  eventType?: string;
  target?: NodeLike[];
  reenter?: boolean;
  guard?: unknown;
  actions?: unknown;
}
interface LogicLike {
  root: NodeLike;
  config: { context?: unknown };
  implementations: Partial<Record<'actions' | 'guards' | 'delays', Record<string, unknown>>>;
}

const AFTER = 'xstate.after.';
const DONE = 'xstate.done.';

export function outlineOf(definition: Definition): Outline {
  const { root, config, implementations } = definition.logic as unknown as LogicLike;
  const known = new Map<NodeLike, Place>();
  const place = placeOf(root, null, known);
  for (const [node, found] of known) {
    const initial = node.type === 'compound' ? node.initial?.target?.[0] : undefined;
    if (initial !== undefined) found.initial = known.get(initial) ?? null;
    found.ways = waysOf(node, found, known);
    const passed = isPassedThrough(found);
    found.open = found.ways.filter(({ shadowed, by }) => !shadowed && (!passed || by === 'always'));
  }
  return {
    root: place,
    places: [...known.values()],
    actions: implementations.actions ?? {},
    guards: implementations.guards ?? {},
    delays: implementations.delays ?? {},
    context: config.context,
  };
}

function placeOf(node: NodeLike, parent: Place | null, known: Map<NodeLike, Place>): Place {
  const place: Place = {
    path: node.path.join('.'),
    type: node.type,
    parent,
    children: [],
    initial: null,
    description: node.description ?? null,
    meta: node.meta ?? {},
    ways: [],
    open: [],
    around: [],
    entry: (node.entry ?? []).filter((action) => !isTimer(action)).map(partOf),
    exit: (node.exit ?? []).filter((action) => !isTimer(action)).map(partOf),
    invokes: node.invoke?.length ?? 0,
  };
  known.set(node, place);
  place.around = [place, ...(parent?.around ?? [])];
  place.children = Object.values(node.states ?? {}).map((child) => placeOf(child, place, known));
  return place;
}

function waysOf(node: NodeLike, from: Place, known: Map<NodeLike, Place>): Way[] {
  const ways: Way[] = [];
  const decided = new Set<string>();
  const add = (by: Way['by'], name: string, { target, reenter, guard, actions }: TransitionLike): void => {
    const key = `${by} ${name}`;
    ways.push({
      from,
      by,
      name,
      targets: (target ?? []).flatMap((one) => known.get(one) ?? []),
      reenter: reenter === true,
      guard: guard === undefined ? null : partOf(guard),
      actions: [actions ?? []].flat().map(partOf),
      shadowed: decided.has(key),
    });
    if (guard === undefined) decided.add(key);
  };
  for (const [type, transitions] of node.transitions ?? []) {
    if (type === '' || type.startsWith(AFTER)) continue;
    for (const one of transitions) add(type.startsWith(DONE) ? 'done' : 'event', type, one);
  }
  for (const one of node.after ?? []) add('after', String(one.delay), one);
  for (const one of node.always ?? []) add('always', '', one);
  return ways;
}

/** `after` is compiled to raise and cancel actions of XState's own. */
function isTimer(action: unknown): boolean {
  const { type, event, sendId } = action as { type?: string; event?: { type?: string }; sendId?: string };
  if (type === 'xstate.raise') return event?.type?.startsWith(AFTER) === true;
  return type === 'xstate.cancel' && typeof sendId === 'string' && sendId.startsWith(AFTER);
}

function partOf(used: unknown): Part {
  if (typeof used === 'string') return { name: used, params: undefined };
  if (typeof used === 'function') return { inline: (used as { type?: string }).type ?? 'function' };
  const { type, params } = used as { type: string; params?: unknown };
  return { name: type, params };
}

// — reading a place —

export const isNamed = (part: Part): part is { name: string; params: unknown } => 'name' in part;

/** Itself and what is around it, as far as its own region reaches. */
export function withinRegion({ around }: Place): Place[] {
  const outside = around.findIndex(({ type }, index) => index > 0 && type === 'parallel');
  return outside < 0 ? around : around.slice(0, outside);
}

/** It is left again in the same step, by an eventless transition without guard: it hears no event. */
export const isPassedThrough = ({ ways }: Place): boolean =>
  ways.some(({ by, guard }) => by === 'always' && guard === null);

export const isResting = (place: Place): boolean => place.type === 'atomic' && !isPassedThrough(place);

/** Where a way stands, for people: `open.hold.paused on correct.resume`. */
export function placed({ from, by, name }: Way): string {
  const place = from.path === '' ? 'the root' : from.path;
  return by === 'event' ? `${place} on ${name}` : by === 'always' ? `${place} always` : `${place} after ${name}`;
}

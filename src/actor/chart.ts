/** A machine as plain nodes and edges, for drawing and explaining (docs/events.md, Shapes of answers). */
import type { EventSpec } from '../../machines/contract.ts';
import { z } from 'zod';
import type { Definition } from './state.ts';

export interface ChartNode {
  /** Dotted path; the root is the empty string. */
  id: string;
  parent?: string;
  type: 'atomic' | 'compound' | 'parallel' | 'final' | 'history';
  initial?: string;
  description?: string;
  tags: string[];
  waitsFor?: string;
  watches: string[];
}

export interface ChartEdge {
  id: string;
  from: string;
  to: string[];
  /** Exactly one of these three says what takes it. */
  event?: string;
  after?: string;
  always?: true;
  guard?: string;
  actions: string[];
}

export interface Chart {
  kind: string;
  version: string;
  nodes: ChartNode[];
  edges: ChartEdge[];
}

interface NodeLike {
  id: string;
  path: string[];
  type: ChartNode['type'];
  description?: string;
  tags?: string[];
  meta?: { waitsFor?: string; watches?: readonly string[] };
  initial?: { target?: NodeLike[] };
  parent?: NodeLike;
  states: Record<string, NodeLike>;
  transitions: Map<string, TransitionLike[]>;
  always?: TransitionLike[];
}
interface TransitionLike {
  target?: NodeLike[];
  guard?: string | { type: string };
  actions?: (string | { type: string })[];
}

const AFTER = 'xstate.after.';

export function chartOf(definition: Definition): Chart {
  const root = definition.logic.root as unknown as NodeLike;
  const chart: Chart = { kind: definition.kind, version: definition.version, nodes: [], edges: [] };
  visit(root, chart);
  return chart;
}

const idOfNode = (node: NodeLike): string => node.path.join('.');

function visit(node: NodeLike, chart: Chart): void {
  const id = idOfNode(node);
  const drawn: ChartNode = {
    id,
    type: node.type,
    tags: node.tags ?? [],
    watches: [...(node.meta?.watches ?? [])],
  };
  if (node.parent !== undefined) drawn.parent = idOfNode(node.parent);
  const initial = node.initial?.target?.[0];
  if (node.type === 'compound' && initial !== undefined) drawn.initial = idOfNode(initial);
  if (node.description !== undefined) drawn.description = node.description;
  if (node.meta?.waitsFor !== undefined) drawn.waitsFor = node.meta.waitsFor;
  chart.nodes.push(drawn);
  for (const [event, transition] of transitionsOf(node))
    chart.edges.push(edgeOf(id, event, transition, chart.edges.length));
  for (const child of Object.values(node.states)) visit(child, chart);
}

function* transitionsOf(node: NodeLike): Generator<[event: string, transition: TransitionLike]> {
  for (const [event, transitions] of node.transitions) for (const transition of transitions) yield [event, transition];
  for (const transition of node.always ?? []) yield ['', transition];
}

/** The transitions of a machine with the ids that their edges have in its chart, whichever copy of the machine it is. */
export function edgeIdsOf(root: unknown): ReadonlyMap<unknown, string> {
  const ids = new Map<unknown, string>();
  const add = (node: NodeLike): void => {
    for (const [, transition] of transitionsOf(node)) ids.set(transition, edgeId(ids.size));
    for (const child of Object.values(node.states)) add(child);
  };
  add(root as NodeLike);
  return ids;
}

const edgeId = (number: number): string => `e${number}`;

function edgeOf(from: string, event: string, transition: TransitionLike, number: number): ChartEdge {
  const edge: ChartEdge = {
    id: edgeId(number),
    from,
    to: (transition.target ?? []).map(idOfNode),
    actions: (transition.actions ?? []).map((action) => (typeof action === 'string' ? action : action.type)),
  };
  if (event === '') edge.always = true;
  else if (event.startsWith(AFTER)) edge.after = event.slice(AFTER.length).split('.')[0]!;
  else edge.event = event;
  if (transition.guard !== undefined) {
    edge.guard = typeof transition.guard === 'string' ? transition.guard : transition.guard.type;
  }
  return edge;
}

/** The events of a kind as JSON schemas: `chartroom chart KIND --events`. */
export function eventSchemas(
  definition: Definition,
): Record<string, { means: string; report: boolean; schema: unknown }> {
  return Object.fromEntries(
    Object.entries(definition.events).map(([type, spec]: [string, EventSpec]) => [
      type,
      {
        means: spec.means,
        report: spec.report === true,
        schema: z.toJSONSchema(spec.data, { io: 'input', unrepresentable: 'any' }),
      },
    ]),
  );
}

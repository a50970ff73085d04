/**
 * A chart as the configuration of an XState machine, as JSON: what its tools read, and what `createMachine` takes. Names
 * of guards, actions and delays stand for what the machine's own setup does. Pure.
 */
import type { Chart, ChartEdge, ChartNode } from '../answers.ts';

interface Way {
  target?: string[];
  guard?: string;
  actions?: string[];
}

export interface StateConfig {
  id?: string;
  type?: string;
  initial?: string;
  description?: string;
  tags?: string[];
  meta?: Record<string, unknown>;
  on?: Record<string, Way[]>;
  after?: Record<string, Way[]>;
  always?: Way[];
  states?: Record<string, StateConfig>;
}

export function xstateOf(chart: Chart): StateConfig & { id: string; version: string } {
  const stateOf = (node: ChartNode): StateConfig => {
    const children = chart.nodes.filter(({ parent }) => parent === node.id);
    const meta = metaOf(node);
    return {
      ...(node.id === '' ? {} : { id: idOf(chart, node.id) }),
      ...(node.type === 'atomic' || node.type === 'compound' ? {} : { type: node.type }),
      ...(node.initial === undefined ? {} : { initial: nameOf(node.initial) }),
      ...(node.description === undefined ? {} : { description: node.description }),
      ...(node.tags.length === 0 ? {} : { tags: node.tags }),
      ...(Object.keys(meta).length === 0 ? {} : { meta }),
      ...waysOf(chart, node.id),
      ...(children.length === 0
        ? {}
        : { states: Object.fromEntries(children.map((child) => [nameOf(child.id), stateOf(child)])) }),
    };
  };
  const root = chart.nodes.find(({ parent }) => parent === undefined)!;
  return { id: chart.kind, version: chart.version, ...stateOf(root) };
}

function waysOf(chart: Chart, from: string): Pick<StateConfig, 'on' | 'after' | 'always'> {
  const on: Record<string, Way[]> = {};
  const after: Record<string, Way[]> = {};
  const always: Way[] = [];
  for (const edge of chart.edges) {
    if (edge.from !== from) continue;
    const way = wayOf(chart, edge);
    if (edge.event !== undefined) (on[edge.event] ??= []).push(way);
    else if (edge.after !== undefined) (after[edge.after] ??= []).push(way);
    else always.push(way);
  }
  return {
    ...(Object.keys(on).length === 0 ? {} : { on }),
    ...(Object.keys(after).length === 0 ? {} : { after }),
    ...(always.length === 0 ? {} : { always }),
  };
}

const wayOf = (chart: Chart, { to, guard, actions }: ChartEdge): Way => ({
  ...(to.length === 0 ? {} : { target: to.map((id) => `#${idOf(chart, id)}`) }),
  ...(guard === undefined ? {} : { guard }),
  ...(actions.length === 0 ? {} : { actions }),
});

/** What XState has no word for: which gate a state waits for, which watches stand in it. */
const metaOf = ({ waitsFor, watches }: ChartNode): Record<string, unknown> => ({
  ...(waitsFor === undefined ? {} : { waitsFor }),
  ...(watches.length === 0 ? {} : { watches }),
});

/** Unique among machines; a dot would be read as a path. */
const idOf = ({ kind }: Chart, id: string): string => `${kind}/${id.replaceAll('.', '/')}`;
const nameOf = (id: string): string => id.slice(id.lastIndexOf('.') + 1);

/** A chart as nested boxes with what is active in them. Pure: from the `chart` question and an actor's value. */
import type { Chart, ChartEdge, ChartNode, StateValue } from './answers.ts';

export interface Box {
  node: ChartNode;
  /** Last part of the path; the kind for the root. */
  name: string;
  isInitial: boolean;
  children: Box[];
}

/** States in document order, as the machine was written. */
export function treeOf(chart: Chart): Box {
  const children = new Map<string, ChartNode[]>();
  let root: ChartNode | undefined;
  for (const node of chart.nodes) {
    if (node.parent === undefined) root = node;
    else children.set(node.parent, [...(children.get(node.parent) ?? []), node]);
  }
  const box = (node: ChartNode, initial: string | undefined): Box => ({
    node,
    name: node.id === '' ? chart.kind : node.id.slice(node.id.lastIndexOf('.') + 1),
    isInitial: node.id !== '' && node.id === initial,
    children: (children.get(node.id) ?? []).map((child) => box(child, node.initial)),
  });
  return box(root ?? { id: '', type: 'compound', tags: [], watches: [] }, undefined);
}

/** Paths of all active states: `open`, `open.work`, `open.work.running`. */
export function activePaths(value: StateValue): Set<string> {
  const paths = new Set<string>();
  const walk = (part: StateValue, prefix: string): void => {
    if (typeof part === 'string') {
      if (part !== '') paths.add(prefix + part);
      return;
    }
    for (const [name, inner] of Object.entries(part)) {
      paths.add(prefix + name);
      walk(inner, `${prefix}${name}.`);
    }
  };
  walk(value, '');
  return paths;
}

/** What leads out of a state, transitions of the states around it included (nearest first). */
export function waysOut(chart: Chart, id: string): ChartEdge[] {
  const own = chart.edges.filter((edge) => edge.from === id);
  if (id === '') return own;
  const dot = id.lastIndexOf('.');
  return [...own, ...waysOut(chart, dot < 0 ? '' : id.slice(0, dot))];
}

/** `after offer`, `always`, `run.started`. */
export const triggerOf = (edge: ChartEdge): string =>
  edge.event ?? (edge.after === undefined ? 'always' : `after ${edge.after}`);

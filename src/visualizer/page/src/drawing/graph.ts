/** A statechart as a graph for elkjs: nested boxes with sizes, one line per pair of states. Pure. */
import type { ElkExtendedEdge, ElkNode } from 'elkjs/lib/elk-api.js';
import type { Chart, ChartEdge, ChartNode } from '../answers.ts';
import type { DrawnBox } from './drawing.ts';
import { treeOf, triggerOf } from '../tree.ts';
import type { Box } from '../tree.ts';

/** All transitions that are drawn as one line. */
export interface Line {
  id: string;
  from: string;
  to: string;
  edges: ChartEdge[];
  label: string[];
}

export interface ChartGraph {
  root: ElkNode;
  boxes: Map<string, Box>;
  lines: Map<string, Line>;
}

/** Widths are estimated, because a layout knows no font: an average letter of each size, in pixels. */
const NAME_LETTER = 7;
const LABEL_LETTER = 6.1;
export const LABEL_LINE = 13;
const STATE_HEIGHT = 30;
const HEADING_HEIGHT = 30;
/** More triggers than these on one line are counted; all of them are told when the state is chosen. */
const LABEL_LINES_MAX = 3;
const LABEL_LETTERS_MAX = 34;
/** Room before a label for how often it was taken: `12× `. */
const COUNT_LETTERS = 4;
export const INITIAL_SUFFIX = '/initial';
/** Where lines begin that lead from any state of a region into one of it. */
export const ANY_SUFFIX = '/any';

const LAYERED = {
  'elk.algorithm': 'layered',
  'elk.direction': 'DOWN',
  'elk.hierarchyHandling': 'INCLUDE_CHILDREN',
  'elk.edgeRouting': 'SPLINES',
  'elk.spacing.nodeNode': '22',
  'elk.spacing.edgeLabel': '3',
  'elk.spacing.edgeNode': '14',
  'elk.layered.spacing.nodeNodeBetweenLayers': '26',
  'elk.layered.spacing.edgeNodeBetweenLayers': '12',
  'elk.layered.considerModelOrder.strategy': 'NODES_AND_EDGES',
  'elk.layered.cycleBreaking.strategy': 'DEPTH_FIRST',
};
const PACKED = {
  'elk.algorithm': 'rectpacking',
  'elk.hierarchyHandling': 'SEPARATE_CHILDREN',
  'elk.aspectRatio': '1.9',
  'elk.spacing.nodeNode': '14',
};
const PADDING = { 'elk.padding': `[top=${HEADING_HEIGHT + 6},left=14,bottom=14,right=14]` };

/** `collapsed`: states whose inside is not drawn. */
export function graphOf(chart: Chart, collapsed: ReadonlySet<string> = new Set()): ChartGraph {
  const boxes = new Map<string, Box>();
  const tree = treeOf(chart);
  const root = nodeOf(tree, collapsed, boxes);
  const parents = new Map(chart.nodes.map(({ id, parent }) => [id, parent]));
  const above = (id: string): string[] => {
    const parent = parents.get(id);
    return parent === undefined ? [id] : [id, ...above(parent)];
  };
  const lines = new Map<string, Line>();
  for (const edge of chart.edges) {
    for (const target of edge.to) {
      const line = lineOf(edge, above(edge.from), above(target), boxes);
      if (line === null) continue;
      const known = lines.get(line.id);
      if (known === undefined) lines.set(line.id, line);
      else known.edges.push(edge);
    }
  }
  for (const line of lines.values()) {
    line.label = labelOf(line.edges);
    const isFromAny = line.from.endsWith(ANY_SUFFIX);
    const container = isFromAny
      ? line.from.slice(0, -ANY_SUFFIX.length)
      : nearestLayered(above(line.from), above(line.to), boxes);
    const place = elkNode(root, container);
    if (isFromAny && place?.children?.some(({ id }) => id === line.from) === false)
      place.children.push({ id: line.from, width: 68, height: 22 });
    place?.edges?.push(elkEdge(line));
  }
  return { root, boxes, lines };
}

/** What stands while a state is active: `⟳ pull, issue`. */
export const watchesOf = ({ watches }: Pick<ChartNode, 'watches'>): string =>
  watches.length === 0 ? '' : `⟳ ${watches.join(', ')}`;

/** Where its name and its watches are written within a drawn state: in its heading, or in its middle one above the other. */
export function lettering({ box, x, y, width, height, isOpen }: DrawnBox, indent: number): Lettering {
  const watches = watchesOf(box.node);
  if (isOpen) {
    const left = x + indent;
    return {
      anchor: 'start',
      name: { x: left, y: y + 20 },
      watches: { x: left + box.name.length * NAME_LETTER + 10, y: y + 20 },
    };
  }
  const middle = { x: x + width / 2, y: y + height / 2 + 4 };
  const up = watches === '' ? 0 : LABEL_LINE / 2;
  return {
    anchor: 'middle',
    name: { x: middle.x, y: middle.y - up },
    watches: { x: middle.x, y: middle.y - up + LABEL_LINE },
  };
}

interface Lettering {
  anchor: 'start' | 'middle';
  name: { x: number; y: number };
  watches: { x: number; y: number };
}

function nodeOf(box: Box, collapsed: ReadonlySet<string>, boxes: Map<string, Box>): ElkNode {
  const { node, name, children } = box;
  boxes.set(node.id, box);
  const watches = watchesOf(node);
  const width = Math.max(64, name.length * NAME_LETTER + 34, watches.length * LABEL_LETTER + 20);
  if (children.length === 0 || collapsed.has(node.id)) {
    return { id: node.id, width, height: STATE_HEIGHT + (watches === '' ? 0 : LABEL_LINE) };
  }
  const isParallel = node.type === 'parallel';
  const inner = children.map((child) => nodeOf(child, collapsed, boxes));
  const edges: ElkExtendedEdge[] = [];
  if (!isParallel && node.initial !== undefined) {
    const mark = `${node.id}${INITIAL_SUFFIX}`;
    inner.unshift({ id: mark, width: 9, height: 9 });
    edges.push({ id: `${mark}>`, sources: [mark], targets: [node.initial] });
  }
  return {
    id: node.id,
    children: inner,
    edges,
    layoutOptions: {
      ...(isParallel ? PACKED : LAYERED),
      ...PADDING,
      'elk.nodeSize.constraints': 'MINIMUM_SIZE',
      'elk.nodeSize.minimum': `(${name.length * NAME_LETTER + watches.length * LABEL_LETTER + 54},${HEADING_HEIGHT})`,
    },
  };
}

/**
 * A transition as a line between boxes that are drawn. A line does not cross the border of parallel regions: there it
 * begins at the state that holds them all, which it leaves as a whole. null: nothing to draw.
 */
function lineOf(
  edge: ChartEdge,
  fromUp: readonly string[],
  toUp: readonly string[],
  boxes: Map<string, Box>,
): Line | null {
  const target = toUp[0]!;
  // From a region into a state of its own: from wherever it is.
  if (toUp.indexOf(edge.from) > 0) {
    const drawn = boxes.get(edge.from);
    const isOpen = drawn?.node.type === 'compound' && boxes.has(target) && edge.from !== '';
    return isOpen
      ? {
          id: `${edge.from}${ANY_SUFFIX}>${target}`,
          from: edge.from + ANY_SUFFIX,
          to: target,
          edges: [edge],
          label: [],
        }
      : null;
  }
  const shared = new Set(toUp);
  const meeting = fromUp.slice(1).find((id) => shared.has(id)) ?? '';
  const end = (up: readonly string[]): string => {
    const below = up.slice(0, Math.max(1, up.indexOf(meeting)));
    const border = below.findLastIndex((id, index) => index > 0 && boxes.get(id)?.node.type === 'parallel');
    const drawn = below.slice(Math.max(0, border)).find((id) => boxes.has(id));
    return drawn ?? up.at(-1)!;
  };
  const [from, to] = [end(fromUp), end(toUp)];
  if (boxes.get(meeting)?.node.type === 'parallel' && from !== to) return null;
  // A way from a state into itself that only arises by folding boxes is no way one can see.
  if (from === to && edge.from !== edge.to[0]) return null;
  return { id: `${from}>${to}`, from, to, edges: [edge], label: [] };
}

function nearestLayered(fromUp: readonly string[], toUp: readonly string[], boxes: Map<string, Box>): string {
  const around = new Set(toUp.slice(1));
  const found = fromUp.slice(1).find((id) => around.has(id) && boxes.get(id)?.node.type !== 'parallel');
  return found ?? '';
}

function elkNode(node: ElkNode, id: string): ElkNode | undefined {
  if (node.id === id) return node;
  for (const child of node.children ?? []) {
    const found = elkNode(child, id);
    if (found !== undefined) return found;
  }
  return undefined;
}

function elkEdge({ id, from, to, label }: Line): ElkExtendedEdge {
  const width = Math.max(...label.map((text, index) => text.length + (index === 0 ? COUNT_LETTERS : 0))) * LABEL_LETTER;
  return {
    id,
    sources: [from],
    targets: [to],
    labels: [{ id: `${id}/label`, text: label.join('\n'), width, height: label.length * LABEL_LINE }],
  };
}

function labelOf(edges: readonly ChartEdge[]): string[] {
  const texts = [...new Set(edges.map(textOf))];
  const shown = texts.slice(0, texts.length > LABEL_LINES_MAX ? LABEL_LINES_MAX - 1 : LABEL_LINES_MAX);
  const more = texts.length - shown.length;
  return more > 0 ? [...shown, `and ${more} more`] : shown;
}

/** `run.ended [hasReport]`, cut to what has room. */
function textOf(edge: ChartEdge): string {
  const text = `${triggerOf(edge)}${edge.guard === undefined ? '' : ` [${edge.guard}]`}`;
  return text.length > LABEL_LETTERS_MAX ? `${text.slice(0, LABEL_LETTERS_MAX - 1)}…` : text;
}

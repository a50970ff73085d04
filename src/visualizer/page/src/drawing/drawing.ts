/** A laid-out graph as shapes with absolute places: what both the page and an SVG file draw. Pure. */
import type { ElkExtendedEdge, ElkNode } from 'elkjs/lib/elk-api.js';
import type { Box } from '../tree.ts';
import { ANY_SUFFIX, INITIAL_SUFFIX } from './graph.ts';
import type { ChartGraph, Line } from './graph.ts';

export interface Place {
  x: number;
  y: number;
  width: number;
  height: number;
}

export interface DrawnBox extends Place {
  box: Box;
  /** Its inside is drawn. */
  isOpen: boolean;
}

export interface DrawnLine {
  /** Null: the short line from an initial mark. */
  line: Line | null;
  id: string;
  path: string;
  label: Place | null;
}

export interface Drawing {
  width: number;
  height: number;
  boxes: DrawnBox[];
  lines: DrawnLine[];
  initials: { x: number; y: number }[];
  /** Marks of “any state”. */
  anys: Place[];
}

export function drawingOf({ boxes, lines }: ChartGraph, laidOut: ElkNode): Drawing {
  const drawing: Drawing = {
    width: laidOut.width ?? 0,
    height: laidOut.height ?? 0,
    boxes: [],
    lines: [],
    initials: [],
    anys: [],
  };
  const corners = new Map<string, { x: number; y: number }>();
  const edges: ElkExtendedEdge[] = [];
  const walk = (node: ElkNode, x: number, y: number): void => {
    corners.set(node.id, { x, y });
    const { width = 0, height = 0 } = node;
    const box = boxes.get(node.id);
    if (box !== undefined) drawing.boxes.push({ box, x, y, width, height, isOpen: (node.children?.length ?? 0) > 0 });
    else if (node.id.endsWith(INITIAL_SUFFIX)) drawing.initials.push({ x: x + width / 2, y: y + height / 2 });
    else if (node.id.endsWith(ANY_SUFFIX)) drawing.anys.push({ x, y, width, height });
    edges.push(...(node.edges ?? []));
    for (const child of node.children ?? []) walk(child, x + (child.x ?? 0), y + (child.y ?? 0));
  };
  walk(laidOut, 0, 0);
  for (const edge of edges) {
    const corner = corners.get((edge as { container?: string }).container ?? '') ?? { x: 0, y: 0 };
    const path = pathOf(edge, corner);
    const label = edge.labels?.[0];
    drawing.lines.push({
      id: edge.id,
      line: lines.get(edge.id) ?? null,
      path,
      label:
        label === undefined
          ? null
          : {
              x: corner.x + (label.x ?? 0),
              y: corner.y + (label.y ?? 0),
              width: label.width ?? 0,
              height: label.height ?? 0,
            },
    });
  }
  return drawing;
}

/** Splines come as a start, groups of three control points, and an end; what is left over is drawn straight. */
function pathOf({ sections }: ElkExtendedEdge, { x, y }: { x: number; y: number }): string {
  return (sections ?? [])
    .map(({ startPoint, bendPoints = [], endPoint }) => {
      const at = (point: { x: number; y: number }): string => `${round(x + point.x)} ${round(y + point.y)}`;
      const rest = [...bendPoints, endPoint];
      let path = `M${at(startPoint)}`;
      while (rest.length >= 3) path += `C${rest.splice(0, 3).map(at).join(' ')}`;
      if (rest.length === 2) path += `Q${rest.map(at).join(' ')}`;
      else if (rest.length === 1) path += `L${at(rest[0]!)}`;
      return path;
    })
    .join('');
}

const round = (value: number): number => Math.round(value * 10) / 10;

/** A machine's chart as an SVG document, laid out as the page does it. */
import elk from 'elkjs/lib/elk.bundled.js';
import type { Chart } from '../actor/chart.ts';
import { drawingOf } from './page/src/drawing/drawing.ts';
import { graphOf } from './page/src/drawing/graph.ts';
import { svgOf } from './page/src/drawing/svg.ts';

/** Takes a second or two for a large machine: a command may wait for it, a runtime must not. */
export async function chartSvg(chart: Chart): Promise<string> {
  const graph = graphOf(chart);
  const laidOut = await new elk.default().layout(graph.root);
  return svgOf(drawingOf(graph, laidOut), `Statechart of ${chart.kind}`);
}

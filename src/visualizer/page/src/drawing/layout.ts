/** Lays out a chart in a worker of its own: elkjs takes seconds for a large one, and the page must not stand still. */
import ElkApi from 'elkjs/lib/elk-api.js';
import workerUrl from 'elkjs/lib/elk-worker.min.js?url';
import type { Chart } from '../answers.ts';
import { drawingOf } from './drawing.ts';
import type { Drawing } from './drawing.ts';
import { graphOf } from './graph.ts';

export type Layout = (chart: Chart, collapsed: ReadonlySet<string>) => Promise<Drawing>;

/** Drawings are kept: the same chart is drawn the same for every actor of a kind. */
const KEPT_MAX = 40;

export function createLayout(): Layout {
  const kept = new Map<string, Promise<Drawing>>();
  let elk: InstanceType<typeof ElkApi> | null = null;
  return (chart, collapsed) => {
    const key = `${chart.kind} ${chart.version} ${[...collapsed].sort().join(' ')}`;
    const known = kept.get(key);
    if (known !== undefined) return known;
    elk ??= new ElkApi({ workerFactory: () => new Worker(workerUrl) });
    const graph = graphOf(chart, collapsed);
    const drawing = elk.layout(graph.root).then((laidOut) => drawingOf(graph, laidOut));
    // One that failed may be asked for again.
    drawing.catch(() => kept.delete(key));
    kept.set(key, drawing);
    if (kept.size > KEPT_MAX) kept.delete(kept.keys().next().value!);
    return drawing;
  };
}

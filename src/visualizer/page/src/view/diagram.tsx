/**
 * A statechart as a drawing: laid out by elkjs, the active states lit, ways that were taken counted, the last one shown
 * moving. It can be moved, enlarged and folded, with a mouse, fingers or the keyboard alone.
 */
import { useEffect, useMemo, useRef, useState } from 'react';
import type { KeyboardEvent, PointerEvent } from 'react';
import type { Chart } from '../answers.ts';
import type { Drawing } from '../drawing/drawing.ts';
import { tintOf } from '../moment.ts';
import { activePaths } from '../tree.ts';
import { LineShape, markOf, Shape, wholeOf } from './drawn.tsx';
import type { Marked, Shown } from './drawn.tsx';
import { usePage } from './use.ts';
import { useWindowOn } from './window-on.ts';

interface DiagramProps {
  chart: Chart;
  /** Since when the active states are. */
  since: Record<string, string>;
  marked: Marked;
  chosen: string | null;
  choose: (id: string) => void;
}

export function Diagram({ chart, since, marked, chosen, choose }: DiagramProps) {
  const { layout } = usePage();
  const [collapsed, setCollapsed] = useState<ReadonlySet<string>>(new Set());
  const [drawing, setDrawing] = useState<Drawing | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  useEffect(() => {
    let isWanted = true;
    layout(chart, collapsed).then(
      (drawn) => {
        if (!isWanted) return;
        setDrawing(drawn);
        setProblem(null);
      },
      (error: unknown) => {
        if (isWanted) setProblem(error instanceof Error ? error.message : String(error));
      },
    );
    return () => {
      isWanted = false;
    };
  }, [layout, chart, collapsed]);
  if (problem !== null) return <p role="alert">The chart could not be laid out: {problem}</p>;
  if (drawing === null) return <p className="quiet">Laying out the chart …</p>;
  const fold = (id: string): void => {
    const next = new Set(collapsed);
    if (!next.delete(id)) next.add(id);
    setCollapsed(next);
  };
  return (
    <Canvas chart={chart} drawing={drawing} since={since} marked={marked} shown={{ chosen, choose, collapsed, fold }} />
  );
}

const PAN_STEP = 60;
const ZOOM_STEP = 1.25;

interface CanvasProps extends Pick<DiagramProps, 'chart' | 'since' | 'marked'> {
  drawing: Drawing;
  shown: Shown;
}

function Canvas({ chart, drawing, since, marked, shown }: CanvasProps) {
  const frame = useRef<HTMLDivElement>(null);
  const active = useMemo(() => activePaths(marked.value ?? ''), [marked.value]);
  // Where the actor moved last; without one, where it all begins.
  const first = chart.nodes.find(({ id }) => id === '')?.initial;
  const center =
    drawing.boxes
      .filter(({ box, isOpen }) => !isOpen && active.has(box.node.id))
      .toSorted((a, b) => (since[b.box.node.id] ?? '').localeCompare(since[a.box.node.id] ?? ''))[0] ??
    (marked.value === null && isNarrow() ? drawing.boxes.find(({ box }) => box.node.id === first) : undefined);
  const view = useWindowOn(frame, drawing, center);
  const drag = useRef<{ x: number; y: number } | null>(null);
  const keys: Record<string, () => void> = {
    '+': () => view.zoom(ZOOM_STEP),
    '=': () => view.zoom(ZOOM_STEP),
    '-': () => view.zoom(1 / ZOOM_STEP),
    '0': view.fit,
    ArrowLeft: () => view.move(-PAN_STEP, 0),
    ArrowRight: () => view.move(PAN_STEP, 0),
    ArrowUp: () => view.move(0, -PAN_STEP),
    ArrowDown: () => view.move(0, PAN_STEP),
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    const act = keys[event.key];
    if (act === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    event.stopPropagation();
    act();
  };
  const onPointerMove = (event: PointerEvent): void => {
    if (drag.current === null) return;
    view.move(drag.current.x - event.clientX, drag.current.y - event.clientY);
    drag.current = { x: event.clientX, y: event.clientY };
  };
  const endDrag = (): void => {
    drag.current = null;
  };
  const wholeMs = wholeOf(marked);
  return (
    <div className="diagram" ref={frame} data-diagram={chart.kind}>
      <svg
        viewBox={view.viewBox}
        className="diagram__canvas"
        role="group"
        aria-label={`Drawing of ${chart.kind}: arrow keys move it, plus and minus enlarge and shrink it, 0 fits it`}
        tabIndex={0}
        onKeyDown={onKeyDown}
        onPointerDown={(event) => {
          drag.current = { x: event.clientX, y: event.clientY };
        }}
        onPointerMove={onPointerMove}
        onPointerUp={endDrag}
        onPointerLeave={endDrag}
      >
        <defs>
          <marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">
            <path className="tip" d="M0 0L8 4L0 8Z" />
          </marker>
        </defs>
        {drawing.boxes.map((drawn) => (
          <Shape
            key={drawn.box.node.id}
            drawn={drawn}
            isActive={drawn.box.node.id === '' || active.has(drawn.box.node.id)}
            tint={tintOf(marked.ways?.spentMs.get(drawn.box.node.id), wholeMs)}
            move={markOf(drawn.box.node.id, marked)}
            shown={shown}
          />
        ))}
        {drawing.initials.map(({ x, y }) => (
          <circle key={`${x} ${y}`} className="drawn__initial" cx={x} cy={y} r="4.5" />
        ))}
        {drawing.anys.map(({ x, y, width, height }) => (
          <g key={`${x} ${y}`}>
            <rect className="drawn__any" x={x} y={y} width={width} height={height} rx={height / 2} />
            <text className="drawn__label" x={x + width / 2} y={y + height / 2 + 3.5} textAnchor="middle">
              any state
            </text>
          </g>
        ))}
        {drawing.lines.map((drawn) => (
          <LineShape key={drawn.id} drawn={drawn} marked={marked} />
        ))}
      </svg>
      <div className="diagram__tools">
        <button type="button" onClick={() => view.zoom(ZOOM_STEP)} aria-label="Enlarge">
          +
        </button>
        <button type="button" onClick={() => view.zoom(1 / ZOOM_STEP)} aria-label="Shrink">
          −
        </button>
        <button type="button" onClick={view.fit}>
          Fit
        </button>
      </div>
    </div>
  );
}

/** On a telephone a whole machine is too small to be read; elsewhere it is seen whole first. */
const isNarrow = (): boolean => window.matchMedia('(max-width: 40rem)').matches;

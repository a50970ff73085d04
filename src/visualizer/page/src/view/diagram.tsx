/**
 * A statechart as a drawing: laid out by elkjs, the active states lit, ways that were taken counted, the last one shown
 * moving. It can be moved, enlarged and folded, with a mouse, fingers or the keyboard alone.
 */
import { useEffect, useMemo, useRef, useState } from 'react';
import type { KeyboardEvent, PointerEvent } from 'react';
import type { Chart, StateValue } from '../answers.ts';
import type { Drawing, DrawnBox, DrawnLine } from '../drawing/drawing.ts';
import { ANY_SUFFIX, LABEL_LINE, lettering, watchesOf } from '../drawing/graph.ts';
import { timesTaken, tintOf } from '../moment.ts';
import type { Ways } from '../moment.ts';
import { activePaths, triggerOf } from '../tree.ts';
import { usePage } from './use.ts';
import { useWindowOn } from './window-on.ts';

export interface Marked {
  value: StateValue | null;
  ways: Ways | null;
  /** What the last step, or a previewed one, would leave and enter. */
  move: { left: string[]; entered: string[] } | null;
  /** `move` has not happened: it is what a preview says. */
  isForetold: boolean;
}

export const NOTHING_MARKED: Marked = { value: null, ways: null, move: null, isForetold: false };

interface DiagramProps {
  chart: Chart;
  marked: Marked;
  chosen: string | null;
  choose: (id: string) => void;
}

export function Diagram({ chart, marked, chosen, choose }: DiagramProps) {
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
  return <Canvas chart={chart} drawing={drawing} marked={marked} shown={{ chosen, choose, collapsed, fold }} />;
}

interface Shown {
  chosen: string | null;
  choose: (id: string) => void;
  collapsed: ReadonlySet<string>;
  fold: (id: string) => void;
}

const PAN_STEP = 60;
const ZOOM_STEP = 1.25;

function Canvas({ chart, drawing, marked, shown }: { chart: Chart; drawing: Drawing; marked: Marked; shown: Shown }) {
  const frame = useRef<HTMLDivElement>(null);
  const active = useMemo(() => activePaths(marked.value ?? ''), [marked.value]);
  // Where the actor is; without one, where it all begins.
  const first = chart.nodes.find(({ id }) => id === '')?.initial;
  const center =
    drawing.boxes.find(({ box, isOpen }) => !isOpen && active.has(box.node.id)) ??
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

/** The whole time at hand: no state was active for longer. */
export const wholeOf = ({ ways }: Marked): number => Math.max(0, ...(ways?.spentMs.values() ?? []));

export function markOf(id: string, { move, isForetold }: Marked): string | undefined {
  if (move === null) return undefined;
  const prefix = isForetold ? 'would-' : '';
  if (move.entered.includes(id)) return `${prefix}enter`;
  return move.left.includes(id) ? `${prefix}leave` : undefined;
}

interface ShapeProps {
  drawn: DrawnBox;
  isActive: boolean;
  tint: number;
  move: string | undefined;
  shown: Shown;
}

function Shape({ drawn, isActive, tint, move, shown }: ShapeProps) {
  const { box, x, y, width, height, isOpen } = drawn;
  const { node, name, children } = box;
  const { chosen, choose, collapsed, fold } = shown;
  const onKey = (act: () => void) => (event: KeyboardEvent) => {
    if (event.key !== 'Enter' && event.key !== ' ') return;
    event.preventDefault();
    event.stopPropagation();
    act();
  };
  const canFold = children.length > 0 && node.id !== '';
  const letters = lettering(drawn, canFold ? 26 : 12);
  const watches = watchesOf(node);
  return (
    <g
      className="drawn"
      data-state={node.id}
      data-type={node.type}
      data-open={isOpen ? '' : undefined}
      data-active={isActive ? '' : undefined}
      data-tint={tint}
      data-move={move}
      data-chosen={chosen === node.id ? '' : undefined}
    >
      <rect className="drawn__box" x={x} y={y} width={width} height={height} rx="6" />
      {node.type === 'final' ? (
        <rect className="drawn__final" x={x + 3} y={y + 3} width={width - 6} height={height - 6} rx="4" />
      ) : null}
      <g
        role="button"
        tabIndex={0}
        aria-label={`${name}${watches === '' ? '' : ` ${watches}`}${isActive ? ', active' : ''}`}
        aria-pressed={chosen === node.id}
        onClick={() => choose(node.id)}
        onKeyDown={onKey(() => choose(node.id))}
      >
        <title>{node.description ?? name}</title>
        <rect className="drawn__grip" x={x} y={y} width={width} height={isOpen ? 28 : height} rx="6" />
        <text className="drawn__name" {...letters.name} textAnchor={letters.anchor}>
          {name}
        </text>
        {watches === '' ? null : (
          <text className="drawn__watches" {...letters.watches} textAnchor={letters.anchor}>
            {watches}
          </text>
        )}
      </g>
      {canFold ? (
        <g
          role="button"
          tabIndex={0}
          className="drawn__fold"
          aria-expanded={isOpen}
          aria-label={`${collapsed.has(node.id) ? 'Unfold' : 'Fold'} ${name}`}
          onClick={() => fold(node.id)}
          onKeyDown={onKey(() => fold(node.id))}
        >
          <rect className="drawn__grip" x={x + 2} y={y + 4} width="22" height="22" />
          <path d={isOpen ? `M${x + 9} ${y + 13}l4 5l4 -5z` : `M${x + 9} ${y + 11}l5 4l-5 4z`} />
        </g>
      ) : null}
    </g>
  );
}

function LineShape({
  drawn: { line, path, label },
  marked: { ways, move, isForetold },
}: {
  drawn: DrawnLine;
  marked: Marked;
}) {
  if (line === null) return <path className="drawn__line" d={path} markerEnd="url(#tip)" />;
  // A line from “any state” is a transition of the region.
  const from = line.from.endsWith(ANY_SUFFIX) ? line.from.slice(0, -ANY_SUFFIX.length) : line.from;
  const count = ways === null ? 0 : timesTaken(from, line.to, ways.taken);
  const isFrom = (left: string): boolean => left === from || (from !== line.from && left.startsWith(`${from}.`));
  const isLast = move !== null && move.left.some(isFrom) && move.entered.includes(line.to);
  return (
    <g
      className="way"
      data-line={line.id}
      data-taken={count > 0 ? count : undefined}
      data-last={isLast ? (isForetold ? 'would' : 'did') : undefined}
    >
      <title>
        {line.edges.map((edge) => `${triggerOf(edge)}${edge.guard === undefined ? '' : ` [${edge.guard}]`}`).join('\n')}
      </title>
      <path className="drawn__line" d={path} markerEnd="url(#tip)" />
      {isLast ? <path className="drawn__motion" d={path} /> : null}
      {label === null
        ? null
        : line.label.map((text, index) => (
            <text key={text} className="drawn__label" x={label.x} y={label.y + LABEL_LINE * (index + 0.8)}>
              {index === 0 && count > 0 ? <tspan className="drawn__count">{count}× </tspan> : null}
              {text}
            </text>
          ))}
    </g>
  );
}

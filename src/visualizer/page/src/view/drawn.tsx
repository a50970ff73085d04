/** The shapes of a drawn statechart: states with what is lit, tinted and left in them, and the ways between them. */
import type { KeyboardEvent } from 'react';
import type { ChartEdge, StateValue } from '../answers.ts';
import type { DrawnBox, DrawnLine } from '../drawing/drawing.ts';
import { ANY_SUFFIX, LABEL_LINE, lettering, watchesOf } from '../drawing/graph.ts';
import { timesTaken } from '../moment.ts';
import type { Ways } from '../moment.ts';
import { triggerOf } from '../tree.ts';

export interface Marked {
  value: StateValue | null;
  ways: Ways | null;
  /** Of each edge, how often it was taken, where that is known of all actors; else ways between states are counted. */
  taken: ReadonlyMap<string, number> | null;
  /** What the last step, or a previewed one, would leave and enter. */
  move: { left: string[]; entered: string[] } | null;
  /** `move` has not happened: it is what a preview says. */
  isForetold: boolean;
}

export const NOTHING_MARKED: Marked = { value: null, ways: null, taken: null, move: null, isForetold: false };

export interface Shown {
  chosen: string | null;
  choose: (id: string) => void;
  collapsed: ReadonlySet<string>;
  fold: (id: string) => void;
}

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

export function Shape({ drawn, isActive, tint, move, shown }: ShapeProps) {
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

export function LineShape({
  drawn: { line, path, label },
  marked: { ways, taken, move, isForetold },
}: {
  drawn: DrawnLine;
  marked: Marked;
}) {
  if (line === null) return <path className="drawn__line" d={path} markerEnd="url(#tip)" />;
  // A line from “any state” is a transition of the region.
  const from = line.from.endsWith(ANY_SUFFIX) ? line.from.slice(0, -ANY_SUFFIX.length) : line.from;
  const timesOf = ({ id }: ChartEdge): number => taken?.get(id) ?? 0;
  const count =
    taken !== null
      ? line.edges.reduce((sum, edge) => sum + timesOf(edge), 0)
      : ways === null
        ? 0
        : timesTaken(from, line.to, ways.taken);
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
        {line.edges
          .map((edge) => {
            const times = timesOf(edge);
            return `${times > 0 ? `${times}× ` : ''}${triggerOf(edge)}${edge.guard === undefined ? '' : ` [${edge.guard}]`}`;
          })
          .join('\n')}
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

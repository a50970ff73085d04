/**
 * A statechart as nested boxes, straight from the machine: regions side by side, states in the order they are written,
 * what is active lit with the time it has been. A state can be chosen to read what it means and what leads out of it.
 */
import { useMemo, useState } from 'react';
import type { Chart, ChartEdge, StateValue } from '../answers.ts';
import { spoken } from '../rows.ts';
import { tintOf } from '../moment.ts';
import { machineHref } from '../route.ts';
import { activePaths, treeOf, triggerOf, waysOut } from '../tree.ts';
import type { Box } from '../tree.ts';
import { Age } from './age.tsx';
import { Anchor } from './anchor.tsx';
import { Diagram } from './diagram.tsx';
import { markOf, wholeOf } from './drawn.tsx';
import type { Marked } from './drawn.tsx';

interface ChartProps {
  chart: Chart;
  value: StateValue;
  since: Record<string, string>;
  marked: Marked;
  look: Look;
  onLook: (look: Look) => void;
}

/** `overview`: all states as boxes, made for reading at a glance; `diagram`: states and ways between them, laid out. */
export type Look = 'overview' | 'diagram';

interface Drawing {
  active: Set<string>;
  since: Record<string, string>;
  marked: Marked;
  chosen: string | null;
  choose: (id: string) => void;
}

export function ChartView({ chart, value, since, marked, look, onLook }: ChartProps) {
  const tree = useMemo(() => treeOf(chart), [chart]);
  const [chosen, setChosen] = useState<string | null>(null);
  const drawing: Drawing = {
    active: activePaths(value),
    since,
    marked,
    chosen,
    choose: (id) => setChosen(id === chosen ? null : id),
  };
  const node = chart.nodes.find(({ id }) => id === chosen);
  return (
    <section className="chart" aria-label={`Statechart of ${chart.kind}`}>
      <div className="chart__looks" role="group" aria-label="How the chart is shown">
        {(['overview', 'diagram'] as const).map((name) => (
          <button key={name} type="button" aria-pressed={look === name} onClick={() => onLook(name)}>
            {name === 'overview' ? 'Overview' : 'Diagram'}
          </button>
        ))}
        <Anchor href={machineHref(chart.kind)}>machine {chart.kind}</Anchor>
      </div>
      {look === 'diagram' ? (
        <Diagram chart={chart} since={since} marked={marked} chosen={chosen} choose={drawing.choose} />
      ) : (
        <div className="chart__states" data-type={tree.node.type}>
          {tree.children.map((box) => (
            <State key={box.node.id} box={box} drawing={drawing} />
          ))}
        </div>
      )}
      {node === undefined ? null : <Meaning chart={chart} id={node.id} drawing={drawing} />}
    </section>
  );
}

function State({ box, drawing }: { box: Box; drawing: Drawing }) {
  const { node, children } = box;
  const isActive = drawing.active.has(node.id);
  const shared = {
    'data-state': node.id,
    'data-type': node.type,
    'data-active': isActive ? '' : undefined,
    'data-tint': tintOf(drawing.marked.ways?.spentMs.get(node.id), wholeOf(drawing.marked)),
    'data-move': markOf(node.id, drawing.marked),
  };
  if (children.length === 0) {
    return (
      <div className="state" {...shared}>
        <Label box={box} drawing={drawing} isActive={isActive} />
      </div>
    );
  }
  return (
    <div className="box" {...shared}>
      <Label box={box} drawing={drawing} isActive={isActive} />
      <div className="box__children" data-type={node.type}>
        {children.map((child) => (
          <State key={child.node.id} box={child} drawing={drawing} />
        ))}
      </div>
    </div>
  );
}

function Label({ box, drawing, isActive }: { box: Box; drawing: Drawing; isActive: boolean }) {
  const { node, name, isInitial, children } = box;
  const since = drawing.since[node.id];
  return (
    <button
      type="button"
      className="label"
      title={node.description}
      aria-pressed={drawing.chosen === node.id}
      onClick={() => drawing.choose(node.id)}
    >
      <span className="label__name">
        {isInitial ? <span className="label__initial" title="it begins here" aria-hidden="true" /> : null}
        {name}
        {isActive ? <span className="unseen">, active</span> : null}
      </span>
      {isActive && since !== undefined && children.length === 0 ? <Age since={since} /> : null}
    </button>
  );
}

export function Meaning({
  chart,
  id,
  drawing,
  taken = null,
}: {
  chart: Chart;
  id: string;
  drawing: Pick<Drawing, 'active' | 'since'>;
  /** Id of an edge → how often it was taken. */
  taken?: ReadonlyMap<string, number> | null;
}) {
  const node = chart.nodes.find((other) => other.id === id)!;
  const ways = waysOut(chart, id);
  const since = drawing.since[id];
  return (
    <div className="meaning" aria-live="polite">
      <h3>
        <span className="name">{id}</span>
        {drawing.active.has(id) && since !== undefined ? (
          <span className="quiet">
            {' '}
            for <Age since={since} />
          </span>
        ) : null}
      </h3>
      {node.description === undefined ? null : <p>{node.description}</p>}
      <p className="quiet">
        {node.waitsFor === undefined || node.waitsFor === 'nothing' ? null : <>Waits for {spoken(node.waitsFor)}. </>}
        {node.watches.length === 0 ? null : <>Watches {node.watches.join(', ')}. </>}
        {node.type === 'final' ? 'Nothing leads out of it.' : null}
      </p>
      {node.type === 'final' ? null : (
        <>
          <Ways edges={ways.filter((edge) => edge.from === id)} taken={taken} />
          <details className="json">
            <summary>What the states around it take as well</summary>
            <Ways edges={ways.filter((edge) => edge.from !== id)} taken={taken} />
          </details>
        </>
      )}
    </div>
  );
}

function Ways({ edges, taken }: { edges: ChartEdge[]; taken: ReadonlyMap<string, number> | null }) {
  return (
    <ul className="ways">
      {edges.map((edge) => (
        <li key={edge.id}>
          <code>{triggerOf(edge)}</code>
          {edge.guard === undefined ? null : <span className="quiet"> if {spoken(edge.guard)}</span>}
          {edge.to.length === 0 ? (
            <span className="quiet"> stays</span>
          ) : (
            <>
              {' '}
              → <code>{edge.to.join(', ')}</code>
            </>
          )}
          {taken?.has(edge.id) === true ? <span className="quiet">, taken {taken.get(edge.id)}×</span> : null}
        </li>
      ))}
    </ul>
  );
}

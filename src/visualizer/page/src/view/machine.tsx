/** A machine without an actor, for engineers: its drawing, its table of states and events, and how often each transition was taken. */
import { useCallback, useEffect, useMemo, useState } from 'react';
import type { Chart } from '../answers.ts';
import type { Failure } from '../ask.ts';
import { mermaidOf } from '../drawing/mermaid.ts';
import { svgOf } from '../drawing/svg.ts';
import { xstateOf } from '../drawing/xstate.ts';
import { keepPng, keepText } from '../files.ts';
import { machineHref } from '../route.ts';
import { kindOf } from '../rows.ts';
import { triggerOf } from '../tree.ts';
import { Age } from './age.tsx';
import { Anchor } from './anchor.tsx';
import { useAsked } from './asked.tsx';
import { Meaning } from './chart.tsx';
import { Diagram } from './diagram.tsx';
import { NOTHING_MARKED } from './drawn.tsx';
import { Notice } from './notice.tsx';
import { useFleet, usePage } from './use.ts';

/** Those that are always there, with or without an actor. */
const KINDS = ['session', 'mission', 'agent', 'dispatcher'];

export function MachineView({ kind, version }: { kind: string; version: string | null }) {
  const { ask } = usePage();
  const [chart, setChart] = useState<Chart | null>(null);
  const [problem, setProblem] = useState<Failure | null>(null);
  const [chosen, setChosen] = useState<string | null>(null);
  const { value: ways } = useAsked(useCallback(() => ask.ways(kind), [ask, kind]));
  const { rows } = useFleet();
  const kinds = useMemo(() => [...new Set([...KINDS, ...[...rows.keys()].map(kindOf)])], [rows]);
  const taken = useMemo(() => new Map(Object.entries(ways?.taken ?? {})), [ways]);
  useEffect(() => {
    void ask.chart(kind, version).then((answer) => {
      setProblem(answer.ok ? null : answer);
      if (answer.ok) setChart(answer.value);
    });
  }, [ask, kind, version]);
  const others = (
    <div className="counts">
      <nav aria-label="Machines">
        {kinds.map((name) => (
          <Anchor key={name} href={machineHref(name)} className="count" isCurrent={name === kind}>
            {name}
          </Anchor>
        ))}
      </nav>
    </div>
  );
  if (problem !== null)
    return (
      <Notice problem={problem} missing={version === null ? 'There is no such machine' : 'That version is not here'}>
        {others}
      </Notice>
    );
  if (chart === null) return <p className="quiet">Reading the machine …</p>;
  return (
    <article className="actor" aria-label={`Machine ${kind}`}>
      <header className="head">
        {others}
        <h1>Machine {kind}</h1>
        <div className="head__line">
          <span>version {chart.version}</span>
          <span>{chart.nodes.length} states</span>
          <span>{chart.edges.length} transitions</span>
          {ways === null ? null : (
            <span className="quiet">
              {ways.since === null ? (
                'no steps of it yet'
              ) : (
                <>
                  counted over {ways.facts} steps of the last <Age since={ways.since} />
                </>
              )}
            </span>
          )}
        </div>
        <Files chart={chart} />
      </header>
      <section className="chart" aria-label={`Statechart of ${kind}`}>
        <Diagram
          chart={chart}
          since={{}}
          marked={{ ...NOTHING_MARKED, taken }}
          chosen={chosen}
          choose={(id) => setChosen(id === chosen ? null : id)}
        />
        {chosen === null ? null : (
          <Meaning chart={chart} id={chosen} drawing={{ active: new Set(), since: {} }} taken={taken} />
        )}
      </section>
      <Table chart={chart} taken={taken} />
    </article>
  );
}

function Files({ chart }: { chart: Chart }) {
  const { layout } = usePage();
  const [problem, setProblem] = useState<string | null>(null);
  const { kind } = chart;
  const drawn = async (): Promise<string> => svgOf(await layout(chart, new Set()), `Statechart of ${kind}`);
  const ways: [name: string, save: () => Promise<void> | void][] = [
    ['SVG', async () => keepText(`${kind}.svg`, await drawn(), 'image/svg+xml')],
    ['PNG', async () => keepPng(`${kind}.png`, await drawn())],
    ['Mermaid', () => keepText(`${kind}.mmd`, mermaidOf(chart), 'text/plain')],
    [
      'XState JSON',
      () => keepText(`${kind}.json`, `${JSON.stringify(xstateOf(chart), null, 2)}\n`, 'application/json'),
    ],
  ];
  return (
    <div className="files" role="group" aria-label="Save">
      {ways.map(([name, save]) => (
        <button
          key={name}
          type="button"
          onClick={() => {
            setProblem(null);
            Promise.resolve(save()).catch((error: unknown) => setProblem(`${name}: ${(error as Error).message}`));
          }}
        >
          Save {name}
        </button>
      ))}
      {problem === null ? null : <span role="alert">{problem}</span>}
    </div>
  );
}

/** State × event: where each leads; what stays, stays in its state. */
function Table({ chart, taken }: { chart: Chart; taken: ReadonlyMap<string, number> }) {
  const states = chart.nodes.filter(
    ({ id, type }) => type !== 'parallel' && chart.edges.some(({ from }) => from === id),
  );
  return (
    <section aria-label="States and events">
      <h2>States and events</h2>
      <div className="items" role="region" aria-label="Table of states and events" tabIndex={0}>
        <table>
          <thead>
            <tr>
              <th scope="col">state</th>
              <th scope="col">event</th>
              <th scope="col">if</th>
              <th scope="col">leads to</th>
              <th scope="col">wishes and changes</th>
              <th scope="col">taken</th>
            </tr>
          </thead>
          <tbody>
            {states.flatMap(({ id }) =>
              chart.edges
                .filter(({ from }) => from === id)
                .map((edge) => (
                  <tr key={edge.id}>
                    <th scope="row" className="name">
                      {id === '' ? chart.kind : id}
                    </th>
                    <td className="name">{triggerOf(edge)}</td>
                    <td className="name">{edge.guard ?? ''}</td>
                    <td className="name">{edge.to.length === 0 ? 'stays' : edge.to.join(', ')}</td>
                    <td className="name">{edge.actions.join(', ')}</td>
                    <td className="name">{taken.get(edge.id) ?? ''}</td>
                  </tr>
                )),
            )}
          </tbody>
        </table>
      </div>
    </section>
  );
}

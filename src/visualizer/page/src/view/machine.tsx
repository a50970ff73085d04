/** A machine without an actor, for engineers: its drawing, its table of states and events, and how often each way was taken. */
import { useEffect, useState } from 'react';
import type { Chart } from '../answers.ts';
import type { Failure } from '../ask.ts';
import { svgOf } from '../drawing/svg.ts';
import { triggerOf } from '../tree.ts';
import { Meaning } from './chart.tsx';
import { Diagram, NOTHING_MARKED } from './diagram.tsx';
import { Notice } from './notice.tsx';
import { usePage } from './use.ts';

export function MachineView({ kind }: { kind: string }) {
  const { ask, layout } = usePage();
  const [chart, setChart] = useState<Chart | null>(null);
  const [problem, setProblem] = useState<Failure | null>(null);
  const [chosen, setChosen] = useState<string | null>(null);
  useEffect(() => {
    void ask.chart(kind).then((answer) => {
      setProblem(answer.ok ? null : answer);
      if (answer.ok) setChart(answer.value);
    });
  }, [ask, kind]);
  if (problem !== null) return <Notice problem={problem} />;
  if (chart === null) return <p className="quiet">Reading the machine …</p>;
  const save = (): void => {
    void layout(chart, new Set()).then((drawing) => {
      keep(`${kind}.svg`, svgOf(drawing, `Statechart of ${kind}`), 'image/svg+xml');
    });
  };
  return (
    <article className="actor" aria-label={`Machine ${kind}`}>
      <header className="head">
        <h1>Machine {kind}</h1>
        <div className="head__line">
          <span>version {chart.version}</span>
          <span>{chart.nodes.length} states</span>
          <span>{chart.edges.length} transitions</span>
          <button type="button" onClick={save}>
            Save SVG
          </button>
          <button
            type="button"
            onClick={() => keep(`${kind}.json`, JSON.stringify(chart, null, 2), 'application/json')}
          >
            Save JSON
          </button>
        </div>
      </header>
      <section className="chart" aria-label={`Statechart of ${kind}`}>
        <Diagram
          chart={chart}
          marked={NOTHING_MARKED}
          chosen={chosen}
          choose={(id) => setChosen(id === chosen ? null : id)}
        />
        {chosen === null ? null : <Meaning chart={chart} id={chosen} drawing={{ active: new Set(), since: {} }} />}
      </section>
      <Table chart={chart} />
    </article>
  );
}

/** State × event: where each leads; what stays, stays in its state. */
function Table({ chart }: { chart: Chart }) {
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
                  </tr>
                )),
            )}
          </tbody>
        </table>
      </div>
    </section>
  );
}

/** Hands a text to the browser as a file. */
function keep(name: string, text: string, type: string): void {
  const url = URL.createObjectURL(new Blob([text], { type }));
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  URL.revokeObjectURL(url);
}

/**
 * What an actor could get now: for each event whether it would move it, what refuses it, or that it depends on its data;
 * and from there the form to send it. Asked only while somebody looks.
 */
import { useEffect, useState } from 'react';
import type { Chart, EventSchemas, Shown, Why } from '../answers.ts';
import type { Failure } from '../ask.ts';
import { kindOf, spoken } from '../rows.ts';
import { activePaths } from '../tree.ts';
import { LetterForm } from './letter-form.tsx';
import type { Foretell } from './letter-form.tsx';
import { Notice } from './notice.tsx';
import { usePage } from './use.ts';

interface PossibleProps {
  shown: Shown;
  chart: Chart;
  foretell: Foretell;
}

export function Possible({ shown, chart, foretell }: PossibleProps) {
  const [isOpen, setOpen] = useState(false);
  return (
    <details className="possible" onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>What could happen now, and corrections</summary>
      {isOpen ? <Events shown={shown} chart={chart} foretell={foretell} /> : null}
    </details>
  );
}

function Events({ shown, chart, foretell }: PossibleProps) {
  const { ask } = usePage();
  const { address, seq } = shown;
  const [why, setWhy] = useState<Why | null>(null);
  const [schemas, setSchemas] = useState<EventSchemas | null>(null);
  const [problem, setProblem] = useState<Failure | null>(null);
  const [chosen, setChosen] = useState<string | null>(null);
  useEffect(() => {
    let isWanted = true;
    void Promise.all([ask.why(address), ask.events(kindOf(address))]).then(([because, events]) => {
      if (!isWanted) return;
      setProblem(because.ok ? (events.ok ? null : events) : because);
      if (because.ok) setWhy(because.value);
      if (events.ok) setSchemas(events.value);
    });
    return () => {
      isWanted = false;
    };
  }, [ask, address, seq]);
  if (problem !== null) return <Notice problem={problem} />;
  if (why === null || schemas === null) return <p className="quiet">Asking what could happen …</p>;
  const types = Object.keys(why.events);
  const byPeople = types.filter((type) => isOfPeople(type));
  const others = types.filter((type) => !isOfPeople(type));
  const rows = (of: string[]) => (
    <ul className="events">
      {of.map((type) => (
        <li key={type} className="event" data-event={type} data-would={why.events[type]!.would}>
          <button
            type="button"
            className="event__name name"
            aria-expanded={chosen === type}
            onClick={() => {
              setChosen(chosen === type ? null : type);
              foretell(null);
            }}
          >
            {type}
          </button>
          <span className="event__means quiet">{schemas[type]?.means}</span>
          <Would chart={chart} shown={shown} type={type} would={why.events[type]!} />
          {chosen === type && schemas[type] !== undefined ? (
            <LetterForm key={type} shown={shown} type={type} schema={schemas[type].schema} foretell={foretell} />
          ) : null}
        </li>
      ))}
    </ul>
  );
  return (
    <>
      {rows(byPeople)}
      <details className="json">
        <summary>Events of the runtime and of others ({others.length})</summary>
        {rows(others)}
      </details>
    </>
  );
}

/** Corrections and people's words; all else comes from the world. */
const isOfPeople = (type: string): boolean => /^(correct\..+|say|answer|fyi|query)$/.test(type);

/** Before what it leads to, or why it does not. */
const WORDS = { move: 'would be taken: ', record: 'recorded: ', refuse: 'refused: ', depend: 'depends ' } as const;

function Would({
  chart,
  shown,
  type,
  would,
}: {
  chart: Chart;
  shown: Shown;
  type: string;
  would: Why['events'][string];
}) {
  const active = activePaths(shown.value);
  const ways = chart.edges.filter((edge) => edge.event === type && (edge.from === '' || active.has(edge.from)));
  const targets = [
    ...new Set(ways.filter((edge) => edge.to.length > 0).map((edge) => `${edge.from} → ${edge.to.join(', ')}`)),
  ];
  const guards = [...new Set(ways.flatMap((edge) => edge.guard ?? []))];
  return (
    <span className="event__would" data-would={would.would}>
      <strong>{would.because === '' ? WORDS[would.would].replace(/: $/, '') : WORDS[would.would]}</strong>
      {would.would === 'move' ? would.because.replaceAll('_', ' ') : would.because}
      {targets.length + guards.length === 0 ? null : (
        <span className="quiet event__ways">
          {targets.join('; ')}
          {targets.length > 0 && guards.length > 0 ? '; ' : ''}
          {guards.length === 0 ? null : `guarded by ${guards.map(spoken).join(', ')}`}
        </span>
      )}
    </span>
  );
}

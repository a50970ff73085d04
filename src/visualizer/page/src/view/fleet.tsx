/** All actors: who needs a person first, found by what one types, counted by kind and phase. */
import { memo, useDeferredValue, useEffect, useMemo, useRef } from 'react';
import type { IndexRow } from '../answers.ts';
import { actorHref, fleetHref } from '../route.ts';
import { counted, createOrder, kindOf, matches, NO_FILTER, spoken } from '../rows.ts';
import type { Filter } from '../rows.ts';
import { foremost, neededSince } from '../wait.ts';
import { Age } from './age.tsx';
import { Anchor, Name } from './anchor.tsx';
import { Notice } from './notice.tsx';
import { Phase } from './phase.tsx';
import { useFleet, useLink, usePage } from './use.ts';
import { Windowed } from './windowed.tsx';
import { WaitLine } from './wait-line.tsx';

export function FleetView({ filter }: { filter: Filter }) {
  const { rows, known, whole, total, problem } = useFleet();
  const link = useLink();
  const text = useDeferredValue(filter.text);
  const order = useMemo(createOrder, []);
  const all = useMemo(() => order(rows), [order, rows]);
  const found = all.filter((row) => matches(row, { ...filter, text }));
  return (
    <>
      <div className="heading">
        <h1>Actors</h1>
        <Search filter={filter} />
      </div>
      {whole ? <Counts all={all} filter={{ ...filter, text }} /> : null}
      {known && !whole ? <p className="quiet">Reading the other {total - rows.size} actors …</p> : null}
      {problem === null ? null : <Notice problem={problem} />}
      {!known && problem === null && link.state !== 'locked' && link.state !== 'away' ? (
        <p className="quiet">Reading the list of actors …</p>
      ) : null}
      {known ? <List rows={found} isFiltered={found.length < all.length} /> : null}
    </>
  );
}

function Search({ filter }: { filter: Filter }) {
  const page = usePage();
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => {
    const focus = (event: KeyboardEvent): void => {
      const isTyping = event.target instanceof HTMLInputElement || event.target instanceof HTMLTextAreaElement;
      if (event.key !== '/' || isTyping || event.ctrlKey || event.metaKey) return;
      event.preventDefault();
      input.current?.focus();
    };
    document.addEventListener('keydown', focus);
    return () => document.removeEventListener('keydown', focus);
  }, []);
  return (
    <input
      ref={input}
      className="search"
      type="search"
      placeholder="Find by name, title, owner, reference"
      aria-label="Find actors"
      aria-keyshortcuts="/"
      value={filter.text}
      onChange={(event) => page.go(fleetHref({ ...filter, text: event.target.value }), { replace: true })}
    />
  );
}

function Counts({ all, filter }: { all: IndexRow[]; filter: Filter }) {
  const ofKind = all.filter((row) => matches(row, { ...filter, kind: null, phase: null, gate: null }));
  const ofPhase = all.filter((row) => matches(row, { ...filter, phase: null }));
  const ofGate = all.filter((row) => matches(row, { ...filter, gate: null }));
  const anyKind = { ...filter, kind: null, phase: null, gate: null };
  return (
    <div className="counts">
      <nav aria-label="Kinds">
        <Count href={fleetHref(anyKind)} isCurrent={filter.kind === null} count={ofKind.length}>
          all
        </Count>
        {counted(ofKind, (row) => [kindOf(row.address)]).map(([kind, count]) => (
          <Count key={kind} href={fleetHref({ ...anyKind, kind })} isCurrent={filter.kind === kind} count={count}>
            {kind}
          </Count>
        ))}
      </nav>
      <nav aria-label="Phases">
        {counted(ofPhase, (row) => [row.phase]).map(([phase, count]) => (
          <Count
            key={phase}
            href={fleetHref({ ...filter, phase: filter.phase === phase ? null : phase })}
            isCurrent={filter.phase === phase}
            count={count}
          >
            {spoken(phase)}
          </Count>
        ))}
      </nav>
      <nav aria-label="Gates">
        {counted(ofGate, (row) => new Set(row.waitingOn.map(({ gate }) => gate))).map(([gate, count]) => (
          <Count
            key={gate}
            href={fleetHref({ ...filter, gate: filter.gate === gate ? null : gate })}
            isCurrent={filter.gate === gate}
            count={count}
          >
            {`waits: ${gate}`}
          </Count>
        ))}
      </nav>
    </div>
  );
}

interface CountProps {
  href: string;
  isCurrent: boolean;
  count: number;
  children: string;
}

function Count({ href, isCurrent, count, children }: CountProps) {
  return (
    <Anchor href={href} className="count" isCurrent={isCurrent}>
      {children} <span className="count__number">{count}</span>
    </Anchor>
  );
}

function List({ rows, isFiltered }: { rows: IndexRow[]; isFiltered: boolean }) {
  if (rows.length === 0) {
    return isFiltered ? (
      <p className="quiet">
        No actor fits. <Anchor href={fleetHref(NO_FILTER)}>Show all</Anchor>
      </p>
    ) : (
      <p className="quiet">
        There are no actors yet. <code>chartroom open</code> and <code>chartroom hire</code> make some.
      </p>
    );
  }
  const needed = rows.filter((row) => neededSince(row) !== null);
  const others = rows.filter((row) => neededSince(row) === null);
  return (
    <>
      <Section title="Needs a person" rows={needed} isNeeded />
      <Section title={needed.length > 0 ? 'Everything else' : 'Nobody is needed'} rows={others} />
    </>
  );
}

function Section({ title, rows, isNeeded = false }: { title: string; rows: IndexRow[]; isNeeded?: boolean }) {
  if (rows.length === 0) return null;
  return (
    <section className="rows" aria-label={title} data-needed={isNeeded ? '' : undefined}>
      <h2>
        {title} <span className="rows__number">{rows.length.toLocaleString('en')}</span>
      </h2>
      <Windowed items={rows} label={title} row={(row) => <Row key={row.address} row={row} />} />
    </section>
  );
}

/** A fact about one actor draws that one again, not the thousands beside it. */
const Row = memo(function Row({ row }: { row: IndexRow }) {
  const wait = foremost(row.waitingOn);
  return (
    <div role="listitem" className="row" data-address={row.address} data-final={row.final ? '' : undefined}>
      <Phase of={row} />
      <div className="row__what">
        <Anchor href={actorHref(row.address)} className="row__title">
          {row.title === '' ? row.address : row.title}
        </Anchor>
        <span className="row__address name">{row.address}</span>
      </div>
      <div className="row__wait">
        {wait === null ? null : (
          <p>
            <WaitLine wait={wait} of={row.address} />
          </p>
        )}
        {row.waitingOn.length > 1 ? <span className="row__more">and {row.waitingOn.length - 1} more</span> : null}
      </div>
      <div className="row__owner">{row.owner === null ? null : <Name of={row.owner} />}</div>
      <div className="row__age" title="since its last step">
        <Age since={row.updatedAt} />
      </div>
    </div>
  );
});

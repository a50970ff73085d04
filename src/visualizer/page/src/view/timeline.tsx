/**
 * The journal as a line in time: every step a mark, a handle that can be moved to any of them, and what that step
 * changed. The moment is part of the address, so that it can be shared.
 */
import { useEffect } from 'react';
import type { HistoryEntry, Moment, Shown } from '../answers.ts';
import { changesOf, movesOf } from '../moment.ts';
import { eventNames } from '../past.ts';
import { actorHref, momentHref } from '../route.ts';
import { spoken } from '../rows.ts';
import { Moment as At } from './age.tsx';
import { Anchor } from './anchor.tsx';
import { usePage } from './use.ts';

interface TimelineProps {
  shown: Shown;
  entries: HistoryEntry[];
  at: number | null;
}

export function Timeline({ shown, entries, at }: TimelineProps) {
  const page = usePage();
  const { address, seq: last } = shown;
  const here = at ?? last;
  const go = (seq: number): void =>
    page.go(seq >= last ? actorHref(address) : momentHref(address, Math.max(1, seq)), { replace: true });
  useEffect(() => {
    const step = (event: KeyboardEvent): void => {
      const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
      if (by === undefined || event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
      const { target } = event;
      if (target instanceof Element && target.closest('input, textarea, select, pre, svg, [contenteditable]') !== null)
        return;
      event.preventDefault();
      go(Math.min(here, last) + by);
    };
    document.addEventListener('keydown', step);
    return () => document.removeEventListener('keydown', step);
  });
  if (last < 2 && at === null) return null;
  return (
    <section className="timeline" aria-label="Time">
      <button type="button" disabled={here <= 1} onClick={() => go(here - 1)} aria-label="Step back">
        ←
      </button>
      <div className="timeline__line">
        <Marks entries={entries} last={last} />
        <input
          type="range"
          min={1}
          max={Math.max(last, 2)}
          value={Math.min(here, last)}
          onChange={(event) => go(Number(event.target.value))}
          aria-label="Step of the journal"
          aria-valuetext={`step ${here} of ${last}`}
        />
      </div>
      <button type="button" disabled={here >= last} onClick={() => go(here + 1)} aria-label="Step forward">
        →
      </button>
      <span className="timeline__here">
        {at === null ? `now, step ${last}` : `step ${at} of ${last}`}
        {at === null ? null : (
          <Anchor href={actorHref(address)} className="timeline__now">
            Back to now
          </Anchor>
        )}
      </span>
    </section>
  );
}

/** Wider marks change the phase: that is where one looks first. */
function Marks({ entries, last }: { entries: HistoryEntry[]; last: number }) {
  const span = Math.max(1, last - 1);
  return (
    <svg className="timeline__marks" viewBox="0 0 1000 12" preserveAspectRatio="none" aria-hidden="true">
      {entries.map((entry) => {
        const isTurn = entry.before?.phase !== entry.after?.phase;
        return (
          <rect
            key={entry.seq}
            x={((entry.seq - 1) / span) * 994}
            y={isTurn ? 0 : 5}
            width={isTurn ? 4 : 2}
            height={isTurn ? 12 : 7}
            data-outcome={entry.outcome}
            data-turn={isTurn ? '' : undefined}
          />
        );
      })}
    </svg>
  );
}

/** What a step did: the event, what it left and entered, and what changed in the context and the waits. */
export function StepDifference({ moment, before }: { moment: Moment; before: Moment | null }) {
  const { entry } = moment;
  const { left, entered } = movesOf(before?.value ?? null, moment.value);
  const context = changesOf(before?.context ?? {}, moment.context);
  const waits = changesOf(before?.waitingOn ?? [], moment.waitingOn);
  return (
    <section className="difference" aria-label="What this step changed">
      <h2>
        <At at={moment.at} /> <span className="name">{eventNames(entry).join(', ')}</span>{' '}
        <span className="quiet">
          from {entry.envelope.source === moment.address ? 'itself' : entry.envelope.source}, {entry.outcome}
        </span>
      </h2>
      {before !== null && before.phase !== moment.phase ? (
        <p>
          {spoken(before.phase)} → <strong>{spoken(moment.phase)}</strong>
        </p>
      ) : null}
      <p>
        {left.length + entered.length === 0 ? <span className="quiet">It stayed in its states.</span> : null}
        {left.map((path) => (
          <del key={path} className="name">
            {path}
          </del>
        ))}
        {entered.map((path) => (
          <ins key={path} className="name">
            {path}
          </ins>
        ))}
      </p>
      {context.changes.length + waits.changes.length === 0 ? (
        <p className="quiet">Nothing else changed.</p>
      ) : (
        <div className="difference__lines" tabIndex={0} role="region" aria-label="Changed values">
          <table>
            <thead>
              <tr>
                <th scope="col">what</th>
                <th scope="col">before</th>
                <th scope="col">after</th>
              </tr>
            </thead>
            <tbody>
              {[
                ...context.changes,
                ...waits.changes.map((change) => ({ ...change, path: `waitingOn.${change.path}` })),
              ].map(({ path, before: was, after }) => (
                <tr key={path}>
                  <th scope="row" className="name">
                    {path}
                  </th>
                  <td>
                    <Value of={was} />
                  </td>
                  <td>
                    <Value of={after} />
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
          {context.more + waits.more > 0 ? <p className="quiet">and {context.more + waits.more} more values</p> : null}
        </div>
      )}
    </section>
  );
}

/** Longer than this a value is looked up in the whole context. */
const VALUE_LETTERS_MAX = 300;

function Value({ of }: { of: unknown }) {
  if (of === undefined) return <span className="quiet">–</span>;
  const text = typeof of === 'string' ? of : JSON.stringify(of);
  return (
    <span className="name">{text.length > VALUE_LETTERS_MAX ? `${text.slice(0, VALUE_LETTERS_MAX)} …` : text}</span>
  );
}

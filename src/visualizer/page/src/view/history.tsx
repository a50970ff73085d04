/** The journal of one actor, newest first: what came, from whom, where it led, what it set in motion. */
import { useMemo, useState } from 'react';
import type { EffectHistory, HistoryEntry } from '../answers.ts';
import type { FocusContext } from '../focus.ts';
import { eventNames, settled } from '../past.ts';
import { momentHref } from '../route.ts';
import { spoken } from '../rows.ts';
import { Moment } from './age.tsx';
import { Anchor, Name } from './anchor.tsx';
import { JsonText } from './json.tsx';

export function History({ focus, onOlder }: { focus: FocusContext; onOlder: () => void }) {
  const { entries, shown, reading } = focus;
  const steps = useMemo(() => settled(entries, shown?.outbox ?? []).toReversed(), [entries, shown]);
  const oldest = entries[0]?.seq ?? 1;
  return (
    <section className="history" aria-label="History">
      <h2>
        History <span className="quiet">{shown?.seq ?? entries.length} steps</span>
      </h2>
      <ol reversed>
        {steps.map((entry) => (
          <Step key={entry.seq} entry={entry} />
        ))}
      </ol>
      {oldest > 1 ? (
        <button type="button" className="more" disabled={reading} onClick={onOlder}>
          {reading ? 'Reading …' : `Show older than ${oldest}`}
        </button>
      ) : null}
    </section>
  );
}

function Step({ entry }: { entry: HistoryEntry }) {
  const [isOpen, setOpen] = useState(false);
  const { seq, at, envelope, effects, outcome } = entry;
  const from = entry.before?.phase;
  const to = entry.after?.phase ?? '';
  return (
    <li className="step" data-seq={seq} data-outcome={outcome}>
      <details onToggle={(event) => setOpen(event.currentTarget.open)}>
        <summary>
          <span className="step__seq">{seq}</span>
          <Moment at={at} />
          <span className="step__event">{eventNames(entry).join(', ')}</span>
          <span className="step__source">{envelope.source === entry.actor ? 'itself' : envelope.source}</span>
          <span className="step__phase">
            {from === undefined || from === to ? (
              <span className="quiet">{spoken(to)}</span>
            ) : (
              <>
                <span className="quiet">{spoken(from)} →</span> {spoken(to)}
              </>
            )}
          </span>
          <span className="step__effects">
            {effects.map((effect) => (
              <Effect key={effect.key} effect={effect} />
            ))}
          </span>
        </summary>
        {isOpen ? <StepWhole entry={entry} /> : null}
      </details>
    </li>
  );
}

function Effect({ effect: { name, state } }: { effect: EffectHistory }) {
  // A tell is done with the step that wished it: saying so each time would be noise.
  const isPlain = state === 'done' || name.startsWith('cancel:');
  return (
    <span className="effect" data-state={state}>
      {name}
      {isPlain ? null : <span className="effect__state"> {state}</span>}
    </span>
  );
}

function StepWhole({ entry }: { entry: HistoryEntry }) {
  const { envelope, effects } = entry;
  return (
    <div className="step__whole">
      <p>
        <Anchor href={momentHref(entry.actor, entry.seq)}>Show this moment</Anchor>
      </p>
      <dl className="facts">
        <dt>event</dt>
        <dd className="name">{envelope.type}</dd>
        <dt>id</dt>
        <dd className="name">{envelope.id}</dd>
        {envelope.causationid === undefined ? null : (
          <>
            <dt>caused by</dt>
            <dd className="name">{envelope.causationid}</dd>
          </>
        )}
        <dt>outcome</dt>
        <dd>
          {entry.outcome}
          {entry.owner === null ? null : (
            <>
              , owner <Name of={entry.owner} />
            </>
          )}
          {entry.epoch === null ? null : `, epoch ${entry.epoch}`}
        </dd>
      </dl>
      <JsonText value={envelope.data} label="Data of the envelope" />
      {effects.length === 0 ? null : (
        <ul className="step__wishes">
          {effects.map((effect) => (
            <li key={effect.key}>
              <span className="name">{effect.name}</span>
              {effect.to === undefined ? null : (
                <>
                  {' '}
                  to <Name of={effect.to} />
                </>
              )}{' '}
              <span className="quiet">{effect.state}</span>
              {effect.params === undefined ? null : (
                <JsonText value={effect.params} label={`Parameters of ${effect.name}`} />
              )}
              {effect.answer === undefined ? null : (
                <JsonText value={effect.answer} label={`Answer to ${effect.name}`} />
              )}
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}

/** What comes in and what did not get through: health, each source, deliveries, dead letters, the runtime's numbers. */
import { useCallback, useEffect, useState } from 'react';
import type { SourceSight } from '../answers.ts';
import type { Answered } from '../ask.ts';
import { pointsOf, sampleOf, SAMPLES_MAX } from '../plots.ts';
import type { Sample } from '../plots.ts';
import { spoken } from '../rows.ts';
import { Age } from './age.tsx';
import { Part, useAsked } from './asked.tsx';
import { DeadLetters } from './dead-letters.tsx';
import { Deliveries } from './deliveries.tsx';
import { JsonText } from './json.tsx';
import { usePage } from './use.ts';

export function BusView() {
  return (
    <article className="bus" aria-label="Bus">
      <h1>Bus</h1>
      <HealthPart />
      <DeadLetters />
      <Metrics />
      <Deliveries />
    </article>
  );
}

function HealthPart() {
  const { value, problem } = useAsked(usePage().ask.health);
  const { ready, reasons = [], notes = [], sources = {}, ...others } = value ?? {};
  return (
    <Part title="Health" problem={problem}>
      {value === null ? null : (
        <>
          <p className="phase" data-tone={ready === true ? 'moving' : 'wrong'}>
            {ready === true ? 'everything moves' : 'not ready'}
          </p>
          {[...reasons, ...notes].map((text) => (
            <p key={text}>{text}</p>
          ))}
          <ul className="sources" aria-label="Sources">
            {Object.entries(sources).map(([name, sight]) =>
              sight === undefined ? null : <Source key={name} name={name} sight={sight} />,
            )}
          </ul>
          <details className="json">
            <summary>In detail</summary>
            <JsonText value={others} label="Health in detail" />
          </details>
        </>
      )}
    </Part>
  );
}

const SOURCE_TONES = { live: 'moving', healed: 'over', lagging: 'needed', gap: 'wrong' } as const;
const SOURCE_MEANS = {
  live: 'nothing was missed',
  healed: 'what was missing has been taken',
  lagging: 'it could not be asked: not known',
  gap: 'something that was sent did not come, and is being fetched',
} as const;

function Source({ name, sight }: { name: string; sight: SourceSight }) {
  const { state, since, reason, lastHookAt, sweptAt, missing, recovered } = sight;
  return (
    <li className="source" data-source={name} data-state={state}>
      <strong>{name}</strong>
      <span className="phase" data-tone={SOURCE_TONES[state]}>
        {state}
      </span>
      <span>
        {SOURCE_MEANS[state]}, for <Age since={since} />
      </span>
      <span className="quiet">
        {lastHookAt === null ? (
          'no delivery yet'
        ) : (
          <>
            last delivery <Age since={lastHookAt} /> ago
          </>
        )}
        {sweptAt === null ? null : (
          <>
            , looked through <Age since={sweptAt} /> ago
          </>
        )}
        {missing === 0 ? null : `, ${missing} missing`}
        {recovered === 0 ? null : `, ${recovered} fetched since the start`}
      </span>
      {reason === null ? null : <span className="source__reason">{reason}</span>}
    </li>
  );
}

/** What is drawn above, source by source. */
const DRAWN_ABOVE = /^chartroom_source/;

function Metrics() {
  const { ask, ticker } = usePage();
  const sample = useCallback(async (): Promise<Answered<Sample>> => {
    const answer = await ask.metrics();
    return answer.ok ? { ok: true, value: sampleOf(answer.value, ticker.nowMs()) } : answer;
  }, [ask, ticker]);
  const { value, problem } = useAsked(sample);
  const [samples, setSamples] = useState<Sample[]>([]);
  useEffect(() => {
    if (value !== null) setSamples((known) => [...known, value].slice(-SAMPLES_MAX));
  }, [value]);
  const names = [...(samples.at(-1)?.values.keys() ?? [])].filter(
    (name) => name.startsWith('chartroom_') && !DRAWN_ABOVE.test(name),
  );
  return (
    <Part title="Numbers" problem={problem}>
      <div className="plots">
        {names.map((name) => {
          const { now, points } = pointsOf(samples, name);
          const isTotal = name.endsWith('_total');
          const label = spoken(name.replace('chartroom_', '').replace('_total', ''));
          return (
            <figure key={name} className="plot">
              <figcaption>
                {label}
                <span className="plot__now">
                  {now < 10 ? Math.round(now * 10) / 10 : Math.round(now)}
                  {isTotal ? '/s' : ''}
                </span>
              </figcaption>
              <svg viewBox="0 0 100 24" preserveAspectRatio="none" aria-hidden="true">
                <polyline points={points} />
              </svg>
            </figure>
          );
        })}
      </div>
    </Part>
  );
}

/** What comes in and what did not get through: health, deliveries, dead letters, and the runtime's numbers. */
import { useEffect, useState } from 'react';
import type { ReactNode } from 'react';
import type { DeadAnswer, HookLine, HookWhole, Receipt } from '../answers.ts';
import type { Answered, Failure } from '../ask.ts';
import { letterOf } from '../letters.ts';
import { pointsOf, sampleOf, SAMPLES_MAX } from '../plots.ts';
import type { Sample } from '../plots.ts';
import { spoken } from '../rows.ts';
import { Moment } from './age.tsx';
import { Name } from './anchor.tsx';
import { JsonText } from './json.tsx';
import { Notice } from './notice.tsx';
import { usePage } from './use.ts';

export function BusView() {
  return (
    <article className="bus" aria-label="Bus">
      <h1>Bus</h1>
      <Health />
      <Metrics />
      <Letters />
      <Hooks />
    </article>
  );
}

/** Asked again while it is looked at. */
const EVERY_TICKS = 5;

function useAsked<Value>(
  ask: () => Promise<Answered<Value>>,
  isPolled = true,
): {
  value: Value | null;
  problem: Failure | null;
  again: () => void;
} {
  const { ticker } = usePage();
  const [value, setValue] = useState<Value | null>(null);
  const [problem, setProblem] = useState<Failure | null>(null);
  const [count, setCount] = useState(0);
  useEffect(() => {
    let isWanted = true;
    let ticks = 0;
    const read = (): void => {
      void ask().then((answer) => {
        if (!isWanted) return;
        setProblem(answer.ok ? null : answer);
        if (answer.ok) setValue(answer.value);
      });
    };
    read();
    const leave = ticker.subscribe(() => {
      ticks += 1;
      if (isPolled && ticks % EVERY_TICKS === 0) read();
    });
    return () => {
      isWanted = false;
      leave();
    };
  }, [ask, isPolled, ticker, count]);
  return { value, problem, again: () => setCount(count + 1) };
}

function Part({ title, problem, children }: { title: string; problem: Failure | null; children: ReactNode }) {
  return (
    <section className="bus__part" aria-label={title}>
      <h2>{title}</h2>
      {problem === null ? children : <Notice problem={problem} />}
    </section>
  );
}

function Health() {
  const { value, problem } = useAsked(usePage().ask.health);
  const { ready, reasons, notes, ...others } = value ?? {};
  const said = [...texts(reasons), ...texts(notes)];
  return (
    <Part title="Health" problem={problem}>
      {value === null ? null : (
        <>
          <p className="phase" data-tone={ready === true ? 'moving' : 'wrong'}>
            {ready === true ? 'everything moves' : 'not ready'}
          </p>
          {said.map((text) => (
            <p key={text}>{text}</p>
          ))}
          {Object.keys(others).length === 0 ? null : (
            <details className="json">
              <summary>In detail</summary>
              <JsonText value={others} label="Health in detail" />
            </details>
          )}
        </>
      )}
    </Part>
  );
}

const texts = (value: unknown): string[] =>
  Array.isArray(value) ? value.map((part) => (typeof part === 'string' ? part : JSON.stringify(part))) : [];

function Metrics() {
  const page = usePage();
  const { value, problem } = useAsked(page.ask.metrics);
  const [samples, setSamples] = useState<Sample[]>([]);
  useEffect(() => {
    if (value !== null) setSamples((known) => [...known, sampleOf(value, page.ticker.nowMs())].slice(-SAMPLES_MAX));
  }, [value, page]);
  const names = [...(samples.at(-1)?.values.keys() ?? [])].filter((name) => name.startsWith('chartroom_'));
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

function Letters() {
  const { ask } = usePage();
  const { value, problem, again } = useAsked(ask.dead);
  const letters = value?.letters ?? [];
  return (
    <Part title="Dead letters" problem={problem}>
      {value !== null && letters.length === 0 ? <p className="quiet">None.</p> : null}
      <ul>
        {letters.map((letter, index) => (
          <Letter key={`${letter.envelope.id} ${index}`} letter={letter} onSent={again} />
        ))}
      </ul>
    </Part>
  );
}

function Letter({
  letter: { envelope, receipt },
  onSent,
}: {
  letter: DeadAnswer['letters'][number];
  onSent: () => void;
}) {
  const { ask } = usePage();
  const [sent, setSent] = useState<Answered<Receipt> | null>(null);
  async function resend(): Promise<void> {
    const { subject, type, data, expectepoch } = envelope;
    setSent(await ask.send(letterOf({ subject, type, data, expectepoch, causationid: envelope.id })));
    onSent();
  }
  return (
    <li className="line" data-letter={envelope.id}>
      <Moment at={receipt.at} />
      <span className="name">{envelope.type}</span>
      <Name of={receipt.actor} />
      <span>
        {receipt.outcome}: {receipt.reason ?? receipt.code ?? ''}
      </span>
      <span className="line__acts">
        <button type="button" onClick={() => void resend()}>
          Resend
        </button>
      </span>
      {sent === null ? null : (
        <p role="status" className="line__whole">
          {sent.ok
            ? `${sent.value.outcome}${sent.value.reason === null ? '' : `: ${sent.value.reason}`}`
            : sent.message}
        </p>
      )}
      <details className="json line__whole">
        <summary>Envelope from {envelope.source}</summary>
        <JsonText value={envelope} label="Envelope" />
      </details>
    </li>
  );
}

function Hooks() {
  const { ask } = usePage();
  const { value, problem, again } = useAsked(ask.hooks, false);
  const hooks = value?.hooks ?? [];
  return (
    <Part title="Deliveries" problem={problem}>
      <button type="button" onClick={again}>
        Look again
      </button>
      {value !== null && hooks.length === 0 ? <p className="quiet">None lies in the stream.</p> : null}
      <ul>
        {hooks.map((hook) => (
          <Hook key={hook.seq} hook={hook} onSent={again} />
        ))}
      </ul>
    </Part>
  );
}

function Hook({ hook, onSent }: { hook: HookLine; onSent: () => void }) {
  const { ask } = usePage();
  const [whole, setWhole] = useState<Answered<HookWhole> | null>(null);
  const [said, setSaid] = useState<string | null>(null);
  async function redeliver(): Promise<void> {
    const answer = await ask.redeliver(hook.delivery);
    setSaid(answer.ok ? `delivered again as ${answer.value.delivery}` : answer.message);
    onSent();
  }
  return (
    <li className="line" data-hook={hook.seq}>
      <Moment at={hook.receivedAt} />
      <span className="name">{hook.subject}</span>
      <span className="name quiet">{hook.delivery}</span>
      <span className="line__acts">
        <button type="button" onClick={() => void redeliver()}>
          Redeliver
        </button>
      </span>
      {said === null ? null : (
        <p role="status" className="line__whole">
          {said}
        </p>
      )}
      <details
        className="json line__whole"
        onToggle={(event) => {
          if (event.currentTarget.open && whole === null) void ask.hook(hook.seq).then(setWhole);
        }}
      >
        <summary>Payload</summary>
        {whole === null ? null : whole.ok ? (
          <JsonText value={whole.value.body} label="Payload" />
        ) : (
          <p>{whole.message}</p>
        )}
      </details>
    </li>
  );
}

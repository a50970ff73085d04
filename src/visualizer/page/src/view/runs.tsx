/** The runs of an agent or session, and what the chosen one puts out, as it comes. */
import { useEffect, useRef, useState } from 'react';
import type { RunLine } from '../answers.ts';
import type { Failure } from '../ask.ts';
import { Moment } from './age.tsx';
import { Name } from './anchor.tsx';
import { Notice } from './notice.tsx';
import { usePage } from './use.ts';

/** Beyond this the beginning is dropped: it lies in the log. */
const LETTERS_MAX = 200_000;

export function Runs({ address, seq }: { address: string; seq: number }) {
  const { ask } = usePage();
  const [runs, setRuns] = useState<RunLine[]>([]);
  const [chosen, setChosen] = useState<string | null>(null);
  useEffect(() => {
    let isWanted = true;
    void ask.runs(address).then((answer) => {
      if (isWanted && answer.ok) setRuns(answer.value.runs);
    });
    return () => {
      isWanted = false;
    };
  }, [ask, address, seq]);
  if (runs.length === 0) return null;
  return (
    <section className="runs" aria-label="Runs">
      <h2>Runs</h2>
      <ul>
        {runs.map((run) => (
          <li key={run.run} className="line">
            {run.startedAt === null ? null : <Moment at={run.startedAt} />}
            <button
              type="button"
              className="event__name name"
              aria-expanded={chosen === run.run}
              onClick={() => setChosen(chosen === run.run ? null : run.run)}
            >
              {run.run}
            </button>
            <Name of={run.agent} />
            <span className="quiet">
              {run.driver}, {run.ended ?? 'running'}
            </span>
            {chosen === run.run ? <Output run={run.run} /> : null}
          </li>
        ))}
      </ul>
    </section>
  );
}

function Output({ run }: { run: string }) {
  const { ask, ticker } = usePage();
  const [text, setText] = useState('');
  const [problem, setProblem] = useState<Failure | null>(null);
  const box = useRef<HTMLPreElement>(null);
  useEffect(() => {
    let isWanted = true;
    let isReading = false;
    let isOver = false;
    let next = 0;
    const read = async (): Promise<void> => {
      if (isReading || isOver) return;
      isReading = true;
      const answer = await ask.output(run, next);
      isReading = false;
      if (!isWanted) return;
      setProblem(answer.ok ? null : answer);
      if (!answer.ok) return;
      const { text: more, ended } = answer.value;
      // It ended and has nothing more to say.
      isOver = ended && more === '';
      next = answer.value.next;
      if (more === '') return;
      setText((known) => (known + more).slice(-LETTERS_MAX));
      void read();
    };
    void read();
    const leave = ticker.subscribe(() => void read());
    return () => {
      isWanted = false;
      leave();
    };
  }, [ask, ticker, run]);
  useEffect(() => {
    // Whoever reads further up is left there.
    const element = box.current;
    if (element !== null && element.scrollHeight - element.scrollTop - element.clientHeight < 200)
      element.scrollTop = element.scrollHeight;
  }, [text]);
  if (problem !== null) return <Notice problem={problem} />;
  return (
    <pre ref={box} className="line__whole" tabIndex={0} aria-label={`Output of ${run}`}>
      {text === '' ? 'Nothing was put out yet.' : text}
    </pre>
  );
}

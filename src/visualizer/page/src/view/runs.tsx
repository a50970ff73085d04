/** The runs of an agent or session, and what the chosen one puts out, as it comes. */
import { useEffect, useMemo, useRef, useState } from 'react';
import type { RunLine } from '../answers.ts';
import type { Failure } from '../ask.ts';
import { linesOf } from '../output.ts';
import { actorHref, runHref } from '../route.ts';
import { Moment } from './age.tsx';
import { Anchor, Name } from './anchor.tsx';
import { Notice } from './notice.tsx';
import { usePage } from './use.ts';

/** Beyond this the beginning is dropped: it lies in the log. */
const LETTERS_MAX = 200_000;
const LINES_MAX = 1_000;

/** Newest first; looked for again at each step of the actor. */
export function useRuns(address: string, seq: number | undefined): RunLine[] {
  const { ask } = usePage();
  const [runs, setRuns] = useState<RunLine[]>([]);
  useEffect(() => {
    let isWanted = true;
    void ask.runs(address).then((answer) => {
      if (isWanted && answer.ok) setRuns(answer.value.runs);
    });
    return () => {
      isWanted = false;
    };
  }, [ask, address, seq]);
  return runs;
}

export function Runs({ address, runs, chosen }: { address: string; runs: RunLine[]; chosen: string | null }) {
  if (runs.length === 0 && chosen === null) return null;
  return (
    <section className="runs" aria-label="Runs">
      <h2>Runs</h2>
      {chosen === null || runs.some(({ run }) => run === chosen) ? null : <Output key={chosen} run={chosen} />}
      <ul>
        {runs.map((run) => (
          <li key={run.run} className="line" data-run={run.run}>
            {run.startedAt === null ? <span /> : <Moment at={run.startedAt} />}
            <Anchor
              href={chosen === run.run ? actorHref(address) : runHref(address, run.run)}
              className="name"
              isCurrent={chosen === run.run}
              isToggle
            >
              {run.run}
            </Anchor>
            {run.agent === address && run.session !== null ? <Name of={run.session} /> : <Name of={run.agent} />}
            <span
              className="phase"
              data-tone={run.ended === null ? 'moving' : run.ended === 'crash' ? 'wrong' : 'over'}
            >
              {run.driver}, {run.ended ?? 'running'}
            </span>
            {chosen === run.run ? <Output key={run.run} run={run.run} /> : null}
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
  const box = useRef<HTMLDivElement>(null);
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
  const lines = useMemo(() => linesOf(text), [text]);
  if (problem !== null) return <Notice problem={problem} missing="There is no such run" />;
  return (
    <div ref={box} className="log line__whole" role="log" tabIndex={0} aria-label={`Output of ${run}`}>
      <ol>
        {lines.length === 0 ? <li className="quiet">Nothing was put out yet.</li> : null}
        {lines.slice(-LINES_MAX).map((line, index) => (
          <li
            key={Math.max(0, lines.length - LINES_MAX) + index}
            className="log__line"
            data-kind={line.kind ?? undefined}
          >
            {line.at === null ? null : <Moment at={line.at} />}
            <span className="log__kind">{line.kind ?? ''}</span>
            <span className="log__text">{line.text}</span>
          </li>
        ))}
      </ol>
    </div>
  );
}

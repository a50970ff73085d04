/** A part of a view that is one answer of the runtime, asked again while somebody looks. */
import { useEffect, useState } from 'react';
import type { ReactNode } from 'react';
import type { Answered, Failure } from '../ask.ts';
import { Notice } from './notice.tsx';
import { usePage } from './use.ts';

/** Asked again while it is looked at. */
const EVERY_TICKS = 5;

export function useAsked<Value>(
  ask: () => Promise<Answered<Value>>,
  everyTicks = EVERY_TICKS,
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
      if (ticks % everyTicks === 0) read();
    });
    return () => {
      isWanted = false;
      leave();
    };
  }, [ask, everyTicks, ticker, count]);
  return { value, problem, again: () => setCount(count + 1) };
}

export function Part({ title, problem, children }: { title: string; problem: Failure | null; children: ReactNode }) {
  return (
    <section className="bus__part" aria-label={title}>
      <h2>{title}</h2>
      {problem === null ? children : <Notice problem={problem} />}
    </section>
  );
}

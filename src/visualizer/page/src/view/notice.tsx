/** What went wrong, said in the place where the thing would be. */
import type { ReactNode } from 'react';
import type { Failure } from '../ask.ts';
import { usePage } from './use.ts';

const TITLES: Record<Failure['why'], string> = {
  unknown: 'Nobody of that name',
  locked: 'A token is needed',
  away: 'The runtime does not answer',
  refused: 'The runtime refused to answer',
};

export function Notice({ problem, children }: { problem: Failure; children?: ReactNode }) {
  const page = usePage();
  return (
    <div className="notice" role="alert" data-why={problem.why}>
      <h2>{TITLES[problem.why]}</h2>
      <p>{problem.message}</p>
      {children}
      {problem.why === 'unknown' ? null : (
        <button type="button" onClick={() => page.retry()}>
          Try again
        </button>
      )}
    </div>
  );
}

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

interface NoticeProps {
  problem: Failure;
  /** Says what is not there, where it is no actor. */
  missing?: string;
  children?: ReactNode;
}

export function Notice({ problem, missing, children }: NoticeProps) {
  const page = usePage();
  return (
    <div className="notice" role="alert" data-why={problem.why}>
      <h2>{problem.why === 'unknown' && missing !== undefined ? missing : TITLES[problem.why]}</h2>
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

/** A phase: a dot in the colour of what it means, and its word. */
import type { IndexRow } from '../answers.ts';
import { spoken, toneOf } from '../rows.ts';

export function Phase({ of }: { of: Pick<IndexRow, 'phase' | 'final' | 'waitingOn'> }) {
  return (
    <span className="phase" data-tone={toneOf(of)}>
      {spoken(of.phase)}
    </span>
  );
}

/** One thing an actor waits on, as a sentence that counts. */
import type { WaitingOn } from '../answers.ts';
import { gateSentence, untilWord } from '../wait.ts';
import { Age, Until } from './age.tsx';
import { Name } from './anchor.tsx';

export function WaitLine({ wait, of }: { wait: WaitingOn; of: string }) {
  return (
    <>
      <span className="wait__sentence">
        {gateSentence(wait)}
        <Mover wait={wait} of={of} />
      </span>{' '}
      <span className="wait__time">
        for <Age since={wait.since} />
        {wait.until === null ? null : (
          <>
            , {untilWord(wait)} <Until until={wait.until} over="now" />
          </>
        )}
      </span>{' '}
      {wait.detail === '' ? null : <span className="wait__detail">{wait.detail}</span>}
    </>
  );
}

/** Gates that somebody fills; that nobody has a slot or a check is no news. */
const FILLED = new Set<WaitingOn['gate']>(['agent', 'review', 'human', 'dependency']);

/** Who must move: a link, nobody, or the actor itself, which need not be said. */
function Mover({ wait: { gate, on }, of }: { wait: WaitingOn; of: string }) {
  if (on === of) return null;
  if (on === null) return FILLED.has(gate) ? ', nobody has it' : null;
  return (
    <>
      , on <Name of={on} />
    </>
  );
}

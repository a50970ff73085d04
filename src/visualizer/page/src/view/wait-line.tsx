/** One thing an actor waits on, as a sentence that counts. */
import type { WaitingOn } from '../answers.ts';
import { gateSentence } from '../wait.ts';
import { Age, Until } from './age.tsx';
import { Name } from './anchor.tsx';

export function WaitLine({ wait }: { wait: WaitingOn }) {
  return (
    <>
      <span className="wait__sentence">
        {gateSentence(wait)}
        {wait.on === null ? (
          ', nobody has it'
        ) : (
          <>
            , on <Name of={wait.on} />
          </>
        )}
      </span>
      {wait.detail === '' ? null : <span className="wait__detail">: {wait.detail}</span>}
      <span className="wait__time">
        for <Age since={wait.since} />
        {wait.until === null ? null : (
          <>
            , gives up <Until until={wait.until} />
          </>
        )}
      </span>
    </>
  );
}

/** A receipt for people, given or foretold: where it led, what it sets in motion, what is waited for then. */
import type { Foretold, Receipt } from '../answers.ts';
import { movesOf } from '../moment.ts';
import { spoken } from '../rows.ts';
import { Until } from './age.tsx';
import { Name } from './anchor.tsx';
import { Json } from './json.tsx';
import { WaitLine } from './wait-line.tsx';

export const isThrough = ({ outcome }: Receipt): boolean => outcome === 'taken' || outcome === 'recorded';

interface OutcomeProps {
  receipt: Receipt;
  /** Null: it has happened; the history tells the rest. */
  foretold: Foretold | null;
  address: string;
}

export function Outcome({ receipt, foretold, address }: OutcomeProps) {
  const { outcome, before, after, reason, code, seq } = receipt;
  const said = foretold === null ? `${outcome}${seq === null ? '' : ` as step ${seq}`}` : `Would be ${outcome}`;
  return (
    <div className="outcome" role="status" data-outcome={outcome} data-preview={foretold === null ? undefined : ''}>
      <p>
        <strong>{said}</strong>
        {isThrough(receipt) ? null : `: ${reason ?? code ?? ''}${code === null ? '' : ` (${code})`}`}
      </p>
      {isThrough(receipt) && after !== null ? (
        <dl className="facts">
          <dt>phase</dt>
          <dd>
            {before === null || before.phase === after.phase
              ? `stays ${spoken(after.phase)}`
              : `${spoken(before.phase)} → ${spoken(after.phase)}`}
          </dd>
          <dt>states</dt>
          <dd className="name">{moves(receipt)}</dd>
          {foretold === null ? <Effects effects={receipt.effects} /> : <Consequences of={foretold} />}
          <dt>then waits on</dt>
          <dd>
            {receipt.waitingOn.length === 0
              ? 'nothing'
              : receipt.waitingOn.map((wait) => (
                  <p key={`${wait.gate} ${wait.on ?? ''} ${wait.detail}`}>
                    <WaitLine wait={wait} of={address} />
                  </p>
                ))}
          </dd>
        </dl>
      ) : null}
    </div>
  );
}

function moves({ before, after }: Receipt): string {
  const { left, entered } = movesOf(before?.value ?? null, after!.value);
  return left.length + entered.length === 0 ? '–' : `${left.join(', ')} → ${entered.join(', ')}`;
}

function Effects({ effects }: { effects: string[] }) {
  return (
    <>
      <dt>effects</dt>
      <dd className="name">{effects.join(', ') || '–'}</dd>
    </>
  );
}

function Assignment({ of: { owner, epoch } }: { of: NonNullable<Foretold['assignment']> }) {
  return (
    <>
      <dt>owner</dt>
      <dd>
        <span className="name">{owner.before ?? 'nobody'}</span> →{' '}
        <span className="name">{owner.after ?? 'nobody'}</span>
        <span className="quiet">
          {' '}
          epoch {epoch.before ?? '–'} → {epoch.after ?? '–'}
        </span>
      </dd>
    </>
  );
}

/** Who would own it, whom it would tell what, what it would do, which timers it would set and take away. */
function Consequences({ of: { tells, acts, timers, assignment } }: { of: Foretold }) {
  return (
    <>
      {assignment === null ? null : <Assignment of={assignment} />}
      <dt>acts</dt>
      <dd>
        {acts.length === 0 ? '–' : null}
        {acts.map(({ act, params }, index) => (
          <Json key={`${act} ${index}`} value={params} label={act} />
        ))}
      </dd>
      <dt>messages</dt>
      <dd>
        {tells.length === 0 ? '–' : null}
        {tells.map(({ to, type, data }, index) => (
          <div key={`${to} ${type} ${index}`}>
            <span className="name">{type}</span> to <Name of={to} />
            {Object.keys(data).length === 0 ? null : <Json value={data} label="Its data" />}
          </div>
        ))}
      </dd>
      <dt>timers</dt>
      <dd>
        {timers.set.length + timers.cleared.length === 0 ? '–' : null}
        {timers.set.map(({ timer, due }) => (
          <p key={timer}>
            <span className="name">{timer}</span> <Until until={due} over="now" />
          </p>
        ))}
        {timers.cleared.map((timer) => (
          <p key={timer}>
            <del className="name">{timer}</del> <span className="quiet">taken away</span>
          </p>
        ))}
      </dd>
    </>
  );
}

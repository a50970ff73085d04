/** The ledger of a mission: what happened to it and to its sessions, what was refused too, newest first. */
import { useEffect, useState } from 'react';
import type { HistoryAnswer, HistoryEntry } from '../answers.ts';
import type { Answered } from '../ask.ts';
import { eventNames } from '../past.ts';
import { momentHref } from '../route.ts';
import { spoken } from '../rows.ts';
import { Moment } from './age.tsx';
import { Anchor, Name } from './anchor.tsx';
import { Notice } from './notice.tsx';
import { usePage } from './use.ts';

export function Ledger({ mission, seq }: { mission: string; seq: number }) {
  const { ask } = usePage();
  const [answer, setAnswer] = useState<Answered<HistoryAnswer> | null>(null);
  useEffect(() => {
    let isWanted = true;
    void ask.ledger(mission).then((told) => {
      if (isWanted) setAnswer(told);
    });
    return () => {
      isWanted = false;
    };
  }, [ask, mission, seq]);
  if (answer === null) return <p className="quiet">Reading the ledger …</p>;
  if (!answer.ok) return <Notice problem={answer} />;
  return (
    <div className="items" role="region" aria-label="Ledger" tabIndex={0}>
      <table>
        <thead>
          <tr>
            {['at', 'actor', 'event', 'from', 'outcome', 'phase'].map((name) => (
              <th key={name} scope="col">
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {answer.value.entries.toReversed().map((entry) => (
            <Row key={`${entry.actor} ${entry.seq} ${entry.envelope.id}`} entry={entry} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Row({ entry }: { entry: HistoryEntry }) {
  const { actor, seq, at, envelope, outcome, reason, code, before, after } = entry;
  const phase = after?.phase ?? '';
  return (
    <tr data-entry={`${actor} ${seq}`} data-outcome={outcome}>
      <td>
        <Moment at={at} />
      </td>
      <th scope="row">
        <Name of={actor} />
      </th>
      <td className="name">{eventNames(entry).join(', ')}</td>
      <td>{envelope.source === actor ? 'itself' : envelope.source}</td>
      <td>
        {seq === 0 ? (
          `${outcome}: ${reason ?? code ?? ''}`
        ) : (
          <Anchor href={momentHref(actor, seq)}>
            {outcome} as step {seq}
          </Anchor>
        )}
      </td>
      <td>{before?.phase === phase ? '' : spoken(phase)}</td>
    </tr>
  );
}

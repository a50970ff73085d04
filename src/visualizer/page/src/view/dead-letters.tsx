/** Letters that were not taken: why, and sent again under a new id. */
import { useState } from 'react';
import type { DeadAnswer, Receipt } from '../answers.ts';
import type { Answered } from '../ask.ts';
import { letterOf } from '../letters.ts';
import { Moment } from './age.tsx';
import { Name } from './anchor.tsx';
import { Part, useAsked } from './asked.tsx';
import { JsonText } from './json.tsx';
import { usePage } from './use.ts';

export function DeadLetters() {
  const { ask } = usePage();
  const { value, problem, again } = useAsked(ask.dead);
  const letters = value?.letters ?? [];
  return (
    <Part title="Dead letters" problem={problem}>
      {value !== null && letters.length === 0 ? <p className="quiet">None.</p> : null}
      <ul>
        {letters.map((letter, index) => (
          <Letter key={`${letter.envelope.id} ${index}`} letter={letter} onSent={again} />
        ))}
      </ul>
    </Part>
  );
}

function Letter({
  letter: { envelope, receipt },
  onSent,
}: {
  letter: DeadAnswer['letters'][number];
  onSent: () => void;
}) {
  const { ask } = usePage();
  const [sent, setSent] = useState<Answered<Receipt> | null>(null);
  async function resend(): Promise<void> {
    const { subject, type, data, expectepoch } = envelope;
    setSent(await ask.send(letterOf({ subject, type, data, expectepoch, causationid: envelope.id })));
    onSent();
  }
  return (
    <li className="line" data-letter={envelope.id}>
      <Moment at={receipt.at} />
      <span className="name">{envelope.type}</span>
      <Name of={receipt.actor} />
      <span>
        {receipt.outcome}: {receipt.reason ?? receipt.code ?? ''}
      </span>
      <span className="line__acts">
        <button type="button" onClick={() => void resend()}>
          Resend
        </button>
      </span>
      {sent === null ? null : (
        <p role="status" className="line__whole">
          {sent.ok
            ? `${sent.value.outcome}${sent.value.reason === null ? '' : `: ${sent.value.reason}`}`
            : sent.message}
        </p>
      )}
      <details className="json line__whole">
        <summary>Envelope from {envelope.source}</summary>
        <JsonText value={envelope} label="Envelope" />
      </details>
    </li>
  );
}

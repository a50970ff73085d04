/** What waits in an actor's mailbox and has not been taken: held because it is parked or the runtime cannot keep up. */
import { useEffect, useState } from 'react';
import type { MailAnswer } from '../answers.ts';
import type { Answered } from '../ask.ts';
import { Json } from './json.tsx';
import { Part } from './particulars.tsx';
import { usePage } from './use.ts';

export function Mailbox({ address, count }: { address: string; count: number }) {
  const { ask } = usePage();
  const [mail, setMail] = useState<Answered<MailAnswer> | null>(null);
  useEffect(() => {
    let isWanted = true;
    void ask.mail(address).then((answer) => {
      if (isWanted) setMail(answer);
    });
    return () => {
      isWanted = false;
    };
  }, [ask, address, count]);
  return (
    <Part title={`Mailbox, ${count} waiting`} count={count}>
      {mail === null || mail.ok ? null : <li>{mail.message}</li>}
      {mail?.ok === true
        ? mail.value.waiting.map(({ envelope }) => (
            <li key={envelope.id} data-waiting={envelope.id}>
              <span className="name">{envelope.type}</span> <span className="quiet">from {envelope.source}</span>
              <Json value={envelope} label="Envelope" />
            </li>
          ))
        : null}
    </Part>
  );
}

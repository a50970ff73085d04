/** How the link to the runtime stands; where it is broken, what that means for what one sees. */
import { useState } from 'react';
import type { FormEvent } from 'react';
import { troublesOf } from '../health.ts';
import { BUS_HREF } from '../route.ts';
import { duration } from '../wait.ts';
import { Anchor } from './anchor.tsx';
import { useAsked } from './asked.tsx';
import { useLink, usePage, useTimed } from './use.ts';

export function Connection() {
  const link = useLink();
  const text = { connecting: 'connecting', live: 'live', away: 'not connected', locked: 'locked' }[link.state];
  return (
    <span className="connection" data-state={link.state} role="status">
      {text}
    </span>
  );
}

export function LinkNotice() {
  const link = useLink();
  if (link.state === 'away') return <AwayNotice sinceMs={link.sinceMs} />;
  if (link.state === 'locked') return <TokenForm rejected={link.rejected} />;
  return null;
}

/** Asked of now and then on every view: whoever looks at one actor must hear that nothing comes in any more. */
const HEALTH_EVERY_TICKS = 15;

/** What a person has to know of the runtime as a whole, wherever they are. */
export function HealthNotice() {
  const { ask } = usePage();
  const link = useLink();
  const { value } = useAsked(ask.health, HEALTH_EVERY_TICKS);
  if (value === null || link.state !== 'live') return null;
  const troubles = troublesOf(value);
  if (troubles.length === 0) return null;
  return (
    <aside className="banner" aria-label="Health" data-health="">
      <p>
        <strong>{value.ready ? 'A source is not whole.' : 'Not everything moves.'}</strong> {troubles.join('; ')}.
      </p>
      <Anchor href={BUS_HREF}>Look at the bus</Anchor>
    </aside>
  );
}

function AwayNotice({ sinceMs }: { sinceMs: number }) {
  const page = usePage();
  const age = useTimed((nowMs) => duration(nowMs - sinceMs));
  return (
    <aside className="banner" aria-label="Connection">
      <p>
        <strong>The runtime has not answered for {age}.</strong> What you see is how things stood then; it goes on where
        it was as soon as the runtime is back.
      </p>
      <button type="button" onClick={() => page.retry()}>
        Try now
      </button>
    </aside>
  );
}

function TokenForm({ rejected }: { rejected: boolean }) {
  const page = usePage();
  const [token, setToken] = useState('');
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    page.unlock(token.trim());
  };
  return (
    <form className="banner" onSubmit={submit} aria-label="Token">
      <label htmlFor="token">
        <strong>{rejected ? 'That token is not the one.' : 'This runtime asks for its token.'}</strong> It is{' '}
        <code>operator.token</code> of its configuration, and is kept only as long as this tab is open.
      </label>
      <span className="banner__entry">
        <input
          id="token"
          type="password"
          autoComplete="off"
          value={token}
          onChange={(event) => setToken(event.target.value)}
          aria-invalid={rejected}
        />
        <button type="submit" disabled={token.trim() === ''}>
          Open
        </button>
      </span>
    </form>
  );
}

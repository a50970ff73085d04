/** One actor: who and what it is, what it waits on, its chart, what it holds, and how it came to this. */
import type { Shown } from '../answers.ts';
import type { Focus } from '../focus.ts';
import { fleetHref } from '../route.ts';
import { kindOf, NO_FILTER } from '../rows.ts';
import { needsPerson } from '../wait.ts';
import { Age } from './age.tsx';
import { Anchor, Name } from './anchor.tsx';
import { ChartView } from './chart.tsx';
import { History } from './history.tsx';
import { Json } from './json.tsx';
import { Notice } from './notice.tsx';
import { Particulars } from './particulars.tsx';
import { Phase } from './phase.tsx';
import { useFocus, useLink } from './use.ts';
import { WaitLine } from './wait-line.tsx';

export function ActorView({ focus }: { focus: Focus }) {
  const state = useFocus(focus);
  const link = useLink();
  const { shown, chart, problem, address } = state;
  // While nobody answers, the banner above says so; what was seen stays.
  const isTold = problem === null || (problem.why === 'away' && link.state === 'away');
  if (shown === null || chart === null) {
    return (
      <>
        <h1 className="name">{address}</h1>
        {isTold ? <p className="quiet">Reading {address} …</p> : null}
        {isTold || problem === null ? null : (
          <Notice problem={problem}>
            <p>
              <Anchor href={fleetHref({ ...NO_FILTER, kind: kindOf(address) })}>All of kind {kindOf(address)}</Anchor>
            </p>
          </Notice>
        )}
      </>
    );
  }
  return (
    <article className="actor" aria-label={address}>
      {isTold || problem === null ? null : <Notice problem={problem} />}
      <Head shown={shown} />
      {shown.parked === null ? null : <Parked parked={shown.parked} />}
      <Waits shown={shown} />
      <ChartView chart={chart} value={shown.value} since={shown.since} />
      <div className="actor__halves">
        <History focus={state} onOlder={() => void focus.older()} />
        <Particulars shown={shown} />
      </div>
    </article>
  );
}

function Head({ shown }: { shown: Shown }) {
  const { address, title, owner, epoch, mission, updatedAt, version } = shown;
  return (
    <header className="head">
      <h1>{title === '' ? address : title}</h1>
      <div className="head__line">
        <Phase of={shown} />
        {owner === null ? null : (
          <span>
            with <Name of={owner} />
          </span>
        )}
        {mission === null ? null : (
          <span>
            of <Name of={mission} />
          </span>
        )}
        {epoch === null ? null : <span>epoch {epoch}</span>}
        <span>
          moved <Age since={updatedAt} /> ago
        </span>
        <span className="quiet">version {version}</span>
        {linksOf(shown.context).map(([name, url]) => (
          <a key={url} href={url} rel="noreferrer" target="_blank">
            {name}
          </a>
        ))}
      </div>
    </header>
  );
}

function Waits({ shown }: { shown: Shown }) {
  if (shown.waitingOn.length === 0) {
    return <p className="quiet">{shown.final ? 'It is finished and waits on nothing.' : 'It waits on nothing.'}</p>;
  }
  return (
    <ul className="waits" aria-label="Waits on">
      {shown.waitingOn.map((wait) => (
        <li key={`${wait.gate} ${wait.on ?? ''} ${wait.detail}`} data-needed={needsPerson(wait) ? '' : undefined}>
          <WaitLine wait={wait} of={shown.address} />
          {wait.moves.length === 0 ? null : (
            <span className="waits__moves" title="events that would end this wait">
              {wait.moves.join(', ')}
            </span>
          )}
        </li>
      ))}
    </ul>
  );
}

function Parked({ parked }: { parked: NonNullable<Shown['parked']> }) {
  return (
    <div className="notice" role="alert">
      <h2>Parked</h2>
      <p>
        Its step for <code>{parked.type}</code> threw <Age since={parked.at} /> ago: {parked.reason}. Its mail is held
        until <code>chartroom correct … unpark</code>.
      </p>
      <Json value={parked.stack.split('\n')} label="Where" />
    </div>
  );
}

/** Addresses outside that a person may want to open; only ones that a browser fetches, never a script. */
function linksOf(context: Record<string, unknown>): [name: string, url: string][] {
  const found = new Map<string, string>();
  for (const name of ['pull', 'issue', 'source', 'brief']) {
    const part = context[name] as { url?: unknown; number?: unknown; source?: { url?: unknown } } | null | undefined;
    const url = part?.url ?? part?.source?.url;
    if (typeof url !== 'string' || !/^https?:\/\//.test(url)) continue;
    const label =
      name === 'pull' ? `pull request ${typeof part?.number === 'number' ? `#${part.number}` : ''}`.trim() : 'issue';
    if (!found.has(url)) found.set(url, label);
  }
  return [...found].map(([url, label]) => [label, url]);
}

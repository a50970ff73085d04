/** One actor: who and what it is, what it waits on, its chart, what it holds, and how it came to this. */
import { useMemo, useState } from 'react';
import type { Shown } from '../answers.ts';
import type { Focus, FocusContext } from '../focus.ts';
import { linksOf } from '../links.ts';
import { movesOf, waysOf } from '../moment.ts';
import { stoppedAt } from '../ticker.ts';
import { fleetHref, runHref } from '../route.ts';
import { kindOf, NO_FILTER } from '../rows.ts';
import { needsPerson } from '../wait.ts';
import { Age } from './age.tsx';
import { Anchor, Name } from './anchor.tsx';
import { ChartView } from './chart.tsx';
import type { Look } from './chart.tsx';
import { NOTHING_MARKED } from './drawn.tsx';
import type { Marked } from './drawn.tsx';
import { Conversation, isChat } from './conversation.tsx';
import { History } from './history.tsx';
import { Json } from './json.tsx';
import { Mission } from './mission.tsx';
import { Notice } from './notice.tsx';
import { Particulars } from './particulars.tsx';
import { Phase } from './phase.tsx';
import { Possible } from './possible.tsx';
import { Questions } from './questions.tsx';
import { Runs, useRuns } from './runs.tsx';
import { StepDifference, Timeline } from './timeline.tsx';
import { PageContext, useFocus, useLink, usePage } from './use.ts';
import { WaitLine } from './wait-line.tsx';
import { worktreeOf } from '../worktree.ts';

export function ActorView({ focus, run }: { focus: Focus; run: string | null }) {
  const state = useFocus(focus);
  const link = useLink();
  const { shown, chart, problem, address } = state;
  const [look, setLook] = useState<Look>('overview');
  const [foretold, setForetold] = useState<Marked['move']>(null);
  const page = usePage();
  const runs = useRuns(address, shown?.seq);
  // Ages and countdowns of a moment of the past stand as they stood then.
  const thenMs = state.at === null || state.moment === null ? null : Date.parse(state.moment.at);
  const then = useMemo(() => (thenMs === null ? page : { ...page, ticker: stoppedAt(thenMs) }), [page, thenMs]);
  const marked = useMemo(() => markedOf(state), [state]);
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
  const isPast = state.at !== null && state.moment !== null;
  const stood: Stood = isPast ? state.moment! : shown;
  return (
    <article className="actor" data-at={state.at ?? undefined} aria-label={address}>
      {isTold || problem === null ? null : <Notice problem={problem} />}
      <Head shown={shown} stood={stood} lastRun={runs[0]?.run ?? null} />
      <Timeline shown={shown} entries={state.entries} at={state.at} />
      {stood.version === chart.version ? null : (
        <p className="notice" role="note">
          It was version {stood.version} of its machine then. That one is not here any more: drawn is version{' '}
          {chart.version}, which may have other states.
        </p>
      )}
      {state.momentProblem === null ? null : <Notice problem={state.momentProblem} missing="There is no such moment" />}
      {state.at !== null && state.moment === null && state.momentProblem === null ? (
        <p className="quiet">Reading step {state.at} …</p>
      ) : null}
      {state.at === null || state.moment === null ? null : (
        <StepDifference moment={state.moment} before={state.before} />
      )}
      {shown.parked === null || isPast ? null : <Parked parked={shown.parked} />}
      {isPast ? null : <Questions shown={shown} />}
      {!isPast && isChat(shown) ? <Conversation shown={shown} entries={state.entries} /> : null}
      {kindOf(address) === 'mission' ? <Mission shown={{ ...shown, ...stood }} /> : null}
      <PageContext value={then}>
        <Waits of={stood} isOver={shown.final && !isPast} />
        <ChartView
          chart={chart}
          value={stood.value}
          since={stood.since}
          marked={foretold === null || isPast ? marked : { ...marked, move: foretold, isForetold: true }}
          look={look}
          onLook={setLook}
        />
      </PageContext>
      {isPast ? null : <Possible shown={shown} chart={chart} foretell={setForetold} />}
      {isPast ? null : <Runs address={address} runs={runs} chosen={run} />}
      <div className="actor__halves">
        <History focus={state} onOlder={() => void focus.older()} />
        <PageContext value={then}>
          <Particulars stood={stood} now={isPast ? null : shown} />
        </PageContext>
      </div>
    </article>
  );
}

/** What both `show` and a moment of the past tell. */
export type Stood = Pick<
  Shown,
  | 'address'
  | 'value'
  | 'phase'
  | 'waitingOn'
  | 'context'
  | 'since'
  | 'timers'
  | 'claims'
  | 'owner'
  | 'epoch'
  | 'title'
  | 'mission'
  | 'version'
>;

/** What the chart lights and counts: as it is now, or as it was after the step that is looked at. */
function markedOf({ shown, moment, before, at, entries }: FocusContext): Marked {
  if (shown === null) return NOTHING_MARKED;
  const seq = at !== null && moment !== null ? moment.seq : shown.seq;
  const until = entries.filter((entry) => entry.seq <= seq);
  const last = until.at(-1);
  const [was, value] =
    at !== null && moment !== null ? [before?.value ?? null, moment.value] : [last?.before?.value ?? null, shown.value];
  return {
    value,
    taken: null,
    ways: waysOf(until, Date.parse(at !== null && moment !== null ? moment.at : shown.updatedAt)),
    move: last === undefined ? null : movesOf(was, value),
    isForetold: false,
  };
}

function Head({ shown, stood, lastRun }: { shown: Shown; stood: Stood; lastRun: string | null }) {
  const { address, title, owner, epoch, mission, version } = stood;
  const { updatedAt } = shown;
  return (
    <header className="head">
      <h1>{title === '' ? address : title}</h1>
      <div className="head__line">
        <Phase of={{ ...stood, final: shown.final && stood === shown }} />
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
        {stood === shown ? (
          <span>
            moved <Age since={updatedAt} /> ago
          </span>
        ) : null}
        <span className="quiet">version {version}</span>
        {linksOf(stood.context).map(([name, url]) => (
          <a key={url} href={url} rel="noreferrer" target="_blank">
            {name}
          </a>
        ))}
        {worktreeOf(stood.context) === null ? null : <a href="#worktree">worktree</a>}
        {lastRun === null ? null : <Anchor href={runHref(address, lastRun)}>run log</Anchor>}
      </div>
    </header>
  );
}

function Waits({ of, isOver }: { of: Stood; isOver: boolean }) {
  if (of.waitingOn.length === 0) {
    return <p className="quiet">{isOver ? 'It is finished and waits on nothing.' : 'It waits on nothing.'}</p>;
  }
  return (
    <ul className="waits" aria-label="Waits on">
      {of.waitingOn.map((wait) => (
        <li key={`${wait.gate} ${wait.on ?? ''} ${wait.detail}`} data-needed={needsPerson(wait) ? '' : undefined}>
          <WaitLine wait={wait} of={of.address} />
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

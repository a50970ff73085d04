/**
 * What a session waits for (law 3), computed from its state: each entry names its gate, who must move, since when, when
 * it gives up, and the events that would end it. Never stored, so never stale.
 */
import type { WaitingOn } from '../contract.ts';
import type { SessionContext } from './context.ts';
import { authorityOf, startOf } from './standing.ts';
import { OPERATOR, type View, sinceOf, wait } from './wait.ts';
import { onPull } from './waiting-pull.ts';
import { onWork } from './waiting-work.ts';

export function waitingOn(view: View): WaitingOn[] {
  if (view.final || typeof view.value === 'string') return [];
  const waits = [...onHolds(view), ...onQuestions(view), ...onWork(view), ...onPull(view)];
  if (waits.length > 0) return waits;
  return [
    wait('human', {
      on: OPERATOR,
      since: sinceOf(view, 'work.idle'),
      detail: 'nothing is owed: say what to do, or close it',
      moves: ['say', 'comment.observed', 'pull.observed', 'correct.pull.attach', 'correct.close'],
    }),
  ];
}

function onHolds(view: View): WaitingOn[] {
  const { context } = view;
  const waits: WaitingOn[] = [];
  if (context.taken !== null) {
    const { by, reason, at } = context.taken;
    const detail = `${by} works on it by hand${reason === null ? '' : `: ${reason}`}`;
    waits.push(wait('paused', { on: by, since: at, detail, moves: ['correct.handback', 'correct.close'] }));
  }
  if (context.paused !== null) {
    const { by, reason, at } = context.paused;
    waits.push(
      wait('paused', {
        on: by,
        since: at,
        detail: reason === null ? `paused by ${by}` : `paused by ${by}: ${reason}`,
        moves: ['correct.resume', 'correct.close'],
      }),
    );
  }
  if (authorityOf(context) === 'withdrawn') {
    waits.push(
      wait('withdrawn', {
        on: trackerOf(context) ?? OPERATOR,
        since: sinceOf(view, 'authority.withdrawn'),
        detail: context.authority.reason ?? 'not delegated',
        moves: ['issue.delegated', 'correct.delegate', 'correct.close'],
      }),
    );
  }
  if (startOf(context) === 'held') waits.push(...onDependencies(view));
  return waits;
}

const trackerOf = ({ brief }: SessionContext): string | null =>
  brief.source.kind === 'linear' || brief.source.kind === 'github' ? `external/${brief.source.kind}` : null;

function onDependencies(view: View): WaitingOn[] {
  const { context } = view;
  const since = sinceOf(view, 'start.held');
  const waits: WaitingOn[] = [];
  if (context.blockers === null) {
    const detail = 'it is not known yet what blocks the issue';
    waits.push(
      wait('dependency', {
        on: trackerOf(context) ?? OPERATOR,
        since,
        detail,
        moves: ['issue.observed', 'issue.freed'],
      }),
    );
  }
  const open = (context.blockers ?? []).filter(({ done }) => !done).map(({ ref }) => ref);
  if (open.length > 0) {
    const detail = `blocked by ${open.join(', ')}`;
    waits.push(wait('dependency', { on: trackerOf(context) ?? OPERATOR, since, detail, moves: ['issue.freed'] }));
  }
  if (context.heldBy.length > 0) {
    const isSlot = context.heldBy.every((by) => by === 'slot');
    const detail = heldText(context);
    waits.push(
      wait(isSlot ? 'slot' : 'dependency', {
        on: context.brief.mission ?? OPERATOR,
        since,
        detail,
        moves: ['start.freed'],
      }),
    );
  }
  return waits;
}

/** What the mission holds it for, in words; an item is told by its key. */
function heldText({ heldBy, brief }: SessionContext): string {
  if (heldBy.every((by) => by === 'slot')) return 'waits for its turn: the mission runs as many items as it may';
  if (heldBy.includes('paused')) return 'the mission is paused';
  if (heldBy.every((by) => by === brief.mission)) return 'the mission has not let it start yet';
  return `waits for ${heldBy.join(', ')}`;
}

function onQuestions({ context }: View): WaitingOn[] {
  return context.questions.map(({ text, at }) =>
    wait('human', {
      on: OPERATOR,
      since: at,
      detail: text.slice(0, 300),
      moves: ['answer', 'say', 'comment.observed', 'run.ended'],
    }),
  );
}

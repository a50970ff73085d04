/**
 * What a session waits for (law 3), computed from its state: each entry names its gate, who must move, since when, when
 * it gives up, and the events that would end it. Never stored, so never stale.
 */
import type { ActorView, Gate, WaitingOn } from '../contract.ts';
import { DISPATCHER, isLive } from './assignment.ts';
import type { SessionContext } from './context.ts';
import { isPullUnseen } from './guards.ts';
import { short } from './names.ts';
import { due } from './next.ts';
import {
  authorityOf,
  checksOf,
  isReview,
  pullOf,
  queueOf,
  reviewIsGood,
  reviewOf,
  silentChecks,
  startOf,
} from './standing.ts';
import { isPosting } from './verdict.ts';

type View = ActorView<SessionContext>;

/** Somebody must say how to go on, and we know nobody by name. */
export const OPERATOR = 'person/operator';

interface Wait {
  on: string | null;
  since: string;
  detail: string;
  moves: string[];
  until?: string | null;
}

const wait = (gate: Gate, { on, since, until = null, detail, moves }: Wait): WaitingOn => ({
  gate,
  on,
  since,
  until,
  detail,
  moves,
});

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

function sinceOf({ since, context }: View, path: string): string {
  return since[`open.${path}`] ?? since['open'] ?? context.openedAt;
}

const timerOf = ({ timers }: View, state: string, delay: string): string | null =>
  timers[`open.work.${state}:${delay}`] ?? null;

function onHolds(view: View): WaitingOn[] {
  const { context } = view;
  const waits: WaitingOn[] = [];
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
    const detail = 'the issue’s blockers were not told yet';
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
    const detail = `held by the mission: ${context.heldBy.join(', ')}`;
    const isSlot = context.heldBy.every((by) => by === 'slot');
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

function onWork(view: View): WaitingOn[] {
  const state = (view.value as { open: { work: string } }).open.work;
  const { context } = view;
  const since = sinceOf(view, `work.${state}`);
  switch (state) {
    case 'unassigned':
      return context.want === null ? onOwed(view) : [onWant(view, context.want.since)];
    case 'offered':
      return [
        wait('agent', {
          on: context.offer?.agent ?? null,
          since,
          until: timerOf(view, 'offered', 'offer'),
          detail: `offered to ${context.offer?.agent ?? 'an agent'}`,
          moves: ['offer.accepted', 'offer.declined'],
        }),
      ];
    case 'preparing':
      return [
        wait('agent', {
          on: context.run?.agent ?? null,
          since,
          until: timerOf(view, 'preparing', 'prepare'),
          detail: 'the worktree is made ready',
          moves: ['worktree.prepared', 'worktree.failed'],
        }),
      ];
    case 'running':
      return [
        wait('agent', {
          on: context.run?.agent ?? null,
          since: context.run?.startedAt ?? since,
          until: timerOf(view, 'running', 'overrun'),
          detail: `${context.run?.agent ?? 'an agent'} works on ${context.run?.for ?? 'it'}, attempt ${context.run?.attempt ?? 1}`,
          moves: ['run.ended', 'agent.gone'],
        }),
      ];
    case 'stopping':
      return [
        wait('stopping', {
          on: (context.unreleased.find(({ ours }) => ours) ?? context.unreleased[0])?.agent ?? null,
          since,
          until: timerOf(view, 'stopping', 'release'),
          detail: 'the process of an earlier run is being ended',
          moves: ['run.released'],
        }),
      ];
    case 'verifying': {
      const released = context.run?.released === true;
      return [
        wait('stopping', {
          on: released ? context.address : (context.run?.agent ?? null),
          since,
          until: timerOf(view, 'verifying', released ? 'verify' : 'release'),
          detail: released ? 'what the run left is verified' : 'the process of the run is about to be gone',
          moves: released ? ['run.verified', 'run.verify.failed'] : ['run.released'],
        }),
      ];
    }
    case 'backingOff':
      return [
        wait(context.backoff?.gate ?? 'backoff', {
          on: context.address,
          since,
          until: timerOf(view, 'backingOff', 'backoff'),
          detail: context.backoff?.reason ?? 'waiting before the next try',
          moves: ['correct.retry', 'correct.reassign'],
        }),
      ];
    case 'escalated':
      return onParked(context);
    default:
      return [];
  }
}

/** Something is owed and nothing was asked for: what holds it is said elsewhere, unless nothing is. */
function onOwed({ context }: View): WaitingOn[] {
  if (due(context) === null) return onParked(context);
  return [];
}

function onWant({ context }: View, since: string): WaitingOn {
  const { unmatched, pin } = context;
  const why = unmatched?.ruledOut.find(({ agent }) => agent === pin)?.why;
  if (pin?.startsWith('agent/') === true) {
    return wait('agent', {
      on: pin,
      since,
      detail: why === undefined ? `waits for ${pin}` : `waits for ${pin}: ${why}`,
      moves: ['work.matched', 'pin.lost', 'correct.reassign'],
    });
  }
  const moves = ['work.matched', 'correct.reassign'];
  if (unmatched === null) return wait('agent', { on: DISPATCHER, since, detail: 'an agent is looked for', moves });
  if (unmatched.slot) return wait('slot', { on: DISPATCHER, since, detail: 'every run slot is taken', moves });
  const ruledOut = unmatched.ruledOut.map(({ agent, why }) => `${agent}: ${why}`).join('; ');
  const detail =
    ruledOut === ''
      ? `no ${pin ?? unmatched.role} is hired`
      : `no ${pin ?? unmatched.role} is free (${ruledOut.slice(0, 500)})`;
  return wait('agent', { on: ruledOut === '' ? null : DISPATCHER, since, detail, moves });
}

function onParked({ obligations }: SessionContext): WaitingOn[] {
  return obligations
    .filter(({ parked }) => parked !== null)
    .slice(0, 5)
    .map(({ kind, parked, id }) =>
      wait(kind === 'upkeep' ? 'upkeep' : 'human', {
        on: OPERATOR,
        since: parked!.at,
        detail: `${kind} is parked (${id}): ${parked!.reason}`,
        moves: ['say', 'correct.retry', 'correct.budget.set', 'correct.obligation.drop', 'pull.moved'],
      }),
    );
}

function onPull(view: View): WaitingOn[] {
  const { context } = view;
  if (isReview(context)) return onReviewed(view);
  if (isPullUnseen(context)) {
    return [
      wait('merge', {
        on: 'external/github',
        since: sinceOf(view, 'work.idle'),
        until: timerOf(view, 'idle', 'observe'),
        detail: 'the pull request was verified and not seen by the watch yet',
        moves: ['pull.observed'],
      }),
    ];
  }
  if (pullOf(context) === 'draft' && !isLive(context)) {
    return [
      wait('merge', {
        on: 'external/github',
        since: sinceOf(view, 'pull.draft'),
        detail: 'the pull request is a draft',
        moves: ['pull.opened', 'pull.merged', 'pull.closed'],
      }),
    ];
  }
  if (pullOf(context) !== 'open') return [];
  return [...onReview(view), ...onChecks(view), ...onConflict(view), ...onMerge(view)];
}

/** A review session between verdicts: it ends with the pull request. */
function onReviewed(view: View): WaitingOn[] {
  const { context } = view;
  const since = sinceOf(view, 'work.idle');
  if (isPosting(context)) {
    const detail = 'the verdict is being posted';
    return [
      wait('review', { on: 'external/github', since, detail, moves: ['review.post.done', 'review.post.failed'] }),
    ];
  }
  if (context.obligations.length > 0 || context.run !== null) return [];
  return [
    wait('merge', {
      on: context.brief.for ?? 'external/github',
      since,
      detail: 'every head asked for is judged; it ends with the pull request',
      moves: ['review.wanted', 'pull.merged', 'pull.closed'],
    }),
  ];
}

function onReview(view: View): WaitingOn[] {
  const { context } = view;
  const { reviewing, pull } = context;
  const state = reviewOf(context);
  const head = short(pull?.head ?? '');
  if (state === 'wanted' || state === 'requested') {
    const since = sinceOf(view, `review.${state}`);
    const moves = ['review.approved', 'review.changed', 'correct.reviewer.replace', 'correct.review.waive'];
    if (reviewing.comment?.head === pull?.head) {
      const detail = `${reviewing.comment?.reviewer} left the verdict on ${head} to a person`;
      return [wait('review', { on: OPERATOR, since, detail, moves })];
    }
    if (reviewing.person !== null) {
      return [wait('review', { on: `person/${reviewing.person}`, since, detail: `requested on head ${head}`, moves })];
    }
    if (context.brief.reviewers === 'people') {
      return [wait('review', { on: 'external/github', since, detail: `a person reviews head ${head}`, moves })];
    }
    if (reviewing.unreachable !== null) {
      const detail = `the review of ${head} could not be asked for: ${reviewing.unreachable}`;
      return [wait('review', { on: OPERATOR, since, detail, moves: [...moves, 'correct.retry'] })];
    }
    const asked = reviewing.asked?.head === pull?.head ? reviewing.asked : null;
    const theirs = reviewing.picture?.waitingOn[0];
    if (state === 'requested') {
      const on = reviewing.picture?.owner ?? asked?.of ?? null;
      const until = theirs?.until ?? null;
      return [
        wait('review', { on, since, until, detail: `requested on head ${head}`, moves: [...moves, 'review.needed'] }),
      ];
    }
    if (asked === null) {
      const detail = `will be asked for head ${head} when the run in progress has ended`;
      return [
        wait('review', { on: isLive(context) ? (context.run?.agent ?? null) : context.address, since, detail, moves }),
      ];
    }
    const why = theirs === undefined ? '' : `: ${theirs.detail}`;
    const on = theirs === undefined ? asked.of : theirs.on;
    return [
      wait('review', {
        on,
        since,
        until: theirs?.until ?? null,
        detail: `wanted on head ${head}${why}`,
        moves: [...moves, 'review.requested'],
      }),
    ];
  }
  if (state === 'changesRequested' && !context.obligations.some(({ kind }) => kind === 'review') && !isLive(context)) {
    const by = reviewing.verdicts.findLast(({ verdict }) => verdict === 'request_changes')?.reviewer ?? '';
    return [
      wait('review', {
        on: by.includes('/') ? by : by === '' ? OPERATOR : `person/${by}`,
        since: sinceOf(view, 'review.changesRequested'),
        detail: `changes requested on head ${head} stand, and nothing is owed for them`,
        moves: ['review.approved', 'review.dismissed', 'pull.moved', 'correct.review.waive'],
      }),
    ];
  }
  return [];
}

function onChecks(view: View): WaitingOn[] {
  const { context } = view;
  const state = checksOf(context);
  const since = sinceOf(view, `checks.${state}`);
  const head = short(context.pull?.head ?? '');
  if (state === 'unknown' || state === 'pending') {
    const silent = context.silent?.head === context.pull?.head ? silentChecks(context) : [];
    const detail =
      silent.length > 0 ? `nothing was heard of ${silent.join(', ')} on ${head}` : `checks of ${head} are ${state}`;
    return [
      wait('checks', {
        on: silent.length > 0 ? OPERATOR : 'external/github',
        since,
        until: view.timers[`open.checks.${state}:check`] ?? null,
        detail,
        moves: ['checks.green', 'checks.red', 'correct.check.ignore', 'correct.check.rerun'],
      }),
    ];
  }
  if (state === 'red' && !context.obligations.some(({ kind }) => kind === 'checks') && !isLive(context)) {
    return [
      wait('checks', {
        on: 'external/github',
        since,
        detail: `checks of ${head} are red, and nothing is owed for them`,
        moves: ['checks.green', 'pull.moved', 'correct.check.ignore', 'correct.check.rerun'],
      }),
    ];
  }
  return [];
}

/** A conflict in what somebody else pushed is theirs to resolve. */
function onConflict(view: View): WaitingOn[] {
  const { context } = view;
  const { pull } = context;
  const isOurs = context.obligations.some(({ kind }) => kind === 'upkeep' || kind === 'queue');
  if (pull?.conflict !== true || isOurs || isLive(context)) return [];
  return [
    wait('upkeep', {
      on: pull.headBy === 'other' ? 'external/github' : context.address,
      since: sinceOf(view, 'pull.open'),
      detail: `${short(pull.head)} conflicts with ${pull.base}`,
      moves: ['pull.moved', 'pull.merged', 'pull.closed'],
    }),
  ];
}

function onMerge(view: View): WaitingOn[] {
  const { context } = view;
  const queue = queueOf(context);
  if (queue === 'waiting' || queue === 'merging') {
    return [
      wait('queue', {
        on: 'external/github',
        since: sinceOf(view, `queue.${queue}`),
        detail: queue === 'waiting' ? 'in the merge queue' : 'is being merged',
        moves: ['pull.merged', 'queue.evicted', 'queue.left'],
      }),
    ];
  }
  if (!reviewIsGood(context) || checksOf(context) !== 'green' || context.obligations.length > 0) return [];
  if (context.run !== null || context.offer !== null) return [];
  const refused = context.merge?.state === 'refused' ? context.merge.reason : null;
  const unposted = context.reviewing.verdicts.some(({ verdict, posted }) => verdict === 'approve' && !posted)
    ? ' (GitHub did not take the approval as a review)'
    : '';
  const conflict = context.pull?.conflict === true ? ' (it conflicts with its base)' : '';
  const detail = refused === null ? `approved and green${conflict}` : `the merge was refused: ${refused}`;
  return [
    wait('merge', {
      on: 'external/github',
      since: sinceOf(view, 'queue.out'),
      detail: `${detail}${unposted}`,
      moves: ['pull.merged', 'pull.closed', 'pull.moved', ...(refused === null ? [] : ['correct.retry'])],
    }),
  ];
}

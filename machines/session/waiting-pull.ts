/** What the pull request waits for: a review, checks, a conflict's end, the merge; a review session, its next head. */
import type { WaitingOn } from '../contract.ts';
import { isLive } from './assignment.ts';
import { isRerunning } from './checking.ts';
import type { SessionContext } from './context.ts';
import { isPullUnseen } from './guards.ts';
import { short } from './names.ts';
import { checksOf, isReview, mayAct, pullOf, queueOf, reviewIsGood, reviewOf, silentChecks } from './standing.ts';
import { isPosting } from './verdict.ts';
import { OPERATOR, type View, sinceOf, timerOf, wait } from './wait.ts';

export function onPull(view: View): WaitingOn[] {
  const { context } = view;
  if (isReview(context)) return onReviewed(view);
  return [...onMissed(context), ...onSeen(view)];
}

/** Only a person can say which pull request was meant. */
function onMissed({ missed }: SessionContext): WaitingOn[] {
  if (missed === null) return [];
  const detail = `pull request #${missed.number} cannot be taken over: ${missed.reason}`;
  return [wait('merge', { on: OPERATOR, since: missed.at, detail, moves: ['correct.pull.attach', 'run.verified'] })];
}

function onSeen(view: View): WaitingOn[] {
  const { context } = view;
  if (isPullUnseen(context)) {
    return [
      wait('merge', {
        on: 'external/github',
        since: sinceOf(view, 'work.idle'),
        until: timerOf(view, 'idle', 'observe'),
        detail: 'a pull request was opened; GitHub has yet to show it',
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
    const detail = 'the verdict is being posted at GitHub';
    return [
      wait('review', { on: 'external/github', since, detail, moves: ['review.post.done', 'review.post.failed'] }),
    ];
  }
  if (context.obligations.length > 0 || context.run !== null) return [];
  const last = context.verdicts.at(-1);
  const unposted = last?.refusal == null ? '' : ` (GitHub did not take the last review: ${last.refusal})`;
  return [
    wait('merge', {
      // The session under review may be over and its pull request open: the watch sees the end.
      on: 'external/github',
      since,
      detail: `nobody waits for a verdict of it now; it ends with the pull request${unposted}`,
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
      const detail =
        reviewing.comment?.dismissed === true
          ? `the review of ${head} by ${reviewing.comment.reviewer} was dismissed: a person reviews it, or waives the review`
          : `${reviewing.comment?.reviewer} left the verdict on ${head} to a person`;
      return [wait('review', { on: OPERATOR, since, detail, moves })];
    }
    if (reviewing.unreachable !== null) {
      const detail = `the review of ${head} could not be asked for: ${reviewing.unreachable}`;
      return [wait('review', { on: OPERATOR, since, detail, moves: [...moves, 'correct.retry'] })];
    }
    if (reviewing.person !== null) {
      return [wait('review', { on: `person/${reviewing.person}`, since, detail: `requested on head ${head}`, moves })];
    }
    if (context.brief.reviewers === 'people') {
      return [wait('review', { on: 'external/github', since, detail: `a person reviews head ${head}`, moves })];
    }
    const asked = reviewing.asked?.head === pull?.head ? reviewing.asked : null;
    const theirs = reviewing.picture?.waitingOn[0];
    if (state === 'requested') {
      // Whom the review session waits for: its reviewer, while that one can move.
      const on = theirs?.on ?? reviewing.picture?.owner ?? asked?.of ?? null;
      const until = theirs?.until ?? null;
      const why = theirs?.on === OPERATOR ? `; ${reviewing.picture?.address}: ${theirs.detail}` : '';
      const detail = `requested on head ${head}${why}`;
      return [wait('review', { on, since, until, detail, moves: [...moves, 'review.needed'] })];
    }
    // Held back, nobody is asked: what holds it back is said already.
    if (asked === null && !isLive(context) && !mayAct(context)) return [];
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

const CHECKS_TEXT = {
  unknown: (head: string) => `no check of ${head} has reported yet`,
  pending: (head: string) => `the checks of ${head} are running`,
};

function onChecks(view: View): WaitingOn[] {
  const { context } = view;
  const state = checksOf(context);
  const since = sinceOf(view, `checks.${state}`);
  const head = short(context.pull?.head ?? '');
  if (state === 'unknown' || state === 'pending') {
    const silent = context.silent?.head === context.pull?.head ? silentChecks(context) : [];
    const detail =
      silent.length > 0 ? `nothing was heard of ${silent.join(', ')} on ${head}` : CHECKS_TEXT[state](head);
    return [
      wait('checks', {
        on: silent.length > 0 ? OPERATOR : 'external/github',
        since,
        until: view.timers[`open.checks.${state}:check`] ?? null,
        detail,
        moves: [
          'checks.green',
          'checks.red',
          'correct.check.ignore',
          'correct.check.rerun',
          ...(silent.length > 0 ? ['correct.edit'] : []),
        ],
      }),
    ];
  }
  if (state === 'red' && !context.obligations.some(({ kind }) => kind === 'checks') && !isLive(context)) {
    return [
      wait('checks', {
        on: 'external/github',
        since,
        ...(isRerunning(context) ? { until: view.timers['open.checks.red:check'] ?? null } : {}),
        detail: isRerunning(context)
          ? `red checks of ${head} are run again, before anybody repairs them`
          : `checks of ${head} are red, and nothing is owed for them`,
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
      // One of our own that is not owed was dropped by a person, who alone can say how to go on.
      on: pull.headBy === 'other' ? 'external/github' : OPERATOR,
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
        detail: queue === 'merging' ? 'it is being merged' : queuedText(context),
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
  const detail = refused === null ? `approved and green: to be merged${conflict}` : `the merge was refused: ${refused}`;
  return [
    wait('merge', {
      // What GitHub refused, only a person can put right.
      on: refused === null ? 'external/github' : OPERATOR,
      since: sinceOf(view, 'queue.out'),
      detail: `${detail}${unposted}`,
      moves: ['pull.merged', 'pull.closed', 'pull.moved', ...(refused === null ? [] : ['correct.retry'])],
    }),
  ];
}

const queuedText = ({ pull }: SessionContext): string =>
  pull?.queue.state === 'waiting' ? 'it is in the merge queue' : 'approved: to be put into the merge queue';

/** The questions the chart asks, and the sentence `why` says when the answer is no. Pure functions of context and event. */
import { excludedOf, isLive, isOccupied, isStopping } from './assignment.ts';
import { exhausted } from './budgets.ts';
import { isRerunning } from './checking.ts';
import type { SessionContext } from './context.ts';
import { canRetry, isGateCheck } from './corrections.ts';
import type { AnyEvent } from './draft.ts';
import { mayMerge } from './merging.ts';
import { allParked, due, mayStart, owesNothing } from './next.ts';
import { questionFor } from './people.ts';
import { checksOf, isReplaced, isReview, mayAct, pullOf, reviewOf, silentChecks } from './standing.ts';
import { isAgent, personOf } from './taking-over.ts';
import { isShownAtLinear } from './tracker.ts';

interface Asked {
  context: SessionContext;
  event: AnyEvent;
}
type Guard = (asked: Asked) => boolean;

/** Of an item, and of the review of one, the mission asks for help. */
const asksItself = ({ brief, helper }: SessionContext): boolean => brief.mission === null && helper === null;

const about = (context: SessionContext, agent: string): boolean => excludedOf(context).includes(agent);

export const GUARDS = {
  owesNothing: ({ context }) => owesNothing(context),
  allParked: ({ context }) => allParked(context),
  owesWork: ({ context }) => due(context) !== null,
  mustBackOff: ({ context }) => context.backoff !== null,
  hasBackedOff: ({ context }) => context.backoff === null,
  isStopping: ({ context }) => isStopping(context),
  hasStopped: ({ context }) => context.run === null && !isStopping(context),
  isOccupied: ({ context }) => isOccupied(context),
  mayPrepare: ({ context }) => context.run !== null && !isOccupied(context),
  shouldWant: ({ context }) =>
    context.want === null && context.offer === null && context.run === null && mayStart(context),
  shouldUnwant: ({ context }) => context.want !== null && !mayStart(context),
  wantIsOpen: ({ context }) => context.want !== null,
  matchesWant: ({ context, event }) =>
    event.type === 'work.matched' &&
    event.data.want === context.want?.number &&
    mayStart(context) &&
    !about(context, event.data.agent),
  mayNotMatch: ({ context, event }) =>
    event.type === 'work.matched' &&
    event.data.want === context.want?.number &&
    (!mayStart(context) || about(context, event.data.agent)),
  isCurrentWant: ({ context, event }) => event.type === 'work.unmatched' && event.data.want === context.want?.number,
  offerIsMoot: ({ context }) => context.offer !== null && !mayStart(context),
  isUnsuited: ({ event }) => event.type === 'offer.declined' && event.data.reason === 'unsuited',
  offerWasUndeliverable: ({ context, event }) =>
    event.type === 'mail.refused' && event.data.type === 'run.offered' && event.data.to === context.offer?.agent,
  beginWasUndeliverable: ({ context, event }) =>
    event.type === 'mail.refused' && event.data.type === 'run.begun' && event.data.to === context.run?.agent,
  preparedForThisRun: ({ context, event }) =>
    (event.type === 'worktree.prepared' || event.type === 'worktree.failed') &&
    isLive(context) &&
    (event.wish === undefined || event.wish['epoch'] === context.run?.epoch),
  preparedForNothing: ({ context, event }) =>
    event.type === 'worktree.prepared' &&
    (event.wish === undefined || event.wish['epoch'] === context.run?.epoch) &&
    (!mayStart(context) || (isReview(context) && about(context, context.run?.agent ?? ''))),
  endedToBeVerified: ({ event }) =>
    event.type === 'run.ended' && (event.data.outcome === 'completed' || event.data.outcome === 'failed'),
  endedHandedBack: ({ event }) => event.type === 'run.ended' && event.data.outcome === 'handedBack',
  endedLimited: ({ event }) => event.type === 'run.ended' && event.data.outcome === 'limited',
  hasNoRun: ({ context }) => context.run === null,
  agentLeft: ({ event }) =>
    event.type === 'agent.gone' && (event.data.class === 'stopped' || event.data.class === 'offboarded'),
  hasOpenQuestion: ({ context }) => context.questions.length > 0,
  mayVerify: ({ context }) => context.run?.released === true && !context.run.verifying,
  isUnreleased: ({ context }) => context.run?.released === false,
  verifiesThisRun: ({ context, event }) =>
    event.type === 'run.verified' && context.run?.ended != null && event.data.run === context.run.epoch,
  couldNotVerifyThisRun: ({ context, event }) =>
    event.type === 'run.verify.failed' &&
    context.run?.ended != null &&
    (event.wish === undefined || event.wish['run'] === context.run.epoch),
  budgetIsExhausted: ({ context }) => due(context) !== null && exhausted(context) !== null,
  reportIsDelivered: ({ context }) =>
    context.brief.deliver === 'report' &&
    !isReview(context) &&
    context.report !== null &&
    owesNothing(context) &&
    context.questions.length === 0 &&
    mayAct(context),
  pullIsUnseen: ({ context }) => isPullUnseen(context),
  isReviewSession: ({ context }) => isReview(context),
  reviewIsUnasked: ({ context }) =>
    reviewOf(context) === 'wanted' &&
    context.reviewing.asked?.head !== context.pull?.head &&
    context.run === null &&
    !isReplaced(context) &&
    mayAct(context),
  checkIsSilent: ({ context }) =>
    pullOf(context) === 'open' && silentChecks(context).length > 0 && context.silent?.head !== context.pull?.head,
  isRerunning: ({ context }) => isRerunning(context),
  mayMerge: ({ context }) => mayMerge(context),
  nobodyTakesIt: ({ context }) =>
    context.want !== null && context.unmatched !== null && !context.unmatched.slot && asksItself(context),
  nobodyIsHired: ({ context, event }) =>
    event.type === 'work.unmatched' &&
    event.data.want === context.want?.number &&
    event.data.nobody === true &&
    context.help === null &&
    asksItself(context),
  isShownAtLinear: ({ context }) => isShownAtLinear(context),
  noQuestionIsOpen: ({ context, event }) =>
    event.type === 'answer' && questionFor(context, event.data.question) === null && context.questions.length === 0,
  questionIsUnclear: ({ context, event }) =>
    event.type === 'answer' && questionFor(context, event.data.question) === null && context.questions.length > 0,
  otherRunIsLive: ({ context, event }) =>
    event.type === 'correct.adopt' &&
    isLive(context) &&
    context.run?.agent !== event.data.agent &&
    event.expectepoch === undefined,
  isPaused: ({ context }) => context.paused !== null,
  isNoPerson: ({ event }) => isAgent(event),
  isTakenByOther: ({ context, event }) => context.taken !== null && context.taken.by !== personOf(event.source),
  noReviewIsWanted: ({ context }) => {
    const review = reviewOf(context);
    return review === 'notWanted' || review === 'approved';
  },
  noSuchCheck: ({ context, event }) => event.type === 'correct.check.ignore' && !isGateCheck(context, event.data.name),
  nothingToRerun: ({ context, event }) =>
    event.type === 'correct.check.rerun' &&
    (context.pull?.state !== 'open' ||
      checksOf(context) === 'unknown' ||
      (event.data.name !== undefined && !isGateCheck(context, event.data.name))),
  noSuchObligation: ({ context, event }) =>
    event.type === 'correct.obligation.drop' && !context.obligations.some(({ id }) => id === event.data.id),
  deliversNoPull: ({ context, event }) =>
    event.type === 'correct.pull.attach' && (isReview(context) || context.brief.deliver === 'report'),
  nothingToRetry: ({ context, event }) => event.type === 'correct.retry' && !canRetry(context, event.data.kind),
  changesNothing: ({ event }) =>
    event.type === 'correct.edit' && Object.keys(event.data).every((key) => key === 'reason'),
} satisfies Record<string, Guard>;

/** The run is verified and its pull request known to exist, but not seen by the watch yet. */
export function isPullUnseen({ brief, pull, obligations, number, run }: SessionContext): boolean {
  return (
    brief.deliver === 'pull_request' &&
    brief.kind !== 'review' &&
    pull === null &&
    run === null &&
    obligations.length === 0 &&
    number !== null
  );
}

export const REASONS: Record<keyof typeof GUARDS, string> = {
  owesNothing: 'something is still owed',
  allParked: 'not everything that is owed is parked',
  owesWork: 'nothing is owed that could be worked on now',
  mustBackOff: 'no back-off is due',
  hasBackedOff: 'the back-off is not over',
  isStopping: 'no process of an ended assignment is left',
  hasStopped: 'the process of an ended assignment may still be there',
  isOccupied: 'no earlier run holds the worktree',
  mayPrepare: 'an earlier run of this session may still hold the worktree',
  shouldWant: 'nothing may start now: it is paused, withdrawn, held, waiting for an answer, or already asked for',
  shouldUnwant: 'the want still stands',
  wantIsOpen: 'no agent is wanted now',
  matchesWant: 'that match is for an earlier want, or nothing may start now',
  mayNotMatch: 'that match is for an earlier want',
  isCurrentWant: 'that is about an earlier want',
  offerIsMoot: 'the offer still stands',
  isUnsuited: 'the agent did not decline as unsuited',
  offerWasUndeliverable: 'the open offer was delivered',
  beginWasUndeliverable: 'the run was delivered to its agent',
  preparedForThisRun: 'that worktree was prepared for an earlier run',
  preparedForNothing: 'there is something to do in the worktree',
  endedToBeVerified: 'the run did not end with something to verify',
  endedHandedBack: 'the run was not handed back',
  endedLimited: 'the run did not end at a limit',
  hasNoRun: 'a run is accepted',
  agentLeft: 'the agent was not stopped or offboarded',
  hasOpenQuestion: 'no question is open',
  mayVerify: 'the process of the run is not gone yet, or the verification is on its way',
  isUnreleased: 'the process of the run is gone',
  verifiesThisRun: 'that verification is of an earlier run',
  couldNotVerifyThisRun: 'that verification is of an earlier run',
  budgetIsExhausted: 'tokens and cost are within their budgets',
  reportIsDelivered: 'no report is delivered, or more is owed',
  pullIsUnseen: 'no pull request is expected that was not seen',
  isReviewSession: 'this is not a review session',
  reviewIsUnasked: 'no review is wanted for this head, it was asked for already, or a run is in progress',
  checkIsSilent: 'every gate check has reported, or was asked about',
  isRerunning: 'no red check is being run again',
  mayMerge: 'it is not ours to merge, or not approved and green, or something is still owed',
  nobodyTakesIt: 'an agent is on its way, or the mission asks',
  nobodyIsHired: 'somebody hired may take it later, help was asked already, or the mission asks',
  isShownAtLinear: 'no agent session at Linear shows it',
  noQuestionIsOpen: 'a question is open',
  questionIsUnclear: 'it is clear which question is answered',
  otherRunIsLive: 'no run of another agent is live',
  isPaused: 'nobody paused it',
  isNoPerson: 'a person sent it',
  isTakenByOther: 'nobody else works on it by hand',
  noReviewIsWanted: 'a review is wanted',
  noSuchCheck: 'that check is one of the gate',
  nothingToRerun: 'that check can be run again',
  noSuchObligation: 'that is owed',
  deliversNoPull: 'a pull request is delivered here',
  nothingToRetry: 'there is something to retry',
  changesNothing: 'something is changed',
};

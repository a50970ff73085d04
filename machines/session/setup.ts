/**
 * The session's vocabulary: its actions, guards and delays by name. What an action decides is a pure function of the
 * context and the event (a handler writing on a draft); here it is handed to XState, with the labels it raises.
 */
import { setup } from 'xstate';
import { timerMs } from '../contract.ts';
import type { Birth, StateMeta } from '../contract.ts';
import { WISHES } from '../effects.ts';
import * as assignment from './assignment.ts';
import * as birth from './birth.ts';
import { runSeconds } from './budgets.ts';
import * as checking from './checking.ts';
import type { SessionContext } from './context.ts';
import * as corrections from './corrections.ts';
import * as correspondence from './correspondence.ts';
import { type AnyEvent, type Draft, type Write, draftOf, set } from './draft.ts';
import * as ending from './ending.ts';
import { GUARDS } from './guards.ts';
import * as issue from './issue.ts';
import * as judging from './judging.ts';
import { labelsOf } from './labels.ts';
import * as loss from './loss.ts';
import * as merging from './merging.ts';
import * as observe from './observe.ts';
import * as people from './people.ts';
import * as reviewing from './reviewing.ts';
import * as run from './run.ts';
import { silentChecks } from './standing.ts';
import * as takingOver from './taking-over.ts';
import * as tracker from './tracker.ts';
import { askHelp, showPlan } from './tracker.ts';
import * as verdict from './verdict.ts';

const meta: StateMeta = {};

const base = setup({
  types: {
    context: {} as SessionContext,
    events: {} as AnyEvent,
    input: {} as Birth,
    meta,
  },
  actions: { ...WISHES },
  guards: GUARDS,
  delays: {
    offer: ({ context }) => timerMs(context, 'offer'),
    prepare: ({ context }) => timerMs(context, 'prepare'),
    verify: ({ context }) => timerMs(context, 'verify'),
    release: ({ context }) => timerMs(context, 'release'),
    observe: ({ context }) => timerMs(context, 'observe'),
    check: ({ context }) => timerMs(context, 'check'),
    alive: ({ context }) => timerMs(context, 'alive'),
    backoff: ({ context }) => context.backoff?.ms ?? 0,
    help: ({ context }) => helpMs(context),
    // The agent ends a run at its limits; this is for an agent that is not heard of at all.
    overrun: ({ context }) =>
      2 * (runSeconds(context) * 1_000 + timerMs(context, 'hold') + timerMs(context, 'release')),
  },
});

function helpMs(context: SessionContext): number {
  if (context.help === null) return timerMs(context, 'stall');
  return Math.min(timerMs(context, 'helpBase') * 2 ** (context.help.asked - 1), timerMs(context, 'helpMax'));
}

/** A named action from handlers that write on one draft, in order. */
const does = (...handlers: Write[]) =>
  base.enqueueActions(({ context, event, enqueue }) => {
    const draft = draftOf(context, event);
    for (const write of handlers) write(draft);
    showPlan(draft);
    if (draft.wishes.some(({ type }) => type === 'refuse')) {
      for (const wish of draft.wishes) if (wish.type === 'refuse') enqueue(wish);
      return;
    }
    if (draft.context !== context) enqueue.assign(draft.context);
    for (const type of [...draft.raised, ...labelsOf(context, draft.context)]) {
      enqueue.raise({ type, data: {}, at: event.at, id: event.id, source: event.source, seq: event.seq });
    }
    for (const wish of draft.wishes) enqueue(wish);
  });

function askAboutSilence(draft: Draft): void {
  const { pull } = draft.context;
  const names = silentChecks(draft.context);
  if (pull === null || names.length === 0) return;
  set(draft, { silent: { head: pull.head, names } });
  askHelp(draft, {
    gate: 'checks',
    on: null,
    text: `No result of ${names.join(', ')} has come for ${pull.head.slice(0, 7)}. Is it still there? It can be ignored, or the gate edited.`,
  });
}

function askForAgent(draft: Draft): void {
  const { unmatched, help, want } = draft.context;
  if (unmatched === null) return;
  set(draft, { help: { gate: 'agent', asked: (help?.asked ?? 0) + 1, at: draft.event.at } });
  const why = unmatched.ruledOut.map(({ agent, why }) => `${agent}: ${why}`).join('; ');
  askHelp(draft, {
    gate: 'agent',
    on: null,
    ...(want === null ? {} : { since: want.since }),
    text: `No ${unmatched.role} takes this${why === '' ? ': nobody is hired for it' : ` (${why})`}.`,
  });
}

const lost = (reason: string): Write => loss.lose(() => reason);
const goneReason = ({ event }: Draft): string =>
  event.type === 'agent.gone' ? `${event.data.class}: ${event.data.reason}` : 'the agent is gone';
const failedReason = ({ event }: Draft): string =>
  event.type === 'worktree.failed' || event.type === 'run.verify.failed' ? event.data.reason : 'it could not be done';
const forgetHelp: Write = (draft) => {
  if (draft.context.help !== null) set(draft, { help: null });
};

export const session = base.extend({
  actions: {
    open: does(birth.open),
    openFromIssue: does(birth.openFromIssue),
    // who works
    want: does(assignment.want),
    unwant: does(assignment.unwant),
    offer: does(forgetHelp, assignment.offer),
    acceptOffer: does(assignment.accept),
    offerDeclined: does(assignment.offerFailed('declined', 'declined')),
    offerUnsuited: does(assignment.offerFailed('declined', 'declined as unsuited', true)),
    offerTimedOut: does(assignment.offerFailed('timedOut', 'no answer to the offer')),
    endOffer: does((draft) => assignment.endAssignment(draft, 'there is nothing to start any more')),
    noteUnmatched: does(correspondence.noteUnmatched),
    widenPin: does(correspondence.widenPin),
    askForAgent: does(askForAgent),
    // the run
    prepare: does(run.prepare),
    begin: does(run.begin),
    noteStarted: does(run.started),
    askPerson: does(run.asked),
    endToVerify: does(run.toVerify),
    handBack: does(run.handedBack),
    putDown: does(run.putDown),
    limit: does(loss.limited),
    verify: does(judging.verify),
    judge: does(verdict.judgeReview, observe.weighConflict),
    release: does(assignment.release),
    abandon: does(assignment.abandon),
    loseWorker: does(loss.lose(goneReason)),
    loseUnprepared: does(loss.lose(failedReason)),
    losePrepareTimeout: does(lost('the worktree was not ready in time')),
    loseOverrun: does(lost('nothing was heard of the run')),
    loseUndelivered: does(lost('the agent no longer takes this run')),
    loseUnverified: does(loss.lose(failedReason)),
    loseVerifyTimeout: does(lost('the verification did not end in time')),
    loseUnreleased: does(lost('its process is not known to be gone'), assignment.abandon),
    leave: does(loss.leave),
    clearBackoff: does(loss.clearBackoff),
    parkExhausted: does(loss.parkExhausted),
    settleSteer: does(people.settleSteer),
    // the outside
    observePull: does(observe.observePull),
    missPull: does(observe.missPull),
    lookAgain: does((draft) => set(draft, { look: draft.context.look + 1 })),
    observeIssue: does(issue.observeIssue),
    holdStart: does(issue.holdStart),
    freeStart: does(issue.freeStart),
    denyAdoption: does(corrections.denyAdoption),
    letGo: does(corrections.letGo),
    keepAlive: does(tracker.keepAlive),
    askForReview: does(reviewing.askForReview),
    reviewRequestRefused: does(reviewing.requestRefused),
    rerunRefused: does(checking.rerunRefused),
    giveUpRerun: does(checking.giveUpRerun),
    takeVerdict: does(reviewing.takeVerdict, observe.weighConflict),
    pictureReview: does(reviewing.pictureReview),
    wantVerdict: does(verdict.wantVerdict),
    dropVerdict: does(verdict.dropVerdict),
    reviewPosted: does(verdict.posted),
    askAboutSilence: does(askAboutSilence),
    merge: does(merging.merge),
    mergeAnswered: does(merging.mergeAnswered),
    linkItem: does(correspondence.linkItem),
    unlinkItem: does(correspondence.unlinkItem),
    mailRefused: does(correspondence.mailRefused),
    complete: does(ending.complete),
    removed: does(ending.removed),
    // people
    hearSay: does(people.hearSay),
    hearComment: does(people.hearComment),
    takeAnswer: does(people.takeAnswer),
    takeNote: does(people.takeNote),
    readNotes: does(people.readNotes),
    reassign: does(corrections.reassign),
    unassign: does(corrections.unassign),
    replaceReviewer: does(reviewing.replaceReviewer),
    waiveReview: does(reviewing.waive, observe.weighConflict),
    ignoreCheck: does(corrections.ignoreCheck, checking.settleGreen),
    rerunCheck: does(corrections.rerunCheck),
    dropObligation: does(corrections.dropObligation),
    setLimit: does(corrections.setLimit),
    attachPull: does(corrections.attachPull),
    retry: does(corrections.retry),
    stop: does(corrections.stop),
    pause: does(corrections.pause),
    resume: does(corrections.resume),
    takeOver: does(takingOver.takeOver),
    endTakeover: does(takingOver.handBack),
    withdrawWork: does(corrections.withdrawWork),
    delegateWork: does(corrections.delegateWork),
    close: does(ending.close),
    edit: does(corrections.edit, checking.settleGreen),
  },
});

/** The agent's vocabulary: its actions, guards and delays by name. What they decide is in `run.ts` and `employment.ts`. */
import { raise, setup } from 'xstate';
import { timerMs } from '../contract.ts';
import type { Birth } from '../contract.ts';
import { perform, refuse } from '../decision.ts';
import { WISHES } from '../effects.ts';
import * as chat from './chat.ts';
import type { AgentContext } from './context.ts';
import * as employment from './employment.ts';
import type { Handler, Taken } from './event.ts';
import * as mail from './mail.ts';
import * as run from './run.ts';
import { reviewPulls } from './subscription.ts';

const base = setup({
  types: {
    context: {} as AgentContext,
    events: {} as Taken,
    input: {} as Birth,
  },
  actions: { ...WISHES },
});

const decides = (handler: Handler) =>
  base.enqueueActions(({ context, event, enqueue }) => {
    perform(handler(context, event), enqueue);
  });

/** An agent that was asked whether it is there says so in this time, or not at all. */
const WORD_MS_MAX = 60_000;
/** No query has a deadline, no silence was told: the timer is set far away, and anew when there is one. */
const NEVER_MS = 365 * 86_400_000;

/** A process ended for an agent's own reason, in words. */
const since = (sinceMs: number): string => `nothing was heard for ${Math.round(sinceMs / 1_000)} s`;

export const agent = base.extend({
  actions: {
    // offers and runs
    admit: raise(({ event }) => ({ ...(event as Extract<Taken, { type: 'run.offered' }>), type: 'offer.admitted' })),
    accept: decides(run.accept),
    declineBusy: decides(run.decline('busy')),
    declinePaused: decides(run.decline('paused')),
    declineClosed: decides(run.decline('closed')),
    declineUnsuited: decides(run.decline('unsuited')),
    begin: decides(run.begin),
    tellStarted: decides(run.started),
    tellAsked: decides(run.asked),
    passAnswer: decides(run.answered),
    steer: decides(run.steer),
    steerNot: decides(run.steerNot),
    tellSteered: decides(run.steerSettled),
    tellEnded: decides(run.turned),
    endOverrun: decides(run.overran),
    endHeld: decides(run.heldTooLong),
    endCancelled: decides(run.cancelled),
    askSilent: decides(run.askSilent),
    interruptSilent: decides(run.interruptSilent),
    heardAgain: decides(run.heardAgain),
    forgetSilence: decides(run.forgetSilence),
    endSilent: decides(
      run.losing((context, event) => ({
        class: 'silent',
        reason:
          event.type === 'driver.silent' ? since(event.data.sinceMs) : run.silentFor(context, (event as Taken).at),
      })),
    ),
    endUnstarted: decides(
      run.losing((context) => ({
        class: 'lost',
        reason: `the process was not up after ${timerMs(context, 'start') / 1_000} s`,
      })),
    ),
    endAgain: decides(run.endAgain),
    drop: decides(run.dropped(null)),
    dropUnbegun: decides(
      run.dropped((context) => ({
        class: 'lost',
        reason: `the run did not begin within ${timerMs(context, 'begin') / 1_000} s`,
      })),
    ),
    releaseUnknown: decides(run.releaseUnknown),
    tellGone: decides(run.processGone),
    // employment
    hired: decides(employment.hired),
    remember: decides(employment.remember),
    stop: decides(employment.stop),
    stopAfterwards: decides(employment.stopAfterwards),
    resumeAfterwards: decides(employment.resumeAfterwards),
    drainedAfterwards: decides(employment.drainedAfterwards),
    restart: decides(employment.restart),
    comeBack: decides(employment.comeBack),
    offboard: decides(employment.offboard),
    offboardAgain: decides(employment.offboardAgain),
    credentialRevoked: decides(employment.credentialRevoked),
    interrupt: decides(employment.interrupt),
    cooled: decides(employment.cooled),
    setLanes: decides(employment.setLanes),
    setDriver: decides(employment.setDriver),
    setLimits: decides(employment.setLimits),
    memorise: decides(employment.memorise),
    forget: decides(employment.forget),
    note: decides(employment.note),
    noteRead: decides(employment.noteRead),
    reviewRecorded: decides(employment.reviewRecorded),
    subscribe: decides(employment.subscribe),
    unsubscribe: decides(employment.unsubscribe),
    reviewPulls: decides(reviewPulls),
    // mail and chat
    queueMail: decides(mail.queueMail),
    adoptMail: decides(mail.adoptMail),
    withdraw: decides(mail.withdraw),
    deliverMail: decides(mail.deliver),
    notesShown: decides(mail.notesShown),
    steerThis: decides(mail.steerThis),
    steerUrgent: decides(mail.steerUrgent),
    readMail: decides(mail.readMail),
    answerMail: decides(mail.answerMail),
    putBackMail: decides(mail.putBack),
    returnMail: decides(mail.returnMail),
    expireMail: decides(mail.expire),
    armMail: base.assign(({ context }) => ({ mailArmed: context.mailDue })),
    mailSteered: decides(mail.mailSteered),
    noteSaid: decides(mail.said),
    wake: decides(chat.wake),
    chatStarted: decides(chat.chatStarted),
    chatAsked: decides(chat.chatAsked),
    answerChat: decides(chat.answerChat),
    endHeldChat: decides(chat.endHeldChat),
    endSpentChat: decides(chat.endSpentChat),
    chatTurned: decides(chat.chatTurned),
    chatGone: decides(chat.chatGone),
    promptFailed: decides(chat.promptFailed),
    returnPlace: decides(chat.returnPlace),
    endDisplacedChat: decides(chat.endChat('another chat waited for its place, and nobody needed it')),
    endDrainedChat: decides(chat.endChat('it is drained, and its turn is over')),
    endIdleChat: decides(chat.endChat('nobody needs it now')),
    endUnstartedChat: decides(chat.endFaulty('the process was not up in time')),
    endSilentChat: decides(chat.endFaulty('nothing was heard of it')),
    endOverrunChat: decides(chat.endFaulty('its turn took too long')),
    attached: decides(chat.attached),
    left: decides(chat.left),
    forgetCompany: decides(chat.forgetCompany),
    archive: decides(chat.archive),
    archiveAfterwards: decides(chat.archiveAfterwards),
    refuseInUse: decides((context, event) => ({
      wishes: [refuse('guard', chat.inUse(context, event.source, event.at) ?? 'it is in use')],
    })),
    // between the regions
    sayRested: raise(({ event }) => told('life.rested', event)),
    sayHalted: raise(({ event }) => told('life.halted', event)),
    sayDrained: raise(({ event }) => told('door.drained', event)),
  },
  guards: {
    isWorker: ({ context }) => context.mode === 'worker',
    hasProcess: ({ context }) => hasProcess(context),
    isThisRun: ({ context, event }) => isThisRun(context, event),
    isItsRunToBegin: ({ context, event }) => isThisRun(context, event) && context.run?.begun === null,
    isItsRunWithProcess: ({ context, event }) => isThisRun(context, event) && hasProcess(context),
    isItsQuestion: ({ context, event }) =>
      isThisRun(context, event) && event.type === 'run.answered' && context.run?.question?.id === event.data.question,
    isDisowned: ({ context, event }) => run.disowns(context, event),
    isDisownedWithProcess: ({ context, event }) => run.disowns(context, event) && hasProcess(context),
    hasQuestion: ({ context }) => context.run?.question !== null,
    isAsking: ({ context }) => (context.run === null ? context.chat : context.run).question !== null,
    isSilent: ({ context }) => context.silence !== null,
    wasAsked: ({ context }) => context.silence?.stage === 'asked',
    isDeaf: ({ context, event }) => run.isDeaf(context, event),
    isHeldChat: ({ context }) => context.mode === 'chat' && context.chat.question !== null,
    isHeldInCompany: ({ context }) =>
      context.mode === 'chat' && context.chat.question !== null && context.consumers.length > 0,
    isChatQuestion: ({ context, event }) =>
      context.mode === 'chat' &&
      event.type === 'answer' &&
      context.chat.question !== null &&
      (event.data.question ?? context.chat.question.id) === context.chat.question.id,
    isSpent: ({ context }) => context.cooling !== null || context.chat.ending,
    isChat: ({ context }) => context.mode === 'chat',
    isToArchive: ({ context }) => context.afterwards === 'archived',
    shouldWake: ({ context, event }) => chat.shouldWake(context, event.at),
    hasMail: ({ context }) => mail.hasMail(context),
    hasConsumer: ({ context }) => context.consumers.length > 0,
    isInUse: ({ context, event }) =>
      event.type === 'correct.archive' &&
      event.data.unlessActive === true &&
      chat.inUse(context, event.source, event.at) !== null,
    isBusyChat: ({ context }) => context.mode === 'chat' && context.chat.up,
    isToStop: ({ context }) => context.afterwards === 'stopped',
    isHot: ({ context }) => context.cooling !== null,
    hasOtherDeadline: ({ context }) => context.mailDue !== context.mailArmed,
    isClear: ({ context }) => context.run === null && !context.chat.up && context.revoked,
  },
  delays: {
    /** For `run.begun`, then for the process. */
    ready: ({ context }) => timerMs(context, context.run?.begun === null ? 'begin' : 'start'),
    /** Of a run: what is left of its wall clock, or how long a question is held. */
    clock: ({ context }) => {
      if (context.run === null) {
        if (context.chat.question !== null) return timerMs(context, 'hold');
        return Math.max(0, run.runSeconds(context) * 1_000 - context.chat.clockUsedMs);
      }
      if (context.run.question !== null) return timerMs(context, 'hold');
      return Math.max(0, run.runSeconds(context) * 1_000 - context.run.clockUsedMs);
    },
    /** As long as its silence was allowed to last, but a minute at most; an interrupted turn ends at once or not at all. */
    silence: ({ context }) => {
      if (context.silence === null) return NEVER_MS;
      if (context.silence.stage === 'interrupted') return timerMs(context, 'stop');
      const { silenceSeconds = timerMs(context, 'silence') / 1_000 } = context.run?.begun?.limits ?? context.limits;
      return Math.min(silenceSeconds * 1_000, WORD_MS_MAX);
    },
    /** A process that ended its turn may leave by itself; one that was told to is told again. */
    leave: ({ context }) => timerMs(context, context.run?.ending === false ? 'stop' : 'offboard'),
    cool: ({ context, event }) =>
      context.cooling === null ? 0 : Math.max(0, Date.parse(context.cooling.until) - Date.parse(event.at)),
    idle: ({ context }) => timerMs(context, 'idle'),
    again: ({ context }) => timerMs(context, 'offboard'),
    mail: ({ context, event }) =>
      context.mailDue === null ? NEVER_MS : Math.max(0, Date.parse(context.mailDue) - Date.parse(event.at)),
  },
});

function told<Type extends 'life.rested' | 'life.halted' | 'door.drained'>(type: Type, event: Taken) {
  return { type, data: {}, at: event.at, id: event.id, source: event.source, seq: event.seq };
}

export function hasProcess(context: AgentContext): boolean {
  return context.chat.up || (context.run !== null && context.run.begun !== null);
}

function isThisRun({ run }: AgentContext, event: Taken): boolean {
  const about = event.data as { session?: string; epoch?: number };
  return run !== null && about.session === run.session && about.epoch === run.epoch;
}

/** What `why` says when a guard refuses. */
export const REASONS: Record<string, string> = {
  isWorker: 'only a worker is offered work; this agent is a chat',
  hasProcess: 'there is no process',
  isThisRun: 'it is about another run than the one this agent has',
  isItsRunToBegin: 'it is about another run than the one this agent has accepted and not begun',
  isItsRunWithProcess: 'it is about another run, or that run has no process yet',
  isItsQuestion: 'that question is not open',
  isDisowned: 'the refused message was not about its present run',
  isDisownedWithProcess: 'the refused message was not about a present run with a process',
  hasQuestion: 'no question is open',
  isAsking: 'no question is open',
  isSilent: 'its process is heard',
  wasAsked: 'it was not only asked but interrupted',
  isDeaf: 'it took what it was asked',
  isHeldChat: 'this chat asks nothing',
  isHeldInCompany: 'nobody is attached who could answer',
  isChatQuestion: 'that question is not open',
  isSpent: 'it may go on',
  isChat: 'it is a worker',
  isToArchive: 'it is not being archived',
  shouldWake: 'no mail waits and nobody is there',
  hasMail: 'no mail waits',
  hasConsumer: 'nobody is attached',
  isInUse: 'it is not in use, or may be put away all the same',
  isBusyChat: 'no process of this chat is up',
  isToStop: 'it goes back to sleep',
  isHot: 'nothing makes it cool down',
  hasOtherDeadline: 'the next deadline of a query is as planned',
  isClear: 'a process, or a credential that is not yet revoked, is in the way',
};

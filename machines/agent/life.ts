/**
 * Region *life*: where the agent is. A worker sleeps, accepts an offer, starts a process for the run, is busy with it,
 * and sleeps again when the process group is gone; everything that can go wrong on that way ends in a state.
 */
import { agent } from './setup.ts';

/** Watches of an agent that is at work; each stands only where its parameters are known (`project.ts`). */
const AT_WORK = ['repository', 'consumer'] as const;

const refusal = (reason: string) => ({ type: 'refuse', params: { code: 'guard', reason } }) as const;
const refuseGuard = (reason: string) => ({ actions: refusal(reason) }) as const;

const stopTo = [
  { guard: 'hasProcess', target: 'stopping', actions: 'stop' },
  { target: 'stopped', actions: 'stop' },
] as const;
const restartTo = [
  { guard: 'hasProcess', target: 'stopping', actions: 'restart' },
  { target: 'asleep', actions: 'restart' },
] as const;
const leave = { target: 'offboarding', actions: ['offboard', 'returnMail'] } as const;

const inPlace = {
  'correct.stop': stopTo,
  'correct.offboard': leave,
  'correct.restart': restartTo,
  'correct.subscribe': { actions: 'subscribe' },
  'pulls.observed': { actions: 'reviewPulls' },
  'correct.archive': [
    { guard: 'isWorker', actions: refusal('a worker is not archived; stop or offboard it') },
    { guard: 'isInUse', actions: 'refuseInUse' },
    { guard: 'isBusyChat', target: 'stopping', actions: 'archive' },
    { target: 'archived', actions: 'archive' },
  ],
} as const;

/** Drained, a chat reads nothing more after this turn: what waits is left for when it is resumed. */
const drainsChat = {
  'correct.drain': { guard: 'isChat', actions: 'drainedAfterwards' },
  'correct.resume': { guard: 'isChat', actions: 'resumeAfterwards' },
} as const;

const awayFromWork = refuseGuard('a stopped agent watches nothing; resume it first');

export const life = agent.createStateConfig({
  initial: 'hired',
  on: {
    // What concerns a run this agent does not have.
    'run.begun': {
      actions: { type: 'supersede', params: { reason: 'this agent has not accepted that run, or has let it go' } },
    },
    'run.cancelled': { actions: 'releaseUnknown' },
    'run.steered': { actions: { type: 'supersede', params: { reason: 'this agent does not have that run' } } },
    'run.answered': { actions: { type: 'supersede', params: { reason: 'that question is not open here' } } },
    // What a process says after its run is over changes nothing.
    'driver.started': {},
    'driver.asked': {},
    'driver.said': { actions: 'noteSaid' },
    'driver.turned': {},
    'driver.exited': {},
    'driver.silent': {},
    'driver.heard': {},
    answer: refuseGuard('nothing is asked here; what a run asks is answered at its session'),
    'offer.admitted': { actions: 'declineBusy' },
    'correct.interrupt': refuseGuard('nothing is running'),
    'correct.unsubscribe': { actions: 'unsubscribe' },
    'driver.steer.done': { actions: 'mailSteered' },
    'driver.steer.failed': { actions: 'mailSteered' },
    say: { actions: 'queueMail' },
    query: { actions: 'queueMail' },
    'query.answered': { actions: 'queueMail' },
    'mail.adopted': { actions: 'adoptMail' },
    'query.withdrawn': { actions: 'withdraw' },
    'consumer.attached': { actions: 'attached' },
    'consumer.left': { actions: 'left' },
    'place.given': { actions: 'returnPlace' },
    'place.wanted': {},
    'pulls.observed': {},
    'correct.restore': refuseGuard('only an archived chat is restored'),
    'mail.refused': {},
  },
  states: {
    hired: {
      description: 'Just hired; goes to sleep at once.',
      meta: { waitsFor: 'nothing' },
      on: { hire: { target: 'asleep', actions: 'hired' } },
    },
    asleep: {
      description: 'No process: a worker between runs, a dormant chat.',
      meta: { waitsFor: 'nothing', watches: AT_WORK },
      entry: ['forgetSilence', 'sayRested'],
      always: [
        { guard: 'isToStop', target: 'stopped' },
        { guard: 'isToArchive', target: 'archived' },
        { guard: 'isHot', target: 'coolingDown' },
      ],
      on: {
        ...inPlace,
        'place.given': [{ guard: 'shouldWake', target: 'starting', actions: 'wake' }, { actions: 'returnPlace' }],
        'offer.admitted': [
          { guard: 'isWorker', target: 'starting', actions: 'accept' },
          { actions: 'declineUnsuited' },
        ],
        'correct.drain': { target: 'stopped', actions: 'remember' },
        'door.drained': 'stopped',
      },
    },
    starting: {
      description: 'A run is accepted: the session prepares it, then its process starts.',
      meta: { waitsFor: 'agent', watches: [...AT_WORK, 'process'] },
      after: {
        ready: [
          { guard: 'isChat', target: 'stopping', actions: 'endUnstartedChat' },
          { guard: 'hasProcess', target: 'stopping', actions: 'endUnstarted' },
          { target: 'asleep', actions: 'dropUnbegun' },
        ],
      },
      on: {
        ...inPlace,
        ...drainsChat,
        'run.begun': { guard: 'isItsRunToBegin', target: 'starting', reenter: true, actions: 'begin' },
        'run.cancelled': [
          { guard: 'isItsRunWithProcess', target: 'stopping', actions: 'endCancelled' },
          { guard: 'isThisRun', target: 'asleep', actions: 'drop' },
        ],
        'run.steered': { guard: 'isThisRun', actions: 'steerNot' },
        'driver.started': [
          { guard: 'isChat', target: 'awake', actions: 'chatStarted' },
          { guard: 'hasProcess', target: 'busy', actions: ['tellStarted', 'readMail'] },
        ],
        'driver.turned': [
          { guard: 'isChat' },
          { guard: 'hasProcess', target: 'stopping', actions: ['tellEnded', 'answerMail'] },
        ],
        'driver.exited': [
          { guard: 'isChat', target: 'asleep', actions: 'chatGone' },
          { guard: 'hasProcess', target: 'asleep', actions: ['tellGone', 'putBackMail'] },
        ],
        'driver.silent': [
          { guard: 'isChat', target: 'stopping', actions: 'endSilentChat' },
          { guard: 'hasProcess', target: 'stopping', actions: 'endSilent' },
        ],
        'mail.refused': [
          { guard: 'isDisownedWithProcess', target: 'stopping', actions: 'endCancelled' },
          { guard: 'isDisowned', target: 'asleep', actions: 'drop' },
          {},
        ],
      },
    },
    awake: {
      description: 'A chat between turns: its process waits for mail.',
      meta: { waitsFor: 'nothing', watches: [...AT_WORK, 'process'] },
      entry: ['forgetSilence', 'sayRested'],
      always: [
        { guard: 'isSpent', target: 'stopping', actions: 'endSpentChat' },
        { guard: 'isToStop', target: 'stopping', actions: 'endDrainedChat' },
        { guard: 'hasMail', target: 'busy', actions: 'deliverMail' },
      ],
      after: {
        idle: [
          { guard: 'hasConsumer', target: 'awake', reenter: true },
          { target: 'stopping', actions: 'endIdleChat' },
        ],
      },
      on: {
        ...inPlace,
        'driver.exited': { target: 'asleep', actions: 'chatGone' },
        'place.wanted': [{ guard: 'hasConsumer' }, { target: 'stopping', actions: 'endDisplacedChat' }],
        'consumer.left': { target: 'awake', reenter: true, actions: 'left' },
        'correct.drain': { target: 'stopping', actions: 'stop' },
        'door.drained': { target: 'stopping', actions: 'stop' },
      },
    },
    busy: {
      description: 'The process works for a session, or waits for a person’s answer.',
      meta: { waitsFor: 'agent', watches: [...AT_WORK, 'process'] },
      after: {
        clock: [
          { guard: 'isHeldInCompany', target: 'busy', reenter: true },
          { guard: 'isHeldChat', target: 'stopping', actions: 'endHeldChat' },
          { guard: 'isChat', target: 'stopping', actions: 'endOverrunChat' },
          { guard: 'hasQuestion', target: 'stopping', actions: 'endHeld' },
          { target: 'stopping', actions: 'endOverrun' },
        ],
        // Nothing was heard: how long it is waited for a word after asking, and after interrupting.
        silence: [
          { guard: 'wasAsked', target: 'busy', reenter: true, actions: 'interruptSilent' },
          { guard: 'isChat', target: 'stopping', actions: 'endSilentChat' },
          { target: 'stopping', actions: 'endSilent' },
        ],
      },
      on: {
        ...inPlace,
        ...drainsChat,
        // Entered anew, so that the clock stands while a question is open and goes on afterwards.
        'driver.asked': [
          { guard: 'isChat', target: 'busy', reenter: true, actions: 'chatAsked' },
          { target: 'busy', reenter: true, actions: 'tellAsked' },
        ],
        answer: [
          { guard: 'isChatQuestion', target: 'busy', reenter: true, actions: 'answerChat' },
          { guard: 'isHeldChat', actions: refusal('that question is not open') },
          refuseGuard('nothing is asked here; what a run asks is answered at its session'),
        ],
        'run.answered': { guard: 'isItsQuestion', target: 'busy', reenter: true, actions: 'passAnswer' },
        'run.steered': { guard: 'isThisRun', actions: 'steer' },
        'driver.steer.done': [
          { guard: 'isDeaf', target: 'busy', reenter: true, actions: 'interruptSilent' },
          { actions: ['tellSteered', 'mailSteered'] },
        ],
        'driver.steer.failed': [
          { guard: 'isDeaf', target: 'busy', reenter: true, actions: 'interruptSilent' },
          { actions: ['tellSteered', 'mailSteered'] },
        ],
        'driver.prompt.failed': [{ guard: 'isChat', target: 'stopping', actions: 'promptFailed' }, {}],
        'driver.turned': [
          { guard: 'isChat', target: 'awake', actions: 'chatTurned' },
          { target: 'stopping', actions: ['tellEnded', 'answerMail'] },
        ],
        'driver.exited': [
          { guard: 'isChat', target: 'asleep', actions: 'chatGone' },
          { target: 'asleep', actions: ['tellGone', 'putBackMail'] },
        ],
        'driver.silent': [
          { guard: 'isAsking' },
          { guard: 'isSilent' },
          { target: 'busy', reenter: true, actions: 'askSilent' },
        ],
        'driver.heard': { guard: 'isSilent', target: 'busy', reenter: true, actions: 'heardAgain' },
        say: [{ guard: 'isWorker', actions: ['queueMail', 'steerThis'] }, { actions: ['queueMail', 'steerUrgent'] }],
        query: [{ guard: 'isWorker', actions: ['queueMail', 'steerThis'] }, { actions: ['queueMail', 'steerUrgent'] }],
        'query.answered': [{ guard: 'isWorker', actions: ['queueMail', 'steerThis'] }, { actions: 'queueMail' }],
        'door.drained': [{ guard: 'isChat', target: 'stopping', actions: 'stop' }, {}],
        'run.cancelled': { guard: 'isThisRun', target: 'stopping', actions: 'endCancelled' },
        'mail.refused': [{ guard: 'isDisowned', target: 'stopping', actions: 'endCancelled' }, {}],
        'correct.interrupt': { actions: 'interrupt' },
      },
    },
    coolingDown: {
      description: 'Too many crashes, contention or a provider’s limit: no work until the time named.',
      meta: { waitsFor: 'backoff', watches: AT_WORK },
      after: { cool: { target: 'asleep', actions: 'cooled' } },
      on: {
        ...inPlace,
        'correct.drain': { target: 'stopped', actions: 'remember' },
        'door.drained': 'stopped',
      },
    },
    stopping: {
      description: 'The process is to be gone; until it is, nothing else begins.',
      meta: { waitsFor: 'stopping', watches: [...AT_WORK, 'process'] },
      entry: 'forgetSilence',
      after: { leave: { target: 'stopping', reenter: true, actions: 'endAgain' } },
      on: {
        'driver.turned': [{ guard: 'isChat', actions: 'chatTurned' }, { actions: ['tellEnded', 'answerMail'] }],
        'driver.exited': [
          { guard: 'isChat', target: 'asleep', actions: 'chatGone' },
          { target: 'asleep', actions: ['tellGone', 'putBackMail'] },
        ],
        'run.cancelled': { guard: 'isThisRun', actions: 'endCancelled' },
        'run.steered': { guard: 'isThisRun', actions: 'steerNot' },
        'driver.steer.done': { actions: ['tellSteered', 'mailSteered'] },
        'driver.steer.failed': { actions: ['tellSteered', 'mailSteered'] },
        'mail.refused': [{ guard: 'isDisowned', actions: 'endCancelled' }, {}],
        'correct.stop': { actions: 'stopAfterwards' },
        'door.drained': { actions: 'drainedAfterwards' },
        'correct.resume': { actions: 'resumeAfterwards' },
        'correct.restart': { actions: 'resumeAfterwards' },
        'correct.offboard': leave,
        'correct.archive': [
          { guard: 'isWorker', actions: refusal('a worker is not archived; stop or offboard it') },
          { guard: 'isInUse', actions: 'refuseInUse' },
          { actions: 'archiveAfterwards' },
        ],
        'correct.subscribe': { actions: 'subscribe' },
        'pulls.observed': { actions: 'reviewPulls' },
      },
    },
    archived: {
      description: 'A chat put away: no process, no mail; its history is readable, and it can be restored.',
      meta: { waitsFor: 'paused' },
      entry: ['sayHalted', 'forgetCompany'],
      on: {
        'correct.archive': {},
        'correct.stop': {},
        'correct.drain': {},
        'correct.pause': refuseGuard('it is archived; restore it first'),
        'correct.resume': refuseGuard('it is archived; restore it first'),
        'correct.restart': refuseGuard('it is archived; restore it first'),
        'correct.restore': { target: 'asleep', actions: 'comeBack' },
        'correct.offboard': leave,
        'correct.subscribe': awayFromWork,
        say: refuseGuard('it is archived; restore it first'),
        query: refuseGuard('it is archived; restore it first'),
        'query.answered': {},
      },
    },
    stopped: {
      description: 'Stopped; holds through restarts until a person resumes it.',
      meta: { waitsFor: 'paused' },
      entry: ['sayHalted', 'forgetCompany'],
      on: {
        'offer.admitted': { actions: 'declineClosed' },
        'correct.stop': {},
        'correct.drain': {},
        'correct.pause': refuseGuard('it is stopped; resume it first'),
        'correct.resume': { target: 'asleep', actions: 'comeBack' },
        'correct.restart': { target: 'asleep', actions: 'comeBack' },
        'correct.archive': [
          { guard: 'isWorker', actions: refusal('a worker is not archived; stop or offboard it') },
          { guard: 'isInUse', actions: 'refuseInUse' },
          { target: 'archived', actions: 'archive' },
        ],
        'correct.offboard': leave,
        'correct.subscribe': awayFromWork,
      },
    },
    offboarding: {
      description: 'The employment ends: credential revoked, process gone, then everything it holds is given back.',
      meta: { waitsFor: 'stopping', watches: ['process'] },
      entry: 'forgetSilence',
      always: { guard: 'isClear', target: 'offboarded' },
      after: { again: { target: 'offboarding', reenter: true, actions: 'offboardAgain' } },
      on: {
        'credential.revoke.done': { actions: 'credentialRevoked' },
        'driver.turned': [{ guard: 'isChat', actions: 'chatTurned' }, { actions: ['tellEnded', 'answerMail'] }],
        'driver.exited': [{ guard: 'isChat', actions: 'chatGone' }, { actions: ['tellGone', 'putBackMail'] }],
        'correct.archive': refuseGuard('it is being offboarded'),
        say: refuseGuard('it is being offboarded'),
        query: refuseGuard('it is being offboarded'),
        'query.answered': {},
        'mail.adopted': refuseGuard('it is being offboarded'),
        'run.cancelled': { guard: 'isThisRun', actions: 'endCancelled' },
        'run.steered': { guard: 'isThisRun', actions: 'steerNot' },
        'mail.refused': [{ guard: 'isDisowned', actions: 'endCancelled' }, {}],
        'correct.offboard': { actions: 'offboardAgain' },
        'correct.stop': {},
        'correct.drain': {},
        'correct.pause': refuseGuard('it is being offboarded'),
        'correct.resume': refuseGuard('it is being offboarded'),
        'correct.restart': refuseGuard('it is being offboarded'),
        'correct.subscribe': refuseGuard('it is being offboarded'),
      },
    },
    offboarded: {
      type: 'final',
      description: 'Offboarded; memory, audit and reviews are kept, the name is not hired again.',
    },
  },
});

/**
 * Who works on it now: wanted, offered, prepared, run, verified, and back to what is owed next. What is next is computed
 * after every step from the obligations (`next.ts`); `unassigned` is where the ways part.
 */
import { session } from '../setup.ts';

export const work = session.createStateConfig({
  initial: 'idle',
  states: {
    unassigned: {
      description: 'Something is owed and nobody has it: an agent is wanted as soon as nothing holds it back.',
      meta: {
        waitsFor: 'agent',
        unbounded: 'While nothing is wanted, what holds it back has an end of its own; wanting sets the deadline anew.',
      },
      always: [
        { guard: 'shouldUnwant', actions: 'unwant' },
        { guard: 'isStopping', target: 'stopping' },
        { guard: 'owesNothing', target: 'idle' },
        { guard: 'budgetIsExhausted', actions: 'parkExhausted' },
        { guard: 'allParked', target: 'escalated' },
        { guard: 'mustBackOff', target: 'backingOff' },
        { guard: 'shouldWant', target: 'unassigned', reenter: true, actions: 'want' },
      ],
      on: {
        'work.matched': { guard: 'matchesWant', target: 'offered', actions: 'offer' },
        'work.unmatched': [
          { guard: 'nobodyIsHired', target: 'unassigned', reenter: true, actions: ['noteUnmatched', 'askForAgent'] },
          { guard: 'isCurrentWant', actions: 'noteUnmatched' },
        ],
      },
      after: {
        help: [
          { guard: 'nobodyTakesIt', target: 'unassigned', reenter: true, actions: 'askForAgent' },
          { guard: 'wantIsOpen', target: 'unassigned', reenter: true },
        ],
      },
    },
    offered: {
      description: 'One agent was offered the run; it accepts, declines, or lets the time pass.',
      meta: { waitsFor: 'agent' },
      always: { guard: 'offerIsMoot', actions: 'endOffer' },
      on: {
        'offer.accepted': [
          { guard: 'isOccupied', target: 'stopping', actions: 'acceptOffer' },
          { target: 'preparing', actions: 'acceptOffer' },
        ],
        'offer.declined': [
          { guard: 'isUnsuited', target: 'unassigned', actions: 'offerUnsuited' },
          { target: 'unassigned', actions: 'offerDeclined' },
        ],
        'agent.gone': { actions: 'leave' },
        'mail.refused': { guard: 'offerWasUndeliverable', target: 'unassigned', actions: 'offerDeclined' },
        'assignment.ended': 'unassigned',
      },
      after: { offer: { target: 'unassigned', actions: 'offerTimedOut' } },
    },
    preparing: {
      description: 'The worktree is made ready: fetched, rescued, checked out, the repository’s hook run.',
      meta: { waitsFor: 'agent' },
      entry: 'prepare',
      on: {
        'worktree.prepared': [
          { guard: 'preparedForNothing', actions: 'endOffer' },
          { guard: 'preparedForThisRun', target: 'running', actions: 'begin' },
        ],
        'worktree.failed': { guard: 'preparedForThisRun', actions: 'loseUnprepared' },
        'agent.gone': [{ guard: 'agentLeft', actions: 'leave' }, { actions: 'loseWorker' }],
        'assignment.ended': 'unassigned',
      },
      after: { prepare: { actions: 'losePrepareTimeout' } },
    },
    running: {
      description: 'The agent works. It owns the process; its word, or the word that it is gone, ends this.',
      meta: { waitsFor: 'agent' },
      on: {
        'run.started': { actions: 'noteStarted' },
        'run.asked': { actions: 'askPerson' },
        'run.ended': [
          { guard: 'endedToBeVerified', target: 'verifying', actions: 'endToVerify' },
          { guard: 'endedHandedBack', target: 'unassigned', actions: 'handBack' },
          { guard: 'endedLimited', target: 'unassigned', actions: 'limit' },
          { target: 'unassigned', actions: 'putDown' },
        ],
        'agent.gone': [{ guard: 'agentLeft', actions: 'leave' }, { actions: 'loseWorker' }],
        'mail.refused': { guard: 'beginWasUndeliverable', actions: 'loseUndelivered' },
        'assignment.ended': 'unassigned',
      },
      after: {
        overrun: [{ guard: 'hasOpenQuestion', target: 'running', reenter: true }, { actions: 'loseOverrun' }],
      },
    },
    stopping: {
      description: 'The process of an ended assignment is not yet gone; owner and epoch are already the new ones.',
      meta: { waitsFor: 'stopping' },
      always: [
        { guard: 'mayPrepare', target: 'preparing' },
        { guard: 'hasStopped', target: 'unassigned' },
      ],
      on: {
        'agent.gone': [
          { guard: 'hasNoRun', actions: { type: 'supersede', params: { reason: 'that run is over' } } },
          { guard: 'agentLeft', actions: 'leave' },
          { actions: 'loseWorker' },
        ],
        'assignment.ended': 'unassigned',
      },
      after: { release: { actions: 'abandon' } },
    },
    verifying: {
      description: 'The run has ended; the session looks for itself at worktree, remote and pull request.',
      meta: { waitsFor: 'stopping' },
      always: { guard: 'mayVerify', actions: 'verify' },
      on: {
        'run.verified': { guard: 'verifiesThisRun', target: 'unassigned', actions: 'judge' },
        'run.verify.failed': { guard: 'couldNotVerifyThisRun', target: 'unassigned', actions: 'loseUnverified' },
      },
      after: {
        release: { guard: 'isUnreleased', target: 'unassigned', actions: 'loseUnreleased' },
        verify: { target: 'unassigned', actions: 'loseVerifyTimeout' },
      },
    },
    backingOff: {
      description: 'A worker was lost or a provider’s limit reached: it goes on when the time is over.',
      meta: { waitsFor: 'backoff' },
      always: { guard: 'hasBackedOff', target: 'unassigned' },
      after: { backoff: { target: 'unassigned', actions: 'clearBackoff' } },
    },
    idle: {
      description: 'Nothing is owed: it waits for review, checks, the merge, or a person.',
      meta: { waitsFor: 'nothing' },
      always: [
        { guard: 'owesWork', target: 'unassigned' },
        { guard: 'allParked', target: 'escalated' },
        { guard: 'reportIsDelivered', target: '#session.done', actions: 'complete' },
      ],
      after: { observe: { guard: 'pullIsUnseen', target: 'idle', reenter: true, actions: 'lookAgain' } },
    },
    escalated: {
      description: 'Everything that is owed is parked with its reason: a person must say how to go on.',
      meta: { waitsFor: 'human' },
      always: [
        { guard: 'owesWork', target: 'unassigned' },
        { guard: 'owesNothing', target: 'idle' },
      ],
    },
  },
});

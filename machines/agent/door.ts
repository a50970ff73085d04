/** Region *door*: whether offers are let in. Who is let in is answered by *life*. */
import { agent } from './setup.ts';

/** A door that is closed can be opened again: XState's `final` here only lets the whole agent end. */
/** The deadline of the next query that waits here, whatever the door; set anew when it is another one. */
const deadlines = (self: 'open' | 'paused' | 'draining' | 'closed') =>
  ({
    entry: 'armMail',
    always: { guard: 'hasOtherDeadline', target: self, reenter: true },
    after: { mail: { target: self, reenter: true, actions: 'expireMail' } },
  }) as const;

export const door = agent.createStateConfig({
  initial: 'open',
  on: {
    'correct.stop': '.closed',
    'correct.offboard': '.closed',
    // Out of `closed`; where the agent may not come back, its life refuses.
    'correct.resume': '.open',
    'correct.restart': '.open',
    'correct.restore': '.open',
    'life.halted': '.closed',
    'run.offered': { actions: 'declineClosed' },
  },
  states: {
    open: {
      ...deadlines('open'),
      description: 'Offers are let in.',
      meta: { waitsFor: 'nothing' },
      on: {
        'run.offered': { actions: 'admit' },
        'correct.pause': { target: 'paused', actions: 'remember' },
        'correct.resume': {},
        'correct.restart': {},
        'correct.drain': { target: 'draining', actions: 'remember' },
      },
    },
    paused: {
      ...deadlines('paused'),
      description: 'No new work until a person opens it; a run in progress goes on.',
      meta: { waitsFor: 'paused' },
      on: {
        'run.offered': { actions: 'declinePaused' },
        'correct.pause': {},
        'correct.resume': { target: 'open', actions: 'remember' },
        'correct.restart': {},
        'correct.drain': { target: 'draining', actions: 'remember' },
      },
    },
    draining: {
      ...deadlines('draining'),
      description: 'The current run is finished, then the agent stops.',
      meta: { waitsFor: 'agent' },
      on: {
        'run.offered': { actions: 'declineClosed' },
        'life.rested': { target: 'closed', actions: 'sayDrained' },
        'correct.pause': {
          actions: { type: 'refuse', params: { code: 'guard', reason: 'it is being drained; resume it first' } },
        },
        'correct.resume': { target: 'open', actions: 'remember' },
        'correct.drain': {},
      },
    },
    closed: {
      ...deadlines('closed'),
      // Closed already: nothing is set anew.
      on: { 'correct.stop': {}, 'correct.offboard': {}, 'life.halted': {} },
      type: 'final',
      description: 'The agent is stopped, put away or leaving.',
      meta: { waitsFor: 'paused' },
    },
  },
});

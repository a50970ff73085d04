/**
 * Who holds it up: a person’s pause, or a person who works on it by hand. A run in progress is ended (interrupted, no
 * attempt); its work is rescued by the next one, or goes on in the same worktree where a person took it over.
 */
import { session } from '../setup.ts';

const refuse = (reason: string) => ({ type: 'refuse', params: { code: 'guard', reason } }) as const;
const takeover = [
  { guard: 'isNoPerson', actions: refuse('only a person works on it by hand') },
  { target: 'taken', actions: 'takeOver' },
] as const;

export const hold = session.createStateConfig({
  initial: 'free',
  states: {
    free: {
      description: 'Nobody holds it up.',
      meta: { waitsFor: 'nothing' },
      on: {
        'correct.pause': { target: 'paused', actions: 'pause' },
        'correct.takeover': takeover,
        'correct.resume': {},
        'correct.handback': {},
      },
    },
    paused: {
      description: 'Paused: starts nothing until resumed.',
      meta: { waitsFor: 'paused' },
      on: {
        'correct.resume': { target: 'free', actions: 'resume' },
        'correct.takeover': takeover,
        'correct.pause': {},
        'correct.handback': {},
      },
    },
    taken: {
      description: 'A person works on it by hand: it is theirs, and no run begins until they hand it back.',
      meta: { waitsFor: 'paused' },
      on: {
        'correct.handback': [
          { guard: 'isPaused', target: 'paused', actions: 'endTakeover' },
          { target: 'free', actions: 'endTakeover' },
        ],
        'correct.takeover': [
          { guard: 'isTakenByOther', actions: refuse('somebody else works on it by hand; they hand it back first') },
          {},
        ],
        // Holds when it is handed back.
        'correct.pause': { actions: 'pause' },
        'correct.resume': { actions: 'resume' },
      },
    },
  },
});

/** A person’s pause. A run in progress is ended (interrupted, no attempt); its work is rescued by the next one. */
import { session } from '../setup.ts';

export const hold = session.createStateConfig({
  initial: 'free',
  states: {
    free: {
      description: 'Nobody has paused it.',
      meta: { waitsFor: 'nothing' },
      on: { 'correct.pause': { target: 'paused', actions: 'pause' }, 'correct.resume': {} },
    },
    paused: {
      description: 'Paused: starts nothing until resumed.',
      meta: { waitsFor: 'paused' },
      on: { 'correct.resume': { target: 'free', actions: 'resume' }, 'correct.pause': {} },
    },
  },
});

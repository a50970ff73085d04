/** A question of a run to a person. While one is open and no run holds it, nothing starts. */
import { session } from '../setup.ts';

export const human = session.createStateConfig({
  initial: 'none',
  states: {
    none: {
      description: 'Nothing is asked.',
      meta: { waitsFor: 'nothing' },
      on: { 'question.asked': 'asked' },
    },
    asked: {
      description: 'A question is open: a person answers it.',
      meta: { waitsFor: 'human' },
      on: { 'question.answered': 'none' },
    },
  },
});

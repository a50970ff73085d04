/** What must be done first: the blockers, the items a mission puts before it, the mission’s limit or pause. */
import { session } from '../setup.ts';

export const start = session.createStateConfig({
  initial: 'free',
  states: {
    held: {
      description: 'Held until its blockers were told once and are done, and the mission lets it go.',
      meta: {
        waitsFor: 'dependency',
        unbounded: 'The issue’s watch and the mission tell when it is free; a person can take away what blocks it.',
      },
      on: { 'issue.freed': 'free' },
    },
    free: {
      description: 'Nothing stands before it.',
      meta: { waitsFor: 'nothing' },
      on: { 'issue.blocked': 'held' },
    },
  },
});

/** The way into the base: GitHub’s queue, or our own merge (`merge: self`), one try per head. */
import { session } from '../setup.ts';

export const queue = session.createStateConfig({
  initial: 'out',
  on: {
    'queue.left': '.out',
    'queue.entered': '.waiting',
    'queue.merging': '.merging',
    'queue.evicted': '.evicted',
  },
  states: {
    out: {
      description: 'Not on its way into the base.',
      meta: { waitsFor: 'nothing' },
      always: { guard: 'mayMerge', actions: 'merge' },
    },
    waiting: {
      description: 'In the merge queue, or waiting to be put there.',
      meta: { waitsFor: 'queue' },
    },
    merging: {
      description: 'GitHub merges it, or our own merge is on its way.',
      meta: { waitsFor: 'queue' },
    },
    evicted: {
      description: 'Thrown out of the merge queue: owed a repair.',
      meta: { waitsFor: 'queue' },
    },
  },
});

/** The way into the base: GitHub’s queue, or our own merge (`merge: self`), one try per head. */
import { session } from '../setup.ts';

const WATCHED = 'The watch of the pull request keeps looking until it is merged, closed or thrown out.';

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
      meta: { waitsFor: 'queue', unbounded: WATCHED },
    },
    merging: {
      description: 'GitHub merges it, or our own merge is on its way.',
      meta: { waitsFor: 'queue', unbounded: WATCHED },
    },
    evicted: {
      description: 'Thrown out of the merge queue: owed a repair.',
      meta: { waitsFor: 'queue', unbounded: 'It is owed: region work has the deadlines.' },
    },
  },
});

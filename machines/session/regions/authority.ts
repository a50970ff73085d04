/** Whose work it is: ours, or taken back. Past `queue.waiting` a withdrawal is recorded and the merge goes on. */
import { session } from '../setup.ts';

export const authority = session.createStateConfig({
  initial: 'delegated',
  states: {
    delegated: {
      description: 'The work is ours to do.',
      meta: { waitsFor: 'nothing' },
      on: { 'issue.withdrawn': { target: 'withdrawn', actions: 'letGo' } },
      after: {
        alive: [{ guard: 'isShownAtLinear', target: 'delegated', reenter: true, actions: 'keepAlive' }, {}],
      },
    },
    withdrawn: {
      description: 'The work was taken back, or not given yet: nothing starts until it is delegated.',
      meta: { waitsFor: 'withdrawn' },
      on: { 'issue.delegated': 'delegated' },
    },
  },
});

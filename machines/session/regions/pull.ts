/** The pull request, as its watch sees it. Only its observation ends the session; nobody outside can claim a merge. */
import { session } from '../setup.ts';

const WATCHED = 'The watch of the pull request keeps looking; a person can merge or close it at any time.';

export const pull = session.createStateConfig({
  initial: 'none',
  on: {
    'pull.opened': '.open',
    'pull.drafted': '.draft',
    'pull.closed': '.closed',
    'pull.merged': '.merged',
    'pull.detached': '.none',
    // Another head, a conflict: the gates and obligations follow from the facts; the pull request stays where it is.
    'pull.moved': {},
    'pull.conflicted': {},
  },
  states: {
    none: {
      description: 'No pull request of this work was seen.',
      meta: { waitsFor: 'nothing' },
    },
    draft: {
      description: 'The pull request is a draft: not to be reviewed or merged yet.',
      meta: { waitsFor: 'merge', unbounded: WATCHED },
    },
    open: {
      description: 'The pull request is open.',
      meta: { waitsFor: 'merge', unbounded: WATCHED },
    },
    closed: {
      description: 'The pull request was closed unmerged.',
      meta: { waitsFor: 'human' },
      always: { guard: 'isReviewSession', target: '#session.done', actions: 'complete' },
    },
    merged: {
      description: 'The pull request is merged: the session is done.',
      always: { target: '#session.done', actions: 'complete' },
    },
  },
});

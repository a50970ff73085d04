/** The review gate, bound to a head: by an agent in its own session, or by a person through GitHub. */
import { session } from '../setup.ts';

export const review = session.createStateConfig({
  initial: 'notWanted',
  on: {
    'review.needed': '.wanted',
    'review.dismissed': '.wanted',
    'review.requested': '.requested',
    'review.changed': '.changesRequested',
    'review.approved': '.approved',
    'review.unwanted': '.notWanted',
  },
  states: {
    notWanted: {
      description: 'No review is wanted: there is nothing to review, or nobody asks for one.',
      meta: { waitsFor: 'nothing' },
    },
    wanted: {
      description: 'A review of this head is wanted and nobody has it yet.',
      meta: {
        waitsFor: 'review',
        unbounded: 'The review session asks for help when nobody takes it; the watch sees a person’s review.',
      },
      always: { guard: 'reviewIsUnasked', actions: 'askForReview' },
    },
    requested: {
      description: 'A reviewer has it.',
      meta: {
        waitsFor: 'review',
        unbounded: 'The review session has deadlines of its own; the watch sees a person’s review.',
      },
    },
    changesRequested: {
      description: 'Changes were requested: owed until a verified run answered them or the reviewer judges again.',
      meta: { waitsFor: 'review', unbounded: 'It is owed: region work has the deadlines.' },
    },
    approved: {
      description: 'Approved for this head.',
      meta: { waitsFor: 'nothing' },
    },
  },
});

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
      meta: { waitsFor: 'review' },
      always: { guard: 'reviewIsUnasked', actions: 'askForReview' },
    },
    requested: {
      description: 'A reviewer has it.',
      meta: { waitsFor: 'review' },
    },
    changesRequested: {
      description: 'Changes were requested: owed until a verified run answered them or the reviewer judges again.',
      meta: { waitsFor: 'review' },
    },
    approved: {
      description: 'Approved for this head.',
      meta: { waitsFor: 'nothing' },
    },
  },
});

/**
 * The session: one piece of work, from request to merged (docs/machines.md). Nine regions side by side; facts and
 * corrections are taken here, at the whole, and told to the regions by labels; the words of a run go to region `work`.
 */
import { unbornSession } from './context.ts';
import { SESSION_ACTS } from '../events/session.ts';
import { authority } from './regions/authority.ts';
import { checks } from './regions/checks.ts';
import { hold } from './regions/hold.ts';
import { human } from './regions/human.ts';
import { pull } from './regions/pull.ts';
import { queue } from './regions/queue.ts';
import { review } from './regions/review.ts';
import { start } from './regions/start.ts';
import { work } from './regions/work.ts';
import { session } from './setup.ts';

const over = { type: 'supersede', params: { reason: 'that run or offer is over' } } as const;
const refuse = (reason: string) => ({ type: 'refuse', params: { code: 'guard', reason } }) as const;

/** Acts whose answers decide something. */
const ANSWERED: ReadonlySet<string> = new Set(['pull.merge', 'review.post', 'review.request', 'check.rerun']);

/** Answers of acts that change nothing here: kept with their effect, seen in the history. */
const ANSWERS = Object.fromEntries(
  SESSION_ACTS.filter((act) => !ANSWERED.has(act)).flatMap((act) => [
    [`${act}.done`, { actions: [] }],
    [`${act}.failed`, { actions: [] }],
  ]),
) as Record<'pull.say.done', { actions: [] }>;

export const sessionMachine = session.createMachine({
  id: 'session',
  context: ({ input }) => unbornSession(input),
  initial: 'opening',
  states: {
    opening: {
      description: 'Only until its first event is taken, within the same step.',
      meta: { waitsFor: 'nothing' },
      on: {
        open: { target: 'open', actions: 'open' },
        'issue.observed': { target: 'open', actions: 'openFromIssue' },
      },
    },
    open: {
      type: 'parallel',
      description: 'The work is not finished.',
      meta: { watches: ['issue', 'pull'] },
      states: { authority, hold, start, work, pull, review, checks, queue, human },
      on: {
        // the outside
        'issue.observed': { actions: 'observeIssue' },
        'comment.observed': { actions: 'hearComment' },
        'pull.observed': { actions: 'observePull' },
        'pull.missed': { actions: 'missPull' },
        'pull.late': { actions: 'lookAgain' },
        'start.held': { actions: 'holdStart' },
        'start.freed': { actions: 'freeStart' },
        'item.linked': { actions: 'linkItem' },
        'item.unlinked': { actions: 'unlinkItem' },
        'pin.lost': { actions: 'widenPin' },
        'run.released': { actions: 'release' },
        'steer.settled': { actions: 'settleSteer' },
        'verdict.given': { actions: 'takeVerdict' },
        'session.changed': { actions: 'pictureReview' },
        'review.wanted': [
          { guard: 'isReviewSession', actions: 'wantVerdict' },
          { actions: refuse('only a review session gives verdicts') },
        ],
        'review.dropped': [
          { guard: 'isReviewSession', actions: 'dropVerdict' },
          { actions: refuse('only a review session gives verdicts') },
        ],
        'mail.refused': { actions: 'mailRefused' },
        // answers of acts
        ...ANSWERS,
        'pull.merge.done': { actions: 'mergeAnswered' },
        'pull.merge.failed': { actions: 'mergeAnswered' },
        'review.request.done': {},
        'review.request.failed': { actions: 'reviewRequestRefused' },
        'check.rerun.done': {},
        'check.rerun.failed': { actions: 'rerunRefused' },
        'review.post.done': { actions: 'reviewPosted' },
        'review.post.failed': { actions: 'reviewPosted' },
        'worktree.prepared': {},
        'worktree.failed': {},
        'run.verified': {},
        'run.verify.failed': {},
        // words of a worker that region work no longer expects
        'work.matched': [
          { guard: 'mayNotMatch', actions: refuse('that agent is excluded from this work, or nothing may start now') },
          { actions: { type: 'supersede', params: { reason: 'that match is for an earlier want' } } },
        ],
        'work.unmatched': { actions: { type: 'supersede', params: { reason: 'that is about an earlier want' } } },
        'offer.accepted': { actions: over },
        'offer.declined': { actions: over },
        'run.started': { actions: over },
        'run.asked': { actions: over },
        'run.ended': { actions: over },
        'agent.gone': { actions: over },
        // people
        fyi: { actions: 'takeNote' },
        'note.read': { actions: 'readNotes' },
        say: { actions: 'hearSay' },
        answer: [
          { guard: 'noQuestionIsOpen', actions: refuse('no question is open') },
          {
            guard: 'questionIsUnclear',
            actions: refuse('several questions are open: name one, or none of that name is'),
          },
          { actions: 'takeAnswer' },
        ],
        'correct.reassign': { actions: 'reassign' },
        'correct.unassign': { actions: 'unassign' },
        'correct.adopt': [{ guard: 'otherRunIsLive', actions: 'denyAdoption' }, { actions: 'reassign' }],
        'correct.reviewer.replace': [
          { guard: 'noReviewIsWanted', actions: refuse('no review is wanted now') },
          { actions: 'replaceReviewer' },
        ],
        'correct.review.waive': { actions: 'waiveReview' },
        'correct.check.ignore': [
          { guard: 'noSuchCheck', actions: refuse('the gate has no such check') },
          { actions: 'ignoreCheck' },
        ],
        'correct.check.rerun': [
          { guard: 'nothingToRerun', actions: refuse('there is no such check of an open pull request') },
          { actions: 'rerunCheck' },
        ],
        'correct.obligation.drop': [
          { guard: 'noSuchObligation', actions: refuse('nothing with that id is owed') },
          { actions: 'dropObligation' },
        ],
        'correct.budget.set': { actions: 'setLimit' },
        'correct.pull.attach': [
          { guard: 'deliversNoPull', actions: refuse('no pull request is delivered here') },
          { actions: 'attachPull' },
        ],
        'correct.retry': [
          { guard: 'nothingToRetry', actions: refuse('nothing is owed that could be tried again') },
          { actions: 'retry' },
        ],
        'correct.stop': { actions: 'stop' },
        'correct.withdraw': { actions: 'withdrawWork' },
        'correct.delegate': { actions: 'delegateWork' },
        'correct.close': { actions: 'close' },
        'correct.edit': [
          { guard: 'changesNothing', actions: refuse('it names nothing to change') },
          { actions: 'edit' },
        ],
        // ends
        'closed.done': '#session.done',
        'closed.failed': '#session.failed',
        'closed.cancelled': '#session.cancelled',
        'issue.removed': { target: '#session.cancelled', actions: 'removed' },
      },
    },
    done: { type: 'final', description: 'Merged, or its report delivered.' },
    failed: { type: 'final', description: 'Closed as failed.' },
    cancelled: { type: 'final', description: 'Closed as cancelled, or its issue removed.' },
  },
});

/**
 * Law 8, said once more and independently of the machine: for each event, which obligations it may end. An obligation
 * that is gone for any other reason is a broken law.
 */
import type { Obligation, SessionContext } from '../../machines/session/context.ts';
import type { SessionEvent } from '../../machines/events/index.ts';
import { broken } from './broken.ts';
import type { Broken } from './broken.ts';

interface Ended {
  gone: Obligation;
  before: SessionContext;
  after: SessionContext;
  event: SessionEvent;
}

export function obligationsEndByLaw(before: SessionContext, after: SessionContext, event: SessionEvent): Broken | null {
  if (before.obligations === after.obligations) return null;
  for (const gone of before.obligations) {
    if (after.obligations.some(({ id }) => id === gone.id)) continue;
    if (mayEnd({ gone, before, after, event })) continue;
    return broken('an obligation ends only by law 8', `${after.address}: ${gone.id} ended by ${event.type}`);
  }
  return null;
}

function mayEnd(ended: Ended): boolean {
  const { gone, before, event } = ended;
  switch (event.type) {
    case 'run.verified':
      return isProven(ended) || isReplacedByQueue(ended);
    case 'pull.observed':
      return mayLapse(ended, event.data);
    case 'verdict.given':
      return (gone.kind === 'review' && gone.evidence['reviewer'] === event.data.reviewer) || isReplacedByQueue(ended);
    case 'correct.review.waive':
      return gone.kind === 'review' || isReplacedByQueue(ended);
    case 'correct.check.ignore':
    case 'correct.edit':
      return gone.kind === 'checks';
    case 'correct.obligation.drop':
      return gone.id === event.data.id;
    case 'steer.settled':
      return event.data.taken && gone.kind === 'answer' && gone.id === event.data.say;
    case 'review.wanted':
      return gone.kind === 'verdict' && gone.head !== event.data.head && before.run?.claims.includes(gone.id) !== true;
    // Its last asker is over, and no verdict of a run lies there already.
    case 'review.dropped':
      return gone.kind === 'verdict' && JSON.stringify(gone.evidence['askedBy']) === JSON.stringify([event.data.for]);
    default:
      return false;
  }
}

/** A run that ended well, that had claimed it, and was verified. */
function isProven({ gone, before, event }: Ended): boolean {
  const { run } = before;
  return (
    event.type === 'run.verified' &&
    event.data.ok &&
    event.data.evidence.protected.length === 0 &&
    run?.ended?.outcome === 'completed' &&
    run.epoch === event.data.run &&
    run.claims.includes(gone.id)
  );
}

/** Approved: what was upkeep is now in the way of the merge. */
const isReplacedByQueue = ({ gone, after }: Ended): boolean =>
  gone.kind === 'upkeep' && after.obligations.some(({ kind, head }) => kind === 'queue' && head === gone.head);

function mayLapse(ended: Ended, seen: Extract<SessionEvent, { type: 'pull.observed' }>['data']): boolean {
  const { gone, before } = ended;
  const isClosed = seen.state === 'closed';
  switch (gone.kind) {
    case 'answer':
      return false;
    case 'implement':
      // Re-opened by whoever closed it, or another pull request of the branch is here for it.
      return !isClosed && gone.signature?.startsWith('pull.closed::') === true && isReopenedOrNext(ended, seen.number);
    case 'checks':
      return isClosed || gone.head !== seen.head || seen.gate.state === 'green' || before.ignored.length > 0;
    case 'queue':
      return isClosed || gone.head !== seen.head || (seen.conflict === false && seen.queue.state !== 'evicted');
    case 'upkeep':
      return isClosed || gone.head !== seen.head || seen.conflict === false || isReplacedByQueue(ended);
    case 'review':
      return isClosed || seen.reviews.some(({ author }) => author === gone.evidence['reviewer']);
    case 'verdict':
      return gone.head !== seen.head;
  }
}

const isReopenedOrNext = ({ gone, before }: Ended, number: number): boolean =>
  gone.signature === `pull.closed::${number}` || before.pull?.number !== number;

/**
 * Labels: events raised inside a step, never sent. They say what an observation meant (`checks.red`, `pull.merged`),
 * move the regions, and name what a wait waits for. Raised only where a standing changed, so that an observation which
 * says nothing new moves nothing (law 12).
 */
import type { SessionContext } from './context.ts';
import {
  authorityOf,
  checksOf,
  humanOf,
  pullOf,
  queueOf,
  reviewOf,
  startOf,
  type ChecksState,
  type PullState,
  type QueueState,
  type ReviewState,
} from './standing.ts';

export const LABELS = [
  'issue.delegated',
  'issue.withdrawn',
  'issue.blocked',
  'issue.freed',
  'issue.removed',
  'assignment.ended',
  'pull.opened',
  'pull.drafted',
  'pull.moved',
  'pull.closed',
  'pull.merged',
  'pull.conflicted',
  'pull.detached',
  'review.needed',
  'review.unwanted',
  'review.requested',
  'review.changed',
  'review.approved',
  'review.dismissed',
  'checks.unknown',
  'checks.pending',
  'checks.green',
  'checks.red',
  'queue.left',
  'queue.entered',
  'queue.merging',
  'queue.evicted',
  'question.asked',
  'question.answered',
  'closed.done',
  'closed.failed',
  'closed.cancelled',
] as const;
export type Label = (typeof LABELS)[number];

/** A label as the chart gets it: with the identity of the event it came from. */
export interface LabelEvent {
  type: Label;
  data: Record<string, never>;
  at: string;
  id: string;
  source: string;
  seq: number;
}

const PULL: Record<PullState, Label> = {
  none: 'pull.detached',
  draft: 'pull.drafted',
  open: 'pull.opened',
  merged: 'pull.merged',
  closed: 'pull.closed',
};
const REVIEW: Record<ReviewState, Label> = {
  notWanted: 'review.unwanted',
  wanted: 'review.needed',
  requested: 'review.requested',
  changesRequested: 'review.changed',
  approved: 'review.approved',
};
const CHECKS: Record<ChecksState, Label> = {
  unknown: 'checks.unknown',
  pending: 'checks.pending',
  green: 'checks.green',
  red: 'checks.red',
};
const QUEUE: Record<QueueState, Label> = {
  out: 'queue.left',
  waiting: 'queue.entered',
  merging: 'queue.merging',
  evicted: 'queue.evicted',
};

/** Everything a standing is read from; a step that changed none of it moves no region. */
const FACTS = [
  'brief',
  'authority',
  'blockers',
  'heldBy',
  'pull',
  'reviewing',
  'obligations',
  'ignored',
  'merge',
  'questions',
] as const satisfies readonly (keyof SessionContext)[];

/** What the step so far means to the regions, in the order in which they should hear it. */
export function labelsOf(before: SessionContext, after: SessionContext): Label[] {
  if (FACTS.every((key) => before[key] === after[key])) return [];
  const labels: Label[] = [];
  if (startOf(before) !== startOf(after)) labels.push(startOf(after) === 'held' ? 'issue.blocked' : 'issue.freed');
  if (before.pull !== after.pull || before.brief !== after.brief) {
    const pull = pullOf(after);
    if (pullOf(before) !== pull || before.pull?.number !== after.pull?.number) {
      if (pull !== 'none' || before.pull !== null) labels.push(PULL[pull]);
    } else if (hasMoved(before, after)) {
      labels.push('pull.moved');
    }
    if (after.pull?.conflict === true && before.pull?.conflict !== true) labels.push('pull.conflicted');
  }
  const checks = checksOf(after);
  if (checksOf(before) !== checks || (checks === 'pending' && hasMoved(before, after))) labels.push(CHECKS[checks]);
  const review = reviewOf(after);
  if (reviewOf(before) !== review) {
    const dismissed = review === 'wanted' && after.reviewing.verdicts.length < before.reviewing.verdicts.length;
    labels.push(dismissed ? 'review.dismissed' : REVIEW[review]);
  }
  const queue = queueOf(after);
  if (queueOf(before) !== queue) labels.push(QUEUE[queue]);
  if (authorityOf(before) !== authorityOf(after)) {
    labels.push(authorityOf(after) === 'withdrawn' ? 'issue.withdrawn' : 'issue.delegated');
  }
  if (humanOf(before) !== humanOf(after)) {
    labels.push(humanOf(after) === 'asked' ? 'question.asked' : 'question.answered');
  }
  return labels;
}

const hasMoved = (before: SessionContext, after: SessionContext): boolean =>
  before.pull !== null && after.pull !== null && before.pull.head !== after.pull.head;

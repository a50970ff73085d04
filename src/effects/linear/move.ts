/**
 * Moves an issue forward in its team's workflow. Never backwards, never out of an end, and not against a person: if
 * somebody took it back after we moved it, it stays there until it is delegated to us again.
 */
import type { ActAnswer, ActParams } from '../../../machines/effects.ts';
import type { Doing } from '../effect.ts';
import { MOVE_ISSUE, READ_MOVES } from './documents.ts';
import type { Move, WorkflowState } from './documents.ts';
import type { Linear } from './linear.ts';

export async function moveIssue(
  linear: Linear,
  { ref, to }: ActParams<'linear.move'>,
  { signal, wishedAt }: Doing,
): Promise<ActAnswer<'linear.move'>> {
  const { viewer, issue } = await linear.ask(READ_MOVES, { id: ref }, signal);
  const target = targetOf(issue.team.states.nodes, to);
  // Linear lists the newest first; of two in the same millisecond the order is all there is.
  const moves = issue.history.nodes.toReversed().toSorted((a, b) => Date.parse(a.createdAt) - Date.parse(b.createdAt));
  if (target === undefined || !isForward(issue.state, target) || wasTakenBack(moves, viewer.id)) {
    return { moved: isOurs(moves, issue.state, viewer.id, wishedAt), state: issue.state.name };
  }
  await linear.ask(MOVE_ISSUE, { id: issue.id, state: target.id }, signal);
  return { moved: true, state: target.name };
}

/** Types of states in the order in which work passes them. Ends that are not reached by work are not in it. */
const ORDER = ['triage', 'backlog', 'unstarted', 'started', 'completed'];
const REVIEW = /review/i;

export function targetOf(
  states: readonly WorkflowState[],
  to: ActParams<'linear.move'>['to'],
): WorkflowState | undefined {
  const byPosition = states.toSorted((a, b) => a.position - b.position);
  const started = byPosition.filter(({ type }) => type === 'started');
  switch (to) {
    case 'started':
      return started.find(({ name }) => !REVIEW.test(name)) ?? started[0];
    case 'review':
      return started.find(({ name }) => REVIEW.test(name));
    case 'completed':
      return byPosition.find(({ type }) => type === 'completed');
  }
}

/** Canceled, duplicate and completed are ends, and an unknown type is not ours to leave. */
function isForward(from: WorkflowState, to: WorkflowState): boolean {
  const [here, there] = [ORDER.indexOf(from.type), ORDER.indexOf(to.type)];
  if (here < 0 || there < 0 || from.type === 'completed') return false;
  return there > here || (there === here && to.position > from.position);
}

/** `moves` oldest first. */
function wasTakenBack(moves: readonly Move[], self: string): boolean {
  const ours = moves.findLastIndex(
    ({ actor, toState, toDelegate }) => (actor?.id === self && toState != null) || toDelegate?.id === self,
  );
  return moves
    .slice(ours + 1)
    .some(
      ({ actor, fromState, toState }) => actor?.id !== self && fromState && toState && isForward(toState, fromState),
    );
}

/** Whether an earlier try of this very wish brought it here. */
function isOurs(moves: readonly Move[], state: WorkflowState, self: string, wishedAt: string): boolean {
  const last = moves.findLast(({ toState }) => toState != null);
  return (
    last?.toState?.id === state.id && last.actor?.id === self && Date.parse(last.createdAt) >= Date.parse(wishedAt)
  );
}

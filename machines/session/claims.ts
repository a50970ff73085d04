/** What only one session may hold (law 13): its source, its branch, its pull request; a review session its review. */
import type { ActorView } from '../contract.ts';
import type { SessionContext } from './context.ts';
import { isReview } from './standing.ts';

export function claimsOf({ context, final }: ActorView<SessionContext>): string[] {
  const { brief, branch, number } = context;
  if (final || brief.repo === '') return [];
  if (isReview(context)) {
    return brief.target === null ? [] : [`review:${brief.user}:${brief.repo}#${brief.target}`];
  }
  return [
    ...(brief.source.ref === null ? [] : [`source:${brief.source.ref}`]),
    ...(brief.deliver === 'pull_request' ? [`branch:${brief.repo}/${branch}`] : []),
    ...(number === null ? [] : [`pull:${brief.repo}#${number}`]),
  ];
}

/** What the router, `list` and `mission/m#key` find it by. */
export function refsOf({ context, final }: ActorView<SessionContext>): string[] {
  const { brief, branch, number } = context;
  const { ref } = brief.source;
  const pull = number ?? brief.target;
  const blockers = final ? [] : (context.blockers ?? []).filter(({ done }) => !done);
  return [
    ...(ref === null ? [] : inBothCases('issue', ref)),
    ...(brief.mission === null || brief.item === null ? [] : [itemRef(brief.mission, brief.item)]),
    ...context.linked.map(({ mission, item }) => itemRef(mission, item)),
    ...blockers.flatMap((blocker) => inBothCases('blocker', blocker.ref)),
    ...(isReview(context) || branch === '' ? [] : [`branch:${brief.repo}/${branch}`]),
    ...(pull === null ? [] : [`pull:${brief.repo}#${pull}`]),
    // A push to the base may bring a conflict, or merge it.
    ...(final || context.pull?.state !== 'open' ? [] : [`base:${brief.repo}/${context.pull.base}`]),
  ];
}

/** A tracker writes a reference in its own case, a person in theirs. */
const inBothCases = (kind: string, ref: string): string[] => [
  ...new Set([`${kind}:${ref}`, `${kind}:${ref.toLowerCase()}`]),
];

const itemRef = (mission: string, item: string): string => `item:${mission}#${item}`.toLowerCase();

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

/** What the router and `list` find it by. */
export function refsOf({ context }: ActorView<SessionContext>): string[] {
  const { brief, branch, number } = context;
  const { ref } = brief.source;
  const pull = number ?? brief.target;
  return [
    ...(ref === null ? [] : [...new Set([`issue:${ref}`, `issue:${ref.toLowerCase()}`])]),
    ...(isReview(context) || branch === '' ? [] : [`branch:${brief.repo}/${branch}`]),
    ...(pull === null ? [] : [`pull:${brief.repo}#${pull}`]),
  ];
}

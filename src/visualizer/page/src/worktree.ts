/** Where an actor's work lies, by its context. Pure. */
import { isRecord } from './value.ts';

/** A session's own, or that of the run an agent has. */
export function worktreeOf(context: Record<string, unknown>): string | null {
  const own = context['worktree'];
  if (isRecord(own) && typeof own['path'] === 'string' && own['path'] !== '') return own['path'];
  const run = context['run'];
  const begun = isRecord(run) ? run['begun'] : null;
  return isRecord(begun) && typeof begun['worktree'] === 'string' ? begun['worktree'] : null;
}

/** `https://github.com/acme/api/pull/7` tells where the branch is: in the same repository. */
export function branchUrl(pull: unknown, branch: string): string | null {
  const url = isRecord(pull) && typeof pull['url'] === 'string' ? pull['url'] : '';
  const repository = /^(https?:\/\/.+)\/pull\/\d+$/.exec(url)?.[1];
  return repository === undefined ? null : `${repository}/tree/${branch.split('/').map(encodeURIComponent).join('/')}`;
}

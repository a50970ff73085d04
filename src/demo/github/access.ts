/** Who is asking and what they may do: tokens, their limits, and permission per repository. */
import type { Ctx, Viewer } from './answers.ts';
import { forbidden, HttpError, notFound } from './answers.ts';
import type { Permission, Repository, Token, User, World } from './world.ts';
import { repositoryOf } from './world.ts';

const RANK: Record<Permission, number> = { read: 1, write: 2, admin: 3 };

/** The token in an Authorization header: `token x`, `Bearer x`, or Basic with the token as password. */
export function tokenIn(header: string | undefined): string | undefined {
  const [scheme = '', value = ''] = header?.trim().split(/\s+/, 2) ?? [];
  switch (scheme.toLowerCase()) {
    case 'token':
    case 'bearer':
      return value;
    case 'basic': {
      const text = Buffer.from(value, 'base64').toString('utf8');
      const at = text.indexOf(':');
      const password = at < 0 ? '' : text.slice(at + 1);
      return password === '' ? text.slice(0, at < 0 ? undefined : at) : password;
    }
    default:
      return undefined;
  }
}

/** The bearer of a token that is known, not revoked and not expired. */
export function viewerOf(world: World, token: string): Viewer | undefined {
  const known = world.tokens.get(token);
  if (known === undefined || !isLive(known, world.nowMs())) return undefined;
  return {
    user: known.user,
    token,
    ...(known.repositories === undefined ? {} : { limits: lowerKeys(known.repositories) }),
  };
}

const isLive = (token: Token, now: number): boolean =>
  !token.revoked && (token.expiresAt === undefined || token.expiresAt > now);

const lowerKeys = (limits: Record<string, Permission>): Record<string, Permission> =>
  Object.fromEntries(Object.entries(limits).map(([name, permission]) => [name.toLowerCase(), permission]));

/** What a user may do in a repository, whatever the token. */
export function permissionOf(repository: Repository, user: User): Permission | undefined {
  if (repository.owner.id === user.id) return 'admin';
  return repository.collaborators.get(user.id) ?? (repository.private ? undefined : 'read');
}

/** What this bearer may do: the lesser of the user's permission and the token's limit. */
export function effectivePermission(repository: Repository, viewer: Viewer | null): Permission | undefined {
  if (viewer === null) return repository.private ? undefined : 'read';
  const user = permissionOf(repository, viewer.user);
  if (user === undefined || viewer.limits === undefined) return user;
  const limit = viewer.limits[repository.fullName.toLowerCase()] ?? (repository.private ? undefined : 'read');
  if (limit === undefined) return undefined;
  return RANK[limit] < RANK[user] ? limit : user;
}

export const may = (repository: Repository, viewer: Viewer | null, needed: Permission): boolean => {
  const has = effectivePermission(repository, viewer);
  return has !== undefined && RANK[has] >= RANK[needed];
};

export function viewerIn(c: Ctx): Viewer {
  const viewer = c.get('viewer');
  if (viewer === null) throw new HttpError(401, 'Requires authentication');
  return viewer;
}

/**
 * The repository of this request, if its bearer may do that much in it. What may not be seen does not exist (404);
 * what may be seen and not done is 403.
 */
export function repositoryIn(c: Ctx, world: World, needed: Permission = 'read'): Repository {
  const repository = repositoryOf(world, `${c.req.param('owner')}/${c.req.param('repo')}`);
  const viewer = c.get('viewer');
  if (repository === undefined || !may(repository, viewer, 'read')) throw notFound();
  if (needed !== 'read') viewerIn(c);
  if (!may(repository, viewer, needed)) {
    throw needed === 'admin' ? notFound() : forbidden(denied(viewer));
  }
  return repository;
}

const denied = (viewer: Viewer | null): string =>
  viewer?.user.type === 'Bot'
    ? 'Resource not accessible by integration'
    : 'Resource not accessible by personal access token';

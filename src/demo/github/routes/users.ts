/** Who am I, who is that, what is left of my rate limit. */
import { Hono } from 'hono';
import { repositoryIn, permissionOf, viewerIn } from '../access.ts';
import type { Env } from '../answers.ts';
import { forbidden, notFound, page } from '../answers.ts';
import type { Quota } from '../quota.ts';
import { publicUserShape, userShape } from '../shapes/user.ts';
import type { Rest } from '../shapes/types.ts';
import type { Site } from '../site.ts';
import { userOf } from '../world.ts';

export function userRoutes(site: Site, quota: Quota): Hono<Env> {
  const app = new Hono<Env>();
  const { world } = site;

  app.get('/user', (c) => {
    const { user, limits } = viewerIn(c);
    // An installation's token is nobody's.
    if (user.app !== undefined && limits !== undefined) throw forbidden('Resource not accessible by integration');
    return c.json(publicUserShape(site, user));
  });

  app.get('/users/:login', (c) => {
    const user = userOf(world, c.req.param('login'));
    if (user === undefined) throw notFound();
    return c.json(publicUserShape(site, user));
  });

  app.get('/rate_limit', (c) => {
    const core = quota.state(c.get('viewer')?.token);
    return c.json({ resources: { core, search: core }, rate: core } satisfies Rest['rate-limit-overview']);
  });

  app.get('/repos/:owner/:repo/collaborators', (c) => {
    const repository = repositoryIn(c, world, 'write');
    const users = [...world.users.values()].filter(
      (user) => user === repository.owner || repository.collaborators.has(user.id),
    );
    return c.json(
      page(
        c,
        users.map((user) => ({ ...userShape(site, user), role_name: permissionOf(repository, user) })),
      ),
    );
  });

  app.get('/repos/:owner/:repo/collaborators/:login', (c) => {
    const repository = repositoryIn(c, world, 'write');
    const user = userOf(world, c.req.param('login'));
    const member = user !== undefined && (user === repository.owner || repository.collaborators.has(user.id));
    if (!member) throw notFound();
    return c.body(null, 204);
  });

  app.get('/repos/:owner/:repo/collaborators/:login/permission', (c) => {
    const repository = repositoryIn(c, world);
    const user = userOf(world, c.req.param('login'));
    if (user === undefined) throw notFound();
    const permission = permissionOf(repository, user) ?? 'none';
    return c.json({ permission, role_name: permission, user: userShape(site, user) });
  });

  return app;
}

/** Webhooks through the API, for administrators: make them, ping them, read their log, send a delivery again. */
import { Hono } from 'hono';
import { z } from 'zod';
import { repositoryIn, viewerIn } from '../access.ts';
import type { Ctx, Env } from '../answers.ts';
import { bodyOf, notFound, numberParam, page } from '../answers.ts';
import { apiOf, repositoryShape } from '../shapes/repository.ts';
import type { Rest } from '../shapes/types.ts';
import { userShape } from '../shapes/user.ts';
import type { Site } from '../site.ts';
import type { Delivery, Hook, Webhooks } from '../webhooks.ts';
import type { Repository, User } from '../world.ts';

const HOOKS = '/repos/:owner/:repo/hooks';

const configWish = z.object({
  url: z.url(),
  secret: z.string().optional(),
  content_type: z.literal('json'),
});
const createWish = z.object({
  config: configWish,
  events: z.array(z.string()).default(['push']),
  active: z.boolean().default(true),
});
const updateWish = z.object({
  config: configWish.optional(),
  events: z.array(z.string()).optional(),
  active: z.boolean().optional(),
});

export function hookRoutes(site: Site, webhooks: Webhooks): Hono<Env> {
  const app = new Hono<Env>();
  const { world } = site;

  const hookIn = (c: Ctx, repository: Repository): Hook => {
    const hook = webhooks.hooks.find((one) => one.repository === repository && one.id === numberParam(c, 'hook'));
    if (hook === undefined) throw notFound();
    return hook;
  };
  const deliveryIn = (c: Ctx, hook: Hook): Delivery => {
    const found = webhooks.log.find((one) => one.hook === hook && one.id === numberParam(c, 'delivery'));
    if (found === undefined) throw notFound();
    return found;
  };

  app.post(HOOKS, async (c) => {
    const repository = repositoryIn(c, world, 'admin');
    const { config, events, active } = await bodyOf(c, 'Hook', createWish);
    const hook = webhooks.add({ repository, url: config.url, secret: config.secret, events });
    hook.active = active;
    ping(site, webhooks, repository, hook, viewerIn(c).user);
    return c.json(hookShape(site, webhooks, repository, hook), 201);
  });

  app.get(HOOKS, (c) => {
    const repository = repositoryIn(c, world, 'admin');
    const all = webhooks.hooks.filter((hook) => hook.repository === repository);
    return c.json(
      page(
        c,
        all.map((hook) => hookShape(site, webhooks, repository, hook)),
      ),
    );
  });

  app.get(`${HOOKS}/:hook`, (c) => {
    const repository = repositoryIn(c, world, 'admin');
    return c.json(hookShape(site, webhooks, repository, hookIn(c, repository)));
  });

  app.patch(`${HOOKS}/:hook`, async (c) => {
    const repository = repositoryIn(c, world, 'admin');
    const hook = hookIn(c, repository);
    const wish = await bodyOf(c, 'Hook', updateWish);
    hook.url = wish.config?.url ?? hook.url;
    hook.secret = wish.config === undefined ? hook.secret : wish.config.secret;
    hook.events = wish.events ?? hook.events;
    hook.active = wish.active ?? hook.active;
    hook.updatedAt = world.now();
    return c.json(hookShape(site, webhooks, repository, hook));
  });

  app.delete(`${HOOKS}/:hook`, (c) => {
    webhooks.remove(hookIn(c, repositoryIn(c, world, 'admin')));
    return c.body(null, 204);
  });

  app.post(`${HOOKS}/:hook/pings`, (c) => {
    const repository = repositoryIn(c, world, 'admin');
    ping(site, webhooks, repository, hookIn(c, repository), viewerIn(c).user);
    return c.body(null, 204);
  });

  app.get(`${HOOKS}/:hook/deliveries`, (c) => {
    const hook = hookIn(c, repositoryIn(c, world, 'admin'));
    const all = webhooks.log.filter((one) => one.hook === hook && one.status !== 'pending');
    return c.json(pageFrom(c, all.toReversed()).map(deliveryItem));
  });

  app.get(`${HOOKS}/:hook/deliveries/:delivery`, (c) => {
    const delivery = deliveryIn(c, hookIn(c, repositoryIn(c, world, 'admin')));
    return c.json(deliveryShape(delivery));
  });

  app.post(`${HOOKS}/:hook/deliveries/:delivery/attempts`, (c) => {
    const delivery = deliveryIn(c, hookIn(c, repositoryIn(c, world, 'admin')));
    webhooks.redeliver(delivery);
    return c.json({}, 202);
  });

  return app;
}

/** This list has no page numbers: a page begins with the delivery its cursor names, and links to the next. */
export function pageFrom(c: Ctx, all: readonly Delivery[]): Delivery[] {
  const perPage = Math.min(100, Math.max(1, Number(c.req.query('per_page') ?? 30) || 30));
  const cursor = c.req.query('cursor');
  const begin = cursor === undefined ? 0 : all.findIndex(({ id }) => `v1_${id}` === cursor);
  if (begin < 0) return [];
  const next = all[begin + perPage];
  if (next !== undefined) {
    const url = new URL(c.req.url);
    url.searchParams.set('cursor', `v1_${next.id}`);
    c.header('link', `<${url.href}>; rel="next"`);
  }
  return all.slice(begin, begin + perPage);
}

function hookShape(site: Site, webhooks: Webhooks, repository: Repository, hook: Hook): Rest['hook'] {
  const url = `${apiOf(site, repository)}/hooks/${hook.id}`;
  const last = webhooks.log.findLast((one) => one.hook === hook && one.status !== 'pending');
  return {
    type: 'Repository',
    id: hook.id,
    name: 'web',
    active: hook.active,
    events: hook.events,
    config: {
      url: hook.url,
      content_type: 'json',
      insecure_ssl: '0',
      ...(hook.secret === undefined ? {} : { secret: '********' }),
    },
    updated_at: hook.updatedAt,
    created_at: hook.createdAt,
    url,
    test_url: `${url}/test`,
    ping_url: `${url}/pings`,
    deliveries_url: `${url}/deliveries`,
    last_response: {
      code: last?.statusCode ?? null,
      status: last === undefined ? 'unused' : last.status,
      message: last === undefined ? null : last.status,
    },
  };
}

function ping(site: Site, webhooks: Webhooks, repository: Repository, hook: Hook, by: User): void {
  const url = `${apiOf(site, repository)}/hooks/${hook.id}`;
  webhooks.ping(hook, {
    zen: 'Keep it logically awesome.',
    hook_id: hook.id,
    hook: {
      type: 'Repository',
      id: hook.id,
      name: 'web',
      active: hook.active,
      events: ['*'],
      config: { content_type: 'json', url: hook.url, insecure_ssl: '0' },
      updated_at: hook.updatedAt,
      created_at: hook.createdAt,
      url,
      ping_url: `${url}/pings`,
      deliveries_url: `${url}/deliveries`,
      last_response: { code: null, status: 'unused', message: null },
    },
    repository: repositoryShape(site, repository),
    sender: userShape(site, by),
  });
}

export const deliveryItem = (delivery: Delivery): Rest['hook-delivery-item'] => ({
  id: delivery.id,
  guid: delivery.guid,
  delivered_at: delivery.deliveredAt,
  redelivery: delivery.redelivery,
  duration: delivery.durationMs / 1000,
  status: delivery.status,
  status_code: delivery.statusCode,
  event: delivery.event,
  action: delivery.action,
  installation_id: null,
  repository_id: delivery.repositoryId,
  throttled_at: null,
});

export function deliveryShape(delivery: Delivery): Rest['hook-delivery'] {
  return {
    id: delivery.id,
    guid: delivery.guid,
    delivered_at: delivery.deliveredAt,
    redelivery: delivery.redelivery,
    duration: delivery.durationMs / 1000,
    status: delivery.status,
    status_code: delivery.statusCode,
    event: delivery.event,
    action: delivery.action,
    installation_id: null,
    repository_id: delivery.repositoryId,
    throttled_at: null,
    url: delivery.hook.url,
    request: {
      headers: delivery.request.headers,
      payload: JSON.parse(delivery.request.body) as Record<string, unknown>,
    },
    response: { headers: delivery.response.headers, payload: delivery.response.body },
  };
}

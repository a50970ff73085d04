/** GitHub Apps: a JWT signed with the App's key buys a token for an installation, good for an hour. */
import { createPublicKey, randomUUID, verify } from 'node:crypto';
import { Hono } from 'hono';
import { z } from 'zod';
import { tokenIn } from '../access.ts';
import type { Ctx, Env } from '../answers.ts';
import { bodyOf, HttpError, notFound, numberParam, page } from '../answers.ts';
import { deliveryItem, deliveryShape, pageFrom } from './hooks.ts';
import { repositoryShape } from '../shapes/repository.ts';
import type { Rest } from '../shapes/types.ts';
import { appShape, userShape } from '../shapes/user.ts';
import type { Site } from '../site.ts';
import type { Delivery, Webhooks } from '../webhooks.ts';
import type { App, Permission, Repository, User } from '../world.ts';
import { isoSeconds } from '../world.ts';

const TOKEN_MS = 3_600_000;
/** GitHub accepts a JWT for ten minutes at most. */
const JWT_SECONDS_MAX = 600;

const claims = z.object({ iat: z.number(), exp: z.number(), iss: z.union([z.string(), z.number()]) });
const tokenWish = z.object({
  repositories: z.array(z.string()).optional(),
  permissions: z.record(z.string(), z.string()).optional(),
});

type Bot = User & { app: App };

export function appRoutes(site: Site, webhooks: Webhooks): Hono<Env> {
  const app = new Hono<Env>();
  const { world } = site;

  app.get('/app', (c) => c.json({ ...appShape(site, appIn(site, c)), installations_count: 1 }));

  /** The App's own webhook: the one that belongs to no repository. */
  const deliveriesOf = (c: Ctx): Delivery[] => {
    appIn(site, c);
    return webhooks.log.filter((one) => one.hook.repository === undefined && one.status !== 'pending');
  };
  const deliveryIn = (c: Ctx): Delivery => {
    const found = deliveriesOf(c).find(({ id }) => id === numberParam(c, 'delivery'));
    if (found === undefined) throw notFound();
    return found;
  };
  app.get('/app/hook/deliveries', (c) => c.json(pageFrom(c, deliveriesOf(c).toReversed()).map(deliveryItem)));
  app.get('/app/hook/deliveries/:delivery', (c) => c.json(deliveryShape(deliveryIn(c))));
  app.post('/app/hook/deliveries/:delivery/attempts', (c) => {
    webhooks.redeliver(deliveryIn(c));
    return c.json({}, 202);
  });

  app.get('/app/installations', (c) => c.json(page(c, [installationShape(site, appIn(site, c))])));

  app.get('/repos/:owner/:repo/installation', (c) => {
    const bot = appIn(site, c);
    const name = `${c.req.param('owner')}/${c.req.param('repo')}`.toLowerCase();
    if (!reach(site, bot).some((repository) => repository.fullName.toLowerCase() === name)) throw notFound();
    return c.json(installationShape(site, bot));
  });

  app.post('/app/installations/:installation/access_tokens', async (c) => {
    const bot = appIn(site, c);
    if (String(bot.app.installationId) !== c.req.param('installation')) throw notFound();
    const wish = await bodyOf(c, 'AccessToken', tokenWish);
    const all = reach(site, bot);
    const chosen = wish.repositories === undefined ? all : all.filter((one) => wish.repositories?.includes(one.name));
    if (wish.repositories !== undefined && chosen.length < wish.repositories.length) {
      throw new HttpError(
        422,
        'There is at least one repository that does not exist or is not accessible to the parent installation.',
      );
    }
    const token = `ghs_${randomUUID().replaceAll('-', '')}`;
    const expiresAt = world.nowMs() + TOKEN_MS;
    const most: Permission = wish.permissions?.['contents'] === 'read' ? 'read' : 'write';
    const repositories = Object.fromEntries(chosen.map((one) => [one.fullName, most]));
    world.tokens.set(token, { token, user: bot, repositories, expiresAt, revoked: false });
    return c.json(
      {
        token,
        expires_at: isoSeconds(expiresAt),
        permissions: { contents: most, checks: 'write', pull_requests: 'write', metadata: 'read' },
        repository_selection: wish.repositories === undefined ? 'all' : 'selected',
        ...(wish.repositories === undefined ? {} : { repositories: chosen.map((one) => repositoryShape(site, one)) }),
      } satisfies Rest['installation-token'],
      201,
    );
  });

  app.get('/installation/repositories', (c) => {
    const viewer = c.get('viewer');
    if (viewer?.user.app === undefined) throw new HttpError(403, 'Resource not accessible by personal access token');
    const all = [...world.repositories.values()].filter((one) => repositoryFor(c, one));
    return c.json({
      total_count: all.length,
      repositories: page(
        c,
        all.map((one) => repositoryShape(site, one)),
      ),
    });
  });

  const repositoryFor = (c: Ctx, repository: Repository): boolean =>
    c.get('viewer')?.limits?.[repository.fullName.toLowerCase()] !== undefined;

  return app;
}

/** The App whose JWT this request carries. */
function appIn(site: Site, c: Ctx): Bot {
  const jwt = tokenIn(c.req.header('authorization')) ?? '';
  const [head = '', payload = '', signature = ''] = jwt.split('.');
  const parsed = claims.safeParse(jsonIn(payload));
  const bad = (message: string): HttpError => new HttpError(401, message);
  if (signature === '' || !parsed.success) throw bad('A JSON web token could not be decoded');
  const { iat, exp, iss } = parsed.data;
  const now = site.world.nowMs() / 1000;
  if (exp <= now)
    throw bad(
      "'Expiration time' claim ('exp') must be a numeric value representing the future time at which the assertion expires",
    );
  if (exp - now > JWT_SECONDS_MAX) throw bad("'Expiration time' claim ('exp') is too far in the future");
  if (iat > now + 60)
    throw bad("'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued");
  const bot = [...site.world.users.values()].find(
    (user): user is Bot => user.app !== undefined && String(user.app.id) === String(iss),
  );
  if (bot === undefined) throw new HttpError(404, 'Integration not found');
  const { publicKey } = bot.app;
  if (publicKey !== undefined) {
    const data = Buffer.from(`${head}.${payload}`);
    const ok = verify('RSA-SHA256', data, createPublicKey(publicKey), Buffer.from(signature, 'base64url'));
    if (!ok) throw bad('A JSON web token could not be decoded');
  }
  return bot;
}

function jsonIn(part: string): unknown {
  try {
    return JSON.parse(Buffer.from(part, 'base64url').toString('utf8'));
  } catch {
    return undefined;
  }
}

/** The repositories the App is installed in: those where its bot may do something. */
const reach = (site: Site, bot: User): Repository[] =>
  [...site.world.repositories.values()].filter((one) => one.owner === bot || one.collaborators.has(bot.id));

function installationShape(site: Site, bot: Bot): Rest['installation'] {
  const [first] = reach(site, bot);
  const api = `${site.apiUrl}/app/installations/${bot.app.installationId}`;
  return {
    id: bot.app.installationId,
    account: first === undefined ? null : userShape(site, first.owner),
    repository_selection: 'selected',
    access_tokens_url: `${api}/access_tokens`,
    repositories_url: `${site.apiUrl}/installation/repositories`,
    html_url: `${site.url}/settings/installations/${bot.app.installationId}`,
    app_id: bot.app.id,
    app_slug: bot.app.slug,
    target_id: first?.owner.id ?? 0,
    target_type: 'User',
    permissions: appShape(site, bot).permissions,
    events: appShape(site, bot).events,
    created_at: bot.createdAt,
    updated_at: bot.createdAt,
    single_file_name: null,
    suspended_by: null,
    suspended_at: null,
  };
}

/**
 * GitHub's own log of what it sent us: of the App's webhook, or of the webhooks of the repositories. Reading it takes
 * the right to administer them; without it there is no log, which is remembered for a while, since each refusal counts.
 */
import { z } from 'zod';
import type { Delivery } from '../../bridge/hook.ts';
import type { DeliveryLog, LoggedDelivery } from '../../bridge/sweep.ts';
import type { Clock } from '../../clock.ts';
import { RejectedInput, TerminalError } from '../../errors.ts';
import type { Account, Params } from './account.ts';
import { coordinates } from './names.ts';

interface DeliveriesOptions {
  account: Account;
  /** The App's one webhook; else those of the repositories. */
  app: boolean;
  repos: readonly string[];
  clock: Clock;
}

/** Asked again for a log that was refused. */
const REFUSED_MS = 6 * 3_600_000;
const REFUSALS = new Set(['GITHUB_NOT_FOUND', 'GITHUB_FORBIDDEN', 'GITHUB_GONE']);
/** Our webhook is known by where it leads; whatever stands before us keeps that path. */
const OURS = /\/webhooks\/github\/?$/;

const hookAnswer = z.object({
  id: z.number().int(),
  active: z.boolean(),
  config: z.object({ url: z.string().optional() }),
});
const itemAnswer = z.object({
  id: z.number().int(),
  guid: z.string().min(1),
  delivered_at: z.string(),
  event: z.string(),
});
const deliveryAnswer = itemAnswer.extend({
  action: z.string().nullish(),
  request: z.object({ headers: z.record(z.string(), z.unknown()).nullish(), payload: z.unknown() }),
});

export function createDeliveryLog({ account, app, repos, clock }: DeliveriesOptions): DeliveryLog {
  const refusedUntil = new Map<string, number>();

  /** undefined: not shown to us. */
  async function asked<Value>(name: string, ask: () => Promise<Value>): Promise<Value | undefined> {
    if ((refusedUntil.get(name) ?? 0) > clock.now()) return undefined;
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof TerminalError) || !REFUSALS.has(error.code)) throw error;
      refusedUntil.set(name, clock.now() + REFUSED_MS);
      return undefined;
    }
  }

  async function logOf(route: string, params: Params, sinceMs: number, signal: AbortSignal): Promise<LoggedDelivery[]> {
    const isBefore = ({ delivered_at }: z.infer<typeof itemAnswer>) => Date.parse(delivered_at) < sinceMs;
    const items = await account.chain(itemAnswer, `GET ${route}`, params, { until: isBefore, signal });
    return items.map(({ id, guid, delivered_at }) => ({
      id: guid,
      atMs: Date.parse(delivered_at),
      async read(signal) {
        const one = `GET ${route}/{delivery_id}`;
        return deliveryOf(await account.get(deliveryAnswer, one, { ...params, delivery_id: id }, signal), clock);
      },
    }));
  }

  async function ofRepo(repo: string, sinceMs: number, signal: AbortSignal): Promise<LoggedDelivery[]> {
    const at = coordinates(repo);
    const hooks = await account.list(hookAnswer, 'GET /repos/{owner}/{repo}/hooks', at, { signal });
    const ours = hooks.filter(({ active, config }) => active && OURS.test(config.url ?? ''));
    const route = '/repos/{owner}/{repo}/hooks/{hook_id}/deliveries';
    const logs = await Promise.all(ours.map(({ id }) => logOf(route, { ...at, hook_id: id }, sinceMs, signal)));
    return logs.flat();
  }

  return {
    async list(sinceMs, signal) {
      if (app) return (await asked('app', () => logOf('/app/hook/deliveries', {}, sinceMs, signal))) ?? null;
      const logs = await Promise.all(repos.map((repo) => asked(repo, () => ofRepo(repo, sinceMs, signal))));
      const shown = logs.filter((log) => log !== undefined);
      return shown.length === 0 && repos.length > 0 ? null : shown.flat();
    },
  };
}

/** As the door would have taken it: GitHub vouches for it here, in place of the signature. */
function deliveryOf(answer: z.infer<typeof deliveryAnswer>, clock: Clock): Delivery {
  const { guid, event, action, request } = answer;
  if (typeof request.payload !== 'object' || request.payload === null) {
    throw new RejectedInput('HOOK_FORM', `delivery ${guid} has no payload`);
  }
  return {
    head: {
      source: 'github',
      event,
      action: action ?? null,
      delivery: guid,
      receivedAt: new Date(clock.now()).toISOString(),
      headers: { 'chartroom-fetched': 'from the log of deliveries' },
    },
    body: Buffer.from(JSON.stringify(request.payload)),
  };
}

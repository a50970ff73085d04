/**
 * Webhooks: who wants which events, signing, sending and the log. Like GitHub, a delivery is sent once, after the
 * fact, and again only when somebody asks; its guid stays the same then. Each hook's deliveries go out in order.
 */
import { createHmac } from 'node:crypto';
import type { WebhookEventMap } from '@octokit/webhooks-types';
import type { FaultBook } from './faults.ts';
import type { Repository } from './world.ts';

export interface Hook {
  id: number;
  /** Undefined: an App's hook, for every repository. */
  repository?: Repository | undefined;
  url: string;
  secret: string | undefined;
  events: string[];
  active: boolean;
  createdAt: string;
  updatedAt: string;
}

export interface Delivery {
  id: number;
  /** `X-GitHub-Delivery`; a redelivery has the same. */
  guid: string;
  hook: Hook;
  event: string;
  action: string | null;
  repositoryId: number | null;
  redelivery: boolean;
  deliveredAt: string;
  durationMs: number;
  /** `pending` until sent; then `OK`, the status text, or what failed. */
  status: string;
  statusCode: number;
  request: { headers: Record<string, string>; body: string };
  response: { headers: Record<string, string>; body: string };
}

export type Emit = <Name extends keyof WebhookEventMap>(
  repository: Repository,
  event: Name,
  payload: WebhookEventMap[Name],
) => void;

export interface WebhooksOptions {
  nowMs(): number;
  now(): string;
  nextId(): number;
  newGuid(): string;
  faults: FaultBook;
  /** GitHub gives a receiver ten seconds. */
  timeoutMs?: number;
}

const TIMEOUT_MS = 10_000;
/** The log keeps the newest; GitHub keeps three days. */
const LOG_MAX = 5_000;
/** What is kept of a receiver's answer. */
const RESPONSE_LENGTH_MAX = 10_000;

export type Webhooks = ReturnType<typeof createWebhooks>;

export function createWebhooks({ nowMs, now, nextId, newGuid, faults, timeoutMs = TIMEOUT_MS }: WebhooksOptions) {
  const hooks: Hook[] = [];
  const log: Delivery[] = [];
  const tails = new Map<number, Promise<void>>();
  const stop = new AbortController();

  function add(wish: {
    repository?: Repository | undefined;
    url: string;
    secret?: string | undefined;
    events?: string[];
  }): Hook {
    const at = now();
    const hook: Hook = {
      id: nextId(),
      repository: wish.repository,
      url: wish.url,
      secret: wish.secret,
      events: wish.events ?? ['*'],
      active: true,
      createdAt: at,
      updatedAt: at,
    };
    hooks.push(hook);
    return hook;
  }

  function remove(hook: Hook): void {
    hooks.splice(hooks.indexOf(hook), 1);
  }

  const emit: Emit = (repository, event, payload) => {
    for (const hook of hooks) {
      if (!hook.active || (hook.repository !== undefined && hook.repository !== repository)) continue;
      if (!hook.events.includes('*') && !hook.events.includes(event)) continue;
      enqueue(hook, {
        guid: newGuid(),
        event,
        body: JSON.stringify(payload),
        repositoryId: repository.id,
        again: false,
      });
    }
  };

  function ping(hook: Hook, payload: WebhookEventMap['ping']): Delivery {
    const repositoryId = hook.repository?.id ?? null;
    return enqueue(hook, { guid: newGuid(), event: 'ping', body: JSON.stringify(payload), repositoryId, again: false });
  }

  function enqueue(
    hook: Hook,
    wish: { guid: string; event: string; body: string; repositoryId: number | null; again: boolean },
  ): Delivery {
    const delivery: Delivery = {
      id: nextId(),
      guid: wish.guid,
      hook,
      event: wish.event,
      action: actionIn(wish.body),
      repositoryId: wish.repositoryId,
      redelivery: wish.again,
      deliveredAt: now(),
      durationMs: 0,
      status: 'pending',
      statusCode: 0,
      request: { headers: headersOf(hook, wish), body: wish.body },
      response: { headers: {}, body: '' },
    };
    log.push(delivery);
    if (log.length > LOG_MAX) log.shift();
    const before = tails.get(hook.id) ?? Promise.resolve();
    tails.set(
      hook.id,
      before.then(() => send(delivery)),
    );
    return delivery;
  }

  async function send(delivery: Delivery): Promise<void> {
    const began = nowMs();
    if (faults.takeDelivery(delivery) || stop.signal.aborted) {
      delivery.status = 'failed to connect to host';
      return;
    }
    try {
      const answer = await fetch(delivery.hook.url, {
        method: 'POST',
        headers: delivery.request.headers,
        body: delivery.request.body,
        redirect: 'manual',
        signal: AbortSignal.any([stop.signal, AbortSignal.timeout(timeoutMs)]),
      });
      delivery.statusCode = answer.status;
      delivery.response = {
        headers: Object.fromEntries(answer.headers),
        body: (await answer.text()).slice(0, RESPONSE_LENGTH_MAX),
      };
      delivery.status = answer.ok ? 'OK' : answer.statusText || `Invalid HTTP Response: ${answer.status}`;
    } catch (error) {
      delivery.status = isTimeout(error) ? 'timed out' : 'failed to connect to host';
    }
    delivery.durationMs = nowMs() - began;
  }

  return {
    hooks,
    log,
    add,
    remove,
    emit,
    ping,
    /** Sends it again, under the same guid. */
    redeliver(delivery: Delivery): Delivery {
      const { guid, event, repositoryId, hook } = delivery;
      return enqueue(hook, { guid, event, repositoryId, body: delivery.request.body, again: true });
    },
    /** When everything sent so far was answered or failed. */
    async settled(): Promise<void> {
      await Promise.all(tails.values());
    },
    async close(): Promise<void> {
      stop.abort();
      await Promise.all(tails.values());
    },
  };
}

export const signatureOf = (secret: string, body: string): string =>
  `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`;

function headersOf(
  hook: Hook,
  { guid, event, body }: { guid: string; event: string; body: string },
): Record<string, string> {
  return {
    'content-type': 'application/json',
    'user-agent': `GitHub-Hookshot/${guid.slice(0, 7)}`,
    'x-github-event': event,
    'x-github-delivery': guid,
    'x-github-hook-id': String(hook.id),
    'x-github-hook-installation-target-type': hook.repository === undefined ? 'integration' : 'repository',
    'x-github-hook-installation-target-id': String(hook.repository?.id ?? hook.id),
    ...(hook.secret === undefined ? {} : { 'x-hub-signature-256': signatureOf(hook.secret, body) }),
  };
}

function actionIn(body: string): string | null {
  const { action } = JSON.parse(body) as { action?: unknown };
  return typeof action === 'string' ? action : null;
}

const isTimeout = (error: unknown): boolean => error instanceof Error && error.name === 'TimeoutError';

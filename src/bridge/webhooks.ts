/**
 * The public door (docs/protocol.md §7): two paths, and the status page where that is configured. A delivery is believed in this order: its size, its
 * signature over the raw bytes, its time, its form, its delivery id. It is answered with 2xx only when it is durable.
 * This listener knows hooks and the bus; it knows nothing of actors: the status page is given to it.
 *
 * A source that sends a delivery again (GitHub's “Redeliver”, Linear's retries) uses the same id and often the same
 * bytes: nothing tells it from a recording that somebody plays. So it is the same hook: within the stream's window no
 * second message, later one whose envelopes the actors know by their ids, so that at most a watch looks once more. What
 * must go through as new is sent again by hand from here (hook-log.ts), under the id with `#n` behind it.
 */
import { Hono } from 'hono';
import type { Context } from 'hono';
import type { Bus } from '../bus/bus.ts';
import type { Clock } from '../clock.ts';
import { RejectedInput, TransientError } from '../errors.ts';
import type { Logger } from '../log.ts';
import { createCourier } from './courier.ts';
import type { BodyStore } from './courier.ts';
import { DOORS, isSigned, keptHeaders } from './door.ts';
import { SOURCES } from './hook.ts';
import type { HookHead, Source } from './hook.ts';
import { rawBody } from './raw-body.ts';
import type { Spool } from './spool.ts';

export interface WebhooksOptions {
  /** An unset secret refuses everything of that source. */
  github: { secret?: string | undefined };
  linear: { secret?: string | undefined };
  bus: Pick<Bus, 'publish' | 'onStatus'>;
  spool: Spool;
  /** Resolves when the runtime has made durable what that letter of the stream `hook` caused; at once for old ones. */
  taken: (seq: number) => Promise<void>;
  bodies?: BodyStore;
  clock: Clock;
  log: Logger;
  limits?: WebhookLimits;
  /** Answers `GET /status/:kind/:id`; absent, there is no such path. */
  status?: ((c: Context) => Promise<Response>) | undefined;
}

export interface WebhookLimits {
  /** Raw body of a delivery. */
  bodyBytesMax?: number;
  /** A message of the bus; below the server's `max_payload`. */
  letterBytesMax?: number;
  hookWaitSeconds?: number;
  spoolSeconds?: number;
}

export interface Webhooks {
  /** Answers a request; for tests and for `listenWebhooks`. */
  fetch: (request: Request) => Response | Promise<Response>;
  close(): Promise<void>;
}

const BODY_BYTES_MAX = 5 * 1_024 * 1_024;
/** nats-server's max_payload in nats.conf is 8 MiB; headers need a little of it. */
const LETTER_BYTES_MAX = 8 * 1_024 * 1_024 - 65_536;
/** A delivery signed longer ago than this may be somebody's recording (and clocks differ in both directions). */
const SKEW_MS_MAX = 60_000;
/** A full spool needs the bus back and some seconds of draining. */
const RETRY_AFTER_SECONDS = 30;

export function createWebhooks(options: WebhooksOptions): Webhooks {
  const { clock, log, limits = {} } = options;
  const bodyBytesMax = limits.bodyBytesMax ?? BODY_BYTES_MAX;
  const courier = createCourier({
    ...options,
    hookWaitMs: (limits.hookWaitSeconds ?? 2) * 1_000,
    retryMs: (limits.spoolSeconds ?? 1) * 1_000,
    letterBytesMax: limits.letterBytesMax ?? LETTER_BYTES_MAX,
  });

  const app = new Hono();

  for (const source of SOURCES) {
    app.post(`/webhooks/${source}`, (c) => receive(c, source));
    app.all(`/webhooks/${source}`, (c) => c.json({ error: 'deliveries are POSTed' }, 405, { allow: 'POST' }));
  }
  if (options.status !== undefined) app.get('/status/:kind/:id', options.status);
  app.notFound((c) => c.json({ error: 'nothing here' }, 404));
  app.onError((err, c) => {
    log.error({ err, path: c.req.path }, 'a request could not be handled');
    return c.json({ error: 'this request could not be handled' }, 500);
  });

  async function receive(c: Context, source: Source): Promise<Response> {
    const bytes = await rawBody(c.req.raw, bodyBytesMax).catch(() => null);
    if (bytes === null) return c.json({ error: 'the body broke off' }, 400);
    if (bytes === undefined) return c.json({ error: `a delivery may have ${bodyBytesMax} bytes` }, 413);
    let delivery: { head: HookHead; body: string };
    try {
      delivery = admit(source, c.req.raw.headers, bytes);
    } catch (error) {
      if (!(error instanceof RejectedInput)) throw error;
      log.warn({ source, code: error.code, why: error.message }, 'a delivery was refused');
      return c.json({ error: error.message }, error.code === 'HOOK_SIGNATURE' ? 401 : 400);
    }
    try {
      const fate = await courier.bring(delivery);
      log.debug({ hook: delivery.head.delivery, source, event: delivery.head.event, fate }, 'a delivery came in');
      // Linear counts every answer but 200 as a failure, and switches a failing webhook off.
      return c.json({ taken: fate === 'taken' }, fate === 'taken' || source === 'linear' ? 200 : 202);
    } catch (error) {
      if (error instanceof RejectedInput) return c.json({ error: error.message }, 413);
      if (!(error instanceof TransientError)) throw error;
      log.error({ err: error, source }, 'a delivery can be kept nowhere');
      return c.json({ error: error.message }, 503, { 'retry-after': String(RETRY_AFTER_SECONDS) });
    }
  }

  /** @throws RejectedInput `HOOK_SIGNATURE` (nothing of it is believed), `HOOK_FORM` */
  function admit(source: Source, headers: Headers, bytes: Uint8Array): { head: HookHead; body: string } {
    const door = DOORS[source];
    const { secret } = options[source];
    const digest = door.digest(headers);
    if (secret === undefined || secret === '') throw notOurs(`no webhook secret is set for ${source}`);
    if (digest === undefined) throw notOurs('the signature is missing');
    if (!isSigned(secret, bytes, digest)) throw notOurs('the signature is wrong');

    const { text, body } = objectOf(bytes);
    if (door.sentAt !== undefined) {
      const sentAt = door.sentAt(body);
      if (sentAt === undefined || !(Math.abs(clock.now() - sentAt) <= SKEW_MS_MAX)) {
        throw notOurs('webhookTimestamp is not within 60 seconds of now');
      }
    }
    const event = door.event(headers, body);
    const delivery = door.delivery(headers);
    if (event === undefined) throw new RejectedInput('HOOK_FORM', 'the event header is missing');
    if (delivery === undefined) throw new RejectedInput('HOOK_FORM', 'the delivery header is missing or not an id');
    const head: HookHead = {
      source,
      event,
      action: typeof body['action'] === 'string' ? body['action'] : null,
      delivery,
      receivedAt: new Date(clock.now()).toISOString(),
      headers: keptHeaders(door.kept, headers),
    };
    return { head, body: text };
  }

  return { fetch: (request) => app.fetch(request), close: courier.close };
}

const notOurs = (why: string) => new RejectedInput('HOOK_SIGNATURE', why);

function objectOf(bytes: Uint8Array): { text: string; body: Record<string, unknown> } {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    const body: unknown = JSON.parse(text);
    if (typeof body === 'object' && body !== null && !Array.isArray(body)) {
      return { text, body: body as Record<string, unknown> };
    }
  } catch {
    // Said below: not JSON and not an object are one mistake, a webhook of another content type.
  }
  throw new RejectedInput(
    'HOOK_FORM',
    'the body is not a JSON object; set the webhook’s content type to application/json',
  );
}

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
import type { IncomingMessage, ServerResponse } from 'node:http';
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response';
import { Hono } from 'hono';
import type { Context } from 'hono';
import type { Bus } from '../bus/bus.ts';
import type { Clock } from '../clock.ts';
import { RejectedInput, TransientError } from '../errors.ts';
import type { Logger } from '../log.ts';
import { createCourier } from './courier.ts';
import type { BodyStore } from './courier.ts';
import { DOORS, isSigned, keptHeaders } from './door.ts';
import type { HeaderOf } from './door.ts';
import { SOURCES } from './hook.ts';
import type { Delivery, HookHead, Source } from './hook.ts';
import { rawBody, rawBodyOf } from './raw-body.ts';
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
  /** Answers a request; a delivery is read from Node's parts of it, and answered there, where they are given. */
  fetch: (request: Request, node?: NodeParts) => Response | Promise<Response>;
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

  const app = new Hono<Asked>();

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

  async function receive(c: Context<Asked>, source: Source): Promise<Response> {
    const { incoming } = c.env;
    const reading = incoming === undefined ? rawBody(c.req.raw, bodyBytesMax) : rawBodyOf(incoming, bodyBytesMax);
    const bytes = await reading.catch(() => null);
    if (bytes === null) return answer(c, 400, { error: 'the body broke off' });
    if (bytes === undefined) return answer(c, 413, { error: `a delivery may have ${bodyBytesMax} bytes` });
    let delivery: Delivery;
    try {
      delivery = admit(
        source,
        incoming === undefined ? (name) => c.req.raw.headers.get(name) : headerOf(incoming),
        bytes,
      );
    } catch (error) {
      if (!(error instanceof RejectedInput)) throw error;
      log.warn({ source, code: error.code, why: error.message }, 'a delivery was refused');
      return answer(c, error.code === 'HOOK_SIGNATURE' ? 401 : 400, { error: error.message });
    }
    try {
      const fate = await courier.bring(delivery);
      log.debug({ hook: delivery.head.delivery, source, event: delivery.head.event, fate }, 'a delivery came in');
      // Linear counts every answer but 200 as a failure, and switches a failing webhook off.
      return answer(c, fate === 'taken' || source === 'linear' ? 200 : 202, { taken: fate === 'taken' });
    } catch (error) {
      if (error instanceof RejectedInput) return answer(c, 413, { error: error.message });
      if (!(error instanceof TransientError)) throw error;
      log.error({ err: error, source }, 'a delivery can be kept nowhere');
      return answer(c, 503, { error: error.message }, { 'retry-after': String(RETRY_AFTER_SECONDS) });
    }
  }

  /** @throws RejectedInput `HOOK_SIGNATURE` (nothing of it is believed), `HOOK_FORM` */
  function admit(source: Source, header: HeaderOf, bytes: Uint8Array): Delivery {
    const door = DOORS[source];
    const { secret } = options[source];
    const digest = door.digest(header);
    if (secret === undefined || secret === '') throw notOurs(`no webhook secret is set for ${source}`);
    if (digest === undefined) throw notOurs('the signature is missing');
    if (!isSigned(secret, bytes, digest)) throw notOurs('the signature is wrong');

    const body = objectOf(bytes);
    if (door.sentAt !== undefined) {
      const sentAt = door.sentAt(body);
      if (sentAt === undefined || !(Math.abs(clock.now() - sentAt) <= SKEW_MS_MAX)) {
        throw notOurs('webhookTimestamp is not within 60 seconds of now');
      }
    }
    const event = door.event(header, body);
    const delivery = door.delivery(header);
    if (event === undefined) throw new RejectedInput('HOOK_FORM', 'the event header is missing');
    if (delivery === undefined) throw new RejectedInput('HOOK_FORM', 'the delivery header is missing or not an id');
    const head: HookHead = {
      source,
      event,
      action: typeof body['action'] === 'string' ? body['action'] : null,
      delivery,
      receivedAt: new Date(clock.now()).toISOString(),
      headers: keptHeaders(door.kept, header),
    };
    return { head, body: withoutMark(bytes) };
  }

  return { fetch: (request, node = {}) => app.fetch(request, node), close: courier.close };
}

const notOurs = (why: string) => new RejectedInput('HOOK_SIGNATURE', why);

/** What Node's server has of a request; nothing where a web request is all there is. */
export interface NodeParts {
  incoming?: IncomingMessage;
  outgoing?: ServerResponse;
}
interface Asked {
  Bindings: NodeParts;
}

type Status = 200 | 202 | 400 | 401 | 413 | 503;

/** JSON; straight to Node's server where there is one: a web response and its stream cost more than the answer. */
function answer(
  c: Context<Asked>,
  status: Status,
  body: Record<string, unknown>,
  headers: Record<string, string> = {},
): Response {
  const { outgoing } = c.env;
  if (outgoing === undefined) return c.json(body, status, headers);
  const text = JSON.stringify(body);
  const length = { 'content-length': Buffer.byteLength(text) };
  outgoing.writeHead(status, { ...headers, 'content-type': 'application/json', ...length }).end(text);
  return RESPONSE_ALREADY_SENT;
}

function headerOf({ headers }: IncomingMessage): HeaderOf {
  return (name) => {
    const value = headers[name];
    return typeof value === 'string' ? value : null;
  };
}

/** A mark of the byte order may stand before JSON, but not within it, where a letter has its body. */
function withoutMark(bytes: Uint8Array): Uint8Array {
  const isMarked = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf;
  return isMarked ? bytes.subarray(3) : bytes;
}

const STRICT = new TextDecoder('utf-8', { fatal: true });

function objectOf(bytes: Uint8Array): Record<string, unknown> {
  try {
    const body: unknown = JSON.parse(STRICT.decode(bytes));
    if (typeof body === 'object' && body !== null && !Array.isArray(body)) return body as Record<string, unknown>;
  } catch {
    // Said below: not JSON and not an object are one mistake, a webhook of another content type.
  }
  throw new RejectedInput(
    'HOOK_FORM',
    'the body is not a JSON object; set the webhook’s content type to application/json',
  );
}

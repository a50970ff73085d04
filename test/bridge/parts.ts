/** The bridge's surroundings in tests: a bus that keeps what is published, signed requests, a spool in a temp dir. */
import { createHmac, randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { TestContext } from 'node:test';
import type { Hook } from '../../src/bridge/hook.ts';
import { openSpool } from '../../src/bridge/spool.ts';
import type { Spool } from '../../src/bridge/spool.ts';
import { createWebhooks } from '../../src/bridge/webhooks.ts';
import type { Webhooks, WebhooksOptions } from '../../src/bridge/webhooks.ts';
import { BusError } from '../../src/bus/bus.ts';
import type { Bus } from '../../src/bus/bus.ts';
import { createFakeClock } from '../../src/clock.ts';
import type { FakeClock } from '../../src/clock.ts';
import { createLog } from '../../src/log.ts';
import { packageFile } from '../../src/package.ts';

export const SECRETS = { github: 'github-webhook-secret', linear: 'linear-webhook-secret' };
export const START_MS = Date.parse('2026-11-21T10:00:00.000Z');
export const quiet = createLog({ level: 'silent' });

export interface Published {
  seq: number;
  subject: string;
  body: string;
  msgId: string | undefined;
}

export interface FakeBus extends Pick<Bus, 'publish' | 'onStatus' | 'read'> {
  /** What lies in the stream `hook`. */
  stored: Published[];
  /** Every publish, duplicates too. */
  calls: number;
  connect(): void;
  disconnect(): void;
  /** Connected, but every publish fails: a full stream. */
  refuse(refusing: boolean): void;
  /** As a server with a smaller max_payload. */
  takesAtMost(bytes: number): void;
  /** Resolves when the stream holds so many. */
  holds(count: number): Promise<void>;
}

export function createFakeBus({ connected = true }: { connected?: boolean } = {}): FakeBus {
  let up = connected;
  let refusing = false;
  let bytesMax = Infinity;
  const listeners: ((status: 'connected' | 'disconnected') => void)[] = [];
  let waiting: { count: number; resolve: () => void }[] = [];
  const tell = () => {
    for (const listener of listeners) listener(up ? 'connected' : 'disconnected');
  };
  const bus: FakeBus = {
    stored: [],
    calls: 0,
    async publish(_stream, subject, body, options = {}) {
      if (!up) throw new BusError('BUS_UNREACHABLE', 'the bus is down');
      if (refusing) throw new BusError('BUS_FULL', 'the stream is full');
      bus.calls++;
      if (Buffer.byteLength(body) > bytesMax) {
        throw new BusError('BUS_REFUSED', 'larger than the server takes', { status: 413 });
      }
      const known = bus.stored.find(({ msgId }) => msgId === options.msgId);
      if (known !== undefined) return { seq: known.seq, duplicate: true };
      const seq = bus.stored.length + 1;
      bus.stored.push({ seq, subject, body: String(body), msgId: options.msgId });
      for (const one of waiting) if (bus.stored.length >= one.count) one.resolve();
      waiting = waiting.filter(({ count }) => count > bus.stored.length);
      return { seq, duplicate: false };
    },
    async read(_stream, after, { max }) {
      return bus.stored
        .filter(({ seq }) => seq > after)
        .slice(0, max)
        .map(({ seq, subject, body }) => ({ seq, stamp: String(seq), subject, body: Buffer.from(body) }));
    },
    onStatus(listener) {
      listeners.push(listener);
      listener(up ? 'connected' : 'disconnected');
    },
    connect() {
      up = true;
      tell();
    },
    disconnect() {
      up = false;
      tell();
    },
    refuse(value) {
      refusing = value;
    },
    takesAtMost(bytes) {
      bytesMax = bytes;
    },
    holds: (count) =>
      new Promise((resolve) => {
        if (bus.stored.length >= count) resolve();
        else waiting.push({ count, resolve });
      }),
  };
  return bus;
}

/** A spool that says when it has become empty. */
export interface WatchedSpool extends Spool {
  emptied(): Promise<void>;
}

export async function tempDirectory(t: TestContext): Promise<string> {
  const directory = await mkdtemp(path.join(tmpdir(), 'chartroom-bridge-'));
  t.after(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

export async function watchedSpool(directory: string, limits: { countMax?: number; bytesMax?: number } = {}) {
  const spool = await openSpool({ directory, log: quiet, ...limits });
  let waiting: (() => void)[] = [];
  const watched: WatchedSpool = {
    ...spool,
    async remove(number) {
      await spool.remove(number);
      if (spool.size().count > 0) return;
      for (const resolve of waiting) resolve();
      waiting = [];
    },
    emptied: () =>
      new Promise((resolve) => {
        if (spool.size().count === 0) resolve();
        else waiting.push(resolve);
      }),
  };
  return watched;
}

export interface Bridge {
  webhooks: Webhooks;
  bus: FakeBus;
  spool: WatchedSpool;
  clock: FakeClock;
  directory: string;
  post(request: Request): Promise<{ status: number; body: Record<string, unknown>; headers: Headers }>;
}

export async function createBridge(
  t: TestContext,
  options: Partial<Omit<WebhooksOptions, 'spool' | 'bus' | 'clock'>> & {
    bus?: FakeBus;
    directory?: string;
    spoolLimits?: { countMax?: number; bytesMax?: number };
  } = {},
): Promise<Bridge> {
  const { bus = createFakeBus(), directory = await tempDirectory(t), spoolLimits, ...given } = options;
  const clock = createFakeClock(START_MS);
  const spool = await watchedSpool(directory, spoolLimits);
  const webhooks = createWebhooks({
    github: { secret: SECRETS.github },
    linear: { secret: SECRETS.linear },
    taken: async () => {},
    log: quiet,
    ...given,
    bus,
    spool,
    clock,
  });
  t.after(() => webhooks.close());
  return {
    webhooks,
    bus,
    spool,
    clock,
    directory,
    async post(request) {
      const response = await webhooks.fetch(request);
      return {
        status: response.status,
        body: (await response.json()) as Record<string, unknown>,
        headers: response.headers,
      };
    },
  };
}

interface Given {
  body?: unknown;
  /** Bytes as they go over the wire; default the JSON of `body`. */
  raw?: string | Uint8Array<ArrayBuffer>;
  secret?: string;
  delivery?: string;
  headers?: Record<string, string | undefined>;
}

const digestOf = (secret: string, raw: string | Uint8Array) => createHmac('sha256', secret).update(raw).digest('hex');

function request(
  url: string,
  raw: string | Uint8Array<ArrayBuffer>,
  headers: Record<string, string | undefined>,
): Request {
  const kept = Object.entries(headers).filter((entry): entry is [string, string] => entry[1] !== undefined);
  return new Request(url, { method: 'POST', body: raw, headers: Object.fromEntries(kept) });
}

export function githubDelivery(event: string, { body, raw = JSON.stringify(body), ...given }: Given): Request {
  return request('http://bridge.test/webhooks/github', raw, {
    'content-type': 'application/json',
    'user-agent': 'GitHub-Hookshot/044aadd',
    'x-github-event': event,
    'x-github-delivery': given.delivery ?? randomUUID(),
    'x-hub-signature-256': `sha256=${digestOf(given.secret ?? SECRETS.github, raw)}`,
    ...given.headers,
  });
}

export function linearDelivery({ body, raw, sentAt = START_MS, ...given }: Given & { sentAt?: number }): Request {
  const bytes = raw ?? JSON.stringify({ ...(body as object), webhookTimestamp: sentAt });
  return request('http://bridge.test/webhooks/linear', bytes, {
    'content-type': 'application/json; charset=utf-8',
    'user-agent': 'Linear-Webhook',
    'linear-event': (body as { type?: string } | undefined)?.type ?? 'Issue',
    'linear-delivery': given.delivery ?? randomUUID(),
    'linear-signature': digestOf(given.secret ?? SECRETS.linear, bytes),
    ...given.headers,
  });
}

/** A Linear delivery as it came, redacted: test/support/deliveries/linear/. */
export function linearBody(name: string): Record<string, unknown> {
  const file = packageFile(`test/support/deliveries/linear/${name}.json`);
  return JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>;
}

export function linearHook(name: string, change: Record<string, unknown> = {}): Hook {
  const body = { ...linearBody(name), ...change };
  const { type, action } = body as { type: string; action?: string };
  return {
    source: 'linear',
    event: type,
    action: action ?? null,
    delivery: `delivery-${name}`,
    receivedAt: '2026-11-21T10:00:00.000Z',
    headers: {},
    body,
  };
}

export function githubHook(event: string, body: Record<string, unknown>, delivery = `delivery-${event}`): Hook {
  const action = typeof body['action'] === 'string' ? body['action'] : null;
  return { source: 'github', event, action, delivery, receivedAt: '2026-11-21T10:00:00.000Z', headers: {}, body };
}

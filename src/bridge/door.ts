/**
 * What each source's deliveries look like at the door: where the signature stands, what tells event and delivery, and
 * which headers are worth keeping. Pure; whoever passes `isSigned` is the source that holds the secret.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import type { Source } from './hook.ts';

interface Door {
  /** The hex digest in the signature header, or undefined where it is missing or not of the form the source uses. */
  digest: (headers: Headers) => string | undefined;
  delivery: (headers: Headers) => string | undefined;
  event: (headers: Headers, body: Record<string, unknown>) => string | undefined;
  /** A delivery tells when it was sent, in ms since 1970, and is refused when that is long ago. */
  sentAt?: (body: Record<string, unknown>) => number | undefined;
  kept: readonly string[];
}

const DIGEST = /^[0-9a-f]{64}$/i;
/** Longer ones are nobody's ids; an envelope's id, made from it, has 256 characters. */
const DELIVERY = /^[\x21-\x7e]{1,128}$/;

export const DOORS: Record<Source, Door> = {
  github: {
    digest: (headers) => /^sha256=([0-9a-f]{64})$/i.exec(headers.get('x-hub-signature-256') ?? '')?.[1],
    delivery: (headers) => deliveryOf(headers, 'x-github-delivery'),
    event: (headers) => textOf(headers.get('x-github-event')),
    kept: [
      'x-github-hook-id',
      'x-github-hook-installation-target-id',
      'x-github-hook-installation-target-type',
      'user-agent',
    ],
  },
  linear: {
    digest: (headers) => {
      const digest = headers.get('linear-signature') ?? '';
      return DIGEST.test(digest) ? digest : undefined;
    },
    delivery: (headers) => deliveryOf(headers, 'linear-delivery'),
    // The body is signed, the header is not.
    event: (headers, body) => textOf(body['type']) ?? textOf(headers.get('linear-event')),
    sentAt: (body) => (typeof body['webhookTimestamp'] === 'number' ? body['webhookTimestamp'] : undefined),
    kept: ['linear-event', 'user-agent'],
  },
};

/** Over the bytes as they came, in constant time. */
export function isSigned(secret: string, body: Uint8Array, digest: string): boolean {
  const given = Buffer.from(digest, 'hex');
  const made = createHmac('sha256', secret).update(body).digest();
  return given.length === made.length && timingSafeEqual(given, made);
}

export function keptHeaders(names: readonly string[], headers: Headers): Record<string, string> {
  const kept: Record<string, string> = {};
  for (const name of names) {
    const value = headers.get(name);
    if (value !== null) kept[name] = value.slice(0, HEADER_MAX);
  }
  return kept;
}

const HEADER_MAX = 200;

const textOf = (value: unknown): string | undefined =>
  typeof value === 'string' && value.trim() !== '' ? value.trim().slice(0, HEADER_MAX) : undefined;

function deliveryOf(headers: Headers, name: string): string | undefined {
  const value = headers.get(name)?.trim() ?? '';
  return DELIVERY.test(value) ? value : undefined;
}

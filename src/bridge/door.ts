/**
 * What each source's deliveries look like at the door: where the signature stands, what tells event and delivery, and
 * which headers are worth keeping. Pure; whoever passes `isSigned` is the source that holds the secret.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import type { Source } from './hook.ts';

/** A header by its name in lower case. */
export type HeaderOf = (name: string) => string | null;

interface Door {
  /** The hex digest in the signature header, or undefined where it is missing or not of the form the source uses. */
  digest: (header: HeaderOf) => string | undefined;
  delivery: (header: HeaderOf) => string | undefined;
  event: (header: HeaderOf, body: Record<string, unknown>) => string | undefined;
  /** A delivery tells when it was sent, in ms since 1970, and is refused when that is long ago. */
  sentAt?: (body: Record<string, unknown>) => number | undefined;
  kept: readonly string[];
}

const DIGEST = /^[0-9a-f]{64}$/i;
/** Longer ones are nobody's ids; an envelope's id, made from it, has 256 characters. */
const DELIVERY = /^[\x21-\x7e]{1,128}$/;

export const DOORS: Record<Source, Door> = {
  github: {
    digest: (header) => /^sha256=([0-9a-f]{64})$/i.exec(header('x-hub-signature-256') ?? '')?.[1],
    delivery: (header) => deliveryOf(header, 'x-github-delivery'),
    event: (header) => textOf(header('x-github-event')),
    kept: [
      'x-github-hook-id',
      'x-github-hook-installation-target-id',
      'x-github-hook-installation-target-type',
      'user-agent',
    ],
  },
  linear: {
    digest: (header) => {
      const digest = header('linear-signature') ?? '';
      return DIGEST.test(digest) ? digest : undefined;
    },
    delivery: (header) => deliveryOf(header, 'linear-delivery'),
    // The body is signed, the header is not.
    event: (header, body) => textOf(body['type']) ?? textOf(header('linear-event')),
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

export function keptHeaders(names: readonly string[], header: HeaderOf): Record<string, string> {
  const kept: Record<string, string> = {};
  for (const name of names) {
    const value = header(name);
    if (value !== null) kept[name] = value.slice(0, HEADER_MAX);
  }
  return kept;
}

const HEADER_MAX = 200;

const textOf = (value: unknown): string | undefined =>
  typeof value === 'string' && value.trim() !== '' ? value.trim().slice(0, HEADER_MAX) : undefined;

function deliveryOf(header: HeaderOf, name: string): string | undefined {
  const value = header(name)?.trim() ?? '';
  return DELIVERY.test(value) ? value : undefined;
}

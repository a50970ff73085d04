/**
 * Links to the public status page of an actor. Whoever has one may read, until it ends; nobody can make one for another
 * actor or a longer time, because both are signed. Pure.
 */
import { createHmac } from 'node:crypto';
import { isSigned } from './door.ts';

export interface StatusSite {
  /** Where people reach the webhook listener from outside. */
  url: string;
  /** Signs. */
  secret: string;
}

/** Long enough for a piece of work and the question about it a few days later; what is forwarded further ends. */
export const STATUS_DAYS = 7;
const STATUS_SECONDS = STATUS_DAYS * 24 * 60 * 60;

export interface StatusLink {
  url: string;
  /** Seconds since 1970. */
  until: number;
}

export function statusLink({ url, secret }: StatusSite, address: string, nowMs: number): StatusLink {
  const until = Math.floor(nowMs / 1_000) + STATUS_SECONDS;
  const signature = createHmac('sha256', secret)
    .update(signed(address, String(until)))
    .digest('hex');
  return { url: `${url.replace(/\/+$/, '')}${pathOf(address)}?until=${until}&signature=${signature}`, until };
}

const SIGNATURE = /^[0-9a-f]{64}$/;
const UNTIL = /^[1-9]\d{0,11}$/;

/** When the link ends, in ms since 1970; undefined = it is none of ours. */
export function statusEndMs(
  { secret }: Pick<StatusSite, 'secret'>,
  address: string,
  { until = '', signature = '' }: { until?: string | undefined; signature?: string | undefined },
): number | undefined {
  if (!UNTIL.test(until) || !SIGNATURE.test(signature)) return undefined;
  return isSigned(secret, Buffer.from(signed(address, until)), signature) ? Number(until) * 1_000 : undefined;
}

/** Until when a link to the page of this actor holds, by its own word; undefined = it leads elsewhere. */
export function untilOf(link: string, address: string): number | undefined {
  if (!URL.canParse(link)) return undefined;
  const { pathname, searchParams } = new URL(link);
  const until = searchParams.get('until') ?? '';
  return pathname.endsWith(pathOf(address)) && UNTIL.test(until) ? Number(until) : undefined;
}

const pathOf = (address: string): string => `/status/${address}`;
const signed = (address: string, until: string): string => `${address}\n${until}`;

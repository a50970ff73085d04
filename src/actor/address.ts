/** Addresses of actors: `kind/id`. Made once at the border, trusted from there on. */
import { createHash } from 'node:crypto';
import type { Address } from '../../machines/contract.ts';
import { RejectedInput } from '../errors.ts';

export type { Address };

const ID = /^[a-z0-9][a-z0-9_-]{0,127}$/;
const KIND = /^[a-z][a-z0-9_-]{0,31}$/;
/** Room for a suffix (`-2`, `-1a2b3c`) within the 128 characters of an id. */
const SLUG_MAX = 100;

export function parseAddress(text: string): Address {
  const slash = text.indexOf('/');
  const kind = text.slice(0, Math.max(slash, 0));
  const id = text.slice(slash + 1);
  if (slash < 1 || !KIND.test(kind) || !ID.test(id)) {
    throw new RejectedInput(
      'ADDRESS',
      `“${text}” is not an address: write kind/id, the id of at most 128 lower case letters, digits, - and _`,
    );
  }
  return text as Address;
}

export function isAddress(text: string): text is Address {
  const slash = text.indexOf('/');
  return slash > 0 && KIND.test(text.slice(0, slash)) && ID.test(text.slice(slash + 1));
}

/** A part of an actor that has an address of its own: `mission/m#key`. */
export interface PartAddress {
  whole: Address;
  key: string;
}

const PART = /^([a-z][a-z0-9_-]{0,31}\/[a-z0-9][a-z0-9_-]{0,127})#([a-z0-9][a-z0-9_-]{0,127})$/;

export function parsePart(text: string): PartAddress | null {
  const found = PART.exec(text);
  return found === null ? null : { whole: found[1] as Address, key: found[2]! };
}

export function addressOf(kind: string, id: string): Address {
  return parseAddress(`${kind}/${id}`);
}

export const kindOf = (address: string): string => address.slice(0, address.indexOf('/'));
export const idOf = (address: string): string => address.slice(address.indexOf('/') + 1);

/** Slug of a name from outside: `ENG-42` → `eng-42`, `acme/api#12` → `acme-api-12`. */
export function slug(name: string): string {
  const text = name
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, SLUG_MAX)
    .replace(/-+$/, '');
  return text === '' ? `x-${fingerprint(name)}` : text;
}

/** Six hex digits that tell two names with one slug apart. */
export const fingerprint = (ref: string): string => createHash('sha256').update(ref).digest('hex').slice(0, 6);

/** Random but repeatable events, made from the schemas of a catalogue: small values that meet each other again. */
import { z } from 'zod';
import type { EventSpec } from '../../machines/contract.ts';

interface Schema {
  type?: string;
  const?: unknown;
  enum?: unknown[];
  anyOf?: Schema[];
  oneOf?: Schema[];
  properties?: Record<string, Schema>;
  required?: string[];
  items?: Schema;
  additionalProperties?: Schema | boolean;
  minimum?: number;
  minLength?: number;
  maxLength?: number;
  pattern?: string;
}

export type Random = () => number;

/** Mulberry32: 0 ≤ x < 1, the same row for the same seed. */
export function randomFrom(seed: number): Random {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

export const pick = <T>(random: Random, from: readonly T[]): T => from[Math.floor(random() * from.length)]!;

/** Whatever pattern a schema has, one of these fits it. */
const WORDS = [
  'implementer',
  'reviewer',
  'agent/ada',
  'agent/tom',
  'session/eng-42',
  'mission/m1',
  'acme/api',
  'person/ann',
  'role/tester',
  '0a1b2c3d',
  '1b2c3d4e',
  'Tests',
  'q1',
  'a',
  '2026-01-05T09:00:00.000Z',
  '2026-01-05T12:00:00.000Z',
];
const OPTIONAL_SHARE = 0.5;

const schemas = new WeakMap<EventSpec, Schema>();

/** Data that the event's schema takes, or undefined where this draw was not lucky. */
export function sampleOf(spec: EventSpec, random: Random): Record<string, unknown> | undefined {
  let schema = schemas.get(spec);
  if (schema === undefined) {
    schema = z.toJSONSchema(spec.data, { io: 'input', unrepresentable: 'any' }) as Schema;
    schemas.set(spec, schema);
  }
  for (let attempt = 0; attempt < 5; attempt++) {
    const parsed = spec.data.safeParse(valueOf(schema, random));
    if (parsed.success) return JSON.parse(JSON.stringify(parsed.data)) as Record<string, unknown>;
  }
  return undefined;
}

function valueOf(schema: Schema, random: Random): unknown {
  if (schema.const !== undefined) return schema.const;
  if (schema.enum !== undefined) return pick(random, schema.enum);
  const either = schema.anyOf ?? schema.oneOf;
  if (either !== undefined) return valueOf(pick(random, either), random);
  switch (schema.type) {
    case 'object':
      return objectOf(schema, random);
    case 'array':
      return Array.from({ length: Math.floor(random() * 3) }, () => valueOf(schema.items ?? {}, random));
    case 'integer':
    case 'number':
      return Math.max(schema.minimum ?? 0, Math.floor(random() * 8));
    case 'boolean':
      return random() < 0.5;
    case 'null':
      return null;
    case 'string': {
      const { pattern, minLength = 0, maxLength = Infinity } = schema;
      const form = pattern === undefined ? null : new RegExp(pattern, 'u');
      const fit = WORDS.filter(
        (word) => word.length >= minLength && word.length <= maxLength && (form === null || form.test(word)),
      );
      return fit.length > 0 ? pick(random, fit) : '';
    }
    default:
      return pick(random, [null, 'a', 1]);
  }
}

function objectOf({ properties = {}, required = [] }: Schema, random: Random): Record<string, unknown> {
  const object: Record<string, unknown> = {};
  for (const [key, inner] of Object.entries(properties)) {
    if (required.includes(key) || random() < OPTIONAL_SHARE) object[key] = valueOf(inner, random);
  }
  return object;
}

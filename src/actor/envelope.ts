/** What travels to an actor: CloudEvents 1.0, structured JSON (docs/protocol.md §3). */
import { z } from 'zod';
import { RejectedInput } from '../errors.ts';
import { JSON_BYTES_MAX, parseJson } from '../json.ts';

/** Of an id that is kept: a key of the store. */
export const ID_LENGTH_MAX = 256;

/** An object as it came: a key of it that may not be is for the actor to refuse, not for a parser to drop. */
export const payloadSchema = z.custom<Record<string, unknown>>(isObject, 'must be an object');

export const envelopeSchema = z.strictObject({
  specversion: z.literal('1.0'),
  /** Idempotency key per actor. */
  id: z.string().min(1).max(ID_LENGTH_MAX),
  source: z.string().min(1).max(256),
  type: z.string().min(1).max(128),
  subject: z.string().min(1).max(200),
  time: z.iso.datetime({ offset: true }).optional(),
  datacontenttype: z.literal('application/json').optional(),
  dataschema: z.string().max(500).optional(),
  data: payloadSchema.default({}),
  expectepoch: z.number().int().min(0).optional(),
  expiresat: z.iso.datetime({ offset: true }).optional(),
  causationid: z.string().max(256).optional(),
  correlationid: z.string().max(256).optional(),
  priority: z.enum(['urgent', 'normal']).optional(),
  traceparent: z.string().max(256).optional(),
});
export type Envelope = z.infer<typeof envelopeSchema> & {
  /** How many actors this has passed from one to the next: the kernel's own count, nobody else may give it. */
  hops?: number;
};

export const ENVELOPE_BYTES_MAX = JSON_BYTES_MAX;
/** Mistakes named one by one; a list of ten thousand wrong items is not told ten thousand times. */
const ISSUES_MAX = 20;
const ISSUE_LENGTH_MAX = 300;

/** Parses bytes or a value as an envelope. @throws RejectedInput `ENVELOPE` with one sentence per wrong field. */
export function parseEnvelope(input: unknown): Envelope {
  const parsed = envelopeSchema.safeParse(input);
  if (parsed.success) return parsed.data;
  throw new RejectedInput('ENVELOPE', 'not a valid CloudEvents 1.0 envelope', explainIssues(parsed.error));
}

/** An envelope as it comes from outside. @throws RejectedInput `JSON`, `ENVELOPE` */
export const readEnvelope = (bytes: Uint8Array): Envelope => parseEnvelope(parseJson(bytes));

/** One sentence per mistake: `data.to: must be agent/x, lane/x or role/x`. */
export function explainIssues(error: z.ZodError, prefix = ''): string[] {
  const sentences = error.issues.flatMap((issue) => {
    const path = [...(prefix === '' ? [] : [prefix]), ...issue.path.map(String)];
    if (issue.code === 'unrecognized_keys')
      return issue.keys.map((key) => `${[...path, key].join('.')}: unknown field`);
    const place = path.join('.') || '(the whole)';
    if (issue.code === 'invalid_type' && issue.message.endsWith(' received undefined'))
      return [`${place}: is missing, expected ${issue.expected}`];
    return [`${place}: ${issue.message}`];
  });
  const told = sentences.slice(0, ISSUES_MAX).map(cut);
  const more = sentences.length - told.length;
  return more === 0 ? told : [...told, `and ${more} more`];
}

const cut = (text: string): string =>
  text.length <= ISSUE_LENGTH_MAX ? text : `${text.slice(0, ISSUE_LENGTH_MAX).replace(/\p{Surrogate}/gu, '')}…`;

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

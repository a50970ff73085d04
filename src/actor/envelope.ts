/** What travels to an actor: CloudEvents 1.0, structured JSON (docs/protocol.md §3). */
import { z } from 'zod';
import { RejectedInput } from '../errors.ts';

export const envelopeSchema = z.strictObject({
  specversion: z.literal('1.0'),
  /** Idempotency key per actor. */
  id: z.string().min(1).max(256),
  source: z.string().min(1).max(256),
  type: z.string().min(1).max(128),
  subject: z.string().min(1).max(200),
  time: z.iso.datetime({ offset: true }).optional(),
  datacontenttype: z.literal('application/json').optional(),
  dataschema: z.string().max(500).optional(),
  data: z.record(z.string(), z.unknown()).default({}),
  expectepoch: z.number().int().min(0).optional(),
  expiresat: z.iso.datetime({ offset: true }).optional(),
  causationid: z.string().max(256).optional(),
  correlationid: z.string().max(256).optional(),
  priority: z.enum(['urgent', 'normal']).optional(),
  traceparent: z.string().max(256).optional(),
  /** How many actors this has passed from one to the next; the kernel counts it. */
  hops: z.number().int().min(0).optional(),
});
export type Envelope = z.infer<typeof envelopeSchema>;

/** Size limit of an envelope on the wire, below nats-server's `max_payload` of 8 MiB in nats.conf. */
export const ENVELOPE_BYTES_MAX = 1_048_576;

/** Parses bytes or a value as an envelope. @throws RejectedInput `ENVELOPE` with one sentence per wrong field. */
export function parseEnvelope(input: unknown): Envelope {
  const parsed = envelopeSchema.safeParse(input);
  if (parsed.success) return parsed.data;
  throw new RejectedInput('ENVELOPE', 'not a valid CloudEvents 1.0 envelope', explainIssues(parsed.error));
}

/** One sentence per mistake: `data.to: must be agent/x, lane/x or role/x`. */
export function explainIssues(error: z.ZodError, prefix = ''): string[] {
  return error.issues.map((issue) => {
    const place = [...(prefix === '' ? [] : [prefix]), ...issue.path.map(String)].join('.') || '(the whole)';
    return `${place}: ${issue.message}`;
  });
}

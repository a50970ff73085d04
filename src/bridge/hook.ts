/**
 * A hook: one verified webhook delivery, as it lies in the stream and in the spool (docs/protocol.md §2). The vendor's
 * body is carried as the very text that was signed; only the normalisers look inside.
 */
import { z } from 'zod';
import { RejectedInput } from '../errors.ts';

export const SOURCES = ['github', 'linear'] as const;
export type Source = (typeof SOURCES)[number];

const hookHead = z.object({
  source: z.enum(SOURCES),
  /** As the sender spells it: `pull_request`, `AgentSessionEvent`. */
  event: z.string().min(1),
  /** null: this event has no actions. */
  action: z.string().nullable(),
  /** The sender's delivery id; one sent again by hand has `#n` behind it. */
  delivery: z.string().min(1),
  receivedAt: z.iso.datetime(),
  /** What may help a person later; never the signature. */
  headers: z.record(z.string(), z.string()),
});
export type HookHead = z.infer<typeof hookHead>;

/** A hook before it is a letter: its head, and the body's JSON, as its bytes came. */
export interface Delivery {
  head: HookHead;
  body: Uint8Array;
}

const hook = hookHead.extend({ body: z.unknown().optional(), bodyRef: z.string().optional() });
export type Hook = z.infer<typeof hook>;

/** Behind `<ns>.hook.`: `github.pull_request.closed`, lower case; no action is `-`. */
export const subjectOf = ({ source, event, action }: Pick<HookHead, 'source' | 'event' | 'action'>): string =>
  [source, token(event), action === null ? '-' : token(action)].join('.');

/** What the stream knows a hook by, and what ids of envelopes derive from. */
export const hookId = ({ source, delivery }: Pick<HookHead, 'source' | 'delivery'>): string => `${source}:${delivery}`;

/** A subject with more characters than this in one part is somebody's joke, not an event. */
const TOKEN_MAX = 64;

/** Event names come from outside: whatever could mean something in a subject becomes `_`. */
function token(name: string): string {
  const text = name
    .toLowerCase()
    .replace(/[^a-z0-9_-]+/g, '_')
    .slice(0, TOKEN_MAX);
  return text === '' ? '-' : text;
}

/**
 * The letter of a delivery. The body is put in as it came: writing a parsed one again would change the bytes that were
 * signed, and a deeply nested one would break the writer.
 */
export const letterOf = ({ head, body }: Delivery): Buffer =>
  Buffer.concat([Buffer.from(`${JSON.stringify(head).slice(0, -1)},"body":`), body, END]);
const END = Buffer.from('}');

export const letterByRef = (head: HookHead, bodyRef: string): Buffer =>
  Buffer.from(JSON.stringify({ ...head, bodyRef }));

const DECODER = new TextDecoder();

/** @throws RejectedInput `HOOK`: it is not a letter that this bridge wrote. */
export function parseHook(letter: Uint8Array): Hook {
  const parsed = hook.safeParse(jsonOf(DECODER.decode(letter)));
  if (!parsed.success) throw new RejectedInput('HOOK', `not a hook: ${z.prettifyError(parsed.error)}`);
  return parsed.data;
}

/** The spool's form of a delivery: the head as one line, then the body. */
export const spooled = ({ head, body }: Delivery): Buffer =>
  Buffer.concat([Buffer.from(`${JSON.stringify(head)}\n`), body]);

/** @throws RejectedInput `HOOK` */
export function parseSpooled(bytes: Buffer): Delivery {
  const end = bytes.indexOf(0x0a);
  const parsed = hookHead.safeParse(jsonOf(bytes.toString('utf8', 0, Math.max(end, 0))));
  if (end < 0 || !parsed.success) throw new RejectedInput('HOOK', 'not a spooled hook');
  return { head: parsed.data, body: bytes.subarray(end + 1) };
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

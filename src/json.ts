/**
 * JSON as it comes from outside, read once at the border and alike at every door: its size, its encoding, its form,
 * and that it can be walked and stored as it is.
 */
import { RejectedInput } from './errors.ts';

/** Size limit of what is sent to us at once, an envelope or a question; below nats-server's `max_payload` of 8 MiB in nats.conf. */
export const JSON_BYTES_MAX = 1_048_576;
/** Nothing we know of nests deeper; what does would overflow the stack of whoever walks it. */
const DEPTH_MAX = 64;
/** Half of a character, which only an escape can make: two of them would be one key in the store. */
const LONE_SURROGATE = /\p{Surrogate}/u;

/**
 * A byte order mark is passed over, line ends are white space, and of a key given twice the last one counts.
 * @throws RejectedInput `JSON`: what is wrong, in one sentence
 */
export function parseJson(bytes: Uint8Array): unknown {
  if (bytes.length > JSON_BYTES_MAX) {
    throw new RejectedInput('JSON', `it has ${bytes.length} bytes, at most ${JSON_BYTES_MAX} are taken`);
  }
  const value = valueOf(textOf(bytes));
  const fault = faultOf(value, DEPTH_MAX);
  if (fault !== null) throw new RejectedInput('JSON', `${placeOf(fault.path)}: ${fault.what}`);
  return value;
}

const decoder = new TextDecoder('utf-8', { fatal: true });

function textOf(bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes);
  } catch {
    throw new RejectedInput('JSON', 'not JSON: the bytes are not UTF-8');
  }
}

function valueOf(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    throw new RejectedInput('JSON', `not JSON: ${(error as Error).message}`);
  }
}

function faultOf(value: unknown, levels: number): { what: string; path: string[] } | null {
  if (typeof value === 'string') return LONE_SURROGATE.test(value) ? halfCharacter() : null;
  if (typeof value !== 'object' || value === null) return null;
  if (levels === 0) return { what: `nested deeper than ${DEPTH_MAX} levels`, path: [] };
  for (const key of Object.keys(value)) {
    if (LONE_SURROGATE.test(key)) return halfCharacter();
    const fault = faultOf((value as Record<string, unknown>)[key], levels - 1);
    if (fault === null) continue;
    fault.path.unshift(key);
    return fault;
  }
  return null;
}

const halfCharacter = () => ({ what: 'holds half of a character (a lone \\ud800…\\udfff)', path: [] });

/** Its beginning is enough to find it. */
const placeOf = (path: string[]): string => path.slice(0, 4).join('.').slice(0, 200) || '(the whole)';

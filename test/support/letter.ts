/** Envelopes for tests: `letter('lamp/desk', 'press', { by: 'ann' })`. */
import type { Envelope } from '../../src/actor/envelope.ts';

let count = 0;

export function letter(
  subject: string,
  type: string,
  data: Record<string, unknown> = {},
  more: Partial<Envelope> = {},
): Envelope {
  count += 1;
  return { specversion: '1.0', id: `letter-${count}`, source: 'test/person', type, subject, data, ...more };
}

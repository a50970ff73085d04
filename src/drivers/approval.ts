/** What an agent may do without asking, and how a person's answer to its asking is read. */
import type { Decision } from './driver.ts';

/** `everything`: it never asks; `edits`: it writes files, and asks before commands; `nothing`: it asks before both. */
export const ALLOWANCES = ['everything', 'edits', 'nothing'] as const;
export type Allowance = (typeof ALLOWANCES)[number];

/** `always`: for the rest of this conversation. */
export const CHOICES = ['yes', 'always', 'no'];

const YES = /^\s*(?:y|yes|ok|okay|approve|approved|accept|allow|go ahead)\b/i;

export interface Ruling {
  grant: 'once' | 'always' | 'no';
  /** What the person said besides. */
  words?: string;
}

/** A choice as it is; of free words only a clear yes is one. */
export function rulingOf({ choice, text }: Decision): Ruling {
  const said = choice ?? text ?? '';
  if (said === 'always') return { grant: 'always' };
  if (said === 'no') return text === undefined || text === said ? { grant: 'no' } : { grant: 'no', words: text };
  if (YES.test(said)) return { grant: 'once' };
  return said === '' ? { grant: 'no' } : { grant: 'no', words: said };
}

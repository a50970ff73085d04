/** Envelopes that people send from the page. */
import type { Letter } from './ask.ts';

export interface Words {
  subject: string;
  type: string;
  data: Record<string, unknown>;
  /** Of the session as it was seen: what has moved on meanwhile is not corrected by mistake. */
  expectepoch?: number | undefined;
  causationid?: string | undefined;
}

const ID_BYTES = 16;

/** A new envelope with an id of its own. */
export function letterOf({ subject, type, data, expectepoch, causationid }: Words): Letter {
  // randomUUID is only there on secure origins; a page on another machine may be none.
  const bytes = crypto.getRandomValues(new Uint8Array(ID_BYTES));
  const id = [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
  return {
    specversion: '1.0',
    id: `page-${id}`,
    source: 'page/operator',
    type,
    subject,
    data,
    ...(expectepoch === undefined ? {} : { expectepoch }),
    ...(causationid === undefined ? {} : { causationid }),
  };
}

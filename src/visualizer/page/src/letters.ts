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
/** Enough to tell the few pages apart that look at one chat. */
const CONSUMER_BYTES = 3;

/** A name for this page among those who look at a chat. */
export const nameOfConsumer = (): string => `page-${random(CONSUMER_BYTES)}`;

/** randomUUID is only there on secure origins; a page on another machine may be none. */
function random(bytes: number): string {
  return [...crypto.getRandomValues(new Uint8Array(bytes))].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** A new envelope with an id of its own. */
export function letterOf({ subject, type, data, expectepoch, causationid }: Words): Letter {
  return {
    specversion: '1.0',
    id: `page-${random(ID_BYTES)}`,
    source: 'page/operator',
    type,
    subject,
    data,
    ...(expectepoch === undefined ? {} : { expectepoch }),
    ...(causationid === undefined ? {} : { causationid }),
  };
}

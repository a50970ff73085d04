/** What became of an envelope (docs/protocol.md §4). Nothing sent is ever without one. */
import type { RefusalCode, StateValue, WaitingOn } from '../../machines/contract.ts';

export type Outcome = 'taken' | 'recorded' | 'refused' | 'superseded' | 'unknown';

export interface Standing {
  value: StateValue;
  phase: string;
}

export interface Receipt {
  /** The envelope's id. */
  id: string;
  actor: string;
  outcome: Outcome;
  /** Number of the journal entry; null where there is none. */
  seq: number | null;
  epoch: number | null;
  before: Standing | null;
  after: Standing | null;
  /** Acts by name, tells as `tell:<type>`. */
  effects: string[];
  waitingOn: WaitingOn[];
  code: RefusalCode | null;
  reason: string | null;
  /** With code `claim`: who holds it. */
  holder?: string;
  duplicate: boolean;
  at: string;
}

/** More entries than this are left out of a receipt; `show` has them all. */
export const RECEIPT_WAITS_MAX = 20;

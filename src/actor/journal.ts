/**
 * A journal entry: one committed step. It holds the envelope as received, what the step wished, and what changed, so
 * that recovery applies entries without running any code.
 */
import type { Known, WaitingOn } from '../../machines/contract.ts';
import type { Envelope } from './envelope.ts';
import type { Receipt, Standing } from './receipt.ts';
import { RECEIPT_WAITS_MAX } from './receipt.ts';
import type { Change } from './state.ts';

/** What is kept of an effect: an act's parameters are needed to do it; a tell's data are in the recipient's journal. */
export type StoredEffect =
  | { act: string; params: Record<string, unknown> }
  | { tell: string; to: string }
  | { cancel: string };

export interface JournalEntry {
  envelope: Envelope;
  at: string;
  /** The machine's version. */
  version: string;
  outcome: 'taken' | 'recorded';
  change: Change;
  effects: StoredEffect[];
  /** Event types handled, raised ones included; left out when it is the envelope's alone. */
  events?: string[];
  known?: Known;
  /** Answers only: the parameters of the act, so that a re-run sees the same event. */
  wish?: Record<string, unknown>;
  /** A timer's due time. */
  due?: string;
  /** The rest of the receipt; `after` only where it differs from `before`. */
  stood: {
    before: Standing | null;
    after?: Standing;
    epoch: number | null;
    owner: string | null;
    waitingOn: WaitingOn[];
  };
}

export const encodeEntry = (entry: JournalEntry): string => JSON.stringify(entry);
export const decodeEntry = (text: string): JournalEntry => JSON.parse(text) as JournalEntry;

/** Names of effects as receipts and facts show them. */
export function effectNames(effects: StoredEffect[]): string[] {
  const names: string[] = [];
  for (const effect of effects) {
    if ('act' in effect) names.push(effect.act);
    else if ('tell' in effect) names.push(`tell:${effect.tell}`);
  }
  return names;
}

/** The receipt of an entry, the same each time it is asked for. */
export function receiptOf(actor: string, seq: number, entry: JournalEntry, duplicate = false): Receipt {
  return {
    id: entry.envelope.id,
    actor,
    outcome: entry.outcome,
    seq,
    epoch: entry.stood.epoch,
    before: entry.stood.before,
    after: entry.stood.after ?? entry.stood.before,
    effects: effectNames(entry.effects),
    waitingOn: entry.stood.waitingOn.slice(0, RECEIPT_WAITS_MAX),
    code: null,
    reason: null,
    duplicate,
    at: entry.at,
  };
}

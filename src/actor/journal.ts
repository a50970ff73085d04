/**
 * A journal entry: one committed step. It holds the envelope as received, what the step wished, and what changed, so
 * that recovery applies entries without running any code.
 */
import type { Known, Supervision, WaitingOn } from '../../machines/contract.ts';
import { Bug, assert } from '../errors.ts';
import { KEYS } from '../store/keys.ts';
import type { Envelope } from './envelope.ts';
import type { Receipt, Standing } from './receipt.ts';
import type { Change } from './change.ts';

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
  /** The rest of the receipt. What did not change is said by the number of the entry that has it. */
  stood: {
    phase: string;
    /** The phase before, where it was another; null = there was no actor. */
    was?: string | null;
    /** The entry whose `change.value` this step began from; null = there was no actor. */
    from: number | null;
    epoch: number | null;
    owner: string | null;
    /** At most as many as a receipt shows; a number: as in that entry. */
    waitingOn: WaitingOn[] | number;
    /** Where it changed. */
    supervision?: Supervision;
  };
}

/** An earlier entry of the same actor, by its number. */
export type EntryAt = (seq: number) => JournalEntry;

/** `envelopeText`: the envelope's JSON, which whoever accepted it has made already. */
export function encodeEntry({ envelope, ...rest }: JournalEntry, envelopeText = JSON.stringify(envelope)): string {
  return `{"envelope":${envelopeText},${JSON.stringify(rest).slice(1)}`;
}
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
export function receiptOf(
  actor: string,
  seq: number,
  entry: JournalEntry,
  entryAt: EntryAt,
  duplicate = false,
): Receipt {
  const { phase, was, from, epoch, waitingOn } = entry.stood;
  const before: Standing | null = from === null ? null : { value: entryAt(from).change.value!, phase: was ?? phase };
  return {
    id: entry.envelope.id,
    actor,
    outcome: entry.outcome,
    seq,
    epoch,
    before,
    after: { value: entry.change.value ?? before!.value, phase },
    effects: effectNames(entry.effects),
    waitingOn: typeof waitingOn === 'number' ? waitsOf(entryAt(waitingOn)) : waitingOn,
    code: null,
    reason: null,
    duplicate,
    at: entry.at,
  };
}

function waitsOf({ stood }: JournalEntry): WaitingOn[] {
  assert(typeof stood.waitingOn !== 'number', 'an entry that others point to has what they point to');
  return stood.waitingOn;
}

/** Entries of one actor as the store has them. @throws Bug for one that is not there */
export function entriesOf(read: (key: string) => string | undefined, actor: string): EntryAt {
  return (seq) => {
    const text = read(KEYS.journal(actor, seq));
    if (text === undefined) throw new Bug(`the journal of ${actor} has no entry ${seq}`);
    return decodeEntry(text);
  };
}

/** The row of an id that came from outside: the receipt it was given, or the step that took it. */
import { KEYS } from '../store/keys.ts';
import { StoreError } from '../store/store.ts';
import { entriesOf, receiptOf } from './journal.ts';
import type { Receipt } from './receipt.ts';

/**
 * The receipt that an id was given at first; null: it did not come before.
 * @throws StoreError; Error with what to do where that cannot be read: taken twice or never, neither may be guessed
 */
export function receiptOfSeen(read: (key: string) => string | undefined, actor: string, id: string): Receipt | null {
  const row = read(KEYS.seen(actor, id));
  if (row === undefined) return null;
  try {
    const { seq, receipt } = seenRow(row);
    if (receipt !== undefined) return receipt;
    if (seq === undefined) throw new Error('has no receipt');
    const entryAt = entriesOf(read, actor);
    const first = entryAt(seq);
    if (first.envelope.id !== id) throw new Error(`names entry ${seq}, which is of ${first.envelope.id}`);
    return receiptOf(actor, seq, first, entryAt);
  } catch (error) {
    if (error instanceof StoreError) throw error;
    const { message } = error as Error;
    throw new Error(
      `whether ${actor} has taken ${id} already cannot be read, since the row of that id ${message}; look for it in: chartroom history ${actor}; unpark --skip sets it aside`,
      { cause: error },
    );
  }
}

/** @throws Error when it is none */
function seenRow(text: string): { seq?: number; receipt?: Receipt } {
  let row: unknown;
  try {
    row = JSON.parse(text);
  } catch {
    throw new Error('is not JSON');
  }
  if (typeof row !== 'object' || row === null) throw new Error('is no object');
  const { seq, receipt } = row as { seq?: unknown; receipt?: unknown };
  return {
    ...(typeof seq === 'number' ? { seq } : {}),
    ...(typeof receipt === 'object' && receipt !== null ? { receipt: receipt as Receipt } : {}),
  };
}

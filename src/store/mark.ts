/**
 * Which batch was written last, said outside LevelDB. A log that was cut off between two of its records opens as if
 * nothing were missing; with this beside it, it does not.
 *
 * The mark follows each synced write and is not synced itself: at worst it names an earlier batch than the store has.
 */
import { existsSync, openSync, readFileSync, closeSync, writeSync } from 'node:fs';
import path from 'node:path';
import { writeSynced } from './durable.ts';
import { KEYS } from './keys.ts';
import { StoreError } from './store.ts';
import type { Store } from './store.ts';

const MARK_FILE = 'chartroom-written.json';
/** One sector of a disk: it is replaced whole. More than any mark has. */
const MARK_BYTES = 512;
const LAST = KEYS.meta('last');

/** The row `last` of a store, as each batch replaces it. */
interface Last {
  number: number;
  hash: string;
}

/**
 * `reading`: the mark is looked at and not made.
 * @throws StoreError `STORE_DAMAGED` when the store ends before its mark, or has another batch there
 */
export async function withMark(rows: Store, directory: string, reading = false): Promise<Store> {
  const file = path.join(directory, MARK_FILE);
  const text = rows.get(LAST);
  const last = text === undefined ? null : parsed(text);
  if (text !== undefined && last === null) {
    throw new StoreError(
      'STORE_DAMAGED',
      `the store in ${directory} is damaged: what names its last batch is unreadable`,
    );
  }
  const marked = existsSync(file) ? parsed(readFileSync(file, 'utf8')) : null;
  if (marked !== null) compare(rows, { file, directory, marked, last: last?.number ?? 0 });
  if (reading) return rows;
  if (marked === null) await writeSynced(file, bytesOf(text ?? ''));
  const mark = openSync(file, 'r+');

  return {
    ...rows,
    async write(operations) {
      await rows.write(operations);
      // A batch ends with it; what else is written is no batch.
      const operation = operations.at(-1);
      if (operation === undefined || !('put' in operation) || operation.put !== LAST) return;
      try {
        writeSync(mark, bytesOf(operation.value), 0, MARK_BYTES, 0);
      } catch (error) {
        throw new StoreError('STORE_FAILED', `${file} could not be written: ${(error as Error).message}`, {
          cause: error,
        });
      }
    },
    async close() {
      closeSync(mark);
      await rows.close();
    },
  };
}

interface Comparison {
  file: string;
  directory: string;
  marked: Last;
  last: number;
}

function compare(rows: Store, { file, directory, marked, last }: Comparison): void {
  const number = marked.number;
  const record = rows.get(KEYS.batch(number));
  // What is compacted was proven before it was moved.
  if (last >= number && (record === undefined || parsed(record)?.hash === marked.hash)) return;
  const what =
    last < number ? `it ends with batch ${last}, and batch ${number} was written` : `its batch ${number} is another`;
  throw new StoreError(
    'STORE_DAMAGED',
    `the store in ${directory} is damaged: ${what}; without a backup, remove ${file} to go on with what is left`,
  );
}

const bytesOf = (text: string): Buffer => Buffer.from(`${text.padEnd(MARK_BYTES - 1)}\n`);

/** Null: it says nothing. */
function parsed(text: string): Last | null {
  try {
    const { number, hash } = JSON.parse(text) as Last;
    return typeof number === 'number' && typeof hash === 'string' ? { number, hash } : null;
  } catch {
    return null;
  }
}

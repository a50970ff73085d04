/** Finds the batch that wrote something, by time: batches have no index but their number. */
import { KEYS } from '../store/keys.ts';
import type { BatchRecord } from './batch.ts';

/** Records looked at before a batch stays unnamed: about a second, in which nobody else has a turn. */
const LOOKED_AT_MAX = 20_000;

type Read = (key: string) => string | undefined;

/** Number of the last batch up to `last` whose time is wanted; wanted times come first. 0 = there is none. */
export function lastBatch(read: Read, last: number, wanted: (at: string) => boolean): number {
  let low = 0;
  let high = last;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    const record = recordOf(read, middle);
    if (record !== null && wanted(record.at)) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** The batch that wrote a step which is not older than `after`; null where it is not found. */
export function batchOf(read: Read, actor: string, seq: number, after: string): number | null {
  const row = read(KEYS.meta('last'));
  const last = row === undefined ? 0 : (JSON.parse(row) as { number: number }).number;
  const from = lastBatch(read, last, (at) => at < after) + 1;
  for (let number = from; number <= Math.min(last, from + LOOKED_AT_MAX); number++) {
    if (recordOf(read, number)?.steps.some(([name, step]) => name === actor && step === seq) === true) return number;
  }
  return null;
}

function recordOf(read: Read, number: number): BatchRecord | null {
  try {
    const text = read(KEYS.batch(number));
    return text === undefined ? null : (JSON.parse(text) as BatchRecord);
  } catch {
    return null;
  }
}

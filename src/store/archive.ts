/**
 * A store whose old journal entries and batch records lie in archives: compressed JSON lines beside it. Whoever reads
 * a journal or the chain of batches finds them where they were; nobody else need know.
 *
 * A *series* is a row of entries numbered without a gap: the batches, or the journal of one actor. An archive holds
 * *blocks*, each a gzip member with some entries of one series, so that one entry is read without the rest and `zcat`
 * reads the whole.
 */
import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import { gunzipSync, gzip } from 'node:zlib';
import type { ArchiveFiles } from './archive-files.ts';
import { BATCH_SERIES, KEYS, SPACES, journalSeries, placeOf } from './keys.ts';
import { StoreError } from './store.ts';
import type { Range, Store } from './store.ts';

/** Text of one block: one entry costs the unpacking of this much. */
const BLOCK_CHARS_MAX = 128 * 1_024;
/** Unpacked blocks kept in memory, in characters: who reads a journal reads the next entry too. */
const UNPACKED_CHARS_MAX = 8 * 1_024 * 1_024;

/** Where entries `from` … `to` of a series lie. */
export interface Segment {
  from: number;
  to: number;
  file: string;
  offset: number;
  bytes: number;
}

/** The row of an archive: what its file must be. */
export interface ArchiveRow {
  bytes: number;
  sha256: string;
  entries: number;
}

/** Entries of one series that follow each other. */
export interface ArchivedRun {
  series: string;
  from: number;
  values: string[];
}

export interface ArchivedStore extends Store {
  /** The rows alone, without what is archived. */
  rows: Store;
  archives: ArchiveFiles;
}

export function withArchives(rows: Store, archives: ArchiveFiles): ArchivedStore {
  const unpack = unpacking(archives);

  function archived(key: string): string | undefined {
    const place = placeOf(key);
    if (place === null) return undefined;
    const { series, number } = place;
    const segment = segmentsOf(rows.get(KEYS.archived(series))).find(({ from, to }) => from <= number && number <= to);
    return segment === undefined ? undefined : unpack(series, segment)[number - segment.from];
  }

  /** Both in one order; a row wins over an archived entry of the same key. */
  async function* merged(view: ReturnType<Store['snapshot']>, range: Range): AsyncGenerator<[string, string]> {
    const old = archivedEntries(view, range)[Symbol.asyncIterator]();
    const isBefore = (a: string, b: string): boolean => (range.reverse === true ? a > b : a < b);
    const { limit = Infinity } = range;
    let count = 0;
    try {
      let next = await old.next();
      for await (const entry of view.entries(range)) {
        for (; next.done !== true && isBefore(next.value[0], entry[0]); next = await old.next()) {
          if (count++ >= limit) return;
          yield next.value;
        }
        if (next.done !== true && next.value[0] === entry[0]) next = await old.next();
        if (count++ >= limit) return;
        yield entry;
      }
      for (; next.done !== true && count++ < limit; next = await old.next()) yield next.value;
    } finally {
      await view.close();
    }
  }

  async function* archivedEntries(view: ReturnType<Store['snapshot']>, range: Range): AsyncGenerator<[string, string]> {
    const inOrder = <T>(all: T[]): T[] => (range.reverse === true ? all.toReversed() : all);
    const reverse = range.reverse === true ? { reverse: true } : {};
    for await (const [key, text] of view.entries({ ...archivedRange(range), ...reverse })) {
      const series = key.slice(KEYS.archived('').length - 1, -1);
      for (const segment of inOrder(segmentsOf(text))) {
        const [first, last] = [KEYS.entry(series, segment.from), KEYS.entry(series, segment.to)];
        if (!reaches(range, first, last)) continue;
        const entries = unpack(series, segment).map((value, index): [string, string] => [
          KEYS.entry(series, segment.from + index),
          value,
        ]);
        for (const entry of inOrder(entries)) if (reaches(range, entry[0], entry[0])) yield entry;
      }
    }
  }

  const scanned = (view: () => ReturnType<Store['snapshot']>, range: Range): AsyncIterable<[string, string]> => ({
    [Symbol.asyncIterator]: () => merged(view(), range),
  });

  return {
    rows,
    archives,
    get: (key) => rows.get(key) ?? archived(key),
    scan: (range) => (touchesSeries(range) ? scanned(() => rows.snapshot(), range) : rows.scan(range)),
    write: (operations) => rows.write(operations),
    snapshot() {
      const view = rows.snapshot();
      const lent = { ...view, close: () => Promise.resolve() };
      return {
        entries: (range) => (touchesSeries(range) ? scanned(() => lent, range) : view.entries(range)),
        close: () => view.close(),
      };
    },
    size: () => rows.size(),
    close: () => rows.close(),
  };
}

export const segmentsOf = (text: string | undefined): Segment[] =>
  text === undefined ? [] : (JSON.parse(text) as Segment[]);

/** Off the loop that steps actors. */
const zip = promisify(gzip) as (text: string) => Promise<Buffer>;

/** Packs runs of entries into one archive. */
export async function packArchive(
  file: string,
  runs: ArchivedRun[],
): Promise<{ bytes: Buffer; segments: Map<string, Segment[]> }> {
  const members: Buffer[] = [];
  const segments = new Map<string, Segment[]>();
  let offset = 0;
  for (const { series, from, values } of runs) {
    for (const [start, end] of blocksOf(values)) {
      const lines = values.slice(start, end).map((value, index) => `${head(series, from + start + index)}${value}}\n`);
      const member = await zip(lines.join(''));
      const own = segments.get(series) ?? [];
      own.push({ from: from + start, to: from + end - 1, file, offset, bytes: member.length });
      segments.set(series, own);
      members.push(member);
      offset += member.length;
    }
  }
  return { bytes: Buffer.concat(members), segments };
}

function* blocksOf(values: string[]): Generator<[start: number, end: number]> {
  let start = 0;
  let chars = 0;
  for (let index = 0; index < values.length; index++) {
    chars += values[index]!.length;
    if (chars < BLOCK_CHARS_MAX && index < values.length - 1) continue;
    yield [start, index + 1];
    start = index + 1;
    chars = 0;
  }
}

const JOURNAL = journalSeries('');

/** What a line begins with; the rest is the entry's own text, byte for byte, and `}`. */
const head = (series: string, number: number): string =>
  series === BATCH_SERIES
    ? `{"batch":${number},"record":`
    : `{"actor":${JSON.stringify(series.slice(JOURNAL.length))},"seq":${number},"entry":`;

/** Entries of a segment, in order. @throws StoreError `STORE_DAMAGED` */
export function unpackSegment(archives: ArchiveFiles, series: string, segment: Segment): string[] {
  const { file, from, to, offset, bytes } = segment;
  const what =
    series === BATCH_SERIES ? `batches ${from}–${to}` : `steps ${from}–${to} of ${series.slice(JOURNAL.length)}`;
  let text: string;
  try {
    text = gunzipSync(archives.read(file, offset, bytes)).toString('utf8');
  } catch (error) {
    const reason = (error as Error).message;
    throw new StoreError('STORE_DAMAGED', `${what} cannot be read from archive ${file}: ${reason}`, { cause: error });
  }
  const lines = text.split('\n').slice(0, -1);
  const values = lines.flatMap((line, index) => {
    const start = head(series, from + index);
    return line.startsWith(start) ? [line.slice(start.length, -1)] : [];
  });
  if (values.length === to - from + 1 && lines.length === values.length) return values;
  throw new StoreError('STORE_DAMAGED', `archive ${file} holds something else than ${what}`);
}

/** Keeps the blocks read last. */
function unpacking(archives: ArchiveFiles): (series: string, segment: Segment) => string[] {
  const kept = new Map<string, { values: string[]; chars: number }>();
  let charsKept = 0;
  return (series, segment) => {
    const place = `${segment.file}@${segment.offset}`;
    const known = kept.get(place);
    if (known !== undefined) {
      kept.delete(place);
      kept.set(place, known);
      return known.values;
    }
    const values = unpackSegment(archives, series, segment);
    const chars = values.reduce((sum, { length }) => sum + length, 0);
    kept.set(place, { values, chars });
    charsKept += chars;
    for (const [oldest, block] of kept) {
      if (charsKept <= UNPACKED_CHARS_MAX || oldest === place) break;
      kept.delete(oldest);
      charsKept -= block.chars;
    }
    return values;
  };
}

/** Every archive that is not what its row says, in a sentence. */
export async function damagedArchives({ rows, archives }: ArchivedStore): Promise<string[]> {
  const differences: string[] = [];
  for await (const [key, text] of rows.scan(SPACES.archive)) {
    const name = key.slice(KEYS.archive('').length);
    const row = JSON.parse(text) as ArchiveRow;
    const size = archives.size(name);
    if (size === undefined) differences.push(`archive ${name} is missing: it held ${row.entries} entries`);
    else if (size !== row.bytes) differences.push(`archive ${name} has ${size} bytes, ${row.bytes} were written`);
    else if (sha256(archives.read(name, 0, size)) !== row.sha256) {
      differences.push(`archive ${name} does not have the hash it was written with`);
    }
  }
  return differences;
}

export const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

const SERIES = [SPACES.batch, SPACES.journal];

const touchesSeries = (range: Range): boolean =>
  SERIES.some(({ gte, lt }) => {
    const low = range.gte ?? range.gt ?? '';
    const high = range.lte ?? range.lt;
    return low < lt && (high === undefined || high >= gte);
  });

/** Whether something from `first` to `last` is in the range. */
function reaches({ gt, gte, lt, lte }: Range, first: string, last: string): boolean {
  if (gte !== undefined && last < gte) return false;
  if (gt !== undefined && last <= gt) return false;
  if (lt !== undefined && first >= lt) return false;
  return lte === undefined || first <= lte;
}

/** The rows that say where archived entries of a range lie. */
function archivedRange({ gt, gte, lt, lte }: Range): Range {
  const low = gte ?? gt;
  const high = lt ?? lte;
  const { gte: first, lt: end } = SPACES.archived;
  const mapped = (key: string): string => `${first}${key.slice(2)}`;
  const isWithin = (key: string): boolean => SERIES.some((space) => key >= space.gte && key <= space.lt);
  return {
    // A series is named by what stands before its last number.
    gte: low !== undefined && isWithin(low) ? mapped(low.replace(/[^!]*$/, '')) : first,
    ...(high !== undefined && isWithin(high) ? { lte: mapped(high) } : { lt: end }),
  };
}

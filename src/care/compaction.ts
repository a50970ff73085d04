/**
 * Compaction: old journal entries and batch records go from the store into archives, where `history`, `at` and
 * `replay` still find them. An archive is written, synced and read again before one write removes the rows and says
 * where they are: a crash before leaves a file nobody names, which the next compaction removes; a crash after, nothing
 * to do. It works beside a running node, some megabytes at a time.
 */
import { lastBatch } from '../actor/batch-search.ts';
import { snapshotAt } from '../actor/folded.ts';
import { seqAt } from '../actor/past.ts';
import { packArchive, segmentsOf, sha256, unpackSegment } from '../store/archive.ts';
import type { ArchivedRun, ArchivedStore, ArchiveRow, Segment } from '../store/archive.ts';
import { BATCH_SERIES, KEYS, SPACES, journalSeries, keyParts } from '../store/keys.ts';
import { StoreError } from '../store/store.ts';
import type { CompactionPolicy } from './policy.ts';

/** What one archive holds at most: it is made in memory, and its rows leave in one write. */
const ARCHIVE_CHARS_MAX = 4 * 1_048_576;
const ARCHIVE_ENTRIES_MAX = 2_000;
/** Entries looked at before others have their turn: a node steps on the same loop. */
const TOGETHER_MAX = 128;

export interface CompactionOptions {
  store: ArchivedStore;
  policy: CompactionPolicy;
  /** Only count. */
  dryRun: boolean;
  /** Commits rows in one write; durable when it resolves. */
  write(rows: { key: string; value: string | null }[]): Promise<void>;
}

export interface Compacted {
  /** Files written. */
  archives: string[];
  entries: number;
  batches: number;
  actors: number;
  /** Text of what was archived, and bytes of the archives. */
  chars: number;
  bytes: number;
  /** Journals that cannot be archived, with what is wrong; they stay as they are. */
  left: { actor: string; why: string }[];
}

/** @throws StoreError when an archive is not what was written */
export async function compact(options: CompactionOptions): Promise<Compacted> {
  const { store, policy, dryRun } = options;
  const done: Compacted = { archives: [], entries: 0, batches: 0, actors: 0, chars: 0, bytes: 0, left: [] };
  if (!dryRun) await removeUnnamed(store);
  let open = newArchive();
  const close = async (): Promise<void> => {
    if (open.entries === 0) return;
    if (!dryRun) await keepArchive(options, open, done);
    open = newArchive();
  };
  const add = async (series: string, from: number, to: number): Promise<void> => {
    let run: ArchivedRun | null = null;
    for (let number = from; number <= to; number++) {
      const value = store.rows.get(KEYS.entry(series, number));
      if (value === undefined) throw new StoreError('STORE_DAMAGED', `entry ${number} of ${series} is missing`);
      if (number % TOGETHER_MAX === 0) await othersTurn();
      if (run === null) open.runs.push((run = { series, from: number, values: [] }));
      run.values.push(value);
      open.entries += 1;
      open.chars += value.length;
      done.chars += value.length;
      if (open.entries < ARCHIVE_ENTRIES_MAX && open.chars < ARCHIVE_CHARS_MAX) continue;
      await close();
      run = null;
    }
  };

  for await (const actor of actorsOf(store)) {
    const to = await lastOld(store, journalSeries(actor), policy, (time, last) =>
      seqAt((key) => store.get(key), actor, time, last),
    );
    const from = await firstRow(store, journalSeries(actor));
    if (from === null || to < from) continue;
    const why = await whyNot(store, actor, from, to);
    if (why !== null) {
      done.left.push({ actor, why });
      continue;
    }
    done.actors += 1;
    done.entries += to - from + 1;
    await add(journalSeries(actor), from, to);
  }
  const to = await lastOld(store, BATCH_SERIES, policy, (time, last) =>
    lastBatch(
      (key) => store.get(key),
      last,
      (at) => at <= time,
    ),
  );
  const from = await firstRow(store, BATCH_SERIES);
  if (from !== null && to >= from) {
    const hole = await holeIn(store, BATCH_SERIES, from, to);
    if (hole === null) {
      done.batches = to - from + 1;
      await add(BATCH_SERIES, from, to);
    } else done.left.push({ actor: 'the chain of batches', why: `batch ${hole} is missing` });
  }
  await close();
  return done;
}

interface OpenArchive {
  runs: ArchivedRun[];
  entries: number;
  chars: number;
}

const newArchive = (): OpenArchive => ({ runs: [], entries: 0, chars: 0 });

/** Files that no row names: a crash came between them and their rows. */
async function removeUnnamed({ rows, archives }: ArchivedStore): Promise<void> {
  for (const name of await archives.list()) {
    if (rows.get(KEYS.archive(name)) === undefined) archives.remove(name);
  }
}

async function keepArchive({ store, write }: CompactionOptions, open: OpenArchive, done: Compacted): Promise<void> {
  const { rows, archives } = store;
  const name = await nextName(store);
  const { bytes, segments } = await packArchive(name, open.runs);
  await archives.write(name, bytes);
  await check(store, name, open.runs, segments);
  const row: ArchiveRow = { bytes: bytes.length, sha256: sha256(bytes), entries: open.entries };
  const changed: { key: string; value: string | null }[] = [{ key: KEYS.archive(name), value: JSON.stringify(row) }];
  for (const [series, added] of segments) {
    const all = [...segmentsOf(rows.get(KEYS.archived(series))), ...added];
    changed.push({ key: KEYS.archived(series), value: JSON.stringify(all) });
  }
  for (const { series, from, values } of open.runs) {
    values.forEach((_, index) => changed.push({ key: KEYS.entry(series, from + index), value: null }));
    if (series !== BATCH_SERIES) changed.push(...snapshotOf(store, series, from + values.length - 1));
  }
  await write(changed);
  done.archives.push(name);
  done.bytes += bytes.length;
}

/** An actor is brought to life from its snapshot and what follows it in the store: it needs one behind what leaves. */
function snapshotOf(store: ArchivedStore, series: string, to: number): { key: string; value: string }[] {
  const actor = series.slice(journalSeries('').length);
  const key = KEYS.snapshot(actor);
  const known = store.rows.get(key);
  if (known !== undefined && (JSON.parse(known) as { seq: number }).seq >= to) return [];
  const value = snapshotAt((wanted) => store.get(wanted), actor, to);
  if (value === null) throw new StoreError('STORE_DAMAGED', `the journal of ${actor} has a gap before step ${to}`);
  return [{ key, value }];
}

/** Reads back what was written, from the disk. @throws StoreError `STORE_DAMAGED` */
async function check(
  { archives }: ArchivedStore,
  name: string,
  runs: ArchivedRun[],
  segments: ReadonlyMap<string, Segment[]>,
): Promise<void> {
  for (const { series, values } of runs) {
    const stored: string[] = [];
    for (const segment of segments.get(series)!) {
      stored.push(...unpackSegment(archives, series, segment));
      await othersTurn();
    }
    if (stored.length === values.length && stored.every((value, index) => value === values[index])) continue;
    archives.remove(name);
    throw new StoreError('STORE_DAMAGED', `archive ${name} is not what was written; no entry was removed`);
  }
}

async function nextName({ rows }: ArchivedStore): Promise<string> {
  let last = 0;
  for await (const [key] of rows.scan({ ...SPACES.archive, reverse: true, limit: 1 })) {
    last = Number.parseInt(keyParts(key, 1)[0]!, 10);
  }
  return `${String(last + 1).padStart(6, '0')}.jsonl.gz`;
}

async function* actorsOf({ rows }: ArchivedStore): AsyncGenerator<string> {
  for await (const [key] of rows.scan(SPACES.index)) yield keyParts(key, 1)[0]!;
}

const othersTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

const numberOf = (key: string): number => Number(key.slice(key.lastIndexOf('!') + 1));

async function firstRow({ rows }: ArchivedStore, series: string): Promise<number | null> {
  for await (const [key] of rows.scan({ ...SPACES.series(series), limit: 1 })) return numberOf(key);
  return null;
}

async function lastOld(
  { rows }: ArchivedStore,
  series: string,
  policy: CompactionPolicy,
  lastAt: (time: string, last: number) => number,
): Promise<number> {
  let last = 0;
  for await (const [key] of rows.scan({ ...SPACES.series(series), reverse: true, limit: 1 })) last = numberOf(key);
  if ('keep' in policy) return last - policy.keep;
  return lastAt(new Date(Date.parse(policy.before) - 1).toISOString(), last);
}

async function holeIn({ rows }: ArchivedStore, series: string, from: number, to: number): Promise<number | null> {
  for (let number = from; number <= to; number++) {
    if (rows.get(KEYS.entry(series, number)) === undefined) return number;
    if (number % TOGETHER_MAX === 0) await othersTurn();
  }
  return null;
}

/** What keeps a journal from being archived: what is damaged is left where it is, for whoever looks into it. */
async function whyNot(store: ArchivedStore, actor: string, from: number, to: number): Promise<string | null> {
  const hole = await holeIn(store, journalSeries(actor), from, to);
  if (hole !== null) return `its journal has no entry ${hole}`;
  try {
    const known = store.rows.get(KEYS.snapshot(actor));
    if (known !== undefined && (JSON.parse(known) as { seq: number }).seq >= to) return null;
    return snapshotAt((key) => store.get(key), actor, to) === null ? 'its journal has a gap' : null;
  } catch (error) {
    return `its journal cannot be read: ${(error as Error).message}`;
  }
}

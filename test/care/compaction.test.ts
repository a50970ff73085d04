/** Compaction: what is archived is read as before, and a crash at any step of it costs nothing. */
import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';
import { historyOf, seqAt, stateAt } from '../../src/actor/past.ts';
import { compact } from '../../src/care/compaction.ts';
import type { Compacted } from '../../src/care/compaction.ts';
import type { CompactionPolicy } from '../../src/care/policy.ts';
import { directoryOfArchives } from '../../src/store/archive-files.ts';
import type { ArchivedStore } from '../../src/store/archive.ts';
import { KEYS, SPACES } from '../../src/store/keys.ts';
import type { Store } from '../../src/store/store.ts';
import { skipLong } from '../support/long.ts';
import { lampNode } from '../support/lamp-node.ts';
import { letter } from '../support/letter.ts';
import { openMemoryStore } from '../support/memory-store.ts';
import { assertWhole, entriesOf, live, openArchived, press, temporary } from './lives.ts';

const PRESSES = 150;

/** Offline: rows are written straight to the store. */
const compactAlone = (store: ArchivedStore, policy: CompactionPolicy, dryRun = false): Promise<Compacted> =>
  compact({
    store,
    policy,
    dryRun,
    write: (rows) =>
      store.rows.write(rows.map(({ key, value }) => (value === null ? { del: key } : { put: key, value }))),
  });

test('history, at, replay, receipts and the chain of batches read what is archived as if it were not', async (t) => {
  const store = await openArchived(await temporary(t));
  const { node } = await live(store, PRESSES);
  const first = letter('lamp/a', 'press');
  const receipt = await node.send(first);
  await node.stop();
  const read = (key: string): string | undefined => store.get(key);
  const told = (): unknown => [
    historyOf(read, 'lamp/a', 1, PRESSES + 2),
    stateAt(read, 'lamp/a', 77),
    seqAt(read, 'lamp/a', '2026-01-01T00:30:00.000Z', PRESSES + 2),
  ];
  const before = told();
  const journal = await entriesOf(store, SPACES.journal);

  const done = await compactAlone(store, { keep: 0 });

  assert.equal(done.entries, PRESSES + 4);
  assert.ok(done.batches > 100 && done.archives.length >= 1);
  assert.deepEqual(await entriesOf(store.rows, SPACES.journal), []);
  assert.deepEqual(await entriesOf(store.rows, SPACES.batch), []);
  assert.deepEqual(await entriesOf(store, SPACES.journal), journal);
  assert.deepEqual(told(), before);
  await assertWhole(store);

  const { node: again, phase } = lampNode(store);
  await again.load();
  assert.deepEqual(await again.send(first), { ...receipt, duplicate: true });
  await again.send(letter('lamp/a', 'press'));
  assert.equal((await again.settled('lamp/a'))?.stood?.live.state.seq, PRESSES + 3);
  assert.notEqual(await phase('lamp/b'), undefined);
  await again.stop();
  await assertWhole(store);
});

test('what is old is said by a moment or by a number of entries, and a dry run only counts', async (t) => {
  const store = await openArchived(await temporary(t));
  const { node } = await live(store, PRESSES);
  await node.stop();
  const rows = await entriesOf(store.rows, {});

  const counted = await compactAlone(store, { before: '2026-01-01T00:30:00.000Z' }, true);
  assert.deepEqual(await entriesOf(store.rows, {}), rows);
  const done = await compactAlone(store, { before: '2026-01-01T00:30:00.000Z' });

  assert.deepEqual({ ...done, archives: [], bytes: 0 }, { ...counted, archives: [], bytes: 0 });
  // Born at 0:00 with the other lamp, pressed each minute from 0:01 to 0:29.
  assert.equal(done.entries, 31);
  const kept = await entriesOf(store.rows, SPACES.journalOf('lamp/a'));
  assert.equal(kept[0]![0], KEYS.journal('lamp/a', 31));
  assert.equal((await compactAlone(store, { keep: 10 })).entries, PRESSES + 1 - 30 - 10);
  assert.equal((await entriesOf(store.rows, SPACES.journalOf('lamp/a'))).length, 10);
  assert.equal((await compactAlone(store, { keep: 10 })).entries, 0);
  await assertWhole(store);
});

test('it works beside a node that steps: what is written meanwhile is there, and the chain goes on', async (t) => {
  const store = await openArchived(await temporary(t));
  const lamp = await live(store, PRESSES);

  const [done] = await Promise.all([
    compact({ store, policy: { keep: 5 }, dryRun: false, write: (rows) => lamp.node.write(rows) }),
    press(lamp, 60),
  ]);
  await press(lamp, 5);
  await lamp.node.stop();

  assert.ok(done.entries >= PRESSES - 5);
  assert.equal(stateAt((key) => store.get(key), 'lamp/a', PRESSES + 66)?.context['presses'], PRESSES + 65);
  await assertWhole(store);
  const { node } = lampNode(store);
  await node.load();
  assert.equal((await node.settled('lamp/a'))?.stood?.live.state.context['presses'], PRESSES + 65);
  await node.stop();
});

test('a journal with a hole or an entry that cannot be read is named and left as it is; the others are archived', async (t) => {
  const store = await openArchived(await temporary(t));
  const { node } = await live(store, 20);
  await node.stop();
  await store.write([{ del: KEYS.journal('lamp/a', 9) }]);
  const journal = await entriesOf(store.rows, SPACES.journalOf('lamp/a'));

  const { left, entries } = await compactAlone(store, { keep: 0 });

  assert.deepEqual(left, [{ actor: 'lamp/a', why: 'its journal has no entry 9' }]);
  assert.equal(entries, 2);
  assert.deepEqual(await entriesOf(store.rows, SPACES.journalOf('lamp/a')), journal);
  await store.write([{ put: KEYS.journal('lamp/a', 9), value: '{"envelope":{"id"' }]);
  assert.match((await compactAlone(store, { keep: 0 })).left[0]!.why, /cannot be read/);
});

test('an archive that does not read back as it was written removes no entry', async (t) => {
  const directory = await temporary(t);
  const disk = directoryOfArchives(path.join(directory, 'archive'));
  const store = await openArchived(directory, undefined, {
    ...disk,
    write: (name, bytes) => disk.write(name, Buffer.from(bytes).fill(7, bytes.length - 12, bytes.length - 8)),
  });
  const { node } = await live(store, 20);
  await node.stop();
  const rows = await entriesOf(store.rows, {});
  await assert.rejects(compactAlone(store, { keep: 0 }), { code: 'STORE_DAMAGED' });
  assert.deepEqual(await entriesOf(store.rows, {}), rows);
});

test('a crash before or after any write of a compaction loses no entry, and the next one ends what was begun', async (t) => {
  const { points } = await crashedAt(Infinity, await temporary(t));
  assert.ok(points >= 8, `${points} points`);
  // The first of all, then every few; each of them where there is time.
  for (let point = 1; point <= points; point += skipLong === false ? 1 : 5) {
    const directory = await temporary(t);
    const { rows, journal } = await crashedAt(point, directory);
    // What another process finds: the rows and the files.
    const store = await openArchived(directory, rows);
    await assertWhole(store);
    assert.deepEqual(await entriesOf(store, SPACES.journal), journal, `point ${point}`);

    await compactAlone(store, { keep: 0 });

    await assertWhole(store);
    assert.deepEqual(await entriesOf(store, SPACES.journal), journal);
    assert.deepEqual(await entriesOf(store.rows, SPACES.journal), []);
    const named = (await entriesOf(store.rows, SPACES.archive)).map(([key]) => key.slice(SPACES.archive.gte.length));
    assert.deepEqual((await store.archives.list()).toSorted(), named, 'no file is left that nobody names');
  }
});

/** The process ends before or after the n-th thing that a compaction writes; more than one archive is made. */
async function crashedAt(
  point: number,
  directory: string,
): Promise<{ points: number; rows: Store; journal: [string, string][] }> {
  const rows = await openMemoryStore();
  const disk = directoryOfArchives(path.join(directory, 'archive'));
  let points = 0;
  let crash: (error: Error) => void = () => {};
  const crashed = new Promise<never>((_resolve, reject) => (crash = reject));
  crashed.catch(() => {});
  const at = async (work: () => Promise<void>): Promise<void> => {
    for (const step of [() => Promise.resolve(), work]) {
      await step();
      points += 1;
      if (points < point) continue;
      crash(new Error('the process ended'));
      await new Promise<never>(() => {});
    }
  };
  const store = await openArchived(directory, rows, {
    ...disk,
    async write(name, bytes) {
      await at(() => disk.write(`${name}.partial`, bytes.subarray(0, bytes.length / 2)));
      await at(() => disk.write(name, bytes));
    },
  });
  const { node } = await live(store, 20);
  for (let note = 0; note < 5; note++) await node.send(letter('lamp/b', 'fyi', { text: 'x'.repeat(900_000) }));
  await node.stop();
  const journal = await entriesOf(store, SPACES.journal);
  const done = compact({
    store,
    policy: { keep: 0 },
    dryRun: false,
    write: (changed) =>
      at(() => rows.write(changed.map(({ key, value }) => (value === null ? { del: key } : { put: key, value })))),
  });
  await Promise.race([done, crashed]).catch((error: Error) => {
    if (error.message !== 'the process ended') throw error;
  });
  return { points, rows, journal };
}

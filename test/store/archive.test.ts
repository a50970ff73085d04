/** A store with archives: whoever reads a series cannot tell what is archived from what is not. */
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { directoryOfArchives } from '../../src/store/archive-files.ts';
import { damagedArchives, packArchive, sha256, withArchives } from '../../src/store/archive.ts';
import type { ArchivedStore } from '../../src/store/archive.ts';
import { BATCH_SERIES, KEYS, SPACES, journalSeries } from '../../src/store/keys.ts';
import type { Range, Store } from '../../src/store/store.ts';
import { openMemoryStore } from '../support/memory-store.ts';
import { storeContract } from './contract.ts';

const temporary = () => mkdtemp(path.join(tmpdir(), 'chartroom-archive-'));

storeContract('archived', async () => {
  const directory = await temporary();
  const store = withArchives(await openMemoryStore(), directoryOfArchives(directory));
  return {
    store,
    dispose: async () => {
      await store.close();
      await rm(directory, { recursive: true });
    },
  };
});

const ACTORS = ['agent/a', 'session/a', 'session/a-b', 'session/a1'];
const ENTRIES = 9;

/** The same entries twice: all as rows, and with some of each series archived. */
async function twins(t: TestContext): Promise<{ plain: Store; archived: ArchivedStore; file: string }> {
  const directory = await temporary();
  const plain = await openMemoryStore();
  const archived = withArchives(await openMemoryStore(), directoryOfArchives(directory));
  t.after(() => rm(directory, { recursive: true }));
  const series = [...ACTORS.map(journalSeries), BATCH_SERIES];
  const value = (name: string, number: number): string => JSON.stringify({ name, number, text: ' ü\n' });
  const rows = series.flatMap((name) =>
    Array.from({ length: ENTRIES }, (_, index) => ({
      put: KEYS.entry(name, index + 1),
      value: value(name, index + 1),
    })),
  );
  const others = [KEYS.meta('x'), KEYS.snapshot('session/a'), KEYS.dead(1)].map((put) => ({ put, value: '1' }));
  await plain.write([...rows, ...others]);
  await archived.write([...rows, ...others]);
  const file = '000001.jsonl.gz';
  const runs = series.map((name, index) => ({
    series: name,
    from: 1,
    values: Array.from({ length: index + 2 }, (_, at) => value(name, at + 1)),
  }));
  const { bytes, segments } = await packArchive(file, runs);
  await archived.archives.write(file, bytes);
  const row = { bytes: bytes.length, sha256: sha256(bytes), entries: runs.flatMap(({ values }) => values).length };
  await archived.rows.write([
    { put: KEYS.archive(file), value: JSON.stringify(row) },
    ...[...segments].map(([name, own]) => ({ put: KEYS.archived(name), value: JSON.stringify(own) })),
    ...runs.flatMap(({ series: name, values }) => values.map((_, at) => ({ del: KEYS.entry(name, at + 1) }))),
  ]);
  return { plain, archived, file: path.join(directory, file) };
}

async function all(entries: AsyncIterable<[string, string]>): Promise<[string, string][]> {
  const found: [string, string][] = [];
  for await (const entry of entries) if (!/^0!archived?!/.test(entry[0])) found.push(entry);
  return found;
}

test('every range reads the same from archives as from rows, both ways, with and without a limit', async (t) => {
  const { plain, archived } = await twins(t);
  const ranges: Range[] = [
    {},
    SPACES.all,
    SPACES.journal,
    SPACES.batch,
    ...ACTORS.map(SPACES.journalOf),
    { gt: KEYS.journal('session/a', 2), lte: KEYS.journal('session/a-b', 3) },
    { gte: KEYS.batch(2), lt: KEYS.batch(4) },
    { gte: KEYS.journal('agent/a', 1), lte: KEYS.journal('agent/a', 1) },
    { gt: KEYS.batch(ENTRIES) },
  ];
  for (const range of ranges) {
    for (const more of [{}, { reverse: true }, { limit: 3 }, { reverse: true, limit: 5 }]) {
      const wanted = { ...range, ...more };
      // Rows that say where archives are count towards a limit.
      if ('limit' in more && (range.gte === undefined || range === SPACES.all)) continue;
      const expected = await all(plain.scan(wanted));
      assert.deepEqual(await all(archived.scan(wanted)), expected, JSON.stringify(wanted));
      const view = archived.snapshot();
      assert.deepEqual(await all(view.entries(wanted)), expected, JSON.stringify(wanted));
      await view.close();
    }
  }
  for (const [key, value] of await all(plain.scan({}))) assert.equal(archived.get(key), value);
  assert.equal(archived.get(KEYS.journal('session/a', ENTRIES + 1)), undefined);
  assert.equal(archived.get(KEYS.journal('session/nobody', 1)), undefined);
});

test('an archive is gzip of JSON lines', async (t) => {
  const { file } = await twins(t);
  const lines = gunzipSync(await readFile(file))
    .toString('utf8')
    .trim()
    .split('\n');
  const first = JSON.parse(lines[0]!) as unknown;
  assert.deepEqual(first, { actor: 'agent/a', seq: 1, entry: { name: 'journal!agent/a', number: 1, text: ' ü\n' } });
  assert.deepEqual(Object.keys(JSON.parse(lines.at(-1)!) as object), ['batch', 'record']);
});

test('an archive that is missing, cut short, altered or another is named, with the entries it held', async (t) => {
  const { archived, file } = await twins(t);
  assert.deepEqual(await damagedArchives(archived), []);
  const bytes = await readFile(file);
  const fresh = (): ArchivedStore => withArchives(archived.rows, archived.archives);
  const read = (store: ArchivedStore): unknown => store.get(KEYS.journal('agent/a', 1));

  await writeFile(file, bytes.subarray(0, 20));
  assert.match((await damagedArchives(archived)).join(), /archive 000001\.jsonl\.gz has 20 bytes, \d+ were written/);
  assert.throws(() => read(fresh()), {
    code: 'STORE_DAMAGED',
    message: /steps 1–2 of agent\/a cannot be read from archive 000001/,
  });

  const flipped = Buffer.from(bytes);
  flipped[15] = flipped[15]! ^ 4;
  await writeFile(file, flipped);
  assert.match((await damagedArchives(archived)).join(), /does not have the hash it was written with/);
  assert.throws(() => read(fresh()), { code: 'STORE_DAMAGED' });

  const other = await packArchive('x', [{ series: journalSeries('agent/b'), from: 1, values: ['{}', '{}'] }]);
  await writeFile(file, Buffer.concat([other.bytes, bytes]));
  await archived.rows.write([{ put: KEYS.archived(journalSeries('agent/a')), value: segment(other.bytes.length) }]);
  assert.throws(() => read(fresh()), { message: /holds something else than steps 1–2 of agent\/a/ });

  await rm(file);
  assert.match((await damagedArchives(archived)).join(), /archive 000001\.jsonl\.gz is missing: it held 20 entries/);
  await writeFile(file, bytes);
});

const segment = (bytes: number): string =>
  JSON.stringify([{ from: 1, to: 2, file: '000001.jsonl.gz', offset: 0, bytes }]);

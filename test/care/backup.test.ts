/** Backup and restore: a store as it was at one moment, put in place whole and proven, or not at all. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { gunzipSync, gzipSync } from 'node:zlib';
import { heldOf } from '../../src/actor/hold.ts';
import { writeBackup } from '../../src/care/backup.ts';
import { compact } from '../../src/care/compaction.ts';
import { restoreStore } from '../../src/care/restore.ts';
import type { RestoreOptions, Restored } from '../../src/care/restore.ts';
import type { ArchivedStore } from '../../src/store/archive.ts';
import { readFormat } from '../../src/store/format.ts';
import { KEYS, SPACES } from '../../src/store/keys.ts';
import { openLevelStore } from '../../src/store/level-store.ts';
import { openStore } from '../../src/store/opening.ts';
import type { Store } from '../../src/store/store.ts';
import { letter } from '../support/letter.ts';
import { BUILD, assertWhole, entriesOf, live, openArchived, press, temporary } from './lives.ts';

const AT = '2026-02-01T00:00:00.000Z';

interface Backed {
  directory: string;
  file: string;
  store: ArchivedStore;
  /** The rows at the moment of the backup. */
  rows: [string, string][];
  restore(more?: Partial<RestoreOptions>): Promise<Restored>;
  /** Where the store is to be. */
  target: string;
}

/** A store with archives and entries, and its backup, taken while it goes on. */
async function backed(t: Parameters<typeof temporary>[0]): Promise<Backed> {
  const directory = await temporary(t);
  const store = await openArchived(directory);
  const lamp = await live(store, 60);
  await store.write([{ put: KEYS.meta('identity'), value: 'the-first' }]);
  await compact({ store, policy: { keep: 20 }, dryRun: false, write: (rows) => lamp.node.write(rows) });
  await lamp.node.send(letter('lamp/a', 'fyi', { text: randomBytes(100_000).toString('hex') }));
  const rows = await entriesOf(store.rows, {});
  const file = path.join(directory, 'one.backup');
  await Promise.all([writeBackup(store, file, { build: BUILD, at: AT }), press(lamp, 30)]);
  await lamp.node.stop();
  const target = path.join(directory, 'other', 'store');
  await mkdir(path.dirname(target));
  return {
    directory,
    file,
    store,
    rows,
    target,
    restore: (more) =>
      restoreStore({ file, directory: target, build: BUILD, at: '2026-02-02T00:00:00.000Z', withMail: false, ...more }),
  };
}

const reopened = (directory: string): Promise<ArchivedStore> =>
  openStore(directory, { holder: 'a test', build: BUILD, reading: true });

const META = [KEYS.meta('identity'), KEYS.meta('held'), KEYS.meta('position!mail'), KEYS.meta('position!hook')];
const withoutMeta = (rows: [string, string][]): [string, string][] => rows.filter(([key]) => !META.includes(key));

test('a restored store has every row and archive of the moment of the backup, whatever was written meanwhile', async (t) => {
  const { rows, restore, target, store } = await backed(t);

  const { header, verified } = await restore();

  assert.equal(header.store, 'the-first');
  assert.equal(header.batch, verified.batches);
  assert.deepEqual(verified.differences, []);
  const again = await reopened(target);
  t.after(() => again.close());
  assert.deepEqual(withoutMeta(await entriesOf(again.rows, {})), withoutMeta(rows));
  assert.deepEqual(await again.archives.list(), await store.archives.list());
  await assertWhole(again);
  assert.equal(readFormat(target)?.machines['lamp'], '1');
  assert.deepEqual(await readdir(path.dirname(target)), ['store']);
});

test('a restored store has a name of its own, holds its effects, and takes what comes from now on', async (t) => {
  const { restore, target, store } = await backed(t);
  const position = JSON.stringify({ position: 7, identity: 'a stream' });
  await store.rows.write([{ put: KEYS.meta('position!mail'), value: position }]);
  await restore();
  const again = await reopened(target);
  t.after(() => again.close());
  assert.notEqual(again.get(KEYS.meta('identity')), 'the-first');
  assert.deepEqual(heldOf((key) => again.get(key))?.backup.at, AT);
  assert.deepEqual(JSON.parse(again.get(KEYS.meta('position!mail'))!), { end: true });
});

test('with mail it goes on where the backup was', async (t) => {
  const { directory, restore, target, store } = await backed(t);
  const position = JSON.stringify({ position: 7, identity: 'a stream' });
  await store.rows.write([{ put: KEYS.meta('position!mail'), value: position }]);
  const file = path.join(directory, 'two.backup');
  await writeBackup(store, file, { build: BUILD, at: AT });
  await restore({ file, withMail: true });
  const again = await reopened(target);
  t.after(() => again.close());
  assert.equal(again.get(KEYS.meta('position!mail')), position);
});

test('where there is a store it is not overwritten, not by a byte', async (t) => {
  const { restore, target } = await backed(t);
  const there = await openLevelStore(target);
  await there.write([{ put: 'mine', value: '1' }]);
  await there.close();
  await assert.rejects(restore(), { code: 'RESTORE_TAKEN', message: /is not overwritten/ });
  const still = await openLevelStore(target);
  t.after(() => still.close());
  assert.deepEqual(await entriesOf(still, {}), [['mine', '1']]);
});

test('a backup of another build is refused with both versions, before anything is made', async (t) => {
  const { restore, target } = await backed(t);
  const build = { chartroom: '2.0.0', machines: { lamp: '2' } };
  await assert.rejects(restore({ build }), { code: 'STORE_VERSION', message: /lamp is version 1 in it, version 2 in/ });
  assert.deepEqual(await readdir(path.dirname(target)), []);
});

test('wherever a backup is cut it is refused as not whole, and nothing is left', async (t) => {
  const { file, directory, restore, target } = await backed(t);
  const bytes = await readFile(file);
  const cut = path.join(directory, 'cut.backup');
  for (const part of [0, 0.01, 0.3, 0.6, 0.9, 0.999]) {
    await writeFile(cut, bytes.subarray(0, Math.floor(bytes.length * part)));
    await assert.rejects(restore({ file: cut }), { code: 'BACKUP_TRUNCATED' }, String(part));
  }
  await writeFile(cut, gzipSync(gunzipSync(bytes).toString('utf8').trimEnd().split('\n').slice(0, -1).join('\n')));
  await assert.rejects(restore({ file: cut }), { code: 'BACKUP_TRUNCATED' });
  assert.equal(existsSync(target), false);
  assert.deepEqual(await readdir(path.dirname(target)), []);
});

test('a flipped byte, a line that is gone or altered and a file of another kind are named', async (t) => {
  const { file, directory, restore, target } = await backed(t);
  const bytes = await readFile(file);
  const bad = path.join(directory, 'bad.backup');
  const lines = gunzipSync(bytes).toString('utf8').trimEnd().split('\n');
  const row = lines.findIndex((line) => line.includes('!journal!lamp/b'));
  const written = async (changed: string[]): Promise<void> => writeFile(bad, gzipSync(`${changed.join('\n')}\n`));

  for (let at = Math.floor(bytes.length / 20); at < bytes.length - 8; at += Math.floor(bytes.length / 7)) {
    const flipped = Buffer.from(bytes);
    flipped[at] = flipped[at]! ^ 16;
    await writeFile(bad, flipped);
    await assert.rejects(restore({ file: bad }), { name: 'BackupError' }, `byte ${at}`);
  }
  await written(lines.filter((_, index) => index !== row));
  await assert.rejects(restore({ file: bad }), {
    code: 'BACKUP_DAMAGED',
    message: /it holds \d+ rows, \d+ were written/,
  });
  await written(lines.map((line, index) => (index === row ? line.replace('lamp/b', 'lamp/c') : line)));
  await assert.rejects(restore({ file: bad }), { code: 'BACKUP_DAMAGED', message: /the hash it was written with/ });
  await written([lines[0]!.replace('"backup":1', '"backup":2'), ...lines.slice(1)]);
  await assert.rejects(restore({ file: bad }), {
    code: 'BACKUP_VERSION',
    message: /backup format 2, .* reads format 1/,
  });
  await writeFile(bad, 'hello');
  await assert.rejects(restore({ file: bad }), { code: 'BACKUP_FOREIGN' });
  await assert.rejects(restore({ file: path.join(directory, 'none') }), {
    code: 'BACKUP_FOREIGN',
    message: /there is no/,
  });
  assert.equal(existsSync(target), false);
});

test('a backup of a damaged store is refused by replay, which says what is wrong', async (t) => {
  const { directory, restore, store, target } = await backed(t);
  const key = KEYS.journal('lamp/a', 58);
  await store.rows.write([{ put: key, value: store.rows.get(key)!.replace('"press"', '"dress"') }]);
  const file = path.join(directory, 'two.backup');
  await writeBackup(store, file, { build: BUILD, at: AT });
  await assert.rejects(restore({ file }), {
    code: 'BACKUP_DAMAGED',
    message: /batch \d+ \(lamp\/a 58\) does not have the hash/,
  });
  assert.equal(existsSync(target), false);
});

test('a restore that fails at any write leaves nothing; one that is killed there is done anew by the next', async (t) => {
  const { restore, target, rows } = await backed(t);
  let writes = 0;
  const counting = async (directory: string, at: (store: Store) => Promise<void>): Promise<Store> => {
    const store = await openLevelStore(directory);
    return {
      ...store,
      write: async (operations) => {
        writes += 1;
        await at(store);
        await store.write(operations);
      },
    };
  };
  await restore({
    openRows: (directory) => counting(directory, () => Promise.reject(new Error('no space left'))),
  }).then(
    () => assert.fail('it was restored'),
    (error: Error) => assert.equal(error.message, 'no space left'),
  );
  assert.deepEqual(await readdir(path.dirname(target)), []);

  for (let last = 1; last <= 2; last++) {
    writes = 0;
    await new Promise<void>((killed) => {
      void restore({
        openRows: (directory) =>
          counting(directory, async (store) => {
            if (writes < last) return;
            // The process is gone: its lock with it, and nobody tidies up.
            await store.close();
            killed();
            await new Promise<never>(() => {});
          }),
      });
    });
    assert.deepEqual(await readdir(path.dirname(target)), ['store.restoring']);
  }

  await restore();
  const again = await reopened(target);
  t.after(() => again.close());
  assert.deepEqual(withoutMeta(await entriesOf(again.rows, {})), withoutMeta(rows));
});

test('two restores at once: the second is told, and the first is not disturbed', async (t) => {
  const { restore, target } = await backed(t);
  let go: () => void = () => {};
  const waiting = new Promise<void>((resolve) => (go = resolve));
  let begun: () => void = () => {};
  const filling = new Promise<void>((resolve) => (begun = resolve));
  const first = restore({
    openRows: async (directory) => {
      const store = await openLevelStore(directory);
      begun();
      await waiting;
      return store;
    },
  });
  await filling;
  await assert.rejects(restore(), { code: 'STORE_LOCKED' });
  go();
  await first;
  assert.ok(existsSync(path.join(target, 'CURRENT')));
});

test('a store of another format or of other machines is refused before it is opened, with everything that differs', async (t) => {
  const directory = path.join(await temporary(t), 'store');
  const store = await openStore(directory, { holder: 'a test', build: BUILD });
  await store.write([{ put: 'a', value: '1' }]);
  await store.close();
  const mark = path.join(directory, 'chartroom-store.json');
  const content = async (): Promise<unknown> =>
    Promise.all(
      (await readdir(directory)).map(async (name) => [name, await readFile(path.join(directory, name), 'hex')]),
    );
  const open = (build = BUILD): Promise<Store> => openStore(directory, { holder: 'a test', build });
  const before = await content();
  const later = { chartroom: '2.0.0', machines: { lamp: '2', door: '1' } };

  await assert.rejects(open({ ...later, machines: { lamp: '2' } }), {
    code: 'STORE_VERSION',
    message: /was written by chartroom 1\.0\.0: lamp is version 1 in it, version 2 in this build/,
  });
  await assert.rejects(open({ ...later, machines: {} }), {
    message: /actors of kind lamp \(version 1\), which this build has not/,
  });
  assert.deepEqual(await content(), before);

  await (await open({ ...later, machines: { lamp: '1', door: '1' } })).close();
  assert.deepEqual(readFormat(directory)?.machines, { lamp: '1', door: '1' });
  await writeFile(mark, JSON.stringify({ format: 2, chartroom: '3.0.0', machines: { lamp: '9' } }));
  await assert.rejects(open(), {
    message: /chartroom 3\.0\.0: its format is 2, this build \(chartroom 1\.0\.0\) reads format 1/,
  });
  await writeFile(mark, '{"form');
  await assert.rejects(open(), { code: 'STORE_VERSION', message: /does not say what wrote the store/ });
});

test('scanning a restored store finds its archives where they were', async (t) => {
  const { restore, target, store } = await backed(t);
  await restore();
  const again = await reopened(target);
  t.after(() => again.close());
  const archived = (await entriesOf(store, SPACES.journalOf('lamp/a'))).slice(0, 40);
  assert.deepEqual((await entriesOf(again, SPACES.journalOf('lamp/a'))).slice(0, 40), archived);
});

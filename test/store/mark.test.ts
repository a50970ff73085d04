/** A log that was cut off between two of its records, which LevelDB opens as if nothing were missing (I13). */
import assert from 'node:assert/strict';
import { cp, mkdtemp, readFile, readdir, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { damagedLogs } from '../../src/store/damage.ts';
import { KEYS } from '../../src/store/keys.ts';
import { openLevelStore } from '../../src/store/level-store.ts';
import { openStore } from '../../src/store/opening.ts';
import type { Store } from '../../src/store/store.ts';
import { asKilled } from '../support/killed.ts';
import { lampNode } from '../support/lamp-node.ts';
import { letter } from '../support/letter.ts';

const BATCHES = 6;
const MARK = 'chartroom-written.json';
const build = { chartroom: '0.0.0', machines: { lamp: '1' } };
const open = (directory: string) => openStore(directory, { holder: 'a test', build });

async function temporary(t: TestContext): Promise<string> {
  const directory = await mkdtemp(path.join(tmpdir(), 'chartroom-mark-'));
  t.after(() => rm(directory, { recursive: true, force: true }));
  return path.join(directory, 'store');
}

async function lived(directory: string): Promise<void> {
  const store = await open(directory);
  const { node } = lampNode(store);
  await node.load();
  await node.send(letter('lamp/a', 'open', { room: 'a' }));
  for (let press = 1; press < BATCHES; press++) await node.send(letter('lamp/a', 'press'));
  await node.stop();
  await asKilled(directory, () => store.close());
}

async function logOf(directory: string): Promise<string> {
  const name = (await readdir(directory)).find((file) => file.endsWith('.log'));
  return path.join(directory, name!);
}

/** Where each write to a log ends (LevelDB's doc/log_format.md): the last piece of it is of type 1 or 4. */
function endsOf(log: Buffer): number[] {
  const ends: number[] = [];
  for (let at = 0; at + 7 <= log.length;) {
    if (32_768 - (at % 32_768) < 7) at += 32_768 - (at % 32_768);
    const end = at + 7 + log.readUInt16LE(at + 4);
    if ([1, 4].includes(log[at + 6]!)) ends.push(end);
    at = end;
  }
  return ends;
}

const lastOf = (store: Store): number => (JSON.parse(store.get(KEYS.meta('last'))!) as { number: number }).number;

test('a log cut off between two writes is refused with both batches named, wherever it is cut', async (t) => {
  const directory = await temporary(t);
  await lived(directory);
  const log = await logOf(directory);
  const ends = endsOf(await readFile(log));
  assert.ok(ends.length >= BATCHES);

  for (const end of ends.slice(0, -1).slice(-BATCHES)) {
    const copy = `${directory}-${end}`;
    await cp(directory, copy, { recursive: true });
    await truncate(path.join(copy, path.basename(log)), end);
    assert.deepEqual(damagedLogs(copy), [], 'its records are whole');
    await assert.rejects(open(copy), {
      code: 'STORE_DAMAGED',
      message: new RegExp(`is damaged: it ends with batch \\d+, and batch ${BATCHES} was written; .* remove .*${MARK}`),
    });

    await rm(path.join(copy, MARK));
    const left = await open(copy);
    assert.ok(lastOf(left) < BATCHES, 'whoever wants to go on with what is left may');
    await left.close();
  }
});

test('a store whose last batch is another than was written is refused', async (t) => {
  const directory = await temporary(t);
  await lived(directory);
  const level = await openLevelStore(directory);
  const record = JSON.parse(level.get(KEYS.batch(BATCHES))!) as { hash: string };
  await level.write([{ put: KEYS.batch(BATCHES), value: JSON.stringify({ ...record, hash: 'another' }) }]);
  await level.close();
  await assert.rejects(open(directory), { code: 'STORE_DAMAGED', message: /its batch 6 is another/ });
});

test('a mark that is older, unreadable or not there says nothing against a store, and is made good', async (t) => {
  const directory = await temporary(t);
  await lived(directory);
  const file = path.join(directory, MARK);
  const whole = await readFile(file);
  for (const spoil of [() => writeFile(file, '\0'.repeat(whole.length)), () => writeFile(file, ''), () => rm(file)]) {
    await spoil();
    const store = await open(directory);
    assert.equal(lastOf(store), BATCHES);
    await store.close();
    assert.deepEqual(await readFile(file), whole);
  }
  const older = await readFile(file, 'utf8');
  await lived(directory);
  await writeFile(file, older);
  await (await open(directory)).close();
});

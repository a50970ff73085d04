/** A flipped bit anywhere in what LevelDB has written is found (I13), and an unfinished write is none. */
import assert from 'node:assert/strict';
import { cp, mkdtemp, readFile, readdir, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { damagedLogs, damagedTables } from '../../src/store/damage.ts';
import { openLevelStore } from '../../src/store/level-store.ts';
import { asKilled } from '../support/killed.ts';

const WRITES = 60;
/** More than a block of the log, so that records are split. */
const LARGE = 70_000;

/** `closed`: its log was made a table. */
async function written(t: TestContext, { closed }: { closed: boolean }): Promise<string> {
  const directory = await mkdtemp(path.join(tmpdir(), 'chartroom-damage-'));
  t.after(() => rm(directory, { recursive: true, force: true }));
  const store = await openLevelStore(directory);
  for (let number = 1; number <= WRITES; number++) {
    const value = number % 20 === 0 ? `${number}`.repeat(LARGE / 2) : `value ${number} `.repeat(1 + (number % 9));
    await store.write([
      { put: `key ${number}`, value },
      { put: 'last', value: String(number) },
    ]);
  }
  if (closed) await store.close();
  else await asKilled(directory, () => store.close());
  return directory;
}

async function largest(directory: string, ending: string): Promise<string> {
  const files = (await readdir(directory)).filter((file) => file.endsWith(ending));
  const sizes = await Promise.all(files.map(async (file) => (await readFile(path.join(directory, file))).length));
  return path.join(directory, files[sizes.indexOf(Math.max(...sizes))]!);
}

/** Offsets all over a file, closest at its end. */
function* places(bytes: number, count: number): Generator<number> {
  for (let index = 0; index < count; index++) yield Math.floor((index * bytes) / count);
  for (let back = 1; back <= 120; back++) yield bytes - back;
}

for (const [what, ending, look] of [
  ['log', '.log', damagedLogs],
  ['table', '.ldb', damagedTables],
] as const) {
  test(`a flipped bit anywhere in a ${what} is found and its file is named`, async (t) => {
    const directory = await written(t, { closed: ending === '.ldb' });
    assert.deepEqual(look(directory), []);
    const file = await largest(directory, ending);
    const whole = await readFile(file);
    for (const at of places(whole.length, 150)) {
      const bytes = Buffer.from(whole);
      bytes[at]! ^= 1 << (at % 8);
      await writeFile(file, bytes);
      // A table's footer is padded, and not every bit of the padding says something.
      const isFooter = ending === '.ldb' && at >= whole.length - 48 && at < whole.length - 8;
      if (isFooter) continue;
      const found = look(directory);
      assert.equal(found.length >= 1, true, `the bit at byte ${at} of ${whole.length}`);
      assert.ok(found[0]!.startsWith(`${path.basename(file)} holds at byte `), found[0]);
    }
  });
}

test('a log that ends in the middle of a record, or in zeros, is what a killed process leaves and no damage', async (t) => {
  const directory = await written(t, { closed: false });
  const file = await largest(directory, '.log');
  const whole = await readFile(file);
  for (let cut = 1; cut < 60; cut++) {
    await truncate(file, whole.length - cut);
    assert.deepEqual(damagedLogs(directory), [], `${cut} bytes are missing`);
    await writeFile(file, Buffer.concat([whole.subarray(0, whole.length - cut), Buffer.alloc(cut + 500)]));
    assert.deepEqual(damagedLogs(directory), [], `${cut} bytes are zero`);
    await writeFile(file, whole);
  }
});

test('a store with a damaged log is not opened, and not a byte of it is changed', async (t) => {
  const directory = await written(t, { closed: false });
  const file = await largest(directory, '.log');
  const bytes = await readFile(file);
  bytes[Math.floor(bytes.length / 2)]! ^= 1;
  await writeFile(file, bytes);
  const copy = `${directory}-copy`;
  t.after(() => rm(copy, { recursive: true, force: true }));
  await cp(directory, copy, { recursive: true });

  await assert.rejects(openLevelStore(directory), { code: 'STORE_DAMAGED', message: /\.log holds at byte \d+/ });

  for (const name of await readdir(copy)) {
    assert.deepEqual(await readFile(path.join(directory, name)), await readFile(path.join(copy, name)), name);
  }
});

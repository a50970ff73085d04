import assert from 'node:assert/strict';
import { readFile, readdir, rm, stat, truncate, writeFile } from 'node:fs/promises';
import path from 'node:path';
import test from 'node:test';
import type { Delivery } from '../../src/bridge/hook.ts';
import { openSpool } from '../../src/bridge/spool.ts';
import type { Spool } from '../../src/bridge/spool.ts';
import { TransientError } from '../../src/errors.ts';
import { quiet, tempDirectory } from './parts.ts';

const delivery = (id: string, body = '{"n":1}'): Delivery => ({
  head: {
    source: 'github',
    event: 'ping',
    action: null,
    delivery: id,
    receivedAt: '2026-11-21T10:00:00.000Z',
    headers: {},
  },
  body: Buffer.from(body),
});

test('what is spooled is there for the next process, in order, byte for byte', async (t) => {
  const directory = await tempDirectory(t);
  const first = await openSpool({ directory, log: quiet });
  for (const id of ['a', 'b', 'c']) await first.add(delivery(id, `{ "line\\n" : "é",\n "id": "${id}" }`));
  const second = await openSpool({ directory, log: quiet });
  assert.deepEqual(second.size(), first.size());
  const read = await Promise.all(second.numbers().map((number) => second.read(number)));
  assert.deepEqual(
    read.map((one) => [one?.head.delivery, String(one?.body)]),
    ['a', 'b', 'c'].map((id) => [id, `{ "line\\n" : "é",\n "id": "${id}" }`]),
  );
});

test('numbers go on behind what an earlier process left', async (t) => {
  const directory = await tempDirectory(t);
  const first = await openSpool({ directory, log: quiet });
  await first.add(delivery('a'));
  await first.add(delivery('b'));
  await first.remove(1);
  const second = await openSpool({ directory, log: quiet });
  assert.equal(await second.add(delivery('c')), 3);
});

test('a half-written file of a killed process is nobody’s delivery', async (t) => {
  const directory = await tempDirectory(t);
  await writeFile(path.join(directory, '000000000001.hook.part'), '{"source":"git');
  const spool = await openSpool({ directory, log: quiet });
  assert.deepEqual(spool.numbers(), []);
  assert.deepEqual(await readdir(directory), []);
});

test('a damaged file is set aside and does not stop the others', async (t) => {
  const directory = await tempDirectory(t);
  await writeFile(path.join(directory, '000000000001.hook'), 'rubbish\n{}');
  const spool = await openSpool({ directory, log: quiet });
  await spool.add(delivery('b'));
  assert.equal(await spool.read(1), undefined);
  assert.deepEqual(spool.numbers(), [2]);
  assert.equal((await spool.read(2))?.head.delivery, 'b');
  assert.ok((await readdir(directory)).includes('000000000001.hook.aside'));
});

test('bounded by bytes: what does not fit is refused, and fits when there is room again', async (t) => {
  const spool = await openSpool({ directory: await tempDirectory(t), log: quiet, bytesMax: 1_000 });
  const large = JSON.stringify({ pad: 'x'.repeat(600) });
  await spool.add(delivery('a', large));
  await assert.rejects(spool.add(delivery('b', large)), { code: 'SPOOL_FULL' });
  await spool.remove(1);
  assert.equal(spool.size().bytes, 0);
  await spool.add(delivery('b', large));
});

test('a disk that says no is a refusal, and counts for nothing', async (t) => {
  const directory = await tempDirectory(t);
  const spool = await openSpool({ directory, log: quiet });
  await rm(directory, { recursive: true });
  await assert.rejects(spool.add(delivery('a')), (error: TransientError) => error.code === 'SPOOL_FAILED');
  assert.deepEqual(spool.size(), { count: 0, bytes: 0 });
});

/** The first is being written when the others come. */
async function together(directory: string): Promise<Spool> {
  const spool = await openSpool({ directory, log: quiet });
  const ids = ['a', 'b', 'c', 'd'];
  assert.deepEqual(
    await Promise.all(ids.map((id) => spool.add(delivery(id, `{"of":"${id}","text":"é"}`)))),
    [1, 2, 3, 4],
  );
  assert.deepEqual(await readdir(directory), ['000000000001.hook', '000000000002.hooks']);
  return spool;
}

test('what comes while a file is written lies in the next one together, each for itself', async (t) => {
  const directory = await tempDirectory(t);
  const first = await together(directory);
  await first.remove(2);
  const second = await openSpool({ directory, log: quiet });
  assert.deepEqual(second.numbers(), [1, 2, 3, 4], 'what has gone from a file with others comes again');
  assert.equal(first.size().bytes * 4, second.size().bytes * 3);
  for (const [number, id] of [
    [1, 'a'],
    [2, 'b'],
    [3, 'c'],
    [4, 'd'],
  ] as const) {
    const read = (await second.read(number))!;
    assert.deepEqual([read.head.delivery, String(read.body)], [id, `{"of":"${id}","text":"é"}`]);
    await second.remove(number);
  }
  assert.deepEqual([second.size(), await readdir(directory)], [{ count: 0, bytes: 0 }, []]);
  assert.equal(await second.add(delivery('e')), 5);
});

test('a damaged delivery among others is set aside alone', async (t) => {
  const directory = await tempDirectory(t);
  const first = await together(directory);
  const file = path.join(directory, '000000000002.hooks');
  const text = await readFile(file, 'utf8');
  await writeFile(file, text.replace('"delivery":"c"', '"delivery":\'c"'));
  assert.deepEqual([await first.read(3), first.numbers()], [undefined, [1, 2, 4]]);
  assert.equal((await first.read(4))?.head.delivery, 'd');
  assert.match(await readFile(path.join(directory, '000000000003.hook.aside'), 'utf8'), /"delivery":'c"/);
  for (const number of [2, 4]) await first.remove(number);
  assert.deepEqual(await readdir(directory), ['000000000001.hook', '000000000003.hook.aside']);
});

test('a file of several that is not as long as it says is set aside whole, and its number is given to nobody', async (t) => {
  const directory = await tempDirectory(t);
  await together(directory);
  const file = path.join(directory, '000000000002.hooks');
  await truncate(file, (await stat(file)).size - 1);
  const spool = await openSpool({ directory, log: quiet });
  assert.deepEqual(spool.numbers(), [1]);
  assert.match(spool.notes().join(), /set aside .*: 1, in /);
  assert.ok((await spool.add(delivery('e'))) > 2);
});

/** The store on a disk: one process has it (I7), and a write that failed is the last. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { programArgs } from '../../src/package.ts';
import { openLevelStore } from '../../src/store/level-store.ts';
import { openMemoryStore } from '../support/memory-store.ts';
import { StoreError } from '../../src/store/store.ts';
import { openFaultyStore } from '../support/faulty-store.ts';
import { storeContract } from './contract.ts';

const NAMES = ['first', 'second', 'third'];
const temporary = () => mkdtemp(path.join(tmpdir(), 'chartroom-store-'));

storeContract('level', async () => {
  const directory = await temporary();
  let store = await openLevelStore(directory);
  return {
    store,
    reopen: async () => {
      await store.close();
      store = await openLevelStore(directory);
      return store;
    },
    dispose: async () => {
      await store.close();
      await rm(directory, { recursive: true });
    },
  };
});

storeContract('memory', async () => {
  const store = await openMemoryStore();
  return { store, dispose: () => store.close() };
});

test('a store that was closed has nothing in its log that the next start would have to read back', async (t) => {
  const directory = await temporary();
  t.after(() => rm(directory, { recursive: true }));
  const store = await openLevelStore(directory);
  await store.write(NAMES.map((name) => ({ put: name, value: name.repeat(1_000) })));
  await store.close();
  const logs = (await readdir(directory)).filter((name) => name.endsWith('.log'));
  const sizes = await Promise.all(logs.map(async (name) => (await readFile(path.join(directory, name))).length));
  assert.deepEqual(sizes, [0]);
  const again = await openLevelStore(directory);
  assert.equal(again.get('second'), 'second'.repeat(1_000));
  await again.close();
});

test('a second opener is told who holds the store', async () => {
  const directory = await temporary();
  const store = await openLevelStore(directory, 'the runtime “chartroom”');
  await assert.rejects(
    openLevelStore(directory),
    (error: StoreError) =>
      error.code === 'STORE_LOCKED' && error.message.includes(`the runtime “chartroom” (pid ${process.pid})`),
  );
  await store.close();
  await rm(directory, { recursive: true });
});

test('of processes that open a store at once one has it, the others are told who; when it is killed the next has it', async (t) => {
  const directory = await temporary();
  const processes: ChildProcess[] = [];
  t.after(async () => {
    for (const one of processes) one.kill('SIGKILL');
    await rm(directory, { recursive: true });
  });
  const start = (name: string): ChildProcess => {
    const args = programArgs('test/store/holder');
    const child = spawn(process.execPath, [...args, directory, name], { stdio: ['pipe', 'pipe', 'inherit'] });
    processes.push(child);
    return child;
  };
  const said = async (child: ChildProcess): Promise<string> => {
    const [text] = (await once(child.stdout!, 'data')) as [Buffer];
    return text.toString('utf8').trim();
  };

  const racing = NAMES.map(start);
  const answers = await Promise.all(racing.map(said));
  const winner = answers.indexOf('has it');
  assert.equal(answers.filter((answer) => answer === 'has it').length, 1, answers.join('\n'));
  for (const answer of answers.toSpliced(winner, 1)) assert.match(answer, /^STORE_LOCKED .* is in use by /);
  assert.match(await said(start('late')), new RegExp(`is in use by ${NAMES[winner]} \\(pid ${racing[winner]!.pid}\\)`));

  const gone = once(racing[winner]!, 'exit');
  racing[winner]!.kill('SIGKILL');
  await gone;
  assert.equal(await said(start('next')), 'has it', 'no lock outlives its process');
});

test('a table that LevelDB cannot read is named as damage when it is met, not at the start', async () => {
  const directory = await temporary();
  let store = await openLevelStore(directory);
  for (let number = 0; number < 400; number++) {
    await store.write([{ put: `key ${number}`, value: `the same words again and again, `.repeat(20) }]);
  }
  await store.close();
  // LevelDB makes a table of its log when it is opened.
  await (await openLevelStore(directory)).close();
  const table = (await readdir(directory)).find((name) => name.endsWith('.ldb'))!;
  const bytes = await readFile(path.join(directory, table));
  await writeFile(path.join(directory, table), bytes.fill(255, 0, 2_000));

  store = await openLevelStore(directory);
  const isDamage = (error: unknown): boolean =>
    error instanceof StoreError && error.code === 'STORE_DAMAGED' && error.message.startsWith('the store is damaged: ');
  assert.throws(() => store.get('key 0'), isDamage);
  await assert.rejects(async () => {
    for await (const _entry of store.scan({}));
  }, isDamage);
  await store.close();
  await rm(directory, { recursive: true });
});

test('after a failed write no other is tried', async () => {
  const { store, failNextWrite } = await openFaultyStore();
  await store.write([{ put: 'a', value: '1' }]);
  failNextWrite();
  await assert.rejects(store.write([{ put: 'a', value: '2' }]), { code: 'STORE_FAILED' });
  await assert.rejects(store.write([{ put: 'a', value: '3' }]), { code: 'STORE_POISONED' });
  assert.equal(store.get('a'), '1');
  await store.close();
});

/** What a process did without a word is seen by its files. */
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { newestWithin, writtenMs } from '../../src/effects/process/activity.ts';

test('a file that was written later is found however deep it lies; what a link leads to is not looked at', async (t) => {
  const directory = await mkdtemp(path.join(os.tmpdir(), 'activity-'));
  t.after(() => rm(directory, { recursive: true, force: true }));
  const deep = path.join(directory, 'a', 'b', 'c');
  await mkdir(deep, { recursive: true });
  await symlink('/proc', path.join(directory, 'a', 'link'));
  const now = await writtenMs(directory);
  const since = now + 60_000;
  assert.ok((await newestWithin(directory, since)) <= since);
  await writeFile(path.join(deep, 'file'), '');
  await utimes(path.join(deep, 'file'), (since + 5_000) / 1_000, (since + 5_000) / 1_000);
  assert.ok((await newestWithin(directory, since)) > since);
  assert.equal(await newestWithin(path.join(directory, 'none'), since), 0);
});

/** What a process did without a word is seen by its files. */
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { fileTimeMs, wasWrittenWithin } from '../../src/effects/process/activity.ts';

test('a file written since is found however deep it lies; not one of before, of the future or behind a link', async (t) => {
  const directory = await mkdtemp(path.join(os.tmpdir(), 'activity-'));
  t.after(() => rm(directory, { recursive: true, force: true }));
  const worktree = path.join(directory, 'worktree');
  const deep = path.join(worktree, 'a', 'b', 'c');
  await mkdir(deep, { recursive: true });
  const now = await fileTimeMs(path.join(directory, 'probe'));
  const date = async (name: string, ms: number): Promise<void> => {
    await writeFile(name, '');
    await utimes(name, ms / 1_000, ms / 1_000);
  };
  await date(path.join(directory, 'elsewhere'), now + 5_000);
  await symlink(directory, path.join(worktree, 'a', 'link'));
  await date(path.join(deep, 'old'), now - 5_000);
  await date(path.join(deep, 'tomorrow'), now + 86_400_000);
  const span = { fromMs: now + 1_000, toMs: now + 60_000 };
  assert.equal(await wasWrittenWithin(worktree, span), false);
  await date(path.join(deep, 'new'), now + 5_000);
  assert.equal(await wasWrittenWithin(worktree, span), true);
  assert.equal(await wasWrittenWithin(path.join(worktree, 'none'), span), false);
});

/** Silence is told and taken back in order, whatever comes while it is looked into. */
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { folderAt } from '../../src/effects/process/folder.ts';
import type { RunRecord } from '../../src/effects/process/folder.ts';
import { createSilence } from '../../src/effects/process/silence.ts';

async function silenceOf(t: TestContext, keep: (told: RunRecord['silence']) => Promise<void>) {
  const directory = await mkdtemp(path.join(os.tmpdir(), 'silence-'));
  t.after(() => rm(directory, { recursive: true, force: true }));
  const folder = folderAt(directory, 'eng-42-3');
  await mkdir(folder.path, { recursive: true });
  const said: string[] = [];
  const silence = createSilence({
    run: 'eng-42-3',
    folder,
    cwd: path.join(directory, 'none'),
    told: undefined,
    keep,
    say: ({ type }) => said.push(type),
    wait: () => said.push('wait'),
  });
  return { silence, said };
}

test('a line that comes while a silence is looked into ends it before it is told', async (t) => {
  const kept: RunRecord['silence'][] = [];
  const { silence, said } = await silenceOf(t, async (told) => {
    kept.push(told);
    if (told !== undefined) silence.line();
  });
  await silence.look(60_000, 1);
  silence.line();
  assert.deepEqual(said, []);
  assert.deepEqual(kept, [{ nth: 1, lines: 0 }, undefined]);
});

test('a line after a silence is told though the disk takes nothing, and the runtime lives on', async (t) => {
  let isFull = false;
  const { silence, said } = await silenceOf(t, async () => {
    if (isFull) throw new Error('no space left on device');
  });
  await silence.look(60_000, 1);
  isFull = true;
  silence.line();
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(said, ['driver.silent', 'driver.heard']);
});

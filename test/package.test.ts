import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { programArgs } from '../src/package.ts';

test('a program is started as it was built, unless something was compiled since', async (t) => {
  const root = await mkdtemp(path.join(tmpdir(), 'chartroom-package-'));
  t.after(() => rm(root, { recursive: true, force: true }));
  const built = path.join(root, 'dist', 'programs', 'chartroom.js');
  const compiled = path.join(root, 'dist', '.tsbuildinfo');
  const started = (module: string): string => path.relative(root, programArgs(module, root).at(-1)!);
  await mkdir(path.dirname(built), { recursive: true });
  await writeFile(compiled, '');
  assert.equal(started('src/cli/main'), 'dist/src/cli/main.js', 'never built');

  await writeFile(built, '');
  await utimes(compiled, 100, 100);
  assert.equal(started('src/cli/main'), 'dist/programs/chartroom.js');
  assert.deepEqual(programArgs('src/cli/main', root), [built], 'nothing is read beside it');
  assert.equal(started('test/bench/sender'), 'dist/test/bench/sender.js', 'no program that is built');

  await utimes(built, 99, 99);
  assert.equal(started('src/cli/main'), 'dist/src/cli/main.js', 'older than what was compiled');
});

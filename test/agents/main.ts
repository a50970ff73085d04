/**
 * `npm run test:agents`: installs the real programs into a cache folder (never into this project), and drives each
 * against a model on loopback. One that cannot be installed here is skipped, and says so. `--only codex`: no other
 * program is installed; what needs one is skipped. Further words choose test files.
 */
import { existsSync } from 'node:fs';
import { mkdir, readdir } from 'node:fs/promises';
import { homedir } from 'node:os';
import path from 'node:path';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';
import { parseArgs } from 'node:util';
import { execa } from 'execa';
import { FOLDER, PROGRAMS } from './programs.ts';

/** 400 MB through a slow line. */
const INSTALL_MS_MAX = 300_000;

const { values, positionals: wanted } = parseArgs({
  allowPositionals: true,
  options: { only: { type: 'string', multiple: true } },
});

const cache = process.env[FOLDER] ?? path.join(homedir(), '.cache', 'chartroom', 'agents');
process.env[FOLDER] = cache;

for (const [name, { package: whole, version, binary }] of Object.entries(PROGRAMS)) {
  if (values.only !== undefined && !values.only.includes(name)) continue;
  const folder = path.join(cache, name);
  if (existsSync(path.join(folder, 'node_modules', '.bin', binary))) continue;
  process.stderr.write(`installing ${whole}@${version} into ${folder}\n`);
  await mkdir(folder, { recursive: true });
  const args = ['install', '--no-save', '--no-audit', '--no-fund', '--prefix', folder, `${whole}@${version}`];
  const { failed, stderr } = await execa('npm', args, { reject: false, timeout: INSTALL_MS_MAX });
  if (failed) process.stderr.write(`✗ ${whole} could not be installed: ${stderr.slice(-500)}\n`);
}

const files = (await readdir(import.meta.dirname))
  .filter((file) => file.endsWith('.test.js'))
  .filter((file) => wanted.length === 0 || wanted.some((part) => file.includes(part)))
  .map((file) => path.join(import.meta.dirname, file));
process.env['NODE_ENV'] = 'test';
run({ files, concurrency: 1 })
  .on('test:fail', ({ todo }) => {
    if (todo === undefined || todo === false) process.exitCode = 1;
  })
  .compose(new spec())
  .pipe(process.stdout);

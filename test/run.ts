/**
 * The one test command: brings nats-server where it is missing (the journeys need the real one), then runs every
 * compiled test with node's own runner and leaves with its exit code.
 */
import { existsSync, readdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';
import { findNatsServer, installNatsServer } from '../src/bus/server.ts';
import { PACKAGE_ROOT } from '../src/package.ts';

/** Most test files side by side: beyond it the servers and agents they start only take from each other. */
const CONCURRENCY_MAX = 4;
/** One more than there are cores: files that wait for a timer or a process leave theirs to another. */
const CONCURRENCY = Math.min(availableParallelism() + 1, CONCURRENCY_MAX);
/** Whose files take longest, begun first so that the last core is not left alone with one of them. */
const LONGEST = ['journeys', 'simulation', 'scenarios', 'crash'];

const compiled = path.join(PACKAGE_ROOT, 'dist', 'test');
const wanted = process.argv.slice(2);
const rank = (file: string): number => {
  const at = LONGEST.indexOf(file.split(path.sep)[0]!);
  return at === -1 ? LONGEST.length : at;
};
const files = readdirSync(compiled, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.test.js'))
  // What was compiled once and has no source any more is nobody's test.
  .filter((file) => existsSync(path.join(PACKAGE_ROOT, 'test', file.replace(/\.js$/, '.ts'))))
  .filter((file) => wanted.length === 0 || wanted.some((part) => file.includes(part)))
  .sort((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1))
  .map((file) => path.join(compiled, file));

if (files.length === 0) {
  process.stderr.write(`✗ no test file has ${wanted.join(' or ')} in its path\n`);
  process.exit(2);
}
if ((await findNatsServer()) === null) {
  const installed = await installNatsServer((line) => process.stderr.write(`${line}\n`));
  if (!installed.ok) {
    process.stderr.write(`✗ nats-server is missing, and the tests use a real one — run: ${installed.run}\n`);
    process.exit(1);
  }
}

process.env['NODE_ENV'] = 'test';
run({ files, concurrency: CONCURRENCY })
  .on('test:fail', ({ todo }) => {
    if (todo === undefined || todo === false) process.exitCode = 1;
  })
  .compose(new spec())
  .pipe(process.stdout);

/**
 * The one test command: brings nats-server where it is missing (the journeys need the real one), then runs every
 * compiled test with node's own runner and leaves with its exit code.
 */
import { spawn } from 'node:child_process';
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { findNatsServer, installNatsServer } from '../src/bus/server.ts';
import { PACKAGE_ROOT } from '../src/package.ts';

/** Test files side by side: the machine's cores are shared with the servers and agents that tests start. */
const CONCURRENCY = '2';

const root = path.join(PACKAGE_ROOT, 'dist', 'test');
const wanted = process.argv.slice(2);
const files = readdirSync(root, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.test.js'))
  .filter((file) => wanted.length === 0 || wanted.some((part) => file.includes(part)))
  .sort()
  .map((file) => path.join(root, file));

if ((await findNatsServer()) === null) {
  const installed = await installNatsServer((line) => process.stderr.write(`${line}\n`));
  if (!installed.ok) {
    process.stderr.write(`✗ nats-server is missing, and the tests use a real one — run: ${installed.run}\n`);
    process.exit(1);
  }
}

const runner = spawn(
  process.execPath,
  ['--enable-source-maps', '--test', `--test-concurrency=${CONCURRENCY}`, '--test-reporter=spec', ...files],
  { stdio: 'inherit', env: { ...process.env, NODE_ENV: 'test' } },
);
runner.on('exit', (code, signal) => process.exit(signal === null ? (code ?? 1) : 1));

/**
 * The one test command: brings nats-server where it is missing (the journeys need the real one), then runs every
 * compiled test with node's own runner and leaves with its exit code.
 */
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
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
/** Several times what the longest takes beside other work: beyond it something hangs, and is ended. */
const FILE_MS_MAX = 20 * 60_000;
/** What takes longest, folders and files, begun first so that the last core is not left alone with one of them. */
const LONGEST = [
  'simulation',
  'visualizer/page',
  'journeys',
  'effects',
  'scenarios',
  'demo',
  'actor',
  'crash',
  'machines',
  'care',
  'cli/process',
  'drivers',
];
/**
 * Folders whose files share one process: what they load is loaded and made quick once, which halves what they cost.
 * Each of their files still runs alone when it is named.
 */
const TOGETHER = [
  'actor',
  'bridge',
  'bus',
  'care',
  'cli',
  'config',
  'crash',
  'demo',
  'drivers',
  'effects',
  'machines',
  'scenarios',
  'store',
  'visualizer',
];
/** Not with the others of their folder: browsers, runtimes and programs have long lives of their own. */
const ALONE = [
  'cli/process',
  'crash/disk-full',
  'crash/leaving',
  'crash/suspended',
  'scenarios/agent',
  'scenarios/chat',
  'scenarios/input',
  'scenarios/mission',
  'scenarios/session-github',
  'scenarios/session-issue',
  'scenarios/session-pull',
  'visualizer/page',
].map((name) => `${name}.test.js`);

const compiled = path.join(PACKAGE_ROOT, 'dist', 'test');
const wanted = process.argv.slice(2);
const folderOf = (file: string): string => file.split(path.sep)[0]!;
const rank = (file: string): number => {
  const name = file.replace(/^together[/\\]|\.test\.js$/g, '');
  const at = LONGEST.findIndex((long) => long === name || long === folderOf(name));
  return at === -1 ? LONGEST.length : at;
};
const found = readdirSync(compiled, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.test.js'))
  // What was compiled once and has no source any more is nobody's test.
  .filter((file) => existsSync(path.join(PACKAGE_ROOT, 'test', file.replace(/\.js$/, '.ts'))))
  .filter((file) => wanted.length === 0 || wanted.some((part) => file.includes(part)))
  .sort();
const files = (wanted.length === 0 ? together(found) : found)
  .sort((a, b) => rank(a) - rank(b))
  .map((file) => path.join(compiled, file));

/** Puts one file that imports them all in the place of a folder's files. */
function together(each: string[]): string[] {
  const shares = (file: string): boolean => TOGETHER.includes(folderOf(file)) && !ALONE.includes(file);
  rmSync(path.join(compiled, 'together'), { recursive: true, force: true });
  mkdirSync(path.join(compiled, 'together'));
  const folders = TOGETHER.map((folder) => {
    const members = each.filter((file) => shares(file) && folderOf(file) === folder);
    const name = path.join('together', `${folder}.test.js`);
    writeFileSync(path.join(compiled, name), members.map((file) => `import '../${file}';\n`).join(''));
    return name;
  });
  return [...folders, ...each.filter((file) => !shares(file))];
}

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
run({ files, concurrency: CONCURRENCY, timeout: FILE_MS_MAX })
  .on('test:fail', ({ todo }) => {
    if (todo === undefined || todo === false) process.exitCode = 1;
  })
  .compose(new spec())
  .pipe(process.stdout);

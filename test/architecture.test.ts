/** The import rules of docs/architecture.md (I1 among them), read from the sources themselves. */
import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { PACKAGE_ROOT } from '../src/package.ts';

interface Source {
  file: string;
  /** Packages by name, own files by their path from the root. */
  imports: { from: string; typeOnly: boolean }[];
}

const IMPORT =
  /^\s*(?:import|export)\s+(type\s+)?(?:[^'"]*?\sfrom\s+)?['"]([^'"]+)['"]|import\(\s*['"]([^'"]+)['"]\s*\)/gm;

function sources(folder: string): Source[] {
  return readdirSync(path.join(PACKAGE_ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => /\.tsx?$/.test(file) && !file.includes('node_modules'))
    .map((name) => {
      const file = path.posix.join(folder, name);
      const text = readFileSync(path.join(PACKAGE_ROOT, file), 'utf8');
      const imports = [...text.matchAll(IMPORT)].map((match) => {
        const wanted = match[2] ?? match[3]!;
        const from = wanted.startsWith('.') ? path.posix.join(path.posix.dirname(file), wanted) : packageOf(wanted);
        return { from, typeOnly: match[1] !== undefined };
      });
      return { file, imports };
    });
}

const packageOf = (name: string): string =>
  name.startsWith('@') ? name.split('/').slice(0, 2).join('/') : name.split('/')[0]!;

/** Imports that break a rule, as `file imports what`. */
function breaches(all: Source[], isBreach: (source: Source, from: string, typeOnly: boolean) => boolean): string[] {
  return all.flatMap((source) =>
    source.imports
      .filter(({ from, typeOnly }) => isBreach(source, from, typeOnly))
      .map(({ from }) => `${source.file} imports ${from}`),
  );
}

const MACHINES = sources('machines');
const SRC = sources('src');

test('the rules are read from something: the sources are found and their imports seen', () => {
  assert.ok(SRC.length > 100 && MACHINES.length > 30);
  assert.ok(
    SRC.some(({ file, imports }) => file === 'src/actor/step.ts' && imports.some(({ from }) => from === 'xstate')),
  );
});

test('machines import only xstate, zod and each other', () => {
  assert.deepEqual(
    breaches(MACHINES, (_, from) => from !== 'xstate' && from !== 'zod' && !from.startsWith('machines/')),
    [],
  );
});

test('nothing but step.ts and its engine knows xstate', () => {
  const knows = new Set(['src/actor/step.ts', 'src/actor/engine.ts']);
  assert.deepEqual(
    breaches(SRC, ({ file }, from) => from === 'xstate' && !knows.has(file)),
    [],
  );
});

test('only store/ knows level', () => {
  const level = new Set(['level', 'abstract-level', 'classic-level', 'memory-level']);
  assert.deepEqual(
    breaches(SRC, ({ file }, from) => level.has(from) && !file.startsWith('src/store/')),
    [],
  );
});

test('only bus/ knows nats', () => {
  assert.deepEqual(
    breaches(SRC, ({ file }, from) => from === 'nats' && !file.startsWith('src/bus/')),
    [],
  );
});

test('only effects/ and bridge/ know Octokit and Linear, beside the stand-ins', () => {
  const knows = /^src\/(effects|bridge|demo)\//;
  assert.deepEqual(
    breaches(SRC, ({ file }, from) => (from.startsWith('@octokit/') || from === '@linear/sdk') && !knows.test(file)),
    [],
  );
});

test('the stand-ins and the CI know nothing of Chartroom', () => {
  for (const own of ['src/demo/github/', 'src/demo/linear/', 'src/demo/ci']) {
    const standIn = SRC.filter(({ file }) => file.startsWith(own));
    assert.deepEqual(
      breaches(
        standIn,
        (_, from) => (from.startsWith('src/') || from.startsWith('machines/')) && !from.startsWith(own),
      ),
      [],
    );
  }
});

test('the kernel knows neither the bus nor the world: it is given them', () => {
  const kernel = SRC.filter(({ file }) => file.startsWith('src/actor/'));
  const outside = /^src\/(bridge|effects|drivers|cli|visualizer|demo|config)\//;
  assert.deepEqual(
    breaches(kernel, (_, from, typeOnly) => outside.test(from) && !typeOnly),
    [],
  );
});

test('the page takes only types from the rest', () => {
  const page = SRC.filter(({ file }) => file.startsWith('src/visualizer/page/'));
  assert.deepEqual(
    breaches(
      page,
      (_, from, typeOnly) =>
        (from.startsWith('src/') || from.startsWith('machines/')) &&
        !from.startsWith('src/visualizer/page/') &&
        !typeOnly,
    ),
    [],
  );
});

test('the top level holds what it should and nothing else', () => {
  const allowed = new Set([
    'package.json',
    'package-lock.json',
    'tsconfig.json',
    'tsconfig.exports.json',
    'src',
    'machines',
    'test',
    'nats.conf',
    'docs',
    'README.md',
    'node_modules',
    'dist',
    'bench-results',
  ]);
  const found = readdirSync(PACKAGE_ROOT).filter((name) => !name.startsWith('.') && !allowed.has(name));
  assert.deepEqual(found, []);
});

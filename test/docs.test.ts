/** The documentation is held to the code: its commands parse, its links lead somewhere, its keys load, its events exist. */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { CommanderError } from 'commander';
import type { Command } from 'commander';
import { parse } from 'yaml';
import { MACHINES } from '../machines/index.ts';
import { openKeyboard } from '../src/cli/keyboard.ts';
import { createProgram } from '../src/cli/program.ts';
import { realClock } from '../src/clock.ts';
import { loadConfig } from '../src/config/config.ts';
import { configJsonSchema } from '../src/config/json-schema.ts';
import { sampleConfig } from '../src/config/sample.ts';
import { script } from '../src/drivers/scripted/script.ts';
import { PACKAGE_ROOT } from '../src/package.ts';

const PAGES = ['README.md', ...pagesIn('docs')];
const read = (page: string): string => readFileSync(path.join(PACKAGE_ROOT, page), 'utf8');

function pagesIn(folder: string): string[] {
  return readdirSync(path.join(PACKAGE_ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => path.posix.join(folder, name));
}

/** From a heading that begins so up to the next of its level. */
function section(page: string, heading: string): string {
  const [, rest] = read(page).split(`\n## ${heading}`);
  assert.ok(rest !== undefined, `${page} has no section “${heading}”`);
  return rest.split('\n## ')[0]!;
}

const block = (text: string, language: string): string => {
  const found = new RegExp(`\`\`\`${language}\\n([^]*?)\`\`\``).exec(text);
  assert.ok(found !== null, `there is no block of ${language}`);
  return found[1]!;
};

// — commands —

/** Command lines of a text, without the program's name: from blocks, from sentences, and from the rows of a table. */
function commandsOf(text: string): string[] {
  const lines = [...text.matchAll(/^(?:npx )?chartroom (.+?)(?:\s+#.*)?$/gm)].map(([, line]) => line!);
  const rows = text.split('\n').filter((line) => line.startsWith('| `chartroom '));
  const spans = [...text.matchAll(/`(?:npx )?chartroom ([^`\n]+)`/g)].map(([, line]) => line!);
  // In a table the name stands once: what follows `·` in the same cell are commands too.
  const others = rows.flatMap((row) => {
    const cell = row.split(/(?<!\\)\|/)[1]!;
    return [...cell.matchAll(/· `([^`]+)`/g)].map(([, line]) => line!);
  });
  return [...lines, ...spans, ...others];
}

/** What stands for a value that is looked at already when it is read. */
const PLACEHOLDERS: Record<string, string> = { n: '1', t: '2026-11-21T10:00:00Z' };

/** `ps [kind]`, `pause|stop A`: everything optional given, one line for each alternative. */
function spelledOut(command: string): string[] {
  // Square brackets and bars are notation only outside quotes, and never in what a person would really type.
  const words = command.match(/"[^"]*"|'[^']*'|[^\s"']+/g) ?? [];
  return words.reduce<string[]>(
    (lines, word) => {
      const choices = /^["']/.test(word)
        ? [word.slice(1, -1)]
        : word
            .replaceAll(/[[\]]/g, '')
            .split(/\\?\|/)
            .map((one) => PLACEHOLDERS[one] ?? one.replace(/(?<=\w)…$/, ''));
      return lines.flatMap((line) => choices.map((choice) => `${line}\u0000${choice}`));
    },
    [''],
  );
}

const shown = (line: string): string => line.replaceAll('\u0000', ' ').trim();
const NOT_BUILT = new Set(commandsOf(section('docs/protocol.md', '10.')).flatMap(spelledOut));

const quiet = { write: () => true };

/** The real program, whose commands do nothing. */
const newProgram = (): Promise<Command> =>
  createProgram(
    {
      stdout: quiet,
      stderr: quiet,
      env: {},
      cwd: os.tmpdir(),
      clock: realClock,
      open: async () => ({}),
      keyboard: openKeyboard,
      onInterrupt: () => () => {},
      leave: () => {},
    },
    () => Promise.resolve(),
  );

/** What the program says against a command line; null = nothing. */
async function complaintOf(line: string): Promise<string | null> {
  try {
    await (await newProgram()).parseAsync(line.split('\u0000').slice(1), { from: 'user' });
    return null;
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    return error.exitCode === 0 ? null : error.message;
  }
}

test('every command line in the documentation is one', async () => {
  let count = 0;
  for (const page of PAGES) {
    for (const line of commandsOf(read(page)).flatMap(spelledOut)) {
      if (NOT_BUILT.has(line)) continue;
      assert.equal(await complaintOf(line), null, `${page}: chartroom ${shown(line)}`);
      count += 1;
    }
  }
  assert.ok(count > 60, `only ${count} command lines were found`);
});

test('a command that does not exist, a flag too many and a missing argument are found', async () => {
  const wrong = ['frob A', 'ps --frob', 'show', 'show A B', 'hire N', 'at A --seq x', 'hooks list ID', 'purge nothing'];
  for (const line of wrong.flatMap(spelledOut)) assert.notEqual(await complaintOf(line), null, shown(line));
});

test('what the documentation calls not built yet is not built', async () => {
  const promises = [...NOT_BUILT].filter((line) => !shown(line).startsWith('replay '));
  assert.deepEqual(
    commandsOf('- `chartroom frob A`: not yet.').flatMap(spelledOut).map(shown).length,
    1,
    'they are read',
  );
  for (const line of promises) assert.notEqual(await complaintOf(line), null, `chartroom ${shown(line)} is there`);
});

test('every command of the program stands in the protocol', async () => {
  const program = await newProgram();
  const told = commandsOf(section('docs/protocol.md', '6.')).flatMap(spelledOut).map(shown);
  for (const command of program.commands) {
    for (const name of command.commands.length === 0
      ? [command.name()]
      : command.commands.map((inner) => `${command.name()} ${inner.name()}`)) {
      assert.ok(
        told.some((line) => `${line} `.startsWith(`${name} `)),
        `docs/protocol.md §6 does not know chartroom ${name}`,
      );
    }
  }
});

// — links —

/** As GitHub makes them: lower case, without punctuation, blanks as hyphens. */
const anchorOf = (heading: string): string =>
  heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-');

test('every relative link in the documentation leads to something', () => {
  let count = 0;
  for (const page of PAGES) {
    for (const [, target] of read(page).matchAll(/\]\((?!https?:)([^)\s]+)\)/g)) {
      const [file, anchor] = target!.split('#') as [string, string?];
      const full = file === '' ? page : path.posix.join(path.posix.dirname(page), file);
      assert.ok(existsSync(path.join(PACKAGE_ROOT, full)), `${page} links to ${target}`);
      if (anchor !== undefined) {
        const anchors = [...read(full).matchAll(/^#+ (.+)$/gm)].map(([, heading]) => anchorOf(heading!));
        assert.ok(anchors.includes(anchor), `${page} links to ${target}; there are ${anchors.join(', ')}`);
      }
      count += 1;
    }
  }
  assert.ok(count > 10);
});

test('every source file the documentation names is there', () => {
  for (const page of PAGES) {
    for (const [, file] of read(page).matchAll(/`((?:src|machines|test)\/[\w./-]+\.\w+)`/g)) {
      assert.ok(existsSync(path.join(PACKAGE_ROOT, file!)), `${page} names ${file}`);
    }
  }
});

// — invariants —

test('every invariant names the tests that try to break it, and these name the invariant', () => {
  const rows = [...section('docs/architecture.md', 'Invariants').matchAll(/^- \*\*(I\d+)\*\* (.+)$/gm)];
  assert.deepEqual(
    rows.map(([, name]) => name),
    Array.from({ length: 15 }, (_, index) => `I${index + 1}`),
  );
  const told = new Set<string>();
  for (const [, name, text] of rows) {
    const files = [...text!.matchAll(/`(test\/[\w./-]+\.test\.ts)`/g)].map(([, file]) => file!);
    assert.ok(files.length > 0, `${name} names no test`);
    for (const file of files) {
      told.add(`${file} ${name}`);
      assert.ok(invariantsOf(file).includes(name!), `${file} does not say that it is about ${name}`);
    }
  }
  for (const file of testsIn('test')) {
    for (const name of invariantsOf(file)) assert.ok(told.has(`${file} ${name}`), `${name} does not name ${file}`);
  }
});

/** What a test says in its first comment that it is about. */
const invariantsOf = (file: string): string[] =>
  (/^\/\*\*[^]*?\*\//.exec(read(file))?.[0].match(/\bI\d+\b/g) ?? []) as string[];

const testsIn = (folder: string): string[] =>
  readdirSync(path.join(PACKAGE_ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.test.ts'))
    .map((name) => path.posix.join(folder, name));

// — configuration —

const SECRETS = { GITHUB_WEBHOOK_SECRET: 'a', LINEAR_WEBHOOK_SECRET: 'b' };

function load(text: string): ReturnType<typeof loadConfig> {
  const directory = mkdtempSync(path.join(os.tmpdir(), 'chartroom-docs-'));
  try {
    writeFileSync(path.join(directory, 'chartroom.yaml'), text);
    return loadConfig({ env: SECRETS, cwd: directory });
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

test('the configuration of the protocol and the sample load, every key of them', () => {
  const example = block(section('docs/protocol.md', '8.'), 'yaml');
  const config = load(example);
  assert.equal(config.repos[0]?.base, 'main');
  assert.deepEqual(
    config.agents.map(({ name }) => name),
    ['ada', 'susan'],
  );
  assert.ok(load(sampleConfig()).repos.length > 0);
  assert.throws(() => load(`${example}\nfrob: 1\n`), /mistake/);
});

test('every key the configuration knows is told in the protocol', () => {
  const text = section('docs/protocol.md', '8.');
  // Budgets, limits and gates of events, and the timers (named without `Seconds`), are told elsewhere or in a list.
  const inside = new Set(['budgets', 'limits', 'gates', 'timers']);
  const keys = (schema: Schema): string[] =>
    Object.entries(schema.properties ?? {})
      .flatMap(([key, inner]) => [key, ...(inside.has(key) ? [] : keys(inner))])
      .concat(...[schema.items, ...(schema.anyOf ?? [])].map((inner) => (inner === undefined ? [] : keys(inner))));
  const all = [...new Set(keys(configJsonSchema()))];
  assert.ok(all.length > 40, `only ${all.length} keys were found`);
  for (const key of all) assert.match(text, new RegExp(`\\b${key}\\b`), `§8 does not name ${key}`);
});

interface Schema {
  properties?: Record<string, Schema>;
  items?: Schema;
  anyOf?: Schema[];
}

test('the script of a scripted agent in the protocol is one', () => {
  const { runs } = script.parse(parse(block(section('docs/protocol.md', '9.'), 'yaml')));
  assert.equal(runs.length, 3);
});

// — events —

/** Kind → events of the catalogue; those of every actor under “every actor”. `by`: only those that come from these. */
function catalogue(by = /./): Map<string, Set<string>> {
  const kinds = new Map<string, Set<string>>();
  let kind = '';
  for (const line of read('docs/events.md').split('\n')) {
    if (!line.startsWith('| ')) continue;
    const cells = line.split(/(?<!\\)\|/);
    const cell = cells[2] ?? '';
    const heading = /^ \*\*(.+)\*\* $/.exec(cell);
    if (heading !== null) kinds.set((kind = heading[1]!), new Set());
    if (kind === '' || heading !== null || !by.test(cells[4] ?? '')) continue;
    const names = [...cell.matchAll(/`([^`]+)`/g)].map(([, name]) => name!);
    const ends = names.filter((name) => name.startsWith('<act>')).map((name) => name.slice('<act>'.length));
    for (const name of names.filter((one) => !one.startsWith('<act>'))) {
      for (const end of ends.length === 0 ? [''] : ends) kinds.get(kind)!.add(`${name}${end}`);
    }
  }
  return kinds;
}

/** The kernel's own: no machine sees it. */
const KERNEL = new Set(['correct.unpark']);

test('the events in the documentation are those of the machines, no more and no fewer', () => {
  const told = catalogue();
  const all = told.get('every actor')!;
  assert.deepEqual([...told.keys()].sort(), ['every actor', ...MACHINES.map(({ kind }) => kind)].sort());
  for (const { kind, events } of MACHINES) {
    const wanted = [...all, ...told.get(kind)!].filter((name) => !KERNEL.has(name)).sort();
    assert.deepEqual(wanted, Object.keys(events).sort(), kind);
  }
});

test('the corrections that the documentation gives a conductor are those that one may send', () => {
  const told = catalogue(/\bpeople, conductor\b/);
  for (const { kind, events } of MACHINES) {
    const may = Object.keys(events).filter((name) => events[name]!.conductor === true);
    assert.deepEqual([...told.get(kind)!].sort(), may.sort(), kind);
  }
});

// — what the project speaks of —

test('the documentation speaks of the project alone', () => {
  for (const page of PAGES) {
    assert.doesNotMatch(read(page), /\/(?:home|root|Users)\/|localhost:4873|registry\.npmjs|(?:^|\s)#\d+\b/m, page);
  }
});

test('every decision has a number of its own, and none is left out', () => {
  const numbers = pagesIn('docs/decisions').map((page) => Number(path.basename(page).slice(0, 4)));
  assert.deepEqual(
    numbers.toSorted((a, b) => a - b),
    numbers.map((_, place) => place + 1),
  );
});

/** What a machine stores, as its chart and its types say, beside the version that names it (decision 12). */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { MACHINES } from '../../machines/index.ts';
import { outlineOf } from '../../src/check/outline.ts';
import { packageFile } from '../../src/package.ts';

interface Stored {
  version: string;
  states: string;
  timers: string;
  context: string;
}

/** A part that differs says: raise the version of that machine, then write down what the test shows. */
const RECORDED: Record<string, Stored> = {
  agent: { version: '2', states: '1e2547a9ca48', timers: '011a7850a49f', context: 'ba7ddd999ca7' },
  dispatcher: { version: '4', states: '539b9b6a7616', timers: '8a3221e9b2af', context: '1f610191ceb2' },
  mission: { version: '2', states: '2a469046224b', timers: 'd5dc527b4905', context: '63f9a4662cbc' },
  session: { version: '2', states: '81564a5243d1', timers: '69d37f85cf3b', context: 'f6faa291a157' },
};

const MACHINES_DIRECTORY = packageFile('machines');
/** Where a type is declared: its name, and its text without comments. Events are kept as they came, not by their type. */
type Declarations = Map<string, string>;

function sourcesOf(kind: string): string[] {
  const own = path.join(MACHINES_DIRECTORY, kind);
  const of = (directory: string) =>
    readdirSync(directory)
      .filter((name) => name.endsWith('.ts'))
      .toSorted()
      .map((name) => readFileSync(path.join(directory, name), 'utf8'));
  return [...of(MACHINES_DIRECTORY), ...of(own)];
}

/** The machine's own files come last: of two types of a name theirs is meant. */
function declared(sources: readonly string[]): Declarations {
  const found: Declarations = new Map();
  for (const source of sources) {
    const bare = source.replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '');
    // Of several lines up to the brace in the first column, else up to the semicolon.
    const declarations = /^(?:export )?(?:interface|type) (\w+)(?:[^\n]*\{ *\n[^]*?^\}|[^]*?;$)/gm;
    for (const [text, name] of bare.matchAll(declarations)) found.set(name!, text.replace(/\s+/g, ' '));
  }
  return found;
}

/** The type and all that it is made of. */
function contextShape(root: string, sources: readonly string[]): string[] {
  const known = declared(sources);
  assert.ok(known.has(root), `${root} is declared in no file of its machine`);
  const reached = new Set([root]);
  for (const name of reached) {
    for (const [word] of known.get(name)!.matchAll(/\b[A-Z]\w+/g)) if (known.has(word)) reached.add(word);
  }
  return [...reached].toSorted().map((name) => known.get(name)!);
}

const contextOf = (kind: string): string => `${kind[0]!.toUpperCase()}${kind.slice(1)}Context`;
const short = (lines: readonly string[]): string =>
  createHash('sha256').update(lines.join('\n')).digest('hex').slice(0, 12);

for (const definition of MACHINES) {
  const { kind, version } = definition;
  test(`${kind}: version ${version} names what is stored`, () => {
    const { places } = outlineOf(definition);
    const timers = places.flatMap(({ path: place, ways }) =>
      ways.filter(({ by }) => by === 'after').map(({ name }) => `${place}:${name}`),
    );
    const stored: Stored = {
      version,
      states: short(places.map(({ path: place, type }) => `${place} ${type}`)),
      timers: short([...new Set(timers)].toSorted()),
      context: short(contextShape(contextOf(kind), sourcesOf(kind))),
    };
    const recorded = RECORDED[kind];
    const changed = Object.keys(stored).filter(
      (part) => recorded?.[part as keyof Stored] !== stored[part as keyof Stored],
    );
    const raised = recorded !== undefined && recorded.version !== version;
    assert.deepEqual(
      stored,
      recorded,
      `${kind}: ${changed.join(', ')} changed. ${raised ? 'Its version was raised' : `Raise its version (${version}) unless what a store holds means the same as before (docs/decisions/0012-what-raises-a-machine-version.md)`}; then record: ${kind}: ${JSON.stringify(stored)}`,
    );
  });
}

test('a key at any depth of a context is part of what is recorded, a comment is not', () => {
  const sources = sourcesOf('session');
  const shape = (change: (source: string) => string) => short(contextShape('SessionContext', sources.map(change)));
  const before = shape((source) => source);
  const deeper = (source: string) => source.replace('export interface Obligation {', '$&\n  colour: string;');
  const noted = (source: string) => source.replace('export interface Note {', '$&\n  colour?: string;');
  assert.notEqual(shape(deeper), before);
  assert.notEqual(shape(noted), before);
  assert.equal(
    shape((source) => source.replace('export interface Obligation {', '$& // a colour')),
    before,
  );
});

/** The questions of docs/protocol.md §5, on a fleet of lamps. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createQuestions, questionFailure } from '../../src/actor/questions.ts';
import type { QuestionName } from '../../src/actor/questions.ts';
import type { IndexRow } from '../../src/actor/actors.ts';
import type { Definition } from '../../src/actor/state.ts';
import { KEYS } from '../../src/store/keys.ts';
import type { Store } from '../../src/store/store.ts';
import { openFaultyStore } from '../support/faulty-store.ts';
import { lampDefinition } from '../support/lamp.ts';
import { lampNode, turns } from '../support/lamp-node.ts';
import { letter } from '../support/letter.ts';
import { openMemoryStore } from '../support/memory-store.ts';

/** Lamps are found by an issue and an item of a mission, as sessions are. */
const foundLamp = {
  ...lampDefinition,
  project: (view: never) => {
    const projection = lampDefinition.project(view);
    const { since } = view as { since: Record<string, string> };
    const room = projection.refs[0]!.slice('room:'.length);
    return {
      ...projection,
      // Unlike the lamp's own this does not change with every step.
      waitingOn: projection.waitingOn.map((wait) => ({
        ...wait,
        since: since['up.light.off'] ?? since['up.light.on']!,
      })),
      user: room === 'cellar' ? 'ann' : 'dev',
      mission: room === 'attic' ? 'mission/move' : null,
      refs: [...projection.refs, `issue:LAMP-${room}`, `item:mission/move#${room}`],
    };
  },
} as unknown as Definition;

async function openQuestions(of?: Store) {
  const store = of ?? (await openMemoryStore());
  const lamps = lampNode(store, { definitions: [foundLamp] });
  const { node, clock } = lamps;
  await node.load();
  const questions = createQuestions({
    node,
    store,
    clock,
    health: () => Promise.resolve({ ready: true }),
    redact: (text) => text.replaceAll('s3cret-token', '[redacted]'),
    standing: () => [],
  });
  const ask = <Answer>(question: QuestionName, input: unknown = {}): Promise<Answer> =>
    questions[question](input) as Promise<Answer>;
  for (const room of ['attic', 'cellar', 'hall']) {
    await node.send(letter(`lamp/${room}`, 'open', { room }));
    clock.advance(1_000);
  }
  return { ...lamps, store, ask };
}

type Ask = Awaited<ReturnType<typeof openQuestions>>['ask'];
const listed = async (ask: Ask, input: object): Promise<string[]> =>
  (await ask<{ items: IndexRow[] }>('list', input)).items.map(({ address }) => address);

const refused = (ask: Ask, question: QuestionName, input: unknown): Promise<{ status: number; message: string }> =>
  ask(question, input).then(
    () => assert.fail(`${question} should have been refused`),
    (error: unknown) => questionFailure(error),
  );

test('list filters by each of its words', async () => {
  const { node, ask } = await openQuestions();
  await node.send(letter('lamp/hall', 'press'));
  assert.deepEqual(await listed(ask, { phase: 'on' }), ['lamp/hall']);
  assert.deepEqual(await listed(ask, { state: 'light.on' }), ['lamp/hall']);
  assert.deepEqual(await listed(ask, { state: 'up.light.off' }), ['lamp/attic', 'lamp/cellar']);
  assert.deepEqual(await listed(ask, { user: 'ann' }), ['lamp/cellar']);
  assert.deepEqual(await listed(ask, { mission: 'mission/move' }), ['lamp/attic']);
  assert.deepEqual(await listed(ask, { mission: 'move' }), ['lamp/attic']);
  assert.deepEqual(await listed(ask, { text: 'LAMP OF CELL' }), ['lamp/cellar']);
  assert.deepEqual(await listed(ask, { kind: 'session' }), []);
  assert.equal((await listed(ask, { kind: 'lamp' })).length, 3);
});

test('list begins with whom a person has kept waiting longest, and pages without gap or repeat', async () => {
  const { node, clock, ask } = await openQuestions();
  assert.deepEqual(await listed(ask, {}), ['lamp/attic', 'lamp/cellar', 'lamp/hall']);
  clock.advance(1_000);
  await node.send(letter('lamp/attic', 'press'));
  const pages: string[] = [];
  let cursor: string | null = null;
  do {
    const page: { items: IndexRow[]; next: string | null } = await ask('list', {
      limit: 2,
      ...(cursor === null ? {} : { cursor }),
    });
    pages.push(...page.items.map(({ address }) => address));
    cursor = page.next;
  } while (cursor !== null);
  assert.deepEqual(pages, ['lamp/cellar', 'lamp/hall', 'lamp/attic']);
});

test('a list goes on behind the place where it was, whatever became of the actor that stood there', async () => {
  const { node, clock, ask } = await openQuestions();
  const first = await ask<{ items: IndexRow[]; next: string }>('list', { limit: 1 });
  assert.deepEqual(
    first.items.map(({ address }) => address),
    ['lamp/attic'],
  );
  clock.advance(1_000);
  // The last one shown goes to the end: the others are still to come, and it is seen again rather than never.
  await node.send(letter('lamp/attic', 'press'));
  const rest = { limit: 5, cursor: first.next };
  assert.deepEqual(await listed(ask, rest), ['lamp/cellar', 'lamp/hall', 'lamp/attic']);
  await node.send(letter('lamp/hall', 'end'));
  assert.deepEqual(await listed(ask, rest), ['lamp/cellar', 'lamp/attic', 'lamp/hall']);
  assert.deepEqual(await refused(ask, 'list', { cursor: 'attic' }), {
    status: 400,
    message: 'cursor: must be the “next” of an earlier answer',
  });
});

test('a portion of the list reads its own rows and those that moved, not all there are', async () => {
  const { node, store, ask } = await openQuestions();
  await listed(ask, {});
  const readKeys: string[] = [];
  const { get, scan } = store;
  store.get = (key) => {
    readKeys.push(key);
    return get(key);
  };
  store.scan = (range) => {
    readKeys.push(`scan from ${range.gte}`);
    return scan(range);
  };
  const rowsRead = (): string[] => readKeys.splice(0).filter((key) => /!index!|^scan/.test(key));
  await listed(ask, { limit: 1 });
  assert.deepEqual(rowsRead(), ['0!index!lamp/attic']);
  assert.deepEqual(await listed(ask, { phase: 'on' }), []);
  await node.send(letter('lamp/hall', 'press'));
  readKeys.length = 0;
  assert.deepEqual(await listed(ask, { kind: 'lamp', phase: 'on' }), ['lamp/hall']);
  assert.deepEqual(rowsRead(), ['0!index!lamp/hall', '0!index!lamp/hall']);
});

test('list says when each took its last step, also where nothing else in its row is new', async () => {
  const { node, clock, ask } = await openQuestions();
  clock.advance(60_000);
  const { at } = await node.send(letter('lamp/hall', 'fyi', { text: 'a note' }));
  const { items } = await ask<{ items: IndexRow[] }>('list', { text: 'hall' });
  assert.equal(items[0]!.updatedAt, at);
});

test('an actor is found by its address, an outside name, an item of a mission, or a name that fits one', async () => {
  const { ask } = await openQuestions();
  for (const name of ['lamp/attic', 'LAMP-attic', 'mission/move#attic', 'move#attic', 'attic']) {
    assert.equal((await ask<{ address: string }>('show', { actor: name })).address, 'lamp/attic', name);
  }
  assert.deepEqual(await refused(ask, 'show', { actor: 'garden' }), { status: 404, message: 'there is no “garden”' });
  assert.equal((await refused(ask, 'show', { actor: 'lamp/garden' })).status, 404);
  assert.equal((await refused(ask, 'show', { actors: 'lamp/attic' })).status, 400);
});

test('at shows an actor as it was, by step and by time', async () => {
  const { node, clock, ask } = await openQuestions();
  const born = new Date(clock.now()).toISOString();
  clock.advance(1_000);
  await node.send(letter('lamp/hall', 'press'));
  clock.advance(1_000);
  await node.send(letter('lamp/hall', 'dim', { to: 7 }));
  const at = (input: object) =>
    ask<{ seq: number; phase: string; context: { level: number } }>('at', { actor: 'lamp/hall', ...input });
  assert.equal((await at({ seq: 1 })).phase, 'off');
  assert.equal((await at({ seq: 2 })).phase, 'on');
  assert.equal((await at({ seq: 2 })).context.level, 50);
  assert.equal((await at({ seq: 3 })).context.level, 7);
  assert.equal((await at({ time: born })).seq, 1);
  assert.equal((await at({ time: '2999-01-01T00:00:00Z' })).seq, 3);
  assert.equal((await refused(ask, 'at', { actor: 'lamp/hall', time: '2000-01-01T00:00:00Z' })).status, 404);
  assert.equal((await refused(ask, 'at', { actor: 'lamp/hall', seq: 4 })).status, 404);
  assert.equal((await refused(ask, 'at', { actor: 'lamp/hall' })).status, 400);
});

test('a receipt can be asked for again: known, pending, or nothing known', async () => {
  const { node, ask } = await openQuestions();
  const press = letter('lamp/hall', 'press');
  const receipt = await node.send(press);
  const asked = (id: string) => ask<{ state: string; receipt: unknown }>('receipt', { actor: 'lamp/hall', id });
  assert.deepEqual(await asked(press.id), { state: 'known', receipt });
  const no = letter('lamp/hall', 'dim', { to: 500 });
  assert.deepEqual(await asked((await node.send(no)).id), {
    state: 'known',
    receipt: await node.send(no).then((again) => ({ ...again, duplicate: false })),
  });
  assert.deepEqual(await asked('nobody-sent-this'), { state: 'unknown', receipt: null });
  void node.send(letter('lamp/hall', 'break'), { door: 'mail' });
  const held = letter('lamp/hall', 'press');
  void node.send(held, { door: 'mail' });
  await node.quiet();
  assert.deepEqual(await asked(held.id), { state: 'pending', receipt: null });
  assert.equal((await ask<{ waiting: unknown[] }>('mail', { actor: 'lamp/hall' })).waiting.length, 2);
});

test('a receipt of what was stepped and is not durable yet is pending', async () => {
  const { store, holdWrites } = await openFaultyStore();
  const { node, ask } = await openQuestions(store);
  const press = letter('lamp/hall', 'press');
  const release = holdWrites();
  const sent = node.send(press);
  await turns();
  assert.deepEqual(node.waiting('lamp/hall'), []);
  const question = { actor: 'lamp/hall', id: press.id };
  assert.deepEqual(await ask('receipt', question), { state: 'pending', receipt: null });
  release();
  const receipt = await sent;
  assert.deepEqual(await ask('receipt', question), { state: 'known', receipt });
});

test('history tells each step as its receipt did, and what became of its acts', async () => {
  const { node, ask } = await openQuestions();
  const receipts = [
    await node.send(letter('lamp/hall', 'press')),
    await node.send(letter('lamp/hall', 'press')),
    await node.send(letter('lamp/hall', 'fyi', { text: 'a note' })),
  ];
  await node.answer('lamp/hall/3/0', 'pull.say.done', {});
  const { entries, last } = await ask<{
    last: number;
    entries: { seq: number; before: unknown; after: unknown; waitingOn: unknown; effects: { state: string }[] }[];
  }>('history', { actor: 'lamp/hall' });
  assert.equal(last, 5);
  for (const receipt of receipts) {
    const { before, after, waitingOn } = entries[receipt.seq! - 1]!;
    assert.deepEqual(
      { before, after, waitingOn },
      { before: receipt.before, after: receipt.after, waitingOn: receipt.waitingOn },
    );
  }
  assert.deepEqual(
    entries[2]!.effects.map(({ state }) => state),
    ['done'],
  );
  const part = await ask<{ entries: { seq: number }[] }>('history', { actor: 'lamp/hall', from: 2, limit: 2 });
  assert.deepEqual(
    part.entries.map(({ seq }) => seq),
    [2, 3],
  );
});

test('dead letters are listed newest first, of all or of one', async () => {
  const { node, ask } = await openQuestions();
  await node.send(letter('lamp/hall', 'explode'));
  await node.send(letter('lamp/attic', 'dim', { to: 500 }));
  const of = async (input: object): Promise<string[]> =>
    (await ask<{ letters: { receipt: { actor: string } }[] }>('dead', input)).letters.map(
      ({ receipt }) => receipt.actor,
    );
  assert.deepEqual(await of({}), ['lamp/attic', 'lamp/hall']);
  assert.deepEqual(await of({ actor: 'hall' }), ['lamp/hall']);
  assert.deepEqual(await of({ limit: 1 }), ['lamp/attic']);
});

test('the chart of a kind is drawn with its events; an unknown kind or version is named', async () => {
  const { ask } = await openQuestions();
  const chart = JSON.stringify(await ask('chart', { kind: 'lamp' }));
  assert.match(chart, /Lit; goes out by itself/);
  assert.match(JSON.stringify(await ask('chart', { kind: 'lamp', events: true })), /"dim"/);
  assert.match((await refused(ask, 'chart', { kind: 'torch' })).message, /kinds: lamp/);
  assert.match((await refused(ask, 'chart', { kind: 'lamp', version: '9' })).message, /only 1/);
});

test('secrets are replaced in what is shown', async () => {
  const { node, ask } = await openQuestions();
  await node.send(letter('lamp/hall', 'fyi', { text: 'it is s3cret-token' }));
  const shown = JSON.stringify(await ask('show', { actor: 'lamp/hall' }));
  assert.match(shown, /it is \[redacted\]/);
  assert.doesNotMatch(shown, /s3cret-token/);
});

test('send is a step and preview is none; both name what is wrong with an envelope', async () => {
  const { ask, phase } = await openQuestions();
  const press = letter('lamp/hall', 'press');
  const preview = await ask('preview', press);
  assert.equal(await phase('lamp/hall'), 'off');
  assert.deepEqual(await ask('send', press), preview);
  assert.equal(await phase('lamp/hall'), 'on');
  assert.equal((await refused(ask, 'send', { ...press, specversion: '0.3' })).status, 400);
});

test('a row of the index that cannot be read is listed as unreadable, and the others as they are', async () => {
  const { store, ask } = await openQuestions();
  await store.write([{ put: KEYS.index('lamp/cellar'), value: '{"address":' }]);
  for (const input of [{}, { text: 'lamp' }]) {
    const { items } = await ask<{ items: IndexRow[] }>('list', input);
    assert.deepEqual(items.map(({ address, phase }) => `${address} ${phase}`).sort(), [
      'lamp/attic off',
      'lamp/cellar unreadable',
      'lamp/hall off',
    ]);
  }
});

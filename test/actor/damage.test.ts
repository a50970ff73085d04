/** A journal that is not whole: its actor alone is set aside, named with step and batch, and not a byte of it changes. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Committed } from '../../src/actor/node.ts';
import type { Receipt } from '../../src/actor/receipt.ts';
import { replayBatchesOf } from '../../src/actor/verify.ts';
import { KEYS, SPACES } from '../../src/store/keys.ts';
import { StoreError } from '../../src/store/store.ts';
import type { Operation, Store } from '../../src/store/store.ts';
import { lampNode, turns } from '../support/lamp-node.ts';
import type { LampNode } from '../support/lamp-node.ts';
import { letter } from '../support/letter.ts';
import { openMemoryStore } from '../support/memory-store.ts';

const PRESSES = 11;

/** Two lamps, one of which is lit and has a timer; one entry for each batch. */
async function lived(): Promise<Store> {
  const store = await openMemoryStore();
  const { node } = lampNode(store);
  await node.load();
  for (const name of ['a', 'b']) await node.send(letter(`lamp/${name}`, 'open', { room: name }));
  for (let press = 0; press < PRESSES; press++) await node.send(letter('lamp/a', 'press'));
  await node.stop();
  return store;
}

/** Rows that say what lamp/a is; mail that waits for it and what it was asked may come on top. */
async function rowsOf(store: Store): Promise<[string, string][]> {
  const rows: [string, string][] = [];
  for await (const row of store.scan({})) {
    const isOnTop = ['!mail!', '!seen!', '!damaged!'].some((space) => row[0].startsWith(space, 1));
    if (row[0].includes('!lamp/a') && !isOnTop) rows.push(row);
  }
  return rows;
}

async function started(store: Store): Promise<LampNode> {
  const lamps = lampNode(store);
  await lamps.node.load();
  lamps.node.releaseTimers();
  return lamps;
}

const entry = KEYS.journal('lamp/a', 9);
const MAIL = KEYS.mail('lamp/a', 7);
const altered = (store: Store, change: (entry: Record<string, unknown>) => void): Operation[] => {
  const value = JSON.parse(store.get(entry)!) as Record<string, unknown>;
  change(value);
  return [{ put: entry, value: JSON.stringify(value) }];
};

const DAMAGES: [string, (store: Store) => Operation[], RegExp][] = [
  ['a gap', () => [{ del: entry }], /its journal has no entry 9, and its last step was 12 \(batch 10\)/],
  ['its last entry lost', () => [{ del: KEYS.journal('lamp/a', 12) }], /has no entry 12, .* was 12 \(batch 13\)/],
  [
    'a truncated entry',
    (store) => [{ put: entry, value: store.get(entry)!.slice(0, 40) }],
    /entry 9 of its journal is not JSON \(batch 10\)/,
  ],
  [
    'an entry of another actor',
    (store) => [{ put: entry, value: store.get(KEYS.journal('lamp/b', 1))! }],
    /entry 9 of its journal is of lamp\/b \(batch 10\)/,
  ],
  [
    'an entry that no step wrote',
    (store) => [{ put: KEYS.journal('lamp/a', 13), value: store.get(KEYS.journal('lamp/a', 12))! }],
    /entry 13 of its journal is of no step: its last was 12/,
  ],
  ['something foreign', () => [{ put: entry, value: '{"hello":1}' }], /entry 9 .* something else than an entry/],
  ['a number', () => [{ put: entry, value: '7' }], /entry 9 .* is no object/],
  [
    'an unknown version',
    (store) => altered(store, (value) => (value['version'] = '9')),
    /entry 9 of its journal was written by version 9 of its machine, this is 1 \(batch 10\)/,
  ],
  [
    'a change that does not fit',
    (store) => altered(store, (value) => (value['change'] = { patch: 7 })),
    /entry 9 of its journal .* \(batch 10\)/,
  ],
  ['a snapshot that is none', () => [{ put: KEYS.snapshot('lamp/a'), value: '{"seq":' }], /its snapshot is not JSON/],
  [
    'mail that is not JSON',
    () => [{ put: MAIL, value: '{"door":"mail","enve' }],
    /row 7 of its stored mail is no mail/,
  ],
  ['mail that is none', () => [{ put: MAIL, value: '{"door":"window","envelope":{}}' }], /row 7 of its stored mail/],
  [
    'a reason to be parked that is none',
    () => [{ put: KEYS.parked('lamp/a'), value: '{' }],
    /why it was parked is not/,
  ],
  [
    'an outbox that names what is not there',
    () => [{ put: KEYS.outbox('lamp/a', 40, 0), value: '' }],
    /its outbox names entry 40, which its journal does not have/,
  ],
];

/** Facts that an actor is parked, with the sentences in them counted. */
const parkings = (committed: Committed[]): [string, number][] => {
  const facts = committed.flatMap((batch) => batch.facts).filter(({ type }) => type === 'actor.parked');
  return facts.length === 0 ? [] : [[facts[0]!.actor, facts.length]];
};

for (const [name, damage, sentence] of DAMAGES) {
  test(`${name}: the actor is left as it is and named, the other goes on`, async () => {
    const store = await lived();
    await store.write(damage(store));
    const before = await rowsOf(store);
    const mail = store.get(MAIL);
    for (const space of ['!outbox!', '!timer!'])
      assert.ok(
        before.some(([key]) => key.includes(space)),
        space,
      );

    const { node, clock, phase, committed } = await started(store);
    await turns();
    clock.advance(24 * 3_600_000);
    await turns();
    const said: Receipt[] = [];
    for (const type of ['press', 'correct.unpark']) said.push(await node.send(letter('lamp/a', type)));
    const told = node.send(letter('lamp/a', 'press'), { door: 'mail' });
    const other = await node.send(letter('lamp/b', 'press'));
    await node.quiet();

    for (const { outcome, code, reason } of said) {
      assert.deepEqual([outcome, code], ['refused', 'parked']);
      assert.match(reason!, sentence);
      assert.match(reason!, /only a backup has it whole: chartroom restore-store/);
    }
    assert.match(node.actors.listDamaged().join(), sentence);
    assert.equal(other.outcome, 'taken');
    assert.notEqual(await phase('lamp/b'), 'unreadable');
    const acts = committed.flatMap((batch) => batch.acts).map(({ actor }) => actor);
    assert.ok(!acts.includes('lamp/a'), 'nothing is done for it');
    assert.deepEqual(await rowsOf(store), before);
    assert.equal(store.get(MAIL), mail);
    assert.deepEqual(parkings(committed), [['lamp/a', 1]]);
    assert.equal(node.oldestTimerMs(), 0, 'its timers make nobody wait');
    assert.equal(node.waiting('lamp/a').length, 1, 'mail for it waits');
    void told;
    await node.stop();

    const again = await started(store);
    await again.node.quiet();
    assert.deepEqual(parkings(again.committed), [], 'it was told');
    assert.match((await again.node.send(letter('lamp/a', 'press'))).reason!, sentence);
    assert.equal(again.node.waiting('lamp/a').length, 1);
    await again.node.stop();
  });
}

test('the batches of one actor say which of them is not what was written', async () => {
  const store = await lived();
  assert.deepEqual(await replayBatchesOf(store, 'lamp/a'), []);
  await store.write([{ put: entry, value: store.get(entry)!.replace('"press"', '"dress"') }]);
  assert.deepEqual(await replayBatchesOf(store, 'lamp/a'), [
    'batch 10 (lamp/a 9) does not have the hash it was written with',
  ]);
  assert.deepEqual(await replayBatchesOf(store, 'lamp/b'), []);
  await store.write([{ del: entry }]);
  assert.deepEqual(await replayBatchesOf(store, 'lamp/a'), ['batch 10 holds step 9 of lamp/a, the journal does not']);
});

test('a store whose builder noted no step numbers still opens', async () => {
  const store = await lived();
  const at = store.get(KEYS.stepped('lamp/a'))!.split(' ')[0]!;
  await store.write([{ put: KEYS.stepped('lamp/a'), value: at }]);
  const { node } = await started(store);
  assert.equal((await node.send(letter('lamp/a', 'press'))).outcome, 'taken');
  assert.equal(store.get(KEYS.stepped('lamp/a'))!.split(' ')[1], String(PRESSES + 2));
  for await (const [key] of store.scan(SPACES.dead)) assert.fail(key);
  await node.stop();
});

/** A store of which some rows lie in a block that cannot be read. */
const unreadable = (store: Store, bad: (key: string) => boolean): Store => ({
  ...store,
  get(key) {
    if (bad(key)) throw new StoreError('STORE_DAMAGED', 'the store is damaged: corrupted block contents');
    return store.get(key);
  },
});

test('an actor whose rows the store cannot read is set aside alone', async () => {
  const { node } = await started(unreadable(await lived(), (key) => key.startsWith('0!journal!lamp/a')));
  const { outcome, code, reason } = await node.send(letter('lamp/a', 'press'));
  assert.deepEqual([outcome, code], ['refused', 'parked']);
  assert.match(reason!, /its rows cannot be read: the store is damaged: corrupted block contents; only a backup/);
  assert.equal((await node.send(letter('lamp/b', 'press'))).outcome, 'taken');
  await node.stop();
});

test('where what a step needs cannot be read, the node ends with the damage named, and no actor is blamed', async () => {
  const { node, committed } = await started(unreadable(await lived(), (key) => key.startsWith('0!seen!lamp/a')));
  const lost = node.send(letter('lamp/a', 'press'));
  lost.catch(() => {});
  await assert.rejects(node.failed, { code: 'STORE_DAMAGED' });
  await assert.rejects(lost, { code: 'STORE_DAMAGED' });
  assert.deepEqual(parkings(committed), []);
});

const SEEN: [string, string, RegExp][] = [
  ['is cut short', '{"until":"2026', /the row of that id is not JSON/],
  ['is a number', '7', /the row of that id is no object/],
  ['is something else', '{"hello":1}', /the row of that id has no receipt/],
  ['names what is not there', '{"until":"x","seq":99}', /has no entry 99/],
  ['names another’s entry', '{"until":"x","seq":1}', /names entry 1, which is of /],
];

for (const [what, value, sentence] of SEEN) {
  test(`a row of ids seen that ${what}: the one letter waits, named with what to do, and set aside it is in nobody’s way`, async () => {
    const store = await lived();
    const press = letter('lamp/a', 'press');
    await store.write([{ put: KEYS.seen('lamp/a', press.id), value }]);
    const { node } = await started(store);
    void node.send(press, { door: 'mail' });
    await node.quiet();
    const { reason } = await node.send(letter('lamp/a', 'press'));
    assert.match(reason!, sentence);
    assert.ok(reason!.includes(`whether lamp/a has taken ${press.id} already cannot be read`), reason!);
    assert.match(reason!, /chartroom history lamp\/a; unpark --skip sets it aside/);
    assert.equal((await node.send(letter('lamp/b', 'press'))).outcome, 'taken');
    assert.equal((await node.settled('lamp/a'))!.stood!.live.state.seq, PRESSES + 1, 'it was not taken');

    assert.equal((await node.send(letter('lamp/a', 'correct.unpark', { skip: true }))).outcome, 'taken');
    assert.equal((await node.send(letter('lamp/a', 'press'))).outcome, 'taken');
    const again = await node.send(press);
    assert.deepEqual([again.outcome, again.duplicate], ['refused', true], 'its row can be read again');
    await node.stop();
  });
}

test('timers that cannot be looked for end the node with the damage named', async () => {
  const store = await lived();
  const { node } = lampNode({
    ...store,
    async *scan(range) {
      if (range.gte === SPACES.timer.gte) throw new StoreError('STORE_DAMAGED', 'the store is damaged: a block');
      yield* store.scan(range);
    },
  });
  await node.load();
  node.releaseTimers();
  await assert.rejects(node.failed, { code: 'STORE_DAMAGED' });
});

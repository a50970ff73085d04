/** A process that dies at any write leaves all of a batch or nothing (I3), and a restart goes on from there (I4, I10). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Envelope } from '../../src/actor/envelope.ts';
import { decodeEntry } from '../../src/actor/journal.ts';
import type { Receipt } from '../../src/actor/receipt.ts';
import { verifyStore } from '../../src/actor/verify.ts';
import { KEYS, SPACES, keyParts } from '../../src/store/keys.ts';
import type { Store } from '../../src/store/store.ts';
import { lampNode } from '../support/lamp-node.ts';
import { letter } from '../support/letter.ts';
import { openMemoryStore } from '../support/memory-store.ts';

/** Dies at the n-th write: before anything of it is on disk, or when all of it is and nobody was told. */
function dying(store: Store, atWrite: number, when: 'before' | 'after'): Store {
  let writes = 0;
  return {
    ...store,
    async write(operations) {
      writes += 1;
      if (writes > atWrite) throw new Error('no write is tried after one has failed');
      if (writes < atWrite || when === 'after') await store.write(operations);
      if (writes === atWrite) throw new Error('the process died');
    },
  };
}

const story = (): Envelope[] => [
  letter('lamp/a', 'open', { room: 'a' }),
  letter('lamp/b', 'open', { room: 'b' }),
  letter('lamp/a', 'press'),
  letter('lamp/c', 'open', { room: 'a' }),
  letter('lamp/a', 'ring', { to: 'lamp/b' }),
  letter('lamp/a', 'press'),
  letter('lamp/a', 'dim', { to: 500 }),
  letter('lamp/a', 'end'),
  letter('lamp/c', 'open', { room: 'a' }, { id: 'again' }),
];

/** Sends one after the other until the store fails; receipts of those that were answered. */
async function play(store: Store, letters: Envelope[]): Promise<Map<string, Receipt>> {
  const { node } = lampNode(store);
  await node.load();
  const receipts = new Map<string, Receipt>();
  for (const one of letters) {
    const receipt = await Promise.race([node.send(one), node.failed]).catch(() => null);
    if (receipt === null) return receipts;
    receipts.set(one.id, receipt);
  }
  await Promise.race([node.stop(), node.failed]).catch(() => {});
  return receipts;
}

/** What holds of a store at any time: rows that must agree with each other. */
async function assertWhole(store: Store): Promise<void> {
  assert.deepEqual((await verifyStore(store)).differences, []);
  const claims = new Map<string, string>();
  for await (const [key, holder] of store.scan(SPACES.claim)) claims.set(keyParts(key, 1)[0]!, holder);
  for (const address of ['lamp/a', 'lamp/b', 'lamp/c']) {
    const { node } = lampNode(store);
    const { stood } = node.actors.get(address);
    for (const claim of stood?.live.state.claims ?? []) {
      assert.equal(claims.get(claim), address);
      claims.delete(claim);
    }
    for (const [name, { due }] of Object.entries(stood?.live.state.timers ?? {}))
      assert.notEqual(store.get(KEYS.timer(due, address, name)), undefined, `${address} has its timer ${name}`);
  }
  assert.deepEqual([...claims], [], 'no claim without its holder');
  for await (const [key] of store.scan(SPACES.outbox)) {
    const [address, seq, index] = keyParts(key, 3) as [string, string, string];
    const entry = decodeEntry(store.get(KEYS.journal(address, Number(seq)))!);
    assert.ok('act' in entry.effects[Number(index)]!, `${key} is an act of its entry`);
  }
  for await (const [key, value] of store.scan(SPACES.seen)) {
    const [address, id] = keyParts(key, 2) as [string, string];
    const { seq } = JSON.parse(value) as { seq?: number };
    if (seq !== undefined) assert.equal(decodeEntry(store.get(KEYS.journal(address, seq))!).envelope.id, id);
  }
}

/** Everything but when it was written, and in which batch. */
async function outcomeOf(store: Store): Promise<[string, unknown][]> {
  const rows: [string, unknown][] = [];
  for await (const [key, value] of store.scan(SPACES.journal)) rows.push([key, value]);
  for await (const [key, value] of store.scan(SPACES.claim)) rows.push([key, value]);
  for await (const [key] of store.scan(SPACES.mail)) rows.push([key, 'waits']);
  for await (const [key] of store.scan(SPACES.outbox)) rows.push([key, 'waits']);
  return rows;
}

test('a crash at any write leaves a whole store, and sending again gives the first receipts and the same end', async () => {
  const letters = story();
  const undisturbed = await openMemoryStore();
  const expected = await play(undisturbed, letters);
  const end = await outcomeOf(undisturbed);
  assert.equal(expected.size, letters.length);
  for (const when of ['before', 'after'] as const) {
    let survived = false;
    for (let atWrite = 1; !survived; atWrite++) {
      const store = await openMemoryStore();
      const before = await play(dying(store, atWrite, when), letters);
      survived = before.size === letters.length;
      await assertWhole(store);
      const after = await play(store, letters);
      await assertWhole(store);
      for (const [id, receipt] of before) {
        assert.deepEqual(after.get(id), { ...receipt, duplicate: true }, `${id}, ${when} write ${atWrite}`);
      }
      for (const [id, receipt] of after) {
        assert.deepEqual({ ...receipt, duplicate: false }, expected.get(id), `${id}, ${when} write ${atWrite}`);
      }
      assert.deepEqual(await outcomeOf(store), end, `${when} write ${atWrite}`);
    }
  }
});

test('a parked actor with a full mailbox and a flooded one let the others have their turn in the next batch', async () => {
  const store = await openMemoryStore();
  const { node, committed } = lampNode(store);
  await node.load();
  for (const name of ['parked', 'flooded', 'other']) await node.send(letter(`lamp/${name}`, 'open', { room: name }));
  void node.send(letter('lamp/parked', 'break'), { door: 'mail' });
  await node.quiet();
  for (let count = 0; count < 2_000; count++) {
    void node.send(letter('lamp/parked', 'press'), { door: 'mail' });
    void node.send(letter('lamp/flooded', 'press'), { door: 'mail' });
  }
  const receipt = node.send(letter('lamp/other', 'press'));
  const batches = committed.length;
  assert.equal((await receipt).outcome, 'taken');
  assert.ok(committed.length - batches <= 2, `it took ${committed.length - batches} batches`);
  await node.quiet();
  assert.equal(node.waiting('lamp/parked').length, 2_001);
  assert.equal(node.waiting('lamp/flooded').length, 0);
});

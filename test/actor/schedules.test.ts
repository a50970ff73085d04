/**
 * Many actors at once, in random schedules, over a store that dies at some write: each actor's letters in order (I2),
 * batches whole (I3), one answer for every act (I5), claims as the states say (I8), each timer once and stored mail
 * before it (I9), and the same answer for the same id (I10).
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Envelope } from '../../src/actor/envelope.ts';
import { decodeEntry } from '../../src/actor/journal.ts';
import type { JournalEntry } from '../../src/actor/journal.ts';
import type { Node } from '../../src/actor/node.ts';
import type { Receipt } from '../../src/actor/receipt.ts';
import { verifyStore } from '../../src/actor/verify.ts';
import { createFakeClock } from '../../src/clock.ts';
import type { FakeClock } from '../../src/clock.ts';
import { SPACES, keyParts } from '../../src/store/keys.ts';
import type { Store } from '../../src/store/store.ts';
import { lampNode, turns } from '../support/lamp-node.ts';
import { letter } from '../support/letter.ts';
import { openMemoryStore } from '../support/memory-store.ts';

const LAMPS = ['lamp/a', 'lamp/b', 'lamp/c', 'lamp/d'] as const;

type Happening = { to: string; type: string; data: Record<string, unknown> } | 'turn' | 'wait' | 'answer' | 'again';

const happening: fc.Arbitrary<Happening> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc
      .tuple(
        fc.constantFrom(...LAMPS),
        fc.constantFrom(
          { type: 'open', data: { room: 'hall' } },
          { type: 'open', data: { room: 'attic' } },
          { type: 'press', data: {} },
          { type: 'press', data: {} },
          { type: 'press', data: {} },
          { type: 'dim', data: { to: 500 } },
          { type: 'fyi', data: { text: 'a note' } },
          { type: 'ring', data: { to: 'lamp/b' } },
          { type: 'end', data: {} },
        ),
      )
      .map(([to, word]) => ({ to, ...word })),
  },
  { weight: 3, arbitrary: fc.constantFrom<Happening>('turn', 'wait', 'answer', 'again') },
);

/** Dies at the n-th write, with nothing of it on the disk or with all of it and nobody told. */
function dying(store: Store, atWrite: number, isWritten: boolean): Store {
  let writes = 0;
  return {
    ...store,
    async write(operations) {
      writes += 1;
      if (writes < atWrite || (writes === atWrite && isWritten)) await store.write(operations);
      if (writes >= atWrite) throw new Error('the process died');
    },
  };
}

interface World {
  clock: FakeClock;
  /** Everything anybody ever sent, in order. */
  sent: Envelope[];
  receipts: Map<string, Receipt>;
  /** How often each act’s answer was taken. */
  answered: Map<string, number>;
}

/** One process, from its start to its orderly end or, true, its death. */
async function live(store: Store, world: World, happenings: Happening[]): Promise<boolean> {
  const { node, committed } = lampNode(store, {}, world.clock);
  await node.load();
  node.releaseTimers();
  const under: Promise<unknown>[] = [];
  const send = (envelope: Envelope): void => {
    under.push(
      node.send(envelope).then(
        (receipt) => heard(world, receipt),
        () => {},
      ),
    );
  };
  const answer = (): void => {
    for (const { key } of pendingOf(committed)) {
      for (const _ of ['once', 'twice']) {
        under.push(
          node.answer(key, 'pull.say.done', {}).then(
            (isTaken) => {
              if (isTaken) world.answered.set(key, (world.answered.get(key) ?? 0) + 1);
            },
            () => {},
          ),
        );
      }
    }
  };
  world.sent.forEach(send);
  for (const what of happenings) {
    if (what === 'turn') await turns(2);
    else if (what === 'wait') world.clock.advance(31_000);
    else if (what === 'answer') answer();
    else if (what === 'again') world.sent.slice(-3).forEach(send);
    else {
      const envelope = letter(what.to, what.type, what.data);
      world.sent.push(envelope);
      send(envelope);
    }
  }
  await end(node, world, answer);
  // Whoever was in the batch that died hears nothing: the process is gone.
  await Promise.race([Promise.all(under), node.failed.catch(() => {})]);
  assertInOrder(committed.flatMap(({ facts }) => facts));
  return Promise.race([node.failed.catch(() => true), turns(1).then(() => false)]);
}

/** Lets everything come to rest: acts answered, timers fired. */
async function end(node: Node, world: World, answer: () => void): Promise<void> {
  for (let round = 0; round < 3; round++) {
    await turns(4);
    await Promise.race([node.quiet(), node.failed]).catch(() => {});
    answer();
    if (round < 2) world.clock.advance(31_000);
  }
  await Promise.race([node.stop(), node.failed]).catch(() => {});
}

function heard({ receipts }: World, receipt: Receipt): void {
  const first = receipts.get(receipt.id);
  if (first === undefined) receipts.set(receipt.id, { ...receipt, duplicate: false });
  else assert.deepEqual({ ...receipt, duplicate: false }, first, 'the same id has the same answer');
}

function pendingOf(committed: { acts: { key: string }[]; settled: string[] }[]): { key: string }[] {
  const settled = new Set(committed.flatMap((batch) => batch.settled));
  return committed.flatMap(({ acts }) => acts).filter(({ key }) => !settled.has(key));
}

function assertInOrder(facts: { actor: string; seq: number; envelope: { source: string } }[]): void {
  const last = new Map<string, number>();
  for (const { actor, seq, envelope } of facts) {
    if (envelope.source === 'kernel') continue;
    const before = last.get(actor);
    if (before !== undefined && seq !== before) assert.equal(seq, before + 1, `${actor}: one step after the other`);
    last.set(actor, seq);
  }
}

async function journalsOf(store: Store): Promise<Map<string, JournalEntry[]>> {
  const journals = new Map<string, JournalEntry[]>();
  for await (const [key, text] of store.scan(SPACES.journal)) {
    const address = keyParts(key, 2)[0]!;
    journals.set(address, [...(journals.get(address) ?? []), decodeEntry(text)]);
  }
  return journals;
}

async function assertSound(store: Store, { sent, answered }: World): Promise<void> {
  assert.deepEqual((await verifyStore(store)).differences, []);
  const { node } = lampNode(store);
  const claims = new Map<string, string>();
  for await (const [key, holder] of store.scan(SPACES.claim)) claims.set(keyParts(key, 1)[0]!, holder);
  for (const [address, entries] of await journalsOf(store)) {
    const { state } = node.actors.get(address).stood!.live;
    for (const claim of state.claims) {
      assert.equal(claims.get(claim), address, `${address} holds ${claim}, and nobody else`);
      claims.delete(claim);
    }
    const ids = entries.map(({ envelope }) => envelope.id);
    assert.deepEqual([...new Set(ids)], ids, `${address} took nothing twice`);
    const order = entries
      .filter(({ envelope }) => envelope.source === 'test/person')
      .map(({ envelope }) => sent.findIndex(({ id }) => id === envelope.id));
    assert.deepEqual(
      [...order].sort((a, b) => a - b),
      order,
      `${address} took its letters in the order sent`,
    );
    const wished = entries.flatMap(({ effects }, step) =>
      effects.flatMap((effect, index) => ('act' in effect ? [`${address}/${step + 1}/${index}`] : [])),
    );
    for (const key of wished) {
      assert.ok((answered.get(key) ?? 0) <= 1, `${key} has one answer`);
      const isHeard = ids.includes(`${key}/answer`);
      assert.ok(isHeard || state.status === 'done', `${key} has its answer`);
    }
  }
  assert.deepEqual([...claims], [], 'no claim without a holder that is active');
  for (const space of [SPACES.outbox, SPACES.timer, SPACES.mail]) {
    for await (const [key] of store.scan(space)) assert.fail(`${key} is left over`);
  }
}

test('whatever the schedule and wherever the store dies: in order, whole, answered once, claimed by one', async () => {
  let deaths = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(happening, { minLength: 15, maxLength: 50 }),
      fc.integer({ min: 1, max: 12 }),
      fc.boolean(),
      async (happenings, atWrite, isWritten) => {
        const store = await openMemoryStore();
        const world: World = { clock: createFakeClock(), sent: [], receipts: new Map(), answered: new Map() };
        const cut = Math.floor(happenings.length / 2);
        if (await live(dying(store, atWrite, isWritten), world, happenings.slice(0, cut))) deaths += 1;
        await live(store, world, happenings.slice(cut));
        await assertSound(store, world);
        assert.equal(world.receipts.size, new Set(world.sent.map(({ id }) => id)).size, 'every letter is answered');
      },
    ),
    { numRuns: Number(process.env['PROPERTY_RUNS'] ?? 100), includeErrorInReport: true },
  );
  assert.ok(deaths > 10, `${deaths} deaths are too few to say anything`);
});

test('after a start stored mail goes before a timer that was due meanwhile, and the timer fires once', async () => {
  const store = await openMemoryStore();
  const clock = createFakeClock();
  const first = lampNode(store, {}, clock);
  await first.node.load();
  await first.node.send(letter('lamp/a', 'open', { room: 'a' }));
  await first.node.send(letter('lamp/a', 'press'));
  // Held with its actor, mail is stored: it is there at the next start.
  void first.node.send(letter('lamp/a', 'break'), { door: 'mail' });
  void first.node.send(letter('lamp/a', 'fyi', { text: 'stored' }), { door: 'mail' });
  await first.node.quiet();
  await first.node.stop();
  clock.advance(3_600_000);

  const next = lampNode(store, {}, clock);
  await next.node.load();
  next.node.releaseTimers();
  await turns();
  await next.node.send(letter('lamp/a', 'correct.unpark', { skip: true }));
  for (let round = 0; round < 3; round++) {
    await turns();
    await next.node.quiet();
  }
  const types = (await journalsOf(store)).get('lamp/a')!.map(({ envelope }) => envelope.type);
  assert.deepEqual(types, ['open', 'press', 'fyi', 'xstate.after.offer.lamp.up.light.on']);
});

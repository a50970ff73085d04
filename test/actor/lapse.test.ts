/** A runtime that slept past its lease, and what leaves it when it wakes: nothing, until the namespace is its own (I15). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { servedQuestions } from '../../src/actor/asked.ts';
import { createOutbox } from '../../src/actor/outbox.ts';
import { createPublisher } from '../../src/actor/publisher.ts';
import { acquireLease } from '../../src/bus/lease.ts';
import { createMemoryServer } from '../../src/bus/memory-bus.ts';
import { createFakeClock } from '../../src/clock.ts';
import { TransientError } from '../../src/errors.ts';
import type { Store } from '../../src/store/store.ts';
import { lampNode, turns } from '../support/lamp-node.ts';
import { letter } from '../support/letter.ts';
import { openMemoryStore } from '../support/memory-store.ts';

const ASLEEP_MS = 60_000;

/** A runtime with a clock of its own: while it sleeps, only those of the others go on. */
async function world() {
  const serverClock = createFakeClock();
  const server = createMemoryServer({ clock: serverClock });
  const start = async (storeId: string, clock = createFakeClock()) => {
    const store = await openMemoryStore();
    const bus = server.bus();
    const lost: string[] = [];
    const tries: string[] = [];
    const lamps = lampNode(store, { lapse: () => lease.lapse() }, clock);
    const lease = await acquireLease({
      bus,
      clock,
      log: lamps.log,
      storeId,
      holder: `runtime of ${storeId}`,
      onLost: ({ code }) => lost.push(code),
    });
    const parts = { node: lamps.node, clock, log: lamps.log };
    const publisher = createPublisher({ ...parts, bus, namespace: 'chartroom' });
    createOutbox({
      ...parts,
      performers: {
        'pull.say': {
          kind: 'act',
          repeat: 'key',
          deadlineMs: 10 * ASLEEP_MS,
          lane: 'github',
          async perform(_params, { key }) {
            tries.push(key);
            if (tries.length === 1) throw new TransientError('DOWN', 'not now');
          },
        },
      },
    });
    await lamps.node.load();
    publisher.start();
    // An act that is to be tried again while the runtime sleeps.
    await lamps.node.send(letter('lamp/a', 'open', { room: 'a' }));
    await lamps.node.send(letter('lamp/a', 'press'));
    await lamps.node.send(letter('lamp/a', 'press'));
    await turns();
    assert.equal(tries.length, 1);
    return { ...lamps, store, lease, lost, tries };
  };
  return { server, start };
}

async function content(store: Store): Promise<string[]> {
  const rows: string[] = [];
  for await (const [key, value] of store.scan({})) rows.push(`${key} ${value}`);
  return rows;
}

test('one that wakes and finds another there writes, tells and performs nothing more, and its senders are told', async () => {
  const { server, start } = await world();
  const first = await start('one');
  const late = createFakeClock(first.clock.now() + 31_000);
  const second = await start('two', late);
  const before = await content(first.store);
  const facts = server.letters('fact').length;

  first.clock.advance(ASLEEP_MS);
  const sent = first.node.send(letter('lamp/a', 'press'));
  const failed = assert.rejects(first.node.failed, { code: 'LEASE_LOST' });
  await assert.rejects(sent, {
    code: 'LEASE_LOST',
    message: /another runtime has taken this namespace: runtime of two/,
  });
  await failed;
  await turns();

  assert.deepEqual(first.lost, ['LEASE_LOST']);
  assert.deepEqual(await content(first.store), before);
  assert.equal(server.letters('fact').length, facts);
  assert.equal(first.tries.length, 1);
  assert.equal((await second.node.send(letter('lamp/a', 'press'))).outcome, 'taken');
});

test('one that wakes and finds the namespace its own goes on where it was', async () => {
  const { server, start } = await world();
  const { node, clock, store, tries } = await start('one');
  const before = await content(store);
  // It cannot look yet: that another is there is as likely as not.
  server.stop();
  clock.advance(ASLEEP_MS);
  const sent = node.send(letter('lamp/a', 'press'));
  await turns();
  assert.deepEqual(await content(store), before);
  assert.equal(tries.length, 1);

  server.start();
  assert.equal((await sent).outcome, 'taken');
  await turns();
  assert.equal(tries.length, 2);
});

test('a batch that was handed to the disk before the sleep is not told of when another is there', async () => {
  const { server, start } = await world();
  const first = await start('one');
  const facts = server.letters('fact').length;
  let told = 0;
  first.node.onCommitted(() => (told += 1));
  const sent = first.node.send(letter('lamp/a', 'press'));
  const write = first.store.write.bind(first.store);
  let slept = false;
  first.store.write = async (operations) => {
    await write(operations);
    slept = true;
    await start('two', createFakeClock(first.clock.now() + 31_000));
    first.clock.advance(ASLEEP_MS);
  };
  await assert.rejects(sent, { code: 'LEASE_LOST' });
  assert.ok(slept);
  await turns();
  assert.equal(told, 0);
  // The other's three are known by their ids: a fourth would be ours.
  assert.equal(server.letters('fact').length, facts);
});

test('facts that waited for NATS while it fell asleep are not told when another is there', async () => {
  const { server, start } = await world();
  const first = await start('one');
  server.stop();
  assert.equal((await first.node.send(letter('lamp/a', 'press'))).outcome, 'taken');
  await turns();
  server.start();
  await start('two', createFakeClock(first.clock.now() + 31_000));
  // The other's three are known by their ids: a fourth would be ours.
  const facts = server.letters('fact').length;
  first.clock.advance(ASLEEP_MS);
  await turns();
  assert.deepEqual(first.lost, ['LEASE_LOST']);
  assert.equal(server.letters('fact').length, facts);
});

test('questions wait while it does not know whose the namespace is, and are not answered when another is there', async () => {
  const { server, start } = await world();
  const { clock, lease, lost } = await start('one');
  let answered = 0;
  const health = async (): Promise<object> => ({ count: (answered += 1) });
  const { health: ask } = servedQuestions({ health } as never, lease.lapse);
  assert.deepEqual(await ask!(Buffer.from('')), { body: '{"count":1}' });
  server.stop();
  clock.advance(ASLEEP_MS);
  const answer = ask!(Buffer.from(''));
  await turns();
  assert.equal(answered, 1);
  server.start();
  assert.deepEqual(await answer, { body: '{"count":2}' });
  await start('two', createFakeClock(clock.now() + 31_000));
  clock.advance(ASLEEP_MS);
  const last = await ask!(Buffer.from(''));
  assert.ok('error' in last && /another runtime has taken this namespace: runtime of two/.test(last.message));
  assert.deepEqual([answered, lost], [2, ['LEASE_LOST']]);
});

test('one that ends while it does not know whose the namespace is ends at once', async () => {
  const { server, start } = await world();
  const { node, clock, lease } = await start('one');
  server.stop();
  clock.advance(ASLEEP_MS);
  const sent = node.send(letter('lamp/a', 'press'));
  lease.abandon();
  await assert.rejects(sent, { code: 'LEASE_LAPSED' });
  await node.stop();
});

test('while it runs and only NATS is away, steps and acts go on', async () => {
  const { server, start } = await world();
  const { node, clock, tries, lost } = await start('one');
  server.stop();
  for (let passed = 0; passed < ASLEEP_MS; passed += 5_000) {
    clock.advance(5_000);
    await turns();
  }
  assert.equal((await node.send(letter('lamp/a', 'press'))).outcome, 'taken');
  assert.equal(tries.length, 2);
  server.start();
  assert.equal((await node.send(letter('lamp/a', 'press'))).outcome, 'taken');
  assert.deepEqual(lost, []);
});

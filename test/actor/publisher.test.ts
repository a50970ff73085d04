/** Facts of committed steps reach the stream at least once and in order, through restarts and a bus that is away (I4). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FactEnvelope } from '../../src/actor/fact.ts';
import { createPublisher } from '../../src/actor/publisher.ts';
import { createMemoryServer } from '../../src/bus/memory-bus.ts';
import type { MemoryServer } from '../../src/bus/memory-bus.ts';
import { createFakeClock } from '../../src/clock.ts';
import { KEYS } from '../../src/store/keys.ts';
import type { Store } from '../../src/store/store.ts';
import { lampNode, turns } from '../support/lamp-node.ts';
import { letter } from '../support/letter.ts';
import { openMemoryStore } from '../support/memory-store.ts';

async function startPublishing(store: Store, server: MemoryServer, clock = createFakeClock()) {
  const lamps = lampNode(store, {}, clock);
  const publisher = createPublisher({
    node: lamps.node,
    bus: server.bus(),
    clock,
    log: lamps.log,
    namespace: 'chartroom',
  });
  await lamps.node.load();
  publisher.start();
  return { ...lamps, publisher };
}

const facts = (server: MemoryServer): FactEnvelope[] =>
  server.letters('fact').map(({ body }) => JSON.parse(Buffer.from(body).toString('utf8')) as FactEnvelope);
const names = (server: MemoryServer): string[] => facts(server).map(({ id, type }) => `${id} ${type}`);

test('every committed step is one fact, under its actor and type, in order', async () => {
  const clock = createFakeClock();
  const server = createMemoryServer({ clock });
  const { node, publisher } = await startPublishing(await openMemoryStore(), server, clock);
  await node.send(letter('lamp/a', 'open', { room: 'a' }));
  await Promise.all([node.send(letter('lamp/a', 'press')), node.send(letter('lamp/a', 'dim', { to: 500 }))]);
  await node.send(letter('lamp/a', 'press'));
  await turns();
  assert.deepEqual(
    server.letters('fact').map(({ subject }) => subject),
    ['lamp.a.open', 'lamp.a.press', 'lamp.a.letter_dead', 'lamp.a.press'],
  );
  const [open, press, dead] = facts(server);
  assert.equal(open!.id, 'lamp/a/1');
  assert.equal(press!.data.before?.phase, 'off');
  assert.equal(press!.data.after?.phase, 'on');
  assert.match(dead!.data.summary, /brighter than 100/);
  await publisher.stop();
});

test('facts that a crash kept back are published at the next start, the very same ones, the old ones not again', async () => {
  const clock = createFakeClock();
  const server = createMemoryServer({ clock });
  const store = await openMemoryStore();
  const first = await startPublishing(store, server, clock);
  await first.node.send(letter('lamp/a', 'open', { room: 'a' }));
  await turns();
  await first.publisher.stop();
  await first.node.send(letter('lamp/a', 'press'));
  await first.node.send(letter('lamp/none', 'press'));
  await first.node.send(letter('lamp/a', 'fyi', { text: 'a note' }));
  await first.node.send(letter('lamp/a', 'press'));
  const live = first.committed.flatMap((batch) => batch.facts);
  await first.node.stop();
  assert.equal(facts(server).length, 1);
  const again = await startPublishing(store, server, clock);
  await turns();
  assert.deepEqual(
    facts(server).map(({ data }) => data),
    JSON.parse(JSON.stringify(live)),
    'facts from the journal are those of the live step',
  );
  await again.publisher.stop();
});

test('while the bus is away steps go on; their facts follow when it is back', async () => {
  const clock = createFakeClock();
  const server = createMemoryServer({ clock });
  const { node, publisher } = await startPublishing(await openMemoryStore(), server, clock);
  server.stop();
  await node.send(letter('lamp/a', 'open', { room: 'a' }));
  await node.send(letter('lamp/a', 'press'));
  await turns();
  assert.equal(publisher.lag(), 2);
  server.start();
  clock.advance(1_000);
  await turns();
  assert.deepEqual(names(server), ['lamp/a/1 open', 'lamp/a/2 press']);
  assert.equal(publisher.lag(), 0);
  await publisher.stop();
});

test('more than go out together all follow, each once', async () => {
  const clock = createFakeClock();
  const server = createMemoryServer({ clock });
  const { node, publisher } = await startPublishing(await openMemoryStore(), server, clock);
  server.stop();
  await node.send(letter('lamp/a', 'open', { room: 'a' }));
  for (let count = 0; count < 1_100; count++) await node.send(letter('lamp/a', 'dim', { to: count % 100 }));
  server.start();
  clock.advance(1_000);
  await turns();
  assert.deepEqual(
    facts(server).map(({ id }) => id),
    Array.from({ length: 1_101 }, (_, index) => `lamp/a/${index + 1}`),
  );
  await publisher.stop();
});

test('how far it was published is durable, and who follows can go on from a cursor', async () => {
  const clock = createFakeClock();
  const server = createMemoryServer({ clock });
  const store = await openMemoryStore();
  const { node, publisher } = await startPublishing(store, server, clock);
  const heard: string[] = [];
  publisher.subscribe((fact, cursor) => heard.push(`${cursor} ${fact.type}`));
  await node.send(letter('lamp/a', 'open', { room: 'a' }));
  const cursor = publisher.position();
  await Promise.all(['x', 'y'].map((text) => node.send(letter('lamp/a', 'fyi', { text }))));
  await turns();
  await publisher.stop();
  await node.stop();
  const missed: string[] = [];
  for await (const { fact, cursor: at } of publisher.since(cursor)) missed.push(`${at} ${fact.type}`);
  assert.equal(missed.length, 2);
  assert.deepEqual(missed, heard.slice(1));
  assert.ok(Number(store.get(KEYS.meta('published'))) >= 1);
});

test('a fact stream that was made anew is said to be so, and facts go on in it', async () => {
  const clock = createFakeClock();
  const server = createMemoryServer({ clock });
  const store = await openMemoryStore();
  const first = await startPublishing(store, server, clock);
  await first.node.send(letter('lamp/a', 'open', { room: 'a' }));
  await turns();
  await first.node.send(letter('lamp/a', 'press'));
  await turns();
  await first.publisher.stop();
  await first.node.stop();
  server.replace('fact');

  const again = await startPublishing(store, server, clock);
  await again.node.send(letter('lamp/a', 'press'));
  await turns();
  assert.match(
    again.publisher.notes().join(),
    /the fact stream was replaced .*: facts up to batch \d+ are in histories/,
  );
  assert.deepEqual(names(server), ['lamp/a/3 press']);
  await again.publisher.stop();
  await again.node.stop();

  const third = await startPublishing(store, server, clock);
  await turns();
  assert.deepEqual(third.publisher.notes(), [], 'it is known now');
  await third.publisher.stop();
});

test('facts that the stream had acknowledged and lost are told once more, whether the process ran on or not', async () => {
  const clock = createFakeClock();
  const server = createMemoryServer({ clock });
  const store = await openMemoryStore();
  const first = await startPublishing(store, server, clock);
  await first.node.send(letter('lamp/a', 'open', { room: 'a' }));
  await Promise.all([first.node.send(letter('lamp/a', 'press')), first.node.send(letter('lamp/none', 'press'))]);
  for (let note = 0; note < 4; note++) await first.node.send(letter('lamp/a', 'fyi', { text: `${note}` }));
  await turns();
  const told = names(server);
  assert.equal(told.length, 7);

  for (const kept of [6, 3, 2, 1]) {
    server.stop();
    server.shorten('fact', kept);
    server.start();
    clock.advance(1_000);
    await turns();
    assert.deepEqual([...new Set(names(server))], told, `of which ${kept} were kept, the process running on`);
  }
  assert.match(first.publisher.notes().at(-1)!, /the fact stream had lost its end: 6 facts are told once more/);
  await first.publisher.stop();
  await first.node.stop();

  server.shorten('fact', 5);
  const again = await startPublishing(store, server, clock);
  await turns();
  assert.deepEqual([...new Set(names(server))], told);
  await again.publisher.stop();
});

test('a stream that has what it was told is told nothing twice by a restart', async () => {
  const clock = createFakeClock();
  const server = createMemoryServer({ clock });
  const store = await openMemoryStore();
  for (let life = 0; life < 3; life++) {
    const { node, publisher } = await startPublishing(store, server, clock);
    await node.send(letter(`lamp/${'abc'[life]}`, 'open', { room: `${life}` }));
    await node.send(letter('lamp/none', 'press'));
    await turns();
    assert.deepEqual(publisher.notes(), []);
    await publisher.stop();
    await node.stop();
    // Longer than the stream remembers ids.
    clock.advance(24 * 3_600_000);
  }
  assert.equal(facts(server).length, 6);
});

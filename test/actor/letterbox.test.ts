/** The stream is a letterbox: its position moves with the steps it causes, and nothing else moves it (I14). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createCursor } from '../../src/actor/cursor.ts';
import { createLetterbox } from '../../src/actor/letterbox.ts';
import type { NodeOptions } from '../../src/actor/node.ts';
import type { Receipt } from '../../src/actor/receipt.ts';
import type { Definition } from '../../src/actor/state.ts';
import type { Bus } from '../../src/bus/bus.ts';
import { createMemoryServer } from '../../src/bus/memory-bus.ts';
import type { MemoryServer } from '../../src/bus/memory-bus.ts';
import { createFakeClock } from '../../src/clock.ts';
import { KEYS, SPACES } from '../../src/store/keys.ts';
import type { Store } from '../../src/store/store.ts';
import { openFaultyStore } from '../support/faulty-store.ts';
import { lampDefinition } from '../support/lamp.ts';
import { lampNode, turns } from '../support/lamp-node.ts';
import { letter } from '../support/letter.ts';
import { openMemoryStore } from '../support/memory-store.ts';

async function startReading(
  store: Store,
  server: MemoryServer,
  clock: ReturnType<typeof createFakeClock>,
  bus: Bus = server.bus(),
  options: Partial<NodeOptions> = {},
) {
  const lamps = lampNode(store, options, clock);
  await lamps.node.load();
  const letterbox = createLetterbox({
    node: lamps.node,
    bus,
    clock,
    log: lamps.log,
    takeHook: async () => {},
  });
  await letterbox.start();
  return {
    ...lamps,
    letterbox,
    async stop() {
      await letterbox.stop();
      await lamps.node.stop();
    },
  };
}

const positionOf = (store: Store): number | undefined => {
  const row = store.get(KEYS.meta('position!mail'));
  return row === undefined ? undefined : (JSON.parse(row) as { position: number }).position;
};

async function world() {
  const clock = createFakeClock();
  const server = createMemoryServer({ clock });
  const store = await openMemoryStore();
  const client = server.client();
  return { clock, server, store, client };
}

const presses = async (reading: { node: { settled: (address: string) => Promise<unknown> } }): Promise<unknown> => {
  const actor = (await reading.node.settled('lamp/a')) as { stood: { live: { state: { context: object } } } };
  return (actor.stood.live.state.context as { presses: number }).presses;
};

test('mail is stepped in order, its receipts go to who asked, and the position is that of the last letter', async () => {
  const { clock, server, store, client } = await world();
  const reading = await startReading(store, server, clock);
  const open = await client.mail('lamp/a', letter('lamp/a', 'open', { room: 'a' }));
  const press = await client.mail('lamp/a', letter('lamp/a', 'press'));
  assert.equal(((await open.receipt) as Receipt).seq, 1);
  assert.equal(((await press.receipt) as Receipt).seq, 2);
  await reading.stop();
  assert.equal(positionOf(store), press.seq);
});

test('what came while it was down is taken at the start; a restart neither repeats nor loses', async () => {
  const { clock, server, store, client } = await world();
  await client.mail('lamp/a', letter('lamp/a', 'open', { room: 'a' }));
  const first = await startReading(store, server, clock);
  await first.node.quiet();
  for (let count = 0; count < 5; count++) await client.mail('lamp/a', letter('lamp/a', 'press'));
  await turns();
  await first.stop();
  for (let count = 0; count < 4; count++) await client.mail('lamp/a', letter('lamp/a', 'press'));
  const again = await startReading(store, server, clock);
  await again.node.quiet();
  assert.equal(await presses(again), 9);
  await again.stop();
});

test('a process that dies with letters on their way reads them again: each once, in order', async () => {
  const { clock, server, client } = await world();
  const { store, holdWrites, failNextWrite } = await openFaultyStore();
  const inner = await openMemoryStore();
  const both: Store = {
    ...inner,
    async write(operations) {
      await store.write([]);
      await inner.write(operations);
    },
  };
  const dying = await startReading(both, server, clock);
  await (
    await client.mail('lamp/a', letter('lamp/a', 'open', { room: 'a' }))
  ).receipt;
  const release = holdWrites();
  for (let count = 0; count < 7; count++) await client.mail('lamp/a', letter('lamp/a', 'press'));
  await turns();
  failNextWrite();
  release();
  await assert.rejects(dying.node.failed);
  await dying.letterbox.stop();
  assert.equal(positionOf(inner), 1);
  const again = await startReading(inner, server, clock);
  await again.node.quiet();
  assert.equal(await presses(again), 7);
  await again.stop();
  assert.equal(positionOf(inner), 8);
});

test('a process that dies with more waiting than are held in memory takes them in order at the next start', async () => {
  const { clock, server, client } = await world();
  const store = await openMemoryStore();
  let writesLeft = 2;
  const dying: Store = {
    ...store,
    async write(operations) {
      if (writesLeft-- === 0) throw new Error('the process was killed');
      await store.write(operations);
    },
  };
  await client.mail('lamp/a', letter('lamp/a', 'open', { room: 'a' }));
  const texts = Array.from({ length: 100 }, (_, nth) => `note ${nth}`);
  for (const text of texts) await client.mail('lamp/a', letter('lamp/a', 'fyi', { text }));
  const first = await startReading(dying, server, clock, server.bus(), { batchSteps: 8 });
  await assert.rejects(first.node.failed);
  await first.letterbox.stop();
  assert.equal(store.get(KEYS.journal('lamp/a', texts.length)), undefined, 'it died on the way');
  const again = await startReading(store, server, clock);
  await again.node.quiet();
  const { context } = (await again.node.settled('lamp/a'))!.stood!.live.state;
  assert.deepEqual(context['notes'], texts);
  await again.stop();
});

test('a stream made anew is read from its start, and what is known of it is not taken twice', async () => {
  const { clock, server, store, client } = await world();
  const first = await startReading(store, server, clock);
  const press = letter('lamp/a', 'press');
  await (
    await client.mail('lamp/a', letter('lamp/a', 'open', { room: 'a' }))
  ).receipt;
  await (
    await client.mail('lamp/a', press)
  ).receipt;
  await first.stop();
  server.replace('mail');
  await client.mail('lamp/a', press);
  await client.mail('lamp/a', letter('lamp/a', 'fyi', { text: 'new' }));
  const again = await startReading(store, server, clock);
  await again.node.quiet();
  assert.match(again.letterbox.notes().join(), /was replaced/);
  assert.equal(await presses(again), 1);
  assert.equal((await again.node.settled('lamp/a'))!.stood!.live.state.seq, 3);
  await again.stop();
  assert.equal(positionOf(store), 2);
});

test('a stream that lost its end is read from its start: what is known is dropped, what comes is taken', async () => {
  const { clock, server, store, client } = await world();
  const first = await startReading(store, server, clock);
  const sent = ['open', 'press', 'press'].map((type) => letter('lamp/a', type, type === 'open' ? { room: 'a' } : {}));
  for (const one of sent) await (await client.mail('lamp/a', one)).receipt;
  server.shorten('mail', 1);
  await turns();
  clock.advance(1_000);
  await turns();
  // Its sender has no receipt and sends again; the stream gives it a number that was another's.
  await client.mail('lamp/a', sent[2]);
  await client.mail('lamp/a', letter('lamp/a', 'press'));
  await turns();
  await first.stop();
  assert.equal(await presses(first), 3, 'the third press is another');
  assert.match(first.letterbox.notes().join(), /the mail stream was shortened \(ends at 1, was read to 3\)/);

  server.shorten('mail', 2);
  const again = await startReading(store, server, clock);
  await client.mail('lamp/a', letter('lamp/a', 'press'));
  await turns();
  await again.node.quiet();
  assert.equal(await presses(again), 4);
  await again.stop();
});

/** A stream of three letters, the last two of them lost, as a server loses what it had acknowledged and not synced. */
async function shortened() {
  const { clock, server, store, client } = await world();
  const first = await startReading(store, server, clock);
  const sent = [letter('lamp/a', 'open', { room: 'a' }), letter('lamp/a', 'press'), letter('lamp/a', 'press')];
  for (const one of sent) await (await client.mail('lamp/a', one)).receipt;
  return { clock, server, store, client, first, sent };
}

const REFILLED =
  /^the mail stream lost its end and was filled again \(3 is another message than .* read from its start/;

test('a stream that lost its end and was filled past the position while nobody read it is known by its letters', async () => {
  const { clock, server, store, client, first, sent } = await shortened();
  await first.stop();
  server.shorten('mail', 1);
  // One comes from a sender without a receipt, under its old id; the others are new, and one has the number of the last.
  for (const one of [sent[2], letter('lamp/a', 'press'), letter('lamp/a', 'press')]) await client.mail('lamp/a', one);
  const again = await startReading(store, server, clock);
  await again.node.quiet();
  assert.equal(again.letterbox.notes().length, 1);
  assert.match(again.letterbox.notes()[0]!, REFILLED);
  assert.equal(await presses(again), 4, 'two before, two new, none twice');
  await again.stop();
  const next = await startReading(store, server, clock);
  assert.deepEqual(next.letterbox.notes(), [], 'said once');
  await next.stop();
});

for (const by of ['read by this life', 'read by the life before']) {
  test(`a server that comes back with less than was ${by}, and is filled again before we look, is found out at once`, async () => {
    const { clock, server, store, client, first } = await shortened();
    await turns();
    let reading = first;
    if (by !== 'read by this life') {
      await first.stop();
      reading = await startReading(store, server, clock);
    }
    server.stop();
    server.shorten('mail', 1);
    server.start();
    // All at once: whoever reads sees it full again.
    const mailed = await Promise.all([1, 2, 3, 4].map(() => client.mail('lamp/a', letter('lamp/a', 'press'))));
    for (const { receipt } of mailed) assert.equal(((await receipt) as Receipt).outcome, 'taken');
    assert.equal(await presses(reading), 6);
    assert.equal(reading.letterbox.notes().length, 1);
    assert.match(reading.letterbox.notes()[0]!, REFILLED);
    await reading.stop();
  });
}

test('a server that comes back with all it had is read on where it was, with nothing to say', async () => {
  const { server, client, first } = await shortened();
  await turns();
  server.stop();
  server.start();
  const press = await client.mail('lamp/a', letter('lamp/a', 'press'));
  const receipt = (await press.receipt) as Receipt;
  assert.deepEqual([receipt.outcome, receipt.duplicate], ['taken', false]);
  assert.deepEqual(first.letterbox.notes(), []);
  await first.stop();
});

test('a hook is not called taken because one of its number was, in a stream that has been replaced since', async () => {
  const { clock, server, store } = await world();
  const routed: string[] = [];
  const lamps = lampNode(store, {}, clock);
  await lamps.node.load();
  const bus = server.bus();
  let route = (): void => {};
  const takeHook = async ({ subject }: { subject: string }): Promise<void> => {
    if (subject.endsWith('fresh')) await new Promise<void>((resolve) => (route = resolve));
    routed.push(subject);
  };
  const letterbox = createLetterbox({ node: lamps.node, bus, clock, log: lamps.log, takeHook });
  await letterbox.start();
  const old = await bus.publish('hook', 'github.push.old', '{}');
  await letterbox.taken(old.seq);
  server.replace('hook');
  await turns();
  clock.advance(1_000);
  await turns();
  const fresh = await bus.publish('hook', 'github.push.fresh', '{}');
  assert.equal(fresh.seq, old.seq);
  let isTaken = false;
  const taken = letterbox.taken(fresh.seq).then(() => (isTaken = true));
  await turns();
  assert.deepEqual([routed, isTaken], [['github.push.old'], false]);
  route();
  await taken;
  assert.deepEqual(routed, ['github.push.old', 'github.push.fresh']);
  await letterbox.stop();
  await lamps.node.stop();
});

test('a position that cannot be read is no reason to read nothing', async () => {
  const { clock, server, store, client } = await world();
  await store.write([{ put: KEYS.meta('position!mail'), value: '{"posi' }]);
  await client.mail('lamp/a', letter('lamp/a', 'open', { room: 'a' }));
  const reading = await startReading(store, server, clock);
  await reading.node.quiet();
  assert.match(reading.letterbox.notes().join(), /how far the mail stream was read cannot be read/);
  assert.equal(await reading.phase('lamp/a'), 'off');
  await reading.stop();
});

test('a letter that is no envelope is a dead letter with a receipt, and the position goes past it', async () => {
  const { clock, server, store, client } = await world();
  const reading = await startReading(store, server, clock);
  const shapeless = await client.mail('lamp/a', { what: 'is this' });
  const receipt = (await shapeless.receipt) as Receipt;
  assert.equal(receipt.outcome, 'refused');
  assert.equal(receipt.code, 'schema');
  assert.match(receipt.reason!, /specversion/);
  await server.bus().publish('mail', 'lamp.a', 'no JSON at all');
  await turns();
  await reading.stop();
  const dead: string[] = [];
  for await (const [, value] of store.scan(SPACES.dead)) dead.push(value);
  assert.equal(dead.length, 2);
  assert.match(dead[1]!, /no JSON at all/);
  assert.equal(positionOf(store), 2);
});

test('a letter that is too large once it is written out is a dead letter with a receipt, and the position goes past it', async () => {
  const { clock, server, store } = await world();
  const inner = server.bus();
  const told: Receipt[] = [];
  const bus: Bus = { ...inner, reply: (_inbox, body) => void told.push(JSON.parse(body) as Receipt) };
  const reading = await startReading(store, server, clock, bus);
  const open = letter('lamp/a', 'open', { room: 'many' });
  // Four characters each, and twenty-one of the same number as JSON is written here.
  const numbers = Array.from({ length: 150_000 }, () => '1e20').join(',');
  const body = JSON.stringify(open).replace('"many"', `[${numbers}]`);
  await bus.publish('mail', 'lamp.a', body, { receiptTo: '_INBOX.one' });
  const last = await bus.publish('mail', 'lamp.b', JSON.stringify(letter('lamp/b', 'open', { room: 'b' })));
  await turns();
  await reading.stop();
  assert.equal(await reading.phase('lamp/b'), 'off');
  assert.equal(positionOf(store), last.seq);
  const [{ id, outcome, code, reason } = assert.fail('nobody was told')] = told;
  assert.deepEqual([id, outcome, code], [open.id, 'refused', 'schema']);
  assert.match(reason ?? '', /the envelope has \d+ bytes, at most 1048576 are taken/);
  const dead: string[] = [];
  for await (const [, value] of store.scan(SPACES.dead)) dead.push(value);
  assert.equal(dead.length, 1);
});

test('a letter of which a bug keeps its machine from saying whose it is is a dead letter, and the next is taken', async () => {
  const { clock, server, store, client } = await world();
  const broken = {
    ...lampDefinition,
    part() {
      throw new Error('a bug in the machine');
    },
  } as unknown as Definition;
  const reading = await startReading(store, server, clock, server.bus(), { definitions: [broken] });
  await client.mail('lamp/a', letter('lamp/a', 'open', { room: 'a' }));
  const lost = await client.mail('lamp/a', letter('lamp/a#shade', 'press'));
  const next = await client.mail('lamp/a', letter('lamp/a', 'press'));
  const { outcome, reason } = (await lost.receipt) as Receipt;
  assert.deepEqual([outcome, reason], ['refused', 'a bug in the machine']);
  assert.equal(((await next.receipt) as Receipt).outcome, 'taken');
  await reading.stop();
  assert.equal(positionOf(store), next.seq);
});

test('a sender that wants its receipt outside an inbox gets none: its letter is a dead one, the next is taken', async () => {
  const { clock, server, store, client } = await world();
  const replies: string[] = [];
  const inner = server.bus();
  // Our own clients do not publish such a thing; others may.
  const bus: Bus = {
    ...inner,
    async read(...wanted) {
      const letters = await inner.read(...wanted);
      return letters.map((one) => (one.seq === 2 ? { ...one, receiptTo: 'chartroom.mail.lamp.a' } : one));
    },
    reply(inbox, body) {
      replies.push(inbox);
      inner.reply(inbox, body);
    },
  };
  const open = await client.mail('lamp/a', letter('lamp/a', 'open', { room: 'a' }));
  await inner.publish('mail', 'lamp.a', JSON.stringify(letter('lamp/a', 'press')));
  const press = await client.mail('lamp/a', letter('lamp/a', 'press'));
  const reading = await startReading(store, server, clock, bus);
  for (const { receipt } of [open, press]) assert.equal(((await receipt) as Receipt).outcome, 'taken');
  assert.equal(await presses(reading), 1);
  assert.ok(
    replies.every((inbox) => inbox.startsWith('_INBOX.')),
    replies.join(),
  );
  await reading.stop();
  const dead: string[] = [];
  for await (const [, value] of store.scan(SPACES.dead)) dead.push(value);
  assert.equal(dead.length, 1);
  assert.match(dead[0]!, /chartroom\.mail\.lamp\.a.*_INBOX\./);
});

test('an envelope to another than its subject says is refused, and a receipt goes to inboxes only', async () => {
  const { clock, server, store, client } = await world();
  const reading = await startReading(store, server, clock);
  const wrong = await client.mail('lamp/a', letter('lamp/b', 'press'));
  assert.match(((await wrong.receipt) as Receipt).reason!, /it was sent to lamp\/a/);
  await reading.stop();
});

test('letters to a parked actor are stored, so that the position goes on', async () => {
  const { clock, server, store, client } = await world();
  const reading = await startReading(store, server, clock);
  for (const name of ['a', 'b'])
    await (
      await client.mail(`lamp/${name}`, letter(`lamp/${name}`, 'open', { room: name }))
    ).receipt;
  await client.mail('lamp/a', letter('lamp/a', 'break'));
  await client.mail('lamp/a', letter('lamp/a', 'press'));
  const other = await client.mail('lamp/b', letter('lamp/b', 'press'));
  assert.equal(((await other.receipt) as Receipt).outcome, 'taken');
  await reading.stop();
  assert.equal(positionOf(store), other.seq);
  const again = await startReading(store, server, clock);
  assert.deepEqual(
    again.node.waiting('lamp/a').map(({ envelope, stored }) => [envelope.type, stored]),
    [
      ['break', true],
      ['press', true],
    ],
  );
  await again.stop();
});

test('the position stays before the first letter that is still on its way, however many behind it are taken', () => {
  const cursor = createCursor(10, { seq: 9, stamp: 'of 9' });
  for (const seq of [11, 12, 14]) cursor.read({ seq, stamp: `of ${seq}` });
  cursor.take(12);
  cursor.take(14);
  assert.equal(cursor.position(), 10);
  assert.deepEqual(cursor.mark(), { seq: 9, stamp: 'of 9' });
  assert.equal(cursor.outstanding(), 1);
  cursor.read({ seq: 15, stamp: 'of 15' });
  cursor.take(11);
  assert.equal(cursor.position(), 14);
  assert.deepEqual(cursor.mark(), { seq: 14, stamp: 'of 14' });
});

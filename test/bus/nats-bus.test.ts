import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connect, StorageType } from 'nats';
import { BusError } from '../../src/bus/bus.ts';
import type { Bus } from '../../src/bus/bus.ts';
import { connectBus } from '../../src/bus/nats-bus.ts';
import { realClock } from '../../src/clock.ts';
import { busContract } from './contract.ts';
import { openNatsWorld, quiet } from './nats-world.ts';

busContract('nats', openNatsWorld);

type World = Awaited<ReturnType<typeof openNatsWorld>>;

async function withWorld(use: (world: World) => Promise<void>): Promise<void> {
  const world = await openNatsWorld();
  try {
    await use(world);
  } finally {
    await world.dispose();
  }
}

const isRefused = (means: RegExp) => (error: unknown) =>
  error instanceof BusError && error.code === 'BUS_REFUSED' && means.test(error.message);

test('nats: what was acknowledged is read once and in order, through two deaths of the server', () =>
  withWorld(async (world) => {
    const [reader, writer] = [await world.connect(), await world.connect()];
    const stored: number[] = [];
    const wanted = 1_500;
    let deaths = 0;
    const writing = (async () => {
      for (let number = 1; number <= wanted; number++) await storeUntilTaken(writer, number);
    })();
    async function storeUntilTaken(bus: Bus, number: number): Promise<void> {
      for (;;) {
        try {
          await bus.publish('hook', 'github.push.-', String(number), { msgId: `github:${number}` });
          stored.push(number);
          return;
        } catch (error) {
          assert.ok(error instanceof BusError, String(error));
          await new Promise((resolve) => setImmediate(resolve));
        }
      }
    }
    const read: number[] = [];
    let position = 0;
    while (read.length < wanted) {
      const letters = await reader.read('hook', position, { max: 100, waitMs: 5_000 }).catch((error: unknown) => {
        assert.ok(error instanceof BusError && error.code !== 'BUS_REPLACED', String(error));
        return [];
      });
      for (const { seq, body } of letters) {
        assert.ok(seq > position);
        position = seq;
        read.push(Number(Buffer.from(body).toString()));
      }
      if (read.length > (deaths + 1) * 400 && deaths < 2) {
        deaths++;
        await world.stop();
        await world.start();
      }
    }
    await writing;
    assert.equal(deaths, 2);
    assert.deepEqual(read, stored);
  }));

test('nats: the questions are a service that tools of NATS can see', () =>
  withWorld(async (world) => {
    const bus = await world.connect();
    await bus.serve({ show: async () => ({ body: '{}' }), why: async () => ({ body: '{}' }) });
    const nc = await connect(world.server().access('runtime'));
    const info = (await nc.request('$SRV.INFO.chartroom', '')).json<{ endpoints: { subject: string }[] }>();
    await nc.close();
    assert.deepEqual(
      info.endpoints.map(({ subject }) => subject),
      ['chartroom.ask.show', 'chartroom.ask.why'],
    );
  }));

test('nats: streams are brought up to date at connect, and a difference that cannot be settled is named', () =>
  withWorld(async (world) => {
    const options = { ...world.server().access('runtime'), namespace: 'chartroom', clock: realClock, log: quiet };
    const first = await connectBus(options);
    await first.publish('mail', 'a.b', 'kept');
    await first.close();
    const second = await connectBus({ ...options, limits: { mail: { messagesMax: 1 } } });
    await assert.rejects(second.publish('mail', 'a.b', 'too many'), { code: 'BUS_FULL' });
    assert.equal((await second.read('mail', 0, { max: 5, waitMs: 0 })).length, 1);
    await second.close();

    const nc = await connect(world.server().access('runtime'));
    const jsm = await nc.jetstreamManager();
    await jsm.streams.add({ name: 'OTHER_MAIL', subjects: ['other.mail.>'], storage: StorageType.Memory });
    await nc.close();
    await assert.rejects(connectBus({ ...options, namespace: 'other' }), isRefused(/OTHER_MAIL.*storage/));
  }));

test('nats: a message larger than the server takes is refused, and the next one goes through', () =>
  withWorld(async (world) => {
    const bus = await world.connect();
    await assert.rejects(bus.publish('hook', 'github.push.-', Buffer.alloc(9_000_000)), isRefused(/max_payload/));
    await bus.publish('hook', 'github.push.-', Buffer.alloc(7_000_000));
    await bus.publish('hook', 'github.push.-', Buffer.alloc(7_000_000, 1));
    await bus.publish('hook', 'github.push.-', Buffer.alloc(7_000_000, 2));
    const sizes: number[] = [];
    for (let after = 0; sizes.length < 3;) {
      const letters = await bus.read('hook', after, { max: 10, waitMs: 10_000 });
      assert.ok(letters.length > 0);
      for (const { seq, body } of letters) {
        after = seq;
        sizes.push(body.length);
      }
    }
    assert.deepEqual(sizes, [7_000_000, 7_000_000, 7_000_000]);
  }));

test('nats: a consumer that the server has forgotten is made anew', () =>
  withWorld(async (world) => {
    const bus = await world.connect();
    await bus.publish('mail', 'a.b', '1');
    const [first] = await bus.read('mail', 0, { max: 1, waitMs: 5_000 });
    const waiting = bus.read('mail', first!.seq, { max: 1, waitMs: 10_000 });
    const nc = await connect(world.server().access('runtime'));
    const jsm = await nc.jetstreamManager();
    for await (const { name } of jsm.consumers.list('CHARTROOM_MAIL'))
      await jsm.consumers.delete('CHARTROOM_MAIL', name);
    await nc.close();
    await bus.publish('mail', 'a.b', '2');
    assert.equal(Buffer.from((await waiting)[0]!.body).toString(), '2');
  }));

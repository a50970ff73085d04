/** One runtime per namespace (I15): who holds it, for how long, and who takes it over. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { acquireLease } from '../../src/bus/lease.ts';
import type { LeaseOptions } from '../../src/bus/lease.ts';
import { createMemoryServer } from '../../src/bus/memory-bus.ts';
import { createFakeClock } from '../../src/clock.ts';
import { TerminalError } from '../../src/errors.ts';
import { quiet } from './nats-world.ts';

const STALE_MS = 30_000;
const RENEW_MS = 10_000;

function world() {
  const clock = createFakeClock();
  const server = createMemoryServer({ clock });
  const bus = server.bus();
  const lost: string[] = [];
  const take = (storeId: string, more: Partial<LeaseOptions> = {}) =>
    acquireLease({
      bus,
      clock,
      log: quiet,
      storeId,
      holder: `runtime of ${storeId}`,
      onLost: (error) => lost.push(error.message),
      ...more,
    });
  const settled = () => new Promise<void>((resolve) => setImmediate(resolve));
  return { clock, server, bus, lost, take, settled };
}

const isHeld = (error: unknown): boolean =>
  error instanceof TerminalError && error.code === 'LEASE_HELD' && /runtime of one/.test(error.message);

test('a second runtime with another store is refused, and told who has the namespace', async () => {
  const { take } = world();
  await take('one');
  await assert.rejects(take('two'), isHeld);
});

test('a renewed lease holds for ever, one of a dead runtime only until it is stale', async () => {
  const { take, clock, settled, bus } = world();
  await take('one');
  for (let passedMs = 0; passedMs < 3 * STALE_MS; passedMs += RENEW_MS) {
    clock.advance(RENEW_MS);
    await settled();
  }
  await assert.rejects(take('two'), isHeld);
  const dead = world();
  const row = (await bus.getRow('runtime'))!;
  await dead.bus.putRow('runtime', row.value, 0);
  dead.clock.advance(3 * STALE_MS + STALE_MS);
  await dead.take('two');
});

test('the same store takes its lease over at once: its earlier process cannot live', async () => {
  const { take } = world();
  await take('one');
  await take('one');
});

test('a lease given back is free at once', async () => {
  const { take } = world();
  const lease = await take('one');
  await lease.release();
  await take('two');
});

test('a runtime from which the lease was taken by force is told, and does not take it back', async () => {
  const { take, clock, settled, lost, bus } = world();
  await take('one');
  await take('two', { force: true });
  clock.advance(RENEW_MS);
  await settled();
  assert.deepEqual(lost, ['another runtime has taken this namespace: runtime of two']);
  clock.advance(RENEW_MS);
  await settled();
  assert.match((await bus.getRow('runtime'))!.value, /"store":"two"/);
});

test('a bus that is away for a while does not cost the lease', async () => {
  const { take, clock, settled, lost, server } = world();
  await take('one');
  server.stop();
  clock.advance(RENEW_MS);
  await settled();
  server.start();
  clock.advance(RENEW_MS);
  await settled();
  assert.deepEqual(lost, []);
  await assert.rejects(take('two'), isHeld);
});

test('a runtime that the bus was away from for long looks whose the namespace is as soon as it is back', async () => {
  const { take, clock, settled, server, bus } = world();
  const lease = await take('one');
  server.stop();
  for (let passedMs = 0; passedMs < 2 * STALE_MS; passedMs += RENEW_MS) {
    clock.advance(RENEW_MS);
    await settled();
  }
  assert.equal(lease.lapse(), null);
  server.start();
  const looked = lease.lapse();
  assert.ok(looked !== null);
  await looked;
  assert.match((await bus.getRow('runtime'))!.value, new RegExp(`"renewedAtMs":${clock.now()}`));
  assert.equal(lease.lapse(), null);
});

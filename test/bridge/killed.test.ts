/** A bridge killed with deliveries in its spool, on real parts: what was answered 2xx is in the stream, once and in order. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import type { Bus } from '../../src/bus/bus.ts';
import { connectBus } from '../../src/bus/nats-bus.ts';
import { startNatsServer } from '../../src/bus/server.ts';
import { realClock } from '../../src/clock.ts';
import { programArgs } from '../../src/package.ts';
import { SECRETS, githubDelivery, quiet, tempDirectory } from './parts.ts';

/** Everything comes within a second or two; beyond it something hangs. */
const WAIT_MS = 60_000;
const SPOOLED = 30;

async function killable(t: TestContext) {
  const directory = await tempDirectory(t);
  const natsDirectory = path.join(directory, 'nats');
  const children: ChildProcess[] = [];
  let server = await startNatsServer({ directory: natsDirectory, namespace: 'chartroom' });
  t.after(async () => {
    for (const child of children) child.kill('SIGKILL');
    await server.stop();
  });
  return {
    async start(): Promise<{ url: string; kill(): Promise<void> }> {
      const args = [...programArgs('test/bridge/bridge-life'), natsDirectory, path.join(directory, 'spool')];
      const child = spawn(process.execPath, [...args, SECRETS.github], { stdio: ['ignore', 'pipe', 'inherit'] });
      children.push(child);
      const [said] = (await once(child.stdout, 'data')) as [Buffer];
      const gone = once(child, 'exit');
      return {
        url: said.toString('utf8').trim(),
        async kill() {
          child.kill('SIGKILL');
          await gone;
        },
      };
    },
    async loseNats(): Promise<void> {
      process.kill(server.pid, 'SIGKILL');
    },
    async nats(): Promise<Bus> {
      server = await startNatsServer({ directory: natsDirectory, namespace: 'chartroom' });
      const options = { namespace: 'chartroom', clock: realClock, log: quiet };
      const bus = await connectBus({ ...server.access('runtime'), ...options });
      t.after(() => bus.close());
      return bus;
    },
  };
}

/** @returns the status it was answered with */
async function deliver(url: string, delivery: string): Promise<number> {
  const request = githubDelivery('push', { body: { ref: 'refs/heads/main' }, delivery });
  const { pathname } = new URL(request.url);
  const response = await fetch(`${url}${pathname}`, {
    method: 'POST',
    headers: request.headers,
    body: await request.text(),
  });
  await response.arrayBuffer();
  return response.status;
}

/** Deliveries in the stream, in order, until there are so many or none comes any more. */
async function stored(bus: Bus, count: number): Promise<string[]> {
  const deliveries: string[] = [];
  for (let after = 0; deliveries.length < count;) {
    const letters = await bus.read('hook', after, { max: 500, waitMs: WAIT_MS });
    if (letters.length === 0) break;
    after = letters.at(-1)!.seq;
    const bodies = letters.map(({ body }) => JSON.parse(Buffer.from(body).toString('utf8')) as { delivery: string });
    deliveries.push(...bodies.map(({ delivery }) => delivery));
  }
  return deliveries;
}

test('a bridge that is killed between spooling and draining, and again while it drains, loses and doubles nothing', async (t) => {
  const world = await killable(t);
  const first = await world.start();
  assert.ok((await deliver(first.url, 'before')) < 300);
  await world.loseNats();
  const spooled = Array.from({ length: SPOOLED }, (_, index) => `spooled-${index}`);
  for (const delivery of spooled) {
    const status = await deliver(first.url, delivery);
    assert.ok(status >= 200 && status < 300, `${delivery} was answered ${status}`);
  }
  await first.kill();

  const bus = await world.nats();
  assert.deepEqual(await bus.read('hook', 1, { max: 1, waitMs: 0 }), [], 'nothing of it is in the stream yet');
  const second = await world.start();
  await bus.read('hook', 1, { max: 1, waitMs: WAIT_MS });
  await second.kill();
  const third = await world.start();
  assert.deepEqual(await stored(bus, 1 + SPOOLED), ['before', ...spooled]);
  // Its sender had its answer; if it sends again all the same, that is no news.
  for (const delivery of spooled.slice(0, 3)) assert.ok((await deliver(third.url, delivery)) < 300);
  assert.deepEqual(await bus.read('hook', 1 + SPOOLED, { max: 1, waitMs: 0 }), []);
});

import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { connect } from 'nats';
import type { NatsConnection } from 'nats';
import { BusError } from '../../src/bus/bus.ts';
import { connectClient } from '../../src/bus/client.ts';
import { connectBus } from '../../src/bus/nats-bus.ts';
import { startOf } from '../../src/bus/process.ts';
import { findNatsServer, installNatsServer, NATS_USERS, privateNats, startNatsServer } from '../../src/bus/server.ts';
import type { NatsServer, NatsServerOptions, NatsUser } from '../../src/bus/server.ts';
import { realClock } from '../../src/clock.ts';
import { RejectedInput } from '../../src/errors.ts';
import { quiet } from './nats-world.ts';

async function withServers(
  use: (start: (more?: Partial<NatsServerOptions>) => Promise<NatsServer>, directory: string) => Promise<void>,
): Promise<void> {
  const directory = await mkdtemp(path.join(os.tmpdir(), 'chartroom-server-'));
  const started: NatsServer[] = [];
  try {
    await use(async (more = {}) => {
      const server = await startNatsServer({ directory, namespace: 'chartroom', ...more });
      started.push(server);
      return server;
    }, directory);
  } finally {
    for (const server of started) await server.stop();
    await rm(directory, { recursive: true, force: true });
  }
}

test('a server that outlived its starter is taken over, and ended by whoever took it', () =>
  withServers(async (start, directory) => {
    const first = await start();
    const second = await start();
    assert.deepEqual([first.takenOver, second.takenOver], [false, true]);
    assert.deepEqual([second.pid, second.url], [first.pid, first.url]);
    await second.stop();
    assert.equal(await privateNats(directory, 'operator'), null);
    assert.equal(startOf(first.pid), null);
  }));

test('a server that was killed is started again where it was, with what it held', () =>
  withServers(async (start) => {
    const first = await start();
    const options = { namespace: 'chartroom', clock: realClock, log: quiet };
    const bus = await connectBus({ ...first.access('runtime'), ...options });
    await bus.publish('mail', 'a.b', 'kept');
    await bus.close();
    process.kill(first.pid, 'SIGKILL');
    const second = await start();
    assert.deepEqual([second.takenOver, second.url], [false, first.url]);
    const again = await connectBus({ ...second.access('runtime'), ...options });
    const letters = await again.read('mail', 0, { max: 1, waitMs: 0 });
    await again.close();
    assert.equal(Buffer.from(letters[0]!.body).toString(), 'kept');
  }));

test('a server that lives but does not answer is not taken over', () =>
  withServers(async (start) => {
    const first = await start();
    process.kill(first.pid, 'SIGSTOP');
    const second = await start();
    assert.deepEqual([second.takenOver, second.pid === first.pid], [false, false]);
  }));

test('a port that is taken is named', () =>
  withServers(async (start) => {
    const other = net.createServer();
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    const { port } = other.address() as net.AddressInfo;
    try {
      await assert.rejects(
        start({ port }),
        (error) =>
          error instanceof RejectedInput && error.code === 'PORT_TAKEN' && error.message.includes(String(port)),
      );
    } finally {
      await new Promise((resolve) => other.close(resolve));
    }
  }));

test('passwords are made once, for this user’s eyes only, and are not in the configuration file', () =>
  withServers(async (start, directory) => {
    const server = await start();
    const file = path.join(directory, 'passwords.json');
    assert.equal((await stat(file)).mode & 0o777, 0o600);
    const before = await readFile(file, 'utf8');
    await server.stop();
    await start();
    assert.equal(await readFile(file, 'utf8'), before);
    assert.equal((await privateNats(directory, 'reader'))!.pass, JSON.parse(before).reader);
  }));

test('nobody gets in without a password', () =>
  withServers(async (start) => {
    const { url } = await start();
    const options = { servers: url, namespace: 'chartroom', clock: realClock, log: quiet };
    const isRefused = (error: unknown): boolean => error instanceof BusError && error.code === 'BUS_REFUSED';
    await assert.rejects(connectBus(options), isRefused);
    await assert.rejects(connectClient({ ...options, user: 'operator', pass: 'guessed' }), isRefused);
  }));

test('a server that is not there is unreachable', async () => {
  await assert.rejects(
    connectClient({ servers: 'nats://127.0.0.1:1', namespace: 'chartroom' }),
    (error) => error instanceof BusError && error.code === 'BUS_UNREACHABLE' && error.message.includes('127.0.0.1:1'),
  );
});

/** What each user may do, by what the server lets through. */
const MAY: Record<string, readonly NatsUser[]> = {
  'acme.mail.session.x': ['runtime', 'operator'],
  'acme.hook.github.push.-': ['runtime', 'bridge'],
  'acme.fact.session.x.say': ['runtime'],
  'acme.ask.show': ['runtime', 'operator'],
  'acme.live.run.ada': ['runtime'],
  '_INBOX.operator.x': ['runtime'],
  '$JS.API.STREAM.INFO.ACME_FACT': ['runtime', 'operator', 'reader'],
  '$JS.API.STREAM.INFO.ACME_MAIL': ['runtime'],
  '$JS.API.STREAM.PURGE.ACME_MAIL': ['runtime'],
  '$JS.API.STREAM.DELETE.ACME_FACT': ['runtime'],
  '$JS.API.STREAM.PURGE.ACME_FACT': ['runtime'],
  '$JS.API.STREAM.UPDATE.ACME_FACT': ['runtime'],
  '$JS.API.STREAM.CREATE.ANOTHER': ['runtime'],
  '$JS.API.STREAM.LIST': ['runtime'],
  '$JS.API.STREAM.MSG.GET.ACME_MAIL': ['runtime'],
  '$JS.API.STREAM.MSG.DELETE.ACME_FACT': ['runtime'],
  // A resumable follower of facts; nobody else reads mail and hooks, or the lease.
  '$JS.API.CONSUMER.CREATE.ACME_FACT.x.acme.fact.>': ['runtime', 'operator', 'reader'],
  '$JS.API.CONSUMER.MSG.NEXT.ACME_FACT.x': ['runtime', 'operator', 'reader'],
  '$JS.API.CONSUMER.DELETE.ACME_FACT.x': ['runtime'],
  '$JS.API.CONSUMER.CREATE.ACME_MAIL.x': ['runtime'],
  '$JS.API.CONSUMER.CREATE.ACME_HOOK.x': ['runtime'],
  '$JS.API.DIRECT.GET.KV_ACME': ['runtime'],
  '$KV.ACME.runtime': ['runtime'],
  '$SRV.INFO': ['runtime', 'operator'],
  // Only the terminal's own sign of life; what an agent says is the runtime's to tell.
  'acme.live.consumer.x': ['runtime', 'operator'],
  // Of another namespace on the same server nobody but the runtime knows.
  'other.mail.session.x': ['runtime'],
  'other.ask.show': ['runtime'],
  'other.hook.github.push.-': ['runtime'],
};
const MAY_HEAR: Record<string, readonly NatsUser[]> = {
  '_INBOX.operator.>': ['runtime', 'operator'],
  '_INBOX.>': ['runtime'],
  'acme.fact.>': ['runtime', 'operator', 'reader'],
  'acme.mail.>': ['runtime'],
  'acme.hook.>': ['runtime'],
  'acme.ask.>': ['runtime'],
  'acme.live.>': ['runtime', 'operator', 'reader'],
  '_INBOX.bridge.>': ['runtime', 'bridge'],
  '_INBOX.reader.>': ['runtime', 'reader'],
  'other.fact.>': ['runtime'],
  '$JS.>': ['runtime'],
  '>': ['runtime'],
};

test('each user of nats.conf may do what it needs and no more, in any namespace', () =>
  withServers(async (start) => {
    const server = await start({ namespace: 'acme' });
    for (const user of NATS_USERS) {
      const { servers, pass } = server.access(user);
      const nc = await connect({ servers, user, pass, inboxPrefix: `_INBOX.${user}` });
      const denied = await deniedTo(nc);
      await nc.close();
      for (const [subject, users] of Object.entries(MAY)) {
        assert.equal(denied.has(`publish ${subject}`), !users.includes(user), `${user} publishes ${subject}`);
      }
      for (const [subject, users] of Object.entries(MAY_HEAR)) {
        assert.equal(denied.has(`subscription ${subject}`), !users.includes(user), `${user} subscribes ${subject}`);
      }
    }
  }));

async function deniedTo(nc: NatsConnection): Promise<Set<string>> {
  const denied = new Set<string>();
  const watching = (async () => {
    for await (const status of nc.status()) {
      const context = status.permissionContext;
      if (context !== undefined) denied.add(`${context.operation} ${context.subject}`);
    }
  })();
  void watching;
  for (const subject of Object.keys(MAY)) nc.publish(subject, '{}');
  for (const subject of Object.keys(MAY_HEAR)) nc.subscribe(subject, { callback: () => {} });
  await nc.flush();
  await new Promise((resolve) => setImmediate(resolve));
  return denied;
}

test('a reader follows the facts with its own permissions, and is refused at once where it sends mail', () =>
  withServers(async (start) => {
    const server = await start();
    const bus = await connectBus({ ...server.access('runtime'), namespace: 'chartroom', clock: realClock, log: quiet });
    await bus.publish('fact', 'session.x.say', 'fact one');
    const client = await connectClient({ ...server.access('reader'), namespace: 'chartroom' });
    for await (const { body } of client.follow({ actor: 'session/x', fromSeq: 1 }, new AbortController().signal)) {
      assert.equal(body, 'fact one');
      break;
    }
    await assert.rejects(client.mail('session/x', {}), (error: BusError) => {
      assert.equal(error.code, 'BUS_REFUSED');
      assert.match(error.message, /chartroom\.mail\.session\.x: this user of NATS may not publish there/);
      return true;
    });
    await client.close();
    await bus.close();
  }));

test('nats-server is found by its variable, and a wrong variable is not overruled', async () => {
  const found = await findNatsServer({ PATH: process.env['PATH'] });
  assert.ok(found !== null, 'these tests need nats-server');
  assert.equal(await findNatsServer({ CHARTROOM_NATS_SERVER: found, PATH: '' }), found);
  assert.equal(
    await findNatsServer({ CHARTROOM_NATS_SERVER: '/nowhere/nats-server', PATH: process.env['PATH'] }),
    null,
  );
});

test('where it may not install, the one line to run is given and nothing is done', async () => {
  const said: string[] = [];
  const installed = await installNatsServer((line) => said.push(line), {
    env: { PATH: '' },
    platform: 'darwin',
    uid: 501,
  });
  assert.deepEqual([installed.ok, installed.ok ? '' : installed.run], [false, 'brew install nats-server']);
  assert.deepEqual(said, []);
});

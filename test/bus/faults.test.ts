/** NATS as it is: whatever happens to the server, all ends in order, nothing is lost or doubled, and health says it. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { copyFile, cp, mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { connect } from 'nats';
import { historyOf } from '../../src/actor/past.ts';
import { BusError } from '../../src/bus/bus.ts';
import { connectClient } from '../../src/bus/client.ts';
import { findNatsServer, startNatsServer } from '../../src/bus/server.ts';
import type { NatsAccess } from '../../src/bus/server.ts';
import { letter } from '../support/letter.ts';
import { skipLong } from '../support/long.ts';
import { slowLine } from '../support/slow-line.ts';
import { changePasswords, eventually, factIds, LAMPS, openPost } from './post.ts';
import type { Post, PostOptions } from './post.ts';

const EACH = 25;
const NEWER = process.env['CHARTROOM_TEST_NATS_SERVER_NEWER'] ?? '';

/** The suite on one server, named by what it says it is. */
function faults(program: string): void {
  const [, version = 'of an unknown version'] =
    /v?(\d+\.\d+\.\S+)/.exec(execFileSync(program, ['--version'], { encoding: 'utf8' })) ?? [];
  const on = `nats-server ${version}`;
  const check = (what: string, use: (post: Post) => Promise<void>, options: PostOptions = {}, skip?: string): void => {
    test(`${on}: ${what}`, { skip: skip ?? false }, async () => {
      const post = await openPost({ ...options, program });
      try {
        await use(post);
      } finally {
        await post.close();
      }
    });
  };
  const tells = async (post: Post, means: RegExp): Promise<void> => {
    const { reasons, notes } = (await post.health()) as unknown as { reasons: string[]; notes: string[] };
    assert.ok(
      [...reasons, ...notes].some((said) => means.test(said)),
      `${means}: ${JSON.stringify({ reasons, notes })}`,
    );
  };

  check('killed and started again while letters and hooks are on their way', async (post) => {
    const sending = post.send(EACH, 'stored');
    await post.steps(60);
    assert.equal(await post.hook(), 'taken');
    await post.kill();
    await tells(post, /NATS is not connected since 20/);
    assert.deepEqual([await post.hook(), await post.hook()], ['kept', 'kept']);
    await post.restart();
    await sending;
    await post.check(EACH);
    await tells(post, /NATS was away for \d+ s from 20/);
  });

  check('started again empty: who has no receipt sends again, and no step is taken twice', async (post) => {
    const sending = post.send(EACH, 'receipt');
    await post.steps(60);
    await post.kill();
    assert.equal(await post.hook(), 'kept');
    let old = '';
    await post.restart(async (directory) => {
      old = path.join(path.dirname(directory), 'old');
      await moveAside(directory, old);
    });
    await sending;
    await post.check(EACH, await factsOfOld(old, program));
    await tells(post, /the mail stream was replaced \(made 20.*read from its start, known ids are dropped/);
  });

  check('started again with less than it had acknowledged, and filled past that before anybody looks', async (post) => {
    await post.send(1, 'receipt');
    await post.kill();
    let older = '';
    await post.restart(async (directory) => {
      older = path.join(path.dirname(directory), 'older');
      await cp(directory, older, { recursive: true });
    });
    await post.status('connected');
    await post.send(3, 'receipt');
    await post.stopOffice();
    process.kill(post.server().pid, 'SIGKILL');
    await post.restart(async (directory) => {
      await rm(directory, { recursive: true });
      await rename(older, directory);
    });
    // More than were lost: the numbers of those that were read are all given to others.
    const client = await post.client();
    for (let number = 1; number <= 40; number++) {
      await client.mail(
        LAMPS[0]!,
        letter(LAMPS[0]!, 'fyi', { text: 'new' }, { id: `dan-${number}`, source: 'test/dan' }),
      );
    }
    await post.startOffice();
    await tells(post, /the mail stream lost its end and was filled again .* known ids are dropped/);
    await post.send(EACH, 'receipt');
    await post.check(EACH);
    const ids = historyOf((key) => post.store().get(key), LAMPS[0]!, 1, Infinity).map(
      ({ envelope }) => (envelope as { id: string }).id,
    );
    assert.equal(ids.filter((id) => id.startsWith('dan-')).length, 40);
  });

  check(
    'suspended until the link is given up, and resumed',
    async (post) => {
      const sending = post.send(EACH, 'stored');
      await post.steps(60);
      const away = post.status('disconnected');
      post.signal('SIGSTOP');
      await away;
      assert.equal(await post.hook(), 'kept');
      await tells(post, /NATS is not connected since/);
      post.signal('SIGCONT');
      await sending;
      await post.check(EACH);
    },
    {},
  );

  check(
    'suspended for half a minute, with the ping interval that users have',
    async (post) => {
      const sending = post.send(EACH, 'stored');
      await post.steps(60);
      post.signal('SIGSTOP');
      // The length of the pause is what is tried here.
      const over = new Promise((resolve) => setTimeout(resolve, 30_000));
      await tells(post, /no answer from .* in time|NATS is not/);
      await over;
      post.signal('SIGCONT');
      await sending;
      await post.check(EACH);
    },
    { pingIntervalMs: 10_000 },
    skipLong || undefined,
  );

  check('back with other passwords, and with the right ones again', async (post) => {
    const sending = post.send(EACH, 'stored');
    await post.steps(60);
    await post.kill();
    await post.restart((directory) => changePasswords(directory, (password) => `${password}x`));
    await eventually(async () =>
      ((await post.health()) as unknown as { reasons: string[] }).reasons.some((said) =>
        /NATS at nats:.* does not accept the user or its password/.test(said),
      ),
    );
    process.kill(post.server().pid, 'SIGKILL');
    await post.restart((directory) => changePasswords(directory, (password) => password.slice(0, -1)));
    await sending;
    await post.check(EACH);
  });

  check('its letterbox purged under way', async (post) => {
    const sending = post.send(EACH, 'receipt');
    await post.steps(60);
    await post.manage((jsm) => jsm.streams.purge('CHARTROOM_MAIL'));
    await sending;
    await post.check(EACH);
  });

  check(
    'its letterbox purged while nobody reads it: what was lost is named, and the start does not wait',
    async (post) => {
      await post.send(1, 'receipt');
      await post.stopOffice();
      const client = await post.client();
      for (const number of [1, 2]) await client.mail(LAMPS[0]!, { lost: number });
      await post.manage((jsm) => jsm.streams.purge('CHARTROOM_MAIL'));
      await post.startOffice();
      await tells(post, /the mail stream lost messages 10 to 11 before they were read .* sent again/);
      await post.send(EACH, 'receipt');
      await post.check(EACH);
    },
  );

  check('its letterbox deleted under way', async (post) => {
    const sending = post.send(EACH, 'receipt');
    await post.steps(60);
    await post.manage((jsm) => jsm.streams.delete('CHARTROOM_MAIL'));
    await sending;
    await post.check(EACH);
    await tells(post, /the mail stream was replaced/);
  });

  check(
    'its letterbox full: the sender is told, what is in it stays, and health says so',
    async (post) => {
      const client = await post.client();
      const taken: Promise<unknown>[] = [];
      await assert.rejects(
        async () => {
          for (let number = 1; ; number++) {
            const id = `ann-${number}`;
            const envelope = {
              specversion: '1.0',
              id,
              source: 'test/a',
              type: 'fyi',
              subject: LAMPS[0],
              data: { text: id },
            };
            taken.push((await client.mail(LAMPS[0]!, envelope)).receipt);
          }
        },
        (error) => error instanceof BusError && error.code === 'BUS_FULL' && /mail stream is full/.test(error.message),
      );
      assert.equal(taken.length, 30);
      for (const receipt of taken) assert.equal(((await receipt) as { outcome: string }).outcome, 'recorded');
      await tells(post, /the mail stream is full \(30 messages.*refused until/);
      assert.deepEqual([await post.hook(), await post.hook(), await post.hook()], ['taken', 'taken', 'kept']);
      await post.manage((jsm) => jsm.streams.purge('CHARTROOM_HOOK'));
      await post.manage((jsm) => jsm.streams.purge('CHARTROOM_MAIL'));
      await eventually(async () => post.office().spool.size().count === 0);
      const { ready } = await post.health();
      assert.ok(ready);
    },
    { limits: { mail: { messagesMax: 30 }, hook: { messagesMax: 2 } } },
  );

  check(
    'behind a slow line',
    async (post) => {
      await post.send(EACH, 'stored');
      assert.equal(await post.hook(), 'taken');
      await post.check(EACH);
      // Slow is not gone: nothing is to be told of it, and nothing holds readiness back.
      const { ready, reasons } = (await post.health()) as unknown as { ready: boolean; reasons: string[] };
      assert.deepEqual([ready, reasons], [true, []]);
    },
    { through: (url) => slowLine(url, { bytesPerSecond: 100_000 }), pingIntervalMs: 10_000 },
  );

  check('with a message larger than it takes: who sends it is told, and the next goes through', async (post) => {
    const client = await post.client();
    await assert.rejects(
      client.mail(LAMPS[0]!, { text: 'x'.repeat(9_000_000) }),
      (error) => error instanceof BusError && error.code === 'BUS_REFUSED' && /max_payload/.test(error.message),
    );
    await post.send(2, 'receipt');
    await post.check(2);
  });
}

/** What the server held is moved aside, so that the next start finds nothing but the passwords. */
async function moveAside(directory: string, old: string): Promise<void> {
  await rename(directory, old);
  await mkdir(directory);
  await copyFile(path.join(old, 'passwords.json'), path.join(directory, 'passwords.json'));
}

async function factsOfOld(directory: string, program: string): Promise<string[]> {
  await rm(path.join(directory, 'server.json'), { force: true });
  const server = await startNatsServer({ directory, namespace: 'chartroom', program });
  const client = await connectClient({ ...server.access('runtime'), namespace: 'chartroom' });
  const ids: string[] = [];
  const { lastSeq } = await lastOf(server.access('runtime'));
  if (lastSeq > 0) for await (const id of factIds(client)) if (ids.push(id) === lastSeq) break;
  await client.close();
  await server.stop();
  return ids;
}

async function lastOf(access: NatsAccess): Promise<{ lastSeq: number }> {
  const nc = await connect(access);
  const { state } = await (await nc.jetstreamManager()).streams.info('CHARTROOM_FACT');
  await nc.close();
  return { lastSeq: state.last_seq };
}

const installed = await findNatsServer();
assert.ok(installed !== null, 'there is no nats-server: npm test installs one, or says how');
faults(installed);

test('a server that takes only small messages: health says so, and what to set', async (t) => {
  const directory = await mkdtemp(path.join(os.tmpdir(), 'chartroom-small-'));
  t.after(() => rm(directory, { recursive: true }));
  // The server, with another nats.conf than ours: `-c` is its first argument but for the file.
  const program = path.join(directory, 'nats-server');
  const conf = path.join(directory, 'nats.conf');
  const script = `#!/bin/sh
[ "$1" = -c ] || exec "${installed}" "$@"
sed 's/^max_payload:.*/max_payload: 1MB/' "$2" >"${conf}"
shift 2
exec "${installed}" -c "${conf}" "$@"
`;
  await writeFile(program, script, { mode: 0o755 });
  const post = await openPost({ program });
  t.after(() => post.close());
  const { ready, notes } = (await post.health()) as unknown as { ready: boolean; notes: string[] };
  assert.ok(ready);
  assert.match(notes.join('\n'), /NATS takes messages of at most 1048576 bytes; set max_payload: 8MB/);
});
if (NEWER === '') test('a newer nats-server', { skip: 'none is named: CHARTROOM_TEST_NATS_SERVER_NEWER' }, () => {});
else faults(NEWER);

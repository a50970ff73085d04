/**
 * Two runtimes and one namespace, with real processes (I15). A lease becomes stale after half a minute, by any clock:
 * too long for every run of the tests.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { execa } from 'execa';
import { statusLink } from '../../src/bridge/status-link.ts';
import { startNatsServer } from '../../src/bus/server.ts';
import { endAll, processesOf } from '../../src/demo/processes.ts';
import { programArgs } from '../../src/package.ts';
import { temporary } from '../cli/parts.ts';
import { skipLong } from '../support/long.ts';

const STATUS = {
  url: 'https://status.example.test',
  secret: 'a secret of more than thirty-two characters'.replaceAll(' ', '-'),
};

async function place(t: TestContext) {
  const cwd = await temporary(t);
  t.after(() => endAll(processesOf(cwd)));
  const server = await startNatsServer({ directory: path.join(cwd, 'nats'), namespace: 'chartroom' });
  t.after(() => server.stop());
  const { user, pass } = server.access('runtime');
  await writeFile(
    path.join(cwd, 'chartroom.yaml'),
    `nats: { url: "${server.url}", user: ${user}, password: "\${NATS_PASSWORD}" }
webhooks: { listen: 127.0.0.1:0 }
operator: { listen: 127.0.0.1:0 }
status: { url: "${STATUS.url}", secret: "\${STATUS_SECRET}" }
`,
  );
  const env = { NATS_PASSWORD: pass, STATUS_SECRET: STATUS.secret, XDG_CONFIG_HOME: cwd, NO_COLOR: '1' };
  return {
    cwd,
    /** Settles with `ready`, or with how it ended. */
    async up(name: string) {
      const child = execa(
        process.execPath,
        [...programArgs('src/cli/main'), 'up', '--json', '--data', path.join(cwd, name)],
        { cwd, reject: false, env },
      );
      let [operator, webhooks] = ['', ''];
      const ready = once(child.stdout, 'data').then(([line]) => {
        ({ operator, webhooks } = JSON.parse(String(line)) as { operator: string; webhooks: string });
        return 'ready' as const;
      });
      const ended = child.then(({ exitCode, stderr }) => ({ exitCode, stderr }));
      const first = await Promise.race([ready, ended]);
      return { child, ended, first, operator, webhooks };
    },
    say: (...argv: string[]) =>
      execa(process.execPath, [...programArgs('src/cli/main'), ...argv], {
        cwd,
        reject: false,
        env: { ...env, CHARTROOM_USER: 'alice' },
      }),
  };
}

test(
  'a second runtime is refused and told who has the namespace, while the first goes on',
  { skip: skipLong },
  async (t) => {
    const { up, say } = await place(t);
    const one = await up('one');
    assert.equal(one.first, 'ready');
    const two = await up('two');
    assert.ok(two.first !== 'ready');
    assert.equal(two.first.exitCode, 1);
    assert.match(
      two.first.stderr,
      new RegExp(
        `✗ another runtime has this namespace: .*, process ${one.child.pid}, with another store, last heard of`,
      ),
    );
    assert.equal((await say('hire', 'ada', '--role', 'implementer')).exitCode, 0);
    one.child.kill('SIGINT');
    assert.equal((await one.ended).exitCode, 0);
    // Given back, it is free at once.
    const next = await up('two');
    assert.equal(next.first, 'ready');
    next.child.kill('SIGINT');
    assert.equal((await next.ended).exitCode, 0);
  },
);

test(
  'a runtime suspended past its lease finds another there when it wakes: it does nothing more and ends, naming it',
  { skip: skipLong },
  async (t) => {
    const { cwd, up, say } = await place(t);
    const one = await up('one');
    assert.equal(one.first, 'ready');
    assert.equal((await say('hire', 'ada', '--role', 'implementer')).exitCode, 0);
    const { url } = statusLink(STATUS, 'agent/ada', Date.now());
    const status = url.replace(STATUS.url, one.webhooks);
    assert.equal((await fetch(status)).status, 200);
    one.child.kill('SIGSTOP');
    // They reach it while it sleeps, and are the first it sees when it wakes.
    const unheard = await say('hire', 'cyd', '--role', 'implementer');
    assert.equal(unheard.exitCode, 3, unheard.stderr);
    const unanswered = [`${one.operator}/readyz`, status].map((door) =>
      fetch(door).then(
        (answer) => answer.status,
        () => 'no answer',
      ),
    );
    let two = await up('two');
    while (two.first !== 'ready') {
      const [, seconds] = /last heard of (\d+) s ago/.exec(two.first.stderr) ?? [];
      assert.ok(seconds !== undefined, two.first.stderr);
      await wait((30 - Number(seconds)) * 1_000);
      two = await up('two');
    }
    one.child.kill('SIGCONT');
    const { exitCode, stderr } = await one.ended;
    assert.equal(exitCode, 1);
    assert.match(
      stderr,
      new RegExp(`✗ another runtime has taken this namespace: .*, process ${two.child.pid} — what this one took`),
    );
    const [readiness, shown] = await Promise.all(unanswered);
    assert.ok([500, 'no answer'].includes(readiness!), String(readiness));
    // Where it looks first whether it is ready it may find that it is not.
    assert.ok([500, 503, 'no answer'].includes(shown!), String(shown));
    assert.equal((await say('hire', 'bob', '--role', 'implementer')).exitCode, 0);
    two.child.kill('SIGINT');
    assert.equal((await two.ended).exitCode, 0);
    const agents = async (name: string): Promise<string> =>
      (await say('ps', 'agent', '--data', path.join(cwd, name))).stdout;
    assert.match(await agents('one'), /agent\/ada/);
    assert.doesNotMatch(await agents('one'), /agent\/bob|agent\/cyd/);
    assert.match(await agents('two'), /agent\/bob/);
  },
);

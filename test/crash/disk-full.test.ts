/** The disk of a running runtime fills up: it ends and says so, and what it acknowledged is there afterwards. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { execa } from 'execa';
import { endAll, processesOf } from '../../src/demo/processes.ts';
import { programArgs } from '../../src/package.ts';
import { chartroom, temporary } from '../cli/parts.ts';
import { skipLong } from '../support/long.ts';

const MOUNT_BYTES = 64 * 1_024 * 1_024;
/** More than the last page of the store's log has room for. */
const TEXT = 'x'.repeat(12_000);
/** A runtime that has not ended after so many letters does not notice that its disk is full. */
const LETTERS_MAX = 12;

/** A file system of its own in a user namespace, which any user may make, and how to run a program that sees it. */
async function smallDisk(t: TestContext, at: string): Promise<{ run: string[]; seen: string } | string> {
  const script = `mount -t tmpfs -o size=${MOUNT_BYTES} none "$0" && echo ready && exec cat`;
  const holder = execa('unshare', ['--user', '--map-root-user', '--mount', 'sh', '-c', script, at], { reject: false });
  t.after(() => holder.kill('SIGKILL'));
  const [said] = (await Promise.race([once(holder.stdout, 'data'), holder.then(() => [''])])) as [Buffer | string];
  if (!String(said).includes('ready')) {
    const { stderr, shortMessage } = await holder;
    return `no file system of its own can be mounted here: ${stderr || shortMessage}`;
  }
  const enter = ['nsenter', '--target', String(holder.pid), '--user', '--mount', '--preserve-credentials'];
  // Whoever enters it stands at its root.
  const run = [...enter, 'sh', '-c', 'cd "$0" && exec "$@"'];
  return { run, seen: path.join(`/proc/${holder.pid}/root`, at) };
}

test(
  'a disk that is full ends the runtime with what to do; a restart with room has all that was acknowledged',
  { skip: skipLong },
  async (t) => {
    const cwd = await temporary(t);
    t.after(() => endAll(processesOf(cwd)));
    // Only the store's: the streams stay as they are, so that it is the store that fails.
    const store = path.join(cwd, '.chartroom', 'store');
    mkdirSync(store, { recursive: true });
    const disk = await smallDisk(t, store);
    if (typeof disk === 'string') {
      t.skip(disk);
      return;
    }
    const up = async () => {
      const [program, ...args] = disk.run;
      const child = execa(
        program!,
        [
          ...args,
          cwd,
          process.execPath,
          ...programArgs('src/cli/main'),
          'up',
          '--json',
          '--webhooks',
          '127.0.0.1:0',
          '--operator',
          '127.0.0.1:0',
        ],
        { cwd, reject: false, env: { XDG_CONFIG_HOME: cwd, NO_COLOR: '1' } },
      );
      t.after(() => child.kill('SIGKILL'));
      const ended = child.then(({ stderr }) => assert.fail(`it ended before it was ready: ${stderr}`));
      ended.catch(() => {});
      await Promise.race([once(child.stdout, 'data'), ended]);
      // Not the child itself: whoever awaits that awaits its end.
      return { child };
    };
    const first = await up();
    const hired = await chartroom(cwd, 'hire', 'ada', '--role', 'implementer');
    assert.equal(hired.exitCode, 0, hired.stderr);
    const filler = path.join(disk.seen, 'filler');
    assert.throws(() => writeFileSync(filler, Buffer.alloc(2 * MOUNT_BYTES)), { code: 'ENOSPC' });
    const acknowledged: number[] = [];
    for (let count = 0; count < LETTERS_MAX; count++) {
      const said = await chartroom(cwd, 'fyi', 'agent/ada', `${count} ${TEXT}`);
      if (said.exitCode !== 0) break;
      acknowledged.push(count);
    }
    assert.ok(acknowledged.length < LETTERS_MAX, 'a full disk was noticed');
    const ended = await first.child;
    assert.equal(ended.exitCode, 1);
    assert.match(
      ended.stderr,
      /✗ the store could not be written: .* — see whether .* its disk has room, then start again/,
    );

    rmSync(filler);
    const second = await up();
    const history = await chartroom(cwd, 'history', 'agent/ada', '--json');
    assert.equal(history.exitCode, 0, history.stderr);
    for (const count of acknowledged) assert.ok(history.stdout.includes(`"${count} xxx`), `letter ${count} is there`);
    const said = await chartroom(cwd, 'fyi', 'agent/ada', 'there is room');
    assert.equal(said.exitCode, 0, said.stderr);
    second.child.kill('SIGINT');
    assert.equal((await second.child).exitCode, 0);
  },
);

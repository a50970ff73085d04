/** Worktrees of sessions that are over, removed by their age; real git. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { createFakeClock } from '../../src/clock.ts';
import { createTidying } from '../../src/effects/tidying.ts';
import { createLog } from '../../src/log.ts';
import { withSite, write } from './worktree-site.ts';
import type { Site } from './worktree-site.ts';

const DAY_MS = 86_400_000;
const CLONE = 'data/repos/acme--api.git';

/** A session of which `final` says whether it is over; its last step was at the start. */
function tidied(site: Site, session: { final: boolean } | null) {
  const clock = createFakeClock();
  const updatedAt = new Date(clock.now()).toISOString();
  const tidying = createTidying({
    root: path.join(site.directory, 'data', 'worktrees'),
    session: (id) => (session === null || id !== 'eng-42' ? null : { ...session, epoch: 7, updatedAt }),
    remove: site.worktrees.removeLeft,
    ageMs: 7 * DAY_MS,
    clock,
    log: createLog({ level: 'silent' }),
  });
  return { clock, tidying };
}

test('what a finished session left goes after a week, and what nobody else has is kept on a rescue branch', () =>
  withSite(async (site) => {
    const { path: tree } = await site.prepare();
    const { path: second } = await site.prepare({ fresh: true, epoch: 2 }, 'session/eng-42/2/0');
    const own = await site.work(second, { 'made.txt': 'un-pushed\n' }, false);
    await write(second, { 'new.txt': 'dirty\n' });
    const { clock, tidying } = tidied(site, { final: true });
    clock.advance(6 * DAY_MS);
    assert.deepEqual(await tidying.once(), []);
    clock.advance(DAY_MS);
    assert.deepEqual(await tidying.once(), ['eng-42']);
    assert.deepEqual([existsSync(tree), existsSync(second)], [false, false]);
    const clone = path.join(site.directory, CLONE);
    // Of each directory its own branch; the second has both the commit and the file.
    assert.equal(await site.git(clone, 'show', 'rescue/eng-42/7-2:new.txt'), 'dirty');
    assert.equal(await site.git(clone, 'merge-base', 'rescue/eng-42/7-2', own), own);
    assert.deepEqual(await tidying.once(), [], 'nothing is left to remove');
  }));

test('of a session that is not over, of none that is known, and of another repository nothing is touched', () =>
  withSite(async (site) => {
    const { path: tree } = await site.prepare();
    for (const session of [{ final: false }, null]) {
      const { clock, tidying } = tidied(site, session);
      clock.advance(30 * DAY_MS);
      assert.deepEqual(await tidying.once(), []);
    }
    const foreign = path.join(site.directory, 'data', 'worktrees', 'eng-42');
    await site.remove();
    await mkdir(foreign, { recursive: true });
    await write(foreign, { 'mine.txt': 'not a worktree\n' });
    const { clock, tidying } = tidied(site, { final: true });
    clock.advance(30 * DAY_MS);
    assert.deepEqual(await tidying.once(), []);
    assert.deepEqual([existsSync(tree), existsSync(path.join(foreign, 'mine.txt'))], [true, true]);
  }));

test(
  'a directory in which a process works stays until it is gone',
  { skip: existsSync('/proc/self/cwd') ? false : 'this system does not tell where a process works' },
  () =>
    withSite(async (site) => {
      const { path: tree } = await site.prepare();
      const { clock, tidying } = tidied(site, { final: true });
      clock.advance(30 * DAY_MS);
      const worker = spawn('cat', { cwd: tree, stdio: ['pipe', 'ignore', 'ignore'] });
      await once(worker, 'spawn');
      assert.deepEqual(await tidying.once(), []);
      worker.stdin.end();
      await once(worker, 'exit');
      assert.deepEqual(await tidying.once(), ['eng-42']);
      assert.equal(existsSync(tree), false);
    }),
);

/** State that no actor has: found without being touched, cleared when it is asked, and never where it holds work. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { execa } from 'execa';
import { findLeftovers } from '../../src/care/leftovers.ts';
import { createDirectories } from '../../src/effects/directory.ts';
import { folderOf, writeRecord } from '../../src/effects/process/folder.ts';
import { findProcess, membersOf, readBootId } from '../../src/effects/process/group.ts';
import { openScreen } from '../cli/parts.ts';
import type { Screen } from '../cli/parts.ts';

const WORKER = { role: 'implementer', driver: 'scripted', mode: 'worker' };

interface Site {
  data: string;
  screen: Screen;
  put(file: string, text?: string): Promise<void>;
  /** The folder of a run of this agent. */
  run(agent: string, run: string, more?: { pid: number; start: string }): Promise<string>;
  /** A worktree of a clone that lies in the data directory. */
  worktree(name: string): Promise<string>;
  doctor(...argv: string[]): ReturnType<Screen['run']>;
}

/** A data directory beside a node that knows agent/ada and session/s1. */
async function site(t: { after(call: () => Promise<void>): void }): Promise<Site> {
  const data = await mkdtemp(path.join(os.tmpdir(), 'leftovers-'));
  t.after(() => rm(data, { recursive: true, force: true }));
  const screen = await openScreen({ env: { NO_COLOR: '1', PATH: process.env['PATH'] } });
  t.after(() => screen.stop());
  await screen.send('agent/ada', 'hire', WORKER);
  const opened = {
    title: 'x',
    body: '',
    source: { kind: 'manual' },
    repo: 'acme/api',
    kind: 'docs',
    deliver: 'report',
  };
  await screen.send('session/s1', 'open', opened);
  const clone = path.join(data, 'repos', 'acme--api.git');
  const git = (cwd: string, ...args: string[]) =>
    execa('git', ['-c', 'user.name=a', '-c', 'user.email=a@b', ...args], { cwd });
  const put = async (file: string, text = ''): Promise<void> => {
    await mkdir(path.dirname(path.join(data, file)), { recursive: true });
    await writeFile(path.join(data, file), text);
  };
  return {
    data,
    screen,
    put,
    async run(agent, run, more) {
      const folder = folderOf(data, { run, agent, mode: 'worker' });
      const preparedAt = '2026-01-01T00:00:00.000Z';
      const rest = { driver: 'scripted', preparedAt, bootId: await readBootId(), prompted: [] };
      await writeRecord(folder, { run, agent, mode: 'worker', ...rest, ...more });
      return folder.path;
    },
    async worktree(name) {
      if (!existsSync(clone)) {
        await mkdir(clone, { recursive: true });
        await git(clone, 'init', '--quiet', '--bare');
        const { stdout: tree } = await git(clone, 'write-tree');
        const { stdout: commit } = await git(clone, 'commit-tree', tree, '-m', 'first');
        await git(clone, 'update-ref', 'refs/heads/main', commit);
      }
      const directory = path.join(data, 'worktrees', name);
      await git(clone, 'worktree', 'add', '--quiet', '--force', '--detach', directory, 'main');
      return directory;
    },
    doctor: (...argv) => screen.run('doctor', '--data', data, ...argv),
  };
}

test('what no actor has is named with whose it was; what somebody has, links and strange names are not', async (t) => {
  const { data, put, run, worktree } = await site(t);
  await run('agent/ada', 's1-1');
  await run('agent/gone', 's9-1');
  await put('runs/empty/door.json', '{}');
  await put('runs/lost+found/x');
  await put('homes/ada/x');
  await put('homes/gone/x');
  await put('chats/gone/x');
  await worktree('s1');
  await worktree('s9');
  await worktree('s1.2');
  await createDirectories(path.join(data, 'worktrees')).write('s1', { n: 2, hookLeft: [] });
  await symlink('/etc', path.join(data, 'homes', 'link'));
  const exists = new Set(['agent/ada', 'session/s1']);
  const left = await findLeftovers({ data, exists: async () => exists });
  assert.deepEqual(left.map(({ kind, path: at, why }) => `${kind} ${path.relative(data, at)}: ${why}`).sort(), [
    'chat chats/gone: there is no agent/gone',
    'home homes/gone: there is no agent/gone',
    'run runs/empty: nothing in it says whose it is',
    'run runs/s9-1: there is no agent/gone',
    'worktree worktrees/s1: session/s1 works elsewhere since a process here could not be ended',
    'worktree worktrees/s9: there is no session/s9',
  ]);
  assert.deepEqual(await findLeftovers({ data: path.join(data, 'none'), exists: async () => exists }), []);
});

test('a dry run removes nothing; then all goes but what holds work that is nowhere else, and its process first', async (t) => {
  const { data, screen, put, run, worktree, doctor } = await site(t);
  const sleeper = spawn('/bin/sleep', ['600'], { detached: true, stdio: 'ignore' });
  t.after(async () => void sleeper.kill('SIGKILL'));
  const { start } = (await findProcess(sleeper.pid!))!;
  const running = await run('agent/gone', 's9-1', { pid: sleeper.pid!, start });
  await put('homes/gone/.codex/auth.json', '{}');
  await put('homes/ada/x');
  const [clean, dirty, committed] = [await worktree('clean'), await worktree('dirty'), await worktree('committed')];
  await writeFile(path.join(dirty, 'work.txt'), 'only here');
  await execa('git', ['-c', 'user.name=a', '-c', 'user.email=a@b', 'commit', '--allow-empty', '-m', 'x'], {
    cwd: committed,
  });

  await put('store/CURRENT');
  assert.match(
    (await doctor()).out,
    /✗ leftovers: runs\/s9-1 \(there is no agent\/gone; its process \d+ is alive\); homes\/gone .* — see: chartroom doctor --clear --dry-run/,
  );
  const dry = await doctor('--clear', '--dry-run', '--json');
  assert.equal(dry.exit, 0, dry.out + dry.err);
  assert.deepEqual(
    dry
      .json<{ kind: string; pid: number | null; cleared: boolean }>()
      .map(({ kind, pid, cleared }) => [kind, pid, cleared]),
    [
      ['run', sleeper.pid, false],
      ['home', null, false],
      ['worktree', null, false],
      ['worktree', null, false],
      ['worktree', null, false],
    ],
  );
  for (const there of [running, clean, dirty, committed]) assert.ok(existsSync(there), there);
  assert.equal((await membersOf(sleeper.pid!)).length, 1);

  // It is looked at again and again until it is gone: on a clock that stands still, the second look would never come.
  const passing = setInterval(() => screen.clock.advance(10), 10);
  const cleared = await doctor('--clear');
  clearInterval(passing);
  assert.equal(cleared.exit, 1, 'something was left');
  assert.match(
    cleared.out,
    new RegExp(`cleared: runs/s9-1 — there is no agent/gone; its process ${sleeper.pid} is alive`),
  );
  assert.match(cleared.err, /✗ worktrees\/dirty: it holds 1 changed files.*remove it by hand/);
  assert.match(cleared.err, /✗ worktrees\/committed: it holds a commit that no branch has/);
  assert.deepEqual(await membersOf(sleeper.pid!), [], 'its process is gone');
  for (const gone of [running, clean, path.join(data, 'homes/gone')]) assert.ok(!existsSync(gone), gone);
  for (const kept of [dirty, committed, path.join(data, 'homes/ada')]) assert.ok(existsSync(kept), kept);
  const { stdout } = await execa('git', ['worktree', 'list'], { cwd: path.join(data, 'repos', 'acme--api.git') });
  assert.ok(!stdout.includes('clean'), 'git forgot it too');

  await Promise.all([dirty, committed].map((directory) => rm(directory, { recursive: true })));
  const again = await doctor('--clear');
  assert.deepEqual([again.exit, again.out], [0, 'everything in the data directory is somebody’s: nothing to clear\n']);
});

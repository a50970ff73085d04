import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { createFakeClock } from '../../src/clock.ts';
import type { FakeClock } from '../../src/clock.ts';
import { readRecord, folderOf, writeRecord } from '../../src/effects/process/folder.ts';
import { membersOf } from '../../src/effects/process/group.ts';
import { AGENT, begun, onLinux, strayLives, strayOf, straying, withProcesses } from './process-site.ts';
import type { ProcessSite } from './process-site.ts';

const END = { reason: 'enough', stopSeconds: 2, killSeconds: 0.5 };
const folder = (site: ProcessSite) =>
  folderOf(path.join(site.directory, 'data'), { run: 'eng-42-3', agent: AGENT, mode: 'worker' });

/** Waits until a condition holds that only another process brings about. */
async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise((resolve) => setImmediate(resolve));
}

test('a process of an earlier life of the runtime is taken up and goes on', () =>
  withProcesses({ runs: [{ steps: [{ ask: 'Which?' }, { report: '{answer}' }] }] }, async (site) => {
    const first = site.start();
    const before = await site.next('driver.started');
    await site.next('driver.asked');
    await first.stop('runtime');
    site.again();
    site.start();
    const after = await site.next('driver.started');
    assert.deepEqual(after, before, 'the same word under the same id');
    assert.equal((await site.next('driver.asked')).id, 'eng-42-3/asked/q1');
    await site.act('driver.answer', { question: 'eng-42-3:q1', text: 'this one' });
    assert.deepEqual((await site.next('driver.turned')).data['result'], { report: 'this one' });
    await site.act('process.end', END);
    assert.equal((await site.next('driver.exited')).data['class'], 'ended');
  }));

test('a run that ended while the runtime was down is told as what it was', () =>
  withProcesses({ command: 'read go < go; echo "{\\"report\\": \\"done\\"}" > "$CHARTROOM_RESULT"' }, async (site) => {
    const { execa } = await import('execa');
    await execa('mkfifo', [path.join(site.worktree, 'go')]);
    const first = site.start({ driver: 'command' });
    await site.next('driver.started');
    await first.stop('runtime');
    await writeFile(path.join(site.worktree, 'go'), 'go\n');
    await until(() => existsSync(folder(site).files.exit));
    site.again();
    site.start({ driver: 'command' });
    const turned = await site.next('driver.turned');
    assert.deepEqual([turned.data['outcome'], turned.data['result']], ['completed', { report: 'done' }]);
    const exited = await site.next('driver.exited');
    assert.deepEqual([exited.data['class'], exited.data['code']], ['clean', 0]);
  }));

test('a process that died unseen while the runtime was down is an interruption, not a crash', () =>
  withProcesses({ runs: [{ steps: [{ hang: true }] }] }, async (site) => {
    const first = site.start();
    const { data } = await site.next('driver.started');
    await site.next('note.read');
    await first.stop('runtime');
    process.kill(-(data['pid'] as number), 'SIGKILL');
    await until(async () => (await membersOf(data['pid'] as number)).length === 0);
    site.again();
    site.start();
    const exited = await site.next('driver.exited');
    assert.deepEqual([exited.data['class'], exited.data['reason']], ['ended', 'it ended while the runtime was down']);
    assert.ok(!site.told.some(({ type }) => type === 'driver.turned'));
  }));

test('what left the group of a run that died while the runtime was down is ended by the next start', onLinux, () =>
  withProcesses({ runs: [{ steps: [{ run: straying() }, { hang: true }] }] }, async (site) => {
    const first = site.start();
    const { data } = await site.next('driver.started');
    await strayOf(site);
    await first.stop('runtime');
    process.kill(-(data['pid'] as number), 'SIGKILL');
    await until(async () => (await membersOf(data['pid'] as number)).length === 0);
    assert.ok(await strayLives(site));
    site.again();
    site.start();
    assert.equal((await site.next('driver.exited')).data['reason'], 'it ended while the runtime was down');
    assert.ok(!(await strayLives(site)));
  }),
);

test('a run of another machine is told as interrupted, and started nowhere', () =>
  withProcesses({ runs: [{ steps: [{ hang: true }] }] }, async (site) => {
    const gone = path.join(site.worktree, '..', 'eng-43');
    const others = path.join(site.directory, 'elsewhere', 'worktrees', 'eng-42');
    await mkdir(others, { recursive: true });
    for (const worktree of [gone, others]) {
      site.again();
      site.start({ begun: begun(worktree) });
      const exited = await site.next('driver.exited');
      assert.equal(exited.data['class'], 'ended');
      assert.match(exited.data['reason'] as string, /not on this machine: the store was restored/);
      assert.equal(existsSync(folder(site).path), false);
    }
    assert.equal(existsSync(gone), false);
  }));

test('a process that the driver cannot take up again is ended as a group and told as ended', () =>
  withProcesses({ runs: [{ steps: [{ run: 'sleep 600 & true' }, { hang: true }] }] }, async (site) => {
    const first = site.start();
    const { data } = await site.next('driver.started');
    await site.next('note.read');
    await first.stop('runtime');
    const { createScriptedDriver } = await import('../../src/drivers/scripted/driver.ts');
    const driver = createScriptedDriver({ script: { runs: [] }, node: process.execPath });
    const once = { ...driver, capabilities: { ...driver.capabilities, readopt: false } };
    site.again({ drivers: { scripted: once } });
    site.start();
    assert.equal((await site.next('driver.exited')).data['class'], 'ended');
    assert.deepEqual(await membersOf(data['pid'] as number), []);
  }));

test('a process with the same pid from before a reboot, or of another start time, is somebody else’s', () =>
  withProcesses({ runs: [{ steps: [] }] }, async (site) => {
    // This test's own process: it must survive being found.
    const own = { pid: process.pid, startedAt: '2026-01-01T00:00:00.000Z' };
    for (const stranger of [
      { ...own, bootId: 'another boot' },
      { ...own, start: '1', bootId: (await import('../../src/effects/process/group.ts')).readBootId() },
    ]) {
      const record = {
        run: 'eng-42-3',
        agent: AGENT,
        driver: 'scripted',
        mode: 'worker' as const,
        preparedAt: '2026-01-01T00:00:00.000Z',
        prompted: [],
        ...stranger,
        bootId: await stranger.bootId,
      };
      await mkdir(folder(site).path, { recursive: true });
      await writeRecord(folder(site), record);
      await writeFile(folder(site).files.output, '');
      await writeFile(folder(site).files.complaint, '');
      site.again();
      site.start();
      assert.equal((await site.next('driver.exited')).data['class'], 'ended');
      await rm(folder(site).path, { recursive: true });
    }
  }));

test('a process that was started but not recorded is found by the pid it noted itself', () =>
  withProcesses({ runs: [{ steps: [{ hang: true }] }] }, async (site) => {
    const first = site.start();
    const { data } = await site.next('driver.started');
    await site.next('note.read');
    await first.stop('runtime');
    const { pid: _pid, start: _start, startedAt: _startedAt, ...unrecorded } = (await readRecord(folder(site)))!;
    await writeRecord(folder(site), { ...unrecorded, prompted: [] });
    site.again();
    site.start();
    assert.equal((await site.next('driver.started')).data['pid'], data['pid']);
    await site.act('process.end', END);
    assert.equal((await site.next('driver.turned')).data['outcome'], 'interrupted');
  }));

test('words that the runtime could not take any more are said by the next one', () =>
  withProcesses({ runs: [{ steps: [{ report: 'done' }, { exit: 0 }] }] }, async (site) => {
    let refuse = true;
    site.processes().watch.start(
      {
        run: 'eng-42-3',
        agent: AGENT,
        role: 'implementer',
        driver: 'scripted',
        mode: 'worker',
        begun: begun(site.worktree),
        actions: [],
      },
      {
        actor: AGENT,
        signal: new AbortController().signal,
        async tell() {
          if (refuse) throw new Error('the node is stopped');
          return undefined as never;
        },
      },
    );
    await until(() => site.processes().live().length === 0);
    refuse = false;
    site.again();
    site.start();
    await site.next('driver.started');
    assert.equal((await site.next('driver.turned')).data['outcome'], 'completed');
    assert.equal((await site.next('driver.exited')).data['class'], 'clean');
  }));

test('a run whose last word was told and kept tells it again, and no process is started', () =>
  withProcesses({ runs: [{ steps: [{ append: { path: 'runs', text: 'x' } }, { exit: 0 }] }] }, async (site) => {
    site.start();
    const last = await site.next('driver.exited');
    await until(() => !existsSync(folder(site).files.output));
    site.again();
    site.start();
    assert.deepEqual(await site.next('driver.exited'), last);
    assert.equal(await readFile(path.join(site.worktree, 'runs'), 'utf8'), 'x');
  }));

test('an end asked for before the watch stands again reaches the process all the same', () =>
  withProcesses({ runs: [{ steps: [{ hang: true }] }] }, async (site) => {
    const first = site.start();
    const { data } = await site.next('driver.started');
    await first.stop('runtime');
    site.again();
    await site.act('process.end', END);
    assert.deepEqual(await membersOf(data['pid'] as number), []);
    site.start();
    const exited = await site.next('driver.exited');
    assert.deepEqual([exited.data['class'], exited.data['reason']], ['ended', 'enough']);
  }));

test('a process that no standing watch wants is ended', () =>
  withProcesses({ runs: [{ steps: [{ hang: true }] }] }, async (site) => {
    const first = site.start();
    const { data } = await site.next('driver.started');
    await first.stop('runtime');
    site.again();
    assert.deepEqual(await site.processes().endStrays(), ['eng-42-3']);
    assert.deepEqual(await membersOf(data['pid'] as number), []);
  }));

test('leaving the state ends the process and says nothing more', () =>
  withProcesses({ runs: [{ steps: [{ hang: true }] }] }, async (site) => {
    const watch = site.start();
    const { data } = await site.next('driver.started');
    await site.next('note.read');
    await watch.stop('state');
    assert.deepEqual(await membersOf(data['pid'] as number), []);
    assert.ok(!site.told.some(({ type }) => type === 'driver.exited'));
  }));

test('silence is told once the limit is over, and stands still while a question is open', () => {
  const clock = createFakeClock();
  return withProcesses(
    {
      runs: [{ steps: [{ ask: 'Which?' }, { print: 'thanks' }, { hang: true }] }],
      clock,
      more: { timers: { silence: 60, run: 3_600, stop: 0, kill: 0 } },
    },
    async (site) => {
      site.start();
      await site.next('driver.asked');
      clock.advance(600_000);
      await site.act('driver.answer', { question: 'eng-42-3:q1', text: 'this' });
      await until(async () => (await readFile(folder(site).files.live, 'utf8')).includes('thanks'));
      assert.ok(!site.told.some(({ type }) => type === 'driver.silent'));
      clock.advance(59_000);
      assert.ok(!site.told.some(({ type }) => type === 'driver.silent'));
      clock.advance(1_000);
      assert.deepEqual((await site.next('driver.silent')).data, { sinceMs: 60_000 });
    },
  );
});

test('many files written at once are one sign of work: then silence is told, and taken back by the next runtime', () => {
  const time = createFakeClock();
  let waits = 0;
  const clock: FakeClock = {
    ...time,
    after(ms, call) {
      if (ms === 60_000) waits += 1;
      return time.after(ms, call);
    },
  };
  return withProcesses(
    {
      runs: [{ steps: [{ print: 'begun' }, { steered: true }, { print: 'here' }, { hang: true }] }],
      clock,
      more: { timers: { silence: 60, run: 3_600, stop: 0, kill: 0 } },
    },
    async (site) => {
      const first = site.start();
      await until(async () => (await readFile(folder(site).files.live, 'utf8').catch(() => '')).includes('begun'));
      await mkdir(path.join(site.worktree, 'src'));
      for (let nth = 0; nth < 20; nth += 1) {
        await new Promise((resolve) => setImmediate(resolve));
        await writeFile(path.join(site.worktree, 'src', `${nth}.ts`), 'export {};\n');
      }
      const before = waits;
      clock.advance(60_000);
      await until(() => waits > before || site.told.some(({ type }) => type === 'driver.silent'));
      assert.ok(!site.told.some(({ type }) => type === 'driver.silent'), 'it was at work');
      clock.advance(60_000);
      await until(() => waits > before + 1 || site.told.some(({ type }) => type === 'driver.silent'));
      assert.ok(
        site.told.some(({ type }) => type === 'driver.silent'),
        'it was not any more',
      );
      await first.stop('runtime');
      site.again();
      site.start();
      await site.next('driver.started');
      assert.ok(!site.told.some(({ type }) => type === 'driver.heard'), 'what was heard before is no sign of life');
      assert.deepEqual(await site.act('driver.steer', { say: 'silence/1', text: 'Are you there?' }), { taken: true });
      await site.next('driver.heard');
    },
  );
});

test('a run beyond its wall clock is interrupted and told as a spent budget', () => {
  const clock = createFakeClock();
  return withProcesses(
    {
      runs: [{ steps: [{ print: 'begun' }, { hang: true }] }],
      clock,
      more: { timers: { silence: 7_200, run: 60, stop: 5, kill: 5 } },
    },
    async (site) => {
      site.start();
      await until(async () => (await readFile(folder(site).files.live, 'utf8').catch(() => '')).includes('begun'));
      clock.advance(60_000);
      const { data } = await site.next('driver.turned');
      assert.deepEqual([data['outcome'], data['reason']], ['budget', 'it ran longer than 60 s']);
    },
  );
});

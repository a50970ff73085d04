/** The main job from end to end, as the demo plays it. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { execa } from 'execa';
import { programArgs } from '../../src/package.ts';
import { journals, journey } from './journey.ts';
import { checkEverything } from './census.ts';
import { processesOf } from '../../src/demo/processes.ts';

journey('a delegated issue becomes a merged pull request, each fact told once', {}, async (journey) => {
  const { start, delegate, ended, heard, directory } = journey;
  const chartroom = await start();
  const { issue, session } = delegate();

  await ended(session);

  await checkEverything(journey, { issue, session });
  assert.deepEqual(
    [...heard].filter(([, times]) => times !== 1),
    [],
    'each fact was heard once',
  );
  const all = await journals(journey);
  assert.equal(runsOf(all, 'agent/ada'), 3);
  assert.equal(runsOf(all, 'agent/susan'), 2);

  const running = processesOf(directory).map(({ command }) => command);
  assert.equal(running.length, 2, `the runtime and its nats-server, nothing of a run: ${running.join(', ')}`);
  await chartroom.stop();
  assert.equal(await chartroom.exited, 0);
  assert.deepEqual(processesOf(directory), []);
});

function runsOf(all: Awaited<ReturnType<typeof journals>>, agent: string): number {
  return (all.get(agent) ?? []).filter(({ envelope }) => envelope.type === 'driver.started').length;
}

test('a demo whose runtime is killed says so at once, and its exit code is 1', async (t) => {
  const directory = await mkdtemp(path.join(tmpdir(), 'chartroom-killed-demo-'));
  t.after(() => rm(directory, { recursive: true, force: true, maxRetries: 3 }));
  const demo = execa(process.execPath, [...programArgs('src/demo/main'), '--json'], {
    env: { TMPDIR: directory },
    reject: false,
  });
  t.after(() => demo.kill('SIGKILL'));
  await new Promise<void>((resolve) =>
    demo.stdout.on('data', (chunk: Buffer) => void (chunk.includes('"type":"run.started"') && resolve())),
  );
  const runtime = processesOf(directory).find(({ command }) => command.includes(' up '))!;
  process.kill(runtime.pid, 'SIGKILL');
  const { exitCode, stdout, stderr } = await demo;
  assert.equal(exitCode, 1, stderr);
  const last = JSON.parse(stdout.trimEnd().split('\n').at(-1)!) as Record<string, unknown>;
  assert.equal(last['done'], false);
  assert.deepEqual(last['mistakes'], ['the runtime ended (SIGKILL) in the middle of the story']);
  assert.match(stderr, /✗ the runtime ended \(SIGKILL\)/);
  assert.deepEqual(processesOf(directory), [], 'its nats-server and its agents are gone too');
});

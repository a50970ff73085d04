/** The main job from end to end, as the demo plays it. */
import assert from 'node:assert/strict';
import { journals, journey } from './journey.ts';
import { checkEverything } from './census.ts';
import { processesOf } from './processes.ts';

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

/** A backup taken in the middle of the main job is the whole job: restored elsewhere it waits, and then ends it. */
import assert from 'node:assert/strict';
import { readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { parse, stringify } from 'yaml';
import { endAll, processesOf } from '../../src/demo/processes.ts';
import { programArgs } from '../../src/package.ts';
import { skipLong } from '../support/long.ts';
import { census } from './census.ts';
import { cli } from './cli.ts';
import type { Said } from './cli.ts';
import { journals, journey } from './journey.ts';
import type { Journey } from './journey.ts';
import { AFTERWARDS, SHORT, STEPS } from './short.ts';

const HELD = /effects are held since .*: chartroom resume effects/;
const isAgent = ({ command }: { command: string }): boolean =>
  command.includes(programArgs('src/drivers/scripted/main').at(-1)!);

journey(
  'a backup of the running job, restored with a NATS of its own, performs nothing until it may, and ends the job',
  {
    skip: skipLong,
    script: {
      runs: [
        { when: { for: 'implement', epoch: 1 }, steps: [{ hang: true }] },
        { when: { for: 'implement', attempt: 1 }, steps: STEPS },
        ...AFTERWARDS,
      ],
    },
  },
  async (journey) => {
    const { world, directory, ask } = journey;
    const { linear } = world;
    await journey.start();
    const { issue, session } = journey.delegate();
    await journey.until('the run', ({ actor, type }) => actor === session && type === 'run.started');
    const file = path.join(directory, 'one.backup');
    await done(cli(world, 'backup', file));

    // The machine is gone, with everything on it but that file.
    await journey.chartroom().kill();
    endAll(processesOf(directory));
    await moved(journey);
    const restored = await done(cli(world, 'restore-store', file));
    assert.equal(restored['effects'], 'held');
    await done(cli(world, 'replay', '--all', '--check'));
    const askedBefore = linear.requests.length;
    await journey.start();
    const before = await journals(journey);

    // Held: people see it everywhere, steps go on, hooks and wishes wait.
    linear.comment(linear.admin, issue, 'Is it still alive?');
    const note = await done(cli(world, 'fyi', session, 'we have moved'));
    assert.equal(note['outcome'], 'recorded');
    assert.equal((await done(cli(world, 'say', session, 'be friendly')))['outcome'], 'taken');
    const health = await ask<{ effects: string; notes: string[] }>('health');
    assert.equal(health.effects, 'held');
    assert.match(health.notes.join(), HELD);
    assert.match((await cli(world, 'ps')).stderr, HELD);
    const ada = await ask<{ outbox: { act: string; held?: true }[]; watches: string[] }>('show', {
      actor: 'agent/ada',
    });
    assert.deepEqual(
      ada.outbox.map(({ act, held }) => [act, held]),
      [['driver.steer', true]],
    );
    assert.deepEqual(ada.watches, []);
    assert.deepEqual((await ask<{ watches: string[] }>('show', { actor: session })).watches, []);
    await linear.webhooks.settled();
    const held = await journals(journey);
    const since = (actor: string): string[] =>
      (held.get(actor) ?? []).slice(before.get(actor)!.length).map(({ type }) => type);
    assert.deepEqual(since(session), ['fyi', 'say']);
    assert.deepEqual(
      held
        .get('agent/ada')!
        .at(-1)!
        .effects.map(({ name, state }) => [name, state]),
      [['driver.steer', 'held']],
    );
    // It may ask who it is itself.
    const asked = linear.requests.slice(askedBefore).filter(({ query }) => !query.startsWith('query Viewer'));
    assert.deepEqual(asked, [], 'nothing was looked at or done');
    assert.deepEqual(processesOf(directory).filter(isAgent), []);
    // Only this command asks GitHub and Linear, for whoever called it.
    const findings = (await cli(world, 'doctor')).objects as { part: string; ok: boolean; todo: string }[];
    assert.deepEqual(
      findings.filter(({ part }) => part === 'effects').map(({ ok, todo }) => [ok, todo]),
      [[false, 'perform them: chartroom resume effects']],
    );

    const { resumed } = await done(cli(world, 'resume', 'effects'));
    assert.notEqual(resumed, null);
    await journey.ended(session);

    assert.equal((await ask<{ effects: string }>('health')).effects, 'performed');
    assert.deepEqual(await census(world, issue), {
      ...SHORT,
      issueComments: ['This', 'Is', 'Merged'],
    });
    const job = (await journals(journey)).get(session)!;
    assert.ok(job.slice(held.get(session)!.length).some(({ type }) => type === 'comment.observed'));
    const [cut, ...whole] = job.filter(({ type }) => type === 'run.ended').map(({ data }) => data['outcome']);
    assert.deepEqual([cut, ...new Set(whole)], ['interrupted', 'completed']);
    await done(cli(world, 'replay', '--all', '--check'));
  },
);

async function done(saying: Promise<Said>): Promise<Record<string, unknown>> {
  const { exit, objects, stdout, stderr } = await saying;
  assert.equal(exit, 0, stderr + stdout);
  return objects[0] ?? {};
}

/** Everything that is started from now on has another data directory: a store of its own and a NATS of its own. */
async function moved({ world, directory }: Journey): Promise<void> {
  await rm(world.data, { recursive: true });
  const data = path.join(directory, 'elsewhere');
  const config = parse(await readFile(world.configFile, 'utf8')) as Record<string, unknown>;
  await writeFile(world.configFile, stringify({ ...config, data }));
}

/** The main job through real crashes: whatever is killed, and whenever, it ends as if nothing had happened. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { checkEverything } from './census.ts';
import type { Moment } from './gate.ts';
import { journals, journey } from './journey.ts';
import type { Journey } from './journey.ts';
import { processesOf } from '../../src/demo/processes.ts';
import { programArgs } from '../../src/package.ts';
import { skipLong } from '../support/long.ts';
import { AFTERWARDS, SHORT, STEPS } from './short.ts';
import type { Step } from './short.ts';

/** What the scripted agent's process is started with. */
const AGENT = programArgs('src/drivers/scripted/main').at(-1)!;

/** Long enough for a crash and a new start in the middle of it, on two busy cores. */
const ABSENCE_MS = 4_000;
const pushed = STEPS.findIndex((step) => 'push' in step) + 1;
const uptoPush = STEPS.slice(0, pushed);
const fromPull = STEPS.slice(pushed);
const whenImplement = { for: 'implement', attempt: 1 };
const sleep: Step = { sleep: { ms: ABSENCE_MS } };

const startsOf = async (journey: Journey, agent: string): Promise<number> =>
  ((await journals(journey)).get(agent) ?? []).filter(({ type }) => type === 'driver.started').length;

async function crash({ chartroom, start }: Journey): Promise<void> {
  await chartroom().kill();
  await start();
}

const moments: [Moment, string][] = [
  ['half', 'AgentSessionEvent created'],
  ['sent', 'pull_request opened'],
  ['answered', 'pull_request_review submitted'],
  ['sent', 'check_run completed'],
];
journey('killed while webhooks are being taken: none of them is lost or counts twice', {}, async (journey) => {
  await journey.start();
  const kills = moments.map(([moment, event]) => journey.gate.at(moment, event, () => crash(journey)));
  const { issue, session } = journey.delegate();

  await Promise.all(kills);
  await journey.ended(session);

  await checkEverything(journey, { issue, session });
  // The agent that asks for the pull request may find the door gone before it is answered: its run fails and is
  // repeated, and the next one finds what is there.
  const ended = (await journals(journey)).get(session)!.filter(({ type }) => type === 'run.ended');
  const unfinished = ended.filter(({ data }) => data['outcome'] !== 'completed');
  assert.ok(unfinished.length <= 1, JSON.stringify(unfinished.map(({ data }) => data)));
  assert.equal(await startsOf(journey, 'agent/ada'), 3 + unfinished.length);
});

journey(
  'killed while an agent works: its process goes on and is found again',
  {
    skip: skipLong,
    script: { runs: [{ when: whenImplement, steps: [STEPS[0], sleep, ...STEPS.slice(1)] }, ...AFTERWARDS] },
  },
  async (journey) => {
    await journey.start();
    const { issue, session } = journey.delegate();
    await journey.until('the run', ({ actor, type }) => actor === session && type === 'run.started');

    await crash(journey);
    await journey.ended(session);

    await checkEverything(journey, { issue, session }, SHORT);
    assert.equal(await startsOf(journey, 'agent/ada'), 1, 'no run was begun again');
  },
);

journey(
  'killed with its agent: the run counts as interrupted, what it left is kept, another one does the work',
  {
    skip: skipLong,
    script: {
      runs: [
        { when: { for: 'implement', epoch: 1 }, steps: [...STEPS.slice(0, 2), { sleep: { ms: 60_000 } }] },
        { when: whenImplement, steps: STEPS },
        ...AFTERWARDS,
      ],
    },
  },
  async (journey) => {
    await journey.start();
    const { issue, session } = journey.delegate();
    await journey.until('the run', ({ actor, type }) => actor === session && type === 'run.started');

    await journey.chartroom().kill();
    killRuns(journey);
    await journey.start();
    await journey.ended(session);

    await checkEverything(journey, { issue, session }, SHORT);
    const ended = (await journals(journey)).get(session)!.filter(({ type }) => type === 'run.ended');
    assert.deepEqual(
      ended.map(({ data }) => data['outcome']),
      ['interrupted', 'completed'],
    );
  },
);

journey(
  'killed between a push and its pull request: the run goes on and opens one',
  { script: { runs: [{ when: whenImplement, steps: [...uptoPush, sleep, ...fromPull] }, ...AFTERWARDS] } },
  async (journey) => {
    await journey.start();
    const crashed = journey.gate.at('sent', 'push', () => crash(journey));
    const { issue, session } = journey.delegate();

    await crashed;
    await journey.ended(session);

    await checkEverything(journey, { issue, session }, SHORT);
    assert.equal(await startsOf(journey, 'agent/ada'), 1);
  },
);

journey(
  'killed with its agent between a push and its pull request: the next run opens one for what is pushed',
  {
    skip: skipLong,
    script: {
      runs: [
        { when: { for: 'implement', epoch: 1 }, steps: [...uptoPush, { sleep: { ms: 60_000 } }] },
        { when: whenImplement, steps: fromPull },
        ...AFTERWARDS,
      ],
    },
  },
  async (journey) => {
    await journey.start();
    const crashed = journey.gate.at('answered', 'push', async () => {
      await journey.chartroom().kill();
      killRuns(journey);
      await journey.start();
    });
    const { issue, session } = journey.delegate();

    await crashed;
    await journey.ended(session);

    await checkEverything(journey, { issue, session }, SHORT);
    assert.equal(await startsOf(journey, 'agent/ada'), 2);
  },
);

journey(
  'its nats-server killed in mid-run: it is started again and the job ends',
  { skip: skipLong, script: { runs: [{ when: whenImplement, steps: STEPS }, ...AFTERWARDS] } },
  async (journey) => {
    await journey.start();
    const { issue, session } = journey.delegate();
    await journey.until('the run', ({ actor, type }) => actor === session && type === 'run.started');

    const killed = await natsPid(journey);
    process.kill(killed, 'SIGKILL');
    await journey.ended(session);

    await checkEverything(journey, { issue, session }, SHORT);
    assert.notEqual(await natsPid(journey), killed);
    assert.equal((await journey.ask<{ nats: string }>('health')).nats, 'connected');
  },
);

journey(
  'stopped in mid-run and started again: the run is found again and the job ends',
  {
    skip: skipLong,
    script: { runs: [{ when: whenImplement, steps: [...uptoPush, sleep, ...fromPull] }, ...AFTERWARDS] },
  },
  async (journey) => {
    const chartroom = await journey.start();
    const stopped = journey.gate.at('answered', 'push', () => chartroom.stop());
    const { issue, session } = journey.delegate();

    await stopped;
    assert.equal(await chartroom.exited, 0);
    await journey.start();
    await journey.ended(session);

    await checkEverything(journey, { issue, session }, SHORT);
    assert.equal(await startsOf(journey, 'agent/ada'), 1);
  },
);

/** Ends the agents' processes as a crash of the machine does. */
function killRuns({ directory }: Journey): void {
  const runs = processesOf(directory).filter(({ command }) => command.includes(AGENT));
  assert.notEqual(runs.length, 0, 'an agent was at work');
  for (const { pid } of runs) process.kill(pid, 'SIGKILL');
}

async function natsPid({ world }: Journey): Promise<number> {
  const text = await readFile(path.join(world.data, 'nats', 'server.json'), 'utf8');
  return (JSON.parse(text) as { pid: number }).pid;
}

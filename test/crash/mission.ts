/**
 * A mission that goes wrong and is put right: its item is given to the reviewer, who hands it back, then to a worker
 * who hangs; a correction moves it in mid-run, and the item behind it follows. Processes outlive every crash.
 */
import { ACTS } from '../../machines/effects.ts';
import type { RunBegun } from '../../machines/events/agent.ts';
import { MACHINES } from '../../machines/index.ts';
import type { MissionContext } from '../../machines/mission/index.ts';
import type { WatchContext, WatchPerformer } from '../../src/effects/effect.ts';
import { KEYS } from '../../src/store/keys.ts';
import { stepsOf } from './soundness.ts';
import type { Life } from './life.ts';
import type { Change } from './outside.ts';
import type { Run, Scenario } from './run.ts';

const MISSION = 'mission/m';
const LANE = 'session/m-lane';
const NEXT = 'session/m-next';
/** A run whose process nobody could tell the end of in time, as in a long downtime, is lost and its work done again. */
const RELEASE_OVERDUE = 'xstate.after.release.';
const USAGE = { inputTokens: 10, outputTokens: 5 };

interface Process {
  agent: string;
  session: string;
  starts: number;
  /** Told to end. */
  ended: boolean;
  gone: boolean;
}

const processesOf = ({ world }: Run): Map<string, Process> => {
  const known = world.get('processes') as Map<string, Process> | undefined;
  if (known !== undefined) return known;
  const processes = new Map<string, Process>();
  world.set('processes', processes);
  return processes;
};

function changesOf(run: Run): Record<string, Change> {
  return {
    'worktree.prepare': ({ branch }) => ({ path: `/w/${String(branch)}`, branch, head: '0000000' }),
    'run.verify': ({ run: epoch, headBefore }) => ({
      run: epoch,
      ok: true,
      evidence: { headBefore, headAfter: headBefore, dirty: [], unpushed: 0, protected: [] },
    }),
    'process.end': (_, { actor }) => {
      for (const process of processesOf(run).values()) if (process.agent === actor) process.ended = true;
      return {};
    },
    'driver.steer': () => ({ taken: true }),
  };
}

/** What each agent makes of its work: the reviewer hands it back, ada never ends, ben reports. */
function turnOf(agent: string): Record<string, unknown> | null {
  if (agent === 'agent/susan') return { handedBack: 'not reviewer work' };
  return agent === 'agent/ada' ? null : { report: 'All is well.', summary: 'Reported.' };
}

function processWatch(life: Life, run: Run): WatchPerformer<{ run: string; begun?: RunBegun; agent: string }> {
  const processes = processesOf(run);
  /** A process of ada's is looked at again and again: it may have been ended meanwhile. */
  async function follow(name: string, agent: string, session: string, { tell }: WatchContext): Promise<void> {
    const process = await life.reach(`start or find ${name}`, () => {
      const known = processes.get(name) ?? { agent, session, starts: 0, ended: false, gone: false };
      if (known.starts === 0) processes.set(name, { ...known, starts: 1 });
      return processes.get(name)!;
    });
    await tell('driver.started', { pid: 1, startedAt: '2026-01-05T10:00:00.000Z' }, { id: `${name}/started` });
    const result = turnOf(agent);
    if (result !== null) {
      await tell('driver.turned', { outcome: 'completed', usage: USAGE, result }, { id: `${name}/turned` });
    } else if (!(await untilEnded(life, process))) return;
    process.gone = true;
    const how = process.ended && result === null ? 'ended' : 'clean';
    await tell('driver.exited', { class: how, usage: USAGE }, { id: `${name}/exited` });
  }
  return {
    kind: 'watch',
    start({ run: name, begun, agent }, context) {
      if (begun !== undefined) follow(name, agent, begun.session, context).catch(endsWithTheProcess);
      return { update: () => {}, poke: () => {}, stop: async () => {} };
    },
  };
}

/** A failed store refuses every word; the process of the runtime is about to end. */
const endsWithTheProcess = (): void => {};

async function untilEnded(life: Life, process: Process): Promise<boolean> {
  while (!process.ended && !life.isDead()) await new Promise((resolve) => setImmediate(resolve));
  return !life.isDead();
}

const standsStill: WatchPerformer = {
  kind: 'watch',
  start: () => ({ update: () => {}, poke: () => {}, stop: async () => {} }),
};

const item = (key: string, more: Record<string, unknown> = {}): Record<string, unknown> => ({
  key,
  title: `Do ${key}`,
  body: '',
  kind: 'implement',
  dependsOn: [],
  repo: 'acme/api',
  deliver: 'report',
  ...more,
});

async function play(run: Run): Promise<void> {
  await run.hook('dispatcher/main', 'fleet.configured', { maxRuns: 2 });
  const hired = { driver: 'scripted', mode: 'worker' };
  run.mail('agent/susan', 'hire', { role: 'reviewer', ...hired });
  run.ask('agent/ada', 'hire', { role: 'implementer', ...hired });
  await run.rest();
  const items = [item('lane', { pin: 'agent/susan' }), item('next', { dependsOn: ['lane'] })];
  run.mail(MISSION, 'open', { objective: 'Put it in the right lane', items });
  run.mail(MISSION, 'fyi', { text: 'Use the old API.' });
  await seen(run, LANE);
  run.mail('agent/ben', 'hire', { role: 'implementer', ...hired });
  run.mail(LANE, 'correct.reassign', { to: 'agent/ben', reason: 'ada is stuck' });
  run.ask(MISSION, 'correct.item.add', { item: item('last', { dependsOn: ['next'], pin: 'agent/ben' }) });
  await run.rest();
  await run.wait(40);
  // Whoever else gets the next item is ada again: it is moved, too.
  await seen(run, NEXT);
  run.mail(NEXT, 'correct.reassign', { to: 'agent/ben' });
  await run.rest();
  await run.wait(40);
}

/** Nobody corrects what is not there to be seen: a store that just failed may look as if all were at rest. */
async function seen(run: Run, address: string): Promise<void> {
  do await run.rest();
  while (run.disk.get(KEYS.index(address)) === undefined);
}

function judge(run: Run): string[] {
  const wrong: string[] = [];
  const { state } = run.node().actors.get(MISSION).stood!.live;
  if (state.value !== 'completed') wrong.push(`${MISSION} is ${JSON.stringify(state.value)}`);
  for (const { spec, state: itemState, session, picture } of (state.context as unknown as MissionContext).items) {
    const { projection } = run.node().actors.get(session).stood!;
    if (itemState !== 'done') wrong.push(`“${spec.key}” is ${itemState}`);
    const shown = JSON.stringify([picture?.owner, picture?.epoch, picture?.phase]);
    const own = JSON.stringify([projection.owner, projection.epoch, projection.phase]);
    if (shown !== own) wrong.push(`the mission shows ${shown} of ${session}, which is ${own}`);
  }
  for (const [name, { starts, gone }] of processesOf(run)) {
    if (starts !== 1) wrong.push(`${name} was started ${starts} times`);
    if (!gone) wrong.push(`${name} is still there`);
  }
  const steps = stepsOf(run.disk);
  const owners = steps
    .filter(({ actor, entry }) => actor.startsWith('agent/') && entry.envelope.type === 'run.begun')
    .filter(({ entry }) => (entry.envelope.data as { session?: string }).session === LANE)
    .map(({ actor }) => actor);
  const lost = steps.filter(({ actor, entry }) => actor === LANE && entry.envelope.type.startsWith(RELEASE_OVERDUE));
  const once = [...new Set(owners)];
  // In the order of their names, as the journals lie in the store; moved before ada had it, she never does.
  if (!/^(agent\/ada,)?agent\/ben,agent\/susan$/.test(once.join()) || owners.length > once.length + lost.length)
    wrong.push(`${LANE} was begun by ${owners.join(', ')}; ${lost.length} of its runs were given up`);
  return wrong;
}

export const MISSION_MOVED: Scenario = {
  name: 'a mission put right',
  definitions: MACHINES,
  effects(life, run) {
    const changes = changesOf(run);
    return {
      acts: Object.fromEntries(
        Object.keys(ACTS).map((act) => [act, run.outside.performer(life, act, 'key', changes[act])]),
      ),
      watches: {
        process: processWatch(life, run),
        pull: standsStill,
        issue: standsStill,
        repository: standsStill,
        consumer: standsStill,
      },
    };
  },
  play,
  judge,
};

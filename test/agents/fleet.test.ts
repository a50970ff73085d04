/** Agents of different kinds in one fleet: work handed from one to another, resumed, and shared in a mission. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import path from 'node:path';
import type { Occasion } from '../../src/demo/model.ts';
import type { HistoryEntry } from '../../src/actor/past.ts';
import { REPO } from '../../src/demo/world.ts';
import { cli } from '../journeys/cli.ts';
import { journey } from '../journeys/journey.ts';
import type { Journey } from '../journeys/journey.ts';
import { fleetOf, missing, report, reporting, roles, send, show, storyteller } from './fleet.ts';

const LEARNED = 'The parser is right, the printer is wrong.';
const isTold = ({ texts }: Occasion, words: string): boolean => texts.at(-1)?.includes(words) === true;

const model = await storyteller((occasion) => {
  const { texts, outputs } = occasion;
  const prompts = texts.filter((text) => text.includes('What must be delivered'));
  const work = prompts.at(-1) ?? '';
  const once = (run: string) => (outputs.length === 0 ? { run } : { say: 'Done.' });
  if (work.includes('# Given on')) {
    return work.includes('agent/ada')
      ? once(reporting(isTold(occasion, LEARNED) ? 'The printer is mended.' : 'Nobody told me anything.'))
      : { run: 'touch begun.txt; sleep 600', saying: LEARNED };
  }
  if (work.includes('# Cut off')) {
    return prompts.length > 1 ? once(reporting('I remember.')) : { run: 'touch begun.txt; sleep 600', saying: LEARNED };
  }
  return once(reporting('Looked at.'));
});
const fleet = fleetOf(model, { ada: 'codex', ben: 'claude' });
const skip = missing('codex', 'claude');

/** The agent of this session is at work in its turn. */
async function atWork(it: Journey, session: string): Promise<void> {
  await it.until(`${session} to be at work`, ({ actor, type }) => actor === session && type === 'run.started');
  const { worktree } = (await show(it, session)).context;
  while (!existsSync(path.join(worktree!.path, 'begun.txt'))) await new Promise((resolve) => setImmediate(resolve));
}

async function reportOf(it: Journey, session: string): Promise<string | null> {
  await it.ended(session);
  return (await show(it, session)).context.report;
}

journey(
  'work is handed from the real codex to the real claude, which is told what was learned',
  { skip, config: fleet },
  async (it) => {
    roles(it.directory, 'everything');
    await it.start();
    const session = 'session/given';
    await send(it, session, 'open', report('Given on', 'ada'));
    await atWork(it, session);
    const given = await cli(it.world, 'correct', session, 'reassign', '--to', 'agent/ben', '--reason', 'ben knows it');
    assert.equal(given.exit, 0, given.stderr);
    assert.equal(await reportOf(it, session), 'The printer is mended.');
    const { runs } = (await show(it, session)).context;
    assert.deepEqual(
      runs.map(({ agent, outcome }) => [agent, outcome]),
      [
        ['agent/ada', 'cancelled'],
        ['agent/ben', 'completed'],
      ],
    );
  },
);

const CUTS: [how: string, cut: (it: Journey) => Promise<unknown>][] = [
  [
    'the runtime was killed and started again',
    async (it) => {
      await it.chartroom().kill();
      await it.start();
    },
  ],
  [
    'their processes were killed with -9',
    async (it) => {
      for (const actor of ['agent/ada', 'agent/ben']) {
        const { entries } = await it.ask<{ entries: HistoryEntry[] }>('history', { actor });
        const { data } = entries.find(({ type }) => type === 'driver.started')!;
        process.kill(-(data as { pid: number }).pid, 'SIGKILL');
      }
    },
  ],
];

for (const [how, cut] of CUTS) {
  journey(
    `after ${how}, both go on in the conversation they were in, and remember it`,
    { skip, config: fleet },
    async (it) => {
      roles(it.directory, 'everything');
      await it.start();
      const sessions = ['session/cut-codex', 'session/cut-claude'];
      await send(it, sessions[0]!, 'open', report('Cut off', 'ada'));
      await send(it, sessions[1]!, 'open', report('Cut off', 'ben'));
      await Promise.all(sessions.map((session) => atWork(it, session)));
      const talks = await Promise.all(
        sessions.map(async (session) => (await show(it, session)).context.conversation?.id),
      );
      await cut(it);
      for (const [n, session] of sessions.entries()) {
        assert.equal(await reportOf(it, session), 'I remember.', session);
        assert.equal((await show(it, session)).context.conversation?.id, talks[n], session);
      }
    },
  );
}

journey('agents of two kinds share a mission', { skip, config: fleet }, async (it) => {
  roles(it.directory, 'everything');
  await it.start();
  const item = (key: string, pin: string, dependsOn: string[]) => ({
    key,
    title: `Look at ${key}`,
    body: '',
    kind: 'implement',
    deliver: 'report',
    repo: REPO,
    pin: `agent/${pin}`,
    dependsOn,
  });
  const mission = 'mission/look';
  await send(it, mission, 'open', {
    objective: 'Look at everything.',
    items: [item('one', 'ada', []), item('two', 'ben', ['one'])],
    policy: {},
  });
  await it.until('the end of the mission', ({ actor, after }) => actor === mission && after?.phase === 'completed');
  for (const [session, agent] of [
    ['session/look-one', 'agent/ada'],
    ['session/look-two', 'agent/ben'],
  ] as const) {
    const { report: said, runs } = (await show(it, session)).context;
    assert.deepEqual([said, runs.map((run) => run.agent)], ['Looked at.', [agent]]);
  }
});

/** Corrections, notes and questions of people against a running job, through the command line. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFile, readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { skipLong } from '../support/long.ts';
import { cli, following } from './cli.ts';
import type { Said } from './cli.ts';
import { journey } from './journey.ts';
import type { Journey } from './journey.ts';
import { processesOf } from '../../src/demo/processes.ts';
import { programArgs } from '../../src/package.ts';

/** What the scripted agent's process is started with. */
const AGENT = programArgs('src/drivers/scripted/main').at(-1)!;

const NOTE = 'Greetings are friendly here.';
const exit = async (wanted: number, saying: Promise<Said>): Promise<Record<string, unknown>> => {
  const said = await saying;
  assert.equal(said.exit, wanted, said.stderr + said.stdout);
  return said.objects[0] ?? {};
};

journey(
  'people ask, note and correct from another terminal; a reassigned run is over for good',
  {
    skip: process.platform === 'linux' ? skipLong : 'what a process was given is read from /proc',
    script: {
      runs: [
        { when: { title: 'Report' }, steps: [{ report: 'All is well.' }] },
        {
          when: { agent: 'ada' },
          steps: [{ write: { path: 'a.txt', text: 'a\n' } }, { commit: 'A' }, { hang: true }],
        },
        { when: { agent: 'bert' }, steps: [{ hang: true }] },
      ],
    },
  },
  async (journey) => {
    const { world, start, delegate, until, ask } = journey;
    await start();
    const { session } = delegate();
    const first = await until('the run of ada', ({ actor, type }) => actor === session && type === 'run.started');
    const run = await runProcess(journey);

    // Questions.
    const rows = (await cli(world, 'ps')).objects;
    assert.ok(JSON.stringify(rows).includes(session));
    assert.equal((await exit(0, cli(world, 'show', 'ENG-1')))['owner'], 'agent/ada');
    assert.ok(JSON.stringify(await exit(0, cli(world, 'why', session))).includes('agent/ada'));
    assert.ok((await cli(world, 'history', session)).stdout.includes('run.started'));
    await exit(6, cli(world, 'show', 'session/eng-99'));

    // A note is recorded and seen by who follows; it moves nothing.
    const tail = following(world, 'tail', session, '--from', '1');
    await tail.until(({ type }) => type === 'run.started');
    const noted = await exit(0, cli(world, 'fyi', session, NOTE, '--id', 'note-1'));
    assert.deepEqual([noted['outcome'], noted['duplicate']], ['recorded', false]);
    await tail.until(({ type }) => type === 'fyi');
    assert.equal(await tail.interrupt(), 0);
    const again = await exit(0, cli(world, 'fyi', session, NOTE, '--id', 'note-1'));
    assert.deepEqual([again['seq'], again['duplicate']], [noted['seq'], true]);

    // What cannot be, with what it is.
    await exit(0, cli(world, 'hire', 'bert', '--role', 'implementer', '--driver', 'scripted'));
    await exit(4, cli(world, 'hire', 'bert', '--role', 'implementer', '--driver', 'scripted'));
    assert.equal((await exit(4, reassign(world, 'agent/nobody')))['code'], 'target');
    await exit(5, reassign(world, 'agent/bert', '--expect-epoch', '0'));
    await exit(5, reassign(world, 'agent/bert', '--expect-epoch', '0', '--dry-run'));
    await exit(6, cli(world, 'send', session, 'no.such.event'));
    await exit(2, cli(world, 'send', session, 'fyi', '--data', 'not json'));

    // The preview is what then happens.
    await pushAs(run, '--dry-run');
    const epoch = String(first.epoch);
    const preview = await exit(0, reassign(world, 'agent/bert', '--expect-epoch', epoch, '--dry-run'));
    const shown = await ask<{ epoch: number; owner: string }>('show', { actor: session });
    assert.deepEqual([shown.epoch, shown.owner], [first.epoch, 'agent/ada'], 'a preview does nothing');
    const corrected = await exit(0, reassign(world, 'agent/bert', '--expect-epoch', epoch));
    assert.deepEqual(lasting(corrected), lasting(preview));

    // The old run is over: its process is gone, and what it holds does not push any more.
    const next = await until(
      'the run of bert',
      (fact) => fact.actor === session && fact.type === 'run.started' && fact.envelope.source === 'agent/bert',
    );
    assert.ok(next.epoch! > first.epoch!);
    assert.deepEqual(
      processesOf(journey.directory).filter(({ pid }) => pid === run.pid),
      [],
    );
    await assert.rejects(pushAs(run), /no credential: .*revoked/);
    assert.equal(world.github.head('acme/hello', run.branch), undefined);
    const superseded = await cli(
      world,
      'send',
      session,
      'run.ended',
      '--expect-epoch',
      epoch,
      '--data',
      '{"outcome":"completed"}',
    );
    assert.equal(superseded.exit, 5, superseded.stdout);

    // The note is in the prompt of the run after it, and that it was read is written down.
    assert.ok((await promptOf(journey, 'agent/bert')).includes(NOTE));
    await until('the note to be read', ({ actor, type }) => actor === session && type === 'note.read');

    // Another piece of work beside it, and the end of the first.
    await exit(0, cli(world, 'stop', session));
    await exit(0, cli(world, 'correct', session, 'close', '--data', '{"outcome":"cancelled"}', '--reason', 'enough'));
    await until('the end', ({ actor, after }) => actor === session && after?.phase === 'cancelled');
    assert.equal((await exit(4, cli(world, 'say', session, 'and now?')))['code'], 'final');
    await exit(0, cli(world, 'correct', session, 'close', '--data', '{"outcome":"cancelled"}'));
    const file = path.join(journey.directory, 'report.yaml');
    await writeFile(file, 'kind: session\nid: report\ntitle: Report\ndeliver: report\n');
    await exit(0, cli(world, 'open', '--file', file, '--wait', 'done', '--timeout', '40'));

    // Nobody there: nothing is sent.
    await journey.chartroom().stop();
    await exit(3, cli(world, 'say', 'session/report', 'hello'));
  },
);

const reassign = (world: Journey['world'], to: string, ...more: string[]): Promise<Said> =>
  cli(world, 'correct', 'session/eng-1', 'reassign', '--to', to, '--reason', 'the wrong hands', ...more);

/** What a preview can know of a receipt. */
const lasting = ({ outcome, before, after, effects, epoch, waitingOn }: Record<string, unknown>): unknown => ({
  outcome,
  before,
  after,
  effects,
  epoch,
  waitingOn: (waitingOn as { gate: string; on: string | null; detail: string }[]).map(({ gate, on, detail }) => ({
    gate,
    on,
    detail,
  })),
});

interface RunProcess {
  pid: number;
  env: Record<string, string>;
  worktree: string;
  branch: string;
}

/** The agent's process that runs now, with what it was given. */
async function runProcess({ directory, world, ask }: Journey): Promise<RunProcess> {
  const found = processesOf(directory).find(({ command }) => command.includes(AGENT));
  assert.ok(found !== undefined, 'an agent is at work');
  const environ = await readFile(`/proc/${found.pid}/environ`, 'utf8');
  const env = Object.fromEntries(
    environ
      .split('\0')
      .filter(Boolean)
      .map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]),
  );
  const { context } = await ask<{ context: { branch: string } }>('show', { actor: 'session/eng-1' });
  return { pid: found.pid, env, worktree: path.join(world.data, 'worktrees', 'eng-1'), branch: context.branch };
}

function pushAs({ env, worktree, branch }: RunProcess, ...flags: string[]): Promise<unknown> {
  return promisify(execFile)('git', ['push', ...flags, 'origin', `HEAD:refs/heads/${branch}`], { cwd: worktree, env });
}

async function promptOf({ world }: Journey, agent: string): Promise<string> {
  const runs = path.join(world.data, 'runs');
  const prompts = await Promise.all(
    (await readdir(runs)).map(async (run) => {
      const record = JSON.parse(await readFile(path.join(runs, run, 'record.json'), 'utf8')) as { agent: string };
      return record.agent === agent ? readFile(path.join(runs, run, 'prompt.md'), 'utf8') : '';
    }),
  );
  return prompts.join('\n');
}

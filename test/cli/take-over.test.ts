import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { execa } from 'execa';
import type { ProgramAtTerminal } from '../../src/cli/terminal.ts';
import { letter } from '../support/letter.ts';
import { IMPLEMENTER, SESSION, openScreen, temporary } from './parts.ts';
import type { Screen, Seen } from './parts.ts';

const S = 'session/eng-42';
const ADA = 'agent/ada';
const HEAD = 'a'.repeat(40);
const USAGE = { inputTokens: 1, outputTokens: 1 };

interface Scene {
  screen: Screen;
  worktree: string;
  directory: string;
  opened: (ProgramAtTerminal & { cwd: string })[];
  /** Runs a command line to its end, with time passing. */
  runs(...argv: string[]): Promise<Seen>;
  ended(running: Promise<Seen>): Promise<Seen>;
  session(): Promise<Shown>;
}

interface Shown {
  owner: string | null;
  epoch: number;
  value: { open: Record<string, string> };
  context: { conversation: unknown; changes: { author: string; text: string }[] };
}

interface SceneOptions {
  driver?: string;
  config?: string;
  /** Her run is still going on. */
  live?: boolean;
  /** What the person does in the program. */
  does?: (cwd: string) => Promise<{ failed?: string; code?: number }>;
}

/** A session on which ada has worked in a real worktree, in conversation c1. */
async function scene(
  t: Parameters<typeof temporary>[0],
  { driver = 'codex', config = '', live = false, does = async () => ({}) }: SceneOptions = {},
): Promise<Scene> {
  const directory = await temporary(t);
  const worktree = path.join(directory, 'worktree');
  await mkdir(worktree);
  await execa('git', ['init', '--quiet', worktree]);
  await writeFile(path.join(directory, 'chartroom.yaml'), `data: data\n${config}`);
  const opened: Scene['opened'] = [];
  const screen = await openScreen({
    cwd: directory,
    env: { HOME: directory, SHELL: '/bin/zsh', NO_COLOR: '1', MODEL_KEY: 'k' },
    async opened(program) {
      opened.push(program);
      return does(program.cwd);
    },
  });
  t.after(() => screen.stop());
  const send = async (to: string, type: string, data: Record<string, unknown>): Promise<void> => {
    const { outcome, reason } = await screen.node.send(letter(to, type, data));
    assert.ok(outcome === 'taken' || outcome === 'recorded', `${type} was ${outcome}: ${reason}`);
  };
  const session: Scene['session'] = async () => (await screen.run('show', S, '--json')).json<never>()[0]!;
  const until = async (holds: (shown: Shown) => boolean): Promise<void> => {
    while (!holds(await session())) await new Promise((resolve) => setImmediate(resolve));
  };
  await send('dispatcher/main', 'fleet.configured', { maxRuns: 1 });
  await send(ADA, 'hire', { ...IMPLEMENTER, driver, env: { GREETING: 'hello' } });
  await send(S, 'open', SESSION);
  await send(S, 'issue.observed', ISSUE);
  await until(({ value }) => value.open['work'] === 'preparing');
  const { key } = screen.node.outbox.of(S).find(({ act }) => act === 'worktree.prepare')!;
  await screen.node.answer(key, 'worktree.prepared', { path: worktree, branch: 'chartroom/eng-42', head: HEAD });
  while ((await screen.node.settled(ADA))?.stood?.projection.phase !== 'starting') await new Promise(setImmediate);
  await send(ADA, 'driver.started', { pid: 1, startedAt: '2026-01-01T00:00:00.000Z', conversation: 'c1' });
  await until(({ context }) => context.conversation !== null);
  if (!live) {
    await send(ADA, 'driver.exited', { class: 'ended', usage: USAGE });
    await until(({ value }) => value.open['work'] === 'preparing');
  }
  async function ended(running: Promise<Seen>): Promise<Seen> {
    let seen: Seen | undefined;
    void running.then((value) => (seen = value));
    while (seen === undefined) {
      screen.clock.advance(200);
      await new Promise((resolve) => setImmediate(resolve));
    }
    return seen;
  }
  return {
    screen,
    worktree,
    directory,
    opened,
    runs: (...argv) => ended(screen.run(...argv)),
    ended,
    session,
  };
}

const ISSUE = {
  ref: 'ENG-42',
  url: 'https://linear.app/acme/issue/ENG-42',
  title: SESSION.title,
  body: SESSION.body,
  delegated: true,
  state: { name: 'Todo', type: 'unstarted' },
  blockers: [],
  removed: false,
  updatedAt: '2026-01-01T00:00:00.000Z',
};

test('attached to a session its agent’s program opens in the worktree, for a person, and it is handed back after', async (t) => {
  let meanwhile: Shown | undefined;
  const { worktree, directory, opened, runs, session } = await scene(t, {
    does: async () => {
      meanwhile = await session();
      return {};
    },
  });
  const { exit, err } = await runs('attach', 'eng-42');
  assert.equal(exit, 0, err);
  const [program] = opened;
  assert.deepEqual([program?.file, ...program!.args.slice(0, 2), program?.cwd], ['codex', 'resume', 'c1', worktree]);
  assert.equal(program?.env?.['HOME'], path.join(directory, 'data/homes/ada'));
  assert.equal(program?.env?.['GREETING'], 'hello');
  assert.equal(program?.env?.['CHARTROOM_TOKEN'], undefined, 'a person has no run’s credential');
  const during = meanwhile!;
  assert.deepEqual([during.owner, during.value.open['hold']], ['person/alice', 'taken']);
  const after = await session();
  assert.equal(after.value.open['hold'], 'free');
  assert.ok(after.owner !== 'person/alice' && after.epoch > during.epoch);
});

test('the program opens only when the process of the run is gone', async (t) => {
  const { screen, opened, ended, session } = await scene(t, { live: true });
  const leaves = screen.run('attach', 'eng-42');
  while ((await session()).owner !== 'person/alice') await new Promise((resolve) => setImmediate(resolve));
  assert.equal(opened.length, 0);
  await screen.node.send(letter(ADA, 'driver.exited', { class: 'ended', usage: USAGE }));
  const { exit, err } = await ended(leaves);
  assert.equal(exit, 0, err);
  assert.equal(opened.length, 1);
});

test('a process that does not go within the time is not joined: the session is handed back', async (t) => {
  const { opened, runs, session } = await scene(t, { live: true });
  const { exit, err } = await runs('attach', 'eng-42', '--timeout', '1');
  assert.equal(exit, 1);
  assert.match(err, /not yet at its end[^]*is handed back/);
  assert.equal(opened.length, 0);
  assert.equal((await session()).value.open['hold'], 'free');
});

test('what is left is said, and told to whoever goes on, with the note', async (t) => {
  const { runs, session } = await scene(t, {
    async does(cwd) {
      await writeFile(path.join(cwd, 'half.txt'), 'half\n');
      return {};
    },
  });
  const { err } = await runs('attach', 'eng-42', '--shell', '--note', 'Mind the gap.');
  assert.match(err, /1 file is not committed/);
  const { context } = await session();
  assert.equal(context.changes.at(-1)?.author, 'person/alice');
  assert.match(context.changes.at(-1)!.text, /Mind the gap\. \(1 file is not committed\)$/);
});

test('a shell needs no program of the agent', async (t) => {
  const { opened, runs } = await scene(t, { driver: 'command', config: 'drivers: { command: { run: "true" } }\n' });
  const refused = await runs('attach', 'eng-42');
  assert.equal(refused.exit, 4);
  assert.match(refused.err, /agent\/ada is run by command.*attach session\/eng-42 --shell/);
  assert.equal((await runs('attach', 'eng-42', '--shell')).exit, 0);
  assert.equal(opened[0]?.file, '/bin/zsh');
});

test('an agent of the Agent Client Protocol is gone on with by the program the configuration names', async (t) => {
  const config = 'drivers: { acp: { program: opencode, takeover: [opencode, --session, "{conversation}"] } }\n';
  const { opened, runs } = await scene(t, { driver: 'acp', config });
  assert.equal((await runs('attach', 'eng-42')).exit, 0);
  assert.deepEqual([opened[0]?.file, ...opened[0]!.args], ['opencode', '--session', 'c1']);
});

test('a program that cannot be opened is said, and the session is handed back all the same', async (t) => {
  const { runs, session } = await scene(t, { does: async () => ({ failed: 'spawn codex ENOENT' }) });
  const { exit, err } = await runs('attach', 'eng-42');
  assert.equal(exit, 1);
  assert.match(err, /codex could not be opened: spawn codex ENOENT/);
  assert.equal((await session()).value.open['hold'], 'free');
});

test('what cannot be taken over is left as it is, and says why', async (t) => {
  const { screen, runs, session } = await scene(t);
  await screen.node.send(letter('session/eng-43', 'open', { ...SESSION, source: { kind: 'manual' } }));
  for (const [name, exit, why] of [
    ['session/eng-43', 4, /nobody has worked on session\/eng-43 yet/],
    ['dispatcher/main', 2, /neither a chat nor a session/],
    ['session/nothing', 6, /nothing/],
  ] as const) {
    const seen = await runs('attach', name);
    assert.equal(seen.exit, exit, seen.err);
    assert.match(seen.err, why);
  }
  await screen.node.send(letter(S, 'correct.takeover', {}, { source: 'cli/bob' }));
  const taken = await runs('attach', 'eng-42');
  assert.equal(taken.exit, 4);
  assert.match(taken.err, /somebody else works on it by hand/);
  assert.equal((await session()).owner, 'person/bob');
});

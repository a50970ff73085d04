/** A whole run on real parts: worktree, process, run door, git over HTTP, GitHub’s stand-in; no run that is over publishes (I11). */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { once } from 'node:events';
import { createAdaptorServer } from '@hono/node-server';
import type { AddressInfo } from 'node:net';
import type { Server } from 'node:http';
import type { Receipt } from '../../src/actor/receipt.ts';
import { realClock } from '../../src/clock.ts';
import { createGithubStandIn } from '../../src/demo/github/stand-in.ts';
import { createScriptedDriver } from '../../src/drivers/scripted/driver.ts';
import { createGithub } from '../../src/effects/github/github.ts';
import type { Github } from '../../src/effects/github/github.ts';
import { readBootId } from '../../src/effects/process/group.ts';
import { createProcessWatch } from '../../src/effects/process/watch.ts';
import { createRunDoor } from '../../src/effects/run-door.ts';
import { createWorktrees } from '../../src/effects/worktree.ts';
import type { ActAnswer } from '../../machines/effects.ts';
import { createLog } from '../../src/log.ts';
import { begun } from './process-site.ts';
import { BRANCH, doing, REPO } from './worktree-site.ts';

const AGENT = 'agent/ada';

interface Whole {
  github: Github;
  standing: { epoch: number; final: boolean };
  /** Runs the steps in a prepared worktree; how the turn ended. */
  run: (steps: unknown[], kind?: 'implement' | 'review') => Promise<Record<string, unknown>>;
  verify: (headBefore: string) => Promise<ActAnswer<'run.verify'>>;
  head: () => string;
}

async function withWhole(use: (whole: Whole) => Promise<void>): Promise<void> {
  const directory = await mkdtemp(path.join(tmpdir(), 'whole-run-'));
  const log = createLog({ level: process.env['LOG'] ?? 'silent' });
  const clock = realClock;
  const standIn = await createGithubStandIn({ directory: path.join(directory, 'github'), clock });
  for (const login of ['acme', 'chartroom']) standIn.addUser({ login, token: `token-of-${login}` });
  await standIn.addRepository({
    owner: 'acme',
    name: 'api',
    private: true,
    files: { 'greet.txt': 'hello\n' },
    collaborators: { chartroom: 'write' },
  });
  const github = createGithub({
    apiUrl: standIn.apiUrl,
    auth: { token: 'token-of-chartroom' },
    identities: {},
    userAgent: 'chartroom-test',
    clock,
    log,
    paced: false,
  });
  const standing = { epoch: 3, final: false };
  const repos = { [REPO]: { clone: `${standIn.url}/acme/api.git`, base: 'main' } };
  const dataDir = path.join(directory, 'data');
  const env = {
    PATH: process.env['PATH'] ?? '',
    HOME: directory,
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_CONFIG_NOSYSTEM: '1',
  };
  const person = { name: 'Ada', email: 'ada@example.com' };
  let n = 0;
  const door = createRunDoor({
    dataDir,
    send: async ({ id, subject }) => ({ id, actor: subject, outcome: 'taken' }) as Receipt,
    preview: async () => ({}),
    ask: async () => standing,
    openPull: (pull) => github.openPull(pull),
    repos,
    credential: (repo, agent) => github.credentialFor(repo, agent),
    audit: async () => {},
    random: () => `secret-${++n}`,
    newId: () => `id-${++n}`,
    clock,
    log,
  });
  const server = createAdaptorServer({ fetch: door.app.fetch }) as Server;
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const worktrees = createWorktrees({
    root: dataDir,
    repos,
    env,
    person,
    credential: (repo) => github.credentialFor(repo),
    findPull: (repo, branch) => github.findPull(repo, branch),
    log,
  });
  let head = '';
  try {
    await use({
      github,
      standing,
      head: () => head,
      async run(steps, kind = 'implement') {
        const wished = { repo: REPO, branch: BRANCH, rebase: false, epoch: 3, fresh: false };
        const prepared = (await worktrees['worktree.prepare'].perform(
          wished,
          doing('k'),
        )) as ActAnswer<'worktree.prepare'>;
        ({ head } = prepared);
        const processes = createProcessWatch({
          drivers: { scripted: createScriptedDriver({ script: { runs: [{ steps }] }, node: process.execPath }) },
          dataDir,
          runDoor: door.tokens,
          url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
          prompts: { render: async () => ({ text: 'Do it.', notes: [] }) },
          machine: { PATH: env.PATH, GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_NOSYSTEM: '1' },
          person: () => person,
          node: process.execPath,
          bootId: await readBootId(),
          timers: { stop: 2, kill: 1 },
          clock,
          log,
        });
        let turned: (data: Record<string, unknown>) => void = () => {};
        const end = new Promise<Record<string, unknown>>((resolve) => (turned = resolve));
        const watch = processes.watch.start(
          {
            run: `eng-42-${++n}`,
            agent: AGENT,
            role: 'implementer',
            driver: 'scripted',
            mode: 'worker',
            begun: { ...begun(prepared.path), kind, branch: BRANCH },
            actions: ['pull.open', 'session.read'],
          },
          {
            actor: AGENT,
            signal: new AbortController().signal,
            async tell(type, data) {
              if (type === 'driver.turned') turned(data);
              return { outcome: 'taken' } as Receipt;
            },
          },
        );
        const data = await end;
        await watch.stop('state');
        return data;
      },
      verify: async (headBefore) =>
        (await worktrees['run.verify'].perform(
          {
            run: 3,
            for: 'implement',
            kind: 'implement',
            deliver: 'pull_request',
            repo: REPO,
            branch: BRANCH,
            headBefore,
            report: false,
            protectedPaths: [],
          },
          doing('v'),
        )) as ActAnswer<'run.verify'>,
    });
  } finally {
    server.closeAllConnections();
    server.close();
    await standIn.close();
    await rm(directory, { recursive: true, force: true, maxRetries: 3 });
  }
}

const WORK = [{ write: { path: 'greet.txt', text: 'hi\n' } }, { commit: 'Greet' }];

test('a run pushes with the credential its door gives it, opens its pull request, and passes verification', () =>
  withWhole(async ({ run, verify, head, github }) => {
    const turned = await run([...WORK, { push: true }, { pullRequest: { title: 'Greet' } }]);
    assert.deepEqual([turned['outcome'], turned['result']], ['completed', { pull: 1 }]);
    const before = head();
    const { ok, evidence } = await verify(before);
    assert.equal(ok, true, JSON.stringify(evidence));
    const pull = await github.findPull(REPO, BRANCH);
    assert.deepEqual([pull?.head, pull?.title, pull?.base], [evidence.headAfter, 'Greet', 'main']);
  }));

test('a run of an epoch that is over cannot push, nor open a pull request', () =>
  withWhole(async ({ run, standing, github }) => {
    standing.epoch = 4;
    const push = await run([...WORK, { push: true }]);
    assert.equal(push['outcome'], 'failed');
    assert.match(String(push['reason']), /git push/);
    const open = await run([{ pullRequest: { title: 'Greet' } }]);
    assert.match(String(open['reason']), /refused pull\.open \(401\): epoch 3 of session\/eng-42 is over/);
    assert.equal(await github.findPull(REPO, BRANCH), undefined);
  }));

test('a review cannot push', () =>
  withWhole(async ({ run }) => {
    const { outcome, reason } = await run([...WORK, { run: `git push origin HEAD:refs/heads/${BRANCH}` }], 'review');
    assert.deepEqual([outcome, /git push/.test(String(reason))], ['failed', true]);
  }));

test('what a run puts into its environment or its repository’s configuration brings it no other credential', () =>
  withWhole(async ({ run }) => {
    const { outcome, reason } = await run([
      { run: 'git config --get-all credential.helper || true; git config --list --show-origin > ../seen' },
      { run: 'git config remote.origin.url | grep -v @' },
      { run: '! env | grep -i token-of' },
    ]);
    assert.equal(outcome, 'completed', String(reason));
  }));

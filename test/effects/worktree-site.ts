/** A remote repository, a seat to push to it from, and the worktree performers that work on it. */
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after } from 'node:test';
import { execa } from 'execa';
import type { ActParams } from '../../machines/effects.ts';
import type { Doing } from '../../src/effects/effect.ts';
import type { FoundPull } from '../../src/effects/verify.ts';
import { createWorktrees } from '../../src/effects/worktree.ts';
import type { Worktrees } from '../../src/effects/worktree.ts';
import type { ActAnswer } from '../../machines/effects.ts';
import { createLog } from '../../src/log.ts';

export const GIT_ENV = {
  PATH: process.env['PATH'] ?? '',
  HOME: '/nonexistent',
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_AUTHOR_NAME: 'Ann',
  GIT_AUTHOR_EMAIL: 'ann@example.com',
  GIT_COMMITTER_NAME: 'Ann',
  GIT_COMMITTER_EMAIL: 'ann@example.com',
};
export const BRANCH = 'chartroom/eng-42-greet';
export const REPO = 'acme/api';

export interface Site {
  directory: string;
  remote: string;
  worktrees: Worktrees;
  /** Open pull requests by branch. */
  pulls: Map<string, FoundPull>;
  gate: { state: 'unknown' | 'pending' | 'green' | 'red' };
  git: (cwd: string, ...args: string[]) => Promise<string>;
  /** Commits files to a branch of the remote, as somebody else; the new head. */
  push: (branch: string, files: Record<string, string>, message?: string) => Promise<string>;
  prepare: (params?: Partial<ActParams<'worktree.prepare'>>, key?: string) => Promise<ActAnswer<'worktree.prepare'>>;
  verify: (params?: Partial<ActParams<'run.verify'>>) => Promise<ActAnswer<'run.verify'>>;
  remove: (epoch?: number) => Promise<unknown>;
  /** A commit in a worktree, pushed unless told otherwise. */
  work: (cwd: string, files: Record<string, string>, push?: boolean) => Promise<string>;
}

export const doing = (key: string, actor = 'session/eng-42'): Doing => ({
  key,
  actor,
  attempt: 1,
  signal: new AbortController().signal,
  wishedAt: '2026-01-01T00:00:00.000Z',
});

export async function write(directory: string, files: Record<string, string>): Promise<void> {
  for (const [name, text] of Object.entries(files)) {
    await mkdir(path.dirname(path.join(directory, name)), { recursive: true });
    await writeFile(path.join(directory, name), text, { mode: name.includes('hooks/') ? 0o755 : 0o644 });
  }
}

export async function withSite(use: (site: Site) => Promise<void>): Promise<void> {
  const directory = await mkdtemp(path.join(tmpdir(), 'worktree-'));
  try {
    await use(await createSite(directory));
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

export async function git(cwd: string, ...args: string[]): Promise<string> {
  return (await execa('git', args, { cwd, extendEnv: false, env: GIT_ENV })).stdout.trim();
}

/** A remote and a clone of it with one commit: made once, and copied. */
let begun: Promise<string> | undefined;
after(async () => begun !== undefined && rm(await begun, { recursive: true, force: true }));

async function begin(): Promise<string> {
  const directory = await mkdtemp(path.join(tmpdir(), 'worktree-begun-'));
  const seat = path.join(directory, 'seat');
  await git(directory, 'init', '--quiet', '--bare', '--initial-branch=main', 'remote.git');
  await git(directory, 'clone', '--quiet', 'remote.git', 'seat');
  // From wherever the two are copied to.
  await git(seat, 'config', 'remote.origin.url', '../remote.git');
  await git(seat, 'checkout', '--quiet', '-B', 'main');
  await write(seat, { 'greet.txt': 'hello\n', '.gitignore': 'cache/\n' });
  await git(seat, 'add', '--all');
  await git(seat, 'commit', '--quiet', '-m', 'Begin');
  await git(seat, 'push', '--quiet', 'origin', 'main');
  return directory;
}

export async function createSite(directory: string): Promise<Site> {
  await cp(await (begun ??= begin()), directory, { recursive: true });
  const remote = path.join(directory, 'remote.git');
  const seat = path.join(directory, 'seat');
  const pulls = new Map<string, FoundPull>();
  const gate: Site['gate'] = { state: 'unknown' };

  const push: Site['push'] = async (branch, files, message = 'Work') => {
    await git(seat, 'fetch', '--quiet', 'origin');
    const known = await git(seat, 'branch', '--remotes', '--list', `origin/${branch}`);
    await git(seat, 'checkout', '--quiet', '-B', branch, known === '' ? 'origin/main' : `origin/${branch}`);
    await write(seat, files);
    await git(seat, 'add', '--all');
    await git(seat, 'commit', '--quiet', '-m', message);
    await git(seat, 'push', '--quiet', 'origin', branch);
    return git(seat, 'rev-parse', 'HEAD');
  };
  const worktrees = createWorktrees({
    root: path.join(directory, 'data'),
    repos: { [REPO]: { clone: remote, base: 'main' } },
    env: { PATH: GIT_ENV.PATH, HOME: directory, GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_NOSYSTEM: '1' },
    person: { name: 'Chartroom', email: 'chartroom@example.com' },
    findPull: async (_repo, branch, number) => pulls.get(branch) ?? pulls.get(`#${number}`) ?? null,
    readGate: async () => gate.state,
    log: createLog({ level: 'silent' }),
  });

  return {
    directory,
    remote,
    worktrees,
    pulls,
    gate,
    git,
    push,
    prepare: async (params = {}, key = 'session/eng-42/1/0') =>
      (await worktrees['worktree.prepare'].perform(
        { repo: REPO, branch: BRANCH, rebase: false, epoch: 1, fresh: false, ...params },
        doing(key),
      )) as ActAnswer<'worktree.prepare'>,
    verify: async (params = {}) =>
      (await worktrees['run.verify'].perform(
        {
          run: 1,
          for: 'implement',
          kind: 'implement',
          deliver: 'pull_request',
          repo: REPO,
          branch: BRANCH,
          headBefore: null,
          report: false,
          protectedPaths: [],
          ...params,
        },
        doing('session/eng-42/9/0'),
      )) as ActAnswer<'run.verify'>,
    remove: (epoch = 9) =>
      worktrees['worktree.remove'].perform({ repo: REPO, branch: BRANCH, epoch }, doing('session/eng-42/10/0')),
    async work(cwd, files, publish = true) {
      await write(cwd, files);
      await git(cwd, 'add', '--all');
      await git(cwd, 'commit', '--quiet', '-m', 'Greet');
      if (publish) await git(cwd, 'push', '--quiet', '--force', 'origin', `HEAD:refs/heads/${BRANCH}`);
      return git(cwd, 'rev-parse', 'HEAD');
    },
  };
}

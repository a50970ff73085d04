/**
 * Worktrees of sessions: one per session, of the repository's managed clone. Preparing one keeps whatever an earlier
 * run left on a rescue branch before anything is reset; verifying one looks at what a run left, locally and remotely.
 */
import { existsSync } from 'node:fs';
import { mkdir, readFile, readdir, realpath, rm } from 'node:fs/promises';
import path from 'node:path';
import { idOf } from '../actor/address.ts';
import type { ActAnswer, ActParams } from '../../machines/effects.ts';
import { TerminalError } from '../errors.ts';
import type { Logger } from '../log.ts';
import { createClones } from './clone.ts';
import type { Clone, RepoSettings } from './clone.ts';
import { checkInside, createDirectories } from './directory.ts';
import type { ActPerformer, Doing } from './effect.ts';
import { createGit } from './git.ts';
import type { Person } from './git.ts';
import { runPrepareHook } from './hook.ts';
import { checkSubmodules } from './submodules.ts';
import { leftoversOf, rescue, rescueBranch } from './rescue.ts';
import { createTurns } from './turns.ts';
import { createVerify } from './verify.ts';
import type { VerifyPorts } from './verify.ts';

/** Fetch, check-out and the hook's 120 s together; a first clone may take most of it. */
const PREPARE_MS_MAX = 540_000;
const REMOVE_MS_MAX = 120_000;
const VERIFY_MS_MAX = 240_000;
/** What ends an operation that was left half finished, and the files git keeps as long as one is. */
const HALF_FINISHED: readonly [string[], string[]][] = [
  [
    ['rebase', '--quit'],
    ['rebase-merge', 'rebase-apply'],
  ],
  [['am', '--quit'], ['rebase-apply']],
  [['merge', '--quit'], ['MERGE_HEAD']],
  [
    ['cherry-pick', '--quit'],
    ['CHERRY_PICK_HEAD', 'sequencer'],
  ],
  [
    ['revert', '--quit'],
    ['REVERT_HEAD', 'sequencer'],
  ],
  [['bisect', 'reset', 'HEAD'], ['BISECT_LOG']],
];

export interface WorktreesOptions extends VerifyPorts {
  /** The data directory: clones go to `repos/`, worktrees to `worktrees/`. */
  root: string;
  repos: Record<string, RepoSettings>;
  /** What git needs of the environment: PATH, HOME, SSH_AUTH_SOCK, proxies. The prepare hook gets its PATH and HOME. */
  env: Record<string, string>;
  /** The system's git identity, of rescues and rebases. */
  person: Person;
  /** For fetching over HTTP; undefined where the repository needs none. */
  credential?: (repo: string) => Promise<{ username: string; password: string } | undefined>;
  log: Logger;
}

type Prepare = ActParams<'worktree.prepare'>;
type Prepared = ActAnswer<'worktree.prepare'>;

export interface Worktrees {
  /** Removes what is left of a session that is over, whatever its repository is. @throws TerminalError `WORKTREE_FOREIGN` */
  removeLeft: (session: string, epoch: number) => Promise<void>;
  'worktree.prepare': ActPerformer<Prepare>;
  'worktree.remove': ActPerformer<ActParams<'worktree.remove'>>;
  'run.verify': ActPerformer<ActParams<'run.verify'>>;
}

export function createWorktrees(options: WorktreesOptions): Worktrees {
  const { repos, env, person, credential, log } = options;
  const root = path.resolve(options.root, 'worktrees');
  const git = createGit({ env, person });
  const clones = createClones({ git, root: path.resolve(options.root, 'repos'), repos, credential });
  const directories = createDirectories(root);
  const inTurn = createTurns();
  const verify = createVerify({ git, clones, directories, usable, ...options });

  async function prepare(params: Prepare, { actor, key, signal }: Doing): Promise<Prepared> {
    const session = idOf(actor);
    const { repo, branch } = params;
    await mkdir(root, { recursive: true });
    const clone = await clones.open(repo);
    let record = await directories.read(session);
    let directory = directories.pathOf(session, record.n);
    const there = (await checkInside(root, directory)) === 'there' && (await usable(directory, clone));

    if (params.keep === true && !params.fresh && there) {
      const head = (await git.run(['rev-parse', 'HEAD'], { cwd: directory })).trim();
      return { path: directory, branch, head };
    }

    await clones.fetch(clone, signal);
    if (params.head !== undefined) await clones.fetchCommit(clone, params.head, undefined, signal);
    const base = await clones.baseOf(clone, params.base);
    const remote = await clones.resolve(clone.path, `refs/remotes/origin/${branch}`);
    const target = params.head ?? remote ?? base.ref;

    // A review reads somebody else's branch; nothing on it is its own.
    const own = params.head === undefined ? branch : undefined;
    const left = { session, epoch: params.epoch, branch: own, ignore: record.hookLeft };
    let rescued = there ? await rescue(git, directory, left) : await rescueBranch(git, clone.path, left);
    const taken = (await directories.all(session)).includes(directory) && !there;
    if ((params.fresh && record.freshKey !== key) || taken) {
      // A process may still be in the old one: from here on it commits on no branch of ours.
      if (there) await git.run(['update-ref', '--no-deref', 'HEAD', 'HEAD'], { cwd: directory });
      const n = record.n + 1;
      record = { ...record, n, freshKey: key, hookLeft: [] };
      await directories.write(session, record);
      directory = directories.pathOf(session, n);
      if ((await checkInside(root, directory)) === 'there') await rm(directory, { recursive: true, force: true });
    }
    if (!existsSync(directory)) {
      await git.run(['worktree', 'prune'], { cwd: clone.path });
      const add = ['worktree', 'add', '--quiet', '--force', '--detach', '--no-checkout', directory, target];
      await git.run(add, { cwd: clone.path });
    }

    await clean(directory);
    if (params.head === undefined) {
      // By refs, not by `checkout`: another directory of this session may still show the branch.
      await git.run(['checkout', '--quiet', '--force', '--detach', target], { cwd: directory });
      await git.run(['update-ref', `refs/heads/${branch}`, target], { cwd: directory });
      await git.run(['symbolic-ref', 'HEAD', `refs/heads/${branch}`], { cwd: directory });
    } else await git.run(['checkout', '--quiet', '--force', '--detach', params.head], { cwd: directory });
    await git.run(['clean', '-ffdq'], { cwd: directory });

    const notRebased = params.rebase && remote !== undefined ? await rebase(directory, base.ref, signal) : undefined;
    const hook = { PATH: env['PATH'] ?? '', HOME: env['HOME'] ?? root, LC_ALL: 'C.UTF-8' };
    if (await runPrepareHook(directory, hook, signal)) {
      record = { ...record, hookLeft: (await leftoversOf(git, directory)).dirty };
    } else record = { ...record, hookLeft: [] };
    await directories.write(session, { ...record, ...(own === undefined ? {} : { branch: own }) });

    const head = (await git.run(['rev-parse', 'HEAD'], { cwd: directory })).trim();
    rescued ??= await earlierRescue(directory, session, params.epoch);
    log.info({ actor, directory, head, rescued, notRebased }, 'worktree prepared');
    return {
      path: directory,
      branch,
      head,
      ...(rescued === undefined ? {} : { rescued }),
      ...(notRebased === undefined ? {} : { notRebased }),
    };
  }

  /** Asked again after a crash: what was rescued then is said again. */
  async function earlierRescue(cwd: string, session: string, epoch: number): Promise<string | undefined> {
    const branch = `rescue/${session}/${epoch}`;
    return (await clones.resolve(cwd, `refs/heads/${branch}`)) === undefined ? undefined : branch;
  }

  /** Ends whatever a run left half finished, and the locks a killed git left. */
  async function clean(directory: string): Promise<void> {
    const gitDirectory = (await ownDirectory(directory)) ?? directory;
    for (const lock of ['index.lock', 'HEAD.lock']) await rm(path.join(gitDirectory, lock), { force: true });
    const there = new Set(await readdir(gitDirectory));
    for (const [operation, traces] of HALF_FINISHED) {
      if (traces.some((name) => there.has(name))) await git.ask(operation, { cwd: directory });
    }
  }

  /** Rebases on the base; why not, where it meets a conflict. */
  async function rebase(directory: string, onto: string, signal: AbortSignal): Promise<string | undefined> {
    const before = (await git.run(['rev-parse', 'HEAD'], { cwd: directory })).trim();
    const result = await git.ask(['rebase', '--quiet', '--no-autostash', onto], { cwd: directory, signal });
    if (result.ok) return undefined;
    const conflicts = await git.ask(['diff', '--name-only', '--diff-filter=U'], { cwd: directory });
    await git.ask(['rebase', '--abort'], { cwd: directory });
    await git.run(['reset', '--quiet', '--hard', before], { cwd: directory });
    await git.run(['clean', '-ffdq'], { cwd: directory });
    const files = conflicts.stdout.split('\n').filter((line) => line !== '');
    const base = onto.slice('refs/remotes/origin/'.length);
    return files.length === 0
      ? `it could not be rebased on ${base}: ${result.stderr.trim().slice(-200)}`
      : `it conflicts with ${base} in ${files.slice(0, 20).join(', ')}`;
  }

  /** Where git keeps what belongs to this worktree alone. */
  async function ownDirectory(directory: string): Promise<string | undefined> {
    const pointer = /^gitdir: (.*)$/m.exec(await readFile(path.join(directory, '.git'), 'utf8'))?.[1];
    return pointer === undefined ? undefined : realpath(path.resolve(directory, pointer));
  }

  /** A worktree of this clone, and not one whose `.git` was made to point elsewhere. */
  async function usable(directory: string, clone: Clone): Promise<boolean> {
    try {
      const own = await ownDirectory(directory);
      if (own === undefined) return false;
      if (path.dirname(own) !== (await realpath(path.join(clone.path, 'worktrees')))) return false;
      const back = await readFile(path.join(own, 'gitdir'), 'utf8');
      return (await realpath(path.dirname(back.trim()))) === (await realpath(directory));
    } catch {
      return false;
    }
  }

  async function remove({ repo, epoch }: ActParams<'worktree.remove'>, { actor }: Doing): Promise<void> {
    await removeAll(await clones.open(repo), idOf(actor), epoch);
  }

  async function removeLeft(session: string, epoch: number): Promise<void> {
    const left = await directories.all(session);
    for (const clone of await clones.present()) {
      const own = await Promise.all(left.map((directory) => usable(directory, clone)));
      if (own.some(Boolean)) return inTurn(clone.repo, () => removeAll(clone, session, epoch));
    }
    throw new TerminalError('WORKTREE_FOREIGN', `${session}: its directory is no worktree of a configured repository`);
  }

  async function removeAll(clone: Clone, session: string, epoch: number): Promise<void> {
    const { hookLeft, branch } = await directories.read(session);
    const left = { session, epoch, branch, ignore: hookLeft };
    for (const directory of await directories.all(session)) {
      if ((await checkInside(root, directory)) === 'missing') continue;
      if (await usable(directory, clone)) {
        await checkSubmodules(git, directory);
        await rescue(git, directory, left);
      }
      await rm(directory, { recursive: true, force: true });
    }
    await git.run(['worktree', 'prune'], { cwd: clone.path });
    await rescueBranch(git, clone.path, left);
    if (branch !== undefined) await git.ask(['update-ref', '-d', `refs/heads/${branch}`], { cwd: clone.path });
    await rm(directories.recordFile(session), { force: true });
  }

  const act = { kind: 'act', repeat: 'key', lane: 'git' } as const;
  return {
    removeLeft,
    'worktree.prepare': {
      ...act,
      deadlineMs: PREPARE_MS_MAX,
      perform: (params, doing) => inTurn(params.repo, () => prepare(params, doing)),
    },
    'worktree.remove': {
      ...act,
      deadlineMs: REMOVE_MS_MAX,
      perform: (params, doing) => inTurn(params.repo, () => remove(params, doing)),
    },
    'run.verify': {
      ...act,
      deadlineMs: VERIFY_MS_MAX,
      perform: (params, doing) => inTurn(params.repo, () => verify(params, doing)),
    },
  };
}

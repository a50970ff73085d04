/**
 * Verification of a run: what its worktree, the remote and the pull request show (docs/domain.md §1.4). Evidence, not a
 * model's word; which evidence is enough depends on what the run was for.
 */
import path from 'node:path';
import { idOf } from '../actor/address.ts';
import type { ActAnswer, ActParams } from '../../machines/effects.ts';
import type { Gates } from '../../machines/events/common.ts';
import { CHANGED_MAX } from '../../machines/events/session.ts';
import type { Clone, Clones } from './clone.ts';
import { resolveCommits } from './commits.ts';
import type { Directories } from './directory.ts';
import type { Doing } from './effect.ts';
import type { Git } from './git.ts';
import { leftoversOf } from './rescue.ts';
import { TerminalError } from '../errors.ts';

type Verify = ActParams<'run.verify'>;
type Verified = ActAnswer<'run.verify'>;
type Evidence = Verified['evidence'];

export interface FoundPull {
  number: number;
  head: string;
  state: 'open' | 'closed';
  merged?: boolean;
}

export interface VerifyPorts {
  /** The pull request of a branch: the open one, else the one of this number (attached or reported), else the newest. */
  findPull: (repo: string, branch: string, number?: number) => Promise<FoundPull | null | undefined>;
  /** What the gate's checks say of a head; without it a green result on the same head is not seen. */
  readGate?: (question: {
    repo: string;
    head: string;
    base?: string;
    gates: Gates;
  }) => Promise<'unknown' | 'pending' | 'green' | 'red'>;
  /** Paths that are always protected, beside those of the repository; git pathspecs. */
  protectedAlways?: readonly string[];
}

/** What decides how everything else is run: not a run's to change unasked. */
export const PROTECTED_ALWAYS = [
  '.github/workflows/**',
  '.chartroom/**',
  '.tool-versions',
  'mise.lock',
  'flake.lock',
  'rust-toolchain.toml',
] as const;

interface VerifyParts extends VerifyPorts {
  git: Git;
  clones: Clones;
  directories: Directories;
  usable: (directory: string, clone: Clone) => Promise<boolean>;
}

export function createVerify(parts: VerifyParts) {
  const { git, clones, directories, usable, findPull, readGate, protectedAlways = PROTECTED_ALWAYS } = parts;

  return async function verify(params: Verify, { actor, signal }: Doing): Promise<Verified> {
    const session = idOf(actor);
    const clone = await clones.open(params.repo);
    const record = await directories.read(session);
    const directory = directories.pathOf(session, record.n);
    if (!(await usable(directory, clone))) {
      throw new TerminalError('WORKTREE_MISSING', `${path.basename(directory)} is no worktree any more`);
    }
    await clones.fetch(clone, signal);
    const { dirty, unpushed } = await leftoversOf(git, directory, params.for === 'verdict' ? undefined : params.branch);
    const heads = await resolveCommits(git, directory, ['HEAD', `refs/remotes/origin/${params.branch}`]);
    const [local = null, remote = null] = heads;
    // A judging run moves nothing: its branch is the pull request's, which others may push to meanwhile.
    const judges = params.for === 'verdict';
    const pull = judges ? undefined : await findOurs(params, local);
    const own = judges || local === null ? [] : await ownCommits({ directory, clone, params, local });
    const touched = own.length === 0 ? [] : await pathsIn(directory, own);
    const headAfter = await headLeft({ directory, local, remote, headBefore: params.headBefore });
    const gate =
      params.for === 'checks' && readGate !== undefined && remote !== null
        ? await readGate({
            repo: params.repo,
            head: remote,
            ...(params.base === undefined ? {} : { base: params.base }),
            gates: params.gates ?? {},
          })
        : undefined;
    const evidence: Evidence = {
      headBefore: params.headBefore,
      headAfter,
      ...(pull === undefined ? {} : { pull: pull.number }),
      dirty: dirty.filter((file) => !record.hookLeft.includes(file)).slice(0, 1_000),
      unpushed,
      protected: touched.length === 0 ? [] : await protectedPaths(directory, own, params),
      ...(gate === undefined ? {} : { gate }),
      ...(judges ? {} : { changed: { files: touched.slice(0, CHANGED_MAX), count: touched.length } }),
    };
    return { run: params.run, ok: isEnough(params, evidence, pull), evidence };
  };

  /** The branch's pull request; else the one the run names, believed only where it shows this very commit. */
  async function findOurs({ repo, branch, number }: Verify, local: string | null): Promise<FoundPull | undefined> {
    const pull = (await findPull(repo, branch)) ?? undefined;
    if (number === undefined || pull?.state === 'open' || pull?.merged === true) return pull;
    const named = (await findPull(repo, branch, number)) ?? undefined;
    return named !== undefined && named.head === local ? named : pull;
  }

  /** The head this run leaves: its own commit where that is published, else what the remote has. */
  async function headLeft(at: {
    directory: string;
    local: string | null;
    remote: string | null;
    headBefore: string | null;
  }): Promise<string | null> {
    const { directory, local, remote, headBefore } = at;
    if (local === null || remote === null || local === remote) return remote ?? headBefore;
    const isPublished = await git.ask(['merge-base', '--is-ancestor', local, remote], { cwd: directory });
    // Somebody else pushed on: this run's own last commit is what it is judged by.
    return isPublished.ok ? local : remote;
  }

  /** The commits of this run, as git takes a range; what came in from the base is not its doing. */
  async function ownCommits(of: { directory: string; clone: Clone; params: Verify; local: string }): Promise<string[]> {
    const { directory, clone, params, local } = of;
    const { headBefore } = params;
    const base = await clones.baseOf(clone, params.base);
    const since = headBefore !== null && (await clones.resolve(directory, headBefore)) !== undefined;
    return [local, `^${base.ref}`, ...(since ? [`^${headBefore}`] : [])];
  }

  async function protectedPaths(cwd: string, range: readonly string[], params: Verify): Promise<string[]> {
    const patterns = [...protectedAlways, ...params.protectedPaths].map((pattern) => `:(glob)${pattern}`);
    return patterns.length === 0 ? [] : (await pathsIn(cwd, range, patterns)).slice(0, 1_000);
  }

  /** Paths that these commits changed; of a merge those that it made otherwise than all it merges. */
  async function pathsIn(cwd: string, range: readonly string[], pathspecs: readonly string[] = []): Promise<string[]> {
    const only = pathspecs.length === 0 ? [] : ['--', ...pathspecs];
    const text = await git.run(['log', '-c', '--format=', '--name-only', '-z', ...range, ...only], { cwd });
    const names = text.split('\0').map((name) => name.trim());
    return [...new Set(names)].filter((name) => name !== '');
  }
}

/** The table of docs/domain.md §1.4. */
export function isEnough(params: Verify, evidence: Evidence, pull: FoundPull | undefined): boolean {
  if (evidence.protected.length > 0) return false;
  const clean = evidence.dirty.length === 0 && evidence.unpushed === 0;
  const isOpen = pull !== undefined && (pull.state === 'open' || pull.merged === true);
  switch (params.for) {
    case 'implement':
      return params.deliver === 'report' ? params.report && !isOpen && clean : isOpen && clean;
    case 'checks':
      return moved(evidence) || (evidence.gate === 'green' && evidence.unpushed === 0);
    case 'queue':
    case 'review':
    case 'upkeep':
      return moved(evidence);
    case 'verdict':
      return params.verdict !== undefined && params.verdict.head === params.target;
    case 'answer':
      return clean;
  }
}

/** Un-pushed commits mean that the head on the remote, though another, is not this run's. */
const moved = ({ headBefore, headAfter, unpushed }: Evidence): boolean =>
  headAfter !== null && headAfter !== headBefore && unpushed === 0;

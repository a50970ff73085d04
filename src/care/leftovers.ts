/**
 * State of this machine that no actor has: folders of runs, homes and working directories of agents, worktrees of
 * sessions, with the processes, tokens and logs in them. It is left where a store was restored from before it, or where
 * somebody put a data directory together. Named first; cleared only when a person says so, and never where it holds work
 * that is nowhere else.
 */
import { existsSync } from 'node:fs';
import { lstat, readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import type { Clock } from '../clock.ts';
import { createDirectories } from '../effects/directory.ts';
import { createGit } from '../effects/git.ts';
import { endGroup, isAlive } from '../effects/process/ending.ts';
import { folderAt, isRunName, readRecord } from '../effects/process/folder.ts';
import type { RunRecord } from '../effects/process/folder.ts';
import { readBootId } from '../effects/process/group.ts';

export interface Leftover {
  kind: 'run' | 'home' | 'chat' | 'worktree';
  /** The directory. */
  path: string;
  /** Whose it was, and why it is nobody's. */
  why: string;
  /** A process of it lives: it is ended before anything is removed. */
  process: RunRecord | null;
}

export interface LeftoversOptions {
  /** The data directory. */
  data: string;
  /** Asked after the directories were read: whoever is new by then has its own already. */
  exists: (addresses: readonly string[]) => Promise<ReadonlySet<string>>;
}

const ID = /^[a-z0-9][a-z0-9_-]{0,127}$/;
const WORKTREE = /^([a-z0-9][a-z0-9_-]{0,127})(?:\.(\d+))?$/;

export async function findLeftovers({ data, exists }: LeftoversOptions): Promise<Leftover[]> {
  const root = path.resolve(data);
  const candidates = [
    ...(await runsIn(root)),
    ...(await ownersIn(root, 'homes', 'home')),
    ...(await ownersIn(root, 'chats', 'chat')),
    ...(await worktreesIn(root)),
  ];
  if (candidates.length === 0) return [];
  const owners = await exists([...new Set(candidates.flatMap(({ owner }) => owner ?? []))]);
  const left: Leftover[] = [];
  for (const { owner, isOlder, ...rest } of candidates) {
    if (owner !== null && owners.has(owner) && !isOlder) continue;
    const why =
      owner === null
        ? 'nothing in it says whose it is'
        : isOlder
          ? `${owner} works elsewhere since a process here could not be ended`
          : `there is no ${owner}`;
    left.push({ ...rest, why });
  }
  return left;
}

/** Ends what lives of it and removes it. @returns why it was left alone; null: it is gone. */
export async function clearLeftover(
  { kind, path: directory, process }: Leftover,
  { env, clock, killSeconds }: { env: Record<string, string>; clock: Clock; killSeconds: number },
): Promise<string | null> {
  if ((await lstat(directory).catch(() => null))?.isDirectory() !== true) return null;
  if (kind === 'worktree') {
    const work = await workIn(directory, env);
    if (work !== null) return `${work}: look at it, then remove it by hand`;
  }
  if (process !== null) await endGroup(process, await readBootId(), clock, killSeconds);
  const clone = kind === 'worktree' ? await cloneOf(directory, env) : null;
  await rm(directory, { recursive: true, force: true });
  if (kind === 'worktree') {
    const { recordFile } = createDirectories(path.dirname(directory));
    const [, session = '', n] = WORKTREE.exec(path.basename(directory)) ?? [];
    if (n === undefined) await rm(recordFile(session), { force: true });
    if (clone !== null) await git(env).ask(['worktree', 'prune'], { cwd: clone });
  }
  return null;
}

interface Candidate extends Omit<Leftover, 'why'> {
  /** null: nobody knows. */
  owner: string | null;
  /** Its owner has another one now. */
  isOlder: boolean;
}

async function runsIn(root: string): Promise<Candidate[]> {
  const bootId = await readBootId();
  const names = (await directoriesIn(path.join(root, 'runs'))).filter(isRunName);
  return Promise.all(
    names.map(async (name) => {
      const folder = folderAt(root, name);
      const record = (await readRecord(folder)) ?? null;
      const lives = record !== null && record.exit === undefined && (await isAlive(record, bootId));
      const process = lives ? record : null;
      return { kind: 'run' as const, path: folder.path, owner: record?.agent ?? null, isOlder: false, process };
    }),
  );
}

async function ownersIn(root: string, folder: string, kind: 'home' | 'chat'): Promise<Candidate[]> {
  const names = (await directoriesIn(path.join(root, folder))).filter((name) => ID.test(name));
  return names.map((name) => ({
    kind,
    path: path.join(root, folder, name),
    owner: `agent/${name}`,
    isOlder: false,
    process: null,
  }));
}

async function worktreesIn(root: string): Promise<Candidate[]> {
  const folder = path.join(root, 'worktrees');
  const directories = createDirectories(folder);
  const found: Candidate[] = [];
  for (const name of await directoriesIn(folder)) {
    const [, session, n = '1'] = WORKTREE.exec(name) ?? [];
    if (session === undefined) continue;
    const current = await directories.read(session);
    const isOlder = current.n > Number(n);
    found.push({
      kind: 'worktree',
      path: path.join(folder, name),
      owner: `session/${session}`,
      isOlder,
      process: null,
    });
  }
  return found;
}

/** Never through a link. */
async function directoriesIn(folder: string): Promise<string[]> {
  if (!existsSync(folder)) return [];
  const entries = await readdir(folder, { withFileTypes: true });
  return entries.filter((entry) => entry.isDirectory() && !entry.name.startsWith('.')).map(({ name }) => name);
}

const git = (env: Record<string, string>) =>
  createGit({ env, person: { name: 'chartroom', email: 'chartroom@chartroom.invalid' } });

/** What is in a worktree and nowhere else; null: nothing. */
async function workIn(directory: string, env: Record<string, string>): Promise<string | null> {
  if (!existsSync(path.join(directory, '.git'))) {
    return (await readdir(directory)).length === 0 ? null : 'it holds files and is no worktree';
  }
  const status = await git(env).ask(['status', '--porcelain'], { cwd: directory });
  if (!status.ok) return 'git cannot read it';
  const changed = status.stdout.split('\n').filter((line) => line !== '').length;
  if (changed > 0) return `it holds ${changed} changed files that are nowhere else`;
  const refs = await git(env).ask(['for-each-ref', '--contains', 'HEAD', '--count', '1'], { cwd: directory });
  return refs.ok && refs.stdout.trim() === '' ? 'it holds a commit that no branch has' : null;
}

async function cloneOf(directory: string, env: Record<string, string>): Promise<string | null> {
  if (!existsSync(path.join(directory, '.git'))) return null;
  const clone = await git(env).ask(['rev-parse', '--path-format=absolute', '--git-common-dir'], { cwd: directory });
  return clone.ok ? clone.stdout.trim() : null;
}

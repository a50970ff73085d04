/**
 * The managed clone of a repository: bare, one per repository, shared by the worktrees of all its sessions. Branches of
 * the remote are kept as `origin/*`, so that branches of sessions and of rescues beside them are never overwritten.
 */
import { existsSync } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { TerminalError } from '../errors.ts';
import type { Git, GitCredential } from './git.ts';

export interface RepoSettings {
  /** Any URL or path that git understands. */
  clone: string;
  /** Base branch; without it the remote's own. */
  base?: string | undefined;
}

export interface Clone {
  repo: string;
  /** The bare repository. */
  path: string;
  url: string;
}

export interface ClonesOptions {
  git: Git;
  /** `<data>/repos` */
  root: string;
  repos: Record<string, RepoSettings>;
  credential?: ((repo: string) => Promise<{ username: string; password: string } | undefined>) | undefined;
}

export type Clones = ReturnType<typeof createClones>;

export function createClones({ git, root, repos, credential }: ClonesOptions) {
  const settingsOf = (repo: string): RepoSettings => {
    const settings = repos[repo];
    if (settings === undefined) throw new TerminalError('REPO_UNKNOWN', `${repo} is not in the configuration`);
    return settings;
  };
  /** The configuration of each clone, as it read when it was found right. */
  const settled = new Map<string, string>();
  const at = (repo: string): string => path.join(root, `${repo.toLowerCase().replace('/', '--')}.git`);

  async function credentialFor({ repo, url }: Clone): Promise<GitCredential | undefined> {
    const origin = originOf(url);
    if (origin === undefined) return undefined;
    const known = await credential?.(repo);
    return known === undefined ? undefined : { origin, ...known };
  }

  /** The clone as it is, made where it is missing. Nothing is fetched. */
  async function open(repo: string): Promise<Clone> {
    const { clone: url } = settingsOf(repo);
    const directory = at(repo);
    await mkdir(directory, { recursive: true });
    // Asked of the disk, not of git: git would find a repository around the data directory.
    if (!existsSync(path.join(directory, 'HEAD')))
      await git.run(['init', '--quiet', '--bare', '.'], { cwd: directory });
    // A run may have written into it: believed as long as it reads as it did.
    const file = path.join(directory, 'config');
    if (settled.get(file) === (await readFile(file, 'utf8'))) return { repo, path: directory, url };
    const known = await git.ask(['config', '--get', 'remote.origin.url'], { cwd: directory });
    if (known.stdout.trim() !== url) {
      // A run's plain `git push` goes to the branch of the same name.
      await git.run(['config', 'push.default', 'current'], { cwd: directory });
      await git.run(['config', 'remote.origin.fetch', '+refs/heads/*:refs/remotes/origin/*'], { cwd: directory });
      await git.run(['config', 'remote.origin.url', url], { cwd: directory });
    }
    settled.set(file, await readFile(file, 'utf8'));
    return { repo, path: directory, url };
  }

  async function fetch(clone: Clone, signal?: AbortSignal): Promise<void> {
    const found = await credentialFor(clone);
    await git.remote(['fetch', '--quiet', '--prune', '--no-tags', 'origin'], {
      cwd: clone.path,
      ...(found === undefined ? {} : { credential: found }),
      ...(signal === undefined ? {} : { signal }),
    });
  }

  /** A commit that no branch of the remote has: a pull request from a fork. */
  async function fetchCommit(clone: Clone, head: string, number?: number, signal?: AbortSignal): Promise<void> {
    if (await has(clone.path, head)) return;
    const found = await credentialFor(clone);
    const options = {
      cwd: clone.path,
      ...(found === undefined ? {} : { credential: found }),
      ...(signal === undefined ? {} : { signal }),
    };
    const wanted = [
      head,
      ...(number === undefined ? [] : [`refs/pull/${number}/head`]),
      'refs/pull/*/head:refs/pull/*/head',
    ];
    for (const ref of wanted) {
      await git.ask(['fetch', '--quiet', '--no-tags', 'origin', ref], options);
      if (await has(clone.path, head)) return;
    }
    throw new TerminalError('HEAD_MISSING', `${clone.repo} has no commit ${head}`);
  }

  async function has(cwd: string, commit: string): Promise<boolean> {
    return (await git.ask(['cat-file', '-e', `${commit}^{commit}`], { cwd })).ok;
  }

  /** The commit of a ref, or undefined. */
  async function resolve(cwd: string, ref: string): Promise<string | undefined> {
    const { ok, stdout } = await git.ask(['rev-parse', '--verify', '--quiet', `${ref}^{commit}`], { cwd });
    return ok ? stdout.trim() : undefined;
  }

  /** `origin/<base>`: the one asked for, the configured one, or the remote's own. */
  async function baseOf(clone: Clone, asked?: string): Promise<{ name: string; ref: string }> {
    const name = asked ?? settingsOf(clone.repo).base ?? (await remoteBase(clone));
    const ref = `refs/remotes/origin/${name}`;
    if ((await resolve(clone.path, ref)) !== undefined) return { name, ref };
    throw new TerminalError('BASE_MISSING', `${clone.repo} has no branch ${name}`);
  }

  async function remoteBase(clone: Clone): Promise<string> {
    const found = await credentialFor(clone);
    const text = await git.remote(['ls-remote', '--symref', 'origin', 'HEAD'], {
      cwd: clone.path,
      ...(found === undefined ? {} : { credential: found }),
    });
    return /^ref: refs\/heads\/(\S+)\s+HEAD/m.exec(text)?.[1] ?? 'main';
  }

  /** The clones that are there already. */
  const present = (): Promise<Clone[]> =>
    Promise.all(
      Object.keys(repos)
        .filter((repo) => existsSync(path.join(at(repo), 'HEAD')))
        .map(open),
    );

  return { open, present, fetch, fetchCommit, resolve, baseOf };
}

/** `https://host[:port]` of an HTTP URL; others take no password. */
export function originOf(url: string): string | undefined {
  try {
    const { protocol, origin } = new URL(url);
    return protocol === 'https:' || protocol === 'http:' ? origin : undefined;
  } catch {
    return undefined;
  }
}

/**
 * A small, honest stand-in for GitHub: a stateful HTTP server over real bare git repositories. Every head is a real
 * ref, a merge is a real merge commit, webhooks are signed, and the rules that matter are kept. It knows nothing of
 * whoever uses it; `await createGithubStandIn({ directory, clock })` is all it needs.
 */
import { getRequestListener } from '@hono/node-server';
import { randomUUID } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import type { Call } from './api.ts';
import { createApi } from './api.ts';
import type { Faults } from './faults.ts';
import { createFaults } from './faults.ts';
import { createGitHttp } from './git-http.ts';
import { createGit } from './git.ts';
import { moved } from './moves.ts';
import { pageOf } from './pages.ts';
import { setDraft } from './pull-life.ts';
import { isPull } from './pull.ts';
import type { QuotaOptions } from './quota.ts';
import { createQuota } from './quota.ts';
import type { Site } from './site.ts';
import type { Delivery, Hook } from './webhooks.ts';
import { createWebhooks } from './webhooks.ts';
import type { App, Clock, Permission, Protection, Repository, User } from './world.ts';
import { createTurn, createWorld, repositoryOf, userOf } from './world.ts';

export type { Call, Clock, Delivery, Hook, Permission, Protection };

export interface GithubStandInOptions {
  /** Where the bare repositories live; made if missing, never removed. */
  directory: string;
  clock: Clock;
  /** Default 0: any free port of 127.0.0.1. */
  port?: number;
  /** A hook for all repositories, as an App has it. More through `addWebhook` or the API. */
  webhook?: { url: string; secret: string; events?: string[] };
  rateLimit?: QuotaOptions;
  /** Delivery ids; default random. */
  newGuid?: () => string;
}

export interface NewUser {
  login: string;
  token: string;
  /** Default `User`. A bot acts for an App, and only such may write check runs. */
  type?: 'User' | 'Bot';
  name?: string;
  email?: string;
  /** Of a bot; made up where it says nothing. */
  app?: Partial<App>;
}

export interface NewToken {
  login: string;
  token: string;
  /** Full name → the most this token may do there; absent: all its user may. */
  repositories?: Record<string, Permission>;
  /** Milliseconds since 1970. */
  expiresAt?: number;
}

export interface NewRepository {
  owner: string;
  name: string;
  /** Path → content of the first commit. What begins with `#!` is executable. */
  files?: Record<string, string>;
  /** Default `main`. */
  defaultBranch?: string;
  private?: boolean;
  description?: string;
  /** Login → permission; the owner has all. */
  collaborators?: Record<string, Permission>;
  /** Of the default branch; `protect` for others. */
  protection?: Protection;
}

export interface FilesPushed {
  repo: string;
  branch: string;
  /** Path → content; null removes the file. */
  files: Record<string, string | null>;
  message: string;
  login: string;
  /** Where a new branch begins; default the default branch. */
  from?: string;
}

export type GithubStandIn = Awaited<ReturnType<typeof createGithubStandIn>>;

/** Calls remembered; the oldest go first. */
const CALLS_MAX = 10_000;

export async function createGithubStandIn(options: GithubStandInOptions) {
  const { directory, clock } = options;
  await mkdir(directory, { recursive: true });
  const world = createWorld(clock);
  const git = createGit();
  const faults = createFaults();
  const webhooks = createWebhooks({
    nowMs: () => world.nowMs(),
    now: () => world.now(),
    nextId: () => world.nextId(),
    newGuid: options.newGuid ?? randomUUID,
    faults,
  });
  const quota = createQuota(() => world.nowMs(), options.rateLimit);
  const site: Site = { world, git, url: '', apiUrl: '', emit: webhooks.emit };
  const calls: Call[] = [];
  const record = (call: Call): void => {
    calls.push(call);
    if (calls.length > CALLS_MAX) calls.shift();
  };
  const api = createApi({ site, webhooks, quota, faults, record });
  const gitHttp = await createGitHttp(site, directory);
  const rest = getRequestListener(api.fetch);
  const server = createServer((request, response) => {
    if (gitHttp.handle(request, response)) return;
    if (pageOf(site, request, response)) return;
    void rest(request, response);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port ?? 0, '127.0.0.1', resolve);
  });
  site.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  site.apiUrl = `${site.url}/api/v3`;
  if (options.webhook !== undefined) webhooks.add(options.webhook);

  function user(login: string): User {
    const found = userOf(world, login);
    if (found === undefined) throw new Error(`no user ${login}`);
    return found;
  }
  function repository(name: string): Repository {
    const found = repositoryOf(world, name);
    if (found === undefined) throw new Error(`no repository ${name}`);
    return found;
  }

  function addUser(wish: NewUser): void {
    if (userOf(world, wish.login) !== undefined) throw new Error(`there is a user ${wish.login} already`);
    const id = world.nextId();
    const type = wish.type ?? 'User';
    const slug = wish.login.replace(/\[bot\]$/, '');
    const app: App = { id: world.nextId(), slug, installationId: world.nextId(), ...wish.app };
    const fresh: User = {
      id,
      login: wish.login,
      type,
      name: wish.name ?? wish.login,
      email: wish.email ?? `${id}+${wish.login}@users.noreply.github.com`,
      createdAt: world.now(),
      ...(type === 'Bot' ? { app } : {}),
    };
    world.users.set(wish.login.toLowerCase(), fresh);
    addToken({ login: wish.login, token: wish.token });
  }

  function addToken({ login, ...wish }: NewToken): void {
    world.tokens.set(wish.token, { ...wish, user: user(login), revoked: false });
  }

  async function addRepository(wish: NewRepository): Promise<Repository> {
    const owner = user(wish.owner);
    const fullName = `${owner.login}/${wish.name}`;
    if (repositoryOf(world, fullName) !== undefined) throw new Error(`there is a repository ${fullName} already`);
    const branch = wish.defaultBranch ?? 'main';
    const dir = path.join(directory, owner.login, `${wish.name}.git`);
    await git.init(dir, branch);
    if (!(await git.branches(dir)).has(branch)) {
      await git.writeFiles(dir, {
        branch,
        files: wish.files ?? { 'README.md': `# ${wish.name}\n` },
        message: 'Initial commit',
        by: owner,
        atMs: world.nowMs(),
      });
    }
    const now = world.now();
    const fresh: Repository = {
      id: world.nextId(),
      owner,
      name: wish.name,
      fullName,
      private: wish.private ?? false,
      description: wish.description ?? null,
      defaultBranch: branch,
      path: dir,
      collaborators: new Map(
        Object.entries(wish.collaborators ?? {}).map(([login, permission]) => [user(login).id, permission]),
      ),
      protection: new Map(wish.protection === undefined ? [] : [[branch, wish.protection]]),
      mergeMethods: new Set(['merge', 'squash', 'rebase'] as const),
      branches: await git.branches(dir),
      issues: new Map(),
      labels: [],
      suites: [],
      checkRuns: [],
      statuses: [],
      createdAt: now,
      updatedAt: now,
      pushedAt: now,
      turn: createTurn(),
    };
    world.repositories.set(fullName.toLowerCase(), fresh);
    return fresh;
  }

  return {
    url: site.url,
    apiUrl: site.apiUrl,
    /** For `git clone`, with any user name and a token as password. */
    gitUrl: (repo: string): string => `${site.url}/${repository(repo).fullName}.git`,
    /** The same with the credential in it. */
    gitUrlFor: (repo: string, token: string): string =>
      `${site.url.replace('://', `://x-access-token:${encodeURIComponent(token)}@`)}/${repository(repo).fullName}.git`,
    /** The bare repository, to be looked at. Whoever writes to it directly calls `lookAgain`. */
    gitPath: (repo: string): string => repository(repo).path,
    addUser,
    addToken,
    /** From now on this token is nobody's. */
    revokeToken(token: string): void {
      const known = world.tokens.get(token);
      if (known !== undefined) known.revoked = true;
    },
    addRepository,
    /** Somebody's fork of a repository, with its branches as they are. */
    async fork(repo: string, owner: string): Promise<Repository> {
      const from = repository(repo);
      const fork = await addRepository({ owner, name: from.name, private: from.private });
      const refs = '+refs/heads/*:refs/heads/*';
      await git.run(fork.path, ['fetch', '--quiet', '--no-tags', '--update-head-ok', from.path, refs]);
      fork.branches = await git.branches(fork.path);
      return Object.assign(fork, { forkOf: from });
    },
    /** Renames it, or gives it to another owner; under the old name GitHub leads to the new one. */
    rename(repo: string, fullName: string): void {
      const found = repository(repo);
      const [owner = '', name = ''] = fullName.split('/');
      world.repositories.delete(found.fullName.toLowerCase());
      world.moved.set(found.fullName.toLowerCase(), found);
      world.moved.delete(fullName.toLowerCase());
      Object.assign(found, { owner: user(owner), name, fullName: `${user(owner).login}/${name}` });
      world.repositories.set(found.fullName.toLowerCase(), found);
    },
    grant(repo: string, login: string, permission: Permission | 'none'): void {
      const { collaborators } = repository(repo);
      if (permission === 'none') collaborators.delete(user(login).id);
      else collaborators.set(user(login).id, permission);
    },
    protect(repo: string, branch: string, protection: Protection | null): void {
      if (protection === null) repository(repo).protection.delete(branch);
      else repository(repo).protection.set(branch, protection);
    },
    allowMerges(repo: string, ...methods: ('merge' | 'squash' | 'rebase')[]): void {
      repository(repo).mergeMethods = new Set(methods);
    },
    addWebhook(wish: { repo?: string; url: string; secret: string; events?: string[] }): Hook {
      const { repo, ...rest } = wish;
      return webhooks.add({ ...rest, repository: repo === undefined ? undefined : repository(repo) });
    },
    /** A person commits and pushes without a clone; answers the new head. Protection does not hold it back. */
    async pushFiles(wish: FilesPushed): Promise<string> {
      const target = repository(wish.repo);
      const by = user(wish.login);
      return target.turn(async () => {
        const from = target.branches.get(wish.branch) ?? target.branches.get(wish.from ?? target.defaultBranch);
        const { branch, files, message } = wish;
        const sha = await git.writeFiles(target.path, { branch, from, files, message, by, atMs: world.nowMs() });
        await moved(site, target, by);
        return sha;
      });
    },
    /** A branch's head, or undefined. */
    head: (repo: string, branch: string): string | undefined => repository(repo).branches.get(branch),
    /** Reads the refs again after somebody wrote to the bare repository by its path. */
    lookAgain: (repo: string, login: string): Promise<void> =>
      repository(repo).turn(() => moved(site, repository(repo), user(login))),
    async setDraft(repo: string, number: number, draft: boolean, login: string): Promise<void> {
      const issue = repository(repo).issues.get(number);
      if (issue === undefined || !isPull(issue)) throw new Error(`no pull request #${number}`);
      await setDraft(site, repository(repo), issue, draft, user(login));
    },
    faults: faults as Faults,
    /** Every delivery so far, oldest first. */
    deliveries: webhooks.log as readonly Delivery[],
    /** Sends a delivery (its id or guid) again, under the same guid. */
    redeliver(which: number | string): Delivery {
      const found = webhooks.log.find((one) => one.id === which || one.guid === which);
      if (found === undefined) throw new Error(`no delivery ${which}`);
      return webhooks.redeliver(found);
    },
    /** When every webhook sent so far was answered or failed. */
    delivered: (): Promise<void> => webhooks.settled(),
    /** Every REST call so far, oldest first. */
    calls: calls as readonly Call[],
    async close(): Promise<void> {
      await webhooks.close();
      await gitHttp.close();
      const closed = new Promise<void>((resolve) => {
        server.close(() => resolve());
      });
      server.closeAllConnections();
      await closed;
    },
  };
}

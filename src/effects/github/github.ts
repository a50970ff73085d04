/**
 * GitHub as this system uses it: a thin port over Octokit. One account of its own for the system, one for every agent
 * that has an identity there; each with its own rate budget and its own cache of conditional answers.
 */
import type { OwnAccount } from '../../bridge/concern.ts';
import type { Clock } from '../../clock.ts';
import { TerminalError } from '../../errors.ts';
import type { Logger } from '../../log.ts';
import { createAccount } from './account.ts';
import type { Account, GithubAuth } from './account.ts';
import { pullAnswer } from './answers.ts';
import type { PullAnswer } from './answers.ts';
import { readGate } from './checks.ts';
import type { GateQuestion, GateReading } from './checks.ts';
import { readDelegated, readIssue } from './issue.ts';
import type { DelegatedIssue, Delegation, IssueSeen } from './issue.ts';
import { coordinates, sameName } from './names.ts';
import { createRenames } from './renames.ts';
import type { Renames } from './renames.ts';

export type { GithubAuth } from './account.ts';

export interface GithubOptions {
  /** `https://api.github.com`, or a server of one's own. */
  apiUrl: string;
  auth: GithubAuth;
  /** Agent name (`susan`) → its own token; one that is empty counts as none. */
  identities: Record<string, { token: string }>;
  userAgent: string;
  /** The configured ones. */
  repos?: readonly string[];
  clock: Clock;
  log: Logger;
  /** Spaces writes as GitHub asks of its clients (one a second). False for a server that is one's own. Default true. */
  paced?: boolean;
}

export interface Pull {
  number: number;
  url: string;
  state: 'open' | 'closed';
  draft: boolean;
  merged: boolean;
  branch: string;
  head: string;
  base: string;
  author: string;
  title: string;
}

export interface OpenPull {
  repo: string;
  branch: string;
  base: string;
  title: string;
  body: string;
  draft?: boolean;
  /** Name of the agent under whose identity it is opened, where it has one. */
  agent?: string;
}

export interface Github {
  /** What repositories are called at GitHub now. */
  renames: Renames;
  /** The account of this agent (`susan` or `agent/susan`) where it has an identity, else the system's. */
  account: (agent?: string) => Account;
  /** The system's account and its agents': what they write is an echo. Those with a refused token are left out. */
  own: () => Promise<OwnAccount[]>;
  /** The pull request of a branch of this repository: the open one, else the newest closed one. Never from a fork. */
  /** The branch's open one; else that of this number, where it is open or merged and of this repository; else the newest. */
  findPull: (
    repo: string,
    branch: string,
    options?: { number?: number | undefined; signal?: AbortSignal | undefined },
  ) => Promise<Pull | undefined>;
  readPull: (repo: string, number: number, signal?: AbortSignal) => Promise<Pull>;
  /** Opens the branch's pull request, or gives the open one it has. */
  openPull: (pull: OpenPull, signal?: AbortSignal) => Promise<Pull>;
  /** What the checks of this head say to these gates. */
  readGate: (question: GateQuestion, signal?: AbortSignal) => Promise<GateReading>;
  /** An issue as `issue.observed` tells it (without `open`); undefined = there is none of this name. */
  observeIssue: (ref: string, delegation: Delegation, signal?: AbortSignal) => Promise<IssueSeen | undefined>;
  /** Open issues of a repository that are handed over to this system. */
  listDelegated: (repo: string, delegation: Delegation, signal?: AbortSignal) => Promise<DelegatedIssue[]>;
  /** Open pull requests from branches of the repository itself, the oldest first. */
  listOpen: (repo: string, signal?: AbortSignal) => Promise<(Pull & { openedAt: string })[]>;
  /** For git over HTTPS. An app's token is renewed well before it ends. */
  credentialFor: (repo: string, agent?: string) => Promise<{ username: string; password: string }>;
}

const NOBODY = new Set(['GITHUB_NOT_FOUND', 'GITHUB_GONE']);

/** GitHub takes any name beside a token; this one it uses in its own documents. */
const GIT_USERNAME = 'x-access-token';

export function createGithub(options: GithubOptions): Github {
  const { apiUrl, userAgent, clock, log, paced = true } = options;
  const open = (auth: GithubAuth) => createAccount({ apiUrl, auth, userAgent, clock, log, paced });
  const system = open(options.auth);
  const identities = new Map(
    Object.entries(options.identities)
      .filter(([, { token }]) => token !== '')
      .map(([name, { token }]) => [name, open({ token })]),
  );
  const renames = createRenames({ account: system, repos: options.repos ?? [], clock, log });
  const account = (agent?: string) => identities.get((agent ?? '').replace(/^agent\//, '')) ?? system;

  async function pullsOf(repo: string, branch: string, signal?: AbortSignal): Promise<PullAnswer[]> {
    const at = coordinates(repo);
    const { owner } = coordinates(await renames.current(repo, signal));
    const found = await system.list(
      pullAnswer,
      'GET /repos/{owner}/{repo}/pulls',
      { ...at, head: `${owner}:${branch}`, state: 'all', sort: 'created', direction: 'desc' },
      { signal },
    );
    return found.filter((pull) => isOfBranch(pull, repo, branch));
  }

  /** A pull request that a run names is believed where it can be ours: of this repository, open or merged. */
  async function numbered(
    repo: string,
    number: number,
    signal: AbortSignal | undefined,
  ): Promise<PullAnswer | undefined> {
    const route = 'GET /repos/{owner}/{repo}/pulls/{pull_number}';
    try {
      const pull = await system.get(pullAnswer, route, { ...coordinates(repo), pull_number: number }, signal);
      return isOfRepo(pull, repo) && (pull.state === 'open' || isMerged(pull)) ? pull : undefined;
    } catch (error) {
      if (error instanceof TerminalError && NOBODY.has(error.code)) return undefined;
      throw error;
    }
  }

  const github: Github = {
    account,
    renames,
    async own() {
      const accounts = [system, ...identities.values()];
      const known = await Promise.all(accounts.map((one) => one.maybe('self', one.self)));
      return known.filter((one) => one !== undefined);
    },
    async findPull(repo, branch, { number, signal } = {}) {
      const found = await pullsOf(repo, branch, signal);
      const open = found.find(({ state }) => state === 'open');
      const pull = open ?? (number === undefined ? undefined : await numbered(repo, number, signal)) ?? found[0];
      return pull === undefined ? undefined : pullOf(pull);
    },
    async readPull(repo, number, signal) {
      const route = 'GET /repos/{owner}/{repo}/pulls/{pull_number}';
      return pullOf(await system.get(pullAnswer, route, { ...coordinates(repo), pull_number: number }, signal));
    },
    async openPull({ repo, branch, base, title, body, draft = false, agent }, signal) {
      const existing = await github.findPull(repo, branch, { signal });
      if (existing?.state === 'open') return existing;
      const route = 'POST /repos/{owner}/{repo}/pulls';
      const params = { ...coordinates(repo), head: branch, base, title, body, draft };
      try {
        return pullOf(await account(agent).send(pullAnswer, route, params, signal));
      } catch (error) {
        // Somebody was quicker: the branch has its pull request, which is all that was wanted.
        if (!(error instanceof TerminalError) || error.code !== 'GITHUB_INVALID') throw error;
        const other = await github.findPull(repo, branch, { signal });
        if (other?.state !== 'open') throw error;
        return other;
      }
    },
    readGate: (question, signal) => readGate(system, question, signal),
    async observeIssue(ref, delegation, signal) {
      try {
        return await readIssue(system, ref, delegation, signal);
      } catch (error) {
        if (error instanceof TerminalError && NOBODY.has(error.code)) return undefined;
        throw error;
      }
    },
    listDelegated: (repo, delegation, signal) =>
      readDelegated(system, repo, delegation, { nowMs: clock.now(), signal }),
    async listOpen(repo, signal) {
      const params = { ...coordinates(repo), state: 'open', sort: 'created', direction: 'asc' };
      const open = await system.list(pullAnswer, 'GET /repos/{owner}/{repo}/pulls', params, { signal });
      return open
        .filter((pull) => isOfRepo(pull, repo))
        .map((pull) => Object.assign(pullOf(pull), { openedAt: pull.created_at }));
    },
    async credentialFor(_repo, agent) {
      return { username: GIT_USERNAME, password: await account(agent).token() };
    },
  };
  return github;
}

type Sides = Pick<PullAnswer, 'head' | 'base'>;

export function isOfBranch(pull: Sides, repo: string, branch: string): boolean {
  return pull.head.ref === branch && isOfRepo(pull, repo);
}

/** A fork is another repository, also when its branch has our name; one that was renamed is the same. */
export function isOfRepo({ head, base }: Sides, repo: string): boolean {
  if (head.repo == null) return false;
  const { id } = head.repo;
  return id !== undefined && base.repo?.id !== undefined ? id === base.repo.id : sameName(head.repo.full_name, repo);
}

export const isMerged = ({ merged, merged_at }: PullAnswer): boolean => merged ?? merged_at != null;

export function pullOf(pull: PullAnswer): Pull {
  return {
    number: pull.number,
    url: pull.html_url,
    state: pull.state,
    draft: pull.draft,
    merged: isMerged(pull),
    branch: pull.head.ref,
    head: pull.head.sha,
    base: pull.base.ref,
    author: pull.user.login,
    title: pull.title,
  };
}

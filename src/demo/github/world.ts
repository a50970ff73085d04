/**
 * What the stand-in remembers: users, tokens, repositories with their issues, pull requests, reviews, checks and
 * hooks. Plain records; commits, branches and merges are not here but in the real git repositories.
 */
import { createHash } from 'node:crypto';

/** Time as an argument; only `now` is needed, so any richer clock fits. */
export interface Clock {
  /** Milliseconds since 1970. */
  now(): number;
}

export type Permission = 'read' | 'write' | 'admin';

export interface App {
  id: number;
  slug: string;
  installationId: number;
  /** PEM. Where given, the signature of the App's JWT is checked against it. */
  publicKey?: string;
}

export interface User {
  id: number;
  login: string;
  type: 'User' | 'Bot';
  name: string;
  email: string;
  createdAt: string;
  /** A bot acts for an App; only an App may write check runs. */
  app?: App;
}

export interface Token {
  token: string;
  user: User;
  /** Full names this token reaches, with the most it may do there; absent: whatever its user may. */
  repositories?: Record<string, Permission>;
  /** Milliseconds since 1970. */
  expiresAt?: number;
  revoked: boolean;
}

export interface Protection {
  /** Exact names of check runs or status contexts that must be good before a merge. */
  requiredChecks?: string[];
  /** Approving reviews needed from people with write access. */
  requiredReviews?: number;
  /** A new head dismisses the approvals of the old one. */
  dismissStaleReviews?: boolean;
  /** The head must contain the base's tip. */
  strict?: boolean;
  /** Branch protection and rulesets are told by different endpoints; default `protection`. */
  as?: 'protection' | 'ruleset';
}

export interface Label {
  id: number;
  name: string;
  color: string;
  description: string | null;
}

export interface Comment {
  id: number;
  user: User;
  body: string;
  createdAt: string;
  updatedAt: string;
}

/** An issue; a pull request is an issue with a `pull`, and both draw their numbers from one row. */
export interface Issue {
  id: number;
  number: number;
  title: string;
  body: string | null;
  user: User;
  state: 'open' | 'closed';
  stateReason: 'completed' | 'reopened' | 'not_planned' | null;
  labels: Label[];
  assignees: User[];
  comments: Comment[];
  /** Numbers of the issues of the same repository that block this one. */
  blockedBy: number[];
  createdAt: string;
  updatedAt: string;
  closedAt: string | null;
  closedBy: User | null;
  pull?: Pull;
}

export type ReviewState = 'PENDING' | 'COMMENTED' | 'APPROVED' | 'CHANGES_REQUESTED' | 'DISMISSED';

export interface Review {
  id: number;
  user: User;
  body: string;
  state: ReviewState;
  commitId: string;
  submittedAt: string | null;
  comments: ReviewComment[];
}

export interface ReviewComment {
  id: number;
  reviewId: number;
  user: User;
  body: string;
  path: string;
  line: number;
  side: 'LEFT' | 'RIGHT';
  startLine: number | null;
  position: number;
  diffHunk: string;
  commitId: string;
  inReplyTo?: number;
  createdAt: string;
  updatedAt: string;
}

export interface Pull {
  id: number;
  /** Where the head's branch is: the repository itself, or a fork of it. */
  headIn: Repository;
  headRef: string;
  headSha: string;
  baseRef: string;
  /** The base's tip when the pull request last moved. */
  baseSha: string;
  draft: boolean;
  merged: { at: string; by: User; sha: string } | null;
  requestedReviewers: User[];
  reviews: Review[];
  /** The pair of commits whose mergeability somebody has asked for since they met; GitHub computes it lazily. */
  computed: string | null;
  /** The pair of commits of the test merge at `refs/pull/<n>/merge`. */
  testMerge: { pair: string; sha: string } | null;
}

export type CheckStatus = 'queued' | 'in_progress' | 'completed';
export type CheckConclusion =
  | 'success'
  | 'failure'
  | 'neutral'
  | 'cancelled'
  | 'skipped'
  | 'timed_out'
  | 'action_required';

export interface Annotation {
  path: string;
  startLine: number;
  endLine: number;
  level: 'notice' | 'warning' | 'failure';
  message: string;
  title: string | null;
  rawDetails: string | null;
}

export interface CheckRun {
  id: number;
  suite: CheckSuite;
  name: string;
  headSha: string;
  externalId: string;
  detailsUrl: string | null;
  status: CheckStatus;
  conclusion: CheckConclusion | null;
  startedAt: string;
  completedAt: string | null;
  title: string | null;
  summary: string | null;
  text: string | null;
  annotations: Annotation[];
}

/** All check runs of one App for one head. */
export interface CheckSuite {
  id: number;
  app: User;
  headSha: string;
  headBranch: string | null;
  createdAt: string;
  updatedAt: string;
}

export interface CommitStatus {
  id: number;
  sha: string;
  context: string;
  state: 'error' | 'failure' | 'pending' | 'success';
  description: string | null;
  targetUrl: string | null;
  creator: User;
  createdAt: string;
  updatedAt: string;
}

export interface Repository {
  id: number;
  owner: User;
  name: string;
  fullName: string;
  private: boolean;
  description: string | null;
  defaultBranch: string;
  /** The bare repository on disk. */
  path: string;
  /** Of what it is a fork. */
  forkOf?: Repository;
  collaborators: Map<number, Permission>;
  protection: Map<string, Protection>;
  /** How pull requests may be merged here. */
  mergeMethods: ReadonlySet<'merge' | 'squash' | 'rebase'>;
  /** Branch → commit, as last read from git. */
  branches: Map<string, string>;
  issues: Map<number, Issue>;
  labels: Label[];
  suites: CheckSuite[];
  checkRuns: CheckRun[];
  statuses: CommitStatus[];
  createdAt: string;
  updatedAt: string;
  pushedAt: string;
  /** What changes refs of this repository happens one after another. */
  turn: <T>(act: () => Promise<T>) => Promise<T>;
}

export interface World {
  users: Map<string, User>;
  tokens: Map<string, Token>;
  repositories: Map<string, Repository>;
  /** Names that repositories had before. */
  moved: Map<string, Repository>;
  /** Milliseconds. */
  nowMs(): number;
  /** GitHub tells time in whole seconds. */
  now(): string;
  nextId(): number;
}

export function createWorld(clock: Clock): World {
  let last = 1_000;
  return {
    users: new Map(),
    tokens: new Map(),
    repositories: new Map(),
    moved: new Map(),
    nowMs: () => clock.now(),
    now: () => isoSeconds(clock.now()),
    nextId: () => ++last,
  };
}

export const isoSeconds = (ms: number): string => new Date(ms).toISOString().replace(/\.\d{3}Z$/, 'Z');

/** An opaque id in GitHub's manner: the kind's letters, then something nobody should parse. */
export function nodeId(kind: string, id: number): string {
  return `${kind}_${createHash('sha1').update(`${kind}:${id}`).digest('base64url').slice(0, 16)}`;
}

export function userOf(world: World, login: string): User | undefined {
  return world.users.get(login.toLowerCase());
}

/** Under its present name, or one it had before, as git is served. */
export function repositoryOf(world: World, fullName: string): Repository | undefined {
  return world.repositories.get(fullName.toLowerCase()) ?? world.moved.get(fullName.toLowerCase());
}

/** Issue and pull request numbers come from one row. */
export const nextNumber = (repository: Repository): number => repository.issues.size + 1;

/** One after another, whatever the one before came to. */
export function createTurn(): <T>(act: () => Promise<T>) => Promise<T> {
  let tail: Promise<unknown> = Promise.resolve();
  return (act) => {
    const mine = tail.then(act, act);
    tail = mine.catch(() => {});
    return mine;
  };
}

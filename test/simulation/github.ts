/** A GitHub of a few lines: pull requests with heads, reviews, checks, a merge queue; who may push and merge. */
import type { Gates } from '../../machines/events/common.ts';
import type { PullObserved } from '../../machines/events/session.ts';

type Verdict = 'approve' | 'request_changes' | 'comment' | 'dismissed';

export interface Pull {
  number: number;
  branch: string;
  head: string;
  headBy: 'us' | 'other';
  state: 'open' | 'closed';
  draft: boolean;
  merged: boolean;
  closedBy: 'person' | 'self' | null;
  reviews: { id: string; author: string; verdict: Verdict; head: string }[];
  checks: Record<string, 'success' | 'failure' | null>;
  conflict: boolean | null;
  queue: 'out' | 'waiting' | 'merging' | 'evicted';
  /** Counts its changes; what a watch has told is told apart by it. */
  version: number;
  updatedMs: number;
  /** Session of whose branch it is, as who pushed first. */
  session: string;
}

export interface Comment {
  id: string;
  on: 'pull' | 'issue';
  /** Branch or issue reference. */
  about: string;
  author: { login: string; kind: 'person' | 'bot' | 'self' };
}

export interface Github {
  readonly pulls: Pull[];
  readonly comments: Comment[];
  /** A commit of a run; opens the pull request where there is none. */
  push(branch: string, session: string, nowMs: number): Pull;
  change(pull: Pull, changes: Partial<Pull>, nowMs: number): void;
  /** A commit of somebody. */
  move(pull: Pull, by: 'us' | 'other', nowMs: number): void;
  /** By its number; without one, or where that one is known to be closed unmerged, the branch's. */
  find(params: { branch: string; number?: number | undefined; next?: boolean | undefined }): Pull | undefined;
  observe(pull: Pull, gates: Gates): PullObserved;
}

export const CHECKS = ['Tests', 'Lint'];

export function createGithub(): Github {
  const pulls: Pull[] = [];
  let commits = 0;
  const newHead = (): string => (++commits).toString(16).padStart(8, '0');

  function change(pull: Pull, changes: Partial<Pull>, nowMs: number): void {
    Object.assign(pull, changes);
    pull.version++;
    pull.updatedMs = Math.max(nowMs, pull.updatedMs + 1);
  }

  function move(pull: Pull, by: 'us' | 'other', nowMs: number): void {
    const checks = Object.fromEntries(CHECKS.map((name) => [name, null]));
    change(pull, { head: newHead(), headBy: by, checks, conflict: false, queue: 'out' }, nowMs);
  }

  return {
    pulls,
    comments: [],
    change,
    move,
    find({ branch, number, next = false }) {
      const known = number === undefined ? undefined : pulls.find((pull) => pull.number === number);
      if (known !== undefined && (!next || known.state === 'open' || known.merged || known.branch !== branch))
        return known;
      const ours = pulls.filter((pull) => pull.branch === branch);
      return ours.findLast(({ state }) => state === 'open') ?? known ?? ours.at(-1);
    },
    push(branch, session, nowMs) {
      const known = pulls.findLast((pull) => pull.branch === branch && pull.state === 'open');
      const pull: Pull = known ?? {
        number: pulls.length + 1,
        branch,
        head: '',
        headBy: 'us',
        state: 'open',
        draft: false,
        merged: false,
        closedBy: null,
        reviews: [],
        checks: {},
        conflict: null,
        queue: 'out',
        version: 0,
        updatedMs: nowMs,
        session,
      };
      if (known === undefined) pulls.push(pull);
      move(pull, 'us', nowMs);
      return pull;
    },
    observe(pull, gates) {
      const names = Array.isArray(gates.checks) ? gates.checks : CHECKS;
      const conclusions = names.map((name) => pull.checks[name] ?? null);
      const red = names.filter((name) => pull.checks[name] === 'failure');
      const isGreen = conclusions.every((conclusion) => conclusion === 'success');
      return {
        number: pull.number,
        url: `https://github.test/pull/${pull.number}`,
        state: pull.state,
        draft: pull.draft,
        merged: pull.merged,
        ...(pull.closedBy === null ? {} : { closedBy: { login: pull.closedBy, kind: pull.closedBy } }),
        title: pull.branch,
        author: 'bot',
        branch: pull.branch,
        head: pull.head,
        headBy: pull.headBy,
        base: 'main',
        conflict: pull.conflict,
        reviews: pull.reviews.map((review) => ({ ...review, body: 'see', comments: [] })),
        gate: {
          state: red.length > 0 ? 'red' : isGreen ? 'green' : 'pending',
          checks: CHECKS.map((name) => ({ name, conclusion: pull.checks[name] ?? null, url: null })),
          failures: red.map((check) => ({
            check,
            job: check.toLowerCase(),
            step: 'run',
            summary: 'failed',
            annotations: [],
            url: null,
          })),
        },
        queue: {
          state: pull.queue,
          ...(pull.queue === 'evicted' ? { incident: { head: pull.head, check: 'Tests' } } : {}),
        },
        updatedAt: new Date(pull.updatedMs).toISOString(),
      };
    },
  };
}

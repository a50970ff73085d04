/** A GitHub of a few lines for the simulation: one pull request per branch, its head, reviews, checks and merge. */
import type { PullObserved } from '../../machines/events/session.ts';

export interface Pull {
  number: number;
  branch: string;
  head: string;
  state: 'open' | 'closed';
  merged: boolean;
  closedBy: 'person' | 'self' | null;
  reviews: { id: string; author: string; verdict: 'approve' | 'request_changes' | 'comment'; head: string }[];
  gate: 'pending' | 'green' | 'red';
  conflict: boolean;
  changes: number;
  /** Who pushed which head: session and epoch. */
  pushes: { head: string; session: string; epoch: number }[];
}

export interface World {
  readonly pulls: Pull[];
  push(branch: string, by: { session: string; epoch: number }): Pull;
  of(branch: string, number?: number): Pull | undefined;
  observe(pull: Pull, nowMs: number): PullObserved;
}

export function createGithub(): World {
  const pulls: Pull[] = [];
  let commits = 0;
  const newHead = (): string => (++commits).toString(16).padStart(8, '0');
  const find = (branch: string, number?: number): Pull | undefined =>
    number === undefined
      ? (pulls.findLast((pull) => pull.branch === branch && pull.state === 'open') ??
        pulls.findLast((pull) => pull.branch === branch))
      : pulls.find((pull) => pull.number === number);
  return {
    pulls,
    of: find,
    push(branch, by) {
      const known = pulls.findLast((pull) => pull.branch === branch && pull.state === 'open');
      const pull: Pull = known ?? {
        number: pulls.length + 1,
        branch,
        head: '',
        state: 'open',
        merged: false,
        closedBy: null,
        reviews: [],
        gate: 'pending',
        conflict: false,
        changes: 0,
        pushes: [],
      };
      if (known === undefined) pulls.push(pull);
      pull.head = newHead();
      pull.gate = 'pending';
      pull.conflict = false;
      pull.changes++;
      pull.pushes.push({ head: pull.head, ...by });
      return pull;
    },
    observe(pull, nowMs) {
      return {
        number: pull.number,
        url: `https://github.test/pull/${pull.number}`,
        state: pull.state,
        draft: false,
        merged: pull.merged,
        ...(pull.closedBy === null ? {} : { closedBy: { login: pull.closedBy, kind: pull.closedBy } }),
        title: pull.branch,
        author: 'bot',
        branch: pull.branch,
        head: pull.head,
        headBy: 'us',
        base: 'main',
        conflict: pull.conflict,
        reviews: pull.reviews.map((review) => ({ ...review, body: 'see', comments: [] })),
        gate: {
          state: pull.gate,
          checks: [{ name: 'Tests', conclusion: CONCLUSION[pull.gate], url: null }],
          failures:
            pull.gate === 'red'
              ? [{ check: 'Tests', job: 'test', step: 'run', summary: 'failed', annotations: [], url: null }]
              : [],
        },
        queue: { state: 'out' },
        updatedAt: new Date(nowMs).toISOString(),
      };
    },
  };
}

const CONCLUSION = { pending: null, green: 'success', red: 'failure' } as const;

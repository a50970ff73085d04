/** Facts of a session's life, made with as few words as a test needs. */
import type { IssueObserved, OpenSession, PullObserved } from '../../machines/events/index.ts';
import type { Play, Sent } from './session-play.ts';

export const H1 = '1111111aaaaaaa';
export const H2 = '2222222bbbbbbb';
export const H3 = '3333333ccccccc';
export const H4 = '4444444ddddddd';
export const USAGE = { inputTokens: 100, outputTokens: 10 };
export const REVIEW = 'session/review-dev-acme-api-7';

let clock = Date.parse('2026-01-05T09:00:00.000Z');
const tick = (): string => new Date((clock += 1_000)).toISOString();

export function issue(over: Partial<IssueObserved> = {}): IssueObserved {
  return {
    ref: 'ENG-42',
    url: 'https://linear.app/acme/issue/ENG-42',
    title: 'Add hello',
    body: 'Please say hello.',
    delegated: true,
    state: { name: 'Todo', type: 'unstarted' },
    blockers: [],
    removed: false,
    updatedAt: tick(),
    open: {
      repo: 'acme/api',
      base: 'main',
      kind: 'implement',
      deliver: 'pull_request',
      user: 'dev',
      gates: { checks: ['Tests'], review: 'required' },
      merge: 'self',
      reviewers: 'agents',
    },
    ...over,
  };
}

export function work(over: Partial<OpenSession> = {}): OpenSession {
  return {
    title: 'Add hello',
    body: 'Please say hello.',
    source: { kind: 'manual' },
    user: 'dev',
    repo: 'acme/api',
    base: 'main',
    kind: 'implement',
    deliver: 'pull_request',
    gates: { checks: ['Tests'], review: 'required' },
    merge: 'self',
    reviewers: 'agents',
    ...over,
  };
}

export type Gate = PullObserved['gate'];
export const pending: Gate = {
  state: 'pending',
  checks: [{ name: 'Tests', conclusion: null, url: 'u' }],
  failures: [],
};
export const green: Gate = {
  state: 'green',
  checks: [{ name: 'Tests', conclusion: 'success', url: 'u' }],
  failures: [],
};
export function red(job = 'Tests', step = 'npm test'): Gate {
  return {
    state: 'red',
    checks: [{ name: 'Tests', conclusion: 'failure', url: 'u' }],
    failures: [{ check: job, job, step, summary: 'it broke', annotations: [], url: null }],
  };
}

export function pull(over: Partial<PullObserved> = {}): PullObserved {
  return {
    number: 7,
    url: 'https://github.com/acme/api/pull/7',
    state: 'open',
    draft: false,
    merged: false,
    title: 'Add hello',
    author: 'chartroom[bot]',
    branch: 'chartroom/eng-42-add-hello',
    head: H1,
    headBy: 'us',
    base: 'main',
    conflict: false,
    reviews: [],
    gate: pending,
    queue: { state: 'out' },
    updatedAt: tick(),
    ...over,
  };
}

export const review = (over: Partial<PullObserved['reviews'][number]> = {}): PullObserved['reviews'][number] => ({
  id: 'r1',
  author: 'maintainer',
  verdict: 'request_changes',
  head: H1,
  body: 'Name it.',
  comments: [],
  ...over,
});

/** Brings the session's want to an accepted offer. */
export function engage(session: Play, agent = 'agent/ada'): number {
  session.send('work.matched', { agent, want: session.context().want!.number });
  session.send('offer.accepted', {}, { epoch: session.context().epoch, source: agent });
  return session.context().epoch;
}

/** From want to a started run. */
export function run(session: Play, { agent = 'agent/ada', head = H1 }: { agent?: string; head?: string } = {}): number {
  const epoch = engage(session, agent);
  prepared(session, head);
  session.send('run.started', { driver: 'scripted' }, { epoch, source: agent });
  return epoch;
}

export function prepared(session: Play, head = H1): void {
  const { epoch, branch } = session.context();
  session.send('worktree.prepared', { path: '/w', branch, head }, { wish: { epoch } });
}

type End = Record<string, unknown>;

/** Ends the run by its own word, up to its release. */
export function end(session: Play, over: End = {}, agent = 'agent/ada'): number {
  const { epoch } = session.context();
  session.send('run.ended', { outcome: 'completed', ...over }, { epoch, source: agent });
  session.send('run.released', { epoch, usage: USAGE }, { source: agent });
  return epoch;
}

export function verified(session: Play, over: End = {}, ok = true): void {
  const { run } = session.context();
  session.send(
    'run.verified',
    {
      run: run!.epoch,
      ok,
      evidence: { headBefore: run!.head, headAfter: run!.head, dirty: [], unpushed: 0, protected: [], ...over },
    },
    { wish: { run: run!.epoch } },
  );
}

/** A whole run that did its work. */
export function work1(session: Play, evidence: End = {}, agent = 'agent/ada', head = H1): void {
  run(session, { agent, head });
  end(session, {}, agent);
  verified(session, evidence);
}

export function verdict(
  session: Play,
  head: string,
  verdict: 'approve' | 'request_changes' | 'comment',
  over: Record<string, unknown> = {},
): ReturnType<Play['send']> {
  return session.send(
    'verdict.given',
    { reviewer: 'agent/susan', head, verdict, body: 'Name it.', comments: [], ...over },
    { source: REVIEW },
  );
}

export function pictured(
  session: Play,
  owner: string | null,
  over: Record<string, unknown> = {},
  sent: Sent = {},
): void {
  session.send(
    'session.changed',
    {
      value: {},
      phase: owner === null ? 'delegated' : 'implementing',
      owner,
      epoch: 1,
      unread: 0,
      waitingOn: [],
      at: session.now(),
      cause: { id: 'x', source: 'test' },
      ...over,
    },
    { source: REVIEW, ...sent },
  );
}

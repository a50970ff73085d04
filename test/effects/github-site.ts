/** A GitHub stand-in with a repository, people and an open pull request, and the port and watches that look at it. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { WatchParams } from '../../machines/effects.ts';
import { EVENTS } from '../../machines/events/index.ts';
import type { PullObserved } from '../../machines/events/index.ts';
import type { Receipt } from '../../src/actor/receipt.ts';
import { createFakeClock } from '../../src/clock.ts';
import type { Clock, FakeClock } from '../../src/clock.ts';
import { createGithubStandIn } from '../../src/demo/github/stand-in.ts';
import type { GithubStandIn } from '../../src/demo/github/stand-in.ts';
import type { Doing, WatchContext } from '../../src/effects/effect.ts';
import { createGithub } from '../../src/effects/github/github.ts';
import type { Github } from '../../src/effects/github/github.ts';
import { createPullWatch } from '../../src/effects/github/pull-watch.ts';
import type { PullWatchOptions } from '../../src/effects/github/pull-watch.ts';
import { createLog } from '../../src/log.ts';

export const REPO = 'acme/api';
export const BRANCH = 'chartroom/eng-42-greet';
/** The system's account opened the pull request; susan reviews under her own; ann is a person. */
export const LOGINS = ['chartroom', 'susan', 'ann', 'acme'] as const;
export type Login = (typeof LOGINS)[number] | 'ci[bot]' | 'other[bot]';
const tokenOf = (login: Login): string => `token-of-${login.replace('[bot]', '')}`;

export interface GithubSite {
  standIn: GithubStandIn;
  github: Github;
  clock: FakeClock;
  number: number;
  head: string;
  /** Asks the REST API as somebody; fails on anything but 2xx. */
  as: (login: Login, method: string, route: string, body?: unknown) => Promise<Record<string, unknown>>;
  /** Reports a check run as CI does. */
  check: (head: string, name: string, conclusion: string | null, more?: Record<string, unknown>) => Promise<void>;
  push: (files: Record<string, string>) => Promise<string>;
}

export async function withGithub(use: (site: GithubSite) => Promise<void>): Promise<void> {
  const directory = await mkdtemp(path.join(tmpdir(), 'github-effects-'));
  const clock = createFakeClock();
  const standIn = await createGithubStandIn({ directory, clock });
  try {
    await use(await prepare(standIn, clock));
  } finally {
    await standIn.close();
    await rm(directory, { recursive: true, force: true });
  }
}

async function prepare(standIn: GithubStandIn, clock: FakeClock): Promise<GithubSite> {
  for (const login of LOGINS) standIn.addUser({ login, token: tokenOf(login) });
  for (const login of ['ci[bot]', 'other[bot]'] as const)
    standIn.addUser({ login, token: tokenOf(login), type: 'Bot' });
  await standIn.addRepository({
    owner: 'acme',
    name: 'api',
    files: { 'greet.txt': 'one\ntwo\nthree\nfour\nfive\nsix\nseven\neight\nnine\nten\n' },
    collaborators: { chartroom: 'write', susan: 'write', ann: 'write', 'ci[bot]': 'write' },
  });
  const push = (files: Record<string, string>) =>
    standIn.pushFiles({ repo: REPO, branch: BRANCH, files, message: 'Greet', login: 'chartroom' });
  const head = await push({ 'greet.txt': 'one\nZWEI\nthree\nfour\nfive\nsix\nseven\neight\nnine\nten\n' });

  const github = createGithub({
    apiUrl: standIn.apiUrl,
    auth: { token: tokenOf('chartroom') },
    identities: { susan: { token: tokenOf('susan') }, bob: { token: '' } },
    userAgent: 'chartroom-test',
    clock,
    log: createLog({ level: 'silent' }),
    paced: false,
  });
  const { number } = await github.openPull({ repo: REPO, branch: BRANCH, base: 'main', title: 'Greet', body: '' });

  async function as(login: Login, method: string, route: string, body?: unknown) {
    const response = await fetch(`${standIn.apiUrl}/repos/${REPO}${route}`, {
      method,
      headers: { authorization: `token ${tokenOf(login)}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    assert.ok(response.ok, `${method} ${route}: ${response.status} ${text}`);
    return (text === '' ? {} : JSON.parse(text)) as Record<string, unknown>;
  }

  return {
    standIn,
    github,
    clock,
    number,
    head,
    as,
    push,
    async check(head, name, conclusion, more = {}) {
      const state = conclusion === null ? { status: 'in_progress' } : { status: 'completed', conclusion };
      await as('ci[bot]', 'POST', '/check-runs', { name, head_sha: head, ...state, ...more });
    },
  };
}

export function doing(more: Partial<Doing> = {}): Doing {
  return {
    key: 'session/eng-42/7/0',
    actor: 'session/eng-42',
    attempt: 1,
    signal: new AbortController().signal,
    wishedAt: '2026-01-01T00:00:00.000Z',
    ...more,
  };
}

export interface Told {
  type: string;
  data: Record<string, unknown>;
  id: string;
}

/** What a watch tells, each checked against the catalogue of events; `next` waits for one not yet taken out. */
export function listener(kind: 'session' | 'agent', outcome: Receipt['outcome'] = 'taken') {
  const all: Told[] = [];
  let wake = (): void => {};
  let taken = 0;
  const context: WatchContext = {
    actor: `${kind}/eng-42`,
    signal: new AbortController().signal,
    async tell(type, data, { id }) {
      const spec = (EVENTS[kind] as Record<string, { data: { parse: (data: unknown) => unknown } }>)[type];
      assert.ok(spec, `${type} is in the catalogue`);
      spec.data.parse(data);
      // An envelope is JSON: what would not survive is a defect.
      assert.deepEqual(JSON.parse(JSON.stringify(data)), data);
      all.push({ type, data, id });
      wake();
      const isClaimed = outcome === 'refused' && type === 'pull.observed';
      return (isClaimed ? CLAIMED : { outcome, code: null, reason: null }) as Receipt;
    },
  };
  async function next(type: string): Promise<Told> {
    for (;;) {
      const found = all.findIndex((one, index) => index >= taken && one.type === type);
      const one = all[found];
      if (one !== undefined) {
        taken = found + 1;
        return one;
      }
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  }
  return { context, all, next };
}

/** What a session that may not have a pull request says of it. */
const CLAIMED = { outcome: 'refused', code: 'claim', reason: 'session/other works on it' } as const;

/** A clock whose owner can be waited for: it rests when it has set itself a timer. */
export function observed(clock: FakeClock) {
  const armed = new Set<object>();
  let wake = (): void => {};
  const own: Clock = {
    now: () => clock.now(),
    after(ms, call) {
      const timer = {};
      armed.add(timer);
      wake();
      const cancel = clock.after(ms, () => {
        armed.delete(timer);
        call();
      });
      return () => {
        armed.delete(timer);
        cancel();
      };
    },
  };
  async function rest(): Promise<void> {
    while (armed.size === 0) {
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  }
  return {
    clock: own,
    rest,
    /** Once it rests, lets time pass. */
    async pass(ms: number): Promise<void> {
      await rest();
      clock.advance(ms);
    },
  };
}

export function pullParams(more: Partial<WatchParams<'pull'>> = {}): WatchParams<'pull'> {
  return {
    repo: REPO,
    branch: BRANCH,
    gates: { checks: ['Tests'], review: 'required' },
    reviewers: 'agents',
    awaited: true,
    look: 0,
    ...more,
  };
}

export function watchPull(
  { github, clock }: GithubSite,
  params: Partial<WatchParams<'pull'>> = {},
  options: Partial<PullWatchOptions> & { outcome?: Receipt['outcome'] } = {},
) {
  const { outcome, ...rest } = options;
  const ear = listener('session', outcome);
  const time = observed(clock);
  const watch = createPullWatch({
    github,
    clock: time.clock,
    log: createLog({ level: 'silent' }),
    headBy: async () => 'us',
    self: github.own,
    bots: [],
    timers: {},
    ...rest,
  }).start(pullParams(params), ear.context);
  return {
    ...ear,
    watch,
    rest: time.rest,
    pass: time.pass,
    pull: async (): Promise<PullObserved> => (await ear.next('pull.observed')).data as PullObserved,
    comment: async () => (await ear.next('comment.observed')).data,
  };
}

/**
 * Two Chartrooms that see one GitHub and one Linear: what happens there comes to one of them as hooks, and is kept from
 * the other, which has to find it by looking. The machines, the kernel, the router, the watches and the sweep are real;
 * agents' processes are moved by the test, and what the two wish of the world is not done.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createRouter } from '../../src/bridge/router.ts';
import type { Router } from '../../src/bridge/router.ts';
import type { Hook } from '../../src/bridge/hook.ts';
import { createReferences } from '../../src/actor/references.ts';
import type { HistoryEntry } from '../../src/actor/past.ts';
import { createFakeClock } from '../../src/clock.ts';
import type { Clock } from '../../src/clock.ts';
import { createGithubStandIn } from '../../src/demo/github/stand-in.ts';
import type { GithubStandIn } from '../../src/demo/github/stand-in.ts';
import { createLinearStandIn } from '../../src/demo/linear/linear.ts';
import type { LinearStandIn } from '../../src/demo/linear/linear.ts';
import type { WatchPerformer } from '../../src/effects/effect.ts';
import { createGithubIssueWatch } from '../../src/effects/github/issue-watch.ts';
import { createGithub } from '../../src/effects/github/github.ts';
import { createPullWatch } from '../../src/effects/github/pull-watch.ts';
import { createLinearIssueWatch } from '../../src/effects/linear/issue-watch.ts';
import { createLinear } from '../../src/effects/linear/linear.ts';
import { delegationOf, routingOf, sweptOf } from '../../src/effects/routing.ts';
import type { Trackers } from '../../src/effects/routing.ts';
import { createLog } from '../../src/log.ts';
import type { Data } from './place.ts';
import { openStage } from './stage.ts';
import type { Stage } from './stage.ts';

export const REPO = 'acme/api';
const LOGINS = ['acme', 'chartroom', 'susan', 'ann'] as const;
export type Login = (typeof LOGINS)[number] | 'ci[bot]' | 'other[bot]';
const tokenOf = (login: Login): string => `token-of-${login.replace('[bot]', '')}`;
const log = createLog({ level: 'silent' });

/** One of the two. */
export interface Half {
  stage: Stage;
  router: Router;
  /** Waits until every watch has seen what there is to see now. */
  rest(): Promise<void>;
  pass(seconds: number): Promise<void>;
  /** What a sweep does beside fetching deliveries. */
  sweep(): Promise<void>;
}

export interface Twins {
  github: GithubStandIn;
  linear: LinearStandIn;
  told: Half;
  lost: Half;
  halves: readonly Half[];
  /** Asks GitHub's REST API as somebody; fails on anything but 2xx. */
  as(login: Login, method: string, route: string, body?: unknown): Promise<Data>;
  /** A commit on a branch; by `chartroom` it counts as made by a run of the session. */
  push(branch: string, login: Login, files?: Record<string, string>): Promise<string>;
  /** What happened since the last time arrives at the one as hooks; the other looks for itself. */
  arrive(session: string, how?: { first: boolean }): Promise<void>;
  /** Our app is mentioned on an issue of Linear, without a delegation: an agent session begins. */
  mention(issueId: string): Promise<void>;
  close(): Promise<void>;
}

export async function openTwins(): Promise<Twins> {
  const directory = await mkdtemp(path.join(tmpdir(), 'chartroom-twins-'));
  const clock = createFakeClock();
  // Every change has a time of its own.
  const ticking: Clock = { ...clock, now: () => (clock.advance(1_000), clock.now()) };
  const github = await createGithubStandIn({ directory, clock: ticking });
  const linear = await createLinearStandIn({ clock: ticking, appToken: 'app-token' });
  for (const login of LOGINS) github.addUser({ login, token: tokenOf(login) });
  for (const login of ['ci[bot]', 'other[bot]'] as const) github.addUser({ login, token: tokenOf(login), type: 'Bot' });
  await github.addRepository({
    owner: 'acme',
    name: 'api',
    files: { 'greet.txt': 'one\ntwo\nthree\n' },
    collaborators: { chartroom: 'write', susan: 'write', ann: 'write', 'ci[bot]': 'write' },
  });
  // Nobody listens there: deliveries are read from the log.
  github.addWebhook({ url: 'http://127.0.0.1:9/', secret: 'x' });
  linear.webhooks.retarget({ url: 'http://127.0.0.1:9/', secret: 'x' });
  linear.webhooks.mode('lose');
  linear.addTeam('ENG');

  const ours = new Set<string>();
  const [told, lost] = [
    // It never looks by itself: what it knows it was told of.
    await openHalf(github, linear, { ours, reconcileSeconds: 100_000 }),
    await openHalf(github, linear, { ours, reconcileSeconds: 5 }),
  ];
  let [githubSeen, linearSeen, files] = [0, 0, 0];

  async function deliver(): Promise<void> {
    const hooks: Hook[] = [];
    const receivedAt = '2026-01-01T00:00:00.000Z';
    for (const { event, action, guid, request } of github.deliveries.slice(githubSeen))
      hooks.push({
        source: 'github',
        event,
        action,
        delivery: guid,
        receivedAt,
        headers: {},
        body: JSON.parse(request.body),
      });
    githubSeen = github.deliveries.length;
    for (const { id, event, action, body } of linear.deliveries.slice(linearSeen))
      hooks.push({ source: 'linear', event, action, delivery: id, receivedAt, headers: {}, body });
    linearSeen = linear.deliveries.length;
    for (const hook of hooks) await told.router.take({ body: Buffer.from(JSON.stringify(hook)) });
  }

  return {
    github,
    linear,
    told,
    lost,
    halves: [told, lost],
    async as(login, method, route, body) {
      const response = await fetch(`${github.apiUrl}/repos/${REPO}${route}`, {
        method,
        headers: { authorization: `token ${tokenOf(login)}`, 'content-type': 'application/json' },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      const text = await response.text();
      if (!response.ok) throw new Error(`${method} ${route}: ${response.status} ${text}`);
      return (text === '' ? {} : JSON.parse(text)) as Data;
    },
    async push(branch, login, more = { [`file-${++files}.txt`]: 'new\n' }) {
      const head = await github.pushFiles({ repo: REPO, branch, files: more, message: 'Change', login });
      if (login === 'chartroom') ours.add(head);
      return head;
    },
    async mention(issueId) {
      const response = await fetch(linear.url, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: 'Bearer app-token' },
        body: JSON.stringify({
          query:
            'mutation ($input: AgentSessionCreateOnIssue!) { agentSessionCreateOnIssue(input: $input) { success } }',
          variables: { input: { issueId } },
        }),
      });
      if (!response.ok) throw new Error(await response.text());
    },
    async arrive(session, { first } = { first: false }) {
      await deliver();
      await told.rest();
      if (first) await lost.sweep();
      await lost.pass(10);
      // Whether a pull request can be merged GitHub says a moment later.
      for (const half of [told, lost]) if (await isUnknown(half, session)) await half.pass(5);
    },
    async close() {
      await told.stage.stop();
      await lost.stage.stop();
      await github.close();
      await linear.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

interface HalfOptions {
  ours: ReadonlySet<string>;
  reconcileSeconds: number;
}

async function openHalf(
  standIn: GithubStandIn,
  linearStandIn: LinearStandIn,
  { ours, reconcileSeconds }: HalfOptions,
): Promise<Half> {
  const clock = createFakeClock();
  const github = createGithub({
    apiUrl: standIn.apiUrl,
    auth: { token: tokenOf('chartroom') },
    identities: {},
    userAgent: 'chartroom-test',
    repos: [REPO],
    clock,
    log,
    paced: false,
  });
  const linear = createLinear({ apiUrl: linearStandIn.url, token: 'app-token', clock });
  const config: Trackers['config'] = {
    repos: [
      {
        name: REPO,
        clone: standIn.gitUrl(REPO),
        base: 'main',
        branchPrefix: 'chartroom',
        user: 'default',
        // Nobody is hired for it: what is told of an issue is seen as it is owed.
        lane: 'issues',
        linear: { teams: ['ENG'] },
        github: { label: 'chartroom', mention: 'chartroom' },
        gates: { checks: ['Tests'], review: 'required' },
        merge: 'people',
        reviewers: 'people',
      } as unknown as Trackers['config']['repos'][number],
    ],
    bots: [],
    github: { token: 'given' } as never,
    linear: { token: 'given' } as never,
    webhooks: { github: { secret: '' } } as never,
  };
  const delegation = (repo: string) => delegationOf(config.repos.find(({ name }) => name === repo));
  const trackers = { config, github, linear, delegation };
  const timers = { reconcile: reconcileSeconds, reconcileMax: 2 * reconcileSeconds };
  const looks = createLooks();
  const headBy = async (_actor: string, _repo: string, _branch: string, head: string) =>
    ours.has(head) ? ('us' as const) : ('other' as const);
  const headOf = (branch: unknown): string =>
    standIn.head(REPO, String(branch)) ?? standIn.head(REPO, 'main') ?? 'none';
  const self = github.own;
  const watched = (create: (clock: Clock) => WatchPerformer): WatchPerformer => ({
    kind: 'watch',
    start: (params, context) => looks.follow(clock, (own) => create(own).start(params, context)),
  });
  const issues = {
    github: watched((own) => createGithubIssueWatch({ github, clock: own, log, self, bots: [], timers, delegation })),
    linear: watched((own) => createLinearIssueWatch({ linear, clock: own, log, timers })),
  };

  const stage = await openStage({
    clock,
    watches: {
      pull: watched((own) => createPullWatch({ github, clock: own, log, headBy, self, bots: [], timers })),
      issue: {
        kind: 'watch',
        start: (params, context) => issues[(params as { source: 'github' | 'linear' }).source].start(params, context),
      },
    },
    acts: {
      'worktree.prepare': ({ branch, head }, { actor }) => ({
        path: `/worktrees/${actor}`,
        branch,
        head: head ?? headOf(branch),
      }),
      'run.verify': ({ run, headBefore, branch, for: kind }) => ({
        run,
        ok: kind === 'implement' || kind === 'answer' || headOf(branch) !== headBefore,
        evidence: { headBefore, headAfter: headOf(branch), dirty: [], unpushed: 0, protected: [] },
      }),
    },
  });
  const { node, store, watches } = stage.parts;
  const router = createRouter({
    index: {
      ...createReferences({ store, node }),
      look: async (address) => {
        await node.settled(address);
        return node.actors.row(address);
      },
    },
    node: {
      send: (envelope) => node.send(envelope, { door: 'hook' }),
      poke: (actor, watch, hint) => watches.poke(actor, watch, hint),
    },
    hydrate: {
      linear: async (ref) => (await linear.observeIssue(ref)) ?? null,
      github: async (ref) => (await github.observeIssue(ref, delegation(ref.split('#')[0]!))) ?? null,
    },
    config: routingOf({ ...trackers, clock, log }),
    log,
  });
  const swept = sweptOf({ ...trackers, clock });

  async function rest(): Promise<void> {
    for (;;) {
      await stage.settle();
      if (looks.areResting()) return;
      await looks.rested();
    }
  }
  return {
    stage,
    router,
    rest,
    async pass(seconds) {
      clock.advance(seconds * 1_000);
      await rest();
    },
    async sweep() {
      const { signal } = new AbortController();
      for (const source of swept) {
        await router.recover(await source.listHandedOver(signal));
        await router.closeLate((await source.listOpened?.(signal)) ?? []);
      }
      await rest();
    },
  };
}

/** Watches that are looking now. One rests when it has set itself a time for its next look, or was stopped. */
function createLooks() {
  const busy = new Set<object>();
  let wake = (): void => {};

  return {
    areResting: () => busy.size === 0,
    rested: (): Promise<void> =>
      new Promise((resolve) => {
        if (busy.size === 0) resolve();
        else wake = resolve;
      }),
    follow<Params>(
      clock: Clock,
      start: (own: Clock) => ReturnType<WatchPerformer<Params>['start']>,
    ): ReturnType<WatchPerformer<Params>['start']> {
      const one = {};
      let armed = 0;
      let over = false;
      const note = (): void => {
        if (armed > 0 || over) {
          busy.delete(one);
          if (busy.size === 0) wake();
        } else busy.add(one);
      };
      note();
      const watch = start({
        now: () => clock.now(),
        after(ms, call) {
          armed++;
          note();
          let isOver = false;
          const end = (): void => {
            if (isOver) return;
            isOver = true;
            armed--;
            note();
          };
          const cancel = clock.after(ms, () => {
            end();
            call();
          });
          return () => {
            end();
            cancel();
          };
        },
      });
      return {
        ...watch,
        async stop(why) {
          over = true;
          note();
          await watch.stop(why);
        },
      };
    },
  };
}

async function isUnknown({ stage }: Half, session: string): Promise<boolean> {
  const { context } = await stage.show(session);
  return (context['pull'] as { conflict: boolean | null } | null)?.conflict === null;
}

/** What is compared: everything a session knows and wishes but times, and counts of what was seen on the way. */
export async function pictureOf({ stage }: Half, session: string): Promise<unknown> {
  const { value, phase, epoch, owner, waitingOn, claims, context } = await stage.show(session);
  const entries = await stage.history(session);
  return plain({ value, phase, epoch, owner, waitingOn, claims, context, acts: actsOf(entries) });
}

/** Each once: a comment that came by a look and the same one by a hook wish the same. */
const actsOf = (entries: HistoryEntry[]): string[] =>
  [
    ...new Set(
      entries.flatMap(({ effects }) =>
        effects.filter(({ to }) => to === undefined).map(({ name, params }) => JSON.stringify(plain({ name, params }))),
      ),
    ),
  ].sort();

const TIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{3})?Z$/;

const TELLER = /^((hook|recovery)\/(github|linear)|github\/acme\/api|linear\/[A-Z]+-\d+)$/;
/**
 * Without times and tellers, without how often the watch was asked to look and what was only remembered so as not to be
 * told twice, and without the step that made an id.
 */
function plain(value: unknown): unknown {
  if (typeof value === 'string') {
    if (TIME.test(value)) return '<time>';
    if (TELLER.test(value)) return '<teller>';
    return value.replace(/\b(implement|answer|review|checks|queue|upkeep|verdict)-\d+(-\d+)?\b/g, '$1-<n>');
  }
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key]) => key !== 'look' && key !== 'seen')
      .map(([key, one]) => [key, plain(one)]),
  );
}

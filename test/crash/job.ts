/**
 * The main job on the real machines: a fleet is hired, an issue is delegated, runs end, a review asks for changes, a
 * check goes red and green, and the pull request is merged. Processes and GitHub live outside and outlive every crash.
 */
import { ACTS } from '../../machines/effects.ts';
import { MACHINES } from '../../machines/index.ts';
import type { RunBegun } from '../../machines/events/agent.ts';
import type { PullObserved } from '../../machines/events/session.ts';
import type { WatchContext, WatchPerformer } from '../../src/effects/effect.ts';
import { issue, review } from '../machines/session-facts.ts';
import type { Life } from './life.ts';
import type { Change, Repeat } from './outside.ts';
import type { Run, Scenario } from './run.ts';

const SESSION = 'session/eng-42';
const USAGE = { inputTokens: 10, outputTokens: 5 };
/** The first head is judged, the second fails its check, the third is good. */
const ROUNDS = 3;

/** What is true outside. */
interface Site {
  pull: { branch: string; head: string; changes: number; merged: boolean; gate: 'pending' | 'red' | 'green' } | null;
  reviews: { id: string; head: string; verdict: string; author: string }[];
  /** Each process that was ever started, by its run: how often, and whether it did its work. */
  processes: Map<string, { starts: number; worked: boolean; result: Record<string, unknown> }>;
  heads: number;
}

function siteOf({ world }: Run): Site {
  const known = world.get('site') as Site | undefined;
  if (known !== undefined) return known;
  const site: Site = { pull: null, reviews: [], processes: new Map(), heads: 0 };
  world.set('site', site);
  return site;
}

/** Kinds as unlike as they can be: what cannot be repeated is looked for, or done at most once. */
const REPEATS: Record<string, Repeat> = {
  'pull.merge': 'check',
  'review.post': 'check',
  'linear.move': 'check',
  'linear.plan': 'once',
};

function changesOf(run: Run): Record<string, Change> {
  const site = siteOf(run);
  return {
    'worktree.prepare': ({ branch, head }) => ({ path: `/w/${String(branch)}`, branch, head: head ?? headOf(site) }),
    'run.verify': ({ run: epoch, headBefore, for: why, verdict, target }) => ({
      run: epoch,
      ok:
        why === 'verdict'
          ? (verdict as { head: string } | undefined)?.head === target
          : site.pull !== null && site.pull.head !== headBefore,
      evidence: {
        headBefore,
        headAfter: site.pull?.head ?? null,
        ...(site.pull === null ? {} : { pull: 7 }),
        dirty: [],
        unpushed: 0,
        protected: [],
      },
    }),
    'pull.merge': ({ head }) => {
      const { pull } = site;
      if (pull !== null && pull.head === head) Object.assign(pull, { merged: true, changes: pull.changes + 1 });
      return { merged: true };
    },
    'review.post': ({ head, verdict, reviewer }) => {
      const id = `r${site.reviews.length + 1}`;
      site.reviews.push({ id, head: String(head), verdict: String(verdict), author: String(reviewer) });
      return { posted: { as: String(reviewer), id }, how: 'review' };
    },
    'linear.move': ({ to }) => ({ moved: true, state: String(to) }),
    'driver.steer': () => ({ taken: true }),
    'driver.prompt': () => ({ turn: 't1' }),
  };
}

const headOf = ({ pull }: Site): string => pull?.head ?? '0000000';

function push(site: Site, branch: string): void {
  site.heads += 1;
  const head = site.heads.toString(16).padStart(8, 'a');
  site.pull = { branch, head, changes: (site.pull?.changes ?? 0) + 1, merged: false, gate: 'pending' };
}

/** A process goes on by itself; the watch finds it again and tells what it has not told, under the same ids. */
function processWatch(life: Life, run: Run): WatchPerformer<{ run: string; begun?: RunBegun }> {
  const site = siteOf(run);
  async function follow(name: string, begun: RunBegun, { tell }: WatchContext): Promise<void> {
    await life.reach(`start or find ${name}`, () => {
      const known = site.processes.get(name);
      if (known === undefined) site.processes.set(name, { starts: 1, worked: false, result: {} });
    });
    await tell('driver.started', { pid: 1, startedAt: begunAt(run) }, { id: `${name}/started` });
    await life.reach(`${name} works`, () => {
      const process = site.processes.get(name)!;
      if (process.worked) return;
      process.worked = true;
      if (begun.for === 'verdict') {
        const verdict = site.reviews.length === 0 ? 'request_changes' : 'approve';
        process.result = { verdict: { head: begun.head, verdict, body: 'I looked at it.', comments: [] } };
      } else {
        push(site, begun.branch ?? 'none');
        process.result = { summary: 'done', pull: 7 };
      }
    });
    const { result } = site.processes.get(name)!;
    await tell('driver.turned', { outcome: 'completed', usage: USAGE, result }, { id: `${name}/turned` });
    await tell('driver.exited', { class: 'clean', usage: USAGE }, { id: `${name}/exited` });
  }
  return {
    kind: 'watch',
    start({ run: name, begun }, context) {
      if (begun !== undefined) follow(name, begun, context).catch(endsWithTheProcess);
      return { update: () => {}, poke: () => {}, stop: async () => {} };
    },
  };
}

/** A failed store refuses every word; the process is about to end. */
const endsWithTheProcess = (): void => {};

const begunAt = ({ clock }: Run): string => new Date(clock.now() - (clock.now() % 86_400_000)).toISOString();

function pullWatch(life: Life, run: Run): WatchPerformer<{ branch: string; number?: number }> {
  const site = siteOf(run);
  return {
    kind: 'watch',
    start(first, { tell }) {
      let params = first;
      let told = '';
      const look = (): void => void tellAll().catch(endsWithTheProcess);
      async function tellAll(): Promise<void> {
        const facts = await life.reach('look at the pull request', () => observed(site, run));
        if (facts === null || (params.branch !== facts.branch && params.number !== 7)) return;
        const id = `pull/7/${site.pull!.changes}/${site.reviews.length}`;
        if (id === told) return;
        told = id;
        await tell('pull.observed', facts, { id });
      }
      look();
      return {
        update(next) {
          params = next;
          look();
        },
        poke: look,
        stop: async () => {},
      };
    },
  };
}

function observed({ pull, reviews }: Site, run: Run): PullObserved | null {
  if (pull === null) return null;
  const conclusion = pull.gate === 'pending' ? null : pull.gate === 'green' ? 'success' : 'failure';
  const failure = { check: 'Tests', job: 'test', step: 'run', summary: 'failed', annotations: [], url: null };
  return {
    number: 7,
    url: 'https://github.com/acme/api/pull/7',
    state: pull.merged ? 'closed' : 'open',
    draft: false,
    merged: pull.merged,
    title: 'Add hello',
    author: 'chartroom[bot]',
    branch: pull.branch,
    head: pull.head,
    headBy: 'us',
    base: 'main',
    conflict: false,
    reviews: reviews.map(({ id, head, verdict, author }) =>
      review({ id, head, author, verdict: verdict as 'approve', comments: [] }),
    ),
    gate: {
      state: pull.gate,
      checks: [{ name: 'Tests', conclusion, url: null }],
      failures: pull.gate === 'red' ? [failure] : [],
    },
    queue: { state: 'out' },
    updatedAt: begunAt(run),
  };
}

const standsStill: WatchPerformer = {
  kind: 'watch',
  start: () => ({ update: () => {}, poke: () => {}, stop: async () => {} }),
};

async function play(run: Run): Promise<void> {
  const site = siteOf(run);
  await run.hook('dispatcher/main', 'fleet.configured', { maxRuns: 2 });
  const hired = { user: 'dev', driver: 'scripted', mode: 'worker' };
  run.mail('agent/ada', 'hire', { role: 'implementer', ...hired });
  run.ask('agent/susan', 'hire', { role: 'reviewer', ...hired });
  await run.rest();
  const updatedAt = begunAt(run);
  await run.hook(SESSION, 'issue.observed', { ...issue({ agentSession: 'as-1' }), updatedAt });
  run.mail(SESSION, 'fyi', { text: 'The release is on Monday.' });
  await run.rest();
  for (let round = 1; round <= ROUNDS && site.pull?.merged !== true; round++) {
    run.poke();
    await run.rest();
    if (site.pull !== null)
      Object.assign(site.pull, { gate: round === 1 ? 'red' : 'green', changes: site.pull.changes + 1 });
    if (round === 1) run.mail(SESSION, 'say', { text: 'Mind the tests.' });
    run.poke();
    await run.rest();
  }
  run.poke();
  await run.wait(40);
  run.poke();
  await run.rest();
}

function judge(run: Run): string[] {
  const site = siteOf(run);
  const wrong: string[] = [];
  const state = run.node().actors.get(SESSION).stood?.live.state;
  if (state?.status !== 'done') wrong.push(`${SESSION} did not come to its end: ${JSON.stringify(state?.value)}`);
  if (site.pull?.merged !== true) wrong.push('the pull request is not merged');
  for (const [name, { starts }] of site.processes) if (starts !== 1) wrong.push(`${name} was started ${starts} times`);
  return wrong;
}

export const JOB: Scenario = {
  name: 'the main job',
  definitions: MACHINES,
  effects(life, run) {
    const changes = changesOf(run);
    return {
      acts: Object.fromEntries(
        Object.keys(ACTS).map((act) => [act, run.outside.performer(life, act, REPEATS[act] ?? 'key', changes[act])]),
      ),
      watches: {
        process: processWatch(life, run),
        pull: pullWatch(life, run),
        issue: standsStill,
        repository: standsStill,
        consumer: standsStill,
      },
    };
  },
  play,
  judge,
};

/**
 * A small CI. It takes webhooks at its own address, and for every head of a pull request it reports a check run
 * through GitHub's API, runs the repository's own test script on that head for real, and reports what came out.
 */
import { serve } from '@hono/node-server';
import { retry } from '@octokit/plugin-retry';
import { Octokit } from '@octokit/rest';
import { verify } from '@octokit/webhooks-methods';
import { Hono } from 'hono';
import { mkdir } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { z } from 'zod';
import type { RunResult } from './ci/run.ts';
import { runTests } from './ci/run.ts';

export interface Head {
  repo: string;
  /** Of the pull request. */
  number: number;
  sha: string;
  parents: readonly string[];
  /** What came out, not yet told. */
  conclusion: RunResult['conclusion'];
}

export interface CiOptions {
  github: {
    apiUrl: string;
    /** `owner/name` → where to clone it from. */
    gitUrl: (repo: string) => string;
    /** Of an App's bot: only Apps may write check runs. */
    token: string;
  };
  /** Webhooks must be signed with it. */
  secret: string;
  /** Checkouts are made in here and removed again. */
  directory: string;
  checkName?: string;
  /** Absent: the `test` script of the repository's package.json. */
  command?: readonly string[];
  /** True holds the result of this head back; asked again at every webhook and at `release`. */
  hold?: (head: Head) => boolean;
  /** Holds the result back until this head or a parent of it is approved. */
  holdUntilApproved?: boolean;
  port?: number;
  /** Of one test run. */
  timeoutMs?: number;
  /** Told of trouble and progress, one line each. */
  say?: (line: string) => void;
}

export interface CiJob {
  repo: string;
  number: number;
  sha: string;
  state: 'queued' | 'running' | 'held' | 'done';
  conclusion: RunResult['conclusion'] | null;
  /** Process group of the test script while it runs. */
  pid: number | null;
}

export type Ci = Awaited<ReturnType<typeof createCi>>;

/** A test script that takes longer hangs. */
const TIMEOUT_MS = 5 * 60_000;
/** Runs at once; more would only make each other slow. */
const RUNNING_MAX = 2;
/** Of one API call that failed with 5xx. */
const RETRIES_MAX = 2;
/** Deliveries beyond this are not GitHub's. */
const BODY_BYTES_MAX = 25 * 1024 * 1024;

const repository = z.object({ full_name: z.string() });
const pullDelivery = z.object({
  action: z.string(),
  number: z.number(),
  pull_request: z.object({ head: z.object({ sha: z.string() }) }),
  repository,
});
const reviewDelivery = z.object({
  action: z.string(),
  review: z.object({ state: z.string(), commit_id: z.string() }),
  repository,
});
const checkDelivery = z.object({
  action: z.string(),
  check_run: z.object({
    name: z.string(),
    head_sha: z.string(),
    pull_requests: z.array(z.object({ number: z.number() })),
  }),
  repository,
});

interface Job extends CiJob {
  stop: AbortController;
  /** Set while the result is held back; calling it looks again. */
  look: (() => void) | undefined;
}

const Client = Octokit.plugin(retry);

export async function createCi(options: CiOptions) {
  const { github, checkName = 'Tests', timeoutMs = TIMEOUT_MS, say = () => {} } = options;
  await mkdir(options.directory, { recursive: true });
  const silent = { debug() {}, info() {}, warn() {}, error() {} };
  const jobs: Job[] = [];
  const approved = new Set<string>();
  const work = new Set<Promise<void>>();
  const closing = new AbortController();
  const client = new Client({
    baseUrl: github.apiUrl,
    auth: github.token,
    log: silent,
    request: { signal: closing.signal },
    retry: { retries: RETRIES_MAX },
  });

  function begin(repo: string, number: number, sha: string): void {
    if (closing.signal.aborted) return;
    for (const older of jobs) {
      if (older.repo === repo && older.number === number && older.state !== 'done') older.stop.abort();
    }
    const job: Job = {
      repo,
      number,
      sha,
      state: 'queued',
      conclusion: null,
      pid: null,
      stop: new AbortController(),
      look: undefined,
    };
    jobs.push(job);
    const done = perform(job)
      .catch((error: unknown) => say(`${repo}#${number} ${sha.slice(0, 8)}: ${String(error)}`))
      .finally(() => {
        job.state = 'done';
        job.pid = null;
        work.delete(done);
        tick();
      });
    work.add(done);
  }

  async function perform(job: Job): Promise<void> {
    const { repo, sha } = job;
    const at = place(repo);
    const { data } = await client.rest.checks.create({ ...at, name: checkName, head_sha: sha, status: 'queued' });
    await turnOf(job);
    const result = job.stop.signal.aborted ? CANCELLED : await attempt(job, at, data.id);
    await released(job, result);
    job.conclusion = job.stop.signal.aborted ? 'cancelled' : result.conclusion;
    await report(job, at, data.id, job.conclusion === result.conclusion ? result : CANCELLED);
  }

  /** Waits until fewer than so many run. */
  async function turnOf(job: Job): Promise<void> {
    const busy = (): boolean => jobs.filter((one) => one.state === 'running').length >= RUNNING_MAX;
    while (busy() && !job.stop.signal.aborted) await nextTick(job);
    if (!job.stop.signal.aborted) job.state = 'running';
  }

  async function attempt(job: Job, at: Place, checkRun: number): Promise<RunResult> {
    await client.rest.checks.update({ ...at, check_run_id: checkRun, status: 'in_progress' });
    try {
      return await runTests({
        gitUrl: github.gitUrl(job.repo),
        token: github.token,
        head: job.sha,
        command: options.command,
        directory: options.directory,
        timeoutMs,
        signal: job.stop.signal,
        started(pid) {
          job.pid = pid;
        },
      });
    } catch (error) {
      if (job.stop.signal.aborted) return CANCELLED;
      const log = error instanceof Error ? error.message : String(error);
      return { conclusion: 'failure', title: 'The head could not be tested', log, blames: [], parents: [] };
    } finally {
      job.pid = null;
    }
  }

  /** Returns when the result may be told, or the job was stopped. */
  async function released(job: Job, result: RunResult): Promise<void> {
    if (options.holdUntilApproved === true) await learnApprovals(job);
    const { repo, number, sha } = job;
    const { parents, conclusion } = result;
    const held = (): boolean =>
      (options.holdUntilApproved === true && ![sha, ...parents].some((one) => approved.has(one))) ||
      (options.hold?.({ repo, number, sha, parents, conclusion }) ?? false);
    while (held() && !job.stop.signal.aborted) {
      if (job.state !== 'held') {
        say(`${repo}#${number} ${sha.slice(0, 8)}: ${conclusion}, held back`);
        job.state = 'held';
        // Somebody else may run now; two that are both held must not wake each other for ever.
        tick();
      }
      await nextTick(job);
    }
  }

  /** What was approved before we looked, or while a webhook was lost. */
  async function learnApprovals(job: Job): Promise<void> {
    const reviews = await client.paginate(client.rest.pulls.listReviews, {
      ...place(job.repo),
      pull_number: job.number,
    });
    for (const review of reviews)
      if (review.state === 'APPROVED' && review.commit_id !== null) approved.add(review.commit_id);
  }

  async function report(job: Job, at: Place, checkRun: number, result: RunResult): Promise<void> {
    if (closing.signal.aborted) return;
    await client.rest.checks.update({
      ...at,
      check_run_id: checkRun,
      status: 'completed',
      conclusion: result.conclusion,
      output: {
        title: result.title,
        summary: result.log === '' ? result.title : `\`\`\`\n${result.log}\n\`\`\``,
        annotations: result.blames.map((blame) => ({
          path: blame.path,
          start_line: blame.line,
          end_line: blame.line,
          annotation_level: 'failure' as const,
          message: blame.message,
        })),
      },
    });
    say(`${job.repo}#${job.number} ${job.sha.slice(0, 8)}: ${result.conclusion}`);
  }

  /** Lets everyone who waits look again. */
  function tick(): void {
    for (const job of jobs) job.look?.();
  }

  function nextTick(job: Job): Promise<void> {
    return new Promise((resolve) => {
      const go = (): void => {
        job.look = undefined;
        job.stop.signal.removeEventListener('abort', go);
        resolve();
      };
      job.look = go;
      job.stop.signal.addEventListener('abort', go, { once: true });
    });
  }

  function take(event: string, json: unknown): void {
    switch (event) {
      case 'pull_request': {
        const { action, number, pull_request: pull, repository } = pullDelivery.parse(json);
        const repo = repository.full_name;
        const known = jobs.some((job) => job.repo === repo && job.number === number && job.sha === pull.head.sha);
        if (['opened', 'synchronize'].includes(action) && !known) begin(repo, number, pull.head.sha);
        if (action === 'reopened') begin(repo, number, pull.head.sha);
        if (action === 'closed')
          for (const job of jobs) if (job.repo === repo && job.number === number) job.stop.abort();
        break;
      }
      case 'pull_request_review': {
        const { action, review } = reviewDelivery.parse(json);
        if (action === 'submitted' && review.state === 'approved') approved.add(review.commit_id);
        break;
      }
      case 'check_run': {
        const { action, check_run: run, repository } = checkDelivery.parse(json);
        const [pull] = run.pull_requests;
        if (action === 'rerequested' && run.name === checkName && pull !== undefined) {
          begin(repository.full_name, pull.number, run.head_sha);
        }
        break;
      }
      default:
        return;
    }
    tick();
  }

  const app = new Hono();
  app.post('/webhook', async (c) => {
    if (Number(c.req.header('content-length') ?? 0) > BODY_BYTES_MAX) return c.text('too large', 413);
    const text = await c.req.text();
    const signature = c.req.header('x-hub-signature-256');
    if (signature === undefined || !(await verify(options.secret, text, signature))) return c.text('not signed', 401);
    take(c.req.header('x-github-event') ?? '', JSON.parse(text));
    return c.text('taken', 202);
  });
  app.onError((error, c) => {
    say(String(error));
    return c.text('not understood', 400);
  });
  const server = await new Promise<ReturnType<typeof serve>>((resolve) => {
    const made = serve({ fetch: app.fetch, hostname: '127.0.0.1', port: options.port ?? 0 }, () => resolve(made));
  });

  return {
    /** Where GitHub sends its webhooks. */
    webhookUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}/webhook`,
    /** Every head taken so far, oldest first. */
    jobs: jobs as readonly CiJob[],
    /** Asks `hold` again for every result held back. */
    release: tick,
    /** Stops what runs, removes what it made, and closes the address. */
    async close(): Promise<void> {
      closing.abort();
      for (const job of jobs) job.stop.abort();
      await Promise.all(work);
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
        if ('closeAllConnections' in server) server.closeAllConnections();
      });
    },
  };
}

const CANCELLED: RunResult = {
  conclusion: 'cancelled',
  title: 'Cancelled: a newer head took its place, or the pull request was closed',
  log: '',
  blames: [],
  parents: [],
};

interface Place {
  owner: string;
  repo: string;
}

function place(fullName: string): Place {
  const [owner = '', repo = ''] = fullName.split('/');
  return { owner, repo };
}

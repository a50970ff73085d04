/** What the stand-in's tests begin with: a site with people, a repository, a receiver of webhooks, and real clones. */
import { serve } from '@hono/node-server';
import { Octokit } from '@octokit/rest';
import { verify } from '@octokit/webhooks-methods';
import { execa } from 'execa';
import { Hono } from 'hono';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { TestContext } from 'node:test';
import type { GithubStandIn, GithubStandInOptions, NewRepository } from '../../src/demo/github/stand-in.ts';
import { createGithubStandIn } from '../../src/demo/github/stand-in.ts';

export const REPO = 'acme/shop';
export const AT = { owner: 'acme', repo: 'shop' };
export const SECRET = 'a webhook secret';

export interface Turnable {
  now(): number;
  advance(ms: number): void;
}

function turnable(startMs = Date.parse('2026-01-01T00:00:00.000Z')): Turnable {
  let now = startMs;
  return {
    now: () => now,
    advance(ms) {
      now += ms;
    },
  };
}

/** A directory that goes when the test ends, after everything in `closing` was closed, the newest first. */
export async function temporary(t: TestContext): Promise<{ directory: string; closing: Closing }> {
  const directory = await mkdtemp(path.join(tmpdir(), 'github-stand-in-'));
  const closing: Closing = [];
  t.after(async () => {
    for (const close of closing.toReversed()) await close();
    await rm(directory, { recursive: true, force: true });
  });
  return { directory, closing };
}
export type Closing = (() => Promise<unknown>)[];

/** acme owns acme/shop; ada and ben may write, vic may only read; ci[bot] is an App. Tokens are `<login>-token`. */
export async function site(
  t: TestContext,
  {
    options = {},
    repository = {},
  }: { options?: Partial<GithubStandInOptions>; repository?: Partial<NewRepository> } = {},
) {
  const clock = turnable();
  const { directory, closing } = await temporary(t);
  const github = await createGithubStandIn({ directory: path.join(directory, 'repositories'), clock, ...options });
  closing.push(() => github.close());
  for (const login of ['acme', 'ada', 'ben', 'vic']) github.addUser({ login, token: `${login}-token` });
  github.addUser({ login: 'ci[bot]', token: 'ci-token', type: 'Bot', app: { id: 77, installationId: 770 } });
  await github.addRepository({
    owner: 'acme',
    name: 'shop',
    files: { 'price.txt': 'one\ntwo\nthree\nfour\nfive\n', 'README.md': '# Shop\n' },
    collaborators: { ada: 'write', ben: 'write', vic: 'read', 'ci[bot]': 'write' },
    ...repository,
  });
  const as = (login: string): Octokit => client(github, `${login}-token`);
  return { github, clock, directory, closing, as };
}

/** Octokit's own words about failed calls are not for a test's output. */
export const SILENT = { debug() {}, info() {}, warn() {}, error() {} };

export function client(github: GithubStandIn, token?: string): Octokit {
  return new Octokit({ baseUrl: github.apiUrl, log: SILENT, ...(token === undefined ? {} : { auth: token }) });
}

/** A branch of ada's with one commit, and its pull request. */
export async function openPull(
  { github, as }: { github: GithubStandIn; as: (login: string) => Octokit },
  {
    branch = 'feature',
    files = { 'price.txt': 'one\n2\nthree\nfour\nfive\n' },
    draft = false,
    title = 'A change',
  }: { branch?: string; files?: Record<string, string>; draft?: boolean; title?: string } = {},
) {
  await github.pushFiles({ repo: REPO, branch, files, message: title, login: 'ada' });
  const { data } = await as('ada').rest.pulls.create({ ...AT, head: branch, base: 'main', title, draft });
  return data;
}

/** The status that a call was refused with, and the body. */
export async function refusal(call: Promise<unknown>): Promise<{ status: number; message: string; body: Refusal }> {
  try {
    await call;
  } catch (error) {
    const { status, response } = error as { status: number; response?: { data: Refusal } };
    if (response === undefined) throw error;
    return { status, message: response.data.message, body: response.data };
  }
  throw new Error('the call was not refused');
}
interface Refusal {
  message: string;
  errors?: unknown[];
  status: string;
  documentation_url: string;
}

export interface Received {
  event: string;
  guid: string;
  body: Record<string, unknown> & { action?: string };
}

/** A server that takes webhooks, checks their signature, and keeps them. */
export async function receiver(t: TestContext, { status = 200 }: { status?: number } = {}) {
  const received: Received[] = [];
  const badlySigned: string[] = [];
  let waiting: { wanted: (one: Received) => boolean; tell: (one: Received) => void }[] = [];
  let answer = status;
  const app = new Hono();
  app.post('/hook', async (c) => {
    const text = await c.req.text();
    const event = c.req.header('x-github-event') ?? '';
    const signed = await verify(SECRET, text, c.req.header('x-hub-signature-256') ?? 'none');
    if (!signed) badlySigned.push(event);
    const one = { event, guid: c.req.header('x-github-delivery') ?? '', body: JSON.parse(text) as Received['body'] };
    received.push(one);
    for (const { tell } of waiting.filter(({ wanted }) => wanted(one))) tell(one);
    waiting = waiting.filter(({ wanted }) => !wanted(one));
    return c.text('taken', answer as 200);
  });
  const server = await new Promise<ReturnType<typeof serve>>((resolve) => {
    const made = serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' }, () => resolve(made));
  });
  t.after(
    () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        // A sender that keeps its line open is not waited for.
        if ('closeAllConnections' in server) server.closeAllConnections();
      }),
  );
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/hook`,
    received,
    badlySigned,
    answer(next: number): void {
      answer = next;
    },
    /** The first delivery like this, that came or will come. */
    async until(wanted: (one: Received) => boolean): Promise<Received> {
      const known = received.find(wanted);
      return known ?? new Promise((tell) => waiting.push({ wanted, tell }));
    },
    /** `pull_request.opened` and so on, in order. */
    names: (): string[] =>
      received.map(({ event, body }) => (body.action === undefined ? event : `${event}.${body.action}`)),
  };
}

/** Runs git as a person would, apart from this machine's configuration. */
export async function git(cwd: string, ...args: string[]) {
  return execa('git', args, {
    cwd,
    reject: false,
    env: {
      GIT_CONFIG_GLOBAL: '/dev/null',
      GIT_CONFIG_NOSYSTEM: '1',
      GIT_TERMINAL_PROMPT: '0',
      GIT_AUTHOR_NAME: 'Ada',
      GIT_AUTHOR_EMAIL: 'ada@example.com',
      GIT_COMMITTER_NAME: 'Ada',
      GIT_COMMITTER_EMAIL: 'ada@example.com',
      LC_ALL: 'C',
    },
  });
}

/** A clone of the repository with this token. */
export async function clone(github: GithubStandIn, directory: string, token: string, name = 'clone'): Promise<string> {
  const result = await git(directory, 'clone', '--quiet', github.gitUrlFor(REPO, token), name);
  if (result.exitCode !== 0) throw new Error(result.stderr);
  return path.join(directory, name);
}

export async function commit(cwd: string, files: Record<string, string>, message: string): Promise<string> {
  for (const [name, text] of Object.entries(files)) await writeFile(path.join(cwd, name), text);
  await git(cwd, 'add', '.');
  await git(cwd, 'commit', '--quiet', '-m', message);
  return (await git(cwd, 'rev-parse', 'HEAD')).stdout;
}

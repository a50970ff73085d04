/**
 * A small world to play the main job in: stand-ins for GitHub and Linear, a CI, and a Chartroom that is configured
 * against them as it would be against the real ones. Used by the demo and by the journeys of the tests.
 */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { randomBytes, randomInt } from 'node:crypto';
import { closeSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { stringify } from 'yaml';
import type { Fact } from '../actor/fact.ts';
import { realClock } from '../clock.ts';
import { programArgs } from '../package.ts';
import { createCi } from './ci.ts';
import type { Ci } from './ci.ts';
import { createGithubStandIn } from './github/stand-in.ts';
import type { GithubStandIn } from './github/stand-in.ts';
import { createLinearStandIn } from './linear/linear.ts';
import type { LinearStandIn } from './linear/linear.ts';

export const REPO = 'acme/hello';
/** Time-outs that keep a story short; everything else is default. */
export const QUICK_TIMERS = {
  offerSeconds: 10,
  startSeconds: 20,
  stopSeconds: 1,
  killSeconds: 1,
  releaseSeconds: 10,
  reconcileSeconds: 2,
  restartBaseSeconds: 1,
};

export interface WorldOptions {
  /** Everything of the world is in here; the caller removes it. */
  directory: string;
  /** Path → text of the repository's first commit. */
  files: Record<string, string>;
  /** What the scripted agents do, as docs/protocol.md §9 has it. */
  script: unknown;
  /** Merged into the configuration file. */
  config?: Record<string, unknown>;
  /** CI tells what came out only when the head or its parent is approved. */
  holdUntilApproved?: boolean;
  /** False: CI hears of nothing, check runs come from whoever plays. Default true. */
  isTested?: boolean;
  /** Where GitHub and Linear send webhooks, given the URL at which Chartroom takes them: something may stand between. */
  hooksThrough?: (target: string) => string;
  say?: (line: string) => void;
}

export interface RunningChartroom {
  pid: number;
  webhooks: string;
  operator: string;
  nats: string;
  /** Resolves with the exit code, or the signal that ended it. */
  exited: Promise<number | string>;
  /** Ends it as a person would. */
  stop(): Promise<void>;
  /** Ends it at once, as a crash does. */
  kill(): Promise<void>;
}

export interface World {
  github: GithubStandIn;
  linear: LinearStandIn;
  ci: Ci;
  configFile: string;
  /** Environment of the runtime: the secrets the configuration names. */
  env: Record<string, string>;
  data: string;
  /** Sends the hooks of one more repository to Chartroom. */
  hookAlso(repo: string): void;
  /** What every runtime of this world said on stderr. */
  logFile: string;
  start(): Promise<RunningChartroom>;
  close(): Promise<void>;
}

export async function createWorld(options: WorldOptions): Promise<World> {
  const { directory, say = () => {}, hooksThrough = (target) => target } = options;
  mkdirSync(directory, { recursive: true });
  const [webhookPort, operatorPort] = await freePorts(2);
  const secrets = newSecrets();
  const github = await createGithubStandIn({ directory: path.join(directory, 'github'), clock: realClock });
  addPeople(github, secrets);
  await github.addRepository({
    owner: 'acme',
    name: 'hello',
    files: options.files,
    collaborators: { 'chartroom[bot]': 'write', 'susan-reviews': 'write', 'ci[bot]': 'write', maintainer: 'admin' },
    protection: { requiredChecks: ['Tests'] },
  });
  const ci = await createCi({
    github: { apiUrl: github.apiUrl, gitUrl: github.gitUrl, token: secrets['CI_TOKEN']! },
    secret: secrets['CI_SECRET']!,
    directory: path.join(directory, 'ci'),
    holdUntilApproved: options.holdUntilApproved === true,
    say,
  });
  if (options.isTested !== false) github.addWebhook({ url: ci.webhookUrl, secret: secrets['CI_SECRET']! });
  const hooks = hooksThrough(`http://127.0.0.1:${webhookPort}`);
  const hookAlso = (repo: string): void => {
    github.addWebhook({ repo, url: `${hooks}/webhooks/github`, secret: secrets['GITHUB_WEBHOOK_SECRET']! });
  };
  hookAlso(REPO);
  const linear = await createLinearStandIn({
    clock: realClock,
    appToken: secrets['LINEAR_TOKEN']!,
    webhook: { url: `${hooks}/webhooks/linear`, secret: secrets['LINEAR_WEBHOOK_SECRET']! },
  });
  linear.addTeam('ENG', 'Engineering');

  const data = path.join(directory, 'data');
  const configFile = path.join(directory, 'chartroom.yaml');
  writeFileSync(path.join(directory, 'agent.yaml'), stringify(options.script));
  const config = {
    data,
    webhooks: {
      listen: `127.0.0.1:${webhookPort}`,
      github: { secret: '${GITHUB_WEBHOOK_SECRET}' },
      linear: { secret: '${LINEAR_WEBHOOK_SECRET}' },
    },
    operator: { listen: `127.0.0.1:${operatorPort}` },
    github: { apiUrl: github.apiUrl, token: '${GITHUB_TOKEN}', paced: false },
    linear: { apiUrl: linear.url, token: '${LINEAR_TOKEN}' },
    repos: [
      {
        name: REPO,
        clone: github.gitUrl(REPO),
        linear: { teams: ['ENG'] },
        gates: { checks: ['Tests'], review: 'required' },
        merge: 'self',
      },
    ],
    agents: [
      { name: 'ada', role: 'implementer', driver: 'scripted' },
      { name: 'susan', role: 'reviewer', driver: 'scripted', github: { token: '${SUSAN_GITHUB_TOKEN}' } },
    ],
    drivers: { scripted: { script: './agent.yaml' } },
    timers: QUICK_TIMERS,
    ...options.config,
  };
  writeFileSync(configFile, stringify(config));
  const env = { PATH: process.env['PATH'] ?? '', HOME: directory, ...secrets, ...passedOn() };
  const logFile = path.join(directory, 'chartroom.log');

  return {
    github,
    linear,
    ci,
    configFile,
    hookAlso,
    env,
    data,
    logFile,
    start: () => startChartroom(configFile, env, logFile),
    async close() {
      await ci.close();
      await linear.close();
      await github.close();
    },
  };
}

/** Variables of ours that choose programs, handed on to the runtime. */
function passedOn(): Record<string, string> {
  const program = process.env['CHARTROOM_NATS_SERVER'];
  return program === undefined ? {} : { CHARTROOM_NATS_SERVER: program };
}

function newSecrets(): Record<string, string> {
  const names = [
    'GITHUB_TOKEN',
    'SUSAN_GITHUB_TOKEN',
    'LINEAR_TOKEN',
    'GITHUB_WEBHOOK_SECRET',
    'LINEAR_WEBHOOK_SECRET',
    'CI_TOKEN',
    'CI_SECRET',
  ];
  return Object.fromEntries(names.map((name) => [name, `${name.toLowerCase()}-${randomBytes(12).toString('hex')}`]));
}

function addPeople(github: GithubStandIn, secrets: Record<string, string>): void {
  github.addUser({ login: 'acme', token: randomBytes(12).toString('hex') });
  github.addUser({ login: 'maintainer', token: randomBytes(12).toString('hex') });
  github.addUser({ login: 'chartroom[bot]', token: secrets['GITHUB_TOKEN']!, type: 'Bot' });
  github.addUser({ login: 'susan-reviews', token: secrets['SUSAN_GITHUB_TOKEN']! });
  github.addUser({ login: 'ci[bot]', token: secrets['CI_TOKEN']!, type: 'Bot' });
}

/** Of a runtime that did not start, this much of what it said, characters. */
const LOG_SHOWN = 20_000;

/** Starts `chartroom up` as its own process and waits for its line. */
async function startChartroom(
  configFile: string,
  env: Record<string, string>,
  logFile: string,
): Promise<RunningChartroom> {
  // A file and not a pipe: what it says last is there even when nobody reads.
  const log = openSync(logFile, 'a');
  const child = spawn(process.execPath, [...programArgs('src/cli/main'), 'up', '--json', '--config', configFile], {
    env,
    cwd: path.dirname(configFile),
    stdio: ['ignore', 'pipe', log],
  });
  closeSync(log);
  const exited = new Promise<number | string>((resolve) => {
    child.on('exit', (code, signal) => resolve(signal ?? code ?? 1));
  });
  const ready = await firstLine(child, exited, () => readFileSync(logFile, 'utf8').slice(-LOG_SHOWN));
  const { webhooks, operator, nats } = JSON.parse(ready) as { webhooks: string; operator: string; nats: string };
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    child.kill(signal);
    await exited;
  };
  return { pid: child.pid!, webhooks, operator, nats, exited, stop: () => end('SIGTERM'), kill: () => end('SIGKILL') };
}

async function firstLine(child: ChildProcess, exited: Promise<number | string>, log: () => string): Promise<string> {
  const lines = createInterface({ input: child.stdout! });
  const line = new Promise<string>((resolve) => {
    lines.on('line', resolve);
  });
  const first = await Promise.race([line, exited.then((code) => ({ code }))]);
  if (typeof first !== 'string') throw new Error(`chartroom up ended with ${first.code}:\n${log()}`);
  return first;
}

/** Below those a system gives out by itself: a runtime that was killed must find its port free when it starts again. */
const PORTS = { from: 10_000, to: 30_000 };

async function freePorts(count: number): Promise<number[]> {
  const ports = new Set<number>();
  while (ports.size < count) {
    const port = randomInt(PORTS.from, PORTS.to);
    if (await isFree(port)) ports.add(port);
  }
  return [...ports];
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.on('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}

/** Facts as the operator's page gets them, from the first on; goes on after a restart of the runtime at the same address. */
export async function* followFacts(operator: () => string, signal: AbortSignal): AsyncIterable<Fact> {
  let last = '0.0';
  while (!signal.aborted) {
    try {
      const response = await fetch(`${operator()}/api/stream`, { headers: { 'last-event-id': last }, signal });
      let rest = '';
      for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
        const parts = (rest + Buffer.from(chunk).toString('utf8')).split('\n\n');
        rest = parts.pop() ?? '';
        for (const part of parts) {
          const id = /^id: (.*)$/m.exec(part)?.[1];
          const data = /^data: (.*)$/m.exec(part)?.[1];
          if (id !== undefined) last = id;
          if (data !== undefined && /^event: fact$/m.test(part)) yield JSON.parse(data) as Fact;
        }
      }
    } catch {
      // The runtime is being restarted: asked again from where we were.
      if (!signal.aborted) await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }
}

/** One of the operator's questions. */
export async function ask<Answer>(
  operator: string,
  question: string,
  input: Record<string, unknown> = {},
): Promise<Answer> {
  const response = await fetch(`${operator}/api/${question}`, { method: 'POST', body: JSON.stringify(input) });
  const answer = (await response.json()) as Answer & { error?: string };
  if (!response.ok) throw new Error(`${question}: ${response.status} ${answer.error ?? ''}`);
  return answer;
}

/**
 * One running Chartroom that many scenarios share, each with issues and agents of its own, met only where others meet
 * it: webhooks from the stand-ins, NATS, the operator's HTTP, the command line and scripted agents.
 */
import assert from 'node:assert/strict';
import { randomBytes, randomUUID } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Octokit } from '@octokit/rest';
import { execa } from 'execa';
import { parse, stringify } from 'yaml';
import type { Fact } from '../../src/actor/fact.ts';
import type { HistoryEntry } from '../../src/actor/past.ts';
import type { Receipt } from '../../src/actor/receipt.ts';
import { createWorld, followFacts } from '../../src/demo/world.ts';
import type { RunningChartroom, World } from '../../src/demo/world.ts';
import { programArgs } from '../../src/package.ts';
import { endAll, processesOf } from '../../src/demo/processes.ts';

/** As long as nothing at all happens; where something does, the machine is only busy. */
const WAIT_MS_MAX = 30_000;
/** However much happens: what is waited for takes a few seconds by itself. */
const WAIT_IN_ALL_MS_MAX = 120_000;
const FACTS_SHOWN = 25;

export type Data = Record<string, unknown>;
type Json = Record<string, unknown>;

/** What `show` tells; only what scenarios look at. */
export interface Shown {
  address: string;
  value: unknown;
  phase: string;
  epoch: number | null;
  owner: string | null;
  waitingOn: { gate: string; on: string | null; detail: string; until: string | null }[];
  seq: number;
  final: boolean;
  context: Json;
  claims: string[];
  outbox: unknown[];
  mailbox: number;
}

/** A run, as its agent was told of it. */
export interface Run {
  agent: string;
  for: string;
  attempt: number;
  epoch: number;
  /** All that the agent was told, as JSON. */
  prompt: string;
}

export interface Place {
  world: World;
  readonly chartroom: RunningChartroom;
  /** The runtime is killed as a crash does it, and started again. */
  kill(): Promise<void>;
  start(): Promise<void>;
  directory: string;
  facts: Fact[];
  /** A question over HTTP: its status and what came back. */
  http(question: string, input?: unknown): Promise<{ status: number; body: Json }>;
  ask<Answer>(question: string, input?: Data): Promise<Answer>;
  /** Puts an envelope before an actor, over `/api/send`. */
  send(subject: string, type: string, data?: Data, more?: Data): Promise<Receipt>;
  show(actor: string): Promise<Shown>;
  /** Looks again at every fact until it is so. */
  until(actor: string, what: string, isSo: (shown: Shown) => boolean): Promise<Shown>;
  /** Any condition, looked at again at every fact and, where no fact tells of it, from time to time. */
  eventually<Found>(what: string, look: () => Promise<Found | undefined> | Found | undefined): Promise<Found>;
  history(actor: string): Promise<HistoryEntry[]>;
  runs(session: string): Promise<Run[]>;
  /** The command line in a process of its own. */
  cli(...argv: string[]): Promise<{ exit: number; out: string; err: string }>;
  /** Somebody's GitHub API. */
  as(login: string): Octokit;
  close(): Promise<void>;
}

export interface PlaceOptions {
  script: unknown;
  /** Names of repositories of `acme` beside `hello`, each with its part of the configuration. */
  repos?: Record<string, Data>;
  /** Changes to the configuration of `acme/hello`. */
  hello?: Data;
  agents?: Data[];
  timers?: Record<string, number>;
  config?: Data;
}

export async function openPlace(options: PlaceOptions): Promise<Place> {
  const directory = await mkdtemp(path.join(tmpdir(), 'chartroom-scenario-'));
  const world = await createWorld({
    directory,
    files: { 'README.md': '# hello\n' },
    script: options.script,
    isTested: false,
  });
  const tokens = await people(world);
  await configure(world, options);
  let chartroom = await world.start();
  const over = new AbortController();
  const facts: Fact[] = [];
  let listeners: ((actor?: string) => void)[] = [];
  const following = (async () => {
    for await (const fact of followFacts(() => chartroom.operator, over.signal)) {
      facts.push(fact);
      for (const tell of listeners.splice(0)) tell(fact.actor);
    }
  })();

  const http = async (question: string, input: unknown = {}): Promise<{ status: number; body: Json }> => {
    const body = typeof input === 'string' ? input : JSON.stringify(input);
    const response = await fetch(`${chartroom.operator}/api/${question}`, { method: 'POST', body });
    return { status: response.status, body: (await response.json()) as Json };
  };
  const ask = async <Answer>(question: string, input: Data = {}): Promise<Answer> => {
    const { status, body } = await http(question, input);
    assert.equal(status, 200, `${question} ${JSON.stringify(input)}: ${JSON.stringify(body)}`);
    return body as Answer;
  };
  const show = (actor: string): Promise<Shown> => ask<Shown>('show', { actor });

  /** `about`: the actor whose facts are a reason to look again; many scenarios share the place. */
  async function eventually<Found>(
    what: string,
    look: () => Promise<Found | undefined> | Found | undefined,
    about?: string,
  ): Promise<Found> {
    const until = Date.now() + WAIT_IN_ALL_MS_MAX;
    let seen = facts.length;
    let quietUntil = Date.now() + WAIT_MS_MAX;
    for (;;) {
      const more = nextLook(about);
      const found = await look();
      if (found !== undefined) return found;
      if (facts.length > seen) quietUntil = Date.now() + WAIT_MS_MAX;
      seen = facts.length;
      if (Date.now() > Math.min(until, quietUntil)) throw new Error(`waited in vain for ${what}\n${explain()}`);
      await more;
    }
  }
  /** The next fact; without one, a second later: what the stand-ins know is no fact. */
  const nextLook = (about: string | undefined): Promise<void> =>
    new Promise((resolve) => {
      const timer = setTimeout(resolve, 1_000);
      const hear = (actor?: string): void => {
        if (about !== undefined && actor !== undefined && actor !== about) return void listeners.push(hear);
        clearTimeout(timer);
        resolve();
      };
      listeners.push(hear);
    });
  const explain = (): string =>
    facts
      .slice(-FACTS_SHOWN)
      .map(({ at, actor, outcome, summary }) => `  ${at} ${actor} ${outcome} ${summary}`)
      .join('\n');
  const history = async (actor: string): Promise<HistoryEntry[]> =>
    (await ask<{ entries: HistoryEntry[] }>('history', { actor, limit: 5_000 })).entries;

  return {
    world,
    directory,
    get chartroom() {
      return chartroom;
    },
    kill: () => chartroom.kill(),
    async start() {
      chartroom = await world.start();
    },
    facts,
    http,
    ask,
    show,
    eventually,
    history,
    send: (subject, type, data = {}, more = {}) => ask<Receipt>('send', { ...envelope(subject, type, data), ...more }),
    until: (actor, what, isSo) =>
      eventually(
        `${actor}: ${what}`,
        async () => {
          const { status, body } = await http('show', { actor });
          const shown = body as unknown as Shown;
          return status === 200 && isSo(shown) ? shown : undefined;
        },
        actor,
      ).catch(async (error: unknown) => {
        const { body } = await http('show', { actor });
        const { value, phase, waitingOn } = body;
        throw new Error(`${String(error)}\n${JSON.stringify({ value, phase, waitingOn })}`, { cause: error });
      }),
    async runs(session) {
      const { items } = await ask<{ items: { address: string }[] }>('list', { kind: 'agent', limit: 1_000 });
      const runs: Run[] = [];
      for (const { address } of items)
        for (const { type, data } of await history(address))
          if (type === 'run.begun' && data['session'] === session)
            runs.push({
              agent: address,
              for: String(data['for']),
              attempt: Number(data['attempt']),
              epoch: Number(data['epoch']),
              prompt: JSON.stringify(data['prompt']),
            });
      return runs.sort((a, b) => a.epoch - b.epoch);
    },
    async cli(...argv) {
      const ran = await execa(process.execPath, [...programArgs('src/cli/main'), ...argv], {
        cwd: directory,
        env: { ...world.env, NO_COLOR: '1' },
        extendEnv: false,
        reject: false,
        stdin: 'ignore',
      });
      return { exit: ran.exitCode ?? -1, out: ran.stdout, err: ran.stderr };
    },
    as: (login) =>
      new Octokit({
        baseUrl: world.github.apiUrl,
        auth: tokens[login],
        log: { debug() {}, info() {}, warn() {}, error() {} },
      }),
    async close() {
      over.abort();
      listeners = [];
      await following;
      await chartroom.stop();
      await world.close();
      const left = processesOf(directory);
      endAll(left);
      await rm(directory, { recursive: true, force: true });
      assert.deepEqual(left, [], 'no process is left');
    },
  };
}

/** An envelope as anybody outside writes it. */
export function envelope(subject: string, type: string, data: Data = {}): Data {
  return {
    specversion: '1.0',
    id: randomUUID(),
    source: 'cli/maintainer',
    type,
    subject,
    time: new Date().toISOString(),
    datacontenttype: 'application/json',
    data,
  };
}

/** Tokens of everybody who acts at GitHub in scenarios. */
async function people({ github, env }: World): Promise<Record<string, string>> {
  const maintainer = randomBytes(12).toString('hex');
  github.addToken({ login: 'maintainer', token: maintainer });
  return { maintainer, 'ci[bot]': env['CI_TOKEN']!, 'chartroom[bot]': env['GITHUB_TOKEN']! };
}

async function configure(world: World, options: PlaceOptions): Promise<void> {
  const { github, configFile } = world;
  const config = parse(await readFile(configFile, 'utf8')) as {
    repos: Data[];
    agents: Data[];
    timers: Record<string, number>;
  };
  Object.assign(config.repos[0]!, options.hello);
  for (const [name, more] of Object.entries(options.repos ?? {})) {
    await github.addRepository({
      owner: 'acme',
      name,
      files: { 'README.md': `# ${name}\n` },
      collaborators: { 'chartroom[bot]': 'write', 'susan-reviews': 'write', 'ci[bot]': 'write', maintainer: 'admin' },
    });
    const full = `acme/${name}`;
    world.hookAlso(full);
    config.repos.push({ name: full, clone: github.gitUrl(full), gates: { checks: ['Tests'] }, ...more });
    for (const team of (more['linear'] as { teams: string[] } | undefined)?.teams ?? []) world.linear.addTeam(team);
  }
  if (options.agents !== undefined) config.agents = options.agents;
  Object.assign(config.timers, options.timers);
  await writeFile(configFile, stringify({ ...config, ...options.config }));
}

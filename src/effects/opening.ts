/** Opens everything that reaches the world, from the configuration: what `src/effects/index.ts` lists, and the run door. */
import { randomBytes, randomUUID } from 'node:crypto';
import type { Hono } from 'hono';
import { timerMs } from '../../machines/contract.ts';
import type { Node } from '../actor/node.ts';
import type { Questions } from '../actor/questions.ts';
import type { RouterConfig, RouterOptions } from '../bridge/router.ts';
import { statusLink } from '../bridge/status-link.ts';
import type { SweptSource } from '../bridge/sweep.ts';
import type { Bus } from '../bus/bus.ts';
import type { Clock } from '../clock.ts';
import type { Config } from '../config/config.ts';
import type { Env } from '../config/expand.ts';
import { roleOf, secretEnvironmentOf } from '../config/roles.ts';
import type { Roles } from '../config/roles.ts';
import { openDrivers } from '../drivers/opening.ts';
import type { Logger } from '../log.ts';
import { KEYS } from '../store/keys.ts';
import path from 'node:path';
import { createConsumerWatch } from './consumer-watch.ts';
import { createGithubActs } from './github/acts.ts';
import { createGithub } from './github/github.ts';
import type { Github } from './github/github.ts';
import { createGithubIssueWatch } from './github/issue-watch.ts';
import type { Delegation } from './github/issue.ts';
import { sameName } from './github/names.ts';
import { createPullWatch } from './github/pull-watch.ts';
import { createRepositoryWatch } from './github/repository-watch.ts';
import { createHeadBy } from './head-by.ts';
import { effectsTable } from './index.ts';
import type { Acts, Watches } from './index.ts';
import { createLinearActs } from './linear/acts.ts';
import { createLinearIssueWatch } from './linear/issue-watch.ts';
import { createLinear } from './linear/linear.ts';
import { readBootId } from './process/group.ts';
import { createProcessWatch } from './process/watch.ts';
import { createPrompts } from './prompt/prompts.ts';
import { delegationOf, routingOf, sweptOf } from './routing.ts';
import { createRunDoor } from './run-door.ts';
import { createTidying } from './tidying.ts';
import type { Tidying } from './tidying.ts';
import { createWorktrees } from './worktree.ts';

export interface Effects {
  acts: Acts;
  watches: Watches;
  runDoor: Hono;
  hydrate: RouterOptions['hydrate'];
  routing: RouterConfig;
  /** What is compared with what came, by source: deliveries, and issues that are handed to us. */
  swept: SweptSource[];
  /** Removes worktrees of sessions that have been over for a while. */
  tidying: Tidying;
  /** Ends processes of earlier lives that nothing wants; call it when all watches stand. */
  endStrays: () => Promise<string[]>;
}

interface EffectsOptions {
  config: Config;
  roles: Roles;
  node: Node;
  questions: () => Questions;
  bus: Bus;
  /** Where the run door is reached. */
  url: string;
  env: Env;
  clock: Clock;
  log: Logger;
}

/** Variables of this machine that processes of ours are given. */
const MACHINE_VARIABLES = [
  'PATH',
  'LANG',
  'TZ',
  'TMPDIR',
  'HTTP_PROXY',
  'HTTPS_PROXY',
  'NO_PROXY',
  'SSL_CERT_FILE',
  'NODE_EXTRA_CA_CERTS',
];
const USER_AGENT = 'chartroom';
/** Phases of an agent from which on it does nothing more in its own name. */
const GONE = new Set(['offboarding', 'offboarded']);

export async function openEffects(options: EffectsOptions): Promise<Effects> {
  const { config, roles, node, questions, bus, url, env, clock, log } = options;
  const machine = pick(env, MACHINE_VARIABLES);
  const { timers, data, bots, people, status } = config;
  const repos = Object.fromEntries(config.repos.map(({ name, clone, base }) => [name, { clone, base }]));
  const github = openGithub(config, clock, log);
  const linear = createLinear({ ...config.linear, clock });
  // A clone over SSH authenticates as whoever runs Chartroom; agents are not given this way.
  const gitEnv = { ...machine, ...pick(env, ['SSH_AUTH_SOCK', 'GIT_SSH_COMMAND']), HOME: env['HOME'] ?? data };
  const delegation = (repo: string): Delegation => ({
    ...delegationOf(config.repos.find(({ name }) => sameName(name, repo))),
    people,
  });

  const door = createRunDoor({
    dataDir: data,
    async send(envelope) {
      const { subject, address } = await node.locate(envelope.subject);
      return node.send({ ...envelope, subject }, { door: 'hook', address });
    },
    async preview(envelope) {
      const { subject, address } = await node.locate(envelope.subject);
      await node.settled(address);
      return node.preview({ ...envelope, subject }, { address, door: 'trusted' });
    },
    ask: (question, input) => questions()[question](input),
    openPull: (pull) => github.openPull(pull),
    repos,
    credential: (repo, agent) => github.credentialFor(repo, agent),
    audit: (entry) => node.write([{ key: KEYS.audit(entry.agent, entry.at, entry.id), value: JSON.stringify(entry) }]),
    random: () => randomBytes(32).toString('base64url'),
    newId: () => randomUUID(),
    clock,
    log,
  });
  const processes = createProcessWatch({
    drivers: await openDrivers(config),
    dataDir: data,
    runDoor: door.tokens,
    url,
    prompts: createPrompts({
      directory: config.prompts === undefined ? undefined : path.resolve(config.directory, config.prompts),
      roleText: (role) => roleOf(roles, role)?.prompt ?? '',
      repos,
      env: gitEnv,
      log,
    }),
    machine,
    sandbox: (role) => roleOf(roles, role)?.sandbox ?? [],
    secretEnv: (agent, role) =>
      secretEnvironmentOf(
        config.agents.find(({ name }) => `agent/${name}` === agent),
        roleOf(roles, role),
        env,
      ),
    allowance: (role) => roleOf(roles, role)?.allow ?? 'everything',
    person: (agent) => personOf(agent),
    node: process.execPath,
    bootId: await readBootId(),
    secrets: config.secrets(),
    timers,
    clock,
    log,
  });
  const worktrees = createWorktrees({
    root: data,
    repos,
    env: gitEnv,
    person: personOf('chartroom'),
    credential: async (repo) => (isHttp(repos[repo]?.clone) ? github.credentialFor(repo) : undefined),
    findPull: (repo, branch, number) => github.findPull(repo, branch, { number }),
    readGate: async (question) => (await github.readGate(question)).gate.state,
    log,
  });
  const table = effectsTable({
    github: createGithubActs(github, {
      isEmployed: (agent) => !GONE.has(node.actors.row(agent)?.phase ?? 'offboarded'),
    }),
    linear: createLinearActs(
      linear,
      status === undefined ? undefined : (actor, nowMs) => statusLink(status, actor, nowMs),
    ),
    worktrees,
    processes: processes.acts,
    watches: {
      process: processes.watch,
      pull: createPullWatch({
        github,
        clock,
        log,
        headBy: createHeadBy({ root: data, env: gitEnv }),
        self: github.own,
        bots,
        people,
        timers,
      }),
      repository: createRepositoryWatch({ github, clock, log, timers }),
      issue: {
        github: createGithubIssueWatch({ github, clock, log, self: github.own, bots, people, timers, delegation }),
        linear: createLinearIssueWatch({ linear, clock, log, timers }),
      },
      consumer: createConsumerWatch({ bus, clock, log }),
    },
  });
  return {
    ...table,
    runDoor: door.app,
    hydrate: {
      linear: async (ref) => (await linear.observeIssue(ref)) ?? null,
      github: async (ref) => (await github.observeIssue(ref, delegation(ref.split('#')[0]!))) ?? null,
    },
    routing: routingOf({ config, github, linear, delegation, clock, log }),
    swept: sweptOf({ config, github, linear, delegation, clock }),
    tidying: createTidying({
      root: path.resolve(data, 'worktrees'),
      session: (id) => node.actors.row(`session/${id}`),
      remove: worktrees.removeLeft,
      ageMs: timerMs(config, 'worktree'),
      clock,
      log,
    }),
    endStrays: () => processes.endStrays(),
  };
}

function pick(env: Env, names: readonly string[]): Record<string, string> {
  return Object.fromEntries(names.flatMap((name) => (env[name] === undefined ? [] : [[name, env[name]] as const])));
}

function openGithub(config: Config, clock: Clock, log: Logger): Github {
  const { apiUrl, token, app, paced } = config.github;
  return createGithub({
    apiUrl,
    auth: app === undefined ? { token } : { app },
    identities: Object.fromEntries(config.agents.map(({ name, github }) => [name, { token: github?.token ?? '' }])),
    userAgent: USER_AGENT,
    repos: config.repos.map(({ name }) => name),
    clock,
    log,
    paced,
  });
}

function personOf(agent: string): { name: string; email: string } {
  const name = agent.replace(/^agent\//, '');
  return { name, email: `${name}@chartroom.invalid` };
}

const isHttp = (clone: string | undefined): boolean => clone !== undefined && /^https?:/.test(clone);

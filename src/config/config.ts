/**
 * The configuration: read from `chartroom.yaml`, from `CHARTROOM_*` variables and from flags, in rising order. Every
 * mistake is reported at once, with its line and what would be right.
 */
import path from 'node:path';
import type { TimerName, Timers } from '../../machines/contract.ts';
import { RejectedInput } from '../errors.ts';
import { expand, hasPlaceholder, variable } from './expand.ts';
import type { Env } from './expand.ts';
import { checkSecrets, checkTogether, explain, outlineOf, schemaAt } from './mistakes.ts';
import type { Outline } from './mistakes.ts';
import { loadRoles } from './roles.ts';
import type { Roles } from './roles.ts';
import { SECRET_PATHS, configSchema } from './schema.ts';
import type { AgentConfig, ConfigFile, RepoConfig } from './schema.ts';
import { dotted, readSource } from './source.ts';
import type { Where } from './source.ts';

export type { AgentConfig, ConfigFile, RepoConfig } from './schema.ts';

/** A repository with everything filled in. */
export type Repo = RepoConfig & { clone: string };

export interface Agent extends AgentConfig {
  /**
   * Variables whose values came from the environment or a file: given to its processes, never into an event (what is
   * hired is kept in a journal). `env` holds the others.
   */
  secretEnv: Record<string, string>;
}

export interface Config extends Omit<ConfigFile, 'timers' | 'data' | 'nats' | 'repos' | 'agents'> {
  nats: ConfigFile['nats'] | undefined;
  repos: Repo[];
  agents: Agent[];
  /** Absolute, as all paths in here are. */
  data: string;
  /** Only those that were set. */
  timers: Timers;
  /** Where it was read from; null = nothing was found, all is default. */
  file: string | null;
  /** Paths in it are relative to this. */
  directory: string;
  /** Every secret value in it, for redaction. */
  secrets(): string[];
}

export interface LoadOptions {
  /** `--config`. */
  path?: string | undefined;
  env: Env;
  /** Dotted path → value, e.g. `{ 'operator.listen': '127.0.0.1:0' }`. */
  flags?: Record<string, unknown>;
  cwd: string;
}

/** Dotted path → variable (or its `*_FILE`). Rising order: file, these, flags. */
export const VARIABLES: Readonly<Record<string, string>> = {
  namespace: 'CHARTROOM_NAMESPACE',
  data: 'CHARTROOM_DATA',
  'nats.url': 'CHARTROOM_NATS_URL',
  'nats.user': 'CHARTROOM_NATS_USER',
  'nats.password': 'CHARTROOM_NATS_PASSWORD',
  'nats.token': 'CHARTROOM_NATS_TOKEN',
  'nats.creds': 'CHARTROOM_NATS_CREDS',
  'webhooks.listen': 'CHARTROOM_WEBHOOKS_LISTEN',
  'webhooks.github.secret': 'CHARTROOM_GITHUB_WEBHOOK_SECRET',
  'webhooks.linear.secret': 'CHARTROOM_LINEAR_WEBHOOK_SECRET',
  'status.url': 'CHARTROOM_STATUS_URL',
  'status.secret': 'CHARTROOM_STATUS_SECRET',
  'operator.listen': 'CHARTROOM_OPERATOR_LISTEN',
  'operator.token': 'CHARTROOM_OPERATOR_TOKEN',
  'github.apiUrl': 'CHARTROOM_GITHUB_API_URL',
  'github.token': 'CHARTROOM_GITHUB_TOKEN',
  'linear.apiUrl': 'CHARTROOM_LINEAR_API_URL',
  'linear.token': 'CHARTROOM_LINEAR_TOKEN',
  'limits.maxRuns': 'CHARTROOM_MAX_RUNS',
  log: 'CHARTROOM_LOG',
};

/** Dotted path → the flag that sets it, where that has another name. */
const FLAGS: Readonly<Record<string, string>> = {
  'nats.url': 'nats',
  'webhooks.listen': 'webhooks',
  'operator.listen': 'operator',
};

/** @throws RejectedInput `CONFIG` with one sentence per mistake: `chartroom.yaml:12 repos[0].merge: …` */
export function loadConfig({ path: wanted, env, flags = {}, cwd }: LoadOptions): Config {
  const { file, directory, values, where: placeInFile } = readSource(wanted, env, cwd);
  const mistakes: string[] = [];
  /** What a value overlaid came from, instead of a line. */
  const origins = new Map<string, string>();
  const where: Where = (keys) => origins.get(keys.join('.')) ?? placeInFile(keys);

  checkSecrets(values, [], where, mistakes);
  const expanding: Expanding = { env, directory, where, mistakes, expanded: new Set() };
  const whole = expandAll(values, [], expanding) as Record<string, unknown>;
  for (const [key, name] of Object.entries(VARIABLES)) {
    const value = variable(name, env);
    if (value === null) continue;
    origins.set(key, name);
    setAt(whole, key.split('.'), typed(value, key.split('.')));
  }
  for (const [key, value] of Object.entries(flags)) {
    if (value === undefined) continue;
    origins.set(key, `--${FLAGS[key] ?? key}`);
    setAt(whole, key.split('.'), typeof value === 'string' ? typed(value, key.split('.')) : value);
  }

  const parsed = configSchema.safeParse(whole);
  if (!parsed.success) {
    mistakes.push(...parsed.error.issues.flatMap((issue) => explain(issue, where, (keys) => valueAt(whole, keys))));
  }
  const outline = outlineOf(whole);
  mistakes.push(...checkTogether(outline, rolesFor(outline, directory, where, mistakes), where));
  if (mistakes.length > 0 || !parsed.success) {
    const count = mistakes.length === 1 ? 'a mistake' : `${mistakes.length} mistakes`;
    throw new RejectedInput('CONFIG', `${file ?? 'the configuration'} has ${count}`, mistakes);
  }
  return finish(parsed.data, file, directory, expanding.expanded);
}

function rolesFor(data: Outline, directory: string, where: Where, mistakes: string[]): Roles | null {
  try {
    return loadRoles({ directory: data.roles === undefined ? undefined : path.resolve(directory, data.roles) });
  } catch (error) {
    if (!(error instanceof RejectedInput)) throw error;
    mistakes.push(...error.issues.map((issue) => `${where(['roles'])}: ${issue}`));
    return null;
  }
}

type OwnDrivers = NonNullable<ConfigFile['drivers']['own']>;

function finish(data: ConfigFile, file: string | null, directory: string, expanded: ReadonlySet<string>): Config {
  const absolute = <Key extends string>(key: Key, value: string | undefined) =>
    (value === undefined ? {} : { [key]: path.resolve(directory, value) }) as { [K in Key]?: string };
  const timers: Timers = {};
  for (const [key, value] of Object.entries(data.timers)) {
    if (value !== undefined) timers[key.replace(/Seconds$/, '') as TimerName] = value;
  }
  const agents = data.agents.map((agent, index) => withSecretEnv(agent, index, expanded));
  const { scripted, own } = data.drivers;
  const tls = data.nats?.tls;
  return {
    ...data,
    nats:
      data.nats === undefined || tls === undefined
        ? data.nats
        : {
            ...data.nats,
            tls: { ...absolute('ca', tls.ca), ...absolute('cert', tls.cert), ...absolute('key', tls.key) },
          },
    data: path.resolve(directory, data.data),
    repos: data.repos.map((repo) => ({ ...repo, clone: cloneOf(repo, directory) })),
    agents,
    drivers: {
      ...data.drivers,
      ...(scripted === undefined ? {} : { scripted: { script: path.resolve(directory, scripted.script) } }),
      ...(own === undefined ? {} : { own: ownDrivers(own, directory) }),
    },
    ...absolute('roles', data.roles),
    ...absolute('prompts', data.prompts),
    timers,
    file,
    directory,
    secrets: () => secretsOf(data, agents),
  };
}

function ownDrivers(own: OwnDrivers, directory: string): OwnDrivers {
  return Object.fromEntries(
    Object.entries(own).map(([name, { module, ...more }]) => [
      name,
      { ...more, module: path.resolve(directory, module) },
    ]),
  );
}

function cloneOf({ name, clone }: RepoConfig, directory: string): string {
  if (clone === undefined) return `https://github.com/${name}.git`;
  return /^\.{1,2}(\/|$)/.test(clone) ? path.resolve(directory, clone) : clone;
}

function withSecretEnv(agent: AgentConfig, index: number, expanded: ReadonlySet<string>): Agent {
  const { env, ...rest } = agent;
  if (env === undefined) return { ...rest, secretEnv: {} };
  const entries = Object.entries(env);
  const isSecret = ([name]: [string, string]): boolean => expanded.has(`agents[${index}].env.${name}`);
  return {
    ...rest,
    env: Object.fromEntries(entries.filter((entry) => !isSecret(entry))),
    secretEnv: Object.fromEntries(entries.filter(isSecret)),
  };
}

interface Expanding {
  env: Env;
  directory: string;
  where: Where;
  mistakes: string[];
  /** Paths whose values were not in the file itself. */
  expanded: Set<string>;
}

function expandAll(value: unknown, keys: PropertyKey[], expanding: Expanding): unknown {
  if (typeof value === 'string') {
    if (!hasPlaceholder(value)) return value;
    expanding.expanded.add(dotted(keys));
    const result = expand(value, expanding.env, expanding.directory);
    if ('value' in result) return typed(result.value, keys);
    expanding.mistakes.push(...result.mistakes.map((mistake) => `${expanding.where(keys)}: ${mistake}`));
    return value;
  }
  if (Array.isArray(value)) return value.map((inner, index) => expandAll(inner, [...keys, index], expanding));
  if (value !== null && typeof value === 'object') {
    return Object.fromEntries(
      Object.entries(value).map(([key, inner]) => [key, expandAll(inner, [...keys, key], expanding)]),
    );
  }
  return value;
}

/** Variables and flags are texts; where a number or a switch is wanted, they are read as one. */
function typed(text: string, keys: readonly PropertyKey[]): unknown {
  const type = schemaAt(keys)?.type;
  if (type === 'number' && /^-?\d+(\.\d+)?$/.test(text)) return Number(text);
  if (type === 'boolean' && (text === 'true' || text === 'false')) return text === 'true';
  return text;
}

function setAt(target: Record<string, unknown>, keys: string[], value: unknown): void {
  const [first, ...rest] = keys as [string, ...string[]];
  if (rest.length === 0) {
    target[first] = value;
    return;
  }
  const inner = target[first];
  const next = inner !== null && typeof inner === 'object' ? (inner as Record<string, unknown>) : {};
  target[first] = next;
  setAt(next, rest, value);
}

const valueAt = (whole: unknown, keys: readonly PropertyKey[]): unknown =>
  keys.reduce<unknown>((value, key) => (value as Record<PropertyKey, unknown> | undefined)?.[key], whole);

function secretsOf(config: ConfigFile, agents: readonly Agent[]): string[] {
  const named = SECRET_PATHS.flatMap((pattern) => {
    const [list, , ...rest] = pattern.split('.');
    if (!pattern.includes('.*.')) return [valueAt(config, pattern.split('.'))];
    return (valueAt(config, [list!]) as unknown[]).map((entry) => valueAt(entry, rest));
  });
  const inUrls = [config.nats?.url, ...config.repos.map(({ clone }) => clone)].map((url) => passwordOf(url ?? ''));
  return [...named, ...inUrls, ...agents.flatMap(({ secretEnv }) => Object.values(secretEnv))].filter(
    (value): value is string => typeof value === 'string' && value !== '',
  );
}

/** Git and NATS take passwords in URLs. */
function passwordOf(url: string): string {
  if (!URL.canParse(url)) return '';
  const { protocol, username, password } = new URL(url);
  const isToken = password === '' && protocol.startsWith('http');
  return decodeURIComponent(isToken ? username : password);
}

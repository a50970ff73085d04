/**
 * The configuration: read from `chartroom.yaml`, from `CHARTROOM_*` variables and from flags, in rising order. Every
 * mistake is reported at once, with its line and what would be right.
 */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { LineCounter, isMap, isScalar, parseDocument } from 'yaml';
import type { Document } from 'yaml';
import type { z } from 'zod';
import type { TimerName, Timers } from '../../machines/contract.ts';
import { editDistance } from '../actor/actors.ts';
import { RejectedInput } from '../errors.ts';
import { expand, hasPlaceholder, variable } from './expand.ts';
import type { Env } from './expand.ts';
import { SECRET_PATHS, configSchema } from './schema.ts';
import type { ConfigFile } from './schema.ts';

export type { AgentConfig, ConfigFile, RepoConfig } from './schema.ts';

export interface Config extends Omit<ConfigFile, 'timers' | 'data' | 'nats'> {
  nats: ConfigFile['nats'] | undefined;
  /** Absolute. */
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

/** Dotted path → variable. Rising order: file, these, flags. */
const VARIABLES: Record<string, string> = {
  namespace: 'CHARTROOM_NAMESPACE',
  data: 'CHARTROOM_DATA',
  'nats.url': 'CHARTROOM_NATS_URL',
  'webhooks.listen': 'CHARTROOM_WEBHOOKS_LISTEN',
  'operator.listen': 'CHARTROOM_OPERATOR_LISTEN',
  'operator.token': 'CHARTROOM_OPERATOR_TOKEN',
  'github.apiUrl': 'CHARTROOM_GITHUB_API_URL',
  'linear.apiUrl': 'CHARTROOM_LINEAR_API_URL',
  log: 'CHARTROOM_LOG',
};

/** @throws RejectedInput `CONFIG` with one sentence per mistake: `chartroom.yaml:12 repos[0].merge: …` */
export function loadConfig({ path: wanted, env, flags = {}, cwd }: LoadOptions): Config {
  const file = findFile(wanted, env, cwd);
  const directory = file === null ? cwd : path.dirname(file);
  const lines = new LineCounter();
  const document = parseDocument(file === null ? '' : readFileSync(file, 'utf8'), { lineCounter: lines });
  const name = file === null ? 'configuration' : path.basename(file);
  const where = (keys: readonly PropertyKey[]): string => place(document, lines, keys, name);
  const mistakes = document.errors.map(
    (error) => `${name}:${lines.linePos(error.pos[0]).line} ${firstLine(error.message)}`,
  );
  if (mistakes.length > 0) throw new RejectedInput('CONFIG', `${name} is not valid YAML`, mistakes);

  const raw = (document.toJS() ?? {}) as Record<string, unknown>;
  checkSecrets(raw, [], where, mistakes);
  const expanded = expandAll(raw, [], { env, directory, where, mistakes }) as Record<string, unknown>;
  for (const [key, variableName] of Object.entries(VARIABLES)) {
    const value = variable(variableName, env);
    if (value !== null) setAt(expanded, key.split('.'), value);
  }
  for (const [key, value] of Object.entries(flags)) if (value !== undefined) setAt(expanded, key.split('.'), value);

  const parsed = configSchema.safeParse(expanded);
  if (!parsed.success) mistakes.push(...parsed.error.issues.flatMap((issue) => explain(issue, where)));
  else mistakes.push(...checkTogether(parsed.data, where));
  if (mistakes.length > 0 || !parsed.success) {
    throw new RejectedInput(
      'CONFIG',
      `${file ?? 'the configuration'} has ${mistakes.length} mistake${mistakes.length === 1 ? '' : 's'}`,
      mistakes,
    );
  }
  return finish(parsed.data, file, directory);
}

function finish(data: ConfigFile, file: string | null, directory: string): Config {
  const timers: Timers = {};
  for (const [key, value] of Object.entries(data.timers)) {
    if (value !== undefined) timers[key.replace(/Seconds$/, '') as TimerName] = value;
  }
  return {
    ...data,
    nats: data.nats,
    data: path.resolve(directory, data.data),
    timers,
    file,
    directory,
    secrets: () => secretsOf(data),
  };
}

function findFile(wanted: string | undefined, env: Env, cwd: string): string | null {
  if (wanted !== undefined) {
    const file = path.resolve(cwd, wanted);
    if (!existsSync(file)) throw new RejectedInput('CONFIG', `there is no ${file}; make one with: chartroom init`);
    return file;
  }
  const home = env['XDG_CONFIG_HOME'] ?? (env['HOME'] === undefined ? undefined : path.join(env['HOME'], '.config'));
  const candidates = [
    path.join(cwd, 'chartroom.yaml'),
    ...(home === undefined ? [] : [path.join(home, 'chartroom', 'chartroom.yaml')]),
  ];
  return candidates.find((candidate) => existsSync(candidate)) ?? null;
}

/** `chartroom.yaml:12 repos[0].merge`; the nearest ancestor's line where the key itself is missing. */
function place(document: Document, lines: LineCounter, keys: readonly PropertyKey[], name: string): string {
  const dotted = keys
    .map((key) => (typeof key === 'number' ? `[${key}]` : `.${String(key)}`))
    .join('')
    .replace(/^\./, '');
  for (let depth = keys.length; depth >= 0; depth--) {
    const offset = offsetOf(document, keys.slice(0, depth));
    if (offset !== null) return `${name}:${lines.linePos(offset).line} ${dotted}`;
  }
  return `${name} ${dotted}`;
}

function offsetOf(document: Document, keys: readonly PropertyKey[]): number | null {
  const parent = keys.length > 1 ? document.getIn(keys.slice(0, -1), true) : document.contents;
  const last = keys.at(-1);
  if (isMap(parent) && last !== undefined) {
    const pair = parent.items.find((item) => isScalar(item.key) && item.key.value === last);
    if (pair !== undefined && isScalar(pair.key)) return pair.key.range?.[0] ?? null;
  }
  const node = keys.length === 0 ? document.contents : document.getIn(keys, true);
  return (node as { range?: [number, number, number] } | undefined)?.range?.[0] ?? null;
}

type Where = (keys: readonly PropertyKey[]) => string;

function checkSecrets(value: unknown, keys: PropertyKey[], where: Where, mistakes: string[]): void {
  if (value !== null && typeof value === 'object') {
    for (const [key, inner] of Object.entries(value)) {
      checkSecrets(inner, [...keys, Array.isArray(value) ? Number(key) : key], where, mistakes);
    }
    return;
  }
  const pattern = keys.map((key) => (typeof key === 'number' ? '*' : String(key))).join('.');
  if (SECRET_PATHS.includes(pattern) && typeof value === 'string' && value !== '' && !hasPlaceholder(value)) {
    mistakes.push(`${where(keys)}: a secret may not stand in the file; write \${NAME} or \${file:path}`);
  }
}

interface Expanding {
  env: Env;
  directory: string;
  where: Where;
  mistakes: string[];
}

function expandAll(value: unknown, keys: PropertyKey[], expanding: Expanding): unknown {
  if (typeof value === 'string') {
    const result = expand(value, expanding.env, expanding.directory);
    if ('value' in result) return result.value;
    expanding.mistakes.push(`${expanding.where(keys)}: ${result.mistake}`);
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

function explain(issue: z.core.$ZodIssue, where: Where): string[] {
  if (issue.code === 'unrecognized_keys') {
    const known = keysAt(issue.path);
    return issue.keys.map((key) => {
      const near = known
        .map((name) => ({ name, edits: editDistance(name.toLowerCase(), key.toLowerCase()) }))
        .sort((a, b) => a.edits - b.edits)[0];
      const hint =
        near !== undefined && near.edits <= 3 ? `; did you mean ${near.name}?` : `; known: ${known.join(', ')}`;
      return `${where([...issue.path, key])}: unknown key${hint}`;
    });
  }
  return [`${where(issue.path)}: ${issue.message}`];
}

/** Keys the schema knows at a path. */
function keysAt(keys: readonly PropertyKey[]): string[] {
  let schema = configSchema as unknown as SchemaLike;
  for (const key of keys) {
    schema = unwrap(schema);
    const next = typeof key === 'number' ? schema.element : schema.shape?.[String(key)];
    if (next === undefined) return [];
    schema = next;
  }
  return Object.keys(unwrap(schema).shape ?? {});
}

interface SchemaLike {
  shape?: Record<string, SchemaLike>;
  element?: SchemaLike;
  def?: { innerType?: SchemaLike };
}

function unwrap(schema: SchemaLike): SchemaLike {
  let inner = schema;
  while (inner.shape === undefined && inner.element === undefined && inner.def?.innerType !== undefined)
    inner = inner.def.innerType;
  return inner;
}

/** Mistakes that only show in the whole. */
function checkTogether(config: ConfigFile, where: Where): string[] {
  const mistakes: string[] = [];
  const unique = (list: { name: string }[], key: string): void => {
    list.forEach(({ name }, index) => {
      if (list.findIndex((other) => other.name.toLowerCase() === name.toLowerCase()) < index) {
        mistakes.push(`${where([key, index, 'name'])}: ${name} is there twice`);
      }
    });
  };
  unique(config.repos, 'repos');
  unique(config.agents, 'agents');
  config.agents.forEach(({ driver }, index) => {
    if (driver === 'scripted' && config.drivers.scripted === undefined)
      mistakes.push(`${where(['agents', index, 'driver'])}: drivers.scripted.script says nothing of its script`);
    if (driver === 'command' && config.drivers.command === undefined)
      mistakes.push(`${where(['agents', index, 'driver'])}: drivers.command.run says nothing of its command`);
  });
  const host = config.operator.listen.replace(/:\d+$/, '');
  if (!/^(127\.|localhost$|\[?::1\]?$)/.test(host) && config.operator.token === '') {
    mistakes.push(
      `${where(['operator', 'listen'])}: ${host} is not loopback; set operator.token, or listen on 127.0.0.1`,
    );
  }
  return mistakes;
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

function secretsOf(config: ConfigFile): string[] {
  const { nats, webhooks, operator, github, linear, agents } = config;
  return [
    nats?.password,
    nats?.token,
    webhooks.github.secret,
    webhooks.linear.secret,
    operator.token,
    github.token,
    github.app?.privateKey,
    linear.token,
    ...agents.map((agent) => agent.github?.token),
  ].filter((value): value is string => value !== undefined && value !== '');
}

const firstLine = (text: string): string => text.split('\n')[0]!;

/** What is wrong with a configuration, each mistake as one sentence with its place and what would be right. */
import type { z } from 'zod';
import { editDistance } from '../actor/edits.ts';
import { hasPlaceholder, literalPart } from './expand.ts';
import { roleOf } from './roles.ts';
import type { Roles } from './roles.ts';
import { missingDriver } from './configured.ts';
import { DRIVERS, SECRET_PATHS, configSchema } from './schema.ts';
import type { Where } from './source.ts';

/** More edits than this and it is another word. */
const NEAR_EDITS_MAX = 3;

/** The sentences for one issue of the schema. `value` is what stands at a path, to find the name that was meant. */
export function explain(
  issue: z.core.$ZodIssue,
  where: Where,
  value: (keys: readonly PropertyKey[]) => unknown,
): string[] {
  if (issue.code === 'unrecognized_keys') {
    const known = Object.keys(schemaAt(issue.path)?.shape ?? {});
    return issue.keys.map((key) => `${where([...issue.path, key])}: unknown key${hint(key, known)}`);
  }
  const place = where(issue.path);
  const means = schemaAt(issue.path)?.description;
  const wanted = means === undefined ? '' : ` (${means})`;
  if (issue.code === 'invalid_value') {
    const given = value(issue.path);
    const near = typeof given === 'string' ? nearest(given, issue.values.map(String)) : undefined;
    const meant = near === undefined ? '' : `; did you mean ${near}?`;
    return [`${place}: must be ${issue.values.map(String).join(' or ')}${meant}`];
  }
  if (issue.code === 'invalid_type') {
    if (value(issue.path) === undefined) return [`${place}: is missing${wanted}`];
    return [`${place}: must be ${WORDS[issue.expected] ?? issue.expected}${wanted}`];
  }
  if (issue.code === 'invalid_union') return [`${place}: is not what can stand here${aroundMeans(issue.path)}`];
  if (issue.code === 'too_small' && issue.origin !== 'string') return [`${place}: must be at least ${issue.minimum}`];
  if (issue.code === 'too_big' && issue.origin !== 'string') return [`${place}: must be at most ${issue.maximum}`];
  // A name in a list of names: what is wrong with it says the name's own rule.
  if (issue.code === 'invalid_key') return issue.issues.map(({ message }) => `${place}: ${message}`);
  return [`${place}: ${issue.message}`];
}

/** What the schema says of a place, or of what it is a part of. */
function aroundMeans(keys: readonly PropertyKey[]): string {
  for (let depth = keys.length; depth > 0; depth--) {
    const means = schemaAt(keys.slice(0, depth))?.description;
    if (means !== undefined) return ` (${means})`;
  }
  return '';
}

/** Words of people for the types of the schema. */
const WORDS: Record<string, string> = {
  string: 'a text (in quotes if it looks like a number)',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'keys with values',
  record: 'keys with values',
};

function hint(name: string, known: string[]): string {
  const near = nearest(name, known);
  if (near !== undefined) return `; did you mean ${near}?`;
  return known.length === 0 ? '' : `; known: ${known.join(', ')}`;
}

function nearest(name: string, known: readonly string[]): string | undefined {
  return known
    .map((candidate) => ({ candidate, edits: editDistance(candidate.toLowerCase(), name.toLowerCase()) }))
    .filter(({ candidate, edits }) => edits <= Math.min(NEAR_EDITS_MAX, candidate.length - 1))
    .sort((a, b) => a.edits - b.edits)[0]?.candidate;
}

export interface SchemaNode {
  type?: string;
  description?: string | undefined;
  shape?: Record<string, unknown>;
  element?: unknown;
}

/** The part of the schema that describes a path, without what only wraps it (defaults, optional). */
export function schemaAt(keys: readonly PropertyKey[]): SchemaNode | undefined {
  let node = unwrap(configSchema);
  for (const key of keys) {
    const next = typeof key === 'number' ? node.element : node.shape?.[String(key)];
    if (next === undefined) return undefined;
    node = unwrap(next);
  }
  return node;
}

function unwrap(schema: unknown): SchemaNode {
  let inner = schema as SchemaNode & { def?: { innerType?: unknown } };
  let { description } = inner;
  while (inner.def?.innerType !== undefined) {
    inner = inner.def.innerType as typeof inner;
    description ??= inner.description;
  }
  const { type, shape, element } = inner;
  return {
    description,
    ...(type === undefined ? {} : { type }),
    ...(shape === undefined ? {} : { shape }),
    ...(element === undefined ? {} : { element }),
  };
}

/** Secrets that stand in the file itself, where backups and colleagues read them. */
export function checkSecrets(value: unknown, keys: PropertyKey[], where: Where, mistakes: string[]): void {
  if (value !== null && typeof value === 'object') {
    for (const [key, inner] of Object.entries(value)) {
      checkSecrets(inner, [...keys, Array.isArray(value) ? Number(key) : key], where, mistakes);
    }
    return;
  }
  const text = typeof value === 'number' ? String(value) : value;
  if (typeof text !== 'string' || text === '') return;
  const pattern = keys.map((key) => (typeof key === 'number' ? '*' : String(key))).join('.');
  if (SECRET_PATHS.includes(pattern)) {
    if (!hasPlaceholder(text) || literalPart(text) !== '') {
      mistakes.push(
        `${where(keys)}: a secret may not stand in the file; write \${NAME} (a variable, or NAME_FILE) or \${file:path}`,
      );
    }
  } else if (/^[a-z][a-z0-9+.-]*:\/\/[^/?#\s]*:[^/?#\s]+@/i.test(literalPart(text))) {
    mistakes.push(`${where(keys)}: this URL has a password in it; write \${NAME} or \${file:path} in its place`);
  }
}

/** What the parts of a configuration say about each other; absent where that is left out or is not what can stand there. */
export interface Outline {
  repos: { name?: string }[];
  agents: { name?: string; role?: string; driver?: string }[];
  drivers: { scripted?: unknown; command?: unknown; acp?: unknown; own?: Record<string, unknown> };
  operator: { listen?: string; token?: string };
  roles?: string;
}

/** Read from values that nobody checked: what is wrong with one part does not hide what is wrong between others. */
export function outlineOf(values: Record<string, unknown>): Outline {
  const part = (value: unknown): Record<string, unknown> =>
    value !== null && typeof value === 'object' && !Array.isArray(value) ? (value as Record<string, unknown>) : {};
  const list = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);
  const words = <Key extends string>(value: unknown, ...keys: Key[]): { [K in Key]?: string } => {
    const found = keys.flatMap((key) => {
      const word = part(value)[key];
      return typeof word === 'string' ? [[key, word]] : [];
    });
    return Object.fromEntries(found) as { [K in Key]?: string };
  };
  return {
    repos: list(values['repos']).map((repo) => words(repo, 'name')),
    agents: list(values['agents']).map((agent) => words(agent, 'name', 'role', 'driver')),
    drivers: { ...part(values['drivers']), own: part(part(values['drivers'])['own']) },
    operator: words(values['operator'], 'listen', 'token'),
    ...words(values, 'roles'),
  };
}

/** Mistakes that only show in the whole. */
export function checkTogether(config: Outline, roles: Roles | null, where: Where): string[] {
  const mistakes: string[] = [];
  const unique = (list: { name?: string }[], key: string): void => {
    list.forEach(({ name }, index) => {
      if (name === undefined) return;
      if (list.findIndex((other) => other.name?.toLowerCase() === name.toLowerCase()) < index) {
        mistakes.push(`${where([key, index, 'name'])}: ${name} is there twice`);
      }
    });
  };
  unique(config.repos, 'repos');
  unique(config.agents, 'agents');
  config.agents.forEach((agent, index) => {
    const role = roles === null || agent.role === undefined ? undefined : roleOf(roles, agent.role);
    if (roles !== null && role === undefined && agent.role !== undefined) {
      mistakes.push(
        `${where(['agents', index, 'role'])}: there is no role ${agent.role}${hint(agent.role, [...roles.keys()])}`,
      );
    }
    const driver = agent.driver ?? role?.driver;
    const place = where(['agents', index, 'driver']);
    if (driver === undefined) return;
    const known = [...DRIVERS, ...Object.keys(config.drivers.own ?? {})];
    const missing = known.includes(driver)
      ? missingDriver(driver, config.drivers)
      : `there is no driver ${driver}${hint(driver, known)}`;
    if (missing !== null) mistakes.push(`${place}: ${missing}`);
  });
  const host = config.operator.listen?.replace(/:\d+$/, '') ?? 'localhost';
  if (!/^(127\.|localhost$|\[?::1\]?$)/.test(host) && (config.operator.token ?? '') === '') {
    mistakes.push(
      `${where(['operator', 'listen'])}: ${host} is not loopback; set operator.token, or listen on 127.0.0.1`,
    );
  }
  return mistakes;
}

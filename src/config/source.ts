/** The file as it was written: its values, and on which line each stands, so that a mistake can be shown to its author. */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { LineCounter, isMap, isScalar, parseDocument } from 'yaml';
import type { Document } from 'yaml';
import { RejectedInput } from '../errors.ts';
import type { Env } from './expand.ts';

/** `chartroom.yaml:12 repos[0].merge`: where a key stands, or the nearest thing around it. */
export type Where = (keys: readonly PropertyKey[]) => string;

export interface Source {
  /** null = no file was found, all is default. */
  file: string | null;
  /** Relative paths in it are relative to this. */
  directory: string;
  values: Record<string, unknown>;
  where: Where;
}

/** @throws RejectedInput `CONFIG` when the file named is not there or is not YAML */
export function readSource(wanted: string | undefined, env: Env, cwd: string): Source {
  const file = findFile(wanted, env, cwd);
  const directory = file === null ? cwd : path.dirname(file);
  const name = file === null ? 'the defaults' : path.basename(file);
  const lines = new LineCounter();
  const document = parseDocument(file === null ? '' : readFile(file), { lineCounter: lines });
  const mistakes = document.errors.map(
    (error) => `${name}:${lines.linePos(error.pos[0]).line}: ${error.message.split('\n')[0]!.replace(/:$/, '')}`,
  );
  if (mistakes.length === 0 && document.contents !== null && !isMap(document.contents)) {
    mistakes.push(`${name}:1: must be keys with values, e.g. namespace: chartroom`);
  }
  if (mistakes.length > 0) throw new RejectedInput('CONFIG', `${file} is not valid YAML`, mistakes);
  return {
    file,
    directory,
    values: withoutNulls(document.toJS() ?? {}) as Record<string, unknown>,
    where: (keys) => place(document, lines, keys, name),
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

function readFile(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new RejectedInput('CONFIG', `${file} cannot be read: ${(error as Error).message}`);
  }
}

/** `webhooks:` with everything under it commented out is the same as no `webhooks:`. */
function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, inner]) => inner !== null)
      .map(([key, inner]) => [key, withoutNulls(inner)]),
  );
}

/** `repos[0].merge` */
export const dotted = (keys: readonly PropertyKey[]): string =>
  keys
    .map((key) => (typeof key === 'number' ? `[${key}]` : `.${String(key)}`))
    .join('')
    .replace(/^\./, '');

function place(document: Document, lines: LineCounter, keys: readonly PropertyKey[], name: string): string {
  for (let depth = keys.length; depth >= 0; depth--) {
    const offset = offsetOf(document, keys.slice(0, depth));
    if (offset !== null) return `${name}:${lines.linePos(offset).line} ${dotted(keys)}`.trim();
  }
  return `${name} ${dotted(keys)}`.trim();
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

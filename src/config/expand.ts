/**
 * `${NAME}`, `${NAME:-default}` and `${file:path}` in values of the configuration. A variable NAME may also be given
 * as the file that `NAME_FILE` names, or as a systemd credential of that name.
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';

export type Env = Readonly<Record<string, string | undefined>>;

const PLACEHOLDER = /\$\{(file:)?([^}:]+)(?::-([^}]*))?\}/g;

export const hasPlaceholder = (text: string): boolean => text.search(PLACEHOLDER) >= 0;

/** What would stand in the file for all to read: the text around placeholders, and their defaults. */
export const literalPart = (text: string): string =>
  text.replace(PLACEHOLDER, (_whole, _file, _name, otherwise: string | undefined) => otherwise ?? '');

/** The value with everything put in, or why that is not possible (all of it, never with a value in it). */
export function expand(text: string, env: Env, directory: string): { value: string } | { mistakes: string[] } {
  const mistakes: string[] = [];
  const value = text.replace(
    PLACEHOLDER,
    (_whole, file: string | undefined, name: string, otherwise: string | undefined) => {
      const found = file === undefined ? lookUp(name, env) : contentOf(path.resolve(directory, name));
      if (found.value !== undefined) return found.value;
      if (otherwise !== undefined && found.unreadable === undefined) return otherwise;
      if (found.unreadable !== undefined) mistakes.push(`the file ${found.unreadable} cannot be read`);
      else {
        mistakes.push(
          `the variable ${name} is not set (nor ${name}_FILE); set it, or write \${${name}:-} if it may be empty`,
        );
      }
      return '';
    },
  );
  return mistakes.length === 0 ? { value } : { mistakes };
}

/** A variable, its `*_FILE`, or a credential systemd handed over; null = none of them. */
export function variable(name: string, env: Env): string | null {
  return lookUp(name, env).value ?? null;
}

interface Found {
  value?: string;
  /** A file that was named and is not there: a default must not hide that. */
  unreadable?: string;
}

function lookUp(name: string, env: Env): Found {
  const direct = env[name];
  if (direct !== undefined && direct !== '') return { value: direct };
  const file = env[`${name}_FILE`];
  if (file !== undefined && file !== '') return contentOf(file);
  const credentials = env['CREDENTIALS_DIRECTORY'];
  if (credentials === undefined) return {};
  const credential = contentOf(path.join(credentials, name));
  return credential.value === undefined ? {} : credential;
}

function contentOf(file: string): Found {
  try {
    return { value: readFileSync(file, 'utf8').trimEnd() };
  } catch {
    return { unreadable: file };
  }
}

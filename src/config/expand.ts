/**
 * `${NAME}`, `${NAME:-default}` and `${file:path}` in values of the configuration. A variable NAME may also be given
 * as the file `NAME_FILE` names, or as a systemd credential of that name.
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';

export type Env = Readonly<Record<string, string | undefined>>;

const PLACEHOLDER = /\$\{(file:)?([^}:]+)(?::-([^}]*))?\}/g;

export const hasPlaceholder = (text: string): boolean => text.search(PLACEHOLDER) >= 0;

/** The value with everything put in, or why that is not possible. */
export function expand(text: string, env: Env, directory: string): { value: string } | { mistake: string } {
  let mistake: string | null = null;
  const value = text.replace(
    PLACEHOLDER,
    (_whole, file: string | undefined, name: string, otherwise: string | undefined) => {
      const found = file === undefined ? variable(name, env) : contentOf(path.resolve(directory, name));
      if (found !== null) return found;
      if (otherwise !== undefined) return otherwise;
      mistake ??=
        file === undefined
          ? `the variable ${name} is not set (nor ${name}_FILE); write \${${name}:-} if it may be empty`
          : `the file ${name} cannot be read`;
      return '';
    },
  );
  return mistake === null ? { value } : { mistake };
}

/** A variable, its `*_FILE`, or a credential systemd handed over. */
export function variable(name: string, env: Env): string | null {
  const direct = env[name];
  if (direct !== undefined && direct !== '') return direct;
  const file = env[`${name}_FILE`];
  if (file !== undefined) return contentOf(file);
  const credentials = env['CREDENTIALS_DIRECTORY'];
  return credentials === undefined ? null : contentOf(path.join(credentials, name));
}

function contentOf(file: string): string | null {
  try {
    return readFileSync(file, 'utf8').trimEnd();
  } catch {
    return null;
  }
}

/** How a thread of codex is set up: where it works, what it may do, which model it asks. */
import { readFileSync } from 'node:fs';
import { packageFile } from '../../package.ts';
import type { Seat } from '../driver.ts';
import type { Json } from '../rpc.ts';

export interface CodexOptions {
  /** Default: `codex` on the PATH. */
  program?: string | undefined;
  /** More of its command line, after `app-server`. */
  args?: readonly string[] | undefined;
  model?: string | undefined;
  /** Codex's own words. Inside `workspace-write` it may not commit: git's files lie outside of the worktree. */
  sandbox?: 'read-only' | 'workspace-write' | 'danger-full-access' | undefined;
  /** Its configuration, as `-c key=value` takes it. */
  config?: Readonly<Record<string, string | number | boolean>> | undefined;
}

/** Whose app-server this was written and tested against. */
export const KNOWN = '0.163 to 0.171';

/** Whoever may not write beside the worktree cannot commit in it. */
export const SANDBOX = 'danger-full-access';

export const setting = ({ config = {} }: CodexOptions): string[] =>
  Object.entries(config).flatMap(([key, value]) => ['-c', `${key}=${JSON.stringify(value)}`]);

export function greeting(): Json {
  const { version } = JSON.parse(readFileSync(packageFile('package.json'), 'utf8')) as { version: string };
  return { clientInfo: { name: 'chartroom', title: 'Chartroom', version }, capabilities: null };
}

export function threadOf({ cwd, allow }: Seat, { model, sandbox = SANDBOX }: CodexOptions): Json {
  return {
    cwd,
    sandbox,
    approvalPolicy: allow === 'everything' ? 'never' : 'untrusted',
    ...(model === undefined ? {} : { model }),
  };
}

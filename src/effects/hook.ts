/** The repository's own preparation of a worktree, `.chartroom/hooks/prepare`, bounded in time and in what it is given. */
import { constants } from 'node:fs';
import { access, lstat, realpath } from 'node:fs/promises';
import path from 'node:path';
import { execa } from 'execa';
import { TerminalError } from '../errors.ts';

export const PREPARE_HOOK = '.chartroom/hooks/prepare';
/** A preparation that takes longer belongs into the run. */
const HOOK_MS_MAX = 120_000;
const OUTPUT_MAX = 1_000;

/**
 * Runs the hook where there is one. It gets no credential: it is code of the branch.
 * @throws TerminalError `HOOK_FAILED` with the end of its output, `WORKTREE_UNSAFE` where it lies outside.
 */
export async function runPrepareHook(
  worktree: string,
  env: Record<string, string>,
  signal: AbortSignal,
  limitMs = HOOK_MS_MAX,
): Promise<boolean> {
  const file = path.join(worktree, PREPARE_HOOK);
  if ((await lstat(file).catch(() => null)) === null) return false;
  const [real, root] = await Promise.all([realpath(file), realpath(worktree)]);
  if (!real.startsWith(root + path.sep)) {
    throw new TerminalError('WORKTREE_UNSAFE', `${PREPARE_HOOK} points outside of the worktree`);
  }
  if (!(await isExecutable(real))) throw new TerminalError('HOOK_FAILED', `${PREPARE_HOOK} is not executable`);
  const child = execa(real, [], {
    cwd: worktree,
    extendEnv: false,
    env,
    stdin: 'ignore',
    all: true,
    reject: false,
    detached: true,
    cleanup: false,
    maxBuffer: 4 * 1_024 * 1_024,
  });
  let why = '';
  // The whole group: what the hook started must not outlive it.
  const end = (reason: string): void => {
    why = reason;
    if (child.pid !== undefined) killGroup(child.pid);
  };
  const timer = setTimeout(() => end(`took longer than ${Math.round(limitMs / 1_000)} s`), limitMs);
  const abort = (): void => end('was cut off');
  signal.addEventListener('abort', abort);
  try {
    const result = await child;
    if (signal.aborted) throw signal.reason;
    if (!result.failed && why === '') return true;
    const output = result.all.trim().slice(-OUTPUT_MAX);
    const how = why === '' ? `ended with ${result.exitCode ?? result.signal ?? '?'}` : why;
    throw new TerminalError('HOOK_FAILED', `${PREPARE_HOOK} ${how}${output === '' ? '' : `: ${output}`}`);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', abort);
    if (child.pid !== undefined) killGroup(child.pid);
  }
}

async function isExecutable(file: string): Promise<boolean> {
  return access(file, constants.X_OK).then(
    () => true,
    () => false,
  );
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // Already gone.
  }
}

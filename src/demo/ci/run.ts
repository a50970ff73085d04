/** One test run for real: this head in a directory of its own, the repository's own test script, and what came out. */
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, realpath, rm } from 'node:fs/promises';
import path from 'node:path';
import { execa } from 'execa';
import { z } from 'zod';
import type { Blame } from './annotations.ts';
import { blamesIn, plain, tailOf } from './annotations.ts';

export interface RunOptions {
  /** Where to clone from. */
  gitUrl: string;
  /** As password; it reaches git by its environment, never a command line. */
  token: string;
  head: string;
  /** What to run; absent: the `test` script of the repository's package.json. */
  command?: readonly string[] | undefined;
  /** Checkouts are made in here and removed again. */
  directory: string;
  timeoutMs: number;
  signal: AbortSignal;
  /** The process group that runs now. */
  started(pid: number): void;
}

export interface RunResult {
  conclusion: 'success' | 'failure' | 'neutral' | 'cancelled' | 'timed_out';
  title: string;
  /** The end of the log. */
  log: string;
  blames: Blame[];
  /** Parents of the head. */
  parents: string[];
}

/** GitHub's limit for a text is 65,535 characters. */
const LOG_LENGTH_MAX = 20_000;
/** A script that writes more than this is cut off. */
const OUTPUT_BYTES_MAX = 16 * 1024 * 1024;
const GIT_MS_MAX = 60_000;
/** A killed group's output closes at once. */
const OUTPUT_CLOSES_MS = 1_000;

const manifest = z.object({ scripts: z.object({ test: z.string() }).partial().optional() });

export async function runTests(options: RunOptions): Promise<RunResult> {
  const directory = await realpath(await mkdtemp(path.join(options.directory, `${options.head.slice(0, 8)}-`)));
  try {
    const parents = await checkOut(directory, options);
    const command = options.command ?? (await ownScript(directory));
    if (command === undefined) {
      return { conclusion: 'neutral', title: 'This repository has no test script', log: '', blames: [], parents };
    }
    return { ...(await run(directory, command, options)), parents };
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** The head and its parents, nothing more. */
async function checkOut(directory: string, { gitUrl, token, head, signal }: RunOptions): Promise<string[]> {
  const credential = Buffer.from(`x-access-token:${token}`).toString('base64');
  const git = async (...args: string[]): Promise<string> => {
    const { stdout } = await execa('git', args, {
      cwd: directory,
      timeout: GIT_MS_MAX,
      cancelSignal: signal,
      env: {
        GIT_CONFIG_GLOBAL: '/dev/null',
        GIT_CONFIG_NOSYSTEM: '1',
        GIT_TERMINAL_PROMPT: '0',
        GIT_CONFIG_COUNT: '1',
        GIT_CONFIG_KEY_0: 'http.extraHeader',
        GIT_CONFIG_VALUE_0: `Authorization: Basic ${credential}`,
      },
    });
    return stdout;
  };
  await git('init', '--quiet');
  await git('fetch', '--quiet', '--depth=2', gitUrl, head);
  await git('checkout', '--quiet', '--detach', 'FETCH_HEAD');
  const [, ...parents] = (await git('rev-list', '--parents', '--max-count=1', 'HEAD')).split(' ');
  return parents;
}

/** The `test` script, for the shell, as npm would run it. */
async function ownScript(directory: string): Promise<string[] | undefined> {
  const file = path.join(directory, 'package.json');
  if (!existsSync(file)) return undefined;
  const script = manifest.parse(JSON.parse(await readFile(file, 'utf8'))).scripts?.test;
  return script === undefined ? undefined : ['sh', '-c', script];
}

async function run(
  directory: string,
  command: readonly string[],
  { timeoutMs, signal, started }: RunOptions,
): Promise<Omit<RunResult, 'parents'>> {
  const [file = 'false', ...args] = command;
  const child = execa(file, args, {
    cwd: directory,
    all: true,
    stdin: 'ignore',
    reject: false,
    detached: true,
    cleanup: false,
    maxBuffer: OUTPUT_BYTES_MAX,
    // A test runner that finds another's context in its environment speaks that one's protocol.
    env: {
      CI: 'true',
      NO_COLOR: '1',
      NODE_TEST_CONTEXT: undefined,
      NODE_OPTIONS: undefined,
      NODE_V8_COVERAGE: undefined,
    },
  });
  const { pid } = child;
  const end = (): void => {
    if (pid !== undefined) endGroup(pid);
    // What left the group on purpose may hold the output open; it is not waited for.
    deaf ??= setTimeout(() => {
      child.stdout.destroy();
      child.stderr.destroy();
    }, OUTPUT_CLOSES_MS);
  };
  let deaf: NodeJS.Timeout | undefined;
  let timedOut = false;
  const timer = setTimeout(() => {
    timedOut = true;
    end();
  }, timeoutMs);
  signal.addEventListener('abort', end, { once: true });
  try {
    if (pid !== undefined) started(pid);
    if (signal.aborted) end();
    const result = await child;
    const log = plain(result.all ?? '');
    const conclusion = conclude(result.exitCode, timedOut, signal.aborted);
    const ours = (name: string): boolean => existsSync(path.join(directory, name));
    return {
      conclusion,
      title: titleOf(conclusion, result.exitCode, timeoutMs),
      log: tailOf(log.replaceAll(`${directory}/`, ''), LOG_LENGTH_MAX),
      blames: conclusion === 'failure' ? blamesIn(log, directory, ours) : [],
    };
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', end);
    end();
    clearTimeout(deaf);
  }
}

/** The script and whatever it left running. */
function endGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // The group is gone already.
  }
}

function conclude(exitCode: number | undefined, timedOut: boolean, aborted: boolean): RunResult['conclusion'] {
  if (aborted) return 'cancelled';
  if (timedOut) return 'timed_out';
  return exitCode === 0 ? 'success' : 'failure';
}

function titleOf(conclusion: RunResult['conclusion'], exitCode: number | undefined, timeoutMs: number): string {
  switch (conclusion) {
    case 'success':
      return 'The tests passed';
    case 'failure':
      return `The tests failed (${exitCode === undefined ? 'ended by a signal' : `exit code ${exitCode}`})`;
    case 'timed_out':
      return `The tests took longer than ${Math.round(timeoutMs / 1000)} s`;
    case 'cancelled':
      return 'Cancelled';
    case 'neutral':
      return 'Nothing to test';
  }
}

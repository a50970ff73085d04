/**
 * The git program, run so that neither a repository's own configuration nor its hooks do anything of theirs, and so
 * that a credential reaches only the host it is for. A failure says whether the outside may say yes later.
 */
import { execa } from 'execa';
import { TerminalError, TransientError } from '../errors.ts';

/** A git call that takes longer than this hangs: a first clone of a large repository is the slowest there is. */
const GIT_MS_MAX = 300_000;
/** Output beyond this is no list of ours. */
const GIT_OUTPUT_MAX = 64 * 1_024 * 1_024;
/** Of what git said, this much goes into a reason. */
const REASON_MAX = 600;

export interface GitOptions {
  cwd: string;
  /** Another index than the work tree's own. */
  index?: string;
  credential?: GitCredential;
  /** What git reads from its standard input; without it there is none. */
  input?: string;
  signal?: AbortSignal;
}

export interface GitCredential {
  /** `https://github.com`: the credential is given to this origin and no other. */
  origin: string;
  username: string;
  password: string;
}

export interface GitResult {
  ok: boolean;
  stdout: string;
  stderr: string;
}

export interface Person {
  name: string;
  email: string;
}

export interface Git {
  /** Runs git; a failure is a value. */
  ask(args: readonly string[], options: GitOptions): Promise<GitResult>;
  /** Runs git; what it printed. @throws TerminalError `GIT_FAILED`. */
  run(args: readonly string[], options: GitOptions): Promise<string>;
  /** Runs a git call that speaks to a remote. @throws TransientError `GIT_UNREACHABLE`, TerminalError `GIT_REFUSED`. */
  remote(args: readonly string[], options: GitOptions): Promise<string>;
}

/** Hooks and monitors are programs a run may have left in the shared clone; they are not ours to start. */
const SAFE = ['core.hooksPath=/dev/null', 'core.fsmonitor=false', 'commit.gpgSign=false', 'rerere.enabled=false'];
const HELPER =
  '!f() { test "$1" = get && printf "username=%s\\npassword=%s\\n" "$CHARTROOM_GIT_USERNAME" "$CHARTROOM_GIT_PASSWORD"; }; f';

/** `env`: PATH and whatever else git needs here (HOME, SSH_AUTH_SOCK, proxies); nothing else is inherited. */
export function createGit({ env, person }: { env: Record<string, string>; person: Person }): Git {
  const identity = {
    GIT_AUTHOR_NAME: person.name,
    GIT_AUTHOR_EMAIL: person.email,
    GIT_COMMITTER_NAME: person.name,
    GIT_COMMITTER_EMAIL: person.email,
  };

  async function ask(
    args: readonly string[],
    { cwd, index, credential, input, signal }: GitOptions,
  ): Promise<GitResult> {
    const settings = [...SAFE, 'credential.helper='];
    if (credential !== undefined) settings.push(`credential.${credential.origin}.helper=${HELPER}`);
    const result = await execa('git', [...settings.flatMap((setting) => ['-c', setting]), ...args], {
      cwd,
      extendEnv: false,
      env: {
        ...env,
        ...identity,
        LC_ALL: 'C',
        GIT_TERMINAL_PROMPT: '0',
        GIT_EDITOR: 'true',
        ...(index === undefined ? {} : { GIT_INDEX_FILE: index }),
        ...(credential === undefined
          ? {}
          : { CHARTROOM_GIT_USERNAME: credential.username, CHARTROOM_GIT_PASSWORD: credential.password }),
      },
      ...(input === undefined ? { stdin: 'ignore' } : { input }),
      reject: false,
      timeout: GIT_MS_MAX,
      maxBuffer: GIT_OUTPUT_MAX,
      ...(signal === undefined ? {} : { cancelSignal: signal }),
    });
    if (signal?.aborted === true) throw signal.reason;
    return { ok: !result.failed, stdout: result.stdout, stderr: result.stderr };
  }

  return {
    ask,
    async run(args, options) {
      const result = await ask(args, options);
      if (!result.ok) throw new TerminalError('GIT_FAILED', reasonOf(args, result));
      return result.stdout;
    },
    async remote(args, options) {
      const result = await ask(args, options);
      if (result.ok) return result.stdout;
      const reason = reasonOf(args, result);
      if (REFUSED.test(result.stderr)) throw new TerminalError('GIT_REFUSED', reason);
      throw new TransientError('GIT_UNREACHABLE', reason);
    },
  };
}

/** Words of git and GitHub for a no that stays a no; everything else may be the network. */
const REFUSED =
  /Authentication failed|could not read (?:Username|Password)|Permission (?:to .* )?denied|Repository not found|repository .* not found|does not appear to be a git repository|The requested URL returned error: 40[134]/i;

function reasonOf(args: readonly string[], { stderr }: GitResult): string {
  const said = stderr
    .trim()
    .slice(-REASON_MAX)
    .split(/\s*\n\s*/)
    .join(' · ');
  return `git ${args[0] ?? ''}: ${said || 'failed without a word'}`;
}

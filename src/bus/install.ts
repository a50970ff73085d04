/** Finding nats-server, and bringing it where it is missing and this may be done without asking. */
import { execFile } from 'node:child_process';
import { constants, existsSync } from 'node:fs';
import { access } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

type Env = Readonly<Record<string, string | undefined>>;

/** Path of nats-server: `CHARTROOM_NATS_SERVER`, else on PATH, else where Debian and Homebrew put it; null = not there. */
export async function findNatsServer(env: Env = process.env): Promise<string | null> {
  const named = env['CHARTROOM_NATS_SERVER'];
  if (named !== undefined && named !== '') return (await isProgram(named)) ? named : null;
  const folders = [...(env['PATH'] ?? '').split(path.delimiter), '/usr/sbin', '/usr/local/bin', '/opt/homebrew/bin'];
  for (const folder of folders.filter((folder) => folder !== '')) {
    const candidate = path.join(folder, 'nats-server');
    if (await isProgram(candidate)) return candidate;
  }
  return null;
}

const isProgram = (file: string): Promise<boolean> =>
  access(file, constants.X_OK).then(
    () => true,
    () => false,
  );

export type Installed = { ok: true; path: string } | { ok: false; run: string; why: string };

interface Machine {
  env?: Env;
  platform?: NodeJS.Platform;
  uid?: number | undefined;
}

/** A package manager that takes longer is stuck (a lock, a mirror that does not answer). */
const INSTALL_TIMEOUT_MS = 300_000;
const APT = 'apt-get update && apt-get install -y --no-install-recommends nats-server';

/**
 * Installs nats-server with the system's package manager: apt-get as root on Debian and Ubuntu, Homebrew elsewhere.
 * `say` gets one line before and one after. Where it may not or cannot: the one line for a person to run.
 */
export async function installNatsServer(say: (line: string) => void, machine: Machine = {}): Promise<Installed> {
  const { env = process.env, platform = process.platform, uid = process.getuid?.() } = machine;
  const way = await wayToInstall(env, platform, uid);
  if (!way.may) return { ok: false, run: way.run, why: 'nats-server is not installed' };
  say(`nats-server is missing; installing it: ${way.run}`);
  try {
    for (const [program, ...args] of way.steps) {
      await run(program!, args, {
        env: { ...env, DEBIAN_FRONTEND: 'noninteractive' },
        timeout: INSTALL_TIMEOUT_MS,
        maxBuffer: 64 * 1_048_576,
      });
    }
  } catch (error) {
    const { stderr, message } = error as { stderr?: string; message: string };
    return { ok: false, run: way.run, why: lastLine(stderr ?? '') || message };
  }
  const found = await findNatsServer(env);
  if (found === null) return { ok: false, run: way.run, why: 'nats-server was installed but is nowhere to be found' };
  say(`nats-server is installed: ${found}`);
  return { ok: true, path: found };
}

interface Way {
  may: boolean;
  run: string;
  steps: string[][];
}

async function wayToInstall(env: Env, platform: NodeJS.Platform, uid: number | undefined): Promise<Way> {
  const has = async (program: string): Promise<boolean> => {
    for (const folder of (env['PATH'] ?? '').split(path.delimiter)) {
      if (folder !== '' && (await isProgram(path.join(folder, program)))) return true;
    }
    return false;
  };
  if (platform === 'linux' && existsSync('/etc/debian_version') && (await has('apt-get'))) {
    const steps = [
      ['apt-get', 'update', '-qq'],
      ['apt-get', 'install', '-y', '-qq', '--no-install-recommends', 'nats-server'],
    ];
    return uid === 0 ? { may: true, run: APT, steps } : { may: false, run: `sudo sh -c '${APT}'`, steps };
  }
  if (await has('brew')) {
    return { may: true, run: 'brew install nats-server', steps: [['brew', 'install', 'nats-server']] };
  }
  const run =
    platform === 'darwin' ? 'brew install nats-server' : 'go install github.com/nats-io/nats-server/v2@latest';
  return { may: false, run, steps: [] };
}

const lastLine = (text: string): string => text.trim().split('\n').at(-1) ?? '';

/**
 * A private nats-server for whoever has none: started with the shipped nats.conf on loopback, with its own store,
 * passwords and log under one directory. It outlives a killed `up` and is taken over by the next.
 */
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { closeSync, openSync } from 'node:fs';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import net from 'node:net';
import path from 'node:path';
import { z } from 'zod';
import { realClock } from '../clock.ts';
import type { Clock } from '../clock.ts';
import { RejectedInput, TerminalError } from '../errors.ts';
import { packageFile } from '../package.ts';
import { findNatsServer } from './install.ts';
import { startOf } from './process.ts';
import { checkNamespace, streamName } from './subject.ts';

export { findNatsServer, installNatsServer } from './install.ts';
export type { Installed } from './install.ts';

/** The users of nats.conf; each has its own password. */
export const NATS_USERS = ['runtime', 'bridge', 'operator', 'reader'] as const;
export type NatsUser = (typeof NATS_USERS)[number];

/** What a client needs to connect as one of them. */
export interface NatsAccess {
  servers: string;
  user: NatsUser;
  pass: string;
}

export interface NatsServer {
  url: string;
  pid: number;
  /** It was running already, from an earlier `up` that did not end well. */
  takenOver: boolean;
  access(user: NatsUser): NatsAccess;
  /** Ends it, within its bound by force; what it stored stays. */
  stop(): Promise<void>;
}

export interface NatsServerOptions {
  /** Everything of the server is in here: `store/`, `server.log`, `server.json`, `passwords.json` (mode 600). */
  directory: string;
  namespace: string;
  /** Default: a free one, the same as before where that is possible. */
  port?: number | undefined;
  /** Default: found by `findNatsServer`. */
  program?: string | undefined;
  clock?: Clock | undefined;
}

const running = z.object({ pid: z.number().int(), start: z.string(), url: z.string(), port: z.number().int() });
type Running = z.infer<typeof running>;
const passwords = z.record(z.enum(NATS_USERS), z.string());

/** A large store is read before the server listens. */
const READY_MAX_MS = 30_000;
const GREETING_MAX_MS = 3_000;
const STOP_MAX_MS = 10_000;
const POLL_MS = 15;

/**
 * Starts the server, or takes over the one that still runs in this directory. The caller holds the data directory's
 * lock: two servers on one store would spoil it.
 * @throws TerminalError `NATS_MISSING` | `NATS_START`; RejectedInput `PORT_TAKEN`
 */
export async function startNatsServer(options: NatsServerOptions): Promise<NatsServer> {
  const { directory, clock = realClock } = options;
  const namespace = checkNamespace(options.namespace);
  await mkdir(path.join(directory, 'store'), { recursive: true, mode: 0o700 });
  const secrets = await ensurePasswords(directory);
  const before = await readRunning(directory);
  const serverOf = ({ url, pid, start }: Running, takenOver: boolean): NatsServer => ({
    url,
    pid,
    takenOver,
    access: (user) => ({ servers: url, user, pass: secrets[user] }),
    stop: () => stopServer(directory, { pid, start }, clock),
  });
  const fits = options.port === undefined || options.port === before?.port;
  if (before !== null && startOf(before.pid) === before.start) {
    const lives = await answers(before, clock);
    if (fits && lives) return serverOf(before, true);
    await stopServer(directory, before, clock, lives ? STOP_MAX_MS : 0);
  }
  const begin = (port: number | undefined): Promise<Running> =>
    launch({ directory, namespace, port, secrets, clock, program: options.program });
  if (options.port !== undefined || before === null) return serverOf(await begin(options.port), false);
  // Clients that are still there find it where it was, unless somebody took the port meanwhile.
  const again = await begin(before.port).catch((error: unknown) => {
    if (error instanceof RejectedInput) return begin(undefined);
    throw error;
  });
  return serverOf(again, false);
}

/** How to reach the private server of a directory, for other programs of the same user; null = none was started there. */
export async function privateNats(directory: string, user: NatsUser): Promise<NatsAccess | null> {
  const known = await readRunning(directory);
  if (known === null || startOf(known.pid) !== known.start) return null;
  const secrets = await ensurePasswords(directory);
  return { servers: known.url, user, pass: secrets[user] };
}

/** Whether it greets whoever connects; one that hangs or is just dying does not. */
function answers({ port }: Running, clock: Clock): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect({ host: '127.0.0.1', port });
    const end = (does: boolean) => (): void => {
      cancel();
      socket.destroy();
      resolve(does);
    };
    const cancel = clock.after(GREETING_MAX_MS, end(false));
    socket.once('data', (bytes) => end(bytes.toString('latin1').startsWith('INFO '))());
    socket.once('error', end(false));
    socket.once('close', end(false));
  });
}

interface Beginning {
  directory: string;
  namespace: string;
  port: number | undefined;
  program: string | undefined;
  secrets: Record<NatsUser, string>;
  clock: Clock;
}

async function launch({ directory, namespace, port, program, secrets, clock }: Beginning): Promise<Running> {
  const binary = program ?? (await findNatsServer());
  if (binary === null) throw new TerminalError('NATS_MISSING', 'nats-server is not installed');
  const log = path.join(directory, 'server.log');
  const ports = path.join(directory, 'ports');
  await rm(ports, { recursive: true, force: true });
  await mkdir(ports);
  const output = openSync(log, 'a', 0o600);
  const child = spawn(
    binary,
    [
      '-c',
      await configFile(directory, namespace),
      '-a',
      '127.0.0.1',
      '-p',
      String(port ?? -1),
      '--ports_file_dir',
      ports,
    ],
    {
      // Not in our process group: it lives on when `up` is interrupted from a terminal or killed.
      detached: true,
      stdio: ['ignore', output, output],
      env: {
        CHARTROOM_NATS_STORE: quoted(path.resolve(directory, 'store')),
        ...Object.fromEntries(
          NATS_USERS.map((user) => [`CHARTROOM_NATS_${user.toUpperCase()}_PASSWORD`, quoted(secrets[user])]),
        ),
      },
    },
  );
  closeSync(output);
  child.unref();
  let ended: string | null = null;
  child.once('error', (error) => (ended = error.message));
  child.once('exit', (code, signal) => (ended = `it ended with ${signal ?? `code ${code}`}`));
  const pid = child.pid ?? 0;
  const deadline = clock.now() + READY_MAX_MS;
  for (;;) {
    const url = await readPorts(path.join(ports, `${path.basename(binary)}_${pid}.ports`));
    const start = startOf(pid);
    if (url !== null && start !== null) {
      const now = { pid, start, url, port: Number(new URL(url).port) };
      await writeFile(path.join(directory, 'server.json'), JSON.stringify(now), { mode: 0o600 });
      return now;
    }
    if (ended !== null || clock.now() > deadline) {
      if (ended === null) process.kill(pid, 'SIGKILL');
      throw await startError(log, port, ended ?? 'it was not ready in time');
    }
    await pause(clock, POLL_MS);
  }
}

/** The shipped file, or a copy with the subjects of another namespace. */
async function configFile(directory: string, namespace: string): Promise<string> {
  const shipped = packageFile('nats.conf');
  if (namespace === 'chartroom') return shipped;
  const text = (await readFile(shipped, 'utf8'))
    .replaceAll('chartroom.', `${namespace}.`)
    .replaceAll('CHARTROOM_FACT', streamName(namespace, 'fact'));
  const file = path.join(directory, 'nats.conf');
  await writeFile(file, text);
  return file;
}

/** nats-server parses what a variable holds: without quotes, a path with a space or a password like 1e5 is misread. */
const quoted = (value: string): string => JSON.stringify(value);

async function ensurePasswords(directory: string): Promise<Record<NatsUser, string>> {
  const file = path.join(directory, 'passwords.json');
  const present = passwords.safeParse(await readJson(file));
  if (present.success) return present.data;
  const made = Object.fromEntries(NATS_USERS.map((user) => [user, randomBytes(24).toString('base64url')])) as Record<
    NatsUser,
    string
  >;
  await writeFile(file, JSON.stringify(made), { mode: 0o600 });
  return made;
}

async function readRunning(directory: string): Promise<Running | null> {
  const parsed = running.safeParse(await readJson(path.join(directory, 'server.json')));
  return parsed.success ? parsed.data : null;
}

async function readPorts(file: string): Promise<string | null> {
  const parsed = z.object({ nats: z.array(z.string()).min(1) }).safeParse(await readJson(file));
  return parsed.success ? parsed.data.nats[0]! : null;
}

/** What the file holds; undefined when it is not there or half written. */
async function readJson(file: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(file, 'utf8'));
  } catch {
    return undefined;
  }
}

async function stopServer(
  directory: string,
  { pid, start }: { pid: number; start: string },
  clock: Clock,
  patienceMs = STOP_MAX_MS,
): Promise<void> {
  const isAlive = (): boolean => startOf(pid) === start;
  const deadline = clock.now() + patienceMs;
  if (isAlive()) signal(pid, 'SIGTERM');
  while (isAlive() && clock.now() < deadline) await pause(clock, POLL_MS);
  if (isAlive()) signal(pid, 'SIGKILL');
  while (isAlive()) await pause(clock, POLL_MS);
  const known = await readRunning(directory);
  if (known?.pid === pid) await rm(path.join(directory, 'server.json'), { force: true });
}

/** It may have ended by itself between the look and the signal. */
function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

async function startError(log: string, port: number | undefined, how: string): Promise<Error> {
  const lines = (await readFile(log, 'utf8').catch(() => '')).trim().split('\n').slice(-3).join('\n');
  if (/address already in use/.test(lines)) {
    return new RejectedInput('PORT_TAKEN', `port ${port} is taken by another program; choose another for nats-server`);
  }
  return new TerminalError('NATS_START', `nats-server did not start: ${how}; its log (${log}) ends with:\n${lines}`);
}

const pause = (clock: Clock, ms: number): Promise<void> => new Promise((resolve) => clock.after(ms, resolve));

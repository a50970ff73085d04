/**
 * How a command reaches what it asks: the runtime over NATS, or, where that is down and the command may, the store
 * alone under its lock. What could not be reached is said before anything is sent.
 */
import path from 'node:path';
import { BusError } from '../bus/bus.ts';
import type { BusClient } from '../bus/bus.ts';
import { privateNats } from '../bus/server.ts';
import type { NatsUser } from '../bus/server.ts';
import type { Clock } from '../clock.ts';
import type { Config } from '../config/config.ts';
import type { ArchivedStore } from '../store/archive.ts';
import { CommandError, EXIT } from './exit.ts';

/** Asks one question of the runtime (over the bus, or of the store alone when the runtime is down). */
export type Ask = (question: string, body: unknown, options?: { timeoutMs?: number }) => Promise<unknown>;

/**
 * `nats`: NATS will do. `runtime`: only a running runtime. `reading`: where that is down, the store alone, untouched.
 * `changing`: where that is down, steps on the store alone.
 */
export type Reach = 'nats' | 'runtime' | 'reading' | 'changing';

export interface Link {
  ask: Ask;
  follow: BusClient['follow'];
  /** A beat of this terminal's presence. */
  broadcast: BusClient['broadcast'];
  /** The store, where the command works on it alone. */
  store: ArchivedStore | null;
  /** With the store alone: resolves when what can be done without a runtime is done. */
  settled(): Promise<void>;
  close(): Promise<void>;
}

export interface ConnectOptions {
  config: Config;
  reach: Reach;
  clock: Clock;
  /** A line of the conversation. */
  say(text: string): void;
}

export type Connect = (options: ConnectOptions) => Promise<Link>;

/** On one machine a server that does not answer in this time is not there. */
const CONNECT_MS_MAX = 2_000;
/** A runtime that is busy answers later than one at rest, but not later than this. */
const PROBE_MS_MAX = 5_000;

/** @throws BusError, StoreError, CommandError: what is missing and what to do */
export async function connectLink(options: ConnectOptions): Promise<Link> {
  const { config, reach } = options;
  let client: BusClient | null = null;
  // Help and refusals of a command line need no bus.
  const { connectClient } = await import('../bus/client.ts');
  try {
    client = await connectClient({
      ...(await natsAccess(config, 'operator')),
      namespace: config.namespace,
      connectTimeoutMs: CONNECT_MS_MAX,
    });
    if (reach !== 'nats') await client.ask('health', {}, { timeoutMs: PROBE_MS_MAX });
    return linkOf(client);
  } catch (error) {
    if (client !== null && error instanceof BusError && error.code === 'BUS_REFUSED') return linkOf(client);
    await client?.close();
    if (!(error instanceof BusError)) throw error;
    return await withoutRuntime(options, error);
  }
}

const linkOf = (client: BusClient): Link => ({
  ask: (question, body, asking) => client.ask(question, body, asking),
  follow: (filter, signal) => client.follow(filter, signal),
  broadcast: (subject, body) => client.broadcast(subject, body),
  store: null,
  settled: () => Promise.resolve(),
  close: () => client.close(),
});

async function withoutRuntime({ config, reach, clock, say }: ConnectOptions, cause: BusError): Promise<Link> {
  if (reach === 'nats' || cause.code === 'BUS_REFUSED') throw cause;
  if (reach === 'runtime') throw away(cause);
  // The kernel is loaded only where it is needed: most commands ask the runtime.
  const { openStoreAlone } = await import('./store-alone.ts');
  const alone = await openStoreAlone({ config, clock, changing: reach === 'changing' });
  if (cause.code === 'BUS_TIMEOUT') {
    await alone.close();
    throw new CommandError(EXIT.unreachable, 'the runtime does not answer in time', 'see its log; nothing was changed');
  }
  say(`the runtime does not run (${cause.message}): this is from the store in ${config.data}`);
  return {
    ...alone,
    // oxlint-disable-next-line require-yield -- facts are published by a runtime alone
    async *follow() {
      throw away(cause);
    },
    broadcast() {
      // Nobody listens.
    },
  };
}

const away = (cause: BusError): CommandError =>
  new CommandError(
    EXIT.unreachable,
    `the runtime does not answer: ${cause.message}`,
    'nothing was sent; start it with: chartroom up',
  );

/** Where NATS is and who we are there. @throws BusError `BUS_UNREACHABLE` when no server is configured or running */
export async function natsAccess(
  config: Config,
  user: NatsUser,
): Promise<{ servers: string; user?: string; pass?: string; token?: string }> {
  if (config.nats !== undefined) {
    const { url, user: name, password, token } = config.nats;
    return {
      servers: url,
      ...(name === undefined ? {} : { user: name }),
      ...(password === undefined ? {} : { pass: password }),
      ...(token === undefined ? {} : { token }),
    };
  }
  const directory = path.join(config.data, 'nats');
  const access = await privateNats(directory, user);
  if (access === null) throw new BusError('BUS_UNREACHABLE', `no NATS server runs in ${directory}`);
  return access;
}

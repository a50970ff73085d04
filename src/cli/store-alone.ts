/**
 * The store without its runtime, under the same lock: the same questions and, for the few commands that may, the same
 * steps. Reading leaves every byte as it was: mail that waits is shown and not stepped, timers rest, nothing is
 * performed.
 */
import path from 'node:path';
import { MACHINES } from '../../machines/index.ts';
import type { Envelope } from '../actor/envelope.ts';
import { noMail, readMail } from '../actor/mailbox.ts';
import { createNode } from '../actor/node.ts';
import type { Node } from '../actor/node.ts';
import { createQuestions, questionFailure } from '../actor/questions.ts';
import type { QuestionName, Questions } from '../actor/questions.ts';
import { BusError } from '../bus/bus.ts';
import { sampledVersions, thisBuild } from '../care/build.ts';
import type { Clock } from '../clock.ts';
import type { Config } from '../config/config.ts';
import { Bug } from '../errors.ts';
import { createLog, createRedactor } from '../log.ts';
import type { ArchivedStore } from '../store/archive.ts';
import { hasStore } from '../store/format.ts';
import { openStore } from '../store/opening.ts';
import { SPACES, keyParts } from '../store/keys.ts';
import { StoreError } from '../store/store.ts';
import type { Range, Store } from '../store/store.ts';
import type { Ask, Link } from './connection.ts';
import { CommandError, EXIT } from './exit.ts';
import { openLocalActs } from './local-acts.ts';

interface StoreAloneOptions {
  config: Config;
  clock: Clock;
  /** The command takes steps; else the store is only read. */
  changing: boolean;
}

export interface StoreAlone extends Omit<Link, 'follow' | 'broadcast' | 'store'> {
  store: ArchivedStore;
  /** Actors with something under way that are not whole, with what is wrong. */
  damaged(): [actor: string, damage: string][];
}

/** @throws CommandError when there is no store or somebody holds it; StoreError when it cannot be opened */
export async function openStoreAlone({ config, clock, changing }: StoreAloneOptions): Promise<StoreAlone> {
  const directory = path.join(config.data, 'store');
  if (!hasStore(directory)) {
    throw new CommandError(
      EXIT.unreachable,
      `no runtime answers, and there is no store in ${directory}`,
      'start it with: chartroom up, or name the directory with --data',
    );
  }
  const store = await openStore(directory, {
    holder: 'a chartroom command',
    build: thisBuild(),
    reading: !changing,
    sampled: sampledVersions,
  }).catch((error: unknown) => {
    if (!(error instanceof StoreError) || error.code !== 'STORE_LOCKED') throw error;
    throw new CommandError(
      EXIT.unreachable,
      `${error.message}, which does not answer`,
      'wait until it is ready, or stop it; nothing was changed',
    );
  });
  try {
    const { node, settled, stop } = changing
      ? await steppingNode(store, config, clock)
      : await readingNode(store, config, clock);
    const questions = createQuestions({
      node,
      store,
      clock,
      health: () => Promise.reject(new Error('the runtime does not run')),
      redact: createRedactor(config.secrets()),
      standing: () => [],
    });
    return {
      ask: askOf(questions),
      store,
      settled,
      damaged: () => node.actors.listDamaged(),
      async close() {
        await stop();
        await store.close();
      },
    };
  } catch (error) {
    await store.close();
    throw error;
  }
}

/** Questions of this process as a command asks them: failures with the code they have on the bus. */
export function askOf(questions: Questions): Ask {
  return async (question, body) => {
    try {
      return await questions[question as QuestionName](body);
    } catch (error) {
      const { status, message } = questionFailure(error);
      throw new BusError('BUS_REFUSED', message, { status, cause: error });
    }
  };
}

interface NodeAlone {
  node: Node;
  /** Resolves when no step and no act of this machine is under way. */
  settled(): Promise<void>;
  stop(): Promise<void>;
}

async function steppingNode(store: Store, config: Config, clock: Clock): Promise<NodeAlone> {
  const log = createLog({ level: 'error', secrets: config.secrets() });
  const node = createNode({ store, definitions: MACHINES, clock, log, timers: config.timers });
  const acts = await openLocalActs({ node, config, clock, log });
  await node.load();
  return {
    node,
    settled: acts.settled,
    async stop() {
      await acts.settled();
      await acts.stop();
      await node.stop();
    },
  };
}

async function readingNode(store: Store, config: Config, clock: Clock): Promise<NodeAlone> {
  const { mail, unreadable } = await waitingMail(store);
  const untouched: Store = {
    ...store,
    scan: (range) => (range.gte === SPACES.mail.gte ? nothing(range) : store.scan(range)),
    write: () => Promise.reject(new Bug('a command that reads may not write')),
  };
  const log = createLog({ level: 'silent' });
  const definitions = MACHINES;
  const node = createNode({ store: untouched, definitions, clock, log, timers: config.timers, reading: true });
  await node.load();
  for (const [address, number] of unreadable) node.actors.damaged(node.actors.get(address), noMail(number));
  const rest = (): Promise<void> => Promise.resolve();
  return { node: { ...node, waiting: (address) => mail.get(address) ?? [] }, settled: rest, stop: rest };
}

async function waitingMail(store: Store): Promise<{
  mail: Map<string, { envelope: Envelope; stored: boolean }[]>;
  unreadable: [address: string, number: number][];
}> {
  const mail = new Map<string, { envelope: Envelope; stored: boolean }[]>();
  const unreadable: [string, number][] = [];
  for await (const [key, value] of store.scan(SPACES.mail)) {
    const [address, number] = keyParts(key, 2) as [string, string];
    const row = readMail(value);
    if (row === null) {
      unreadable.push([address, Number(number)]);
      continue;
    }
    mail.set(address, [...(mail.get(address) ?? []), { envelope: row.envelope, stored: true }]);
  }
  return { mail, unreadable };
}

async function* nothing(_range: Range): AsyncGenerator<[string, string]> {}

/** A terminal that remembers, a node in memory to ask, and a real store with NATS for commands in processes of their own. */
import { execa } from 'execa';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { MACHINES } from '../../machines/index.ts';
import { createHold } from '../../src/actor/hold.ts';
import { createLetterbox } from '../../src/actor/letterbox.ts';
import { createNode } from '../../src/actor/node.ts';
import type { Node } from '../../src/actor/node.ts';
import { createPublisher } from '../../src/actor/publisher.ts';
import { createQuestions } from '../../src/actor/questions.ts';
import type { Questions } from '../../src/actor/questions.ts';
import type { Receipt } from '../../src/actor/receipt.ts';
import type { Bus } from '../../src/bus/bus.ts';
import { createMemoryServer } from '../../src/bus/memory-bus.ts';
import { connectBus } from '../../src/bus/nats-bus.ts';
import { startNatsServer } from '../../src/bus/server.ts';
import { createFakeClock, realClock } from '../../src/clock.ts';
import type { Clock, FakeClock } from '../../src/clock.ts';
import type { Connect, Reach } from '../../src/cli/connection.ts';
import { runCommandLine } from '../../src/cli/program.ts';
import { askOf } from '../../src/cli/store-alone.ts';
import type { Exit } from '../../src/cli/exit.ts';
import type { Terminal } from '../../src/cli/terminal.ts';
import { createHealth } from '../../src/health.ts';
import type { Health } from '../../src/health.ts';
import { createLog } from '../../src/log.ts';
import { PACKAGE_ROOT, programArgs } from '../../src/package.ts';
import { openLevelStore } from '../../src/store/level-store.ts';
import type { Store } from '../../src/store/store.ts';
import { letter } from '../support/letter.ts';
import { openMemoryStore } from '../support/memory-store.ts';

const log = createLog({ level: 'silent' });

export interface Seen {
  exit: Exit;
  /** What was written to stdout and stderr. */
  out: string;
  err: string;
  /** stdout as one JSON value per line. */
  json<T = Record<string, unknown>>(): T[];
}

export interface Screen {
  /** Runs a command line to its end. */
  run(...argv: string[]): Promise<Seen>;
  clock: FakeClock;
  node: Node;
  store: Store;
  send(subject: string, type: string, data?: Record<string, unknown>): Promise<Receipt>;
  /** What each connection was for. */
  reached: Reach[];
  /** What a person does at the terminal: types a line (null: no more lines), interrupts. */
  type(line: string | null): void;
  interrupt(): void;
  /** Facts of an actor from the first on. */
  follow(actor: string, signal: AbortSignal): AsyncIterable<{ body: string }>;
  /** The bus between this terminal and the node. */
  bus: Bus;
  stop(): Promise<void>;
}

interface ScreenOptions {
  env?: NodeJS.ProcessEnv;
  tty?: boolean;
  cwd?: string;
  /** Called with every piece that is written to stdout. */
  onOut?: (text: string) => void;
  /** What a program that takes the terminal over does. */
  opened?: Terminal['open'];
}

/** All machines on a node in memory, and the command line in this process before it. */
export async function openScreen({
  env = {},
  tty = false,
  cwd = os.tmpdir(),
  onOut,
  opened = async () => ({}),
}: ScreenOptions = {}): Promise<Screen> {
  const clock = createFakeClock();
  const store = await openMemoryStore();
  const node = createNode({ store, definitions: MACHINES, clock, log });
  await node.load();
  const server = createMemoryServer({ clock });
  const publisher = createPublisher({ node, bus: server.bus(), clock, log, namespace: 'chartroom' });
  publisher.start();
  const ask = askOf(questionsOf(node, store, clock));
  const reached: Reach[] = [];
  const interrupts = new Set<() => void>();
  const keys = createKeys();
  const connect: Connect = async ({ reach }) => {
    reached.push(reach);
    const client = server.client();
    return {
      ask,
      follow: (filter, signal) => client.follow(filter, signal),
      broadcast: (subject, body) => client.broadcast(subject, body),
      store: null,
      settled: () => Promise.resolve(),
      close: () => client.close(),
    };
  };
  return {
    clock,
    node,
    store,
    reached,
    bus: server.bus(),
    follow: (actor, signal) => server.client().follow({ actor, fromSeq: 1 }, signal),
    type: (line) => keys.press(line),
    send: (subject, type, data) => node.send(letter(subject, type, data)),
    interrupt: () => {
      for (const call of interrupts) call();
    },
    async run(...argv) {
      let out = '';
      let err = '';
      const write = (text: string): void => {
        out += text;
        onOut?.(text);
      };
      const exit = await runCommandLine(
        argv,
        {
          stdout: { write, isTTY: tty },
          stderr: { write: (text) => (err += text) },
          env: { CHARTROOM_USER: 'alice', ...env },
          cwd,
          clock,
          open: (program) => opened(program),
          keyboard: () => ({ isTTY: tty, lines: keys.lines(), above: (text) => write(`${text}\n`), close() {} }),
          onInterrupt(call) {
            interrupts.add(call);
            return () => interrupts.delete(call);
          },
          leave: () => {},
        },
        connect,
      );
      return seen(exit, out, err);
    },
    async stop() {
      await publisher.stop();
      await node.stop();
      await store.close();
    },
  };
}

/** Lines that wait to be read, one reader after the other. */
function createKeys() {
  const typed: (string | null)[] = [];
  let wake: () => void = () => {};
  return {
    press(line: string | null): void {
      typed.push(line);
      wake();
    },
    async *lines(): AsyncGenerator<string> {
      for (;;) {
        while (typed.length === 0) await new Promise<void>((resolve) => (wake = resolve));
        const line = typed.shift()!;
        if (line === null) return;
        yield line;
      }
    },
  };
}

function questionsOf(
  node: Node,
  store: Store,
  clock: Clock,
  health: Health['ready'] = () => Promise.resolve({ ready: true, reasons: [] }),
): Questions {
  return createQuestions({
    node,
    store,
    clock,
    health,
    redact: (text) => text,
    standing: () => [],
  });
}

function seen(exit: Exit, out: string, err: string): Seen {
  return {
    exit,
    out,
    err,
    json<T>() {
      const lines = out.split('\n').filter((line) => line !== '');
      return lines.map((line) => JSON.parse(line) as T);
    },
  };
}

/** A session as `open` takes it, with a repository's answers filled in. */
export const SESSION = {
  title: 'Add hello',
  body: 'Say hello.',
  source: { kind: 'linear', ref: 'ENG-42' },
  repo: 'acme/api',
  kind: 'implement',
  deliver: 'pull_request',
} as const;

export const IMPLEMENTER = { role: 'implementer', driver: 'scripted', mode: 'worker' } as const;

/** A temporary directory, removed at the end of the test. */
export async function temporary(t: { after(call: () => Promise<void>): void }): Promise<string> {
  const directory = await mkdtemp(path.join(os.tmpdir(), 'chartroom-cli-'));
  t.after(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

/** `chartroom …` as a process of its own, in a directory. */
export function chartroom(cwd: string, ...argv: string[]) {
  return execa(process.execPath, [...programArgs('src/cli/main'), ...argv], {
    cwd,
    reject: false,
    env: { CHARTROOM_USER: 'alice', XDG_CONFIG_HOME: cwd, NO_COLOR: '1' },
  });
}

export interface Host {
  node: Node;
  store: Store;
  bus: Bus;
  send(subject: string, type: string, data?: Record<string, unknown>): Promise<Receipt>;
  /** Keeps the store and NATS, and answers nothing more. */
  goSilent(): Promise<void>;
  /** Gives the store free; NATS stays. */
  leaveStore(): Promise<void>;
  close(): Promise<void>;
}

/** What `up` holds in a data directory, as far as the command line meets it: store, NATS, questions, facts. */
export async function openHost(data: string): Promise<Host> {
  const store = await openLevelStore(path.join(data, 'store'), 'the runtime of “chartroom”');
  const nats = await startNatsServer({ directory: path.join(data, 'nats'), namespace: 'chartroom' });
  const bus = await connectBus({ ...nats.access('runtime'), namespace: 'chartroom', clock: realClock, log });
  const node = createNode({ store, definitions: MACHINES, clock: realClock, log });
  const publisher = createPublisher({ node, bus, clock: realClock, log, namespace: 'chartroom' });
  await node.load();
  publisher.start();
  const parts = { node, bus, publisher, clock: realClock };
  const letterbox = createLetterbox({ ...parts, log, takeHook: async () => {} });
  const hold = createHold({ node, read: (key) => store.get(key) });
  const spool = { notes: () => [] };
  const health = createHealth({ ...parts, letterbox, hold, spool, sights: () => ({}), blind: () => [] });
  const questions = questionsOf(node, store, realClock, health.ready);
  const ask = askOf(questions);
  const serving = await bus.serve(
    Object.fromEntries(
      Object.keys(questions).map((name) => [
        name,
        async (body: Uint8Array) => {
          try {
            return { body: JSON.stringify(await ask(name, JSON.parse(Buffer.from(body).toString('utf8')))) };
          } catch (error) {
            const { status, message } = error as { status: 400 | 404 | 503; message: string };
            return { error: status, message };
          }
        },
      ]),
    ),
  );
  let isServing = true;
  let holdsStore = true;
  const goSilent = async (): Promise<void> => {
    if (isServing) await serving.stop();
    isServing = false;
  };
  const leaveStore = async (): Promise<void> => {
    await goSilent();
    if (!holdsStore) return;
    holdsStore = false;
    await publisher.stop();
    await node.stop();
    await store.close();
  };
  return {
    node,
    store,
    bus,
    send: (subject, type, data_) => node.send(letter(subject, type, data_)),
    goSilent,
    leaveStore,
    async close() {
      await leaveStore();
      await bus.close();
      await nats.stop();
    },
  };
}

/** Where the package lies: the sources a process of ours is started from. */
export const ROOT = PACKAGE_ROOT;

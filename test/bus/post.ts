/**
 * A post office on a real nats-server: node, letterbox, publisher and the bridge's courier as the runtime has them,
 * senders as other programs are, and what must hold whatever becomes of the server in between.
 */
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { connect } from 'nats';
import type { JetStreamManager } from 'nats';
import { createHold } from '../../src/actor/hold.ts';
import { createLetterbox } from '../../src/actor/letterbox.ts';
import { createNode } from '../../src/actor/node.ts';
import type { Node } from '../../src/actor/node.ts';
import { historyOf } from '../../src/actor/past.ts';
import { createPublisher } from '../../src/actor/publisher.ts';
import type { Publisher } from '../../src/actor/publisher.ts';
import type { Receipt } from '../../src/actor/receipt.ts';
import type { Definition } from '../../src/actor/state.ts';
import { createCourier } from '../../src/bridge/courier.ts';
import type { Courier } from '../../src/bridge/courier.ts';
import { openSpool } from '../../src/bridge/spool.ts';
import type { Spool } from '../../src/bridge/spool.ts';
import { BusError } from '../../src/bus/bus.ts';
import type { Bus, BusClient } from '../../src/bus/bus.ts';
import { connectClient } from '../../src/bus/client.ts';
import { connectBus } from '../../src/bus/nats-bus.ts';
import { startNatsServer } from '../../src/bus/server.ts';
import type { NatsAccess, NatsServer } from '../../src/bus/server.ts';
import { realClock } from '../../src/clock.ts';
import { createHealth } from '../../src/health.ts';
import { openLevelStore } from '../../src/store/level-store.ts';
import type { Store } from '../../src/store/store.ts';
import { lampDefinition } from '../support/lamp.ts';
import { letter } from '../support/letter.ts';
import type { Limits } from './contract.ts';
import { quiet } from './nats-world.ts';

export const LAMPS = ['lamp/a', 'lamp/b', 'lamp/c'];
const SENDERS = ['ann', 'bob', 'cyd'];
/** Hooks are notes to this one. */
const HOOKED = 'lamp/hooks';
/** Who has no receipt by then sends again. */
const RECEIPT_MS = 2_000;
const PING_MS = 250;

export interface PostOptions {
  limits?: Limits;
  /** The server to run on; default as `findNatsServer`. */
  program?: string | undefined;
  pingIntervalMs?: number;
  /** Where the runtime reaches the server, e.g. through a slow line. */
  through?: (url: string) => Promise<string>;
}

export type Post = Awaited<ReturnType<typeof openPost>>;

interface Office {
  node: Node;
  bus: Bus;
  publisher: Publisher;
  courier: Courier;
  spool: Spool;
  health: ReturnType<typeof createHealth>;
  close(): Promise<void>;
}

export async function openPost(options: PostOptions = {}) {
  const directory = await mkdtemp(path.join(os.tmpdir(), 'chartroom-post-'));
  const natsDirectory = path.join(directory, 'nats');
  const launch = (port?: number): Promise<NatsServer> =>
    startNatsServer({ directory: natsDirectory, namespace: 'chartroom', program: options.program, port });
  let server = await launch();
  const { port } = new URL(server.url);
  const url = (await options.through?.(server.url)) ?? server.url;
  const store = await openLevelStore(path.join(directory, 'store'), 'the post office');
  /** Steps so far, of all lives of the office. */
  let steps = 0;
  let sentHooks = 0;
  let office = await openOffice();
  const opened: BusClient[] = [];

  async function openOffice(): Promise<Office> {
    const bus = await connectBus({
      ...server.access('runtime'),
      servers: url,
      namespace: 'chartroom',
      clock: realClock,
      log: quiet,
      limits: options.limits,
      pingIntervalMs: options.pingIntervalMs ?? PING_MS,
    });
    const parts = { bus, clock: realClock, log: quiet };
    const node = createNode({ store, definitions: [lampDefinition as unknown as Definition], ...parts });
    node.onCommitted(({ facts }) => (steps += facts.length));
    const publisher = createPublisher({ node, namespace: 'chartroom', ...parts });
    const letterbox = createLetterbox({
      node,
      ...parts,
      async takeHook({ body }) {
        const { delivery } = JSON.parse(Buffer.from(body).toString()) as { delivery: string };
        await node.send(letter(HOOKED, 'fyi', { text: delivery }, { id: delivery }), { door: 'hook' });
      },
    });
    await node.load();
    publisher.start();
    await letterbox.start();
    for (const lamp of [...LAMPS, HOOKED])
      await node.send(letter(lamp, 'open', { room: lamp }, { id: `open ${lamp}` }));
    const spool = await openSpool({ directory: path.join(directory, 'spool'), log: quiet });
    const taken = (seq: number): Promise<void> => letterbox.taken(seq);
    const courier = createCourier({
      ...parts,
      spool,
      taken,
      hookWaitMs: 2_000,
      retryMs: 50,
      letterBytesMax: 8_000_000,
    });
    return {
      node,
      bus,
      publisher,
      courier,
      spool,
      health: createHealth({
        ...parts,
        node,
        publisher,
        letterbox,
        sights: () => ({}),
        blind: () => [],
        spool,
        hold: createHold({ node, read: node.read }),
      }),
      async close() {
        await courier.close();
        await letterbox.stop();
        await publisher.stop();
        await node.stop();
        await bus.close();
      },
    };
  }

  async function client(access: NatsAccess = server.access('operator')): Promise<BusClient> {
    const made = await connectClient({ ...access, namespace: 'chartroom', pingIntervalMs: PING_MS });
    opened.push(made);
    return made;
  }

  async function status(wanted: 'connected' | 'disconnected'): Promise<void> {
    await new Promise<void>((resolve) => office.bus.onStatus((now) => now === wanted && resolve()));
  }

  /** One letter until it is stored, or until its receipt has come; the same id every time. */
  async function deliver(sender: BusClient, lamp: string, id: string, until: 'stored' | 'receipt') {
    for (;;) {
      await status('connected');
      try {
        const { receipt } = await sender.mail(lamp, letter(lamp, 'fyi', { text: id }, { id, source: 'test/sender' }), {
          timeoutMs: RECEIPT_MS,
        });
        if (until === 'stored') return { receipt: receipt as Promise<Receipt> };
        const come = (await receipt) as Receipt;
        return { receipt: Promise.resolve(come) };
      } catch (error) {
        if (!(error instanceof BusError)) throw error;
        await new Promise(setImmediate);
      }
    }
  }

  return {
    store: (): Store => store,
    office: () => office,
    server: () => server,
    status,
    client,
    /** Resolves when this many more steps were taken than now. */
    steps: async (more: number) => {
      const wanted = steps + more;
      await eventually(async () => steps >= wanted);
    },
    /**
     * Every sender writes to every actor, each a line of its own. `stored`: the next goes when the stream has the one
     * before; `receipt`: when it was taken, as whoever must survive the loss of the stream does.
     */
    async send(each: number, until: 'stored' | 'receipt'): Promise<void> {
      const lines = SENDERS.flatMap((name) => LAMPS.map((lamp) => ({ name, lamp })));
      const senders = new Map<string, BusClient>();
      for (const name of SENDERS) senders.set(name, await client());
      const outcomes = await Promise.all(
        lines.map(async ({ name, lamp }) => {
          const receipts: Receipt[] = [];
          const sender = senders.get(name)!;
          const waiting: [string, Promise<Receipt>][] = [];
          for (let number = 1; number <= each; number++) {
            const id = `${name}-${number}`;
            const { receipt } = await deliver(sender, lamp, id, until);
            if (until === 'receipt') receipts.push(await receipt);
            else waiting.push([id, receipt]);
          }
          for (const [id, receipt] of waiting)
            receipts.push(await receipt.catch(async () => (await deliver(sender, lamp, id, 'receipt')).receipt));
          return receipts;
        }),
      );
      for (const receipt of outcomes.flat()) assert.equal(receipt.outcome, 'recorded', JSON.stringify(receipt));
      assert.equal(outcomes.flat().length, each * lines.length);
    },
    /** A delivery to the bridge. */
    hook: () =>
      office.courier.bring({
        head: {
          source: 'github',
          event: 'push',
          action: null,
          delivery: `hook-${++sentHooks}`,
          receivedAt: new Date().toISOString(),
          headers: {},
        },
        body: Buffer.from('{}'),
      }),
    kill: async () => {
      const gone = status('disconnected');
      process.kill(server.pid, 'SIGKILL');
      await gone;
    },
    signal: (name: NodeJS.Signals) => process.kill(server.pid, name),
    restart: async (change: (natsDirectory: string) => Promise<void> = async () => {}) => {
      await eventually(async () => !isAlive(server.pid));
      await change(natsDirectory);
      server = await launch(Number(port));
    },
    stopOffice: () => office.close(),
    async startOffice() {
      office = await openOffice();
    },
    health: () => office.health.ready(),
    /** As the runtime's user: what a person may do to the streams. */
    async manage(act: (jsm: JetStreamManager) => Promise<unknown>): Promise<void> {
      const nc = await connect(server.access('runtime'));
      await act(await nc.jetstreamManager());
      await nc.close();
    },
    /**
     * Each envelope one entry, in the order of its sender; each fact in the stream, in the order of its actor. `older`:
     * ids of facts that an earlier life of the stream held.
     */
    async check(each: number, older: string[] = []): Promise<void> {
      await eventually(async () => office.spool.size().count === 0);
      await office.node.quiet();
      const wanted = new Map<string, number>();
      for (const lamp of [...LAMPS, HOOKED]) {
        const { seq } = (await office.node.settled(lamp))!.stood!.live.state;
        wanted.set(lamp, seq);
        const ids = historyOf((key) => store.get(key), lamp, 1, seq).map(
          ({ envelope }) => (envelope as { id: string }).id,
        );
        assert.equal(new Set(ids).size, ids.length, `${lamp}: an envelope was stepped twice`);
        if (lamp === HOOKED)
          assert.deepEqual(
            ids.slice(1),
            Array.from({ length: sentHooks }, (_, index) => `hook-${index + 1}`),
          );
        else
          for (const name of SENDERS)
            assert.deepEqual(
              ids.filter((id) => id.startsWith(`${name}-`)),
              Array.from({ length: each }, (_, index) => `${name}-${index + 1}`),
              `${lamp}: what ${name} sent, in its order`,
            );
      }
      const facts = [...older];
      const done = (): boolean => [...wanted].every(([lamp, seq]) => facts.includes(`${lamp}/${seq}`));
      await eventually(async () => office.publisher.lag() === 0);
      if (!done()) for await (const id of factIds(await client())) if (facts.push(id) && done()) break;
      for (const [lamp, seq] of wanted) {
        const own = [...new Set(facts.filter((id) => id.startsWith(`${lamp}/`)))];
        assert.deepEqual(
          own,
          Array.from({ length: seq }, (_, index) => `${lamp}/${index + 1}`),
          `facts of ${lamp}`,
        );
      }
      const { ready, reasons } = await office.health.ready();
      assert.ok(ready, reasons.join('; '));
    },
    async close(): Promise<void> {
      for (const one of opened) await one.close();
      await office.close();
      await store.close();
      await server.stop();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

/** Ids of the facts in the stream, from its start, and on. */
export async function* factIds(client: BusClient): AsyncGenerator<string> {
  const abort = new AbortController();
  try {
    for await (const { body } of client.follow({ fromSeq: 1 }, abort.signal))
      yield (JSON.parse(body) as { id: string }).id;
  } finally {
    abort.abort();
  }
}

/** Everybody's password is another one, or what it was. */
export async function changePasswords(natsDirectory: string, change: (password: string) => string): Promise<void> {
  const file = path.join(natsDirectory, 'passwords.json');
  const passwords = JSON.parse(await readFile(file, 'utf8')) as Record<string, string>;
  const changed = Object.fromEntries(Object.entries(passwords).map(([user, password]) => [user, change(password)]));
  await writeFile(file, JSON.stringify(changed));
}

/** Until it holds; the runner's own time limit ends a wait for ever. */
export async function eventually(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 5));
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

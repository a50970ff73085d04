/** From a webhook's POST to the step it causes: the answer comes when that is durable, so it is what is measured. */
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { createLetterbox } from '../../src/actor/letterbox.ts';
import type { Node } from '../../src/actor/node.ts';
import { createPublisher } from '../../src/actor/publisher.ts';
import { createReferences } from '../../src/actor/references.ts';
import { listenWebhooks } from '../../src/bridge/listen.ts';
import { createRouter } from '../../src/bridge/router.ts';
import { openSpool } from '../../src/bridge/spool.ts';
import { createWebhooks } from '../../src/bridge/webhooks.ts';
import { connectBus } from '../../src/bus/nats-bus.ts';
import { startNatsServer } from '../../src/bus/server.ts';
import { realClock } from '../../src/clock.ts';
import { createLog } from '../../src/log.ts';
import { openLevelStore } from '../../src/store/level-store.ts';
import { startCompanion } from './companion.ts';
import { atMost } from './figure.ts';
import type { Figure } from './figure.ts';
import type { Posted, Posting } from './poster.ts';
import { addressOf, envelope, openOf } from './sessions.ts';
import { openNode } from './steps.ts';

const SESSIONS = 1_000;
const NAMESPACE = 'chartroom';
const SECRET = 'a secret of the bench';
const RATES = [
  { rate: 200, must: 25, aim: 15 },
  { rate: 1_000, must: 60, aim: 30 },
];

/** As before any figure of steps: until then a process spends up to four times as much on a delivery. */
const WARMING = { rate: 500, warmMs: 8_000, ms: 1_000 };

export async function measureHooks(directory: string): Promise<Figure[]> {
  const home = path.join(directory, 'hooks');
  mkdirSync(home);
  const log = createLog({ level: 'error' });
  const server = await startNatsServer({ directory: path.join(home, 'nats'), namespace: NAMESPACE });
  const { servers, user, pass } = server.access('runtime');
  const bus = await connectBus({ servers, user, pass, namespace: NAMESPACE, clock: realClock, log });
  const store = await openLevelStore(path.join(home, 'store'));
  const node = await openNode(store);
  await openIssues(node);
  const publisher = createPublisher({ node, bus, clock: realClock, log, namespace: NAMESPACE });
  const router = createRouter({
    index: {
      ...createReferences({ store, node }),
      look: async (address) => {
        await node.settled(address);
        return node.actors.row(address);
      },
    },
    node: { send: (one) => node.send(one, { door: 'hook' }), poke: () => {} },
    hydrate: { github: async () => null, linear: async () => null },
    config: {
      repos: [{ name: 'acme/api' }],
      self: { github: async () => [], linear: async () => [] },
      isDelegated: { github: () => false, linear: () => false },
    },
    log,
  });
  const letterbox = createLetterbox({
    node,
    bus,
    clock: realClock,
    log,
    takeHook: async (letter) => void (await router.take(letter)),
  });
  const spool = await openSpool({ directory: path.join(home, 'spool'), log });
  const webhooks = createWebhooks({
    github: { secret: SECRET },
    linear: {},
    bus,
    spool,
    taken: (seq) => letterbox.taken(seq),
    clock: realClock,
    log,
  });
  publisher.start();
  await letterbox.start();
  const listening = await listenWebhooks(webhooks, '127.0.0.1:0');
  const poster = startCompanion<Posting, Posted>('test/bench/poster');
  const figures: Figure[] = [];
  try {
    const to = { url: listening.url, secret: SECRET, sessions: SESSIONS };
    await poster.perform({ ...to, ...WARMING, firstComment: 1 });
    let firstComment = 1;
    for (const { rate, must, aim } of RATES) {
      firstComment += 1_000_000;
      const times = { rate, warmMs: 2_000, ms: 6_000 };
      const cpu = process.cpuUsage();
      const { sent, p50, p99, count, other } = await poster.perform({ ...to, ...times, firstComment });
      const { user, system } = process.cpuUsage(cpu);
      figures.push({
        name: `webhook to its step, 25 kB, ${rate}/s, p99`,
        measured: p99,
        unit: 'ms',
        must: atMost(must),
        aim: atMost(aim),
        note: `p50 ${p50.toFixed(1)} ms of ${count}, ${Math.round((user + system) / sent)} µs of processor each${other === 0 ? '' : `; ${other} were not answered 200, or not sent`}`,
      });
    }
    return figures;
  } finally {
    await poster.end();
    await listening.close();
    await webhooks.close();
    await letterbox.stop();
    await node.stop();
    await publisher.stop();
    await bus.close();
    await server.stop();
    await store.close();
  }
}

/** One session for each issue that is commented on. */
async function openIssues(node: Node): Promise<void> {
  for (let from = 0; from < SESSIONS; from += 100) {
    const some = Array.from({ length: 100 }, (_, at) => from + at);
    await Promise.all(
      some.map((index) => {
        const source = { kind: 'github', ref: `acme/api#${index + 1}` } as const;
        return node.send(envelope(addressOf(index), 'open', { ...openOf(index), source }, `open-${index}`));
      }),
    );
  }
  await node.quiet();
}

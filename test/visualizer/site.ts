/** An operator over a real node on a store that forgets: lamps, questions, the publisher, and the HTTP application. */
import type { Hono } from 'hono';
import { createNode } from '../../src/actor/node.ts';
import type { Node } from '../../src/actor/node.ts';
import { createPublisher } from '../../src/actor/publisher.ts';
import type { Publisher } from '../../src/actor/publisher.ts';
import { createQuestions } from '../../src/actor/questions.ts';
import type { Questions } from '../../src/actor/questions.ts';
import type { Definition } from '../../src/actor/state.ts';
import { createDecisions } from '../../src/bridge/decisions.ts';
import { createHookLog } from '../../src/bridge/hook-log.ts';
import type { Bus } from '../../src/bus/bus.ts';
import { createMemoryServer } from '../../src/bus/memory-bus.ts';
import { consumerSubject } from '../../src/bus/presence.ts';
import { createFakeClock } from '../../src/clock.ts';
import type { Clock, FakeClock } from '../../src/clock.ts';
import { createLog } from '../../src/log.ts';
import { packageFile } from '../../src/package.ts';
import type { Store } from '../../src/store/store.ts';
import { createMetrics } from '../../src/visualizer/metrics.ts';
import { createOperator } from '../../src/visualizer/operator.ts';
import type { OperatorOptions } from '../../src/visualizer/operator.ts';
import { createWays } from '../../src/visualizer/ways.ts';
import { decisionRows } from '../support/decision-rows.ts';
import { lampDefinition } from '../support/lamp.ts';
import { letter } from '../support/letter.ts';
import { openMemoryStore } from '../support/memory-store.ts';

export const PAGE = packageFile('src/visualizer/page/dist');

export interface Site {
  app: Hono;
  bus: Bus;
  node: Node;
  publisher: Publisher;
  questions: Questions;
  store: Store;
  /** Asks over HTTP as this machine's browser would. */
  ask(path: string, init?: RequestInit): Promise<Response>;
  stop(): Promise<void>;
}

export interface SiteOptions extends Partial<Omit<OperatorOptions, 'clock'>> {
  store?: Store;
  definitions?: Definition[];
  /** What has to hear of everything that the store holds already. */
  beforeLoad?: (node: Node) => void;
  health?: () => Promise<unknown>;
}

export async function startSite(options: SiteOptions = {}): Promise<Site & { clock: FakeClock }> {
  const clock = createFakeClock();
  return { ...(await startSiteOn(clock, options)), clock };
}

export async function startSiteOn(
  clock: Clock,
  {
    store: given,
    definitions = [lampDefinition as unknown as Definition],
    beforeLoad,
    health = async () => ({ ready: true }),
    ...options
  }: SiteOptions = {},
): Promise<Site> {
  const log = createLog({ level: 'silent' });
  const store = given ?? (await openMemoryStore());
  const node = createNode({ store, definitions, clock, log });
  const bus = createMemoryServer({ clock }).bus();
  const publisher = createPublisher({
    node,
    bus,
    clock,
    log,
    namespace: 'chartroom',
  });
  const metrics = createMetrics({
    queuedBytes: () => node.queuedBytes(),
    oldestMailMs: () => node.oldestWaitingMs(),
    oldestTimerMs: () => node.oldestTimerMs(),
    outboxPending: () => node.outbox.size(),
    publishLag: () => publisher.lag(),
    sources: () => ({}),
    actorsInMemory: () => node.actors.inMemory(),
    agents: async () => [],
    wants: async () => [],
    nowMs: () => clock.now(),
  });
  publisher.subscribe((fact) => metrics.count(fact));
  const questions = createQuestions({
    node,
    store,
    clock,
    health,
    redact: (text) => text,
    standing: () => [],
  });
  beforeLoad?.(node);
  await node.load();
  publisher.start();
  node.releaseTimers();
  const app = createOperator({
    questions,
    publisher,
    metrics,
    clock,
    log,
    token: '',
    page: PAGE,
    ready: async () => ({ ready: true }),
    hooks: { log: createHookLog(bus), decisions: createDecisions(decisionRows()) },
    ways: createWays({ publisher, read: (key) => node.read(key), registry: node.registry }),
    attend: (agent, beat) => bus.broadcast(consumerSubject(agent), JSON.stringify(beat)),
    ...options,
  });
  return {
    app,
    bus,
    node,
    publisher,
    questions,
    store,
    ask: async (path, init = {}) => {
      const headers = new Headers(init.headers);
      if (!headers.has('host')) headers.set('host', '127.0.0.1:8788');
      return app.fetch(new Request(`http://127.0.0.1:8788${path}`, { ...init, headers }));
    },
    async stop() {
      await publisher.stop();
      await node.stop();
    },
  };
}

/** Puts up lamps, each in a room of its own name. */
export async function putUp(node: Node, ...rooms: string[]): Promise<void> {
  for (const room of rooms) await node.send(letter(`lamp/${room}`, 'open', { room }));
}

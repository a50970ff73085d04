/**
 * The composition root: everything a running Chartroom consists of, opened in order, closed in reverse. Nothing here
 * decides anything; it hands the parts to each other.
 */
import { randomUUID } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { hostname } from 'node:os';
import path from 'node:path';
import { timerMs } from '../machines/contract.ts';
import { MACHINES } from '../machines/index.ts';
import { beginLife } from './actor/caution.ts';
import { createHold } from './actor/hold.ts';
import { createLetterbox } from './actor/letterbox.ts';
import type { IndexRow } from './actor/actors.ts';
import { createNode } from './actor/node.ts';
import type { Node } from './actor/node.ts';
import { createOutbox } from './actor/outbox.ts';
import { createPublisher } from './actor/publisher.ts';
import { servedQuestions } from './actor/asked.ts';
import { createQuestions } from './actor/questions.ts';
import type { Questions } from './actor/questions.ts';
import { createReferences } from './actor/references.ts';
import { createWatches } from './actor/watches.ts';
import { createDecisions } from './bridge/decisions.ts';
import { listenWebhooks } from './bridge/listen.ts';
import { createRouter } from './bridge/router.ts';
import { createSweep } from './bridge/sweep.ts';
import type { Source } from './bridge/hook.ts';
import { openSpool } from './bridge/spool.ts';
import type { Spool } from './bridge/spool.ts';
import { createStatusPage } from './bridge/status-page.ts';
import { createWebhooks } from './bridge/webhooks.ts';
import type { Bus } from './bus/bus.ts';
import { keepNatsServer } from './bus/keeper.ts';
import { acquireLease } from './bus/lease.ts';
import { configuredNats } from './bus/connection.ts';
import { connectBus } from './bus/nats-bus.ts';
import { consumerSubject } from './bus/presence.ts';
import { startNatsServer } from './bus/server.ts';
import type { NatsServer } from './bus/server.ts';
import { sampledVersions, thisBuild } from './care/build.ts';
import { createCare } from './care/care.ts';
import { findLeftovers } from './care/leftovers.ts';
import type { Clock } from './clock.ts';
import type { Config } from './config/config.ts';
import { createConfigured } from './config/configured.ts';
import type { Env } from './config/expand.ts';
import { loadRoles } from './config/roles.ts';
import { openEffects } from './effects/opening.ts';
import { introduceFleet, wantedWork } from './fleet.ts';
import { createHealth } from './health.ts';
import { createRedactor } from './log.ts';
import type { Logger } from './log.ts';
import { packageFile } from './package.ts';
import { KEYS } from './store/keys.ts';
import { openStore } from './store/opening.ts';
import type { Store } from './store/store.ts';
import { listenOperator } from './visualizer/listen.ts';
import { createHookLog } from './bridge/hook-log.ts';
import { createMetrics } from './visualizer/metrics.ts';
import { createOperator } from './visualizer/operator.ts';
import { createRunLogs } from './visualizer/run-logs.ts';
import { createWays } from './visualizer/ways.ts';

/** More of them are counted, not named. */
const LEFTOVERS_NAMED_MAX = 10;
/** Metrics tell of this many agents; a fleet is small. */
const AGENTS_MAX = 1_000;

export interface Runtime {
  /** Base URLs that others reach it by. */
  webhooks: string;
  operator: string;
  nats: string;
  questions: Questions;
  node: Node;
  /** Rejects when something failed that it cannot go on without: the process has to end. */
  failed: Promise<never>;
  /** No new mail; steps and short acts end; runs are left to be found again. */
  stop(): Promise<void>;
}

interface RuntimeOptions {
  config: Config;
  /** The process's environment: PATH and the like for ours, and what roles and agents name for theirs. */
  env: Env;
  clock: Clock;
  log: Logger;
}

/** @throws RejectedInput, StoreError, BusError, TerminalError: each says what, why and what to do */
export async function startRuntime(options: RuntimeOptions): Promise<Runtime> {
  const closers: (() => Promise<unknown>)[] = [];
  const opened = <Part>(part: Part, close: (part: Part) => Promise<unknown>): Part => {
    closers.push(() => close(part));
    return part;
  };
  const stop = async (): Promise<void> => {
    for (const close of closers.splice(0).toReversed()) {
      await close().catch((error: unknown) => options.log.warn({ err: error }, 'a part did not close cleanly'));
    }
  };
  try {
    return { ...(await open(options, opened)), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

type Opened = <Part>(part: Part, close: (part: Part) => Promise<unknown>) => Part;

async function open({ config, env, clock, log }: RuntimeOptions, opened: Opened): Promise<Omit<Runtime, 'stop'>> {
  const redact = createRedactor(config.secrets());
  const roles = loadRoles({ directory: config.roles });
  mkdirSync(config.data, { recursive: true });
  const build = thisBuild();
  const store = opened(
    await openStore(path.join(config.data, 'store'), {
      holder: `the runtime of “${config.namespace}”`,
      build,
      sampled: sampledVersions,
    }),
    (part) => part.close(),
  );
  const { bus, nats } = await openBus(config, clock, log, opened);
  let lose: (error: Error) => void = () => {};
  const lost = new Promise<never>((_resolve, reject) => {
    lose = reject;
  });
  lost.catch(() => {});
  const lease = opened(
    await acquireLease({
      bus,
      clock,
      log,
      storeId: await identify(store),
      holder: `${hostname()}, process ${process.pid}`,
      onLost: lose,
    }),
    (part) => part.release(),
  );

  const configured = createConfigured({ roles, own: Object.keys(config.drivers.own ?? {}) });
  // A start that did not get through has not shown that the next one has nothing to fear.
  let isUp = false;
  const { followsCrash } = opened(await beginLife(store), async (life) => {
    if (isUp) await life.end();
  });
  const node = opened(
    createNode({
      store,
      definitions: MACHINES,
      clock,
      log,
      timers: config.timers,
      configured,
      followsCrash,
      lapse: lease.lapse,
    }),
    (part) => part.stop(),
  );
  const hold = createHold({ node, read: (key) => store.get(key) });
  const held = hold.held() !== null;
  if (held) log.warn(hold.held()!, 'the store was restored: nothing is performed until chartroom resume effects');
  const publisher = opened(createPublisher({ node, bus, clock, log, namespace: config.namespace }), (part) =>
    part.stop(),
  );
  const metrics = createMetrics({
    queuedBytes: () => node.queuedBytes(),
    oldestMailMs: () => node.oldestWaitingMs(),
    oldestTimerMs: () => node.oldestTimerMs(),
    outboxPending: () => node.outbox.size(),
    publishLag: () => publisher.lag(),
    actorsInMemory: () => node.actors.inMemory(),
    async agents() {
      const { items } = (await questions.list({ kind: 'agent', limit: AGENTS_MAX })) as { items: IndexRow[] };
      return items;
    },
    wants: () => wantedWork(node, questions),
    nowMs: () => clock.now(),
    sources: () => sweep.sights(),
  });
  publisher.subscribe((fact) => metrics.count(fact));

  // Open before anything starts: the run door's address is part of every agent's environment.
  // Whoever asks meanwhile waits: for an agent that goes on through a restart a refusal would be the end of its step.
  type Serve = (request: Request) => Response | Promise<Response>;
  let openDoor: (serve: Serve) => void = () => {};
  const served = new Promise<Serve>((resolve) => (openDoor = resolve));
  const operator = opened(
    await listenOperator(
      {
        fetch: async (request) => {
          const serve = await served;
          // What an agent asks for here (a credential, a push) leaves too.
          await lease.lapse();
          return serve(request);
        },
      },
      config.operator.listen,
    ),
    (part) => part.close(),
  );
  const effects = await openEffects({
    config,
    roles,
    node,
    questions: () => questions,
    bus,
    url: operator.url,
    env,
    clock,
    log,
  });
  const outbox = opened(createOutbox({ node, performers: effects.acts, clock, log, held }), (part) => part.stop());
  const watches = opened(createWatches({ node, performers: effects.watches, log, clock, held }), (part) => part.stop());

  const decisionKey = (place: number): string => KEYS.meta(`decision!${place}`);
  const decisions = createDecisions({
    read: (place) => node.read(decisionKey(place)),
    // For people alone: it goes with the next batch, and costs none of its own.
    write: (place, value) => void node.write([{ key: decisionKey(place), value }], { lazy: true }),
  });
  const router = createRouter({
    index: {
      ...createReferences({ store, node }),
      look: async (address) => {
        await node.settled(address);
        return node.actors.row(address);
      },
    },
    node: {
      send: (envelope) => node.send(envelope, { door: 'hook' }),
      poke: (actor, watch, hint) => watches.poke(actor, watch, hint),
    },
    hydrate: effects.hydrate,
    config: effects.routing,
    log,
    metrics: { hook: (subject, what) => metrics.hook(subject.split('.')[0] ?? '', what) },
    onTaken(hook, routed) {
      sweep.noteTaken(hook);
      decisions.note(hook, routed);
    },
  });
  const letterbox = opened(
    createLetterbox({
      node,
      bus,
      clock,
      log,
      takeHook: async (letter) => {
        // A hook is made whole by asking the provider: it stays in its stream.
        await hold.resumed;
        await router.take(letter);
      },
    }),
    (part) => part.stop(),
  );
  async function perform(): Promise<void> {
    watches.release();
    outbox.release();
    await effects.endStrays();
    log.info({}, 'effects are performed again');
  }
  const sweptKey = (source: Source): string => KEYS.meta(`swept!${source}`);
  const sweep = opened(
    createSweep({
      sources: effects.swept,
      bus,
      taken: (seq) => letterbox.taken(seq),
      recover: (issues) => router.recover(issues),
      closeLate: (opened) => router.closeLate(opened),
      cursor: {
        read(source) {
          const known = node.read(sweptKey(source));
          return known === undefined ? undefined : Number(known);
        },
        write: (source, ms) => node.write([{ key: sweptKey(source), value: String(ms) }]),
      },
      everyMs: timerMs(config, 'sweep'),
      clock,
      log,
    }),
    (part) => part.stop(),
  );
  const spool = await openSpool({ directory: path.join(config.data, 'spool'), log });
  const health = createHealth({
    bus,
    node,
    publisher,
    letterbox,
    hold,
    sights: sweep.sights,
    blind: () => watches.blind(),
    spool,
    clock,
  });
  const questions: Questions = createQuestions({
    node,
    store,
    clock,
    health: health.ready,
    redact,
    standing: (actor) => watches.standing(actor),
    blind: (actor) => watches.blind(actor),
    care: createCare({ store, node, hold, build, data: config.data, clock }),
  });

  const app = createOperator({
    questions,
    publisher,
    metrics,
    clock,
    token: config.operator.token,
    page: packageFile('src/visualizer/page/dist'),
    ready: health.ready,
    hooks: { log: createHookLog(bus), decisions },
    runs: createRunLogs(config.data),
    ways: createWays({ publisher, read: (key) => node.read(key), registry: node.registry }),
    attend: (agent, beat) => bus.broadcast(consumerSubject(agent), JSON.stringify(beat)),
    redact,
    runDoor: effects.runDoor,
    log,
  });

  await node.load();
  // Not before: until then the node knows of nobody, and the facts have no position to resume from.
  opened(await bus.serve(servedQuestions(questions, lease.lapse)), (part) => part.stop());
  openDoor((request) => app.fetch(request));
  publisher.start();
  await letterbox.start();
  node.releaseTimers();
  await introduceFleet({ node, config, roles });
  if (held) void hold.resumed.then(perform);
  else await effects.endStrays();
  await nameLeftovers({ node, config, log });
  const status =
    config.status &&
    createStatusPage({
      site: config.status,
      async show(actor) {
        await lease.lapse();
        return questions.show({ actor });
      },
      ready: health.ready,
      redact,
      clock,
    });
  const webhooks = opened(await openWebhooks({ config, bus, spool, letterbox, status, clock, log }), (part) =>
    part.close(),
  );
  void hold.resumed.then(() => {
    sweep.start();
    effects.tidying.start();
  });
  opened(effects.tidying, (part) => part.stop());
  isUp = true;
  // The first to be closed: what waits for the lease would keep the others waiting.
  opened(lease, async (part) => part.abandon());
  return {
    webhooks: webhooks.url,
    operator: operator.url,
    nats,
    questions,
    node,
    failed: Promise.race([node.failed, lost]),
  };
}

/** What lies in the data directory and is nobody's is said at every start; `chartroom doctor` clears it. */
async function nameLeftovers({ node, config, log }: { node: Node; config: Config; log: Logger }): Promise<void> {
  const left = await findLeftovers({
    data: config.data,
    exists: async (addresses) => new Set(addresses.filter((address) => node.actors.row(address) !== null)),
  });
  if (left.length === 0) return;
  const paths = left.slice(0, LEFTOVERS_NAMED_MAX).map(({ path: at }) => at);
  log.warn({ count: left.length, paths }, 'state that no actor has lies in the data directory: see chartroom doctor');
}

/** The store's own name, made at its first start: what the lease of the namespace is held by. */
async function identify(store: Store): Promise<string> {
  const known = store.get(KEYS.meta('identity'));
  if (known !== undefined) return known;
  const fresh = randomUUID();
  await store.write([{ put: KEYS.meta('identity'), value: fresh }]);
  return fresh;
}

async function openBus(config: Config, clock: Clock, log: Logger, opened: Opened): Promise<{ bus: Bus; nats: string }> {
  const { namespace } = config;
  if (config.nats !== undefined) {
    const bus = await connectBus({ ...configuredNats(config.nats), namespace, clock, log });
    return { bus: opened(bus, (part) => part.close()), nats: config.nats.url };
  }
  const directory = path.join(config.data, 'nats');
  let server = await startNatsServer({ directory, namespace, clock });
  opened(null, () => server.stop());
  const { servers, user, pass } = server.access('runtime');
  const bus = opened(await connectBus({ servers, namespace, user, pass, clock, log }), (part) => part.close());
  const port = Number(new URL(server.url).port);
  const revive = async (): Promise<NatsServer> =>
    (server = await startNatsServer({ directory, namespace, port, clock }));
  opened(keepNatsServer({ revive, bus, clock, log }), (part) => part.stop());
  return { bus, nats: server.url };
}

async function openWebhooks(parts: {
  config: Config;
  bus: Bus;
  spool: Spool;
  letterbox: ReturnType<typeof createLetterbox>;
  status: ReturnType<typeof createStatusPage> | undefined;
  clock: Clock;
  log: Logger;
}): Promise<{ url: string; close(): Promise<void> }> {
  const { config, bus, spool, letterbox, status, clock, log } = parts;
  const { maxBytes, github, linear, listen } = config.webhooks;
  const webhooks = createWebhooks({
    github,
    linear,
    bus,
    spool,
    taken: (seq) => letterbox.taken(seq),
    status,
    clock,
    log,
    limits: {
      ...(maxBytes === undefined ? {} : { bodyBytesMax: maxBytes }),
      ...(config.timers.hookWait === undefined ? {} : { hookWaitSeconds: config.timers.hookWait }),
      ...(config.timers.spool === undefined ? {} : { spoolSeconds: config.timers.spool }),
    },
  });
  const listening = await listenWebhooks(webhooks, listen);
  return {
    url: listening.url,
    async close() {
      await listening.close();
      await webhooks.close();
    },
  };
}

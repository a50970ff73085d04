/** From request to receipt over a real NATS server, sent from a second process: through the stream and by asking. */
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { createLetterbox } from '../../src/actor/letterbox.ts';
import { createPublisher } from '../../src/actor/publisher.ts';
import { parseEnvelope } from '../../src/actor/envelope.ts';
import { connectBus } from '../../src/bus/nats-bus.ts';
import { startNatsServer } from '../../src/bus/server.ts';
import { realClock } from '../../src/clock.ts';
import { createLog } from '../../src/log.ts';
import { openLevelStore } from '../../src/store/level-store.ts';
import { startCompanion } from './companion.ts';
import type { Companion } from './companion.ts';
import { atLeast, atMost } from './figure.ts';
import type { Figure } from './figure.ts';
import type { Task, Timing } from './sender.ts';
import { openSessions } from './sessions.ts';
import { openNode } from './steps.ts';

const ACTORS = 1_000;
const IN_FLIGHT = 64;
const NAMESPACE = 'chartroom';

const cpuText = ({ cpuUs }: { cpuUs: number }): string => `${Math.round(cpuUs)} µs of the runtime’s processor each`;

/** `syncMs`: the disk's own, which one at a time cannot be faster than. */
export async function measureBus(directory: string, syncMs: number): Promise<Figure[]> {
  const home = path.join(directory, 'bus');
  mkdirSync(home);
  const log = createLog({ level: 'error' });
  const server = await startNatsServer({ directory: path.join(home, 'nats'), namespace: NAMESPACE });
  const { servers, user, pass } = server.access('runtime');
  const bus = await connectBus({ servers, user, pass, namespace: NAMESPACE, clock: realClock, log });
  const store = await openLevelStore(path.join(home, 'store'));
  const node = await openNode(store);
  await openSessions(node, 0, ACTORS);
  const publisher = createPublisher({ node, bus, clock: realClock, log, namespace: NAMESPACE });
  const letterbox = createLetterbox({ node, bus, clock: realClock, log, takeHook: async () => {} });
  const service = await bus.serve({
    send: async (body) => {
      const envelope = parseEnvelope(JSON.parse(Buffer.from(body).toString('utf8')));
      return { body: JSON.stringify(await node.send(envelope)) };
    },
  });
  publisher.start();
  await letterbox.start();
  const sender = startCompanion<Task, Timing>('test/bench/sender');
  const access = { ...server.access('operator'), namespace: NAMESPACE, actors: ACTORS };
  try {
    const many = { inFlight: IN_FLIGHT, warmMs: 2_000, ms: 6_000 };
    const mail = await measure(sender, { ...access, ...many, door: 'mail', firstRound: 0 });
    const ask = await measure(sender, { ...access, ...many, door: 'ask', firstRound: 10_000 });
    const single = await measure(sender, {
      ...access,
      door: 'ask',
      inFlight: 1,
      warmMs: 500,
      ms: 3_000,
      firstRound: 20_000,
    });
    return [
      {
        name: 'mail over NATS, 64 in flight',
        measured: mail.rate,
        note: cpuText(mail),
        unit: '/s',
        must: atLeast(6_000),
        aim: atLeast(10_000),
      },
      { name: 'mail over NATS, 64 in flight, p50', measured: mail.p50, unit: 'ms' },
      { name: 'mail over NATS, 64 in flight, p99', measured: mail.p99, unit: 'ms', must: atMost(25), aim: atMost(15) },
      {
        name: 'ask.send, 64 in flight',
        measured: ask.rate,
        note: cpuText(ask),
        unit: '/s',
        must: atLeast(6_500),
        aim: atLeast(12_000),
      },
      { name: 'ask.send, 64 in flight, p50', measured: ask.p50, unit: 'ms' },
      { name: 'ask.send, 64 in flight, p99', measured: ask.p99, unit: 'ms', must: atMost(20) },
      {
        name: 'ask.send, one at a time, p50',
        measured: single.p50,
        unit: 'ms',
        must: atMost(1 + syncMs),
        aim: atMost(0.5 + syncMs),
        note: 'with one sync of this disk',
      },
    ];
  } finally {
    await sender.end();
    await letterbox.stop();
    await service.stop();
    await node.stop();
    await publisher.stop();
    await bus.close();
    await server.stop();
    await store.close();
  }
}

async function measure(sender: Companion<Task, Timing>, task: Task): Promise<Timing & { cpuUs: number }> {
  const cpu = process.cpuUsage();
  const timing = await sender.perform(task);
  const { user, system } = process.cpuUsage(cpu);
  return { ...timing, cpuUs: (user + system) / timing.count };
}

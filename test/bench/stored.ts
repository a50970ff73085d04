/** What a store costs that is not touched: starting with many idle actors, waking one, replaying all. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { MACHINES } from '../../machines/index.ts';
import { createNode } from '../../src/actor/node.ts';
import { verifyStore } from '../../src/actor/verify.ts';
import { realClock } from '../../src/clock.ts';
import { createLog } from '../../src/log.ts';
import { programArgs } from '../../src/package.ts';
import { KEYS } from '../../src/store/keys.ts';
import { openLevelStore } from '../../src/store/level-store.ts';
import type { Operation, Store } from '../../src/store/store.ts';
import { atLeast, atMost, percentile, sinceMs } from './figure.ts';
import type { Figure } from './figure.ts';
import { addressOf, nextEnvelope, openSessions } from './sessions.ts';
import { openNode } from './steps.ts';

const FEW = 1_000;
const MANY = 100_000;
const STEPS_LONG = 1_000;
const REPLAYED_ACTORS = 200;
/** A store of a busy week: of one of a second’s work it would be measured how long V8 takes to compile. */
const REPLAYED_ROUNDS = 240;

interface Started {
  readyMs: number;
  rssMb: number;
}

export async function measureStart(directory: string): Promise<Figure[]> {
  const few = await started(directory, FEW);
  const many = await started(directory, MANY);
  return [
    {
      name: 'start with 100,000 idle actors',
      measured: many.readyMs,
      unit: 'ms',
      must: atMost(1_000),
      aim: atMost(400),
    },
    { name: 'memory with 100,000 idle actors', measured: many.rssMb, unit: 'MB', must: atMost(120), aim: atMost(90) },
    {
      name: 'start, from 1,000 to 100,000 actors',
      measured: many.readyMs - few.readyMs,
      unit: 'ms',
      must: atMost(150),
    },
    { name: 'memory, from 1,000 to 100,000 actors', measured: many.rssMb - few.rssMb, unit: 'MB', must: atMost(25) },
  ];
}

/** A process of its own opens the store: its memory is the runtime’s and not the bench’s. */
async function started(directory: string, actors: number): Promise<Started> {
  const home = path.join(directory, `idle-${actors}`);
  await fill(home, actors);
  const args = programArgs('test/bench/starter');
  const child = fork(args.at(-1)!, [home], {
    execArgv: args.slice(0, -1),
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const failed = once(child, 'exit').then(() => Promise.reject(new Error('the starter ended')));
  failed.catch(() => {});
  const [result] = (await Promise.race([once(child, 'message'), failed])) as [Started];
  const gone = once(child, 'exit');
  child.disconnect();
  await gone;
  return result;
}

/** Copies of one session under many addresses, as the kernel would have written them. */
async function fill(home: string, actors: number): Promise<void> {
  const store = await openLevelStore(home);
  const node = await openNode(store);
  await openSessions(node, 0, 1);
  await node.stop();
  const rows = [KEYS.journal, (address: string) => KEYS.index(address), KEYS.stepped] as const;
  const model = addressOf(0);
  const entry = JSON.parse(store.get(KEYS.journal(model, 1))!) as { envelope: { data: { body: string } } };
  // The texts would make it 2 GB on disk, and nobody reads them: an idle actor is its row in the index.
  entry.envelope.data.body = '';
  const texts = [JSON.stringify(entry), store.get(KEYS.index(model))!, store.get(KEYS.stepped(model))!];
  let operations: Operation[] = [];
  for (let index = 1; index < actors; index++) {
    const address = addressOf(index);
    rows.forEach((key, at) => {
      operations.push({ put: key(address, 1), value: texts[at]!.replaceAll(model, address) });
    });
    if (operations.length < 6_000) continue;
    await store.write(operations);
    operations = [];
  }
  await store.write(operations);
  await store.close();
}

export async function measureReplay(directory: string): Promise<Figure[]> {
  const store = await openLevelStore(path.join(directory, 'replay'));
  const node = await openNode(store);
  await openSessions(node, 0, REPLAYED_ACTORS);
  for (let round = 0; round < STEPS_LONG; round++) {
    const actors = round < REPLAYED_ROUNDS ? REPLAYED_ACTORS : 1;
    await Promise.all(Array.from({ length: actors }, (_, index) => node.send(nextEnvelope(index, round))));
  }
  await node.stop();
  const cold = measureCold(store);
  const mark = performance.now();
  const cpu = process.cpuUsage();
  const verified = await verifyStore(store);
  const ms = sinceMs(mark);
  const { user, system } = process.cpuUsage(cpu);
  await store.close();
  if (verified.differences.length > 0) throw new Error(verified.differences.join('\n'));
  return [
    {
      name: 'cold activation, 1,000 steps',
      measured: cold,
      unit: 'ms',
      must: atMost(5),
      aim: atMost(2),
      note: 'p50 of nodes that know nothing yet',
    },
    {
      name: 'replay --all --check',
      measured: (verified.entries / ms) * 1_000,
      unit: '/s',
      must: atLeast(15_000),
      aim: atLeast(40_000),
      note: `${verified.entries} entries, ${Math.round((user + system) / verified.entries)} µs of processor each`,
    },
  ];
}

function measureCold(store: Store): number {
  const samples: number[] = [];
  for (let sample = 0; sample < 21; sample++) {
    // Not loaded: that would wake whoever has a watch standing.
    const node = createNode({ store, definitions: MACHINES, clock: realClock, log: createLog({ level: 'silent' }) });
    const mark = performance.now();
    node.actors.get(addressOf(0));
    samples.push(sinceMs(mark));
  }
  return percentile(samples, 0.5);
}

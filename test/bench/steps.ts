/** Steps of one process, without a bus: how many a second, what each writes, and what LevelDB alone would take for it. */
import path from 'node:path';
import { Level } from 'level';
import { MACHINES } from '../../machines/index.ts';
import type { Envelope } from '../../src/actor/envelope.ts';
import { createNode } from '../../src/actor/node.ts';
import type { Node } from '../../src/actor/node.ts';
import type { Definition } from '../../src/actor/state.ts';
import { realClock } from '../../src/clock.ts';
import { createLog } from '../../src/log.ts';
import { openLevelStore } from '../../src/store/level-store.ts';
import type { Operation, Store } from '../../src/store/store.ts';
import { atLeast, atMost, sinceMs } from './figure.ts';
import type { Figure } from './figure.ts';
import { envelope, nextEnvelope, openSessions, smallDefinition } from './sessions.ts';

const ACTORS = 1_000;
/** Envelopes on their way at a time: groups of at least 32 come of it. */
const IN_FLIGHT = 512;
const MS = 8_000;
/** Until then a process spends up to twice as much on a step: the compiler still learns. A number, for time would warm a slow machine less. */
const WARM_STEPS = 10_000;
/** Batches kept to be written again by LevelDB alone; more would be a burden on what is measured. */
const KEPT_MAX = 150;

interface Written {
  operations: Operation[][];
  bytes: number;
}

/** A store that counts what it is given; with `keep` it also keeps the batches, to write them again. */
export function countingStore(store: Store, keep = false): { store: Store; written: Written } {
  const written: Written = { operations: [], bytes: 0 };
  return {
    written,
    store: {
      ...store,
      write(operations) {
        for (const operation of operations) {
          written.bytes += 'put' in operation ? operation.put.length + operation.value.length : operation.del.length;
        }
        if (keep && written.operations.length < KEPT_MAX) written.operations.push(operations);
        return store.write(operations);
      },
    },
  };
}

export async function openNode(store: Store, definitions: readonly Definition[] = MACHINES): Promise<Node> {
  const node = createNode({ store, definitions, clock: realClock, log: createLog({ level: 'silent' }) });
  await node.load();
  return node;
}

/** Keeps `inFlight` envelopes on their way for some time; returns how many receipts came. */
export async function flood(
  send: (count: number) => Promise<unknown>,
  { inFlight, ms }: { inFlight: number; ms: number },
): Promise<number> {
  const end = performance.now() + ms;
  let sent = 0;
  let received = 0;
  const one = async (): Promise<void> => {
    while (performance.now() < end) {
      await send(sent++);
      received += 1;
    }
  };
  await Promise.all(Array.from({ length: inFlight }, one));
  return received;
}

/** Sends `count` envelopes before anything is measured, `inFlight` of them on their way at a time. */
async function warm(
  send: () => Promise<void>,
  { inFlight, count }: { inFlight: number; count: number },
): Promise<void> {
  let left = count;
  const one = async (): Promise<void> => {
    while (left-- > 0) await send();
  };
  await Promise.all(Array.from({ length: inFlight }, one));
}

interface Stepped {
  rate: number;
  group: number;
  cpuUs: number;
  bytes: number;
  envelopeBytes: number;
}

async function measure(node: Node, written: Written, make: (count: number) => Envelope): Promise<Stepped> {
  let envelopeBytes = 0;
  let made = 0;
  let batches = 0;
  let steps = 0;
  node.onCommitted(({ facts }) => {
    batches += 1;
    steps += facts.length;
  });
  const send = async (): Promise<void> => {
    const next = make(made++);
    envelopeBytes += JSON.stringify(next).length;
    const receipt = await node.send(next);
    if (receipt.seq === null) throw new Error(`the bench’s own envelope was ${receipt.outcome}: ${receipt.reason}`);
  };
  await warm(send, { inFlight: IN_FLIGHT, count: WARM_STEPS });
  [envelopeBytes, batches, steps, written.bytes, written.operations] = [0, 0, 0, 0, []];
  const cpu = process.cpuUsage();
  const mark = performance.now();
  const taken = await flood(send, { inFlight: IN_FLIGHT, ms: MS });
  const ms = sinceMs(mark);
  const { user, system } = process.cpuUsage(cpu);
  return {
    rate: (steps / ms) * 1_000,
    group: steps / batches,
    cpuUs: (user + system) / steps,
    bytes: written.bytes / steps,
    envelopeBytes: envelopeBytes / taken,
  };
}

export async function measureSteps(directory: string): Promise<Figure[]> {
  const counted = countingStore(await openLevelStore(path.join(directory, 'steps')), true);
  const node = await openNode(counted.store);
  await openSessions(node, 0, ACTORS);
  const real = await measure(node, counted.written, (count) =>
    nextEnvelope(count % ACTORS, Math.floor(count / ACTORS)),
  );
  await node.stop();
  await counted.store.close();
  const raw = await writeRaw(path.join(directory, 'raw'), counted.written.operations);
  return [
    {
      name: 'steps/s, 1,000 sessions of 20 kB',
      measured: real.rate,
      unit: '/s',
      must: atLeast(10_000),
      aim: atLeast(20_000),
      note: `groups of ${Math.round(real.group)}, ${Math.round(real.cpuUs)} µs of processor a step`,
    },
    {
      name: 'bytes written per step',
      measured: real.bytes,
      unit: 'B',
      must: atMost(Math.round(2.5 * real.envelopeBytes + 300)),
      aim: atMost(Math.round(1.6 * real.envelopeBytes + 300)),
      note: `envelopes of ${Math.round(real.envelopeBytes)} B`,
    },
    {
      name: 'raw LevelDB, the same batches',
      measured: raw,
      unit: '/s',
      note: 'steps/s if nothing were computed; information',
    },
  ];
}

export async function measureSmall(directory: string): Promise<Figure[]> {
  const counted = countingStore(await openLevelStore(path.join(directory, 'small')));
  const node = await openNode(counted.store, [smallDefinition as unknown as Definition]);
  for (let index = 0; index < ACTORS; index++) void node.send(envelope(`small/a${index}`, 'open', {}, `open-${index}`));
  await node.quiet();
  const small = await measure(node, counted.written, (count) =>
    envelope(`small/a${count % ACTORS}`, 'count', { by: 1 }, `c${count}`),
  );
  await node.stop();
  await counted.store.close();
  return [
    {
      name: 'steps/s, one region and 4 kB',
      measured: small.rate,
      unit: '/s',
      aim: atLeast(100_000),
      note: `groups of ${Math.round(small.group)}, ${Math.round(small.cpuUs)} µs of processor a step`,
    },
  ];
}

/** Steps per second of the same bytes, written one batch after the other by the chained API. */
async function writeRaw(directory: string, batches: Operation[][]): Promise<number> {
  const database = new Level(directory, { writeBufferSize: 16 * 1_024 * 1_024 });
  await database.open();
  let steps = 0;
  const mark = performance.now();
  for (const operations of batches) {
    const batch = database.batch();
    for (const operation of operations) {
      if ('put' in operation) batch.put(operation.put, operation.value);
      else batch.del(operation.del);
      if ('put' in operation && operation.put.startsWith('0!journal!')) steps += 1;
    }
    await batch.write({ sync: true } as object);
  }
  const ms = sinceMs(mark);
  await database.close();
  return (steps / ms) * 1_000;
}

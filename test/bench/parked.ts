/** What a parked actor with a full mailbox and one that takes its time cost the others (I14). */
import path from 'node:path';
import { assign, setup } from 'xstate';
import { z } from 'zod';
import type { Birth, EventsOf, MachineDefinition } from '../../machines/contract.ts';
import type { Node } from '../../src/actor/node.ts';
import type { Definition } from '../../src/actor/state.ts';
import { openLevelStore } from '../../src/store/level-store.ts';
import { atMost, percentile } from './figure.ts';
import type { Figure } from './figure.ts';
import { envelope, smallDefinition } from './sessions.ts';
import { flood, openNode } from './steps.ts';

const WAITING = 10_000;
const OTHERS = 200;
const IN_FLIGHT = 64;
const MS = 2_500;
const SLOW_MS = 5;

const EVENTS = {
  open: { data: z.strictObject({}), means: 'Made.', creates: 'always' },
  linger: { data: z.strictObject({}), means: 'Takes five milliseconds.' },
  break: { data: z.strictObject({}), means: 'Throws.' },
} as const;

const machine = setup({
  types: { context: {} as { count: number }, events: {} as EventsOf<typeof EVENTS>, input: {} as Birth },
  actions: {
    linger: assign(({ context }) => {
      for (const end = performance.now() + SLOW_MS; performance.now() < end;);
      return { count: context.count + 1 };
    }),
    fail: assign(() => {
      throw new Error('a bug in the machine');
    }),
    count: assign(({ context }) => ({ count: context.count + 1 })),
  },
}).createMachine({
  id: 'heavy',
  context: () => ({ count: 0 }),
  initial: 'there',
  states: {
    there: {
      description: 'Takes its time.',
      meta: { waitsFor: 'human' },
      on: { open: { actions: 'count' }, linger: { actions: 'linger' }, break: { actions: 'fail' } },
    },
  },
});

const heavyDefinition = { ...smallDefinition, kind: 'heavy', logic: machine, events: EVENTS } as MachineDefinition;

export async function measureParked(directory: string): Promise<Figure[]> {
  const store = await openLevelStore(path.join(directory, 'parked'));
  const node = await openNode(store, [smallDefinition as unknown as Definition, heavyDefinition]);
  for (let index = 0; index < OTHERS; index++) void node.send(envelope(`small/a${index}`, 'open', {}, `o${index}`));
  for (const name of ['parked', 'slow']) await node.send(envelope(`heavy/${name}`, 'open', {}, `open-${name}`));
  await othersP99(node, 'warm');
  const alone = await othersP99(node, 'alone');

  void node.send(envelope('heavy/parked', 'break', {}, 'poison'), { door: 'mail' });
  await node.quiet();
  for (let index = 0; index < WAITING; index++)
    void node.send(envelope('heavy/parked', 'linger', {}, `w${index}`), { door: 'mail' });
  await node.quiet();
  const parked = await othersP99(node, 'parked');

  let lingering = true;
  const slow = (async () => {
    for (let count = 0; lingering; count++) await node.send(envelope('heavy/slow', 'linger', {}, `l${count}`));
  })();
  const beside = await othersP99(node, 'slow');
  lingering = false;
  await slow;
  await node.stop();
  await store.close();
  return [
    {
      name: 'p99 of others beside a parked actor with 10,000 waiting',
      measured: parked / alone,
      unit: '×',
      must: atMost(1.5),
      aim: atMost(1.1),
      note: `${alone.toFixed(1)} ms without`,
    },
    {
      name: 'p99 of others beside one that also takes 5 ms a step',
      measured: beside / alone,
      unit: '×',
      note: `${beside.toFixed(1)} ms: a step is synchronous, so its 5 ms are everybody’s`,
    },
  ];
}

async function othersP99(node: Node, run: string): Promise<number> {
  const latencies: number[] = [];
  await flood(
    async (count) => {
      const mark = performance.now();
      await node.send(envelope(`small/a${count % OTHERS}`, 'count', { by: 1 }, `${run}${count}`));
      latencies.push(performance.now() - mark);
    },
    { inFlight: IN_FLIGHT, ms: MS },
  );
  return percentile(latencies, 0.99);
}

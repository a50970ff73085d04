/** What a correction of a mission costs as it grows: its time, what it writes, and its receipt. */
import path from 'node:path';
import type { Node } from '../../src/actor/node.ts';
import { openLevelStore } from '../../src/store/level-store.ts';
import { atMost, percentile } from './figure.ts';
import type { Figure } from './figure.ts';
import { addressOf, envelope, openSessions } from './sessions.ts';
import { countingStore, openNode } from './steps.ts';

const FEW = 10;
const MANY = 1_000;
const CORRECTIONS = 1_500;
/** The first ones are slower: the compiler still learns. */
const WARM = 200;

interface Corrected {
  p50: number;
  bytes: number;
  receiptBytes: number;
}

export async function measureMissions(directory: string): Promise<Figure[]> {
  const counted = countingStore(await openLevelStore(path.join(directory, 'missions')));
  const node = await openNode(counted.store);
  for (const items of [FEW, MANY]) await openMission(node, items);
  await openSessions(node, 0, 1);
  const times = (address: string): Promise<Corrected> => corrected(node, counted.written, address);
  await times(`mission/of-${MANY}`);
  // By turns: what else runs on the machine meets both.
  const few = await times(`mission/of-${FEW}`);
  const many = await times(`mission/of-${MANY}`);
  const session = await times(addressOf(0));
  await node.stop();
  await counted.store.close();
  return [
    {
      name: 'a correction, mission of 10 → 1,000 items, latency',
      measured: many.p50 / few.p50,
      unit: '×',
      must: atMost(2),
      aim: atMost(1.2),
      note: `p50 ${few.p50.toFixed(2)} → ${many.p50.toFixed(2)} ms, with one sync each`,
    },
    {
      name: 'a correction, mission of 10 → 1,000 items, bytes',
      measured: many.bytes / few.bytes,
      unit: '×',
      must: atMost(2),
      aim: atMost(1.2),
      note: `${Math.round(few.bytes)} → ${Math.round(many.bytes)} B written`,
    },
    { name: 'receipt of a mission of 1,000 items', measured: many.receiptBytes, unit: 'B', must: atMost(4_096) },
    {
      name: 'a correction of a session of 20 kB, p50',
      measured: session.p50,
      unit: 'ms',
      note: `${Math.round(session.bytes)} B written, a receipt of ${Math.round(session.receiptBytes)} B, one at a time`,
    },
  ];
}

async function openMission(node: Node, items: number): Promise<void> {
  const keys = Array.from({ length: items }, (_, index) => `i${index}`);
  const data = {
    objective: `Do ${items} things`,
    items: keys.map((key, index) => ({
      key,
      title: `Item ${key}`,
      body: 'What is to be done, in a few words.',
      kind: 'implement',
      dependsOn: index % 5 === 0 ? [] : [`i${index - 1}`],
      repo: 'acme/api',
      deliver: 'report',
    })),
    policy: { maxParallel: 4 },
  };
  const { outcome, reason } = await node.send(envelope(`mission/of-${items}`, 'open', data, `open-${items}`));
  if (outcome !== 'taken') throw new Error(`the bench’s own mission was ${outcome}: ${reason}`);
  await node.quiet();
}

async function corrected(node: Node, written: { bytes: number }, address: string): Promise<Corrected> {
  const latencies: number[] = [];
  let bytes = 0;
  let receiptBytes = 0;
  for (let count = 0; count < WARM + CORRECTIONS; count++) {
    const [before, mark] = [written.bytes, performance.now()];
    const receipt = await node.send(correction(address, count));
    const ms = performance.now() - mark;
    if (receipt.outcome !== 'taken') throw new Error(`a correction was ${receipt.outcome}: ${receipt.reason}`);
    // What it tells its sessions is of it too.
    await node.quiet();
    if (count < WARM) continue;
    latencies.push(ms);
    bytes += written.bytes - before;
    receiptBytes = Math.max(receiptBytes, JSON.stringify(receipt).length);
  }
  return { p50: percentile(latencies, 0.5), bytes: bytes / CORRECTIONS, receiptBytes };
}

let corrections = 0;

function correction(address: string, count: number) {
  const id = `correction-${corrections++}`;
  return address.startsWith('mission/')
    ? envelope(address, 'correct.policy.set', { stallSeconds: 600 + (count % 2) }, id)
    : envelope(address, 'correct.budget.set', { kind: 'checks', limit: 3 + (count % 8) }, id);
}

/** Corrections at the pace of a busy conductor: a mission of 1,000 items, 50 agents at work, 20 corrections a second. */
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { realClock } from '../../src/clock.ts';
import { openLevelStore } from '../../src/store/level-store.ts';
import { LARGE, openLargeMission } from '../support/large-mission.ts';
import { atMost, percentile, sinceMs } from './figure.ts';
import type { Figure } from './figure.ts';
import { envelope } from './sessions.ts';
import { openNode } from './steps.ts';

const ITEMS = 1_000;
const AGENTS = 50;
const PER_SECOND = 20;
const SECONDS = 15;

export async function measureCorrections(directory: string): Promise<Figure[]> {
  const store = await openLevelStore(path.join(directory, 'corrections'));
  const node = await openNode(store);
  const mission = await openLargeMission(node, { items: ITEMS, agents: AGENTS, clock: realClock });
  // Runs begin by and by; each takes a few steps.
  while (mission.running().size < AGENTS) await delay(50);
  await node.quiet();
  let steps = 0;
  node.onCommitted(({ facts }) => void (steps += facts.length));
  const latencies: number[] = [];
  const sent: Promise<void>[] = [];
  const cpu = process.cpuUsage();
  const start = performance.now();
  for (let count = 0; count < PER_SECOND * SECONDS; count++) {
    const mark = performance.now();
    const letter = correction(count, [...mission.running().values()]);
    sent.push(
      node.send(letter).then(({ outcome, reason }) => {
        if (outcome !== 'taken' && outcome !== 'recorded') throw new Error(`${letter.type} was ${outcome}: ${reason}`);
        latencies.push(sinceMs(mark));
      }),
    );
    await delay(Math.max(0, ((count + 1) * 1_000) / PER_SECOND - sinceMs(start)));
  }
  await Promise.all(sent);
  const last = performance.now();
  await node.quiet();
  const backlogMs = sinceMs(last);
  const { user, system } = process.cpuUsage(cpu);
  await mission.stop();
  await node.stop();
  await store.close();
  const share = (user + system) / 1_000 / sinceMs(start);
  const of = `${PER_SECOND} corrections/s, mission of ${ITEMS.toLocaleString('en')} items, ${AGENTS} agents`;
  return [
    {
      name: `${of}: receipt, p99`,
      measured: percentile(latencies, 0.99),
      unit: 'ms',
      aim: atMost(100),
      note: `p50 ${percentile(latencies, 0.5).toFixed(1)} ms; ${Math.round(steps / SECONDS)} steps/s came of them, ${Math.round(share * 100)} % of a core`,
    },
    { name: `${of}: until all is at rest after the last`, measured: backlogMs, unit: 'ms', must: atMost(1_000) },
  ];
}

/** Of the mission, of items that are at work, and such as move work from one agent to another. */
function correction(count: number, busy: readonly string[]) {
  const id = `correction-${count}`;
  const session = busy[count % busy.length]!;
  switch (count % 4) {
    case 0:
      return envelope(LARGE, 'correct.policy.set', { stallSeconds: 600 + count }, id);
    case 1:
      return envelope(session, 'correct.budget.set', { kind: 'implement', limit: 3 + count }, id);
    case 2:
      return envelope(session, 'correct.edit', { title: `Item, edited ${count} times` }, id);
    default:
      return envelope(
        session,
        'correct.reassign',
        { to: `agent/a${(count * 7) % AGENTS}`, reason: `move ${count}` },
        id,
      );
  }
}

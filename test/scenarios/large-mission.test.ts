/** A large mission under many corrections: nothing is left waiting, and it shows of each item what its session says. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MACHINES } from '../../machines/index.ts';
import type { MissionContext } from '../../machines/mission/index.ts';
import { createNode } from '../../src/actor/node.ts';
import { createFakeClock } from '../../src/clock.ts';
import { createLog } from '../../src/log.ts';
import { letter } from '../support/letter.ts';
import { LARGE, openLargeMission } from '../support/large-mission.ts';
import { openMemoryStore } from '../support/memory-store.ts';

const LONG = process.env['CHARTROOM_TEST_LONG'] === '1';
const { items, agents, seconds } = LONG
  ? { items: 1_000, agents: 50, seconds: 30 }
  : { items: 40, agents: 8, seconds: 3 };
const PER_SECOND = 20;

test(`${items} items, ${agents} agents, ${PER_SECOND} corrections a second: nothing is left over, and the picture is true`, async () => {
  const clock = createFakeClock();
  const node = createNode({
    store: await openMemoryStore(),
    definitions: MACHINES,
    clock,
    log: createLog({ level: 'silent' }),
  });
  await node.load();
  node.releaseTimers();
  const mission = await openLargeMission(node, { items, agents, clock });
  async function settle(): Promise<void> {
    for (let calm = 0; calm < 3;) {
      const size = node.outbox.size();
      await node.quiet();
      await new Promise((resolve) => setImmediate(resolve));
      calm = size > 0 || node.outbox.size() > 0 ? 0 : calm + 1;
    }
  }
  await settle();
  assert.equal(mission.running().size, agents);
  for (let second = 0; second < seconds; second++) {
    const busy = [...mission.running()];
    const receipts = await Promise.all(
      Array.from({ length: PER_SECOND }, (_, index) => {
        const n = second * PER_SECOND + index;
        const [, session] = busy[n % busy.length]!;
        if (index % 4 === 0) return node.send(letter(LARGE, 'correct.policy.set', { stallSeconds: 600 + n }));
        if (index % 4 === 1) return node.send(letter(session, 'correct.edit', { title: `Edited ${n} times` }));
        if (index % 4 === 2)
          return node.send(letter(session, 'correct.budget.set', { kind: 'implement', limit: 2 + n }));
        return node.send(letter(session, 'correct.reassign', { to: `agent/a${(n * 7) % agents}` }));
      }),
    );
    for (const { outcome, reason } of receipts) assert.ok(['taken', 'recorded'].includes(outcome), String(reason));
    await settle();
    const [finished] = [...mission.running().keys()];
    if (finished !== undefined) await mission.finish(finished);
    clock.advance(1_000);
    await settle();
    assert.deepEqual([node.queuedBytes(), node.outbox.size()], [0, 0], `second ${second}`);
  }
  const { context } = node.actors.get(LARGE).stood!.live.state as unknown as { context: MissionContext };
  for (const { session, picture } of context.items) {
    const { projection } = node.actors.get(session).stood!;
    assert.deepEqual([picture?.owner, picture?.epoch], [projection.owner, projection.epoch], session);
    assert.deepEqual(picture?.waitingOn, projection.waitingOn, session);
  }
  assert.ok(context.items.some(({ state }) => state === 'done'));
  await mission.stop();
  await node.stop();
});

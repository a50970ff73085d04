import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Supervision } from '../../machines/contract.ts';
import type { Fact } from '../../src/actor/fact.ts';
import { createMetrics } from '../../src/visualizer/metrics.ts';

const zero = (): number => 0;
/** A runtime in which nothing is. */
const NOTHING = {
  queuedBytes: zero,
  oldestMailMs: zero,
  oldestTimerMs: zero,
  outboxPending: zero,
  publishLag: zero,
  actorsInMemory: zero,
  wants: async () => [],
  nowMs: zero,
  agents: async () => [],
  sources: () => ({}),
};
const calm: Supervision = { crashes: 0, crashesInRow: 0, backOffUntil: null, lastExit: null, dormant: null };

test('what supervision knows of agents is in the metrics, and an agent that rests no longer has no back-off there', async () => {
  let agents = [
    {
      address: 'agent/ada',
      phase: 'coolingDown',
      supervision: { ...calm, crashes: 3, backOffUntil: '2026-01-01T00:10:00.000Z' },
    },
    { address: 'agent/eve', phase: 'asleep', supervision: calm },
  ];
  const metrics = createMetrics({
    ...NOTHING,
    agents: async () => agents,
  });
  const exit = { class: 'crash', reason: 'it died', at: '2026-01-01T00:00:00.000Z' };
  metrics.count({
    actor: 'agent/ada',
    type: 'driver.exited',
    envelope: { id: 'e', source: 'watch/process' },
    outcome: 'taken',
    supervision: { ...calm, lastExit: exit },
  } as Fact);
  const text = await metrics.text();
  assert.match(text, /chartroom_process_exits_total\{class="crash"\} 1/);
  assert.match(text, /chartroom_agents\{phase="coolingDown"\} 1/);
  assert.match(text, /chartroom_agent_crashes\{agent="agent\/ada"\} 3/);
  assert.match(text, /chartroom_agent_backoff_until_seconds\{agent="agent\/ada"\} 1767226200/);
  assert.doesNotMatch(text, /backoff_until_seconds\{agent="agent\/eve"/);
  agents = agents.slice(1);
  assert.doesNotMatch(await metrics.text(), /agent\/ada/);
});

test('a source stands in one state, and what it lost is counted', async () => {
  const metrics = createMetrics({
    ...NOTHING,
    sources: () => ({
      github: {
        state: 'gap',
        since: '2026-01-01T00:00:00.000Z',
        reason: null,
        lastHookAt: null,
        sweptAt: null,
        missing: 2,
        recovered: 5,
      },
    }),
  });
  const text = await metrics.text();
  assert.match(text, /chartroom_source\{source="github",state="gap"\} 1/);
  assert.match(text, /chartroom_source\{source="github",state="live"\} 0/);
  assert.match(text, /chartroom_source_recovered\{source="github"\} 5/);
});

test('work that waits for an agent is counted by user, role and kind, with the age of the oldest, until it has one', async () => {
  const implement = { user: 'dev', role: 'implementer', kind: 'implement' as const };
  let wants = [
    { ...implement, since: '2026-01-01T00:00:30.000Z' },
    { ...implement, since: '2026-01-01T00:00:00.000Z' },
    { user: 'dev', role: 'reviewer', kind: 'review' as const, since: '2026-01-01T00:00:50.000Z' },
  ];
  const metrics = createMetrics({
    ...NOTHING,
    wants: async () => wants,
    nowMs: () => Date.parse('2026-01-01T00:01:00.000Z'),
  });
  const text = await metrics.text();
  const labels = 'user="dev",role="implementer",kind="implement"';
  assert.ok(text.includes(`chartroom_waiting_work{${labels}} 2`), text);
  assert.ok(text.includes(`chartroom_waiting_work_oldest_seconds{${labels}} 60`), text);
  assert.match(text, /chartroom_waiting_work_oldest_seconds\{user="dev",role="reviewer",kind="review"\} 10/);
  wants = wants.slice(2);
  assert.ok(!(await metrics.text()).includes(labels));
});

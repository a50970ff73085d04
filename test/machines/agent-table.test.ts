import assert from 'node:assert/strict';
import { test } from 'node:test';
import { agentDefinition } from '../../machines/agent/index.ts';
import { missingEvents } from '../support/actor.ts';
import { LIVES, SAMPLES, outcome } from './agent-states.ts';
import type { AgentEventType, Life } from './agent-states.ts';
import { AGENT_TABLE } from './agent.table.ts';

for (const life of Object.keys(LIVES) as Life[]) {
  test(`what each event does to an agent in ${life}`, () => {
    const found = Object.fromEntries(
      (Object.keys(SAMPLES) as AgentEventType[]).map((type) => [type, outcome(life, type)]),
    );
    assert.deepEqual(found, AGENT_TABLE[life]);
  });
}

test('every event of the catalogue is in the chart', () => {
  assert.deepEqual(missingEvents(agentDefinition), []);
});

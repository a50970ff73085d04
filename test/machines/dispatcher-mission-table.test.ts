import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dispatcherDefinition } from '../../machines/dispatcher/index.ts';
import { missionDefinition } from '../../machines/mission/index.ts';
import { missingEvents } from '../support/actor.ts';
import { FLEETS, SAMPLES as WORDS, outcome as fleetOutcome } from './dispatcher-states.ts';
import type { DispatcherEventType, Fleet } from './dispatcher-states.ts';
import { DISPATCHER_TABLE } from './dispatcher.table.ts';
import { SAMPLES, STATES, outcome } from './mission-states.ts';
import type { MissionEventType, MissionState } from './mission-states.ts';
import { MISSION_TABLE } from './mission.table.ts';

for (const fleet of Object.keys(FLEETS) as Fleet[]) {
  test(`what each event does to a dispatcher whose fleet is ${fleet}`, () => {
    const types = Object.keys(WORDS) as DispatcherEventType[];
    const found = Object.fromEntries(types.map((type) => [type, fleetOutcome(fleet, type)]));
    assert.deepEqual(found, DISPATCHER_TABLE[fleet]);
  });
}

for (const state of Object.keys(STATES) as MissionState[]) {
  test(`what each event does to a mission that is ${state}`, () => {
    const types = Object.keys(SAMPLES) as MissionEventType[];
    const found = Object.fromEntries(types.map((type) => [type, outcome(state, type)]));
    assert.deepEqual(found, MISSION_TABLE[state]);
  });
}

for (const definition of [dispatcherDefinition, missionDefinition]) {
  test(`every event of the catalogue is in the chart of the ${definition.kind}`, () => {
    assert.deepEqual(missingEvents(definition), []);
  });
}

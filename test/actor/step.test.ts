import assert from 'node:assert/strict';
import { test } from 'node:test';
import { applyChange, foldChange } from '../../src/actor/change.ts';
import { step } from '../../src/actor/step.ts';
import type { LiveActor, StepResult } from '../../src/actor/step.ts';
import { revive } from '../../src/actor/step.ts';
import { canonicalJson, unborn } from '../../src/actor/state.ts';
import type { Definition } from '../../src/actor/state.ts';
import { lampDefinition } from '../support/lamp.ts';

const lamp = lampDefinition as unknown as Definition;
const address = 'lamp/desk';
let tick = 0;
const at = () => new Date(Date.parse('2026-01-01T00:00:00Z') + tick++ * 1_000).toISOString();

function take(live: LiveActor | null, type: string, data: Record<string, unknown> = {}): StepResult {
  const seq = (live?.state.seq ?? 0) + 1;
  return step(lamp, live, { type, data, at: at(), id: `e${seq}`, source: 'test', seq }, { address, timers: {} });
}

function taken(result: StepResult): Extract<StepResult, { live: LiveActor }> {
  assert.ok('live' in result, JSON.stringify(result));
  return result;
}

test('the creating event is the first step, with its claim', () => {
  const result = taken(take(null, 'open', { room: 'desk' }));
  assert.equal(result.outcome, 'taken');
  assert.equal(result.live.state.seq, 1);
  assert.deepEqual(result.live.state.claims, ['room:desk']);
  assert.deepEqual(result.live.state.value, { up: { light: 'off', dimmer: 'ready' } });
});

test('entering a state arms its timer, leaving it disarms it', () => {
  const open = taken(take(null, 'open', { room: 'desk' }));
  const lit = taken(take(open.live, 'press'));
  const timer = lit.live.state.timers['up.light.on:offer'];
  assert.ok(timer !== undefined);
  assert.equal(Date.parse(timer.due) - Date.parse(lit.live.state.at), 30_000);
  const dark = taken(take(lit.live, 'press'));
  assert.deepEqual(dark.live.state.timers, {});
  assert.deepEqual(
    dark.effects.map((effect) => effect.kind),
    ['act'],
  );
});

test('a timer that fires moves the state, a second one is superseded', () => {
  const lit = taken(take(taken(take(null, 'open', { room: 'desk' })).live, 'press'));
  const event = lit.live.state.timers['up.light.on:offer']!.event;
  const dark = taken(take(lit.live, event));
  assert.deepEqual(dark.live.state.value, { up: { light: 'off', dimmer: 'ready' } });
  assert.equal(take(dark.live, event).outcome, 'superseded');
});

test('a note alone is recorded, a dimmed light is taken, nothing new is recorded', () => {
  const open = taken(take(null, 'open', { room: 'desk' }));
  assert.equal(take(open.live, 'fyi', { text: 'hello' }).outcome, 'recorded');
  assert.equal(take(open.live, 'dim', { to: 20 }).outcome, 'taken');
  assert.equal(take(open.live, 'dim', { to: 50 }).outcome, 'recorded');
});

test('a refusal says why and changes nothing', () => {
  const open = taken(take(null, 'open', { room: 'desk' }));
  const before = canonicalJson(open.live.state);
  assert.deepEqual(take(open.live, 'dim', { to: 101 }), {
    outcome: 'refused',
    code: 'limit',
    reason: 'brighter than 100',
  });
  assert.equal(canonicalJson(open.live.state), before);
});

test('an event without a transition is refused by the guard, with the state', () => {
  const dimmed = taken(take(taken(take(null, 'open', { room: 'desk' })).live, 'dim', { to: 0 }));
  const result = take(dimmed.live, 'press');
  assert.equal(result.outcome, 'refused');
  assert.match((result as { reason: string }).reason, /"light":"off"/);
});

test('a final actor records a note and refuses the rest', () => {
  const done = taken(take(taken(take(null, 'open', { room: 'desk' })).live, 'end'));
  assert.equal(done.live.state.status, 'done');
  assert.deepEqual(done.live.state.claims, []);
  assert.equal(take(done.live, 'fyi', { text: 'late' }).outcome, 'recorded');
  assert.deepEqual((take(done.live, 'press') as { code: string }).code, 'final');
});

test('applying the changes without running any code gives the same state, and a revived actor steps alike', () => {
  let live: LiveActor | null = null;
  let evicted: LiveActor | null = null;
  let folded = unborn('1');
  const own = unborn('1');
  const events: [string, Record<string, unknown>][] = [
    ['open', { room: 'desk' }],
    ['press', {}],
    ['fyi', { text: 'a' }],
    ['dim', { to: 3 }],
    ['press', {}],
    ['press', {}],
    ['end', {}],
  ];
  for (const [type, data] of events) {
    const start = tick;
    const result: Extract<StepResult, { live: LiveActor }> = taken(take(live, type, data));
    tick = start;
    const again: Extract<StepResult, { live: LiveActor }> = taken(
      take(evicted === null ? null : revive(address, JSON.parse(JSON.stringify(evicted.state))), type, data),
    );
    live = result.live;
    evicted = again.live;
    folded = applyChange(folded, live.state.seq, live.state.at, '1', result.change);
    assert.equal(canonicalJson(folded), canonicalJson(live.state));
    foldChange(own, live.state.seq, live.state.at, '1', structuredClone(result.change));
    assert.equal(canonicalJson(own), canonicalJson(folded));
    assert.equal(canonicalJson(again.live.state), canonicalJson(live.state));
    assert.equal(canonicalJson(again.change), canonicalJson(result.change));
  }
});

test('a throwing assign throws out of the step', () => {
  const open = taken(take(null, 'open', { room: 'desk' }));
  assert.throws(() => take(open.live, 'break'), /a bug in the machine/);
});

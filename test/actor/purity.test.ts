/**
 * Random walks of the real machines over events made from their schemas. A step performs nothing and asks nothing (I1),
 * its journal can be applied and run again to the same bytes (I6), and what it refuses changes nothing (I10). XState’s
 * own `transition()` says what should have come out.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { initialTransition, transition } from 'xstate';
import type { AnyMachineSnapshot } from 'xstate';
import type { MachineEvent } from '../../machines/contract.ts';
import { MACHINES } from '../../machines/index.ts';
import { applyChange } from '../../src/actor/change.ts';
import { canonicalJson, unborn } from '../../src/actor/state.ts';
import type { ActorState, Definition } from '../../src/actor/state.ts';
import { dueTimers, revive, step, timerEvent } from '../../src/actor/step.ts';
import type { LiveActor, StepResult } from '../../src/actor/step.ts';
import { pick, randomFrom, sampleOf } from '../support/sample.ts';
import type { Random } from '../support/sample.ts';

/** Each walk is one life; by hand: `WALKS=2000`. */
const WALKS = Number(process.env['WALKS'] ?? 20);
const STEPS = 60;
const START_MS = Date.parse('2026-01-05T10:00:00.000Z');
const TIMERS = {};

/** What a step must not ask: the clock, chance, time to come. */
function withoutWorld<T>(run: () => T): T {
  const asked = (what: string) => () => {
    throw new Error(`a step asked for ${what}`);
  };
  const known = {
    random: Math.random,
    timeout: globalThis.setTimeout,
    interval: globalThis.setInterval,
    immediate: globalThis.setImmediate,
    microtask: globalThis.queueMicrotask,
    now: performance.now.bind(performance),
    uuid: crypto.randomUUID.bind(crypto),
    bytes: crypto.getRandomValues.bind(crypto),
    date: Date,
  };
  class NoClock extends known.date {
    constructor(...given: [] | [number | string]) {
      if (given.length === 0) asked('the clock')();
      super(given[0]!);
    }
    static override now = asked('the clock');
  }
  globalThis.Date = NoClock as unknown as DateConstructor;
  Math.random = asked('chance');
  globalThis.setTimeout = asked('a timer') as never;
  globalThis.setInterval = asked('a timer') as never;
  globalThis.setImmediate = asked('a timer') as never;
  globalThis.queueMicrotask = asked('a timer');
  performance.now = asked('the clock');
  crypto.randomUUID = asked('chance');
  crypto.getRandomValues = asked('chance');
  try {
    return run();
  } finally {
    globalThis.Date = known.date;
    Math.random = known.random;
    globalThis.setTimeout = known.timeout;
    globalThis.setInterval = known.interval;
    globalThis.setImmediate = known.immediate;
    globalThis.queueMicrotask = known.microtask;
    performance.now = known.now;
    crypto.randomUUID = known.uuid;
    crypto.getRandomValues = known.bytes;
  }
}

function frozen<T>(value: T): T {
  if (value === null || typeof value !== 'object' || Object.isFrozen(value)) return value;
  Object.freeze(value);
  for (const part of Object.values(value)) frozen(part as unknown);
  return value;
}

const addressOf = ({ kind }: Definition): string => `${kind}/walker`;
const optionsOf = (definition: Definition) => ({ address: addressOf(definition), timers: TIMERS });

/** The next thing that happens to an actor: mostly what its catalogue has, now and then a timer that is due. */
function nextEvent(definition: Definition, live: LiveActor | null, random: Random, nth: number): MachineEvent {
  const seq = (live?.state.seq ?? 0) + 1;
  const at = new Date(START_MS + nth * 7_000).toISOString();
  const due = live === null ? [] : dueTimers(live.state);
  if (due.length > 0 && random() < 0.15) {
    const { key, timer } = pick(random, due);
    return timerEvent(key, timer, at > timer.due ? at : timer.due, seq, addressOf(definition));
  }
  const types = Object.keys(definition.events).filter(
    (type) => live !== null || definition.events[type]!.creates !== undefined,
  );
  for (;;) {
    const type = pick(random, types);
    const data = sampleOf(definition.events[type]!, random);
    if (data === undefined) continue;
    return { type, data, at, id: `event-${nth}`, source: 'test/person', seq };
  }
}

interface Life {
  definition: Definition;
  /** What happened, as JSON, and what the journal would keep of it; '' = nothing was kept. */
  log: { event: string; kept: string }[];
  end: ActorState;
}

const kept = (result: StepResult): string =>
  'live' in result ? JSON.stringify([result.outcome, result.change, result.effects, result.events]) : '';

const bytes = (live: LiveActor | null): string => (live === null ? '' : canonicalJson(live.state));

/** One life; `seen` is called after every step. */
function walk(
  definition: Definition,
  seed: number,
  seen: (before: LiveActor | null, event: MachineEvent, result: StepResult) => void = () => {},
): Life {
  const random = randomFrom(seed);
  const log: Life['log'] = [];
  let live: LiveActor | null = null;
  for (let nth = 0; nth < STEPS; nth++) {
    const event: MachineEvent = frozen(nextEvent(definition, live, random, nth));
    const before = bytes(live);
    if (live !== null) frozen(live.state);
    const standing: LiveActor | null = live;
    const result: StepResult = withoutWorld(() => step(definition, standing, event, optionsOf(definition)));
    assert.equal(bytes(live), before, 'a step changes nothing in place');
    seen(live, event, result);
    log.push({ event: JSON.stringify(event), kept: kept(result) });
    if ('live' in result) live = result.live;
  }
  assert.ok(live !== null, 'nothing created it');
  return { definition, log, end: live.state };
}

/** The same events once more; `evicted`: the actor is read from its own journal before every step. */
function again({ definition, log }: Life, evicted: boolean): { log: Life['log']; end: ActorState } {
  const second: Life['log'] = [];
  let live: LiveActor | null = null;
  let folded = unborn(definition.version);
  for (const { event: text } of log) {
    const event = JSON.parse(text) as MachineEvent;
    if (evicted && live !== null) live = revive(addressOf(definition), structuredClone(folded));
    const result = step(definition, live, event, optionsOf(definition));
    second.push({ event: text, kept: kept(result) });
    if (!('live' in result)) continue;
    live = result.live;
    const change = JSON.parse(JSON.stringify(result.change)) as typeof result.change;
    folded = applyChange(folded, folded.seq + 1, event.at, definition.version, change);
    assert.equal(canonicalJson(folded), canonicalJson(live.state), 'the journal gives the state');
  }
  return { log: second, end: folded };
}

const isKept = ({ kept }: { kept: string }): boolean => kept !== '';

interface TimerParams {
  delay?: number;
  event?: { type: string };
  sendId?: string;
}

for (const definition of MACHINES) {
  test(`${definition.kind}: steps ask neither clock nor chance, and run again, evicted or not, they write the same`, (t) => {
    let steps = 0;
    const types = new Set<string>();
    for (let seed = 1; seed <= WALKS; seed++) {
      const life = walk(definition, seed, (_, event, result) => {
        if ('live' in result) types.add(event.type);
      });
      steps += life.log.filter(isKept).length;
      for (const evicted of [false, true]) {
        const second = again(life, evicted);
        assert.deepEqual(second.log, life.log, `seed ${seed}, ${evicted ? 'evicted after every step' : 'in memory'}`);
        assert.equal(canonicalJson(second.end), canonicalJson(life.end), `seed ${seed}`);
      }
    }
    t.diagnostic(`${steps} steps of ${types.size} of ${Object.keys(definition.events).length} types`);
    assert.ok(types.size >= Object.keys(definition.events).length / 3, 'the walks hardly go anywhere');
  });

  test(`${definition.kind}: XState’s own transition() comes to the same`, () => {
    for (let seed = 1; seed <= WALKS / 4; seed++) {
      let oracle: AnyMachineSnapshot | null = null;
      const armed = new Set<string>();
      walk(definition, seed, (before, event, result) => {
        if (before?.state.status === 'done') return;
        const birth = { address: addressOf(definition), at: event.at, timers: TIMERS };
        const from = oracle ?? (initialTransition(definition.logic, birth)[0] as AnyMachineSnapshot);
        const born = oracle === null ? initialTransition(definition.logic, birth)[1] : [];
        const [next, actions] = transition(definition.logic, from, event as never);
        const wishes: string[] = actions.map(({ type }) => type);
        const dropped = wishes.some((type) => type === 'refuse' || type === 'supersede');
        if (!('live' in result)) {
          const isOver = result.outcome === 'superseded' && event.type.startsWith('xstate.after.');
          if (!dropped && !isOver) assert.equal(canonicalJson(next.value), canonicalJson(from.value), `seed ${seed}`);
          return;
        }
        assert.equal(dropped, false, `seed ${seed}: ${event.type} was refused and taken`);
        assert.equal(canonicalJson(result.live.state.value), canonicalJson(next.value), `seed ${seed}: ${event.type}`);
        assert.equal(canonicalJson(result.live.state.context), canonicalJson(next.context), `seed ${seed}`);
        armed.delete(event.type);
        for (const { type, params } of [...born, ...actions] as unknown as { type: string; params: TimerParams }[]) {
          if (type === 'xstate.raise' && params.delay !== undefined) armed.add(params.event!.type);
          if (type === 'xstate.cancel') armed.delete(params.sendId!);
        }
        if (next.status === 'done') armed.clear();
        const timers = Object.values(result.live.state.timers).map((timer) => timer.event);
        assert.deepEqual(timers.sort(), [...armed].sort(), `seed ${seed}: ${event.type}`);
        const wished = wishes.filter((type) => type === 'act' || type === 'tell' || type === 'act.cancel').length;
        const announced =
          definition.announce?.((before?.view ?? null) as never, result.live.view as never, event) ?? [];
        assert.equal(result.effects.length, wished + announced.length, `seed ${seed}: ${event.type}`);
        oracle = next as AnyMachineSnapshot;
      });
    }
  });
}

/** One actor on the pure step function alone, with a clock turned by hand: for tests of machines. */
import assert from 'node:assert/strict';
import type { Known, Projection, StateValue, TimerName } from '../../machines/contract.ts';
import { dueTimers, step, timerEvent, watchesOf } from '../../src/actor/step.ts';
import type { LiveActor, StepEffect, StepResult } from '../../src/actor/step.ts';
import type { Definition } from '../../src/actor/state.ts';

export interface Sending {
  source?: string;
  id?: string;
  expectepoch?: number;
  priority?: 'urgent' | 'normal';
  wish?: Record<string, unknown>;
  known?: Known;
}

export interface TestActor {
  readonly address: string;
  /** Takes an event; fails the test when it is neither taken nor recorded. */
  take(type: string, data?: Record<string, unknown>, sending?: Sending): Extract<StepResult, { live: LiveActor }>;
  /** Takes an event, whatever comes of it. */
  send(type: string, data?: Record<string, unknown>, sending?: Sending): StepResult;
  /** Moves time on and fires what became due, one after the other. */
  wait(seconds: number): StepEffect[];
  value(): StateValue;
  context(): Record<string, unknown>;
  project(): Projection;
  watches(): Record<string, Record<string, unknown>>;
  claims(): string[];
  now(): string;
  live(): LiveActor;
  /** The events of the catalogue are checked against their schemas, as the kernel does. */
  readonly definition: Definition;
}

export function testActor(
  machine: unknown,
  address: string,
  {
    start = '2026-01-01T00:00:00.000Z',
    timers = {},
  }: { start?: string; timers?: Partial<Record<TimerName, number>> } = {},
): TestActor {
  const definition = machine as Definition;
  let nowMs = Date.parse(start);
  let live: LiveActor | null = null;
  let sent = 0;
  const now = (): string => new Date(nowMs).toISOString();

  function keep(result: StepResult): StepResult {
    if ('live' in result) live = result.live;
    return result;
  }

  function send(type: string, data: Record<string, unknown> = {}, sending: Sending = {}): StepResult {
    const spec = definition.events[type];
    assert.ok(spec !== undefined, `${definition.kind} has no event ${type}`);
    const parsed = spec.data.safeParse(data);
    assert.ok(parsed.success, `${type}: ${parsed.error?.message}`);
    sent++;
    return keep(
      step(
        definition,
        live,
        {
          type,
          data: parsed.data,
          at: now(),
          id: sending.id ?? `e${sent}`,
          source: sending.source ?? 'cli/alice',
          seq: (live?.state.seq ?? 0) + 1,
          ...(sending.expectepoch === undefined ? {} : { expectepoch: sending.expectepoch }),
          ...(sending.priority === undefined ? {} : { priority: sending.priority }),
          ...(sending.wish === undefined ? {} : { wish: sending.wish }),
          ...(sending.known === undefined ? {} : { known: sending.known }),
        },
        { address, timers },
      ),
    );
  }

  function standing(): LiveActor {
    assert.ok(live !== null, `${address} does not exist yet`);
    return live;
  }

  return {
    address,
    definition,
    send,
    take(type, data, sending) {
      const result = send(type, data, sending);
      assert.ok('live' in result, `${type}: ${JSON.stringify(result)}`);
      return result;
    },
    wait(seconds) {
      const end = nowMs + seconds * 1_000;
      const effects: StepEffect[] = [];
      for (;;) {
        const next = dueTimers(standing().state)[0];
        if (next === undefined || Date.parse(next.timer.due) > end) break;
        nowMs = Math.max(nowMs, Date.parse(next.timer.due));
        const event = timerEvent(next.key, next.timer, now(), standing().state.seq + 1, address);
        const result = keep(step(definition, live, event, { address, timers }));
        assert.ok('live' in result, `${next.key}: ${JSON.stringify(result)}`);
        effects.push(...result.effects);
      }
      nowMs = end;
      return effects;
    },
    value: () => standing().state.value,
    context: () => standing().state.context,
    project: () => definition.project(standing().view as never),
    watches: () => watchesOf(definition, standing()),
    claims: () => standing().state.claims,
    now,
    live: standing,
  };
}

/** Effects as short words: `tell:run.started`, `act:process.end`, `cancel:driver.steer`. */
export function names(effects: readonly StepEffect[]): string[] {
  return effects.map((effect) =>
    effect.kind === 'tell'
      ? `tell:${effect.type}`
      : effect.kind === 'act'
        ? `act:${effect.act}`
        : `cancel:${effect.act}`,
  );
}

/** The tells of a type, with data and fence. */
export function tells(
  effects: readonly StepEffect[],
  type: string,
): { to: string; data: Record<string, unknown>; expectepoch?: number }[] {
  return effects.flatMap((effect) =>
    effect.kind === 'tell' && effect.type === type
      ? [
          {
            to: effect.to,
            data: effect.data,
            ...(effect.expectepoch === undefined ? {} : { expectepoch: effect.expectepoch }),
          },
        ]
      : [],
  );
}

interface NodeLike {
  transitions: Map<string, unknown>;
  states: Record<string, NodeLike>;
}

/** Types of a machine's catalogue that no state of its chart has a transition for. */
export function missingEvents(machine: unknown): string[] {
  const { logic, events } = machine as Definition;
  const known = new Set<string>();
  const walk = (node: NodeLike): void => {
    for (const type of node.transitions.keys()) known.add(type);
    for (const child of Object.values(node.states)) walk(child);
  };
  walk(logic.root);
  return Object.keys(events).filter((type) => !known.has(type));
}

/**
 * A session played by hand: events go in one by one through the kernel's own step, wishes come out. Contexts are frozen
 * and every step is run twice, so that an impure handler is found wherever it is.
 */
import assert from 'node:assert/strict';
import { SESSION_EVENTS } from '../../machines/events/session.ts';
import type { SessionEvent } from '../../machines/events/index.ts';
import { ACTS } from '../../machines/effects.ts';
import { EVENTS } from '../../machines/events/index.ts';
import type { StateValue, Timers, WaitingOn } from '../../machines/contract.ts';
import { sessionDefinition } from '../../machines/session/index.ts';
import type { SessionContext } from '../../machines/session/index.ts';
import { dueTimers, step, timerEvent } from '../../src/actor/step.ts';
import type { LiveActor, StepEffect, StepResult } from '../../src/actor/step.ts';
import type { Definition } from '../../src/actor/state.ts';

const definition = sessionDefinition as unknown as Definition;
const BORN = Date.parse('2026-01-05T10:00:00.000Z');

export type Told = Extract<StepEffect, { kind: 'tell' }>;
export type Wished = Extract<StepEffect, { kind: 'act' }>;

export interface Sent {
  epoch?: number;
  source?: string;
  id?: string;
  wish?: Record<string, unknown>;
}

export interface Play {
  address: string;
  send: (
    type: SessionEvent['type'],
    data: Record<string, unknown>,
    sent?: Sent,
  ) => Extract<StepResult, { outcome: 'taken' | 'recorded' }>;
  /** As `send`, for steps that may be refused or superseded. */
  offer: (type: SessionEvent['type'], data: Record<string, unknown>, sent?: Sent) => StepResult;
  /** Lets the next timer (or the one of this delay) fire. */
  fire: (delay?: string) => StepResult;
  wait: (seconds: number) => void;
  context: () => SessionContext;
  regions: () => Record<string, string>;
  value: () => StateValue;
  phase: () => string;
  waitingOn: () => WaitingOn[];
  gates: () => string[];
  effects: () => StepEffect[];
  told: (type: string) => Told[];
  acts: (name: string) => Wished[];
  final: () => boolean;
  timers: () => string[];
  now: () => string;
  live: () => LiveActor | null;
}

export interface PlayOptions {
  address?: string;
  timers?: Timers;
}

export function play({ address = 'session/eng-42', timers = {} }: PlayOptions = {}): Play {
  let live: LiveActor | null = null;
  let at = BORN;
  let count = 0;
  let effects: StepEffect[] = [];

  const take = (event: Record<string, unknown>): StepResult => {
    deepFreeze(live?.state);
    const taken = { ...event, at: new Date(at).toISOString(), seq: (live?.state.seq ?? 0) + 1 } as never;
    deepFreeze(taken);
    const copy: LiveActor | null = live === null ? null : { ...live, snapshot: null };
    const first = withoutClock(() => step(definition, live, taken, { address, timers }));
    const again = withoutClock(() => step(definition, copy, taken, { address, timers }));
    assert.deepEqual(plain(again), plain(first), 'the same step twice gives the same');
    effects = [];
    if (first.outcome === 'taken' || first.outcome === 'recorded') {
      live = first.live;
      effects = first.effects;
      for (const effect of effects) checkEffect(effect);
    }
    return first;
  };

  const offer: Play['offer'] = (type, data, sent = {}) => {
    at += 1_000;
    count += 1;
    effects = [];
    const spec = SESSION_EVENTS[type];
    spec.data.parse(data);
    const epoch = (live?.state.context as unknown as SessionContext | undefined)?.epoch;
    // What the kernel checks before the machine is asked.
    if (sent.epoch !== undefined && sent.epoch !== epoch) return { outcome: 'superseded', reason: 'epoch' };
    return take({
      type,
      data,
      id: sent.id ?? `e${count}`,
      source: sent.source ?? 'test/rig',
      ...(sent.epoch === undefined ? {} : { expectepoch: sent.epoch }),
      ...(sent.wish === undefined ? {} : { wish: sent.wish }),
    });
  };
  const view = (): never => live!.view as never;

  return {
    address,
    offer,
    send: (type, data, sent) => {
      const result = offer(type, data, sent);
      assert.ok(
        result.outcome === 'taken' || result.outcome === 'recorded',
        `${type} was ${result.outcome}: ${'reason' in result ? result.reason : ''}`,
      );
      return result;
    },
    fire: (delay) => {
      const due = dueTimers(live!.state).find(({ key }) => delay === undefined || key.endsWith(`:${delay}`));
      assert.ok(due, `no timer ${delay ?? ''} is armed: ${Object.keys(live!.state.timers).join(', ')}`);
      at = Math.max(at, Date.parse(due.timer.due));
      const event = timerEvent(due.key, due.timer, new Date(at).toISOString(), live!.state.seq + 1, address);
      return take({ ...event });
    },
    wait: (seconds) => {
      at += seconds * 1_000;
    },
    context: () => live!.state.context as unknown as SessionContext,
    regions: () => (live!.state.value as { open: Record<string, string> }).open,
    value: () => live!.state.value,
    phase: () => sessionDefinition.project(view()).phase,
    waitingOn: () => sessionDefinition.project(view()).waitingOn,
    gates: () => sessionDefinition.project(view()).waitingOn.map(({ gate }) => gate),
    effects: () => effects,
    told: (type) => effects.filter((effect): effect is Told => effect.kind === 'tell' && effect.type === type),
    acts: (name) => effects.filter((effect): effect is Wished => effect.kind === 'act' && effect.act === name),
    final: () => live!.state.status === 'done',
    timers: () => Object.keys(live!.state.timers),
    now: () => new Date(at).toISOString(),
    live: () => live,
  };
}

/** Every wish keeps to its schema: an act's parameters, a tell's event in the catalogue of its recipient. */
function checkEffect(effect: StepEffect): void {
  if (effect.kind === 'act') {
    const spec = ACTS[effect.act as keyof typeof ACTS];
    assert.ok(spec, `there is no act ${effect.act}`);
    spec.params.parse(effect.params);
  }
  if (effect.kind === 'tell') {
    const kind = effect.to.slice(0, effect.to.indexOf('/')) as keyof typeof EVENTS;
    const spec = (EVENTS[kind] as Record<string, { data: { parse: (data: unknown) => unknown } }>)[effect.type];
    assert.ok(spec, `${kind} knows no ${effect.type}`);
    spec.data.parse(effect.data);
  }
}

const plain = (result: StepResult): unknown =>
  'live' in result ? { ...result, live: { state: result.live.state } } : result;

/** A machine reads no clock and no dice. */
function withoutClock<T>(run: () => T): T {
  const { random } = Math;
  const { now } = Date;
  Math.random = () => assert.fail('Math.random was read');
  Date.now = () => assert.fail('Date.now was read');
  try {
    return run();
  } finally {
    Math.random = random;
    Date.now = now;
  }
}

function deepFreeze(value: unknown): void {
  if (value === null || typeof value !== 'object' || Object.isFrozen(value)) return;
  Object.freeze(value);
  for (const part of Object.values(value)) deepFreeze(part);
}

/**
 * What becomes of one envelope at one actor: schema, fence, targets, step and claims, in this order. It changes
 * nothing, so a preview is this very function, and what a receipt promises is what a commit does.
 */
import type {
  Configured,
  EventSpec,
  Known,
  MachineEvent,
  Projection,
  RefusalCode,
  Timers,
  WaitingOn,
} from '../../machines/contract.ts';
import { isAddress, kindOf, parsePart } from './address.ts';
import { explainIssues } from './envelope.ts';
import type { Envelope } from './envelope.ts';
import type { StoredEffect } from './journal.ts';
import { effectNames } from './journal.ts';
import { RECEIPT_WAITS_MAX } from './receipt.ts';
import type { Outcome, Receipt } from './receipt.ts';
import type { Registry } from './registry.ts';
import type { Definition } from './state.ts';
import { step, watchesOf } from './step.ts';
import type { LiveActor, StepEffect, StepResult } from './step.ts';

export interface Taking {
  actor: string;
  envelope: Envelope;
  /** ISO time stamped at acceptance. */
  at: string;
  /** Where it came in: `outside` names itself, `trusted` is our own door; timers and answers skip what is checked of mail. */
  door: 'outside' | 'trusted' | 'inside' | 'timer' | 'answer';
  wish?: Record<string, unknown>;
  /** The act was answered or cancelled while its answer waited. */
  isOver?: boolean;
}

/** What deciding needs to know beyond the actor; reads what is committed or about to be. */
export interface Surroundings {
  registry: Registry;
  timers: Timers;
  holderOf: (claim: string) => string | null;
  /** The index row's phase, null = no such actor. */
  phaseOf: (address: string) => string | null;
  /** Addresses like this one, nearest first, for a helpful refusal. */
  near: (address: string) => string[];
  /** What the configuration has under this name; undefined where a node stands without one. */
  configured?: ((kind: string, name: string) => Configured) | undefined;
}

export interface Stood {
  live: LiveActor;
  projection: Projection;
}

export type Decision =
  | { receipt: Receipt; step: null }
  | {
      receipt: Receipt;
      step: Extract<StepResult, { live: LiveActor }>;
      projection: Projection;
      stored: StoredEffect[];
      known: Known | undefined;
      /** What stands after the step: asked of the machine before anything is written, as it may throw. */
      watches: Record<string, Record<string, unknown>>;
    };

/** The kernel's own correction, of every kind: a parked actor takes no other. */
export const UNPARK = 'correct.unpark';
/** A told envelope that passed this many actors is going in circles. */
export const HOPS_MAX = 64;
/** Lives in which an address may not be named as the target of a correction. */
const GONE = new Set(['stopped', 'offboarding', 'offboarded', 'archived', 'done', 'failed', 'cancelled', 'completed']);

export function decide(taking: Taking, stood: Stood | null, around: Surroundings): Decision {
  const { actor, envelope, at } = taking;
  const reject = (outcome: Outcome, code: RefusalCode | null, reason: string, holder?: string): Decision => ({
    receipt: rejection(taking, stood, outcome, code, reason, holder),
    step: null,
  });

  if (!isAddress(actor)) {
    return reject(
      'refused',
      'schema',
      `subject: “${actor}” is not an address: kind/id, the id of at most 128 lower case letters, digits, - and _`,
    );
  }
  const definition = around.registry.get(kindOf(actor));
  if (definition === undefined) {
    return reject(
      'unknown',
      null,
      `there is no kind “${kindOf(actor)}”; kinds: ${[...around.registry.keys()].join(', ')}`,
    );
  }
  if (taking.isOver === true) {
    return reject('superseded', null, `${envelope.id}: the act has its answer, or is no longer wanted`);
  }
  if (taking.door === 'timer' || taking.door === 'answer')
    return take(taking, stood, definition, around, undefined, reject);

  if (envelope.subject !== actor) {
    const part = parsePart(envelope.subject);
    // Whoever put it into the whole's mailbox has found nobody there of that name.
    if (part?.whole === actor) {
      const what = stood === null ? `${actor}${suggestion(around.near(actor))}` : `“${part.key}” in ${actor}`;
      return reject('unknown', null, `there is no ${what}`);
    }
    return reject('refused', 'schema', `subject: is ${envelope.subject}, but it was sent to ${actor}`);
  }
  if ((envelope.hops ?? 0) > HOPS_MAX) {
    return reject('refused', 'limit', `${envelope.type} passed ${HOPS_MAX} actors: it is going in circles`);
  }
  if (envelope.type.startsWith('xstate.')) return reject('unknown', null, `“${envelope.type}” cannot be sent`);
  const spec = Object.hasOwn(definition.events, envelope.type) ? definition.events[envelope.type] : undefined;
  if (spec === undefined && envelope.type === UNPARK && stood !== null) {
    return reject('refused', 'guard', `${actor} is not parked`);
  }
  if (spec === undefined) return reject('unknown', null, unknownType(definition, envelope.type));
  if (envelope.expiresat !== undefined && Date.parse(at) > Date.parse(envelope.expiresat)) {
    return reject('refused', 'expired', `it expired at ${envelope.expiresat}, taken at ${at}`);
  }
  if (stood === null && spec.creates === undefined) {
    return reject('unknown', null, `there is no ${actor}${suggestion(around.near(actor))}`);
  }
  const bad = forbiddenKey(envelope.data, 'data');
  if (bad !== null) return reject('refused', 'schema', `${bad}: this key is not allowed`);
  if (taking.door === 'outside' && envelope.source.startsWith('agent/')) {
    return reject(
      'refused',
      'policy',
      `source: ${envelope.source} may not be used from outside; agents speak through the run door`,
    );
  }
  const parsed = spec.data.safeParse(envelope.data);
  if (!parsed.success) return reject('refused', 'schema', explainIssues(parsed.error, 'data').join('; '));
  if (stood !== null && spec.creates === 'always') {
    return reject('refused', 'exists', `${actor} exists already (${stood.projection.phase})`);
  }
  const fence = checkFence(spec, envelope, stood, definition.kind);
  if (fence !== null) return reject(fence.outcome, fence.code, fence.reason);
  const target = checkTargets(spec, parsed.data, around);
  if (target !== null && stood?.live.view.final !== true) return reject('refused', 'target', target);
  return take(
    { ...taking, envelope: { ...envelope, data: parsed.data as Envelope['data'] } },
    stood,
    definition,
    around,
    spec,
    reject,
  );
}

function take(
  taking: Taking,
  stood: Stood | null,
  definition: Definition,
  around: Surroundings,
  spec: EventSpec | undefined,
  reject: (outcome: Outcome, code: RefusalCode | null, reason: string, holder?: string) => Decision,
): Decision {
  const { actor, envelope, at } = taking;
  const live = stood?.live ?? null;
  const event: MachineEvent = {
    type: envelope.type,
    data: envelope.data,
    at,
    id: envelope.id,
    source: envelope.source,
    seq: (live?.state.seq ?? 0) + 1,
  };
  if (envelope.expectepoch !== undefined) event.expectepoch = envelope.expectepoch;
  if (envelope.priority !== undefined) event.priority = envelope.priority;
  if (taking.wish !== undefined) event.wish = taking.wish;
  const known = spec === undefined ? undefined : lookUp(spec, envelope.data, live, actor, around);
  if (known !== undefined) event.known = known;

  const result = step(definition, live, event, { address: actor, timers: around.timers });
  if (result.outcome === 'refused') return reject('refused', result.code, result.reason);
  if (result.outcome === 'superseded') return reject('superseded', null, result.reason);

  const held = new Set(live?.state.claims);
  for (const claim of result.live.state.claims) {
    if (held.has(claim)) continue;
    const holder = around.holderOf(claim);
    if (holder !== null && holder !== actor) {
      return reject('refused', 'claim', `${claim} is held by ${holder}`, holder);
    }
  }

  const projection = definition.project(result.live.view as never);
  const stored = result.effects.map(storedEffect);
  const after = { value: result.live.state.value, phase: projection.phase };
  return {
    receipt: {
      id: envelope.id,
      actor,
      outcome: result.outcome,
      seq: result.live.state.seq,
      epoch: projection.epoch,
      before: stood === null ? null : { value: stood.live.state.value, phase: stood.projection.phase },
      after,
      effects: effectNames(stored),
      waitingOn: waitsTold(definition, projection, stood).slice(0, RECEIPT_WAITS_MAX),
      code: null,
      reason: null,
      duplicate: false,
      at,
    },
    step: result,
    projection,
    stored,
    known,
    watches: watchesOf(definition, result.live),
  };
}

/** Of an actor made of parts (a mission), what the step changed: else the first few hide what a sender wants to know. */
function waitsTold({ part }: Definition, { waitingOn }: Projection, stood: Stood | null): WaitingOn[] {
  if (part === undefined || stood === null) return waitingOn;
  const keyOf = ({ gate, on, since, until, detail }: WaitingOn): string =>
    JSON.stringify([gate, on, since, until, detail]);
  const before = new Set(stood.projection.waitingOn.map(keyOf));
  return waitingOn.filter((wait) => !before.has(keyOf(wait)));
}

function rejection(
  { actor, envelope, at }: Taking,
  stood: Stood | null,
  outcome: Outcome,
  code: RefusalCode | null,
  reason: string,
  holder: string | undefined,
): Receipt {
  const standing = stood === null ? null : { value: stood.live.state.value, phase: stood.projection.phase };
  return {
    id: envelope.id,
    actor,
    outcome,
    seq: null,
    epoch: stood?.projection.epoch ?? null,
    before: standing,
    after: standing,
    effects: [],
    waitingOn: stood?.projection.waitingOn.slice(0, RECEIPT_WAITS_MAX) ?? [],
    code,
    reason,
    ...(holder === undefined ? {} : { holder }),
    duplicate: false,
    at,
  };
}

function checkFence(
  spec: EventSpec,
  envelope: Envelope,
  stood: Stood | null,
  kind: string,
): { outcome: Outcome; code: RefusalCode | null; reason: string } | null {
  const expected = envelope.expectepoch;
  if (expected === undefined) {
    if (spec.report !== true) return null;
    return {
      outcome: 'refused',
      code: 'schema',
      reason: `expectepoch: ${envelope.type} reports on an assignment and must carry its epoch`,
    };
  }
  if (kind !== 'session') {
    return { outcome: 'refused', code: 'schema', reason: `expectepoch: only sessions have an epoch, ${kind} has none` };
  }
  const epoch = stood?.projection.epoch ?? null;
  if (epoch === expected) return null;
  return {
    outcome: 'superseded',
    code: null,
    reason: `expected epoch ${expected}, the assignment is at epoch ${epoch ?? 'none'}`,
  };
}

function checkTargets(spec: EventSpec, data: unknown, around: Surroundings): string | null {
  for (const address of spec.targets?.(data as never) ?? []) {
    const phase = around.phaseOf(address);
    if (phase === null) return `there is no ${address}${suggestion(around.near(address))}`;
    if (GONE.has(phase))
      return `${address} is ${phase}${suggestion(around.near(address).filter((near) => near !== address))}`;
  }
  return null;
}

function lookUp(
  spec: EventSpec,
  data: unknown,
  live: LiveActor | null,
  actor: string,
  around: Surroundings,
): Known | undefined {
  const wanted = spec.lookUp?.(data as never, { ...live?.state.context, address: actor } as never);
  if (wanted === undefined) return undefined;
  const known: Known = {};
  if (wanted.claims !== undefined) {
    known.holders = Object.fromEntries(wanted.claims.map((claim) => [claim, around.holderOf(claim)]));
  }
  if (wanted.actors !== undefined) {
    known.phases = Object.fromEntries(wanted.actors.map((address) => [address, around.phaseOf(address)]));
  }
  const { configured } = around;
  if (wanted.configured !== undefined && configured !== undefined) {
    known.configured = Object.fromEntries(
      Object.entries(wanted.configured).map(([kind, name]) => [kind, configured(kind, name)]),
    );
  }
  return known;
}

function storedEffect(effect: StepEffect): StoredEffect {
  switch (effect.kind) {
    case 'act':
      return { act: effect.act, params: effect.params };
    case 'tell':
      return { tell: effect.type, to: effect.to };
    case 'cancel':
      return { cancel: effect.act };
  }
}

const suggestion = (names: string[]): string =>
  names.length === 0 ? '' : `; did you mean ${names.slice(0, 3).join(', ')}?`;

function unknownType(definition: Definition, type: string): string {
  const names = Object.keys(definition.events).filter(
    (name) => name.includes(type) || type.includes(name) || name.endsWith(`.${type}`),
  );
  const article = /^[aeiou]/.test(definition.kind) ? 'an' : 'a';
  const others = `; all of them: chartroom chart ${definition.kind} --events`;
  return `${article} ${definition.kind} knows no “${type}”${names.length === 0 ? others : suggestion(names)}`;
}

/** `__proto__` and XState's own marker never enter a context. Returns the place of such a key. */
function forbiddenKey(value: unknown, place: string): string | null {
  if (!hasForbiddenKey(value)) return null;
  for (const key of Object.keys(value as object)) {
    if (isForbidden(key)) return `${place}.${key}`;
    const inner = forbiddenKey((value as Record<string, unknown>)[key], `${place}.${key}`);
    if (inner !== null) return inner;
  }
  return null;
}

const isForbidden = (key: string): boolean => key === '__proto__' || key === 'xstate$$type';

function hasForbiddenKey(value: unknown): boolean {
  if (value === null || typeof value !== 'object') return false;
  if (Array.isArray(value)) return value.some(hasForbiddenKey);
  for (const key of Object.keys(value)) {
    if (isForbidden(key) || hasForbiddenKey((value as Record<string, unknown>)[key])) return true;
  }
  return false;
}

/**
 * The kernel of a simulation: the real decision (schema, fence, targets, step, claims) and the ledger's rules in memory:
 * an id from outside is taken once, tells arrive once and in order, refusals come back to the teller, acts are answered
 * once, timers fire once. The whole node is not used: what moves next must be the scheduler's choice, and a step of the
 * node costs several times as much (see docs/simulation.md).
 */
import { ACTS } from '../../machines/effects.ts';
import { kindOf } from '../../src/actor/address.ts';
import { decide } from '../../src/actor/decide.ts';
import type { Decision, Stood, Surroundings, Taking } from '../../src/actor/decide.ts';
import type { Envelope } from '../../src/actor/envelope.ts';
import type { Receipt } from '../../src/actor/receipt.ts';
import type { Registry } from '../../src/actor/registry.ts';
import type { ActorState } from '../../src/actor/state.ts';
import { dueTimers, revive, timerEvent, watchesOf } from '../../src/actor/step.ts';

/** As in the node: a told envelope that passed this many actors is going in circles. */
const HOPS_MAX = 64;
/** A timer set further ahead stands for “no deadline” (a machine arms one for each state that may have one). */
export const AHEAD_MS_MAX = 7 * 86_400_000;

export interface PendingAct {
  key: string;
  actor: string;
  act: string;
  params: Record<string, unknown>;
  /** It was begun before a crash: whether it was done is to be found out. */
  begun: boolean;
}

export interface DueTimer {
  actor: string;
  key: string;
  dueMs: number;
}

/** One envelope taken, as the laws and the story see it. */
export interface Taken {
  actor: string;
  envelope: Envelope;
  door: Taking['door'];
  before: Stood | null;
  decision: Decision;
}

export interface Kernel {
  nowMs: number;
  readonly actors: Map<string, Stood>;
  readonly mailboxes: Map<string, Envelope[]>;
  readonly acts: Map<string, PendingAct>;
  /** What comes in from outside; an id that came before gets its first receipt. */
  send(envelope: Envelope, door: 'outside' | 'trusted'): Receipt;
  /** Puts one actor's word into another's mailbox. */
  post(envelope: Envelope): void;
  /** The next envelope of a mailbox is taken. */
  deliver(subject: string): Receipt;
  answer(act: PendingAct, outcome: 'done' | 'failed', answer: Record<string, unknown> | undefined): void;
  /** The earliest armed timer of all actors; one that is set further ahead than anybody waits is none. */
  nextTimer(): DueTimer | null;
  fire(timer: DueTimer): void;
  watches(actor: string): Record<string, Record<string, unknown>>;
  holderOf(claim: string): string | null;
  /** Everything in memory is gone: every actor is read anew from what was stored. */
  forget(): void;
  /** No word of one actor to another is on its way. */
  isSettled(): boolean;
}

export function createKernel(registry: Registry, startMs: number, observe: (taken: Taken) => void): Kernel {
  const actors = new Map<string, Stood>();
  const mailboxes = new Map<string, Envelope[]>();
  const claims = new Map<string, string>();
  const seen = new Map<string, Receipt>();
  const acts = new Map<string, PendingAct>();
  /** Timers that fired without a transition: as in the node their row is gone all the same. */
  const spent = new Set<string>();
  const watched = new WeakMap<Stood, Record<string, Record<string, unknown>>>();
  const earliest = new WeakMap<Stood, DueTimer | null>();

  const around: Surroundings = {
    registry,
    timers: {},
    holderOf: (claim) => claims.get(claim) ?? null,
    phaseOf: (address) => actors.get(address)?.projection.phase ?? null,
    near: () => [],
  };

  function put(envelope: Envelope): void {
    const box = mailboxes.get(envelope.subject);
    if (box === undefined) mailboxes.set(envelope.subject, [envelope]);
    else box.push(envelope);
  }

  function take(taking: Omit<Taking, 'at'>): Receipt {
    const { actor, envelope, door } = taking;
    const before = actors.get(actor) ?? null;
    const at = new Date(kernel.nowMs).toISOString();
    const decision = decide({ ...taking, at }, before, around);
    if (decision.step === null) {
      if (door === 'inside') returnToTeller(envelope, decision.receipt);
    } else write(actor, envelope, door, before, decision);
    observe({ actor, envelope, door, before, decision });
    return decision.receipt;
  }

  function returnToTeller(envelope: Envelope, { outcome, code, reason, holder }: Receipt): void {
    if (envelope.type === 'mail.refused') return;
    const { id, subject, type, source } = envelope;
    const held = holder === undefined ? {} : { holder };
    put({
      specversion: '1.0',
      id: `${id}/refused`,
      source: subject,
      type: 'mail.refused',
      subject: source,
      data: { id, to: subject, type, outcome, code, reason, ...held },
      hops: (envelope.hops ?? 0) + 1,
    });
  }

  type Stepped = Extract<Decision, { projection: unknown }>;

  function write(
    actor: string,
    envelope: Envelope,
    door: Taking['door'],
    before: Stood | null,
    { step, projection }: Stepped,
  ): void {
    const { live, effects } = step;
    for (const claim of before?.live.state.claims ?? []) if (!live.state.claims.includes(claim)) claims.delete(claim);
    for (const claim of live.state.claims) claims.set(claim, actor);
    actors.set(actor, { live, projection });
    effects.forEach((effect, index) => {
      const key = `${actor}/${live.state.seq}/${index}`;
      if (effect.kind === 'act') acts.set(key, { key, actor, act: effect.act, params: effect.params, begun: false });
      else if (effect.kind === 'cancel') {
        for (const act of acts.values()) {
          if (act.actor === actor && act.act === effect.act && !act.begun) acts.delete(act.key);
        }
      } else {
        const { to, type, data, expectepoch } = effect;
        const hops = (envelope.hops ?? 0) + (door === 'inside' ? 1 : 0);
        if (hops > HOPS_MAX) throw new Error(`${type} passed ${HOPS_MAX} actors`);
        const told: Envelope = { specversion: '1.0', id: key, source: actor, type, subject: to, data, hops };
        if (expectepoch !== undefined) told.expectepoch = expectepoch;
        put(told);
      }
    });
  }

  /** The earliest timer of one actor, kept as long as the actor stands as it does. */
  function timerOf(actor: string, stood: Stood): DueTimer | null {
    const known = earliest.get(stood);
    if (known !== undefined) return known;
    const { state } = stood.live;
    const next = dueTimers(state).find(({ key, timer }) => !spent.has(`${actor} ${key} ${timer.seq}`));
    const due = next === undefined ? null : { actor, key: next.key, dueMs: Date.parse(next.timer.due) };
    earliest.set(stood, due);
    return due;
  }

  const kernel: Kernel = {
    nowMs: startMs,
    actors,
    mailboxes,
    acts,
    send(envelope, door) {
      const name = `${envelope.subject} ${envelope.id}`;
      const first = seen.get(name);
      if (first !== undefined) return { ...first, duplicate: true };
      const receipt = take({ actor: envelope.subject, envelope, door });
      seen.set(name, receipt);
      return receipt;
    },
    post: put,
    deliver(subject) {
      const box = mailboxes.get(subject)!;
      const envelope = box.shift()!;
      if (box.length === 0) mailboxes.delete(subject);
      return take({ actor: subject, envelope, door: 'inside' });
    },
    answer(act, outcome, answer) {
      acts.delete(act.key);
      const spec = ACTS[act.act as keyof typeof ACTS] as { answers?: { done: string; failed: string } };
      const type = spec.answers?.[outcome] ?? `${act.act}.${outcome}`;
      const bare = outcome === 'failed' || spec.answers !== undefined;
      const data = { ...(bare ? answer : answer === undefined ? {} : { result: answer }), key: act.key };
      const { actor, key, params } = act;
      const envelope: Envelope = {
        specversion: '1.0',
        id: `${key}/answer`,
        source: actor,
        type,
        subject: actor,
        data,
      };
      take({ actor, envelope, door: 'answer', wish: params });
    },
    nextTimer() {
      let first: DueTimer | null = null;
      for (const [actor, stood] of actors) {
        const next = timerOf(actor, stood);
        if (next !== null && (first === null || next.dueMs < first.dueMs)) first = next;
      }
      return first === null || first.dueMs > kernel.nowMs + AHEAD_MS_MAX ? null : first;
    },
    fire({ actor, key, dueMs }) {
      kernel.nowMs = Math.max(kernel.nowMs, dueMs);
      const stood = actors.get(actor)!;
      const timer = stood.live.state.timers[key]!;
      const event = timerEvent(key, timer, '', 0, actor);
      const { id, type } = event;
      const envelope: Envelope = { specversion: '1.0', id, source: actor, type, subject: actor, data: {} };
      const receipt = take({ actor, envelope, door: 'timer' });
      if (receipt.outcome !== 'refused') return;
      spent.add(`${actor} ${key} ${timer.seq}`);
      earliest.delete(stood);
    },
    watches(actor) {
      const stood = actors.get(actor);
      if (stood === undefined) return {};
      const known = watched.get(stood);
      if (known !== undefined) return known;
      const watches = watchesOf(registry.get(kindOf(actor))!, stood.live);
      watched.set(stood, watches);
      return watches;
    },
    holderOf: (claim) => claims.get(claim) ?? null,
    forget() {
      for (const [actor, { live, projection }] of actors) {
        const state = JSON.parse(JSON.stringify(live.state)) as ActorState;
        actors.set(actor, { live: revive(actor, state), projection });
      }
      for (const [subject, box] of mailboxes) {
        mailboxes.set(subject, JSON.parse(JSON.stringify(box)) as Envelope[]);
      }
      for (const act of acts.values()) act.params = JSON.parse(JSON.stringify(act.params)) as PendingAct['params'];
    },
    isSettled: () => mailboxes.size === 0,
  };
  return kernel;
}

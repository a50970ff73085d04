/**
 * A kernel in memory for simulations: the real decision (schema, fence, targets, step, claims) and nothing else. Every
 * actor has a mailbox; what moves next is the scheduler's choice.
 */
import type { MachineEvent } from '../../machines/contract.ts';
import { ACTS } from '../../machines/effects.ts';
import { decide } from '../../src/actor/decide.ts';
import type { Stood, Surroundings, Taking } from '../../src/actor/decide.ts';
import type { Envelope } from '../../src/actor/envelope.ts';
import type { Receipt } from '../../src/actor/receipt.ts';
import type { Registry } from '../../src/actor/registry.ts';
import { kindOf } from '../../src/actor/address.ts';
import { dueTimers, timerEvent, watchesOf } from '../../src/actor/step.ts';

export interface PendingAct {
  key: string;
  actor: string;
  act: string;
  params: Record<string, unknown>;
}

export interface Kernel {
  nowMs: number;
  readonly actors: Map<string, Stood>;
  readonly mailboxes: Map<string, Envelope[]>;
  acts: PendingAct[];
  /** What was not taken, of what one actor told another. */
  readonly refused: { envelope: Envelope; receipt: Receipt }[];
  /** Puts an envelope into a mailbox. */
  post(subject: string, type: string, data: Record<string, unknown>, sending?: Partial<Envelope>): void;
  /** The next envelope of a mailbox is taken. */
  deliver(subject: string): Receipt;
  answer(act: PendingAct, outcome: 'done' | 'failed', answer: Record<string, unknown> | undefined): void;
  /** The earliest armed timer of all actors. */
  nextTimer(): { actor: string; key: string; dueMs: number } | null;
  fire(timer: { actor: string; key: string; dueMs: number }): void;
  watches(actor: string): Record<string, Record<string, unknown>>;
  holderOf(claim: string): string | null;
}

export function createKernel(registry: Registry, startMs: number, log: (line: string) => void): Kernel {
  const actors = new Map<string, Stood>();
  const mailboxes = new Map<string, Envelope[]>();
  const claims = new Map<string, string>();
  /** Timers that fired without a transition: as in the real kernel their row is gone all the same. */
  const spent = new Set<string>();
  /** Watches change only with the state, and are asked for at every move. */
  const watched = new WeakMap<Stood, Record<string, Record<string, unknown>>>();
  let posted = 0;

  const around: Surroundings = {
    registry,
    timers: {},
    holderOf: (claim) => claims.get(claim) ?? null,
    phaseOf: (address) => actors.get(address)?.projection.phase ?? null,
    near: () => [],
  };

  function put(subject: string, envelope: Envelope): void {
    const box = mailboxes.get(subject);
    if (box === undefined) mailboxes.set(subject, [envelope]);
    else box.push(envelope);
  }

  function take(taking: Omit<Taking, 'at'>): Receipt {
    const { actor, envelope } = taking;
    const stood = actors.get(actor) ?? null;
    const at = new Date(kernel.nowMs).toISOString();
    const decision = decide({ ...taking, at }, stood, around);
    const { receipt } = decision;
    log(
      `${at} ${actor} ${envelope.type}${envelope.expectepoch === undefined ? '' : `@${envelope.expectepoch}`} from ${envelope.source}: ${receipt.outcome}${receipt.reason === null ? '' : ` (${receipt.code ?? ''} ${receipt.reason})`} ${JSON.stringify(receipt.after?.value ?? null)} ${receipt.effects.join(' ')} ${JSON.stringify(envelope.data).slice(0, 160)}`,
    );
    if (decision.step === null) {
      if (taking.door === 'inside') {
        kernel.refused.push({ envelope, receipt });
        if (envelope.type !== 'mail.refused' && actors.has(envelope.source)) {
          const { outcome, code, reason, holder } = receipt;
          const held = holder === undefined ? {} : { holder };
          const data = { id: envelope.id, to: actor, type: envelope.type, outcome, code, reason, ...held };
          kernel.post(envelope.source, 'mail.refused', data, { source: actor, id: `${envelope.id}/refused` });
        }
      }
      return receipt;
    }
    const { live, effects } = decision.step;
    for (const claim of stood?.live.state.claims ?? []) if (!live.state.claims.includes(claim)) claims.delete(claim);
    for (const claim of live.state.claims) claims.set(claim, actor);
    actors.set(actor, { live, projection: decision.projection });
    effects.forEach((effect, index) => {
      const key = `${actor}/${live.state.seq}/${index}`;
      if (effect.kind === 'act') kernel.acts.push({ key, actor, act: effect.act, params: effect.params });
      else if (effect.kind === 'cancel') {
        kernel.acts = kernel.acts.filter((act) => act.actor !== actor || act.act !== effect.act);
      } else {
        const { to, type, data, expectepoch } = effect;
        kernel.post(to, type, JSON.parse(JSON.stringify(data)) as Record<string, unknown>, {
          id: key,
          source: actor,
          ...(expectepoch === undefined ? {} : { expectepoch }),
        });
      }
    });
    return receipt;
  }

  const kernel: Kernel = {
    nowMs: startMs,
    actors,
    mailboxes,
    acts: [],
    refused: [],
    post(subject, type, data, sending = {}) {
      posted++;
      put(subject, { specversion: '1.0', id: `world/${posted}`, source: 'world/sim', type, subject, data, ...sending });
    },
    deliver(subject) {
      const box = mailboxes.get(subject)!;
      const envelope = box.shift()!;
      if (box.length === 0) mailboxes.delete(subject);
      const isInside = actors.has(envelope.source) || kindOf(envelope.source) === 'world';
      return take({ actor: subject, envelope, door: isInside ? 'inside' : 'trusted' });
    },
    answer(act, outcome, answer) {
      kernel.acts = kernel.acts.filter((other) => other !== act);
      const spec = ACTS[act.act as keyof typeof ACTS] as { answers?: { done: string; failed: string } };
      const type = spec.answers?.[outcome] ?? `${act.act}.${outcome}`;
      const data =
        outcome === 'failed' || spec.answers !== undefined
          ? { ...answer, key: act.key }
          : { ...(answer === undefined ? {} : { result: answer }), key: act.key };
      const envelope: Envelope = {
        specversion: '1.0',
        id: `${act.key}/answer`,
        source: act.actor,
        type,
        subject: act.actor,
        data,
      };
      take({ actor: act.actor, envelope, door: 'answer', wish: act.params });
    },
    nextTimer() {
      let first: { actor: string; key: string; dueMs: number } | null = null;
      for (const [actor, { live }] of actors) {
        const next = dueTimers(live.state).find(({ key, timer }) => !spent.has(`${actor} ${key} ${timer.seq}`));
        if (next === undefined) continue;
        const dueMs = Date.parse(next.timer.due);
        if (first === null || dueMs < first.dueMs) first = { actor, key: next.key, dueMs };
      }
      return first;
    },
    fire({ actor, key, dueMs }) {
      kernel.nowMs = Math.max(kernel.nowMs, dueMs);
      const { live } = actors.get(actor)!;
      const timer = live.state.timers[key]!;
      const at = new Date(kernel.nowMs).toISOString();
      const event: MachineEvent = timerEvent(key, timer, at, live.state.seq + 1, actor);
      const envelope: Envelope = {
        specversion: '1.0',
        id: event.id,
        source: actor,
        type: event.type,
        subject: actor,
        data: {},
      };
      const receipt = take({ actor, envelope, door: 'timer' });
      if (receipt.outcome === 'refused') spent.add(`${actor} ${key} ${timer.seq}`);
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
  };
  return kernel;
}

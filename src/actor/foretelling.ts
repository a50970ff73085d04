/** A preview as people want it before they correct something: the receipt, whom it would tell, what it would do and when. */
import type { Projection } from '../../machines/contract.ts';
import type { Decision, Stood } from './decide.ts';
import type { Receipt } from './receipt.ts';

export interface Foretold {
  receipt: Receipt;
  /** Envelopes it would put into other actors' mailboxes, in order. */
  tells: { to: string; type: string; data: Record<string, unknown> }[];
  acts: { act: string; params: Record<string, unknown> }[];
  /** Timers it would set (`due`: when they would fire) and those it would take away. */
  timers: { set: { timer: string; due: string }[]; cleared: string[] };
  /** Who works on it and the epoch of its assignment; null = this step leaves both. */
  assignment: { owner: Became<string | null>; epoch: Became<number | null> } | null;
}

export interface Became<T> {
  before: T;
  after: T;
}

export function foretold(decision: Decision, stood: Stood | null): Foretold {
  const { receipt, step } = decision;
  const effects = step?.effects ?? [];
  const before = stood?.live.state.timers ?? {};
  const after = step === null ? before : step.live.state.timers;
  return {
    receipt,
    tells: effects.flatMap((effect) =>
      effect.kind === 'tell' ? [{ to: effect.to, type: effect.type, data: effect.data }] : [],
    ),
    acts: effects.flatMap((effect) => (effect.kind === 'act' ? [{ act: effect.act, params: effect.params }] : [])),
    timers: {
      set: Object.entries(after).flatMap(([timer, { due }]) => (before[timer]?.due === due ? [] : [{ timer, due }])),
      cleared: Object.keys(before).filter((timer) => !(timer in after)),
    },
    assignment: decision.step === null ? null : assignmentOf(stood?.projection ?? null, decision.projection),
  };
}

function assignmentOf(before: Projection | null, after: Projection): Foretold['assignment'] {
  const owner = { before: before?.owner ?? null, after: after.owner };
  const epoch = { before: before?.epoch ?? null, after: after.epoch };
  return owner.before === owner.after && epoch.before === epoch.after ? null : { owner, epoch };
}

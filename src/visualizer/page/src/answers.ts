/** What the page gets from the operator's questions, in the runtime's own types. */
import type { Projection, StateValue } from '../../../../machines/contract.ts';
import type { Actor, IndexRow } from '../../../actor/actors.ts';
import type { Chart, ChartEdge, ChartNode } from '../../../actor/chart.ts';
import type { Fact } from '../../../actor/fact.ts';
import type { EffectHistory, HistoryEntry } from '../../../actor/past.ts';
import type { ArmedTimer } from '../../../actor/state.ts';

export type { Chart, ChartEdge, ChartNode, EffectHistory, Fact, HistoryEntry, IndexRow, StateValue };
export type WaitingOn = Projection['waitingOn'][number];

export interface ListAnswer {
  items: IndexRow[];
  /** Cursor of the next portion; null = that was all. */
  next: string | null;
  total: number;
}

/** Answer of `show`. */
export interface Shown extends Projection {
  address: string;
  value: StateValue;
  seq: number;
  updatedAt: string;
  final: boolean;
  version: string;
  context: Record<string, unknown>;
  since: Record<string, string>;
  claims: string[];
  timers: Record<string, ArmedTimer>;
  outbox: { key: string; act: string; params: Record<string, unknown>; wishedAt: string; attempted: boolean }[];
  watches: string[];
  mailbox: number;
  parked: Actor['parked'];
}

export interface HistoryAnswer {
  actor: string;
  /** Number of the last step. */
  last: number;
  entries: HistoryEntry[];
}

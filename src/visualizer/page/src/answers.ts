/** What the page gets from the operator's questions, in the runtime's own types. */
import type { Projection, StateValue } from '../../../../machines/contract.ts';
import type { Audit } from '../../../actor/audit.ts';
import type { Actor, IndexRow } from '../../../actor/actors.ts';
import type { Chart, ChartEdge, ChartNode } from '../../../actor/chart.ts';
import type { Envelope } from '../../../actor/envelope.ts';
import type { Fact } from '../../../actor/fact.ts';
import type { Foretold } from '../../../actor/foretelling.ts';
import type { EffectHistory, HistoryEntry } from '../../../actor/past.ts';
import type { Receipt } from '../../../actor/receipt.ts';
import type { ArmedTimer } from '../../../actor/state.ts';
import type { Why } from '../../../actor/why.ts';
import type { Routed } from '../../../bridge/router.ts';
import type { SourceSight } from '../../../bridge/sweep.ts';
import type { HookLine as DeliveryLine } from '../../../bridge/hook-log.ts';
import type { LedTo } from '../../local-questions.ts';
import type { RunLine } from '../../run-logs.ts';
import type { WaysTaken } from '../../ways.ts';

export type {
  Audit,
  Chart,
  ChartEdge,
  ChartNode,
  EffectHistory,
  Envelope,
  Fact,
  Foretold,
  HistoryEntry,
  IndexRow,
  Receipt,
  RunLine,
  SourceSight,
  StateValue,
  WaysTaken,
  Why,
};
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

/** Answer of `at`: an actor as it was after a step. */
export interface Moment extends Projection {
  address: string;
  seq: number;
  last: number;
  at: string;
  value: StateValue;
  context: Record<string, unknown>;
  since: Record<string, string>;
  timers: Record<string, ArmedTimer>;
  claims: string[];
  version: string;
  entry: HistoryEntry;
}

export interface HistoryAnswer {
  actor: string;
  /** Number of the last step. */
  last: number;
  entries: HistoryEntry[];
}

export interface MailAnswer {
  actor: string;
  waiting: { envelope: Envelope }[];
}

export interface DeadAnswer {
  letters: { envelope: Envelope; receipt: Receipt }[];
}

/** Event type → what it means and the JSON schema of its data. */
export type EventSchemas = Record<string, { means: string; report: boolean; schema: JsonSchema }>;
export interface JsonSchema {
  type?: string;
  properties?: Record<string, JsonSchema>;
  required?: string[];
  items?: JsonSchema;
  enum?: unknown[];
  const?: unknown;
  anyOf?: JsonSchema[];
  description?: string;
  minimum?: number;
  maximum?: number;
  pattern?: string;
}

export interface HookLine extends DeliveryLine {
  /** What was made of it; null: it is not taken yet, or so long ago that it is not kept. */
  caused: Routed | null;
}
export interface HookWhole extends HookLine {
  body: unknown;
  /** Steps it led to, as far as they are among the newest. */
  led: LedTo[];
}

/** Answer of `health`, as far as the page draws it. */
export interface Health extends Record<string, unknown> {
  ready: boolean;
  reasons?: string[];
  notes?: string[];
  sources?: Partial<Record<string, SourceSight>>;
}

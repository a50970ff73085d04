/** The past of an actor, from its journal: entries for people, and the state as it was at any step. */
import type { MachineEvent, Timers } from '../../machines/contract.ts';
import { KEYS } from '../store/keys.ts';
import { applyChange } from './change.ts';
import { heldOf } from './hold.ts';
import { decodeEntry, entriesOf, receiptOf } from './journal.ts';
import type { JournalEntry } from './journal.ts';
import type { Receipt } from './receipt.ts';
import { unborn } from './state.ts';
import type { ActorState, Definition } from './state.ts';
import { edgesTaken, revive } from './step.ts';

type Read = (key: string) => string | undefined;

/** What became of an effect: rows of the outbox tell pending and attempted, the journal tells the rest. */
export interface EffectHistory {
  key: string;
  name: string;
  state: 'pending' | 'held' | 'attempted' | 'done' | 'failed' | 'cancelled';
  params?: Record<string, unknown>;
  to?: string;
  answer?: unknown;
}

export interface HistoryEntry {
  actor: string;
  seq: number;
  type: string;
  at: string;
  envelope: JournalEntry['envelope'];
  outcome: Receipt['outcome'];
  /** Why it was not taken; of dead letters only. */
  code?: Receipt['code'];
  reason?: string | null;
  before: Receipt['before'];
  after: Receipt['after'];
  owner: string | null;
  epoch: number | null;
  waitingOn: Receipt['waitingOn'];
  data: Record<string, unknown>;
  events: string[];
  effects: EffectHistory[];
}

export interface DeadLetter {
  number: number;
  at: string;
  envelope: unknown;
  receipt: Receipt;
}

/** A dead letter as an entry of a ledger; `seq` 0: it is no step. null = it was not even an envelope. */
export function notTaken({ at, envelope, receipt }: DeadLetter): HistoryEntry | null {
  if (envelope === null || typeof envelope !== 'object') return null;
  const letter = envelope as JournalEntry['envelope'];
  const { actor, outcome, before, after, epoch, waitingOn, code, reason } = receipt;
  return {
    actor,
    seq: 0,
    type: letter.type,
    at,
    envelope: letter,
    outcome,
    code,
    reason,
    before,
    after,
    owner: null,
    epoch,
    waitingOn,
    data: letter.data,
    events: [],
    effects: [],
  };
}

export function readEntry(read: Read, actor: string, seq: number): JournalEntry | null {
  const text = read(KEYS.journal(actor, seq));
  return text === undefined ? null : decodeEntry(text);
}

/** Entries `from` … `to`, both inclusive. */
export function historyOf(read: Read, actor: string, from: number, to: number): HistoryEntry[] {
  const answers = new Map<string, { type: string; data: Record<string, unknown> }>();
  const entries: HistoryEntry[] = [];
  for (let seq = from; seq <= to; seq++) {
    const entry = readEntry(read, actor, seq);
    if (entry === null) break;
    entries.push(describe(read, actor, seq, entry));
    const key = entry.envelope.data['key'];
    if (entry.wish !== undefined && typeof key === 'string')
      answers.set(key, { type: entry.envelope.type, data: entry.envelope.data });
  }
  for (const entry of entries) {
    for (const effect of entry.effects) {
      const answer = answers.get(effect.key);
      if (answer === undefined) continue;
      effect.state = answer.type.endsWith('.failed') ? 'failed' : 'done';
      effect.answer = answer.data;
    }
  }
  return entries;
}

function describe(read: Read, actor: string, seq: number, entry: JournalEntry): HistoryEntry {
  const receipt = receiptOf(actor, seq, entry, entriesOf(read, actor));
  return {
    actor,
    seq,
    type: entry.envelope.type,
    at: entry.at,
    envelope: entry.envelope,
    outcome: entry.outcome,
    before: receipt.before,
    after: receipt.after,
    owner: entry.stood.owner,
    epoch: entry.stood.epoch,
    waitingOn: receipt.waitingOn,
    data: entry.envelope.data,
    events: entry.events ?? [entry.envelope.type],
    effects: entry.effects.map((effect, index): EffectHistory => {
      const key = `${actor}/${seq}/${index}`;
      if ('tell' in effect) return { key, name: `tell:${effect.tell}`, state: 'done', to: effect.to };
      if ('cancel' in effect) return { key, name: `cancel:${effect.cancel}`, state: 'done' };
      const row = read(KEYS.outbox(actor, seq, index));
      // No row and no answer in the entries at hand: answered later, or withdrawn.
      const state =
        row === undefined ? 'cancelled' : row !== '' ? 'attempted' : heldOf(read) === null ? 'pending' : 'held';
      return { key, name: effect.act, state, params: effect.params };
    }),
  };
}

/**
 * The edges of the chart that a step of the past went along: it is taken once more. None where another version of the
 * machine took it, or where this one would do otherwise.
 */
export function rerun(
  definition: Definition,
  actor: string,
  { envelope, at, version, known, wish }: JournalEntry,
  { before, after }: { before: ActorState | null; after: ActorState },
): string[] {
  if (version !== definition.version) return [];
  const parsed = definition.events[envelope.type]?.data.safeParse(envelope.data);
  const event: MachineEvent = {
    type: envelope.type,
    data: parsed?.success === true ? parsed.data : envelope.data,
    at,
    id: envelope.id,
    source: envelope.source,
    seq: (before?.seq ?? 0) + 1,
    ...(envelope.expectepoch === undefined ? {} : { expectepoch: envelope.expectepoch }),
    ...(envelope.priority === undefined ? {} : { priority: envelope.priority }),
    ...(wish === undefined ? {} : { wish }),
    ...(known === undefined ? {} : { known }),
  };
  // The configuration it was taken under is in the context that it left.
  const timers = (after.context['timers'] ?? {}) as Timers;
  try {
    return edgesTaken(definition, before === null ? null : revive(actor, before), event, { address: actor, timers });
  } catch {
    return [];
  }
}

/** The state after the step `seq`, applying entries from the birth; null where there is none. */
export function stateAt(read: Read, actor: string, seq: number): ActorState | null {
  let state: ActorState | null = null;
  for (let number = 1; number <= seq; number++) {
    const entry = readEntry(read, actor, number);
    if (entry === null) return null;
    state = applyChange(state ?? unborn(entry.version), number, entry.at, entry.version, entry.change);
  }
  return state;
}

/** Number of the last step at or before a time; 0 = not yet born. */
export function seqAt(read: Read, actor: string, time: string, last: number): number {
  let low = 0;
  let high = last;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    const entry = readEntry(read, actor, middle);
    if (entry !== null && entry.at <= time) low = middle;
    else high = middle - 1;
  }
  return low;
}

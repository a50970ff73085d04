/** Facts made of committed steps, live after the commit and again from the journal. */
import type { Projection } from '../../machines/contract.ts';
import type { Fact } from './fact.ts';
import { effectNames } from './journal.ts';
import type { JournalEntry } from './journal.ts';
import type { Outcome, Receipt } from './receipt.ts';

export function stepFact(
  actor: string,
  seq: number,
  entry: JournalEntry,
  receipt: Receipt,
  _before: Projection | null,
  after: Projection,
): Fact {
  return factOf(actor, seq, entry, receipt, after.owner);
}

/** The same fact from the journal: what a start publishes that a crash kept back. */
export function journalFact(actor: string, seq: number, entry: JournalEntry, receipt: Receipt): Fact {
  return factOf(actor, seq, entry, receipt, entry.stood.owner);
}

function factOf(actor: string, seq: number, entry: JournalEntry, receipt: Receipt, owner: string | null): Fact {
  const { envelope } = entry;
  return {
    actor,
    seq,
    type: envelope.type,
    at: entry.at,
    envelope: {
      id: envelope.id,
      source: envelope.source,
      ...(envelope.causationid === undefined ? {} : { causationid: envelope.causationid }),
      ...(envelope.correlationid === undefined ? {} : { correlationid: envelope.correlationid }),
    },
    outcome: entry.outcome,
    before: receipt.before,
    after: receipt.after,
    owner,
    epoch: entry.stood.epoch,
    waitingOn: receipt.waitingOn,
    effects: effectNames(entry.effects),
    ...(entry.stood.supervision === undefined ? {} : { supervision: entry.stood.supervision }),
    summary: summarise(actor, entry, receipt),
  };
}

/** One line a person can retell: who, what happened, from where to where, what follows. */
function summarise(actor: string, entry: JournalEntry, receipt: Receipt): string {
  const events = entry.events?.filter((type) => !type.startsWith('xstate.after.')) ?? [entry.envelope.type];
  const label = events.length > 0 ? events.join(', ') : 'timer';
  const from = receipt.before?.phase;
  const to = receipt.after?.phase;
  const moved = from === to || from === undefined ? (to ?? '') : `${from} → ${to}`;
  return `${actor} ${label}: ${moved}`;
}

/** A fact of the kernel's own: parked, unparked, a dead letter. */
export function kernelFact(
  type: string,
  about: { actor: string; id: string; outcome: Outcome; at: string; seq: number | null },
  summary: string,
): Fact {
  return {
    actor: about.actor,
    seq: about.seq ?? 0,
    type,
    at: about.at,
    envelope: { id: about.id, source: 'kernel' },
    outcome: about.outcome,
    before: null,
    after: null,
    owner: null,
    epoch: null,
    waitingOn: [],
    effects: [],
    summary,
  };
}

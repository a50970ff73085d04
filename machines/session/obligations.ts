/**
 * Obligations (domain §1.2): what is owed, opened by facts and people, ended only by a verified run that claimed them,
 * by the fact that made them moot, or by a correction.
 */
import type { ObligationKind } from '../events/common.ts';
import { spent } from './budgets.ts';
import type { Obligation, Parked, SessionContext, Voice } from './context.ts';
import { type Draft, latest, set } from './draft.ts';
import { notifyParked } from './tracker.ts';

/** Observations remembered as settled; more heads than this are never compared again. */
const SETTLED_MAX = 50;

export interface Owed {
  kind: ObligationKind;
  head?: string | null;
  signature?: string | null;
  evidence?: Record<string, unknown>;
  voice?: Voice;
}

const causeOf = ({
  kind,
  head,
  signature,
}: Pick<Obligation, 'kind'> & { head?: string | null; signature?: string | null }): string =>
  `${kind}|${signature ?? ''}|${head ?? ''}`;

/** Opens what is newly owed. The same observation again opens nothing; another cause on the same head un-parks. */
export function owe(draft: Draft, owed: Owed): void {
  const { context, event } = draft;
  const cause = causeOf(owed);
  const head = owed.head ?? null;
  const signature = owed.signature ?? null;
  if (signature !== null && context.settled.includes(cause)) return;
  const twin = context.obligations.find(
    (open) => open.kind === owed.kind && open.voice === null && owed.voice === undefined && open.head === head,
  );
  if (twin !== undefined && owed.kind !== 'review') {
    if (twin.signature === signature) return;
    const parked = twin.parked?.by === 'stopped' ? twin.parked : null;
    amend(draft, twin.id, { signature, evidence: owed.evidence ?? {}, parked, noticed: null });
    if (parked === null) parkIfSpent(draft, twin);
    return;
  }
  const obligation: Obligation = {
    id: freshId(context, owed.kind, event.seq),
    kind: owed.kind,
    head,
    signature,
    evidence: owed.evidence ?? {},
    voice: owed.voice ?? null,
    since: event.at,
    attempts: 0,
    parked: null,
    noticed: null,
    last: null,
  };
  set(draft, { obligations: [...context.obligations, obligation] });
  // A person may always speak.
  if (owed.kind !== 'answer' || owed.voice?.bot === true) parkIfSpent(draft, obligation);
}

/** Another cause is another reason to try, not another budget. */
export function parkIfSpent(draft: Draft, { id, kind, attempts }: Obligation): void {
  if (!spent(draft.context, kind, attempts)) return;
  park(draft, id, 'budget', `the budget of ${kind} attempts is spent`);
}

function freshId({ obligations }: SessionContext, kind: ObligationKind, seq: number): string {
  const taken = new Set(obligations.map(({ id }) => id));
  let id = `${kind}-${seq}`;
  for (let n = 2; taken.has(id); n++) id = `${kind}-${seq}-${n}`;
  return id;
}

export function amend(draft: Draft, id: string, change: Partial<Obligation>): void {
  set(draft, {
    obligations: draft.context.obligations.map((open) => (open.id === id ? { ...open, ...change } : open)),
  });
}

/** Parks one with its reason; a person is told once per obligation and head. */
export function park(draft: Draft, id: string, by: Parked['by'], reason: string): void {
  const found = draft.context.obligations.find((open) => open.id === id);
  if (found === undefined) return;
  amend(draft, id, { parked: { by, reason, at: draft.event.at } });
  const head = draft.context.pull?.head ?? '-';
  if (by === 'stopped' || found.noticed === head) return;
  amend(draft, id, { noticed: head });
  notifyParked(draft, found, reason);
}

export function unpark(draft: Draft, which: (obligation: Obligation) => boolean = () => true): void {
  const parked = draft.context.obligations.some((open) => open.parked !== null && which(open));
  if (!parked) return;
  set(draft, {
    obligations: draft.context.obligations.map((open) =>
      open.parked !== null && which(open) ? { ...open, parked: null } : open,
    ),
  });
}

/** Ends obligations for good and remembers their causes. */
export function settle(draft: Draft, which: (obligation: Obligation) => boolean): void {
  const { obligations, settled } = draft.context;
  const ended = obligations.filter(which);
  if (ended.length === 0) return;
  set(draft, {
    obligations: obligations.filter((open) => !which(open)),
    settled: latest(
      [...settled, ...ended.filter(({ signature }) => signature !== null).map((open) => causeOf(open))],
      SETTLED_MAX,
    ),
  });
}

/** Ends obligations that became moot; the same cause may open them again. */
export function lapse(draft: Draft, which: (obligation: Obligation) => boolean): void {
  const left = draft.context.obligations.filter((open) => !which(open));
  if (left.length < draft.context.obligations.length) set(draft, { obligations: left });
}

/** The gate was good in between: the same failure is a new one. */
export function forgetSettled(draft: Draft, kind: ObligationKind): void {
  const left = draft.context.settled.filter((cause) => !cause.startsWith(`${kind}|`));
  if (left.length < draft.context.settled.length) set(draft, { settled: left });
}

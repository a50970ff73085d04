/** What happens next, computed from what is owed after every step, never remembered as a wake (law 8). Pure. */
import type { ObligationKind } from '../events/common.ts';
import type { Obligation, SessionContext } from './context.ts';
import { mayAct } from './standing.ts';

/** Repairs of what is nearest to merging first. */
export const ORDER: readonly ObligationKind[] = [
  'queue',
  'checks',
  'review',
  'upkeep',
  'answer',
  'implement',
  'verdict',
];

/** The obligation the next run is for; the answer to an outstanding question comes first of all. */
export function due(context: SessionContext): Obligation | null {
  const { obligations, answered } = context;
  let first: Obligation | null = null;
  let rank = ORDER.length;
  for (const obligation of obligations) {
    if (obligation.parked !== null) continue;
    if (answered !== null && answered.claims[0] === obligation.id) return obligation;
    const place = ORDER.indexOf(obligation.kind);
    if (place < rank) [first, rank] = [obligation, place];
  }
  return first;
}

export const owesNothing = ({ obligations }: SessionContext): boolean => obligations.length === 0;

export const allParked = ({ obligations }: SessionContext): boolean =>
  obligations.length > 0 && obligations.every(({ parked }) => parked !== null);

/** Work may begin: something is owed, and nothing holds it. An open question holds everything. */
export function mayStart(context: SessionContext): boolean {
  return context.questions.length === 0 && mayAct(context) && due(context) !== null;
}

/** Ids a run for this obligation claims: itself and every waiting human text, in order of arrival. */
export function claimsOf(context: SessionContext, main: Obligation): string[] {
  const texts = context.obligations.filter(({ kind, id }) => kind === 'answer' && id !== main.id);
  return [main.id, ...texts.map(({ id }) => id)];
}

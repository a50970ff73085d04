/**
 * What a finished session still takes: notes, late releases, answers of its own acts, goals already reached (law 14),
 * and pull requests that come of its work too late, which it closes.
 */
import type { ActorView, MachineEvent } from '../contract.ts';
import { act } from '../decision.ts';
import type { Wish } from '../decision.ts';
import type { SessionEvent } from '../events/index.ts';
import { isBefore } from './instant.ts';
import { isFull, withNote, withRead } from '../notes.ts';
import type { SessionContext } from './context.ts';
import { withoutItem } from './correspondence.ts';

const RECORDED = new Set([
  'session.changed',
  'run.released',
  'mail.refused',
  'worktree.prepared',
  'worktree.failed',
  'run.verified',
  'run.verify.failed',
]);

export function whenFinal({ context, value }: ActorView<SessionContext>, taken: MachineEvent): SessionContext | null {
  const event = taken as SessionEvent;
  switch (event.type) {
    case 'fyi':
      return isFull(context.notes) ? null : { ...context, notes: withNote(context.notes, event) };
    case 'note.read':
      return { ...context, notes: withRead(context.notes, event.data.ids, event.data.by) };
    case 'pull.late':
      return isLate(context, event.data) ? { ...context, late: [...context.late, event.data.number] } : context;
    case 'item.unlinked':
      return { ...context, linked: withoutItem(context.linked, event.source, event.data.item) };
    case 'correct.close':
      return event.data.outcome === value ? context : null;
    case 'correct.stop':
    case 'correct.pause':
    case 'correct.withdraw':
    case 'correct.unassign':
    case 'correct.handback':
      // Nothing runs here and nothing will: what these want already holds.
      return context;
    default:
      return RECORDED.has(event.type) || event.type.endsWith('.done') || event.type.endsWith('.failed')
        ? context
        : null;
  }
}

/** A pull request opened after the end is closed with a word (domain §1.6). Once: whoever opens it again means it. */
export function afterwards({ address, context, value }: ActorView<SessionContext>, taken: MachineEvent): Wish[] {
  const event = taken as SessionEvent;
  if (event.type !== 'pull.late' || !isLate(context, event.data)) return [];
  const how = typeof value === 'string' ? `is ${value}` : 'has ended';
  const comment =
    `This pull request was opened after its work had ended (${address} ${how}), so it is closed. ` +
    'Whoever wants to go on with it can open it again: it stays open then.';
  return [act('pull.close', { repo: context.brief.repo, number: event.data.number, comment })];
}

type Late = Extract<SessionEvent, { type: 'pull.late' }>['data'];

/** Of a branch on which runs of ours worked; not one that was there before, nor one after a merge. */
function isLate({ pull, number, runs, late, endedAt }: SessionContext, seen: Late): boolean {
  if (runs.length === 0 || pull?.merged === true) return false;
  if (late.includes(seen.number) || seen.number === pull?.number || seen.number === number) return false;
  // GitHub tells whole seconds.
  const end = endedAt?.replace(/\.\d+Z$/, 'Z') ?? null;
  return seen.openedAt === undefined || !isBefore(seen.openedAt, end);
}

/** What a finished session still takes: notes, late releases, answers of its own acts, goals already reached (law 14). */
import type { ActorView, MachineEvent } from '../contract.ts';
import type { SessionEvent } from '../events/index.ts';
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
    case 'item.unlinked':
      return { ...context, linked: withoutItem(context.linked, event.source, event.data.item) };
    case 'correct.close':
      return event.data.outcome === value ? context : null;
    case 'correct.stop':
    case 'correct.pause':
    case 'correct.withdraw':
    case 'correct.unassign':
      // Nothing runs here and nothing will: what these want already holds.
      return context;
    default:
      return RECORDED.has(event.type) || event.type.endsWith('.done') || event.type.endsWith('.failed')
        ? context
        : null;
  }
}

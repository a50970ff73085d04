/** Who keeps a picture of a session is told after a step that changed it: its mission, and the session under review. */
import type { ActorView, Announcement, MachineEvent } from '../contract.ts';
import { unread } from '../notes.ts';
import type { SessionContext } from './context.ts';
import { phaseOf } from './phase.ts';
import { waitingOn } from './waiting.ts';

type View = ActorView<SessionContext>;

export function announce(before: View | null, after: View, event: MachineEvent): Announcement[] {
  const { mission, for: under } = after.context.brief;
  const listeners = [mission, under].filter((to) => to !== null);
  if (listeners.length === 0) return [];
  const isNew = before === null || before.context.brief.for !== under;
  const picture = pictureOf(after);
  if (!isNew && JSON.stringify(pictureOf(before)) === JSON.stringify(picture)) return [];
  const reason = (event.data as { reason?: unknown } | null)?.reason;
  const data = {
    ...picture,
    at: event.at,
    cause: { id: event.id, source: event.source, ...(typeof reason === 'string' ? { reason } : {}) },
  };
  return listeners.map((to) => ({ to, type: 'session.changed', data }));
}

function pictureOf(view: View): Record<string, unknown> {
  const { context, value } = view;
  const pull = context.number ?? context.brief.target;
  return {
    value,
    phase: phaseOf(view),
    owner: context.owner,
    epoch: context.epoch,
    ...(pull === null ? {} : { pull }),
    unread: unread(context.notes),
    waitingOn: waitingOn(view),
  };
}

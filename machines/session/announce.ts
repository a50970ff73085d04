/** Who keeps a picture of a session is told after a step that changed it: its mission, and the session under review. */
import type { ActorView, Announcement, MachineEvent } from '../contract.ts';
import { unread as countUnread } from '../notes.ts';
import type { SessionContext } from './context.ts';
import { phaseOf } from './phase.ts';
import { ownerOf } from './taking-over.ts';
import { waitingOn } from './waiting.ts';

type View = ActorView<SessionContext>;

export function announce(before: View | null, after: View, event: MachineEvent): Announcement[] {
  return [...notesRead(before, after), ...pictured(before, after, event)];
}

/** A note that a mission passed on is read there when it is read here. */
function notesRead(before: View | null, { address, context }: View): Announcement[] {
  if (before === null || before.context.notes === context.notes) return [];
  const unread = new Set(context.notes.filter(({ readBy }) => readBy === null).map(({ id }) => id));
  const read = before.context.notes.flatMap(({ id, of, readBy }) =>
    of !== null && of.actor.startsWith('mission/') && readBy === null && !unread.has(id) ? [of] : [],
  );
  return [...new Set(read.map(({ actor }) => actor))].map((to) => {
    const ids = read.flatMap(({ actor, id }) => (actor === to ? [id] : []));
    return { to, type: 'note.read', data: { ids, by: address } };
  });
}

function pictured(before: View | null, after: View, event: MachineEvent): Announcement[] {
  const listeners = listenersOf(after);
  if (listeners.length === 0) return [];
  const isNew = before === null || listenersOf(before).join() !== listeners.join();
  const picture = pictureOf(after);
  if (!isNew && JSON.stringify(pictureOf(before)) === JSON.stringify(picture)) return [];
  const reason = (event.data as { reason?: unknown } | null)?.reason;
  const data = {
    ...picture,
    at: event.at,
    cause: { id: event.id, source: event.source, type: event.type, ...(typeof reason === 'string' ? { reason } : {}) },
  };
  return listeners.map((to) => ({ to, type: 'session.changed', data }));
}

const listenersOf = ({ context: { brief, linked } }: View): string[] => [
  ...new Set([brief.mission, brief.for, ...linked.map(({ mission }) => mission)].filter((to) => to !== null)),
];

function pictureOf(view: View): Record<string, unknown> {
  const { context, value } = view;
  const pull = context.number ?? context.brief.target;
  return {
    value,
    phase: phaseOf(view),
    owner: ownerOf(context),
    epoch: context.epoch,
    ...(pull === null ? {} : { pull }),
    unread: countUnread(context.notes),
    spent: {
      runs: context.runs.length,
      tokens: context.usage.inputTokens + context.usage.outputTokens,
      costUsd: context.usage.costUsd,
    },
    waitingOn: waitingOn(view),
  };
}

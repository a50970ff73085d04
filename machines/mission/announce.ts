/** What was noted at the mission goes on to its open items, for their next runs (law 7). It wakes nobody. */
import type { ActorView, Announcement } from '../contract.ts';
import type { Note } from '../notes.ts';
import type { Item, MissionContext } from './context.ts';
import { hasEnded } from './context.ts';

type View = ActorView<MissionContext>;

export function announce(before: View | null, after: View): Announcement[] {
  if (before === null || before.context === after.context || after.context.notes.length === 0) return [];
  if (before.context.notes === after.context.notes && before.context.items === after.context.items) return [];
  const noted = before.context.notes === after.context.notes ? [] : after.context.notes.filter(isNewTo(before));
  const sessions = new Set(before.context.items.map(({ session }) => session));
  return after.context.items.flatMap((item) => {
    if (hasEnded(item)) return [];
    // A session that is the item's from this step on gets every note kept here.
    const isNew = !sessions.has(item.session);
    return (isNew ? after.context.notes : noted).map((note) => passedOn(item, note));
  });
}

const isNewTo =
  ({ context }: View) =>
  ({ id }: Note): boolean =>
    !context.notes.some((note) => note.id === id);

function passedOn({ session }: Item, { id, text, author, about }: Note): Announcement {
  const data = { text, author, of: id, ...(about === null ? {} : { about }) };
  return { to: session, type: 'fyi', data };
}

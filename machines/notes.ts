/**
 * Notes: what somebody wanted known here. A note wakes nobody and is never lost: unread ones are never dropped (a full
 * box refuses), of the read ones the last fifty stay in the state; all are in the journal.
 */

export interface Note {
  id: string;
  at: string;
  author: string;
  text: string;
  about: string | null;
  /** The actor that passed it on, and its id there; null = written here. */
  of: { actor: string; id: string } | null;
  /** Who was shown it, null = unread. */
  readBy: string | null;
}

/** More unread notes than this means that nobody reads them: say so to the sender. */
export const UNREAD_MAX = 200;
const READ_KEPT = 50;

export interface NoteTaken {
  data: { text: string; about?: string | undefined; author?: string | undefined; of?: string | undefined };
  at: string;
  id: string;
  source: string;
}

export function isFull(notes: readonly Note[]): boolean {
  return unread(notes) >= UNREAD_MAX;
}

export function unread(notes: readonly Note[]): number {
  return notes.reduce((count, note) => count + (note.readBy === null ? 1 : 0), 0);
}

export function withNote(notes: readonly Note[], { data, at, id, source }: NoteTaken): Note[] {
  const { text, about = null, author = source, of } = data;
  return [
    ...notes,
    { id, at, author, text, about, of: of === undefined ? null : { actor: source, id: of }, readBy: null },
  ];
}

/** Marks notes as read and lets go of the oldest read ones. */
export function withRead(notes: readonly Note[], ids: readonly string[], by: string): Note[] {
  const marked = notes.map((note) => (note.readBy === null && ids.includes(note.id) ? { ...note, readBy: by } : note));
  let surplus = marked.length - unread(marked) - READ_KEPT;
  return marked.filter((note) => note.readBy === null || surplus-- <= 0);
}

/** A note as prompts show it. */
export function asVoice({ id, at, author, text, about }: Note): Pick<Note, 'id' | 'at' | 'author' | 'text'> & {
  about?: string;
} {
  return { id, at, author, text, ...(about === null ? {} : { about }) };
}

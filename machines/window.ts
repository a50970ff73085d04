/** How full a conversation is, and when it is too full to be gone on with: a fresh one takes its place. */
import type { Usage } from './events/common.ts';

/** A conversation that fills more than this of its model's window leaves no room to work. */
export const FILLED_MAX = 0.7;

/** How much of its window a conversation fills, 0 to 1; null: nobody says. */
export const filledOf = ({ context }: Usage): number | null =>
  context === undefined ? null : context.used / context.window;

export const isLong = (filled: number | null): boolean => filled !== null && filled > FILLED_MAX;

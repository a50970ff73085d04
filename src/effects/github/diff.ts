/** Which lines of a file a review may comment on: those its patch shows. Pure. */
import type { z } from 'zod';
import type { reviewComment } from '../../../machines/events/common.ts';

export type ReviewComment = z.infer<typeof reviewComment>;

/** Path → lines of the old (LEFT) and the new (RIGHT) file that the diff shows. */
export type ShownLines = Map<string, { LEFT: Set<number>; RIGHT: Set<number> }>;

export function shownLines(files: readonly { filename: string; patch?: string | null | undefined }[]): ShownLines {
  return new Map(files.map(({ filename, patch }) => [filename, linesOf(patch ?? '')]));
}

function linesOf(patch: string): { LEFT: Set<number>; RIGHT: Set<number> } {
  const shown = { LEFT: new Set<number>(), RIGHT: new Set<number>() };
  let left = 0;
  let right = 0;
  for (const line of patch.split('\n')) {
    const hunk = /^@@ -(\d+)(?:,\d+)? \+(\d+)(?:,\d+)? @@/.exec(line);
    if (hunk !== null) {
      left = Number(hunk[1]);
      right = Number(hunk[2]);
    } else if (line.startsWith('+')) {
      shown.RIGHT.add(right++);
    } else if (line.startsWith('-')) {
      shown.LEFT.add(left++);
    } else if (line.startsWith(' ')) {
      // A line of context stands on both sides.
      shown.LEFT.add(left++);
      shown.RIGHT.add(right++);
    }
  }
  return shown;
}

/** Splits comments into those GitHub can show at their line and those that must go into the review's text. */
export function placeComments(comments: readonly ReviewComment[], shown: ShownLines) {
  const inline: { path: string; line: number; side: 'LEFT' | 'RIGHT'; body: string }[] = [];
  const rest: ReviewComment[] = [];
  for (const comment of comments) {
    const { path, line, body, side = 'RIGHT' } = comment;
    if (line !== undefined && shown.get(path)?.[side].has(line)) inline.push({ path, line, side, body });
    else rest.push(comment);
  }
  return { inline, rest };
}

/** The review's text, with the comments that have no place in the diff below it. */
export function bodyWith(body: string, rest: readonly ReviewComment[]): string {
  if (rest.length === 0) return body;
  const list = rest.map(({ path, line, body }) => `**${path}${line === undefined ? '' : `:${line}`}**\n\n${body}`);
  return [body.trimEnd(), 'Comments on lines outside this diff:', ...list].filter(Boolean).join('\n\n');
}

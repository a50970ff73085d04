/** Files of one JSON object per line, as other programs append to them. */
import { existsSync, readFileSync } from 'node:fs';

export interface Lines {
  objects: Record<string, unknown>[];
  /** Lines that are no object, as `file:line`. */
  damaged: string[];
}

/** A last line without its end was being written when its writer died: it was never there. A missing file has no lines. */
export function readLines(file: string): Lines {
  const objects: Record<string, unknown>[] = [];
  const damaged: string[] = [];
  if (!existsSync(file)) return { objects, damaged };
  const lines = readFileSync(file, 'utf8').split('\n');
  const unfinished = lines.pop() ?? '';
  for (const [index, line] of [...lines, unfinished].entries()) {
    if (line.trim() === '') continue;
    const parsed = objectOf(line);
    if (parsed !== null) objects.push(parsed);
    else if (index < lines.length) damaged.push(`${file}:${index + 1}`);
  }
  return { objects, damaged };
}

export function objectOf(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text);
    return value !== null && typeof value === 'object' && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : null;
  } catch {
    return null;
  }
}

export const textOf = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);

export const textsOf = (value: unknown): string[] =>
  Array.isArray(value) ? value.filter((entry) => typeof entry === 'string') : [];

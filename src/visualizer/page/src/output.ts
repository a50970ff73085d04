/** The log of a run as lines: when, what kind of thing, and its text. Pure. */

export interface LogLine {
  at: string | null;
  /** `message`, `command`, `tool`, …; null: a word of the runtime about the run. */
  kind: string | null;
  text: string;
}

const BEGIN = /^(\d{4}-\d\d-\d\dT[\d:.]+Z) (?:(message|reasoning|command|file|tool|note|plan|usage|asks): ?)?(.*)$/;

/** A text of several lines is one line of the log. */
export function linesOf(log: string): LogLine[] {
  const lines: LogLine[] = [];
  for (const text of log.split('\n')) {
    const found = BEGIN.exec(text);
    const last = lines.at(-1);
    if (found !== null) lines.push({ at: found[1]!, kind: found[2] ?? null, text: found[3]! });
    else if (last === undefined) lines.push({ at: null, kind: null, text });
    else last.text += `\n${text}`;
  }
  // What ends with a line's end ends with no line.
  return lines
    .map((line) => ({ ...line, text: line.text.replace(/\n+$/, '') }))
    .filter(({ text, at }) => text !== '' || at !== null);
}

/**
 * What became of the newest hooks, for people: whom each poked, which envelopes it led to. Kept in rows that are written
 * over in turn, so that a restart forgets nothing that was kept before it.
 */
import { hookId } from './hook.ts';
import type { Hook } from './hook.ts';
import type { Routed } from './router.ts';

/** As many as people look at; the envelopes themselves are in the journals of those that took them. */
export const DECISIONS_KEPT = 1_000;

export interface Decisions {
  note(hook: Pick<Hook, 'source' | 'delivery'>, routed: Routed): void;
  /** null: it has not been taken yet, or so long ago that others took its place. */
  of(line: { subject: string; delivery: string }): Routed | null;
}

/** Where they are kept, by place: `DECISIONS_KEPT` of them. */
export interface DecisionRows {
  read(place: number): string | undefined;
  write(place: number, text: string): void;
}

interface Row extends Routed {
  number: number;
  hook: string;
}

export function createDecisions({ read, write }: DecisionRows): Decisions {
  const kept = new Map<string, Row>();
  let last = 0;
  for (const row of rowsOf(read)) keep(row);

  function keep(row: Row): void {
    // Taken again after a restart of its stream: the later word counts, at the end.
    kept.delete(row.hook);
    kept.set(row.hook, row);
    if (kept.size > DECISIONS_KEPT) kept.delete(kept.keys().next().value!);
    last = row.number;
  }

  return {
    note(hook, { poked, sent }) {
      const row: Row = { number: last + 1, hook: hookId(hook), poked, sent };
      keep(row);
      write(row.number % DECISIONS_KEPT, JSON.stringify(row));
    },
    of({ subject, delivery }) {
      const row = kept.get(`${subject.slice(0, subject.indexOf('.'))}:${delivery}`);
      return row === undefined ? null : { poked: row.poked, sent: row.sent };
    },
  };
}

/** Those that were kept, oldest first; one that cannot be read is as if it had not been kept. */
function rowsOf(read: DecisionRows['read']): Row[] {
  const rows: Row[] = [];
  for (let place = 0; place < DECISIONS_KEPT; place++) {
    const text = read(place);
    if (text === undefined) continue;
    try {
      rows.push(JSON.parse(text) as Row);
    } catch {
      continue;
    }
  }
  return rows.sort((a, b) => a.number - b.number);
}

/** What became of the newest hooks, for people: whom each poked, which envelopes it led to. Of this start alone. */
import { hookId } from './hook.ts';
import type { Hook } from './hook.ts';
import type { Routed } from './router.ts';

/** As many as people look at; the envelopes themselves are in the journals of those that took them. */
export const DECISIONS_KEPT = 1_000;

export interface Decisions {
  note(hook: Pick<Hook, 'source' | 'delivery'>, routed: Routed): void;
  /** null: it was taken before this start, or has not been taken yet. */
  of(line: { subject: string; delivery: string }): Routed | null;
}

export function createDecisions(): Decisions {
  const kept = new Map<string, Routed>();
  return {
    note(hook, routed) {
      const id = hookId(hook);
      // Taken again after a restart of its stream: the later word counts, at the end.
      kept.delete(id);
      kept.set(id, routed);
      if (kept.size > DECISIONS_KEPT) kept.delete(kept.keys().next().value!);
    },
    of: ({ subject, delivery }) => kept.get(`${subject.slice(0, subject.indexOf('.'))}:${delivery}`) ?? null,
  };
}

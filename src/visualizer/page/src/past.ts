/** The journal of one actor as the page holds it: portions put together, each step once, effects with how they ended. */
import type { EffectHistory, HistoryEntry } from './answers.ts';

/** Steps ascending by number; of a step told twice the later word counts. */
export function joined(known: readonly HistoryEntry[], more: readonly HistoryEntry[]): HistoryEntry[] {
  const bySeq = new Map(known.map((entry) => [entry.seq, entry]));
  for (const entry of more) bySeq.set(entry.seq, entry);
  return [...bySeq.values()].sort((a, b) => a.seq - b.seq);
}

/**
 * How each effect stands now. A portion of the journal knows only the answers within it; what came later ends effects
 * of earlier portions, and what the outbox still holds is not over.
 */
export function settled(
  entries: readonly HistoryEntry[],
  outbox: readonly { key: string; attempted: boolean }[],
): HistoryEntry[] {
  const answers = new Map<string, HistoryEntry>();
  const keys = new Set(entries.flatMap(({ effects }) => effects.map(({ key }) => key)));
  for (const entry of entries) {
    const key = entry.data['key'];
    if (typeof key === 'string' && keys.has(key) && entry.envelope.id === `${key}/answer`) answers.set(key, entry);
  }
  const pending = new Map(outbox.map((row) => [row.key, row.attempted]));
  const stands = (effect: EffectHistory): EffectHistory => {
    if (effect.state === 'done' || effect.state === 'failed') return effect;
    const answer = answers.get(effect.key);
    if (answer !== undefined)
      return { ...effect, state: answer.type.endsWith('.failed') ? 'failed' : 'done', answer: answer.data };
    const attempted = pending.get(effect.key);
    if (attempted === undefined) return { ...effect, state: 'cancelled' };
    return { ...effect, state: attempted ? 'attempted' : 'pending' };
  };
  return entries.map((entry) =>
    entry.effects.length === 0 ? entry : { ...entry, effects: entry.effects.map(stands) },
  );
}

/** `pull.observed` raises what people want to read: `checks.green, review.approved`. Timers are told by their name. */
export function eventNames({ type, events }: Pick<HistoryEntry, 'type' | 'events'>): string[] {
  const names = events.map(eventName);
  return names.length === 0 ? [eventName(type)] : [...new Set(names)];
}

/** `xstate.after.offer.session.open.work.offered` → `after offer`. */
export function eventName(type: string): string {
  return type.startsWith('xstate.after.') ? `after ${type.slice('xstate.after.'.length).split('.')[0]!}` : type;
}

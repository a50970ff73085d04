/** Rows of decisions about deliveries, kept in memory. */
import type { DecisionRows } from '../../src/bridge/decisions.ts';

export function decisionRows(): DecisionRows {
  const rows = new Map<number, string>();
  return { read: (place) => rows.get(place), write: (place, text) => void rows.set(place, text) };
}

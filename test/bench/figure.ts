/** A figure of the bench: what was measured, and what it must and should be (docs/architecture.md, Speed). */

export interface Bound {
  at: 'least' | 'most';
  value: number;
}

export interface Figure {
  /** Stable: two runs are compared by it. */
  name: string;
  measured: number;
  unit: string;
  must?: Bound;
  aim?: Bound;
  /** What was measured beside it, in a few words. */
  note?: string;
}

export const atLeast = (value: number): Bound => ({ at: 'least', value });
export const atMost = (value: number): Bound => ({ at: 'most', value });

export const keeps = (bound: Bound, value: number): boolean =>
  bound.at === 'least' ? value >= bound.value : value <= bound.value;

/** The value below which the part `share` (0…1) of all samples lies. */
export function percentile(samples: readonly number[], share: number): number {
  const sorted = samples.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}

/** Milliseconds since a mark of `performance.now()`. */
export const sinceMs = (mark: number): number => performance.now() - mark;

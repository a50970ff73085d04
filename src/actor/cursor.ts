/**
 * How far a stream has been taken. Letters of different actors are stepped out of order; the position written with
 * the steps is the last sequence below which nothing is outstanding.
 */
export interface Cursor {
  /** A letter was read and is on its way. */
  read(seq: number): void;
  /** It is durable with the batch being made. */
  take(seq: number): void;
  /** Everything up to here is taken. */
  position(): number;
  outstanding(): number;
}

export function createCursor(start: number): Cursor {
  const open = new Set<number>();
  let highest = start;
  // Sequences are read in ascending order, so a Set's order of insertion is the order of sequences.
  return {
    read(seq) {
      open.add(seq);
      highest = Math.max(highest, seq);
    },
    take(seq) {
      open.delete(seq);
    },
    position() {
      for (const first of open) return first - 1;
      return highest;
    },
    outstanding: () => open.size,
  };
}

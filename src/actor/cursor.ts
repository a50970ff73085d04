/**
 * How far a stream has been taken. Letters of different actors are stepped out of order; the position written with
 * the steps is the last sequence below which nothing is outstanding, with the mark of the last letter up to there.
 */
export interface Cursor {
  /** A letter was read and is on its way. */
  read(mark: Mark): void;
  /** It is durable with the batch being made. */
  take(seq: number): void;
  /** Everything up to here is taken. */
  position(): number;
  /** The last letter up to the position; null: none was ever read. */
  mark(): Mark | null;
  outstanding(): number;
}

/** A letter's place and what the server wrote on it: another that is given the same place later has another stamp. */
export interface Mark {
  seq: number;
  stamp: string;
}

/** How far a stream was taken; `end`: a restored store takes only what comes from its next start on. */
export type StoredPosition = { position: number; identity: string; mark?: Mark } | { end: true };

export function storedPosition(
  position: number,
  { identity, cursor }: { identity: string; cursor: Cursor },
): StoredPosition {
  const mark = cursor.mark();
  return { position, identity, ...(mark === null ? {} : { mark }) };
}

export function createCursor(start: number, before: Mark | null = null): Cursor {
  const open = new Set<number>();
  /** Of letters read, from the one that `mark` last told. */
  const stamps = new Map<number, string>();
  let highest = start;
  let last = before;
  // Sequences are read in ascending order, so the order of insertion is the order of sequences.
  function position(): number {
    for (const first of open) return first - 1;
    return highest;
  }

  return {
    read({ seq, stamp }) {
      open.add(seq);
      stamps.set(seq, stamp);
      highest = Math.max(highest, seq);
    },
    take(seq) {
      open.delete(seq);
    },
    position,
    mark() {
      const end = position();
      for (const [seq, stamp] of stamps) {
        if (seq > end) break;
        last = { seq, stamp };
        stamps.delete(seq);
      }
      return last;
    },
    outstanding: () => open.size,
  };
}

/** Makes a failing schedule short: moves are left out, in halves, quarters, …, as long as the same rule is broken. */
/** Schedules played at most for one that failed. */
const TRIES_MAX = 600;

export interface Shrunk {
  without: ReadonlySet<number>;
  /** Moves of the disturbed part that are left. */
  left: number;
  tries: number;
}

/**
 * Delta debugging over `moves` moves: the largest pieces first, then ever smaller ones, until no single one can go.
 * `isBroken` plays the schedule without these moves.
 */
export function shrink(moves: number, isBroken: (without: ReadonlySet<number>) => boolean): Shrunk {
  const all = Array.from({ length: moves }, (_, move) => move);
  let kept = all;
  let tries = 0;
  const others = (left: readonly number[]): ReadonlySet<number> => {
    const stays = new Set(left);
    return new Set(all.filter((move) => !stays.has(move)));
  };
  const fails = (left: readonly number[]): boolean => {
    tries++;
    return isBroken(others(left));
  };
  for (let size = Math.ceil(kept.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    let again = true;
    while (again && tries < TRIES_MAX) {
      again = false;
      for (let at = 0; at < kept.length && tries < TRIES_MAX;) {
        const fewer = [...kept.slice(0, at), ...kept.slice(at + size)];
        if (fails(fewer)) {
          kept = fewer;
          again = true;
        } else at += size;
      }
    }
  }
  return { without: others(kept), left: kept.length, tries };
}

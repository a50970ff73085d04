/**
 * Randomness from a seed. A pick is made by name, not by place: of all options the one whose name hashes highest wins,
 * so the same move picks the same thing when others have gone. That is what lets a failing schedule shrink.
 */
export interface Random {
  /** 0 ≤ n < below. */
  below(below: number): number;
  chance(probability: number): boolean;
  pick<T>(from: readonly T[]): T;
  /** The named one that this move prefers; undefined where there is none. */
  prefer<T extends { name: string }>(from: readonly T[]): T | undefined;
}

/** Mulberry32: small, and good enough to choose who moves next. */
export function createRandom(seed: number): Random {
  let state = seed >>> 0;
  function next(): number {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  }
  return {
    below: (below) => Math.floor(next() * below),
    chance: (probability) => next() < probability,
    pick: (from) => from[Math.floor(next() * from.length)]!,
    prefer(from) {
      const salt = Math.floor(next() * 4_294_967_296);
      let best = from[0];
      let rank = -1;
      for (const option of from) {
        const hash = hashOf(option.name, salt);
        if (hash > rank) [best, rank] = [option, hash];
      }
      return best;
    },
  };
}

/** One number of a name and a salt, mixed well enough that neighbours differ. */
export function hashOf(name: string, salt: number): number {
  let hash = salt ^ 2_166_136_261;
  for (let index = 0; index < name.length; index++) hash = Math.imul(hash ^ name.charCodeAt(index), 16_777_619);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

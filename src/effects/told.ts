/**
 * What a watch has told: the same facts are not told twice, and the name under which facts are told derives from
 * them, so that another look, after a restart too, tells them under the same name.
 */
import { createHash } from 'node:crypto';

export interface Told {
  /** The envelope id under which to tell these facts; undefined = they are what was told last. */
  idFor: (facts: unknown, stamps: unknown) => string | undefined;
  /** They have arrived. */
  keep: (facts: unknown, id: string) => void;
  /** The same facts may be told once more, under another name: they were refused, and may be taken now. */
  again: () => void;
}

/** `prefix` names what the facts are about, e.g. `github:pull:acme/api#12`. */
export function createTold(prefix: string): Told {
  let last: string | undefined;
  const times = new Map<string, number>();
  return {
    /**
     * `stamps` are times and ids that change with every change at GitHub, also where the facts end up as they were
     * (green, run again, green): without them the second green would pass for a repetition of the first.
     */
    idFor(facts, stamps) {
      if (hashOf(facts) === last) return undefined;
      const id = `${prefix}:${hashOf([facts, stamps])}`;
      const before = times.get(id) ?? 0;
      return before === 0 ? id : `${id}~${before}`;
    },
    again() {
      last = undefined;
    },
    keep(facts, id) {
      last = hashOf(facts);
      const plain = id.replace(/~\d+$/, '');
      times.set(plain, (times.get(plain) ?? 0) + 1);
      // Only the recent ones can come back with the same stamps.
      if (times.size > RECENT_MAX) times.delete(times.keys().next().value ?? '');
    },
  };
}

const RECENT_MAX = 200;

function hashOf(value: unknown): string {
  return createHash('sha256').update(JSON.stringify(value)).digest('hex').slice(0, 16);
}

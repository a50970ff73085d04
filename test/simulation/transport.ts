/**
 * What is on its way from outside to the actors: people's mail, hooks, words of processes and watches. Letters of one
 * sender keep their order where the real way keeps it (`lane`); all else comes in any order, late, or twice; what was
 * lost is sent again by its sender under the same id, or told again by a watch that starts anew.
 */
import type { Envelope } from '../../src/actor/envelope.ts';
import type { Kernel } from './kernel.ts';
import type { Random } from './random.ts';

export interface Letter {
  name: string;
  envelope: Envelope;
  door: 'outside' | 'trusted';
  /** Only the first letter of a lane may be delivered. */
  lane: string | null;
  /** A crash of the runtime loses it; the watch that told it looks again. */
  volatile: boolean;
}

export interface Transport {
  readonly letters: Letter[];
  /** Takes its name from `what`, so that the same word has the same name in a shrunk schedule. */
  send(what: Omit<Letter, 'name'>): void;
  deliverable(): Letter[];
  deliver(letter: Letter, random: Random, calm: boolean): void;
  /** The runtime crashed. */
  crash(): void;
}

export function createTransport(kernel: Kernel): Transport {
  let letters: Letter[] = [];
  const names = new Map<string, number>();
  const remove = (letter: Letter): void => {
    letters = letters.filter((other) => other !== letter);
  };
  return {
    get letters() {
      return letters;
    },
    send(what) {
      const base = `letter ${what.envelope.subject} ${what.envelope.type}`;
      const n = (names.get(base) ?? 0) + 1;
      names.set(base, n);
      letters.push({ ...what, name: `${base} ${n}` });
    },
    deliverable() {
      const lanes = new Set<string>();
      return letters.filter(({ lane }) => {
        if (lane === null) return true;
        const isFirst = !lanes.has(lane);
        lanes.add(lane);
        return isFirst;
      });
    },
    deliver(letter, random, calm) {
      // Lost on the way: its sender, without a receipt, sends it again some time later.
      if (!calm && letter.lane === null && random.chance(0.05)) return;
      remove(letter);
      if (!calm && random.chance(0.08)) letters.push({ ...letter, name: `${letter.name} again`, lane: null });
      kernel.send(letter.envelope, letter.door);
    },
    crash() {
      letters = letters.filter((letter) => !letter.volatile);
    },
  };
}

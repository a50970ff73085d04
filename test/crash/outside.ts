/**
 * The outside world of acts: it counts what is really done to it, and is faithful about what each kind of act promises.
 * `key`: the same key again does nothing new. `check`: doing it again does it again, but it can be looked for, and is
 * seen only after a while. `once`: doing it again does it again, and nobody can look. Some tries fail on the way, before
 * or after the deed.
 */
import type { ActPerformer, Doing } from '../../src/effects/effect.ts';
import type { Clock } from '../../src/clock.ts';
import { TransientError } from '../../src/errors.ts';
import { KEYS } from '../../src/store/keys.ts';
import type { Disk } from './disk.ts';
import type { Life } from './life.ts';

export type Repeat = ActPerformer['repeat'];

/** What was done, under the key it was done for. */
export interface Deed {
  act: string;
  repeat: Repeat;
  /** How often the world was changed by it. */
  times: number;
  answer: unknown;
  doneMs: number;
}

export interface Outside {
  deeds: ReadonlyMap<string, Deed>;
  /** What it saw and should not have seen. */
  wrong: string[];
  performer(life: Life, act: string, repeat: Repeat, change?: Change): ActPerformer;
}

/** What an act does to the rest of the world, and its answer. Called once per deed that happens. */
export type Change = (params: Record<string, unknown>, doing: Doing) => unknown;

interface OutsideOptions {
  disk: Disk;
  clock: Clock;
  tell: (line: string) => void;
}

/** A deed can be found only so long after it was done: less than the outbox waits for its second look. */
const SEEN_AFTER_MS = 1_500;
const DEADLINE_MS = 3_600_000;

export function createOutside({ disk, clock, tell }: OutsideOptions): Outside {
  const deeds = new Map<string, Deed>();
  const tries = new Map<string, number>();
  const wrong: string[] = [];

  function witness(act: string, repeat: Repeat, key: string): void {
    const [kind, id, seq, index] = key.split('/') as [string, string, string, string];
    const row = disk.get(KEYS.outbox(`${kind}/${id}`, Number(seq), Number(index)));
    if (row === undefined) wrong.push(`${act} ${key} is done before its wish is durable, or after its answer`);
    else if (repeat !== 'key' && row !== 'attempted') wrong.push(`${act} ${key} is done before its attempt is durable`);
  }

  function happen(act: string, repeat: Repeat, params: Record<string, unknown>, doing: Doing, change: Change): unknown {
    const known = deeds.get(doing.key);
    if (known !== undefined && repeat === 'key') return known.answer;
    const answer = change(params, doing);
    deeds.set(doing.key, { act, repeat, times: (known?.times ?? 0) + 1, answer, doneMs: clock.now() });
    tell(`  ★ ${act} is done for ${doing.key}${known === undefined ? '' : ' AGAIN'}`);
    return answer;
  }

  return {
    deeds,
    wrong,
    performer(life, act, repeat, change = () => undefined) {
      const performer: ActPerformer<Record<string, unknown>> = {
        kind: 'act',
        repeat,
        lane: 'process',
        deadlineMs: DEADLINE_MS,
        backoffMs: [400],
        perform: (params, doing) =>
          life.reach(`perform ${act} ${doing.key}`, () => {
            witness(act, repeat, doing.key);
            const nth = (tries.get(doing.key) ?? 0) + 1;
            tries.set(doing.key, nth);
            const mishap = nth > 1 ? 0 : mishapOf(doing.key);
            if (mishap === 1) throw new TransientError('OUTSIDE_AWAY', 'the request did not get there');
            const answer = happen(act, repeat, params, doing, change);
            // Only where the deed can be found or repeated: a lost answer of the third kind is lost for good.
            if (mishap === 2 && repeat !== 'once') throw new TransientError('OUTSIDE_SILENT', 'the answer got lost');
            return answer;
          }),
      };
      if (repeat === 'check') {
        performer.look = (_params, doing) =>
          life.reach(`look for ${act} ${doing.key}`, () => {
            const deed = deeds.get(doing.key);
            const isSeen = deed !== undefined && clock.now() - deed.doneMs >= SEEN_AFTER_MS;
            return isSeen ? (deed.answer ?? {}) : undefined;
          });
      }
      return performer;
    },
  };
}

/** The first try of some keys: 1 = fails before the deed, 2 = after it. The same in every run. */
function mishapOf(key: string): 0 | 1 | 2 {
  let sum = 0;
  for (const char of key) sum = (sum * 31 + char.charCodeAt(0)) % 9_973;
  return sum % 5 === 1 ? 1 : sum % 5 === 2 ? 2 : 0;
}

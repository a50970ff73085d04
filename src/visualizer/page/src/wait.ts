/** What an actor waits on, as a sentence, and how it is with time. */
import type { IndexRow, WaitingOn } from './answers.ts';

const SENTENCES: Record<WaitingOn['gate'], string> = {
  dependency: 'Waits for a dependency',
  agent: 'Waits for an agent',
  review: 'Waits for a review',
  checks: 'Waits for checks',
  queue: 'Waits in the merge queue',
  merge: 'Waits for the merge',
  human: 'Waits for a person',
  upkeep: 'Waits for upkeep',
  backoff: 'Backs off',
  provider: 'Waits for the provider',
  slot: 'Waits for a free slot',
  stopping: 'Waits for a process to end',
  paused: 'Is paused',
  withdrawn: 'Is withdrawn',
};

/** `Waits for a review` · the one who must move is said apart, because it is a link. */
export const gateSentence = (wait: WaitingOn): string => SENTENCES[wait.gate] ?? `Waits on ${wait.gate}`;

/** What comes at its end: a pause is over then, and everything else is given up. */
export const untilWord = ({ gate }: WaitingOn): string =>
  gate === 'backoff' || gate === 'provider' ? 'goes on' : 'gives up';

/** Nobody is there to move it, or a person must. */
export const needsPerson = (wait: WaitingOn): boolean => wait.on === null || wait.on.startsWith('person/');

/** Since when the oldest gate waits that needs a person; null = none does. */
export function neededSince(row: Pick<IndexRow, 'waitingOn'>): string | null {
  let oldest: string | null = null;
  for (const wait of row.waitingOn)
    if (needsPerson(wait) && (oldest === null || wait.since < oldest)) oldest = wait.since;
  return oldest;
}

/** The wait to show where there is room for one: a person's before others, then the oldest. */
export function foremost(waits: readonly WaitingOn[]): WaitingOn | null {
  const [first] = [...waits].sort(
    (a, b) => Number(needsPerson(b)) - Number(needsPerson(a)) || (a.since < b.since ? -1 : a.since > b.since ? 1 : 0),
  );
  return first ?? null;
}

/** `45 s`, `12 min`, `3 h`, `2 d`. Never below zero: clocks of two machines differ. */
export function duration(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1_000));
  if (seconds < 90) return `${seconds} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 90) return `${minutes} min`;
  const hours = Math.round(minutes / 60);
  return hours < 48 ? `${hours} h` : `${Math.round(hours / 24)} d`;
}

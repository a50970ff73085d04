/**
 * How often each transition was taken, over all actors of a kind: the steps behind the newest facts are taken once more,
 * from the states their journals tell. A step is pure, so that says which guard let it pass without a word about it in
 * the journal. Counted when it is asked; the next who asks goes on from there.
 */
import { kindOf } from '../actor/address.ts';
import { BATCHES_BACK, newestFacts } from './newest.ts';
import { applyChange } from '../actor/change.ts';
import type { Publisher } from '../actor/publisher.ts';
import { readEntry, rerun } from '../actor/past.ts';
import type { Registry } from '../actor/registry.ts';
import { unborn } from '../actor/state.ts';
import type { ActorState } from '../actor/state.ts';

export interface WaysTaken {
  /** Of the machine whose chart has these edges; null: there is no such machine. */
  version: string | null;
  /** Steps looked at, and since when. */
  facts: number;
  since: string | null;
  /** Id of an edge of the chart → how often. */
  taken: Record<string, number>;
}

export interface Ways {
  of(kind: string): Promise<WaysTaken>;
}

interface WaysOptions {
  publisher: Pick<Publisher, 'since' | 'position'>;
  read: (key: string) => string | undefined;
  registry: Registry;
}

/** Steps taken again, or entries folded, before others have their turn: some milliseconds. */
const TOGETHER_MAX = 5;
/** Actors whose state is at hand for their next step; the others' are folded again. */
const STATES_MAX = 500;

interface Counted extends WaysTaken {
  /** The last fact looked at. */
  cursor: string | null;
}

export function createWays({ publisher, read, registry }: WaysOptions): Ways {
  const counts = new Map<string, Counted>();
  let working: Promise<unknown> = Promise.resolve();

  async function count(kind: string): Promise<WaysTaken> {
    const definition = registry.get(kind);
    if (definition === undefined) return { version: null, facts: 0, since: null, taken: {} };
    const { version } = definition;
    // Whoever was last asked long ago begins anew: what is counted has no gap.
    const known = counts.get(kind);
    const isNear = known !== undefined && batchOf(known.cursor) >= batchOf(publisher.position()) - BATCHES_BACK;
    const counted: Counted = isNear ? known : { version, facts: 0, since: null, taken: {}, cursor: null };
    counts.set(kind, counted);
    const states = new Map<string, ActorState>();
    const rest = createRest();
    for await (const { fact, cursor } of newestFacts(publisher, counted.cursor)) {
      counted.cursor = cursor;
      const { actor, seq, at, envelope } = fact;
      // The kernel's own facts are no steps.
      if (kindOf(actor) !== kind || envelope.source === 'kernel') continue;
      await rest();
      const last = states.get(actor);
      const before = last?.seq === seq - 1 ? last : await foldTo(actor, seq - 1, rest);
      const entry = readEntry(read, actor, seq);
      if (entry === null) continue;
      if (states.size >= STATES_MAX) states.clear();
      const after = applyChange(before ?? unborn(entry.version), seq, entry.at, entry.version, entry.change);
      states.set(actor, after);
      counted.facts += 1;
      counted.since ??= at;
      for (const edge of rerun(definition, actor, entry, { before, after }))
        counted.taken[edge] = (counted.taken[edge] ?? 0) + 1;
    }
    const { cursor: _, ...told } = counted;
    return { ...told, taken: { ...told.taken } };
  }

  /** null: before its birth. */
  async function foldTo(actor: string, seq: number, rest: () => Promise<void>): Promise<ActorState | null> {
    let state: ActorState | null = null;
    for (let number = 1; number <= seq; number++) {
      await rest();
      const entry = readEntry(read, actor, number);
      if (entry === null) return state;
      state = applyChange(state ?? unborn(entry.version), number, entry.at, entry.version, entry.change);
    }
    return state;
  }

  return {
    of(kind) {
      const answer = working.then(() => count(kind));
      working = answer.catch(() => {});
      return answer;
    },
  };
}

const batchOf = (cursor: string | null): number => Number((cursor ?? '0').split('.')[0]);

/** Lets others have their turn now and then: a node steps on the same loop. */
function createRest(): () => Promise<void> {
  let done = 0;
  return async () => {
    done += 1;
    if (done % TOGETHER_MAX === 0) await new Promise((resolve) => setImmediate(resolve));
  };
}

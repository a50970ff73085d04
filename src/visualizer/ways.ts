/**
 * How often each way between two states was taken, over all actors of a kind: counted as facts are committed, and, when
 * it is first asked, over the newest facts of before this start too.
 */
import type { Fact } from '../actor/fact.ts';
import type { Publisher } from '../actor/publisher.ts';
import { kindOf } from '../actor/address.ts';
import { newestFacts } from './newest.ts';
import { waysBetween } from './page/src/moment.ts';

export interface WaysTaken {
  /** Facts looked at, and since when. */
  facts: number;
  since: string | null;
  /** `from>to` → how often. */
  taken: Record<string, number>;
}

export interface Ways {
  of(kind: string): Promise<WaysTaken>;
}

export function createWays(publisher: Pick<Publisher, 'subscribe' | 'since' | 'position'>): Ways {
  const kinds = new Map<string, WaysTaken>();
  let first: string | null = null;
  let before: Promise<void> | null = null;

  function count({ actor, at, before: was, after }: Fact): void {
    // The kernel's own facts tell nothing of states; a large one leaves them out.
    if (after === null) return;
    const kind = kindOf(actor);
    const ways = kinds.get(kind) ?? { facts: 0, since: null, taken: {} };
    kinds.set(kind, ways);
    ways.facts += 1;
    if (ways.since === null || at < ways.since) ways.since = at;
    for (const way of waysBetween(was?.value ?? null, after.value)) ways.taken[way] = (ways.taken[way] ?? 0) + 1;
  }

  publisher.subscribe((fact, cursor) => {
    first ??= cursor;
    count(fact);
  });

  async function countBefore(): Promise<void> {
    for await (const { fact, cursor } of newestFacts(publisher)) {
      // From here on they were counted as they came.
      if (cursor === first) return;
      count(fact);
    }
  }

  return {
    async of(kind) {
      before ??= countBefore();
      await before;
      return kinds.get(kind) ?? { facts: 0, since: null, taken: {} };
    },
  };
}

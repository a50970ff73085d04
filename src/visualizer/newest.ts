/** The newest facts of a store, oldest first: what people may look back on without reading every journal. */
import type { Fact } from '../actor/fact.ts';
import type { Publisher } from '../actor/publisher.ts';

/** Some thousand steps, a moment's work. */
export const BATCHES_BACK = 2_000;
/** Facts read before others have their turn: a node steps on the same loop. */
const TOGETHER_MAX = 50;

/** `after`: a cursor from which on they are wanted; null: as far back as one looks. */
export async function* newestFacts(
  publisher: Pick<Publisher, 'since' | 'position'>,
  after: string | null = null,
): AsyncGenerator<{ fact: Fact; cursor: string }> {
  const start = Math.max(0, Number(publisher.position().split('.')[0]) - BATCHES_BACK);
  let read = 0;
  for await (const told of publisher.since(after ?? `${start}.0`)) {
    yield told;
    read += 1;
    if (read % TOGETHER_MAX === 0) await new Promise((resolve) => setImmediate(resolve));
  }
}

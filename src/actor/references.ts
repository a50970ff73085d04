/**
 * Who has a reference (`pull:acme/api#7`): rows of the index, and in memory what was asked lately. Hooks come in bursts
 * about the same few pieces of work, and a range of the store for each costs more than the step that it leads to.
 */
import { SPACES, keyParts } from '../store/keys.ts';
import type { Store } from '../store/store.ts';
import type { Node } from './node.ts';

export interface References {
  /** Addresses with this reference, compared without case, oldest id first; what is durable and told. Not to be changed. */
  find(ref: string): Promise<readonly string[]>;
}

/** What is asked about in a day of a busy organisation; the rest is read again. */
const KEPT_MAX = 10_000;

export function createReferences({ store, node }: { store: Store; node: Pick<Node, 'onCommitted'> }): References {
  /** In order of last use. A promise from the first question on: what commits meanwhile takes it away, too. */
  const kept = new Map<string, Promise<readonly string[]>>();
  node.onCommitted(({ references }) => {
    for (const ref of references) kept.delete(ref);
  });

  return {
    find(ref) {
      const key = ref.toLowerCase();
      const known = kept.get(key);
      const found = known ?? referenced(store, key);
      if (known !== undefined) kept.delete(key);
      else found.catch(() => kept.get(key) === found && kept.delete(key));
      kept.set(key, found);
      if (kept.size > KEPT_MAX) kept.delete(kept.keys().next().value!);
      return found;
    },
  };
}

/** Addresses with this reference by the store alone, oldest id first (`eng-42`, then `eng-42-2`). */
export async function referenced(store: Store, ref: string): Promise<string[]> {
  const found: string[] = [];
  for await (const [key] of store.scan(SPACES.referenceOf(ref))) {
    const rest = keyParts(key, 2);
    found.push(rest.at(-1)!);
  }
  return found.sort((a, b) => a.length - b.length || (a < b ? -1 : 1));
}

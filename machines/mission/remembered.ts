/**
 * What is computed of a list of items is kept as long as that very list is: most events leave it as it was, and a
 * mission of a thousand items then costs no more than one of ten. Lists are never changed in place, so the same list
 * gives the same answer; none of this is state.
 */
import type { Item } from './context.ts';

export function remembered<Keys extends readonly unknown[], Value>(
  compute: (items: readonly Item[], ...keys: Keys) => Value,
): (items: readonly Item[], ...keys: Keys) => Value {
  const last = new WeakMap<readonly Item[], { keys: Keys; value: Value }>();
  return (items, ...keys) => {
    const known = last.get(items);
    if (known !== undefined && known.keys.every((key, place) => key === keys[place])) return known.value;
    const value = compute(items, ...keys);
    last.set(items, { keys, value });
    return value;
  };
}

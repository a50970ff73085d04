/**
 * What a disk holds, apart from any process: rows that outlive whoever wrote them. A store on it is as good as LevelDB
 * for the kernel (it passes the same contract) and quick enough for thousands of lives.
 */
import type { Operation, Range, Store } from '../../src/store/store.ts';

export interface Disk {
  get(key: string): string | undefined;
  /** All of them at once: a synced batch. */
  apply(operations: readonly Operation[]): void;
  entries(range: Range): [string, string][];
  /** A store of this disk without any fault. */
  store(): Store;
}

export function createDisk(): Disk {
  const rows = new Map<string, string>();
  let sorted: string[] | null = null;

  function apply(operations: readonly Operation[]): void {
    for (const operation of operations) {
      const key = 'put' in operation ? operation.put : operation.del;
      if ('put' in operation) {
        if (!rows.has(key)) sorted = null;
        rows.set(key, operation.value);
      } else if (rows.delete(key)) sorted = null;
    }
  }

  /** Index of the first key that is not before `key`. */
  function lowerBound(keys: string[], key: string): number {
    let low = 0;
    let high = keys.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (keys[middle]! < key) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  function entries({ gte, gt, lt, lte, reverse = false, limit = Infinity }: Range): [string, string][] {
    sorted ??= [...rows.keys()].sort((a, b) => (a < b ? -1 : 1));
    const keys = sorted;
    const from = gte !== undefined ? lowerBound(keys, gte) : gt !== undefined ? lowerBound(keys, `${gt}\0`) : 0;
    const to = lt !== undefined ? lowerBound(keys, lt) : lte !== undefined ? lowerBound(keys, `${lte}\0`) : keys.length;
    const found = keys.slice(from, to);
    if (reverse) found.reverse();
    return found.slice(0, limit).map((key) => [key, rows.get(key)!]);
  }

  async function* stream(found: [string, string][]): AsyncGenerator<[string, string]> {
    yield* found;
  }

  const disk: Disk = {
    get: (key) => rows.get(key),
    apply,
    entries,
    store: () => ({
      get: (key) => rows.get(key),
      scan: (range) => stream(entries(range)),
      async write(operations) {
        apply(operations);
      },
      snapshot() {
        const frozen = createDisk();
        frozen.apply([...rows].map(([put, value]) => ({ put, value })));
        return { entries: (range) => stream(frozen.entries(range)), close: async () => {} };
      },
      size: async () => rows.size,
      close: async () => {},
    }),
  };
  return disk;
}

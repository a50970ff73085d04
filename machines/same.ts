/** Whether two values of plain JSON are the same text: order of keys counts, what is undefined is not there. */
export function isSame(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (Array.isArray(a) !== Array.isArray(b)) return false;
  const [before, after] = [a as Record<string, unknown>, b as Record<string, unknown>];
  const [keys, others] = [definedKeys(before), definedKeys(after)];
  return (
    keys.length === others.length &&
    keys.every((key, index) => key === others[index] && isSame(before[key], after[key]))
  );
}

function definedKeys(value: Record<string, unknown>): string[] {
  const keys = Object.keys(value);
  return keys.every((key) => value[key] !== undefined) ? keys : keys.filter((key) => value[key] !== undefined);
}

/**
 * What changed within a value of plain JSON, as places and new values: an entry of a journal holds the few bytes that
 * are different and not the list of a thousand items around them. Order of keys counts as difference, so that a value
 * put together again has the very bytes of the one it was taken from.
 */

/** A place below a key of the context, from the top, and what is there now. One past an array's end appends. */
export type Patch = [place: (string | number)[], value: unknown][];

/** More than this part of an object's or array's entries differ: it is written whole. */
const WHOLE_FROM = 0.5;

/** True when both are the same; otherwise adds to `patch` what makes `before` into `after`. */
export function diffValue(before: unknown, after: unknown, place: (string | number)[], patch: Patch): boolean {
  if (before === after) return true;
  if (Array.isArray(before) && Array.isArray(after)) return diffArrays(before, after, place, patch);
  if (isPlain(before) && isPlain(after)) return diffObjects(before, after, place, patch);
  patch.push([place, after]);
  return false;
}

function diffArrays(
  before: readonly unknown[],
  after: readonly unknown[],
  place: (string | number)[],
  patch: Patch,
): boolean {
  if (after.length < before.length || (before.length === 0 && after.length > 0)) {
    patch.push([place, after]);
    return false;
  }
  const mark = patch.length;
  let changed = 0;
  for (let index = 0; index < after.length; index++) {
    if (index < before.length) {
      if (before[index] === after[index]) continue;
      if (!diffValue(before[index], after[index], [...place, index], patch)) changed += 1;
    } else {
      patch.push([[...place, index], after[index]]);
      changed += 1;
    }
  }
  return settle(changed, after, after.length, { place, patch, mark });
}

function diffObjects(
  before: Record<string, unknown>,
  after: Record<string, unknown>,
  place: (string | number)[],
  patch: Patch,
): boolean {
  const keys = definedKeys(after);
  if (!isSameList(keys, definedKeys(before))) {
    patch.push([place, after]);
    return false;
  }
  const mark = patch.length;
  let changed = 0;
  for (const key of keys) {
    if (before[key] === after[key]) continue;
    if (!diffValue(before[key], after[key], [...place, key], patch)) changed += 1;
  }
  return settle(changed, after, keys.length, { place, patch, mark });
}

function settle(
  changed: number,
  after: unknown,
  entries: number,
  { place, patch, mark }: { place: (string | number)[]; patch: Patch; mark: number },
): boolean {
  if (changed === 0) return true;
  if (changed > entries * WHOLE_FROM) {
    patch.length = mark;
    patch.push([place, after]);
  }
  return false;
}

/** The context with every place of a patch replaced; what the patch does not name is shared with the one before. */
export function applyPatch(context: Record<string, unknown>, patch: Patch): Record<string, unknown> {
  const own = new Set<unknown>();
  const result = { ...context };
  putAt(result, patch, (child, parent, key) => {
    if (own.has(child)) return child;
    const copy = Array.isArray(child) ? [...(child as unknown[])] : { ...(child as object) };
    own.add(copy);
    parent[key] = copy;
    return copy;
  });
  return result;
}

/** The same on a context that nobody else holds: it is changed. */
export function patchInPlace(context: Record<string, unknown>, patch: Patch): void {
  putAt(context, patch, (child) => child);
}

type Node = Record<string | number, unknown>;

/** `own`: the child as it may be changed. */
function putAt(
  context: Node,
  patch: Patch,
  own: (child: unknown, parent: Node, key: string | number) => unknown,
): void {
  for (const [place, value] of patch) {
    let parent = context;
    for (let depth = 0; depth < place.length - 1; depth++) {
      const key = place[depth]!;
      parent = own(parent[key], parent, key) as Node;
    }
    parent[place.at(-1)!] = value;
  }
}

const isPlain = (value: unknown): value is Record<string, unknown> =>
  value !== null && typeof value === 'object' && !Array.isArray(value);

/** What JSON leaves out is not there. */
function definedKeys(value: Record<string, unknown>): string[] {
  const keys = Object.keys(value);
  for (const key of keys) if (value[key] === undefined) return keys.filter((name) => value[name] !== undefined);
  return keys;
}

export function isSameList(a: readonly string[], b: readonly string[]): boolean {
  if (a.length !== b.length) return false;
  for (let index = 0; index < a.length; index++) if (a[index] !== b[index]) return false;
  return true;
}

/** Whether two values are the same but for the order of keys. */
export function isSameContent(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (Array.isArray(a) && Array.isArray(b)) {
    return a.length === b.length && a.every((part, index) => isSameContent(part, b[index]));
  }
  if (!isPlain(a) || !isPlain(b)) return false;
  const keys = definedKeys(a);
  if (definedKeys(b).length !== keys.length) return false;
  return keys.every((key) => b[key] !== undefined && isSameContent(a[key], b[key]));
}

/** The context of a new actor: made by a function, the same each time, plain JSON. */
import { canonicalJson } from '../actor/state.ts';
import type { Definition } from '../actor/state.ts';
import type { Say } from './finding.ts';
import type { Outline } from './outline.ts';

const AT = '2026-01-05T10:00:00.000Z';

export function checkBirth({ kind, recordKeys }: Definition, { context }: Outline, say: Say): void {
  if (typeof context !== 'function') return;
  const born = (): unknown =>
    (context as (args: { input: unknown }) => unknown)({ input: { address: `${kind}/check`, at: AT, timers: {} } });
  let first: unknown;
  let second: unknown;
  try {
    [first, second] = [born(), born()];
  } catch (error) {
    say('context-repeatable', 'context', `cannot be made from address, at and timers: ${(error as Error).message}`);
    return;
  }
  const spots = unplain(first, 'context');
  for (const { where, what } of spots) say('context-plain', where, what);
  if (spots.length > 0) return;
  if (canonicalJson(first) !== canonicalJson(second)) say('context-repeatable', 'context', 'is another one each time');
  else if (first === second) say('context-function', 'context', 'is the same object for every actor');
  for (const key of recordKeys) {
    if (!(key in (first as object))) say('record-key', `recordKeys ${key}`, 'is no key of the context');
  }
}

/** Everything in a value that JSON would lose or change. */
export function unplain(value: unknown, where: string): { where: string; what: string }[] {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return [];
  if (typeof value === 'number') return Number.isFinite(value) ? [] : [{ where, what: `is ${value}` }];
  if (typeof value !== 'object')
    return [{ where, what: `is ${typeof value === 'undefined' ? '' : 'a '}${typeof value}` }];
  if (Array.isArray(value)) return value.flatMap((part, index) => unplain(part, `${where}.${index}`));
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) {
    return [{ where, what: `is a ${(value.constructor as { name?: string }).name ?? 'thing with methods'}` }];
  }
  return Object.entries(value).flatMap(([key, part]) => unplain(part, `${where}.${key}`));
}

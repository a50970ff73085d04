import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { applyPatch, diffValue, isSameContent, patchInPlace } from '../../src/actor/patch.ts';
import type { Patch } from '../../src/actor/patch.ts';

const json = fc.jsonValue({ maxDepth: 4 });
/** What JSON keeps of it: values of a context are plain. */
const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value)) as unknown;

/** A value and what became of it: mostly the same, changed here and there. */
const pair = fc.tuple(json, json, json, fc.nat(3)).map(([a, b, c, where]): [unknown, unknown] => {
  const before = { a, list: [a, b, c, a, b], deep: { inner: { b, c, n: 1, m: 2 }, other: c } };
  const after = structuredClone(before) as Record<string, unknown> & typeof before;
  if (where === 0) after.list[2] = b;
  else if (where === 1) after.deep.inner.b = c;
  else if (where === 2) after.list.push(c);
  else after.a = b;
  return [plain(before), plain(after)];
});

test('a patch put on the value before gives the very bytes of the value after', () => {
  const holds = ([before, after]: readonly [unknown, unknown]): void => {
    const patch: Patch = [];
    const isSame = diffValue(before, after, ['key'], patch);
    assert.equal(isSame, JSON.stringify(before) === JSON.stringify(after));
    assert.equal(isSame, patch.length === 0);
    const context = applyPatch({ key: before, other: 1 }, plain(patch) as Patch);
    assert.equal(JSON.stringify(context), JSON.stringify({ key: after, other: 1 }));
    const own = { key: structuredClone(before), other: 1 };
    patchInPlace(own, plain(patch) as Patch);
    assert.equal(JSON.stringify(own), JSON.stringify(context));
  };
  fc.assert(
    fc.property(
      fc.tuple(json, json).map(([a, b]) => [plain(a), plain(b)] as const),
      holds,
    ),
  );
  fc.assert(fc.property(pair, holds));
});

test('a patch leaves what it is put on as it was', () => {
  const before = {
    list: [
      { n: 1, m: 1, k: 1 },
      { n: 2, m: 2, k: 2 },
      { n: 3, m: 3, k: 3 },
    ],
  };
  const text = JSON.stringify(before);
  applyPatch({ key: before }, [[['key', 'list', 1, 'n'], 9]]);
  assert.equal(JSON.stringify(before), text);
});

test('one item of a thousand changed is a few bytes, one more at the end too', () => {
  const items = Array.from({ length: 1_000 }, (_, index) => ({ key: `k${index}`, state: 'ready', tries: 0 }));
  const patch: Patch = [];
  diffValue(items, [...items.slice(0, 17), { ...items[17]!, state: 'done' }, ...items.slice(18)], ['items'], patch);
  diffValue(items, [...items, { key: 'new', state: 'ready', tries: 0 }], ['items'], patch);
  assert.deepEqual(patch, [
    [['items', 17, 'state'], 'done'],
    [['items', 1_000], { key: 'new', state: 'ready', tries: 0 }],
  ]);
});

test('keys in another order are other bytes of the same content', () => {
  assert.equal(diffValue({ a: 1, b: 2 }, { b: 2, a: 1 }, ['key'], []), false);
  assert.equal(isSameContent({ a: 1, b: [{ c: 1, d: 2 }] }, { b: [{ d: 2, c: 1 }], a: 1 }), true);
  assert.equal(isSameContent({ a: 1 }, { a: 1, b: 2 }), false);
  assert.equal(isSameContent([1, 2], [2, 1]), false);
});

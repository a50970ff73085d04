import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { isSame } from '../../machines/same.ts';

test('values are the same exactly when their JSON is the same text', () => {
  const value = fc.jsonValue({ maxDepth: 3 });
  fc.assert(fc.property(value, value, (a, b) => isSame(a, b) === (JSON.stringify(a) === JSON.stringify(b))));
  fc.assert(fc.property(value, (a) => isSame(a, JSON.parse(JSON.stringify(a)))));
});

test('order of keys counts, what is undefined does not', () => {
  assert.equal(isSame({ a: 1, b: 2 }, { b: 2, a: 1 }), false);
  assert.equal(isSame({ a: 1, b: undefined }, { a: 1 }), true);
  assert.equal(isSame([1, [2]], [1, [2]]), true);
  assert.equal(isSame([], {}), false);
});

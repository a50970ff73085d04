/** A session's context is copied key by key: none may be forgotten, and their order is what a journal's bytes follow. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { unbornSession } from '../../machines/session/context.ts';
import { copyOf } from '../../machines/session/copy.ts';

test('a copy of a context has its every key, in its order, and is another object', () => {
  const context = unbornSession({ address: 'session/s', at: '2026-01-01T00:00:00.000Z', timers: {} });
  const copy = copyOf(context);
  assert.notEqual(copy, context);
  assert.deepEqual(Object.keys(copy), Object.keys(context));
  for (const key of Object.keys(context) as (keyof typeof context)[]) assert.equal(copy[key], context[key], key);
});

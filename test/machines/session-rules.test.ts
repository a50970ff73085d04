/** The session machine keeps to the rules that make it executable, drawable and explainable. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { sessionDefinition } from '../../machines/session/index.ts';
import { checkDefinition } from '../../src/actor/registry.ts';
import type { Definition } from '../../src/actor/state.ts';

test('the session machine breaks no rule of the registry', () => {
  assert.deepEqual(checkDefinition(sessionDefinition as unknown as Definition), []);
});

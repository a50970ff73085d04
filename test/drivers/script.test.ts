import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseScript, stepsFor } from '../../src/drivers/scripted/script.ts';
import type { Occasion } from '../../src/drivers/scripted/script.ts';

const OCCASION: Occasion = {
  kind: 'implement',
  for: 'checks',
  agent: 'agent/ada',
  session: 'session/eng-42',
  title: 'Greet people',
  attempt: 2,
  epoch: 7,
  head: '1a2b3c4d5e',
  mode: 'worker',
};

const labelled = (when: object, occasion: Occasion = OCCASION): boolean =>
  stepsFor(parseScript(JSON.stringify({ runs: [{ when, steps: [{ print: 'this one' }] }] })), occasion) !== undefined;

for (const [key, fits, fails] of [
  ['kind', 'implement', 'review'],
  ['for', 'checks', 'implement'],
  ['agent', 'ada', 'susan'],
  ['agent', 'agent/ada', 'agent/susan'],
  ['session', 'eng-42', 'eng-43'],
  ['title', '^Greet', '^greet'],
  ['attempt', 2, 1],
  ['epoch', 7, 8],
  ['head', '1a2b3c4', '1a2b3c5'],
  ['mode', 'worker', 'chat'],
] as const) {
  test(`“when” compares ${key}: ${fits}`, () => {
    assert.equal(labelled({ [key]: fits }), true);
    assert.equal(labelled({ [key]: fails }), false);
  });
}

test('every key of “when” must fit, and what the run does not have fits nothing', () => {
  assert.equal(labelled({ for: 'checks', attempt: 1 }), false);
  assert.equal(labelled({ mail: '.' }), false);
  assert.equal(labelled({ mail: 'bye' }, { agent: 'agent/ada', mode: 'chat', mail: 'good bye' }), true);
});

test('the first entry that fits is taken', () => {
  const script = parseScript(
    'runs:\n  - when: { for: verdict }\n    steps: []\n  - steps: [ { exit: 0 } ]\n  - steps: [ { exit: 1 } ]\n',
  );
  assert.deepEqual(stepsFor(script, OCCASION), [{ do: 'exit', with: 0 }]);
});

test('mistakes of a script are named with their place', () => {
  assert.throws(
    () => parseScript('runs: [ { steps: [ { wirte: { path: a, text: b } } ] } ]'),
    /runs\.0\.steps\.0: .*wirte/s,
  );
  assert.throws(() => parseScript('runs: [ { steps: [ { write: { path: a } } ] } ]'), /runs\.0\.steps\.0\.write\.text/);
  assert.throws(() => parseScript('runs: [ { when: { phase: x } } ]'), /phase/);
  assert.throws(() => parseScript('runs: [ { steps: [ { print: a, push: true } ] } ]'), /exactly one/);
});

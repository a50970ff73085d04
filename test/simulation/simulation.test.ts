import assert from 'node:assert/strict';
import { test } from 'node:test';
import { simulate } from './world.ts';

/**
 * Enough to meet every race we know of a few times within ten seconds or so. By hand: `SEED=7` prints one schedule,
 * `SCHEDULES=5000` runs more.
 */
const SCHEDULES = Number(process.env['SCHEDULES'] ?? 150);

test('whatever order things happen in, every piece of work comes to its end', () => {
  const only = process.env['SEED'];
  if (only !== undefined) {
    // oxlint-disable-next-line no-console
    const outcome = simulate(Number(only), (line) => console.log(line));
    assert.equal(outcome.failure, null);
    return;
  }
  for (let seed = 1; seed <= SCHEDULES; seed++) {
    const { failure } = simulate(seed);
    assert.equal(failure, null, `seed ${seed}: ${failure}`);
  }
});

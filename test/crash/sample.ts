/** A sample of a scenario's crashes for the ordinary tests; `npm run crash` tries them all. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRandom } from '../simulation/random.ts';
import type { Scenario } from './run.ts';
import { chain, singles, spread, tryChain, trySingle } from './trial.ts';
import type { Trial } from './trial.ts';

interface Bounds {
  /** Crashes tried alone, spread evenly over all there are. */
  singles: number;
  chains: number;
}

/** A scenario takes seconds; a kernel that waits for ever must not keep the run. */
const LIMIT = { timeout: 180_000 };

export function sample(scenario: Scenario, bounds: Bounds): void {
  test(`${scenario.name}: loses nothing and does nothing twice, wherever the process dies`, LIMIT, async (context) => {
    const all = await singles(scenario);
    const tried = spread(all, bounds.singles);
    for (const death of tried) assertRight(await trySingle(scenario, death));
    context.diagnostic(`${tried.length} of ${all.length} points`);
  });

  test(`${scenario.name}: however often it dies, also while it recovers`, LIMIT, async (context) => {
    let died = 0;
    for (let seed = 1; seed <= bounds.chains; seed++) {
      const trial = await tryChain(scenario, chain(createRandom(seed)));
      assertRight(trial);
      died += trial.died;
    }
    context.diagnostic(`${died} crashes in ${bounds.chains} runs`);
  });
}

const assertRight = ({ failure }: Trial): void => assert.equal(failure, null, failure ?? undefined);

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { simulate } from './crew.ts';
import { createRandom } from './random.ts';
import { play } from './schedule.ts';
import { shrink } from './shrink.ts';

/** `npm run simulate` plays more. */
const SCHEDULES = 1_000;
/** Shorter ones than it plays. */
const DISTURBED = 60;

test('whatever order things happen in, every rule holds after every event and all work comes to its end', async () => {
  const { played, failures } = await simulate({
    from: 1,
    count: SCHEDULES,
    disturbed: DISTURBED,
    withinSeconds: 3_600,
    coverage: false,
  });
  const first = failures[0];
  const words = first === undefined ? '' : `seed ${first.seed}: ${first.broken.rule}: ${first.broken.detail}`;
  assert.equal(
    failures.length,
    0,
    `${words}\n(npm run simulate -- --seed ${first?.seed} --disturbed ${DISTURBED} tells it)`,
  );
  assert.equal(played, SCHEDULES);
});

test('a seed plays the same schedule again, move by move', () => {
  const told = (): string[] => {
    const lines: string[] = [];
    play(
      { seed: 7 },
      { taken: ({ actor, envelope, decision }) => lines.push(`${actor} ${envelope.id} ${decision.receipt.outcome}`) },
    );
    return lines;
  };
  assert.deepEqual(told(), told());
});

test('a failing schedule is left with the moves that it takes', () => {
  const { without, left } = shrink(100, (gone) => !gone.has(17) && !gone.has(18) && !gone.has(60));
  assert.equal(left, 3);
  assert.deepEqual(
    [17, 18, 60].map((move) => without.has(move)),
    [false, false, false],
  );
});

test('a move picks the same of what is left when something else is gone', () => {
  const options = ['a', 'b', 'c', 'd', 'e'].map((name) => ({ name }));
  for (let seed = 0; seed < 100; seed++) {
    const picked = createRandom(seed).prefer(options)!;
    for (const gone of options) {
      if (gone === picked) continue;
      assert.equal(createRandom(seed).prefer(options.filter((option) => option !== gone)), picked);
    }
  }
});

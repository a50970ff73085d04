import assert from 'node:assert/strict';
import { test } from 'node:test';
import { simulate } from './crew.ts';
import { play } from './schedule.ts';

/** `npm run simulate` plays more. */
const SCHEDULES = 1_000;

test('whatever order things happen in, every rule holds after every event and all work comes to its end', async () => {
  const { played, failures } = await simulate({
    from: 1,
    count: SCHEDULES,
    withinSeconds: 3_600,
    coverage: false,
  });
  const first = failures[0];
  const words = first === undefined ? '' : `seed ${first.seed}: ${first.broken.rule}: ${first.broken.detail}`;
  assert.equal(failures.length, 0, `${words}\n(npm run simulate -- --seed ${first?.seed} tells it)`);
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

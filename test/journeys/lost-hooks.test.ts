/** The main job when webhooks do not arrive: what was delegated is listed, the rest is looked at or fetched. */
import assert from 'node:assert/strict';
import { setTimeout } from 'node:timers/promises';
import type { SourceSight } from '../../src/bridge/sweep.ts';
import { QUICK_TIMERS, REPO } from '../../src/demo/world.ts';
import { skipLong } from '../support/long.ts';
import { checkEverything } from './census.ts';
import { journey } from './journey.ts';

journey(
  'with every webhook lost the job ends in the same place',
  { skip: skipLong, config: { timers: { ...QUICK_TIMERS, reconcileSeconds: 1, reconcileMaxSeconds: 2 } } },
  async (journey) => {
    const lost = journey.gate.lose();
    const { issue, session } = journey.delegate();
    await journey.start();

    await journey.ended(session);

    await checkEverything(journey, { issue, session });
    assert.ok(lost() > 10, `${lost()} deliveries were lost`);
    const hooked = journey.facts.filter(({ envelope }) => envelope.source.startsWith('hook/'));
    assert.deepEqual(hooked, [], 'no step came of a webhook');
  },
);

journey(
  'with three in ten webhooks lost the job ends in the same place, and health says that the gap was healed',
  { skip: skipLong, config: { timers: { ...QUICK_TIMERS, sweepSeconds: 2 } } },
  async (journey) => {
    journey.world.github.grant(REPO, 'chartroom[bot]', 'admin');
    const lost = journey.gate.lose(0.3);
    await journey.start();
    const { issue, session } = journey.delegate();

    await journey.ended(session);

    await checkEverything(journey, { issue, session });
    assert.ok(lost() > 3, `${lost()} deliveries were lost`);
    const sight = async (): Promise<SourceSight> =>
      (await journey.ask<{ sources: { github: SourceSight } }>('health')).sources.github;
    const until = Date.now() + 60_000;
    while ((await sight()).state !== 'healed' && Date.now() < until) await setTimeout(200);
    assert.equal((await sight()).state, 'healed', JSON.stringify(await sight()));
    assert.ok((await sight()).recovered > 0);
  },
);

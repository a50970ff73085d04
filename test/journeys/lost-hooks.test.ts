/** The main job when no webhook ever arrives: what was delegated is listed at the start, the rest is looked at. */
import assert from 'node:assert/strict';
import { QUICK_TIMERS } from '../../src/demo/world.ts';
import { checkEverything } from './census.ts';
import { journey } from './journey.ts';

journey(
  'with every webhook lost the job ends in the same place',
  { config: { timers: { ...QUICK_TIMERS, reconcileSeconds: 1, reconcileMaxSeconds: 2 } } },
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

/** The gate checks, bound to a head: the names the configuration gives, or those the branch requires. */
import { session } from '../setup.ts';

export const checks = session.createStateConfig({
  initial: 'unknown',
  on: {
    'checks.unknown': '.unknown',
    'checks.pending': '.pending',
    'checks.green': '.green',
    'checks.red': '.red',
  },
  states: {
    unknown: {
      description: 'No check of this head is known.',
      meta: { waitsFor: 'checks' },
      after: { check: [{ guard: 'checkIsSilent', actions: 'askAboutSilence' }, {}] },
    },
    pending: {
      description: 'Gate checks of this head are not settled.',
      meta: { waitsFor: 'checks' },
      after: { check: [{ guard: 'checkIsSilent', actions: 'askAboutSilence' }, {}] },
    },
    green: {
      description: 'Every gate check of this head succeeded, was neutral or skipped.',
      meta: { waitsFor: 'nothing' },
    },
    red: {
      description: 'A gate check of this head failed, from a snapshot that names it.',
      meta: { waitsFor: 'checks' },
      after: { check: [{ guard: 'isRerunning', actions: 'giveUpRerun' }, {}] },
    },
  },
});

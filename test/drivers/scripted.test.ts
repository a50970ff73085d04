import { createScriptedDriver } from '../../src/drivers/scripted/driver.ts';
import { driverContract } from './contract.ts';
import type { Behaviour } from './contract.ts';

const STEPS: Record<Behaviour, unknown[]> = {
  works: [{ write: { path: 'work.txt', text: 'work\n' } }],
  idles: [],
  worksAndFails: [{ write: { path: 'work.txt', text: 'work\n' } }, { run: 'exit 1' }],
  hangs: [{ write: { path: 'begun.txt', text: '' } }, { hang: true }],
  asks: [{ ask: 'Which colour?' }, { write: { path: 'answer.txt', text: '{answer}' } }],
  asksApproval: [
    { ask: { text: 'May I?', approval: true, choices: ['yes', 'no'] } },
    { write: { path: 'answer.txt', text: '{answer}' } },
  ],
  listens: [{ steered: true }, { write: { path: 'steered.txt', text: '{steered}' } }],
  uses: [{ usage: { inputTokens: 11, outputTokens: 7 } }],
  isLimited: [{ limit: { until: '2030-01-01T00:00:00.000Z' } }],
  isUnauthorised: [{ auth: {} }],
  dies: [{ crash: { signal: 'SIGKILL' } }],
  babbles: [{ garbage: true }, { garbage: '{"type":"turn.ended"}\n' }],
  floods: [{ garbage: `${'x'.repeat(1_000)}\n`.repeat(2_000) }],
  cannotReach: [{ run: 'git ls-remote http://127.0.0.1:9/nobody.git' }],
  judges: [{ review: { verdict: 'approve' } }],
  handsBack: [{ handBack: 'not mine' }],
};

const driver = (behaviour: Behaviour) =>
  createScriptedDriver({ script: { runs: [{ steps: STEPS[behaviour] }] }, node: process.execPath });

driverContract({
  name: 'scripted',
  capabilities: driver('works').capabilities,
  play: (behaviour, use) => use({ driver: driver(behaviour) }),
});

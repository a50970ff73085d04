import { createModel } from '../../src/demo/model.ts';
import { MODEL_KEY, NOBODY, codexAt } from '../../src/demo/model/settings.ts';
import { createAcpDriver } from '../../src/drivers/acp/driver.ts';
import { driverContract } from '../drivers/contract.ts';
import { playing } from './playing.ts';
import { findProgram } from './programs.ts';

const program = findProgram('acp');
const driver = (url: string) =>
  createAcpDriver({
    program: 'path' in program ? program.path : 'codex-acp',
    args: Object.entries({ ...codexAt(url), approval_policy: 'untrusted', sandbox_mode: 'danger-full-access' }).flatMap(
      ([key, value]) => ['-c', `${key}=${JSON.stringify(value)}`],
    ),
  });

driverContract({
  name: 'acp',
  capabilities: driver('').capabilities,
  skip: 'missing' in program ? program.missing : undefined,
  // The protocol has no word for it.
  limitedUntil: undefined,
  async play(behaviour, use) {
    if (behaviour === 'cannotReach') return use({ driver: driver(NOBODY), env: { MODEL_KEY } });
    const model = await createModel({ next: (occasion) => playing(behaviour, occasion) });
    try {
      await use({ driver: driver(model.url), env: { MODEL_KEY } });
    } finally {
      await model.close();
    }
  },
  cannot: {
    asks: 'version 1 of the protocol has approvals, and no questions',
    uses: 'codex-acp says no tokens',
    babbles: 'a real program cannot be made to; recorded frames with noise among them are read in its own test',
  },
});

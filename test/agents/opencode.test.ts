import { createModel } from '../../src/demo/model.ts';
import { NOBODY, opencodeAt } from '../../src/demo/model/settings.ts';
import { createAcpDriver } from '../../src/drivers/acp/driver.ts';
import { driverContract } from '../drivers/contract.ts';
import { playing } from './playing.ts';
import { findProgram } from './programs.ts';

const program = findProgram('opencode');
const driver = createAcpDriver({ program: 'path' in program ? program.path : 'opencode', args: ['acp'] });

driverContract({
  name: 'opencode',
  capabilities: driver.capabilities,
  skip: 'missing' in program ? program.missing : undefined,
  // The protocol has no word for it.
  limitedUntil: undefined,
  async play(behaviour, use) {
    if (behaviour === 'cannotReach') return use({ driver, env: opencodeAt(NOBODY) });
    const model = await createModel({ next: (occasion) => playing(behaviour, occasion) });
    try {
      await use({ driver, env: opencodeAt(model.url) });
    } finally {
      await model.close();
    }
  },
  cannot: {
    asks: 'version 1 of the protocol has approvals, and no questions',
    babbles: 'a real program cannot be made to; recorded frames with noise among them are read in their own test',
  },
});

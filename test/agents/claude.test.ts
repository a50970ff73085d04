import { createModel } from '../../src/demo/model.ts';
import { NOBODY, claudeAt } from '../../src/demo/model/settings.ts';
import { createClaudeDriver } from '../../src/drivers/claude/driver.ts';
import { driverContract } from '../drivers/contract.ts';
import { playing } from './playing.ts';
import { findProgram } from './programs.ts';

const program = findProgram('claude');
const driver = createClaudeDriver('path' in program ? { program: program.path } : {});

driverContract({
  name: 'claude',
  capabilities: driver.capabilities,
  skip: 'missing' in program ? program.missing : undefined,
  // With a key and not a subscription it does not say when a limit ends.
  limitedUntil: undefined,
  async play(behaviour, use) {
    if (behaviour === 'cannotReach') return use({ driver, env: claudeAt(NOBODY) });
    const model = await createModel({ next: (occasion) => playing(behaviour, occasion) });
    try {
      await use({ driver, env: claudeAt(model.url) });
    } finally {
      await model.close();
    }
  },
  cannot: {
    babbles: 'a real program cannot be made to; recorded frames with noise among them are read in its own test',
  },
});

import { createModel } from '../../src/demo/model.ts';
import { MODEL_KEY, NOBODY, codexAt } from '../../src/demo/model/settings.ts';
import { createCodexDriver } from '../../src/drivers/codex/driver.ts';
import { driverContract } from '../drivers/contract.ts';
import { playing } from './playing.ts';
import { findProgram } from './programs.ts';

const program = findProgram('codex');
const path = 'path' in program ? program.path : 'codex';
const driver = (url: string) => createCodexDriver({ program: path, config: codexAt(url) });

driverContract({
  name: 'codex',
  capabilities: driver('').capabilities,
  skip: 'missing' in program ? program.missing : undefined,
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
    asks: 'its tool for questions is not offered to models outside of its plan mode',
    babbles: 'a real program cannot be made to; recorded frames with noise among them are read in its own test',
  },
});

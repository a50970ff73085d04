import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createModel } from '../../src/demo/model.ts';
import { NOBODY, claudeAt } from '../../src/demo/model/settings.ts';
import { createClaudeDriver } from '../../src/drivers/claude/driver.ts';
import { withProcesses } from '../effects/process-site.ts';
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

test(
  'claude: a resumed conversation does not count what it cost before',
  'missing' in program ? { skip: program.missing } : { timeout: 120_000 },
  async () => {
    const model = await createModel({ next: () => ({ say: 'done' }) });
    const more = { drivers: { claude: driver }, secretEnv: () => claudeAt(model.url) };
    await withProcesses({ more }, async (site) => {
      const used = async (run: string, conversation?: string): Promise<[unknown, unknown]> => {
        site.start({ driver: 'claude', run, ...(conversation === undefined ? {} : { conversation }) });
        const { data } = await site.next('driver.started');
        const { usage } = (await site.next('driver.turned')).data;
        await site.next('driver.exited');
        return [data['conversation'], usage];
      };
      const [conversation, first] = await used('eng-42-1');
      const [same, second] = await used('eng-42-2', conversation as string);
      assert.equal(same, conversation);
      assert.deepEqual(second, first);
      assert.ok((first as { costUsd: number }).costUsd > 0);
    });
    await model.close();
  },
);

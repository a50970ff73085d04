/** Processes that left their group are known by the environment they were started with. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { carriersInPs, carriersOf } from '../../src/effects/process/group.ts';

const WORD = `CHARTROOM_CARRIED=${process.pid}/a`;
const LIVE = 'setTimeout(() => {}, 120_000)';

async function start(t: { after: (end: () => void) => void }, args: string[], env: string): Promise<number> {
  const [name = '', value = ''] = env.split('=');
  const child = spawn(process.execPath, ['-e', LIVE, ...args], {
    detached: true,
    stdio: 'ignore',
    env: { [name]: value },
  });
  t.after(() => child.kill('SIGKILL'));
  await once(child, 'spawn');
  return child.pid!;
}

for (const [by, find] of Object.entries({ 'this system’s own way': carriersOf, ps: carriersInPs })) {
  test(`a carrier is found by ${by}, however it is called; not one that only speaks of the word`, async (t) => {
    const carrier = await start(t, ['--', 'x'], WORD);
    await start(t, ['--', WORD], 'CHARTROOM_OTHER=1');
    await start(t, ['--', 'y'], `${WORD}b`);
    assert.deepEqual(
      (await find(WORD)).map(({ pid, group }) => ({ pid, group })),
      [{ pid: carrier, group: carrier }],
    );
  });
}

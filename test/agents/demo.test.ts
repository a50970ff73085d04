import assert from 'node:assert/strict';
import { test } from 'node:test';
import { execa } from 'execa';
import { REAL_DRIVERS } from '../../src/demo/real.ts';
import { programArgs } from '../../src/package.ts';
import { findProgram } from './programs.ts';

/** The story takes a minute; it ends itself after three. */
const DEMO_MS_MAX = 240_000;

for (const driver of REAL_DRIVERS) {
  const program = findProgram(driver);
  test(
    `the main job is done with the real ${driver} as implementer and as reviewer`,
    'missing' in program ? { skip: program.missing } : { timeout: DEMO_MS_MAX },
    async () => {
      const { exitCode, stdout, stderr } = await execa(
        process.execPath,
        [...programArgs('src/demo/main'), '--json', '--driver', driver],
        { reject: false, timeout: DEMO_MS_MAX },
      );
      assert.equal(exitCode, 0, stderr);
      assert.equal((JSON.parse(stdout.split('\n').at(-1)!) as { done: boolean }).done, true);
    },
  );
}

test('the demo names the programs it can be played with', async () => {
  const args = [...programArgs('src/demo/main'), '--driver', 'nobody'];
  const { exitCode, stderr } = await execa(process.execPath, args, { reject: false });
  assert.equal(exitCode, 2);
  assert.match(stderr, /“nobody”.*codex, claude/);
});

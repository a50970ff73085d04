/** An envelope whose step kills the process is set aside by itself, after it has killed it often enough. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { beginLife } from '../../src/actor/caution.ts';
import { verifyStore } from '../../src/actor/verify.ts';
import { openLevelStore } from '../../src/store/level-store.ts';
import { lampNode } from '../support/lamp-node.ts';
import { letter } from '../support/letter.ts';

const LIFE = fileURLToPath(new URL('poison-life.js', import.meta.url));
/** A life that hangs is given up on. */
const LIFE_MS_MAX = 30_000;

const live = (directory: string): string | number | null => {
  const { signal, status } = spawnSync(process.execPath, [LIFE, directory], { timeout: LIFE_MS_MAX, stdio: 'inherit' });
  return signal ?? status;
};

test('a step that kills the process parks its actor after two starts, and everything else goes on', async () => {
  const directory = await mkdtemp(path.join(tmpdir(), 'chartroom-poison-'));
  try {
    assert.equal(live(directory), 'SIGKILL', 'the first time nobody expects it');
    assert.equal(live(directory), 'SIGKILL', 'the first start that has marked it');
    assert.equal(live(directory), 'SIGKILL', 'the second one');
    assert.equal(live(directory), 0, 'now it is set aside');

    const store = await openLevelStore(directory);
    const { followsCrash } = await beginLife(store);
    assert.equal(followsCrash, false, 'that life was ended in order');
    const { node, committed, phase } = lampNode(store);
    await node.load();
    assert.deepEqual([await phase('lamp/before'), await phase('lamp/after')], ['on', 'on']);
    const { parked } = node.actors.get('lamp/poison');
    assert.equal(parked?.envelope, 'press-poison');
    assert.match(
      parked.reason,
      /^poison: the process ended in the step of press \(press-poison\) at 2 starts in a row$/,
    );

    await node.send(letter('lamp/poison', 'correct.unpark', { skip: true }));
    assert.deepEqual(
      committed.flatMap(({ facts }) => facts.map(({ type }) => type)),
      ['letter.dead', 'actor.unparked'],
    );
    const receipt = await node.send(letter('lamp/poison', 'press'));
    assert.equal(receipt.after?.phase, 'on');
    await node.stop();
    assert.deepEqual((await verifyStore(store)).differences, []);
    await store.close();
  } finally {
    await rm(directory, { recursive: true });
  }
});

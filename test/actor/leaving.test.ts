/** Offboarding and archiving over a store that dies at any write: repeated after a restart, the footprint is one and the same. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MACHINES } from '../../machines/index.ts';
import { createNode } from '../../src/actor/node.ts';
import type { Receipt } from '../../src/actor/receipt.ts';
import { createFakeClock } from '../../src/clock.ts';
import { createLog } from '../../src/log.ts';
import { SPACES } from '../../src/store/keys.ts';
import type { Store } from '../../src/store/store.ts';
import { letter } from '../support/letter.ts';
import { openMemoryStore } from '../support/memory-store.ts';

const EVE = 'agent/eve';
const USAGE = { inputTokens: 1, outputTokens: 1 };
type Word = [type: string, data: Record<string, unknown>];

/** A chat in mid-turn, and how it leaves. */
const talking: Word[] = [
  ['fleet.configured', { maxRuns: 1 }],
  ['hire', { role: 'reviewer', driver: 'scripted', mode: 'chat' }],
  ['correct.subscribe', { repo: 'acme/api' }],
  ['correct.memory.set', { key: 'k', value: 'v' }],
  ['say', { text: 'hello' }],
  ['driver.started', { pid: 1, startedAt: '2026-01-01T00:00:00.000Z' }],
  ['driver.said', { text: 'half', final: false }],
];
const gone: Word = ['driver.exited', { class: 'ended', reason: 'it leaves', usage: USAGE }];
const WAYS: Record<string, Word[]> = {
  offboarded: [...talking, ['correct.offboard', {}], ['credential.revoke.done', { key: 'k' }], gone],
  archived: [...talking, ['correct.archive', {}], gone],
  stopped: [...talking, ['correct.stop', {}], gone],
};

/** Dies at the n-th write, before it or after it. */
function dying(store: Store, atWrite: number, isWritten: boolean): Store & { died: () => boolean } {
  let writes = 0;
  return {
    ...store,
    died: () => writes >= atWrite,
    async write(operations) {
      writes += 1;
      if (writes < atWrite || (writes === atWrite && isWritten)) await store.write(operations);
      if (writes >= atWrite) throw new Error('the process died');
    },
  };
}

/** Tells everything in order; with what died half-way it stops. */
async function tell(store: Store, words: readonly Word[], isDead = () => false): Promise<void> {
  const node = createNode({
    store,
    definitions: MACHINES,
    clock: createFakeClock(),
    log: createLog({ level: 'silent' }),
  });
  await node.load();
  for (const [index, [type, data]] of words.entries()) {
    const sent: Promise<Receipt> = node.send({
      ...letter(type === 'fleet.configured' ? 'dispatcher/main' : EVE, type, data),
      id: `word-${index}`,
    });
    const died = await sent.then(
      () => false,
      () => true,
    );
    if (died) break;
    // It wakes when the dispatcher has given it a place.
    const isWaking = () => type === 'say' && node.actors.row(EVE)?.phase === 'asleep';
    while (isWaking() && !isDead()) await new Promise((resolve) => setImmediate(resolve));
  }
  await node.stop().catch(() => {});
}

async function footprint(store: Store): Promise<string[]> {
  const rows: string[] = [];
  for await (const [key, value] of store.scan(SPACES.journalOf(EVE))) rows.push(`${key} ${value}`);
  return rows;
}

for (const [way, words] of Object.entries(WAYS)) {
  test(`whatever write it dies at, a chat that is told again is ${way} with the same journal`, async () => {
    const undisturbed = await openMemoryStore();
    await tell(undisturbed, words);
    const wanted = await footprint(undisturbed);
    assert.equal(wanted.length, words.length - 1 + ['place.given'].length);
    for (const isWritten of [false, true]) {
      for (let atWrite = 1; ; atWrite++) {
        const store = await openMemoryStore();
        const mortal = dying(store, atWrite, isWritten);
        await tell(mortal, words, mortal.died);
        if (!mortal.died()) break;
        await tell(store, words);
        assert.deepEqual(await footprint(store), wanted, `write ${atWrite}, ${isWritten ? 'written' : 'lost'}`);
      }
    }
  });
}

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { WatchParams } from '../../machines/effects.ts';
import type { Receipt } from '../../src/actor/receipt.ts';
import { createMemoryServer } from '../../src/bus/memory-bus.ts';
import { createFakeClock } from '../../src/clock.ts';
import { BEAT_MS, consumerSubject } from '../../src/bus/presence.ts';
import { createConsumerWatch } from '../../src/effects/consumer-watch.ts';
import { createLog } from '../../src/log.ts';

const EVE = 'agent/eve';

function watching(present: WatchParams<'consumer'>['present'] = []) {
  const clock = createFakeClock();
  const bus = createMemoryServer({ clock }).bus();
  const told: string[] = [];
  const watch = createConsumerWatch({ bus, clock, log: createLog({ level: 'silent' }) }).start(
    { present },
    {
      actor: EVE,
      signal: new AbortController().signal,
      async tell(type, data) {
        told.push(`${type} ${String(data['consumer'])}`);
        return { outcome: 'taken' } as Receipt;
      },
    },
  );
  return {
    told,
    watch,
    /** Time passes; what is due happens. */
    async pass(ms: number) {
      clock.advance(ms);
      await turnsPass();
    },
    async beat(consumer: string, more: object = {}, agent = EVE) {
      bus.broadcast(consumerSubject(agent), JSON.stringify({ consumer, kind: 'terminal', ...more }));
      await turnsPass();
    },
  };
}

const turnsPass = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('a consumer is told of once, however often it beats, and once when it leaves', async () => {
  const { told, beat, pass } = watching();
  for (let beats = 0; beats < 5; beats++) {
    await beat('t1');
    await pass(BEAT_MS);
  }
  await beat('t1', { leaving: true });
  await pass(60_000);
  assert.deepEqual(told, ['consumer.attached t1', 'consumer.left t1']);
});

test('one that falls silent has left; one that beats on is still there', async () => {
  const { told, beat, pass } = watching();
  await beat('t1');
  await beat('t2');
  for (let beats = 0; beats < 4; beats++) {
    await pass(BEAT_MS);
    await beat('t2');
  }
  assert.deepEqual(told, ['consumer.attached t1', 'consumer.attached t2', 'consumer.left t1']);
});

test('one that was there before a restart is believed for as long as a silent one, and no longer', async () => {
  const { told, beat, pass } = watching([
    { consumer: 'gone', kind: 'terminal' },
    { consumer: 'there', kind: 'page' },
  ]);
  await pass(2 * BEAT_MS);
  await beat('there', { kind: 'page' });
  assert.deepEqual(told, []);
  await pass(BEAT_MS);
  assert.deepEqual(told, ['consumer.left gone']);
});

test('what is no beat, or another agent’s, counts for nothing', async () => {
  const { told, beat } = watching();
  await beat('t1', { kind: 'toaster' });
  await beat('t1', {}, 'agent/adam');
  assert.deepEqual(told, []);
});

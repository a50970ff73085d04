import assert from 'node:assert/strict';
import test from 'node:test';
import { createHookLog } from '../../src/bridge/hook-log.ts';
import { parseHook } from '../../src/bridge/hook.ts';
import { createBridge, githubDelivery } from './parts.ts';

test('hooks are listed from the stream, the newest last, at most as many as asked for', async (t) => {
  const { post, bus } = await createBridge(t);
  for (const delivery of ['a', 'b', 'c']) await post(githubDelivery('ping', { body: {}, delivery }));
  const lines = await createHookLog(bus).list({ limit: 2 });
  assert.deepEqual(
    lines.map(({ seq, subject, delivery }) => [seq, subject, delivery]),
    [
      [2, 'github.ping.-', 'b'],
      [3, 'github.ping.-', 'c'],
    ],
  );
});

test('a hook sent again by hand is a new one: the stream and the actors know it under #n', async (t) => {
  const { post, bus } = await createBridge(t);
  const body = { action: 'opened', number: 7 };
  await post(githubDelivery('pull_request', { body, delivery: 'a' }));
  const log = createHookLog(bus);
  assert.equal((await log.redeliver('a')).delivery, 'a#1');
  assert.equal((await log.redeliver('a#1')).delivery, 'a#2');
  assert.deepEqual(
    bus.stored.map(({ msgId, subject }) => [msgId, subject]),
    [
      ['github:a', 'github.pull_request.opened'],
      ['github:a#1', 'github.pull_request.opened'],
      ['github:a#2', 'github.pull_request.opened'],
    ],
  );
  assert.deepEqual(parseHook(Buffer.from(bus.stored[2]?.body ?? '')).body, body);
  await assert.rejects(log.redeliver('unheard'), { code: 'HOOK_UNKNOWN' });
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TestActor } from '../support/actor.ts';
import { busy, exit, hire } from './agent-support.ts';

const supervision = (agent: TestActor) => agent.project().supervision;

test('a new chat says that it has no process, and why', () => {
  const chat = hire({ mode: 'chat' }, 'agent/eve');
  assert.deepEqual(supervision(chat), {
    crashes: 0,
    crashesInRow: 0,
    backOffUntil: null,
    lastExit: null,
    dormant: 'no mail waits and nobody is there',
  });
  assert.equal(supervision(hire())?.dormant, null, 'a worker without a run is not dormant');
});

test('how its last process ended is told with its class, and a chat that sleeps says what put it to sleep', () => {
  const chat = hire({ mode: 'chat' }, 'agent/eve');
  chat.take('say', { text: 'hello' });
  chat.take('driver.started', { pid: 1, startedAt: chat.now() });
  assert.equal(supervision(chat)?.dormant, null);
  chat.take('driver.said', { text: 'hi', final: true });
  chat.take('driver.turned', { outcome: 'completed', usage: { inputTokens: 0, outputTokens: 0 } });
  chat.wait(900);
  exit(chat, 'ended', undefined, { reason: 'nobody needs it now' });
  assert.equal(
    supervision(chat)?.dormant,
    'its process was ended (nobody needs it now); no mail waits and nobody is there',
  );
  assert.deepEqual(supervision(chat)?.lastExit, { class: 'ended', reason: 'nobody needs it now', at: chat.now() });
});

test('crashes are counted within the window and in a row, with the time until when it rests', () => {
  const chat = hire({ mode: 'chat' }, 'agent/eve');
  chat.take('say', { text: 'hello' });
  for (let times = 0; times < 3; times++) exit(chat, 'crash', undefined, { signal: 'SIGKILL' });
  const seen = supervision(chat);
  assert.deepEqual([seen?.crashes, seen?.crashesInRow], [3, 3]);
  assert.equal(seen?.backOffUntil, new Date(Date.parse(chat.now()) + 600_000).toISOString());
  assert.deepEqual([seen?.lastExit?.class, seen?.lastExit?.reason], ['crash', 'the process died of SIGKILL']);
  chat.wait(600);
  assert.deepEqual([supervision(chat)?.crashes, supervision(chat)?.backOffUntil], [0, null]);
  assert.equal(supervision(chat)?.crashesInRow, 3, 'until a turn ends well');
});

test('a worker’s last exit is told too', () => {
  const worker = busy();
  exit(worker, 'crash', undefined, { code: 3 });
  assert.equal(supervision(worker)?.lastExit?.reason, 'the process exited with 3');
});

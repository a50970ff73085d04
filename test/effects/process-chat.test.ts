import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import type { ProcessParams } from '../../src/effects/process/watch.ts';
import { withProcesses } from './process-site.ts';
import type { ProcessSite } from './process-site.ts';

const mail = (id: string, text: string) => ({ mail: [{ id, text, author: 'person/ann' }] });

function startChat(site: ProcessSite, run = 'chat-1') {
  // A chat has nothing that was begun.
  return site.start({ run, mode: 'chat', begun: undefined } as unknown as Partial<ProcessParams>);
}

const RUNS = [
  { when: { mode: 'chat', mail: 'bye' }, steps: [{ exit: 0 }] },
  { when: { mode: 'chat', mail: 'two parts' }, steps: [{ reply: { text: 'one', part: true } }, { reply: 'two' }] },
  { when: { mode: 'chat', mail: 'wait' }, steps: [{ hang: true }] },
  { when: { mode: 'chat' }, steps: [{ reply: 'hello' }] },
];

test('a chat answers mail turn by turn in one process, and each answer names its mail', () =>
  withProcesses({ runs: RUNS }, async (site) => {
    startChat(site);
    await site.next('driver.started');
    assert.deepEqual(await site.act('driver.prompt', mail('m1', 'hi'), 'k1'), { turn: 'turn-1' });
    assert.deepEqual((await site.next('driver.said')).data, { text: 'hello', final: true, inReplyTo: 'm1' });
    assert.equal((await site.next('driver.turned')).data['outcome'], 'completed');
    assert.deepEqual(await site.act('driver.prompt', mail('m2', 'two parts please'), 'k2'), { turn: 'turn-2' });
    assert.deepEqual((await site.next('driver.said')).data, { text: 'one', final: false, inReplyTo: 'm2' });
    assert.deepEqual((await site.next('driver.said')).data, { text: 'two', final: true, inReplyTo: 'm2' });
    assert.equal((await site.next('driver.turned')).id, 'chat-1/turned/2');
  }));

test('a chat is told who it is before its first mail, and with each turn what was noted for it', () =>
  withProcesses({ runs: RUNS }, async (site) => {
    startChat(site);
    await site.act('driver.prompt', mail('m1', 'hi'), 'k1');
    await site.next('driver.turned');
    const notes = [{ id: 'n1', at: '2026-01-01T00:00:00.000Z', author: 'cli/bob', text: 'Use the old API.' }];
    await site.act('driver.prompt', { ...mail('m2', 'bye'), notes }, 'k2');
    await site.next('driver.exited');
    // Ending what has ended waits until everything of it is settled.
    await site.act('process.end', { reason: 'over', stopSeconds: 5, killSeconds: 1 });
    const frames = await readFile(path.join(site.directory, 'data/runs/ada.chat-1/frames.jsonl'), 'utf8');
    const texts = [...frames.matchAll(/"out":("(?:[^"\\]|\\.)*")/g)].flatMap(([, line]) => {
      const { type, text } = JSON.parse(JSON.parse(line!) as string) as { type: string; text: string };
      return type === 'prompt' ? [text] : [];
    });
    assert.deepEqual(texts, [
      'Do: undefined\n\n\nperson/ann:\nhi',
      'Noted for your information; nobody waits for an answer:\n- cli/bob, 2026-01-01T00:00:00.000Z: Use the old API.\n\nperson/ann:\nbye',
    ]);
  }));

test('the same mail handed over twice is one turn', () =>
  withProcesses({ runs: RUNS }, async (site) => {
    startChat(site);
    const [first, second] = await Promise.all([
      site.act('driver.prompt', mail('m1', 'hi'), 'k1'),
      site.act('driver.prompt', mail('m1', 'hi'), 'k1'),
    ]);
    assert.deepEqual(first, second);
    await site.next('driver.turned');
    await site.act('driver.prompt', mail('m2', 'hi'), 'k2');
    await site.next('driver.turned');
    assert.equal(site.told.filter(({ type }) => type === 'driver.turned').length, 2);
  }));

test('a chat that goes away without an answer exits cleanly, its turn not ended', () =>
  withProcesses({ runs: RUNS }, async (site) => {
    startChat(site);
    await site.act('driver.prompt', mail('m1', 'bye'), 'k1');
    assert.equal((await site.next('driver.exited')).data['class'], 'clean');
    assert.ok(!site.told.some(({ type }) => type === 'driver.turned'));
  }));

test('a chat is interrupted in mid-turn and takes the next mail in the same process', () =>
  withProcesses({ runs: RUNS }, async (site) => {
    startChat(site);
    await site.act('driver.prompt', mail('m1', 'wait'), 'k1');
    await site.act('driver.interrupt', {});
    assert.equal((await site.next('driver.turned')).data['outcome'], 'interrupted');
    await site.act('driver.prompt', mail('m2', 'hi'), 'k2');
    assert.equal((await site.next('driver.said')).data['inReplyTo'], 'm2');
  }));

test('a chat is taken up after a restart of the runtime, and old mail is not answered again', () =>
  withProcesses({ runs: RUNS }, async (site) => {
    const first = startChat(site);
    await site.act('driver.prompt', mail('m1', 'hi'), 'k1');
    await site.next('driver.turned');
    await first.stop('runtime');
    site.again();
    startChat(site);
    await site.next('driver.started');
    assert.deepEqual(await site.act('driver.prompt', mail('m1', 'hi'), 'k1'), { turn: 'turn-1' });
    await site.act('driver.prompt', mail('m2', 'hi'), 'k2');
    await site.next('driver.turned');
    await site.next('driver.turned');
    assert.deepEqual(
      site.told.filter(({ type }) => type === 'driver.said').map(({ data }) => data['inReplyTo']),
      ['m1', 'm2'],
    );
  }));

test('a new life of a chat is a new process', () =>
  withProcesses({ runs: RUNS }, async (site) => {
    const watch = startChat(site);
    const one = await site.next('driver.started');
    watch.update({ run: 'chat-2', agent: 'agent/ada', role: 'helper', driver: 'scripted', mode: 'chat', actions: [] });
    const two = await site.next('driver.started');
    assert.notEqual(one.data['pid'], two.data['pid']);
    assert.equal(two.id, 'chat-2/started');
    assert.deepEqual(site.processes().live(), ['agent/ada']);
  }));

const limits = (tokens: number) => ({ limits: { tokens } });

test('its tokens are counted for each turn; the turn that uses more is cut off and told as a spent budget', () =>
  withProcesses(
    {
      runs: [
        {
          when: { mode: 'chat', mail: 'too much' },
          steps: [{ usage: { inputTokens: 150, outputTokens: 30 } }, { hang: true }],
        },
        {
          when: { mode: 'chat', mail: 'again' },
          steps: [{ usage: { inputTokens: 80, outputTokens: 5 } }, { reply: 'b' }],
        },
        { when: { mode: 'chat' }, steps: [{ usage: { inputTokens: 60, outputTokens: 5 } }, { reply: 'a' }] },
      ],
    },
    async (site) => {
      site.start({ run: 'chat-1', mode: 'chat', begun: undefined, ...limits(70) } as unknown as Partial<ProcessParams>);
      for (const text of ['hi', 'again']) {
        await site.act('driver.prompt', mail(text, text), text);
        assert.equal((await site.next('driver.turned')).data['outcome'], 'completed', text);
      }
      await site.act('driver.prompt', mail('m3', 'too much'), 'k3');
      const { data } = await site.next('driver.turned');
      assert.deepEqual([data['outcome'], data['reason']], ['budget', 'it used more than 70 tokens']);
    },
  ));

test('limits that are set while its process lives hold from then on', () =>
  withProcesses(
    {
      runs: [
        {
          when: { mode: 'chat' },
          steps: [{ usage: { inputTokens: 60, outputTokens: 5 } }, { reply: 'a' }, { hang: true }],
        },
      ],
    },
    async (site) => {
      const params = { run: 'chat-1', mode: 'chat', begun: undefined } as unknown as Partial<ProcessParams>;
      const watch = site.start({ ...params, ...limits(1_000) });
      await site.next('driver.started');
      const rest = { agent: 'agent/ada', role: 'implementer', driver: 'scripted', actions: [] };
      watch.update({ run: 'chat-1', mode: 'chat', ...rest, ...limits(50) });
      await site.act('driver.prompt', mail('m1', 'hi'), 'k1');
      assert.equal((await site.next('driver.turned')).data['reason'], 'it used more than 50 tokens');
    },
  ));

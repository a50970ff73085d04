/** What real programs wrote, read again: codex 0.171.0, Claude Code 2.1.197, codex-acp 0.16.0, opencode 1.18.33 (test/agents). */
import assert from 'node:assert/strict';
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { createAcpDriver } from '../../src/drivers/acp/driver.ts';
import { createClaudeDriver } from '../../src/drivers/claude/driver.ts';
import { createCodexDriver } from '../../src/drivers/codex/driver.ts';
import type { Conversation, Driver, DriverEvent, Opening } from '../../src/drivers/driver.ts';
import { packageFile } from '../../src/package.ts';

const DRIVERS: Record<string, Driver> = {
  codex: createCodexDriver(),
  claude: createClaudeDriver(),
  acp: createAcpDriver({ program: 'codex-acp' }),
  opencode: createAcpDriver({ program: 'opencode', args: ['acp'] }),
};
const FRAMES = packageFile('test/drivers/frames');

interface Stage {
  conversation: Conversation;
  events: DriverEvent[];
  /** What was said to the program. */
  sent: Record<string, unknown>[];
}

function open(name: string, more: Partial<Opening['seat']> = {}, again = false, ref?: string): Stage {
  const events: DriverEvent[] = [];
  const sent: Record<string, unknown>[] = [];
  const driver = DRIVERS[name]!;
  const opening: Opening = {
    seat: {
      facts: { run: 'eng-42-3', agent: 'agent/ada', mode: 'worker', head: 'a'.repeat(40) },
      cwd: '/site',
      home: '/site/home',
      directory: '/site/run',
      promptFile: '/site/run/prompt.md',
      resultFile: '/site/run/result.json',
      allow: 'nothing',
      ...more,
    },
    channel: {
      send: async (line) => void sent.push(JSON.parse(line) as Record<string, unknown>),
      end() {},
      signal() {},
      complaint: () => '',
    },
    tell: (event) => events.push(event),
    again,
  };
  const conversation = ref === undefined ? driver.open(opening) : driver.resume(ref, opening);
  return { conversation, events, sent };
}

const linesOf = (name: string, behaviour: string): string[] =>
  readFileSync(path.join(FRAMES, name, `${behaviour}.jsonl`), 'utf8')
    .trimEnd()
    .split('\n');

function read(name: string, lines: string[]): DriverEvent[] {
  const stage = open(name, {}, true);
  for (const line of lines) stage.conversation.line(line);
  return stage.events;
}

const withoutNotes = (events: DriverEvent[]): DriverEvent[] =>
  events.filter((event) => event.type !== 'item' || event.kind !== 'note');

for (const name of Object.keys(DRIVERS)) {
  const recorded = readdirSync(path.join(FRAMES, name)).filter((file) => file.endsWith('.jsonl'));
  for (const behaviour of recorded.map((file) => file.replace('.jsonl', ''))) {
    test(`${name}: the frames of “${behaviour}” tell the events they told`, () => {
      const events = read(name, linesOf(name, behaviour));
      const golden = path.join(FRAMES, name, `${behaviour}.events.json`);
      if (process.env['CHARTROOM_FRAMES'] !== undefined) writeFileSync(golden, `${JSON.stringify(events, null, 2)}\n`);
      assert.deepEqual(events, JSON.parse(readFileSync(golden, 'utf8')));
    });
  }

  test(`${name}: noise, frames cut in the middle and broken characters disturb nothing`, () => {
    const lines = linesOf(name, 'works');
    const noisy = lines.flatMap((line) => ['', '\u0000\uFFFD}}}', line.slice(0, line.length / 2), '{"type":7}', line]);
    assert.deepEqual(withoutNotes(read(name, noisy)), withoutNotes(read(name, lines)));
  });

  test(`${name}: a program that says nothing it knows is not taken for ready`, () => {
    assert.deepEqual(withoutNotes(read(name, ['hello', '{"hello":"world"}', '[]', 'null', '{"id":1}'])), []);
  });
}

test('codex: an app-server of another form is given up, and the versions known are named', () => {
  const [lost] = read('codex', [
    '{"id":"initialize","result":{"userAgent":"x/9.0.0 (y)"}}',
    '{"id":"thread","result":{}}',
  ]);
  assert.equal(lost?.type, 'lost');
  assert.match(String(lost?.type === 'lost' && lost.reason), /codex 9\.0\.0 does not speak .*known: 0\.163 to 0\.171/);
});

test('claude: one that does not take its greeting is given up, and the version known is named', () => {
  const response = { subtype: 'error', request_id: 'initialize', error: 'unknown subtype' };
  const [lost] = read('claude', [JSON.stringify({ type: 'control_response', response })]);
  assert.match(
    String(lost?.type === 'lost' && lost.reason),
    /claude does not speak .*known: 2\.1\.197.*unknown subtype/,
  );
});

test('acp: another version of the protocol is given up, and the one known is named', () => {
  const [lost] = read('acp', ['{"jsonrpc":"2.0","id":"initialize","result":{"protocolVersion":2}}']);
  assert.match(String(lost?.type === 'lost' && lost.reason), /known: version 1.*version 2/);
});

test('acp: a turn that was cut off is no turn that was completed, though opencode ends it so', async () => {
  const ends = async (cut: boolean, resultFile = '/site/run/result.json'): Promise<unknown> => {
    const { conversation, events } = open('opencode', { resultFile });
    conversation.line('{"jsonrpc":"2.0","id":"initialize","result":{"protocolVersion":1,"agentCapabilities":{}}}');
    conversation.line('{"jsonrpc":"2.0","id":"session","result":{"sessionId":"s"}}');
    await conversation.prompt({ text: 'Do it.' }, 'p1');
    if (cut) await conversation.interrupt();
    conversation.line('{"jsonrpc":"2.0","id":"prompt/p1","result":{"stopReason":"end_turn"}}');
    return events.flatMap((event) => (event.type === 'turn.ended' ? [event.outcome] : []));
  };
  assert.deepEqual(await ends(true), ['interrupted']);
  assert.deepEqual(await ends(false), ['completed']);
  // A result is there (any JSON will do): it was done just before.
  assert.deepEqual(await ends(true, packageFile('package.json')), ['completed']);
});

test('codex: a program that tries again for ever is given up', () => {
  const [thread] = linesOf('codex', 'works').filter((line) => line.includes('"id":"thread"'));
  const { result } = JSON.parse(thread!) as { result: { thread: { id: string } } };
  const params = { threadId: result.thread.id, willRetry: true, error: { message: 'waiting for network' } };
  const again = JSON.stringify({ method: 'error', params });
  assert.ok(!read('codex', [thread!, ...Array.from({ length: 19 }, () => again)]).some(({ type }) => type === 'lost'));
  assert.ok(read('codex', [thread!, ...Array.from({ length: 20 }, () => again)]).some(({ type }) => type === 'lost'));
});

test('codex: a resumed conversation does not count what it used before', () => {
  const usage = (total: number) => ({
    method: 'thread/tokenUsage/updated',
    params: {
      threadId: 't',
      tokenUsage: {
        total: { inputTokens: total, outputTokens: 10 },
        last: { inputTokens: 5, outputTokens: 4 },
      },
    },
  });
  const turn = { method: 'turn/started', params: { threadId: 't', turn: { id: 'u' } } };
  const resumed = { id: 'resumed', result: { thread: { id: 't' } } };
  const used = (frames: object[]): number[] => {
    const { events, conversation } = open('codex', {}, false, 't');
    for (const frame of frames) conversation.line(JSON.stringify(frame));
    return events.flatMap((event) => (event.type === 'usage' ? [event.usage.inputTokens] : []));
  };
  assert.deepEqual(used([resumed, turn, usage(105), usage(112)]), [5, 12]);
  // It may say first what was used by then.
  assert.deepEqual(used([resumed, usage(100), turn, usage(112)]), [0, 12]);
});

test('codex: a conversation that cannot be resumed begins anew', () => {
  const { events, conversation, sent } = open('codex', {}, false, 'gone');
  conversation.line('{"id":"resumed","error":{"code":-32600,"message":"no rollout found"}}');
  conversation.line('{"id":"thread","result":{"thread":{"id":"new"}}}');
  assert.ok(sent.some(({ method }) => method === 'thread/start'));
  assert.deepEqual(withoutNotes(events), [{ type: 'ready', conversation: 'new' }]);
});

test('codex: what it asks for that nobody knows is refused, not left unanswered', () => {
  const { conversation, sent } = open('codex', {}, true);
  conversation.line('{"id":7,"method":"item/tool/call","params":{}}');
  assert.deepEqual([sent[0]?.['id'], (sent[0]!['error'] as { code: number }).code], [7, -32_601]);
});

test('a role that allows edits is asked for commands only', () => {
  const { conversation, sent, events } = open('codex', { allow: 'edits' }, true);
  conversation.line('{"id":1,"method":"item/fileChange/requestApproval","params":{"threadId":"t"}}');
  conversation.line('{"id":2,"method":"item/commandExecution/requestApproval","params":{"command":"make"}}');
  assert.deepEqual(sent, [{ id: 1, result: { decision: 'accept' } }]);
  assert.deepEqual(
    events.map((event) => event.type === 'ask' && event.question),
    ['2'],
  );
});

test('free words are a yes only where they begin like one, and a no passes them on', async () => {
  const { conversation, sent } = open('claude', {}, true);
  const ask = (id: string) =>
    conversation.line(
      JSON.stringify({
        type: 'control_request',
        request_id: id,
        request: { subtype: 'can_use_tool', tool_name: 'Bash', input: { command: 'make' } },
      }),
    );
  ask('a');
  await conversation.answer('a', { text: 'Yes, go ahead' });
  ask('b');
  await conversation.answer('b', { text: 'Run the tests first' });
  const answers = sent.map(({ response }) => (response as { response: Record<string, unknown> }).response);
  assert.deepEqual(answers, [
    { behavior: 'allow', updatedInput: { command: 'make' } },
    { behavior: 'deny', message: 'Run the tests first' },
  ]);
});

test('claude: a text that was not read before the turn ended is called back and stays owed', async () => {
  const { conversation, sent } = open('claude', {}, true);
  conversation.line('{"type":"system","subtype":"init","uuid":"u1"}');
  const steered = conversation.steer({ text: 'be quick' }, 'u1', 'say-1');
  await Promise.resolve();
  conversation.line('{"type":"result","subtype":"success","is_error":false,"uuid":"r1"}');
  assert.deepEqual(await steered, { taken: false });
  assert.equal((sent.at(-1)!['request'] as { subtype: string }).subtype, 'cancel_async_message');
  assert.deepEqual(await conversation.steer({ text: 'too late' }, 'u1', 'say-2'), { taken: false });
});

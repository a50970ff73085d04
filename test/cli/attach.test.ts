import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BEAT_MS, consumerSubject } from '../../src/bus/presence.ts';
import { openScreen } from './parts.ts';
import type { Screen, Seen } from './parts.ts';

const EVE = 'agent/eve';
const CHAT = { role: 'implementer', driver: 'scripted', mode: 'chat' };
const NO_USAGE = { inputTokens: 0, outputTokens: 0 };

interface Attached {
  screen: Screen;
  /** Resolves when what was printed so far matches. */
  shows(pattern: RegExp): Promise<void>;
  beats: { consumer: string; kind: string; leaving?: boolean }[];
  leaves: Promise<Seen>;
  /** Its process does this. */
  process(type: string, data: Record<string, unknown>): Promise<unknown>;
}

/** A chat, and a terminal attached to it; `before` happens first. */
async function attached(
  t: { after(call: () => Promise<void>): void },
  {
    before,
    tty = true,
    argv = [],
  }: { before?: (screen: Screen) => Promise<void>; tty?: boolean; argv?: string[] } = {},
): Promise<Attached> {
  let printed = '';
  let wake: (() => void)[] = [];
  const screen = await openScreen({
    tty,
    env: { NO_COLOR: '1' },
    onOut(text) {
      printed += text;
      for (const look of wake.splice(0)) look();
    },
  });
  t.after(() => screen.stop());
  await screen.send('dispatcher/main', 'fleet.configured', { maxRuns: 1 });
  await screen.send(EVE, 'hire', CHAT);
  await before?.(screen);
  const beats: Attached['beats'] = [];
  screen.bus.listen(consumerSubject(EVE), (_, body) => void beats.push(JSON.parse(Buffer.from(body).toString())));
  const leaves = screen.run('attach', 'eve', ...argv);
  return {
    screen,
    beats,
    leaves,
    process: (type, data) => screen.send(EVE, type, data),
    async shows(pattern) {
      while (!pattern.test(printed)) await new Promise<void>((resolve) => wake.push(resolve));
    },
  };
}

async function answer(screen: Screen, text: string): Promise<void> {
  await screen.send(EVE, 'driver.said', { text, final: true });
  await screen.send(EVE, 'driver.turned', { outcome: 'completed', usage: NO_USAGE });
}
const start = (screen: Screen) =>
  screen.send(EVE, 'driver.started', { pid: 1, startedAt: '2026-01-01T00:00:00.000Z', conversation: 'c1' });

test('what is typed is said to the chat, and its answer is shown as it comes', async (t) => {
  const { screen, shows, process, leaves } = await attached(t);
  screen.type('hello');
  await shows(/eve wakes up/);
  await start(screen);
  await process('driver.said', { text: 'let me', final: false });
  await shows(/eve {2}… let me/);
  await answer(screen, 'good morning');
  await shows(/eve {2}good morning/);
  screen.type('/detach');
  const { exit, out } = await leaves;
  assert.equal(exit, 0);
  assert.ok(!/alice/.test(out), `what was typed is not told again: ${out}`);
});

test('a chat that waits until fewer are awake says so once, and answers when it has its place', async (t) => {
  const { screen, shows, leaves } = await attached(t, {
    async before(screen) {
      await screen.send('dispatcher/main', 'fleet.configured', { maxRuns: 1, maxChats: 1 });
      await screen.send('agent/dan', 'hire', CHAT);
      await screen.send('agent/dan', 'say', { text: 'hello', author: 'person/ben' });
    },
  });
  screen.type('anybody?');
  await shows(/— eve has something to wake for, and waits until one chat fewer is awake \(.*why dispatcher\/main\)/);
  screen.type('still here');
  await screen.send('agent/dan', 'correct.archive', {});
  await screen.send('agent/dan', 'driver.exited', { class: 'ended', usage: NO_USAGE });
  await shows(/eve wakes up/);
  await start(screen);
  await answer(screen, 'now');
  await shows(/eve {2}now/);
  screen.type('/detach');
  const { out } = await leaves;
  assert.equal(out.match(/waits until one chat fewer/g)?.length, 1);
});

test('several are attached at once: each is shown what the others say', async (t) => {
  const { screen, shows, leaves } = await attached(t);
  await shows(/^/);
  await screen.send(EVE, 'say', { text: 'me too', author: 'person/ben' });
  await shows(/ben {2}me too/);
  await screen.send(EVE, 'consumer.attached', { consumer: 'ben-1', kind: 'terminal' });
  await shows(/ben-1 is here/);
  screen.type(null);
  assert.equal((await leaves).exit, 0);
});

test('who comes back is shown what was said meanwhile', async (t) => {
  const { screen, shows, leaves } = await attached(t, {
    async before(screen) {
      await screen.send(EVE, 'say', { text: 'first', author: 'person/ben' });
      await start(screen);
      await answer(screen, 'one\nand more');
      await screen.send(EVE, 'say', { text: 'second', author: 'person/ben' });
    },
  });
  await shows(/ben {2}first\neve {2}one\n {5}and more\nben {2}second\n— not answered yet/);
  await answer(screen, 'two');
  await shows(/eve {2}two/);
  screen.interrupt();
  await leaves;
  assert.match((await screen.run('attach', 'eve', '--history', '0', '--help')).out, /Usage/);
});

test('it beats while it is attached and takes its leave, however it goes', async (t) => {
  for (const leave of [
    (screen: Screen) => screen.type('/detach'),
    (screen: Screen) => screen.type(null),
    (screen: Screen) => screen.interrupt(),
  ]) {
    const { screen, shows, beats, leaves } = await attached(t);
    screen.type('/help');
    await shows(/a line is a message/);
    screen.clock.advance(BEAT_MS);
    screen.clock.advance(BEAT_MS);
    leave(screen);
    await leaves;
    assert.equal(new Set(beats.map(({ consumer }) => consumer)).size, 1);
    assert.match(beats[0]?.consumer ?? '', /^alice-[0-9a-f]{6}$/);
    assert.deepEqual(
      beats.map(({ kind, leaving }) => [kind, leaving]),
      [
        ['terminal', undefined],
        ['terminal', undefined],
        ['terminal', undefined],
        ['terminal', true],
      ],
    );
  }
});

test('lines from a pipe are answered before it leaves', async (t) => {
  const { screen, shows, leaves } = await attached(t, { tty: false });
  screen.type('one');
  await shows(/eve wakes up/);
  await start(screen);
  await answer(screen, 'first');
  await shows(/eve {2}first/);
  screen.type('two');
  screen.type(null);
  while (screen.node.actors.row(EVE)?.phase !== 'busy') await new Promise((resolve) => setImmediate(resolve));
  await answer(screen, 'second');
  const { exit, out } = await leaves;
  assert.equal(exit, 0);
  assert.match(out, /eve {2}first\n(.*\n)?eve {2}second/);
});

test('lines from a pipe that nobody answers in time end it with 1', async (t) => {
  const { screen, shows, leaves } = await attached(t, { tty: false, argv: ['--timeout', '5'] });
  screen.type('anybody?');
  screen.type(null);
  await shows(/eve wakes up/);
  const ended = leaves.then(({ exit, err }) => ({ exit, err }));
  let isOver = false;
  void ended.then(() => (isOver = true));
  while (!isOver) {
    screen.clock.advance(1_000);
    await new Promise((resolve) => setImmediate(resolve));
  }
  const { exit, err } = await ended;
  assert.equal(exit, 1);
  assert.match(err, /not everything was answered in 5 s/);
});

test('archived meanwhile, it is told and leaves; archived before, what was said is shown, and what to do', async (t) => {
  const { screen, shows, leaves } = await attached(t);
  await screen.send(EVE, 'say', { text: 'hello', author: 'person/ben' });
  await shows(/ben {2}hello/);
  await start(screen);
  await answer(screen, 'hi');
  await screen.send(EVE, 'driver.exited', { class: 'clean', usage: NO_USAGE });
  await screen.send(EVE, 'correct.archive', {});
  assert.equal((await leaves).exit, 0);
  const again = await screen.run('attach', 'eve');
  assert.equal(again.exit, 4);
  assert.match(again.out, /ben {2}hello\neve {2}hi/);
  assert.match(again.err, /agent\/eve is archived.*chartroom restore agent\/eve/);
});

test('a worker has no conversation, and a name that nobody has is unknown', async (t) => {
  const screen = await openScreen();
  t.after(() => screen.stop());
  await screen.send('agent/ada', 'hire', { ...CHAT, mode: 'worker' });
  const { exit, err } = await screen.run('attach', 'ada');
  assert.equal(exit, 4);
  assert.match(err, /is a worker.*chartroom say agent\/ada/);
  assert.equal((await screen.run('attach', 'nobody')).exit, 6);
});

test('for programs every letter and every step is one object', async (t) => {
  const { screen, shows, leaves } = await attached(t, {
    tty: false,
    argv: ['--json'],
    async before(screen) {
      await screen.send(EVE, 'say', { text: 'before', author: 'person/ben' });
      await start(screen);
    },
  });
  await answer(screen, 'after');
  await shows(/driver.turned/);
  screen.type(null);
  const rows = (await leaves).json<{ type: string; text?: string; data?: { text?: string } }>();
  assert.deepEqual([rows[0]?.type, rows[0]?.text], ['letter', 'before']);
  assert.equal(rows.find(({ type }) => type === 'driver.said')?.data?.text, 'after');
});

test('what the chat asks is shown, also to who comes later, and the next line answers it', async (t) => {
  const asked = { question: 'chat-1:q1', kind: 'approval', text: 'May I run it?', choices: ['yes', 'no'] };
  const { screen, shows, process, leaves } = await attached(t, {
    async before(screen) {
      await screen.send(EVE, 'say', { text: 'build it', author: 'person/ben' });
      await start(screen);
      await screen.send(EVE, 'driver.asked', asked);
    },
  });
  await shows(/eve {2}May I run it\?\n— it waits for an answer \(yes, no\)/);
  screen.type('yes');
  const isOpen = async (): Promise<boolean> =>
    (await screen.run('show', 'eve', '--json')).json<{ context: { chat: { question: unknown } } }>()[0]?.context.chat
      .question !== null;
  while (await isOpen()) await new Promise((resolve) => setImmediate(resolve));
  await process('driver.asked', { ...asked, question: 'chat-1:q2', text: 'And publish it?' });
  await shows(/eve {2}And publish it\?/);
  screen.type('rather not');
  screen.type('/detach');
  assert.equal((await leaves).exit, 0);
  const steps = (await screen.run('history', 'eve', '--json')).json<{ type: string; data: unknown }>();
  assert.deepEqual(
    steps.filter(({ type }) => type === 'answer').map(({ data }) => data),
    [
      { question: 'chat-1:q1', choice: 'yes' },
      { question: 'chat-1:q2', text: 'rather not' },
    ],
  );
});

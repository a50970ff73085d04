/** Chats as whoever talks with them sees them: dormant when nobody needs them, awake when somebody does, put away for good. */
import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { execa } from 'execa';
import { processesOf } from '../../src/demo/processes.ts';
import { programArgs } from '../../src/package.ts';
import { openPlace } from './place.ts';
import type { Shown } from './place.ts';

/** What a chat's process is started with. */
const HANDLER = programArgs('src/drivers/scripted/main').at(-1)!;
const CHATS = ['v2', 'v2a', 'v2b', 'v7', 'busy', 'idle'];
const place = await openPlace({
  script: {
    runs: [
      { when: { mode: 'chat', mail: 'bye' }, steps: [{ reply: 'bye' }, { exit: 0 }] },
      // The first process that reads this dies of it.
      {
        when: { mode: 'chat', mail: 'dies once' },
        steps: [{ run: 'test -f died || { touch died; kill -9 $PPID; sleep 60; }' }, { reply: 'alive' }],
      },
      { when: { mode: 'chat', mail: 'hang' }, steps: [{ reply: { text: 'half an', part: true } }, { hang: true }] },
      { when: { mode: 'chat' }, steps: [{ reply: 'hello' }] },
    ],
  },
  agents: [
    { name: 'ada', role: 'implementer', driver: 'scripted' },
    ...CHATS.map((name) => ({ name, role: 'implementer', driver: 'scripted', mode: 'chat' })),
  ],
  timers: { idleSeconds: 600, consumerSeconds: 5, quietSeconds: 1, stopSeconds: 2, killSeconds: 1 },
});
after(() => place.close());

interface Letter {
  text: string;
  state: string;
  answer: string | null;
}
const mail = ({ context }: Shown): Letter[] => context['mail'] as Letter[];
const last = (shown: Shown): string => `${mail(shown).at(-1)?.state}: ${mail(shown).at(-1)?.answer}`;
const say = async (chat: string, text: string): Promise<void> => {
  assert.equal((await place.send(`agent/${chat}`, 'say', { text })).outcome, 'taken');
};
const starts = async (chat: string): Promise<number> =>
  (await place.history(`agent/${chat}`)).filter(({ type }) => type === 'driver.started').length;
const isAsleep = (it: Shown): boolean => it.phase === 'asleep';
/** Processes of chats, found in the process table. */
const handlers = (): string[] =>
  processesOf(place.directory)
    .map(({ command }) => command)
    .filter((command) => command.includes(HANDLER));

describe('a chat', { concurrency: 3 }, () => {
  test('V2, V2e, V2f, V9: its mail read and its process gone it sleeps, until a letter wakes it; stopped, none does', async () => {
    await say('v2', 'bye');
    const asleep = await place.until('agent/v2', 'its sleep', (it) => isAsleep(it) && last(it) === 'answered: bye');
    assert.deepEqual(asleep.waitingOn, []);
    await place.send('agent/v2', 'fyi', { text: 'by the way' });
    assert.equal(await starts('v2'), 1, 'nothing was started for a note');
    await say('v2', 'bye');
    await place.until(
      'agent/v2',
      'its sleep',
      (it) => isAsleep(it) && mail(it).length === 2 && last(it) === 'answered: bye',
    );
    assert.equal(await starts('v2'), 2);

    assert.equal((await place.send('agent/v2', 'correct.stop')).outcome, 'taken');
    await say('v2', 'hello');
    const stopped = await place.show('agent/v2');
    assert.deepEqual([stopped.phase, last(stopped)], ['stopped', 'queued: null']);
    assert.equal(await starts('v2'), 2, 'V9: stopped it starts nothing');
    assert.equal((await place.send('agent/v2', 'correct.resume')).outcome, 'taken');
    await place.until('agent/v2', 'an answer', (it) => it.phase === 'awake' && last(it) === 'answered: hello');
    assert.equal(await starts('v2'), 3);
  });

  test('V2a: a process that dies with a letter is started again, and the letter is answered once', async () => {
    await say('v2a', 'dies once');
    const shown = await place.until('agent/v2a', 'its answer', (it) => last(it) === 'answered: alive');
    assert.equal(mail(shown).length, 1);
    const said = (await place.history('agent/v2a')).filter(({ type }) => type === 'driver.said');
    assert.equal(said.length, 1);
    const exits = (await place.history('agent/v2a')).filter(({ type }) => type === 'driver.exited');
    assert.deepEqual(
      exits.map(({ data }) => data['class']),
      ['crash'],
    );
  });

  test('V2b, V2d: while a terminal is attached its process comes back; once that left it sleeps for good', async () => {
    const terminal = execa(process.execPath, [...programArgs('src/cli/main'), 'attach', 'v2b', '--json'], {
      cwd: place.directory,
      env: place.world.env,
      extendEnv: false,
      reject: false,
    });
    await place.until('agent/v2b', 'somebody there', (it) => (it.context['consumers'] as unknown[]).length === 1);
    await place.until('agent/v2b', 'its first process', (it) => it.phase === 'awake');
    // A page that looks is company as a terminal is.
    const ofPage = async (type: string): Promise<true | undefined> =>
      (await place.history('agent/v2b')).some((entry) => entry.type === type && entry.data['consumer'] === 'page-1')
        ? true
        : undefined;
    await place.ask('attend', { agent: 'agent/v2b', consumer: 'page-1' });
    await place.eventually('the page there', () => ofPage('consumer.attached'));
    await place.ask('attend', { agent: 'agent/v2b', consumer: 'page-1', leaving: true });
    await place.eventually('the page gone', () => ofPage('consumer.left'));
    terminal.stdin.write('bye\n');
    await place.eventually('its second process', async () => ((await starts('v2b')) === 2 ? true : undefined));
    terminal.stdin.end();
    const { exitCode, stdout } = await terminal;
    assert.equal(exitCode, 0);
    assert.match(stdout, /"driver.said".*"bye"/);
    await place.until('agent/v2b', 'nobody there', (it) => (it.context['consumers'] as unknown[]).length === 0);
    assert.equal((await place.show('agent/idle')).phase, 'asleep', 'another chat is not woken by it');
  });

  test('V7: archived in mid-answer its process goes, the answer is absent and not half, and nothing is started', async () => {
    await say('v7', 'hang');
    await place.eventually('a half answer', async () =>
      (await place.history('agent/v7')).some(({ type }) => type === 'driver.said') ? true : undefined,
    );
    const refused = await place.send('agent/v7', 'correct.archive', { unlessActive: true });
    assert.equal(refused.outcome, 'refused');
    assert.equal((await place.send('agent/v7', 'correct.archive')).outcome, 'taken');
    const shown = await place.until('agent/v7', 'its end', (it) => it.phase === 'archived');
    assert.equal(last(shown), 'failed: null');
    assert.equal(await starts('v7'), 1);
    assert.equal((await place.send('agent/v7', 'say', { text: 'x' })).outcome, 'refused');
  });
});

test('V2h, V4, V6: chats are purged while the runtime is down; after its start none has a process, none was started, all can be read', async () => {
  await say('busy', 'hang');
  await place.eventually('a half answer', async () =>
    (await place.history('agent/busy')).some(({ type }) => type === 'driver.said') ? true : undefined,
  );
  const before = await Promise.all([...CHATS, 'ada'].map((name) => place.history(`agent/${name}`)));
  const conversation = mail(await place.show('agent/v2'));
  await place.kill();
  assert.ok(handlers().length > 0, 'V6a: they outlive the runtime that was killed');

  const purged = await place.cli('purge', 'chats', '--include-active');
  assert.equal(purged.exit, 0, purged.out + purged.err);
  assert.match(purged.err, /5 of 5 chats archived; put away before: agent\/v7/);
  assert.deepEqual(handlers(), [], 'V4d: no process is left');

  await place.start();
  await place.eventually('the runtime', async () =>
    (await place.http('health')).body['ready'] === true ? true : undefined,
  );
  for (const name of CHATS) {
    const shown = await place.show(`agent/${name}`);
    assert.equal(shown.phase, 'archived', name);
    assert.deepEqual(shown.outbox, [], name);
  }
  assert.deepEqual(handlers(), []);
  const now = await Promise.all([...CHATS, 'ada'].map((name) => place.history(`agent/${name}`)));
  for (const [index, entries] of before.entries())
    assert.deepEqual(
      now[index]?.slice(0, entries.length).map(({ envelope }) => envelope),
      entries.map(({ envelope }) => envelope),
      'history is kept',
    );
  assert.deepEqual(now.at(-1)?.length, before.at(-1)?.length, 'V4a: a worker is left alone');
  for (const [index, name] of CHATS.entries()) {
    const more = now[index]!.slice(before[index]!.length).map(({ type }) => type);
    assert.ok(!more.includes('driver.started'), `V6: ${name} was started: ${more.join(' ')}`);
    assert.equal(more.filter((type) => type === 'correct.archive').length, name === 'v7' ? 0 : 1, name);
  }
  assert.deepEqual(mail(await place.show('agent/v2')), conversation);
  assert.equal(last(await place.show('agent/busy')), 'failed: null', 'V6b: cut off whole');

  assert.equal((await place.send('agent/v2', 'correct.restore')).outcome, 'taken');
  await say('v2', 'hello');
  await place.until(
    'agent/v2',
    'an answer',
    (it) => mail(it).length === conversation.length + 1 && last(it) === 'answered: hello',
  );
  // A runtime that is stopped leaves its chats to the next one.
  await place.send('agent/v2', 'correct.stop');
  await place.until('agent/v2', 'its end', (it) => it.phase === 'stopped');
});

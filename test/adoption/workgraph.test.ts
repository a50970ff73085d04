/** What is read of a workgraph directory: its chats under both id schemes, their letters, and what cannot be taken over. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readWorkgraph } from '../../src/adoption/workgraph.ts';
import { RejectedInput } from '../../src/errors.ts';
import { UUID, message, workgraphSite } from './site.ts';

test('chats are known by their new and their old names; ordinary tasks are not chats', (t) => {
  const site = workgraphSite(t);
  site.task('.chat-0');
  site.task('.coordinator-1', { tags: ['coordinator-loop'] });
  site.task('chat-2', { tags: ['archived'], status: 'done' });
  site.task('coordinator-3', { tags: ['coordinator-loop'] });
  site.task('build-it', { after: ['.coordinator-1'], tags: [] });
  site.write('service/coordinator-state-1.json', '{"executor_override":"claude"}');
  const { chats, orphans } = readWorkgraph(site.project);
  assert.deepEqual(
    chats.map(({ number, task, executor, references }) => [number, task, executor, references]),
    [
      [0, '.chat-0', null, []],
      [1, '.coordinator-1', 'claude', ['build-it (after)']],
      [3, 'coordinator-3', null, []],
    ],
    'a person may call a task chat-2: without anything of a chat it is none',
  );
  assert.deepEqual(orphans, []);
});

test('archived, abandoned, and done without a loop are put away; a loop that is done is not', (t) => {
  const site = workgraphSite(t);
  site.task('.chat-0', { tags: ['chat-loop', 'archived'] });
  site.task('.chat-1', { status: 'abandoned' });
  site.task('.chat-2', { status: 'done', tags: [] });
  site.task('.chat-3', { status: 'done' });
  assert.deepEqual(
    readWorkgraph(site.project).chats.map(({ archived }) => archived),
    [true, true, true, false],
  );
});

test('letters are joined with what was said to them, in order, whatever folder and file they are in', (t) => {
  const site = workgraphSite(t);
  site.task('.chat-0');
  site.session(UUID, ['coordinator-0', '0', 'release-talk']);
  site.said(
    UUID,
    [message(3, 'and now?', 'r3'), message(4, 'hello?', 'r4', 'Ann Lee'), message(5, 'anybody?', 'r5')],
    [message(3, 'wait', 'r3'), message(6, 'I am back', 'nobody-asked')],
    4,
  );
  site.write(`chat/${UUID}/archive/inbox-20260101-000200.jsonl`, `${JSON.stringify(message(1, 'hi', 'r1'))}\n`);
  site.write(`chat/${UUID}/archive/outbox-20260101-000200.jsonl`, `${JSON.stringify(message(2, 'hi you', 'r1'))}\n`);
  const [chat] = readWorkgraph(site.project).chats;
  assert.deepEqual(
    chat?.letters.map(({ author, text, answer, state }) => [author, text, answer, state]),
    [
      ['person/ben', 'hi', 'hi you', 'answered'],
      ['person/ben', 'and now?', 'wait', 'answered'],
      ['person/ann-lee', 'hello?', null, 'failed'],
      ['person/ben', 'anybody?', null, 'queued'],
      ['agent/chat-0', 'I am back', null, 'answered'],
    ],
  );
  assert.deepEqual(chat?.names.slice(1), ['.chat-0', UUID, 'coordinator-0', 'release-talk']);
});

test('both rows of one chat are one chat, and both conversations its own', (t) => {
  const site = workgraphSite(t);
  site.task('.coordinator-1', { status: 'abandoned' });
  site.task('.chat-1');
  site.session(UUID, ['coordinator-1']);
  site.said(UUID, [message(1, 'one', 'r1')]);
  site.said('1', [message(2, 'two', 'r2')]);
  const { chats } = readWorkgraph(site.project);
  assert.equal(chats.length, 1);
  assert.deepEqual([chats[0]?.task, chats[0]?.archived], ['.chat-1', false]);
  assert.deepEqual(
    chats[0]?.letters.map(({ text }) => text),
    ['one', 'two'],
  );
  assert.match(chats[0]?.notes.join(' ') ?? '', /there twice.*\.coordinator-1 is an old name/);
});

test('a line that was being written when its writer died was never there; any other damage is named', (t) => {
  const site = workgraphSite(t);
  site.task('.chat-0');
  site.said('0', [message(1, 'hi', 'r1')]);
  site.write('chat/0/outbox.jsonl', `${JSON.stringify(message(1, 'yes', 'r1'))}\n{"id":2,"conte`);
  assert.deepEqual(readWorkgraph(site.project).chats[0]?.conflicts, []);
  site.write('chat/0/inbox.jsonl', `garbage\n${JSON.stringify(message(1, 'hi', 'r1'))}\n`);
  assert.match(readWorkgraph(site.project).chats[0]?.conflicts.join() ?? '', /inbox\.jsonl:1/);
  site.write('graph.jsonl', '{"kind":"task"\n{"kind":"task","id":".chat-0"}\n');
  assert.throws(
    () => readWorkgraph(site.project),
    (error) => error instanceof RejectedInput && /graph\.jsonl:1/.test(error.issues.join()),
  );
});

test('state without a task under either name is an orphan; a directory without a graph is none of workgraph', (t) => {
  const site = workgraphSite(t);
  site.write('service/coordinator-state-5.json', '{}');
  site.session(UUID, ['coordinator-6', '6']);
  assert.deepEqual(readWorkgraph(site.project).orphans, [5, 6]);
  assert.throws(() => readWorkgraph('/'), /no workgraph directory/);
});

test('an empty graph has no chats', (t) => {
  assert.deepEqual(readWorkgraph(workgraphSite(t).project).chats, []);
});

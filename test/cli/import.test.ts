/** `chartroom import`: the chats of a workgraph directory, each adopted once, found by every name it had. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync, readdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { UUID, message, workgraphSite } from '../adoption/site.ts';
import type { WorkgraphSite } from '../adoption/site.ts';
import { openScreen } from './parts.ts';
import type { Screen } from './parts.ts';

interface Shown {
  phase: string;
  refs: string[];
  context: {
    mail: { text: string; state: string; answer: string | null }[];
    driver: string;
    origin: { references: string[] };
  };
}
interface Adoption {
  chat: string;
  agent: string;
  outcome: string;
}

/** The task of the workgraph project as it was: two live chats, one of them under its old name, one put away. */
function project(t: { after(call: () => void): void }): WorkgraphSite {
  const site = workgraphSite(t);
  site.task('.chat-0', { title: 'Chat: release' });
  site.task('.coordinator-1', { tags: ['coordinator-loop'] });
  site.task('.chat-2', { tags: ['archived'], status: 'done' });
  site.task('build-it', { tags: [], after: ['.coordinator-1'] });
  site.session(UUID, ['coordinator-1', '1']);
  site.said('0', [message(1, 'hi', 'r1')], [message(2, 'hi you', 'r1')]);
  site.said(UUID, [message(1, 'old', 'r1'), message(2, 'new', 'r2')], [message(1, 'seen', 'r1')], 1);
  site.said('2', [message(1, 'bye', 'r1')], [message(1, 'bye you', 'r1')]);
  site.write('service/coordinator-state-1.json', '{"executor_override":"codex"}');
  site.write('service/coordinator-state-9.json', '{}');
  return site;
}

async function terminal(t: { after(call: () => Promise<void>): void }): Promise<Screen> {
  const screen = await openScreen({ env: { NO_COLOR: '1' } });
  t.after(() => screen.stop());
  await screen.send('dispatcher/main', 'fleet.configured', { maxRuns: 1 });
  return screen;
}
const shown = async (screen: Screen, name: string): Promise<Shown> =>
  (await screen.run('show', name, '--json')).json<Shown>()[0]!;
const mail = ({ context }: Shown): string[] =>
  context.mail.map(({ text, state, answer }) => `${text}: ${state} ${answer}`);
const adopt = (screen: Screen, site: WorkgraphSite, ...more: string[]) =>
  screen.run('import', '--from', 'workgraph', site.project, ...more);

/** Every byte below a directory. */
function fingerprint(directory: string): string {
  const hash = createHash('sha256');
  for (const name of readdirSync(directory, { recursive: true, encoding: 'utf8' }).sort()) {
    const file = path.join(directory, name);
    hash.update(name);
    if (statSync(file).isFile()) hash.update(readFileSync(file));
  }
  return hash.digest('hex');
}

test('V3, V3b: chats are adopted under either name, with their letters, as they were; state without a task is an orphan', async (t) => {
  const site = project(t);
  const screen = await terminal(t);
  const before = fingerprint(site.project);
  const { exit, out, err } = await adopt(screen, site);
  assert.equal(exit, 0, out + err);
  assert.match(out, /✓ \.chat-0 is agent\/chat-0: 1 letters\n/);
  assert.match(out, /✓ \.coordinator-1 is agent\/chat-1: 2 letters, 1 wait, named by build-it \(after\)\n.*old name/);
  assert.match(out, /✓ \.chat-2 is agent\/chat-2: 1 letters, archived/);
  assert.match(out, /! 9 is an orphan: there is state of it and no task under either name/);
  assert.match(err, /3 chats adopted, 0 adopted before, 0 left/);
  assert.equal(fingerprint(site.project), before, 'what is there is only read');

  const [released, renamed, away] = await Promise.all(
    ['chat-0', 'chat-1', 'chat-2'].map((name) => shown(screen, name)),
  );
  assert.equal(released?.phase, 'asleep', 'nothing waits: no process');
  assert.deepEqual(mail(released), ['hi: answered hi you']);
  assert.equal(renamed?.phase, 'starting', 'its unread letter wakes it');
  assert.deepEqual(mail(renamed), ['old: answered seen', 'new: queued null']);
  assert.equal(renamed?.context.driver, 'codex');
  assert.deepEqual(renamed?.context.origin.references, ['build-it (after)']);
  assert.equal(away?.phase, 'archived');
  assert.deepEqual(mail(away), ['bye: answered bye you']);
  assert.equal((await screen.run('show', 'chat-9')).exit, 6);
  for (const name of ['.coordinator-1', 'coordinator-1', UUID]) {
    assert.match((await screen.run('why', name)).out, /agent\/chat-1/, name);
  }
});

test('a second run changes nothing, whatever became of the chats meanwhile', async (t) => {
  const site = project(t);
  const screen = await terminal(t);
  await adopt(screen, site);
  await screen.send('agent/chat-2', 'correct.restore');
  await screen.send('agent/chat-0', 'correct.archive');
  const steps = async (): Promise<unknown[]> =>
    Promise.all(
      ['chat-0', 'chat-1', 'chat-2'].map(async (name) => (await screen.run('history', name, '--json')).json()),
    );
  const before = await steps();
  // The rows were renamed there meanwhile: it is the same chat.
  site.task('.chat-1');
  for (const more of [[], ['--prefix', 'wg']]) {
    const { exit, out } = await adopt(screen, site, ...more);
    assert.equal(exit, 0, out);
    assert.match(out, /\.chat-1 is agent\/chat-1 since it was adopted before/);
  }
  assert.deepEqual(await steps(), before);
  assert.equal((await shown(screen, 'chat-2')).phase, 'asleep', 'restored here it stays so');
});

test('a run that is cut off between two words is finished by the next one, with every letter once', async (t) => {
  const site = workgraphSite(t);
  site.task('.chat-0', { tags: ['archived'] });
  const letters = Array.from({ length: 450 }, (_, n) => ({
    ...message(1, `letter ${n}`, `r${n}`),
    id: n + 1,
    timestamp: new Date(Date.UTC(2026, 0, 1) + n * 1_000).toISOString(),
  }));
  site.said('0', letters);
  const whole = await terminal(t);
  await adopt(whole, site);
  const words = (await whole.run('history', 'chat-0', '--json')).json<{
    type: string;
    data: Record<string, unknown>;
  }>();
  assert.deepEqual(
    words.map(({ type, data }) => [type, data['from']]),
    [
      ['hire', undefined],
      ['mail.adopted', 0],
      ['mail.adopted', 200],
      ['mail.adopted', 400],
    ],
  );
  for (let cutAt = 1; cutAt < words.length; cutAt++) {
    const screen = await terminal(t);
    for (const { type, data } of words.slice(0, cutAt)) await screen.send('agent/chat-0', type, data);
    assert.notEqual((await shown(screen, 'chat-0')).phase, 'archived', 'not before it is whole');
    assert.equal((await adopt(screen, site)).exit, 0);
    const now = (await screen.run('history', 'chat-0', '--json')).json<{ type: string; data: unknown }>();
    assert.deepEqual(
      now.map(({ type, data }) => [type, data]),
      words.map(({ type, data }) => [type, data]),
    );
    assert.equal((await shown(screen, 'chat-0')).phase, 'archived');
  }
});

test('conflicts are reported and nothing of them is changed; the other chats are adopted', async (t) => {
  const site = project(t);
  site.write('chat/2/inbox.jsonl', 'garbage\n');
  const screen = await terminal(t);
  await screen.send('agent/chat-0', 'hire', { role: 'reviewer', driver: 'scripted', mode: 'chat' });
  const { exit, out, err } = await adopt(screen, site);
  assert.equal(exit, 4);
  assert.match(out, /✗ \.chat-0: there is another agent\/chat-0 already; choose other names with --prefix/);
  assert.match(out, /✓ \.coordinator-1 is agent\/chat-1/);
  assert.match(out, /✗ \.chat-2: it cannot be read whole: .*inbox\.jsonl:1/);
  assert.match(err, /1 chats adopted, 0 adopted before, 2 left/);
  assert.equal((await screen.run('history', 'chat-0', '--json')).json().length, 1);
  const again = await adopt(screen, site, '--prefix', 'wg', '--json');
  assert.deepEqual(
    again.json<Adoption>().map(({ chat, agent, outcome }) => [chat, agent, outcome]),
    [
      ['.chat-0', 'agent/wg-0', 'adopted'],
      ['.coordinator-1', 'agent/chat-1', 'before'],
      ['.chat-2', 'agent/wg-2', 'conflict'],
      ['9', '', 'orphan'],
    ],
  );
});

test('a dry run says all this and does nothing; while workgraph itself runs there, nothing is adopted', async (t) => {
  const site = project(t);
  const screen = await terminal(t);
  site.write('service/state.json', JSON.stringify({ pid: process.pid }));
  const dry = await adopt(screen, site, '--dry-run');
  assert.equal(dry.exit, 0);
  assert.match(dry.out, /\.coordinator-1 would be agent\/chat-1/);
  const refused = await adopt(screen, site);
  assert.equal(refused.exit, 4);
  assert.match(refused.err, /workgraph itself runs there.*wg service stop/);
  assert.equal((await screen.run('ps', 'agent', '--json')).json().length, 0);
});

test('what is no workgraph directory, or a graph that cannot be read, is misuse and says where', async (t) => {
  const site = workgraphSite(t);
  const screen = await terminal(t);
  site.write('graph.jsonl', 'garbage\n');
  const broken = await adopt(screen, site);
  assert.equal(broken.exit, 2);
  assert.match(broken.err, /nothing was adopted\n.*graph\.jsonl:1/);
  assert.equal((await screen.run('import', '--from', 'workgraph', '/proc')).exit, 2);
  assert.equal((await screen.run('import', site.project)).exit, 2);
});

/** Missions with their sessions, agents and dispatcher: the wrong lane, notes, and work that somebody else has. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { MissionContext } from '../../machines/mission/index.ts';
import type { SessionContext } from '../../machines/session/index.ts';
import { fleet } from './fleet.ts';
import type { Fleet } from './fleet.ts';

const HEAD = '2222222bbbbbbb';

const item = (key: string, changes: Record<string, unknown> = {}) => ({
  key,
  title: `Do ${key}`,
  body: '',
  kind: 'implement',
  dependsOn: [] as string[],
  repo: 'acme/api',
  deliver: 'pull_request',
  gates: { checks: 'none', review: 'none' },
  ...changes,
});

function open(world: Fleet, items: ReturnType<typeof item>[], more: Record<string, unknown> = {}, id = 'm'): void {
  world.send(`mission/${id}`, 'open', { objective: 'Ship it', items, ...more });
}
const itemOf = (world: Fleet, key: string, id = 'm'): MissionContext['items'][number] =>
  world.context<MissionContext>(`mission/${id}`).items.find(({ spec }) => spec.key === key)!;
const pull = (branch: string, over: Record<string, unknown> = {}) => ({
  number: 86,
  url: 'https://github.com/acme/api/pull/86',
  state: 'open',
  draft: false,
  merged: false,
  title: 'x',
  author: 'bot',
  branch,
  head: HEAD,
  headBy: 'us',
  base: 'main',
  conflict: false,
  reviews: [],
  gate: { state: 'unknown', checks: [], failures: [] },
  queue: { state: 'out' },
  updatedAt: '2026-01-05T12:00:00.000Z',
  ...over,
});

// ── the wrong lane

/** An implementation that was given to the reviewer, who began it and handed it back. */
function wrongLane(): Fleet {
  const world = fleet();
  world.hire('susan', 'reviewer');
  open(world, [item('w')], { conductor: 'person/connie' });
  world.send('session/m-w', 'correct.reassign', { to: 'agent/susan', reason: 'a mistake' });
  world.begin('agent/susan');
  assert.equal(itemOf(world, 'w').picture?.owner, 'agent/susan');
  world.finish('agent/susan', { handedBack: 'this is not reviewer work' });
  return world;
}

const WORDINGS: Record<string, (world: Fleet) => void> = {
  'a correction to the mission’s item': (world) => {
    const session = world.find('item:mission/m#w')!;
    world.send(session, 'correct.reassign', { to: 'agent/backend', reason: 'the reviewer was the wrong lane' });
  },
  'a correction to the session': (world) =>
    world.send('session/m-w', 'correct.reassign', { to: 'role/implementer', reason: 'wrong lane' }),
  'a direct assignment': (world) => world.send('session/m-w', 'correct.reassign', { to: 'agent/backend' }),
  'the worker’s own adopt': (world) =>
    world.send('session/m-w', 'correct.adopt', { agent: 'agent/backend' }, { source: 'agent/backend' }),
};

for (const [wording, move] of Object.entries(WORDINGS)) {
  test(`handed back by the wrong lane, moved by ${wording}: the worker owns it at once, and it ends with the pull request`, () => {
    const world = wrongLane();
    // Nobody else is hired yet: it waits for an implementer, not for a review, and says why not the reviewer.
    const [wait, ...others] = world.waits('mission/m');
    assert.deepEqual(others, []);
    assert.equal(wait?.gate, 'agent');
    assert.match(wait?.detail ?? '', /implementer.*susan.*excluded/);
    assert.equal(itemOf(world, 'w').picture?.owner, null);

    // Nothing is handed out yet, so that the correction, and nothing else, moves the item.
    world.send('dispatcher/main', 'correct.pause');
    world.hire('backend', 'implementer');
    move(world);
    if (!wording.includes('session')) assert.equal(itemOf(world, 'w').picture?.owner, 'agent/backend', 'at once');
    world.send('session/m-w', 'fyi', { text: 'backend has it; open the pull request' });
    world.send('dispatcher/main', 'correct.resume');

    const shown = itemOf(world, 'w');
    assert.equal(shown.picture?.owner, 'agent/backend');
    assert.equal(shown.state, 'active');
    assert.deepEqual(
      world.waits('mission/m').map(({ gate, on }) => [gate, on]),
      [['agent', 'agent/backend']],
      'nothing stale is waited for',
    );
    const begun = world.begin('agent/backend');
    assert.deepEqual(
      begun.prompt.notes.map(({ text }) => text),
      ['backend has it; open the pull request'],
    );
    assert.equal(world.project('agent/susan').tags['session'], undefined, 'the reviewer has no task');
    world.finish('agent/backend', { summary: 'done' });
    const { branch } = world.context<SessionContext>('session/m-w');
    world.send('session/m-w', 'pull.observed', pull(branch));
    assert.equal(itemOf(world, 'w').state, 'inReview');
    world.send(
      'session/m-w',
      'pull.observed',
      pull(branch, { state: 'closed', merged: true, updatedAt: '2026-01-05T12:01:00.000Z' }),
    );
    assert.equal(itemOf(world, 'w').state, 'done');
    assert.equal(world.project('mission/m').phase, 'completed');
    assert.deepEqual(
      world.refused.filter(({ outcome }) => outcome === 'refused'),
      [],
    );
  });
}

// ── notes

test('a note at the mission is in the next prompt of each item, and read there is read here', () => {
  const world = fleet();
  world.hire('ada', 'implementer');
  open(world, [item('a'), item('b', { dependsOn: ['a'] })]);
  world.send('mission/m', 'fyi', { text: 'The API is frozen.' }, { source: 'cli/connie' });
  const unread = (): number => world.context<MissionContext>('mission/m').notes.filter((n) => n.readBy === null).length;
  assert.equal(unread(), 1);
  assert.deepEqual(
    world.context<SessionContext>('session/m-b').notes.map(({ author, text }) => [author, text]),
    [['cli/connie', 'The API is frozen.']],
  );
  world.begin('agent/ada');
  world.finish('agent/ada');
  world.send('session/m-a', 'correct.close', { outcome: 'done' });
  assert.equal(world.begin('agent/ada').prompt.notes[0]?.text, 'The API is frozen.');
  assert.equal(unread(), 0);
  world.send('session/m-b', 'correct.close', { outcome: 'failed' });
  world.send('mission/m', 'correct.item.restart', { item: 'b' });
  const [note] = world.context<SessionContext>('session/m-b-2').notes;
  assert.equal(note?.text, 'The API is frozen.', 'a restarted item begins with what was noted');
});

test('a note at a mission is recorded and wakes nobody', () => {
  const world = fleet();
  open(world, [item('a')]);
  const before = world.kernel.actors.get('session/m-a')!.live.state;
  const note = {
    specversion: '1.0',
    id: 'n',
    source: 'cli/connie',
    type: 'fyi',
    subject: 'mission/m',
    data: { text: 'x' },
  } as const;
  assert.equal(world.kernel.send(note, 'trusted').outcome, 'recorded');
  assert.equal(world.kernel.deliver('session/m-a').outcome, 'recorded');
  assert.deepEqual(world.kernel.actors.get('session/m-a')!.live.state.value, before.value);
});

// ── linked items

const fromIssue = { source: { kind: 'linear', ref: 'ENG-7' } };
function lone(world: Fleet): void {
  const { key: _key, dependsOn: _on, ...brief } = item('x', fromIssue);
  world.send('session/eng-7', 'open', brief);
}

test('an item whose source another session holds is linked to it: it shows that one and ends with it', () => {
  const world = fleet();
  lone(world);
  open(world, [item('a', fromIssue), item('b', { dependsOn: ['a'] })]);
  assert.equal(itemOf(world, 'a').session, 'session/eng-7');
  assert.equal(world.find('item:mission/m#a'), 'session/eng-7', 'corrections go there');
  assert.deepEqual(itemOf(world, 'b').heldBy, ['session/eng-7']);
  world.send('session/eng-7', 'correct.reassign', { to: 'role/tester' });
  assert.match(itemOf(world, 'a').picture?.waitingOn[0]?.detail ?? '', /what blocks the issue/);
  world.send('session/eng-7', 'correct.close', { outcome: 'done' });
  assert.equal(itemOf(world, 'a').state, 'done');
  assert.deepEqual(itemOf(world, 'b').heldBy, []);
});

test('a mission neither holds, pauses nor closes what it only links to', () => {
  const world = fleet();
  lone(world);
  open(world, [item('a', fromIssue)]);
  world.send('mission/m', 'correct.pause', { runs: true });
  assert.deepEqual(world.context<SessionContext>('session/eng-7').heldBy, []);
  assert.equal(world.context<SessionContext>('session/eng-7').paused, null);
  world.send('mission/m', 'correct.stop');
  assert.equal(world.project('mission/m').phase, 'cancelled');
  assert.notEqual(world.project('session/eng-7').phase, 'cancelled');
  assert.deepEqual(world.context<SessionContext>('session/eng-7').linked, []);
});

test('a linked item that ended is restarted with a session of its own', () => {
  const world = fleet();
  lone(world);
  open(world, [item('a', fromIssue)]);
  world.send('session/eng-7', 'correct.close', { outcome: 'failed' });
  assert.equal(itemOf(world, 'a').state, 'failed');
  world.send('mission/m', 'correct.item.restart', { item: 'a' });
  assert.equal(itemOf(world, 'a').session, 'session/m-a');
  assert.equal(world.find('item:mission/m#a'), 'session/m-a');
});

test('where the holder of the source ended meanwhile, the item gets its own session', () => {
  const world = fleet();
  lone(world);
  const { kernel } = world;
  const data = { objective: 'Ship it', items: [item('a', fromIssue)] };
  kernel.send(
    { specversion: '1.0', id: 'o', source: 'cli/alice', type: 'open', subject: 'mission/m', data },
    'trusted',
  );
  kernel.deliver('session/m-a');
  world.kernel.deliver('mission/m');
  // Before the link arrives:
  const box = kernel.mailboxes.get('session/eng-7') ?? [];
  kernel.mailboxes.delete('session/eng-7');
  world.send('session/eng-7', 'correct.close', { outcome: 'cancelled' });
  for (const late of box) kernel.post(late);
  world.send('mission/m', 'fyi', { text: 'x' });
  assert.equal(itemOf(world, 'a').session, 'session/m-a');
  assert.equal(world.context<SessionContext>('session/m-a').brief.item, 'a');
});

test('a name that another session has is not taken for the item’s: the next one is opened', () => {
  const world = fleet();
  const { key: _key, dependsOn: _on, ...brief } = item('x', { source: { kind: 'manual' } });
  world.send('session/m-a', 'open', brief);
  open(world, [item('a'), item('a-3')]);
  assert.equal(itemOf(world, 'a').session, 'session/m-a-2');
  world.send('session/m-a-2', 'correct.close', { outcome: 'failed' });
  world.send('mission/m', 'correct.item.restart', { item: 'a' });
  assert.equal(itemOf(world, 'a').session, 'session/m-a-4', 'a-3 is another item’s');
});

test('two items for one source show the one session', () => {
  const world = fleet();
  open(world, [item('a', fromIssue), item('b', fromIssue)]);
  assert.equal(itemOf(world, 'b').session, 'session/m-a');
  world.send('session/m-a', 'correct.close', { outcome: 'done' });
  assert.equal(world.project('mission/m').phase, 'completed');
});

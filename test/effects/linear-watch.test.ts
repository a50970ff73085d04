import assert from 'node:assert/strict';
import { once, EventEmitter } from 'node:events';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { SESSION_EVENTS } from '../../machines/events/session.ts';
import type { WatchParams } from '../../machines/effects.ts';
import { createFakeClock } from '../../src/clock.ts';
import type { Clock } from '../../src/clock.ts';
import { createLinearStandIn } from '../../src/demo/linear/linear.ts';
import type { Watch } from '../../src/effects/effect.ts';
import { createLinearIssueWatch } from '../../src/effects/linear/issue-watch.ts';
import { createLinear } from '../../src/effects/linear/linear.ts';
import { createLog } from '../../src/log.ts';

type IssueParams = WatchParams<'issue'>;
const PARAMS: IssueParams = { source: 'linear', ref: 'ENG-1', repo: 'acme/api', awaited: true };
/** The port's own limit for an answer; every other timer is the watch's next look. */
const ANSWER_MS = 30_000;

interface Told {
  type: string;
  data: Record<string, unknown>;
  id: string;
}

/** Watches on a stand-in, stopped at the end. `ticking`: at Linear a millisecond passes with every change. */
async function given(t: TestContext, { ticking = false } = {}) {
  const turned = createFakeClock();
  const happened = new EventEmitter();
  const waits: number[] = [];
  const clock: Clock = {
    now: turned.now,
    after(ms, call) {
      if (ms !== ANSWER_MS) {
        waits.push(ms);
        setImmediate(() => happened.emit('rest'));
      }
      return turned.after(ms, call);
    },
  };
  let ticks = 0;
  const standClock = ticking ? { ...turned, now: () => turned.now() + ticks++ } : turned;
  const stand = await createLinearStandIn({ clock: standClock, appToken: 'app-token' });
  const watches: Watch<IssueParams>[] = [];
  t.after(async () => {
    await Promise.all(watches.map((watch) => watch.stop('runtime')));
    await stand.close();
  });
  stand.addTeam('ENG', 'Engineering');
  const linear = createLinear({ apiUrl: stand.url, token: 'app-token', clock });
  const told: Told[] = [];
  const performer = createLinearIssueWatch({
    linear,
    clock,
    log: createLog({ level: 'silent' }),
    timers: { reconcile: 60, reconcileMax: 240 },
  });
  /** Starts a watch and waits until it rests. */
  async function watch(params: IssueParams = PARAMS): Promise<Watch<IssueParams>> {
    const resting = once(happened, 'rest');
    const started = performer.start(params, {
      actor: 'session/eng-1',
      signal: new AbortController().signal,
      tell: async (type, data, { id }) => {
        const spec = SESSION_EVENTS[type as keyof typeof SESSION_EVENTS];
        told.push({ type, data: spec.data.parse(data), id });
        return {} as never;
      },
    });
    watches.push(started);
    await resting;
    return started;
  }
  /** Lets something happen and waits until the watch rests again. */
  async function during(act: () => void): Promise<Told[]> {
    const from = told.length;
    const resting = once(happened, 'rest');
    act();
    await resting;
    return told.slice(from);
  }
  return { clock: turned, stand, linear, told, waits, watch, during };
}

const kinds = (told: readonly Told[]): string[] => told.map(({ type }) => type);

test('the first look tells the facts, under the name the router would use', async (t) => {
  const { stand, linear, told, watch } = await given(t);
  stand.delegate(stand.createIssue({ title: 'Add hello' }));
  await watch();
  const seen = await linear.observeIssue('ENG-1');
  assert.deepEqual(told, [{ type: 'issue.observed', data: seen?.facts, id: seen?.id }]);
});

test('facts equal to the last told are not told again, a change is, at the next look', async (t) => {
  const { stand, clock, watch, during } = await given(t);
  stand.delegate(stand.createIssue({ title: 'Add hello' }));
  await watch();
  assert.deepEqual(await during(() => clock.advance(60_000)), []);
  stand.setState('ENG-1', 'In Progress');
  const [changed] = await during(() => clock.advance(60_000));
  assert.deepEqual(changed?.data['state'], { name: 'In Progress', type: 'started' });
});

test('a poke makes it look at once', async (t) => {
  const { stand, watch, during } = await given(t);
  stand.delegate(stand.createIssue({ title: 'Add hello' }));
  const watching = await watch();
  stand.delegate('ENG-1', { to: null });
  const [changed] = await during(() => watching.poke());
  assert.equal(changed?.data['delegated'], false);
});

test('while nothing is awaited quiet looks become rarer, up to the longest wait', async (t) => {
  const { stand, clock, watch, during, waits } = await given(t);
  stand.delegate(stand.createIssue({ title: 'Quiet' }));
  const watching = await watch({ ...PARAMS, awaited: false });
  for (let look = 0; look < 3; look++) await during(() => clock.advance(waits.at(-1) ?? 0));
  assert.deepEqual(waits, [60_000, 120_000, 240_000, 240_000]);
  await during(() => watching.update(PARAMS));
  assert.equal(waits.at(-1), 60_000);
});

test('a blocker that is done is told although the issue itself did not change', async (t) => {
  const { stand, watch, during } = await given(t);
  stand.delegate(stand.createIssue({ title: 'Waits' }));
  stand.block(stand.createIssue({ title: 'First' }), 'ENG-1');
  const watching = await watch();
  stand.setState('ENG-2', 'Done');
  const [changed] = await during(() => watching.poke());
  assert.deepEqual(changed?.data['blockers'], [{ ref: 'ENG-2', done: true }]);
});

test('comments are told once, in order, with who wrote them', async (t) => {
  const { stand, clock, watch, during } = await given(t);
  const issue = stand.createIssue({ title: 'Talk' });
  const session = stand.delegate(issue)!;
  const watching = await watch();
  const robot = stand.addUser('robot', { app: true });
  for (const [who, text] of [
    [stand.admin, 'Please hurry.'],
    [robot, 'Build 7 is red.'],
    [stand.app, 'Working on it.'],
  ] as const) {
    clock.advance(10);
    stand.comment(who, issue, text);
  }
  clock.advance(10);
  stand.prompt(session, 'And the docs?');
  const words = await during(() => watching.poke());
  assert.deepEqual(
    words.map(({ data }) => [data['text'], (data['author'] as { kind: string }).kind]),
    [
      ['Please hurry.', 'person'],
      ['Build 7 is red.', 'bot'],
      ['Working on it.', 'self'],
      ['And the docs?', 'person'],
    ],
  );
  assert.deepEqual(
    words.map(({ id }) => id),
    words.map(({ data }) => `linear:comment:${String(data['comment'])}`),
  );
  assert.deepEqual(await during(() => watching.poke()), []);
});

test('what was said before the issue was handed over is not told', async (t) => {
  const { stand, clock, told, watch } = await given(t);
  const issue = stand.createIssue({ title: 'Old talk' });
  stand.comment(stand.admin, issue, 'Long ago.');
  clock.advance(60_000);
  stand.delegate(issue);
  clock.advance(60_000);
  stand.comment(stand.admin, issue, 'Now.');
  await watch();
  assert.deepEqual(
    told.filter(({ type }) => type === 'comment.observed').map(({ data }) => data['text']),
    ['Now.'],
  );
});

test('a comment that calls us by name is told although it is older than its agent session', async (t) => {
  const { stand, told, watch } = await given(t, { ticking: true });
  const issue = stand.createIssue({ title: 'Called' });
  stand.comment(stand.admin, issue, '@chartroom fix the build');
  await watch();
  assert.deepEqual(kinds(told), ['issue.observed', 'comment.observed']);
});

test('what was said while nobody watched is told by the next watch, under the same names', async (t) => {
  const { stand, clock, told, watch } = await given(t);
  const issue = stand.createIssue({ title: 'Restart' });
  stand.delegate(issue);
  const first = await watch();
  stand.comment(stand.admin, issue, 'One.');
  await first.stop('runtime');
  clock.advance(3_600_000);
  stand.comment(stand.admin, issue, 'Two.');
  await watch();
  await watch();
  const words = told.filter(({ type }) => type === 'comment.observed');
  assert.deepEqual(
    words.map(({ data }) => data['text']),
    ['One.', 'Two.', 'One.', 'Two.'],
  );
  assert.equal(new Set(words.map(({ id }) => id)).size, 2);
});

test('stop in the agent session is told as a stop, once', async (t) => {
  const { stand, watch, during } = await given(t);
  const session = stand.delegate(stand.createIssue({ title: 'Stop' }))!;
  const watching = await watch();
  const activity = stand.stop(session);
  const words = await during(() => watching.poke());
  assert.deepEqual(words, [
    { type: 'correct.stop', data: { reason: 'Ada Admin pressed stop' }, id: `linear:stop:${activity.id}` },
  ]);
  assert.deepEqual(await during(() => watching.poke()), []);
});

test('more comments than a page are all told', async (t) => {
  const { stand, clock, told, watch } = await given(t);
  const issue = stand.createIssue({ title: 'Long talk' });
  stand.delegate(issue);
  for (let count = 1; count <= 120; count++) {
    clock.advance(1_000);
    stand.comment(stand.admin, issue, `word ${count}`);
  }
  await watch();
  const words = told.filter(({ type }) => type === 'comment.observed').map(({ data }) => data['text']);
  assert.equal(words.length, 120);
  assert.equal(words[0], 'word 1');
});

test('an issue in the trash is told as removed', async (t) => {
  const { stand, watch, during } = await given(t);
  stand.delegate(stand.createIssue({ title: 'Gone' }));
  const watching = await watch();
  stand.remove('ENG-1');
  const [changed] = await during(() => watching.poke({ removed: true }));
  assert.equal(changed?.data['removed'], true);
});

test('an issue that cannot be found is removed only if Linear said so', async (t) => {
  const { stand, watch, during } = await given(t);
  stand.delegate(stand.createIssue({ title: 'Gone for good' }));
  const watching = await watch();
  stand.remove('ENG-1', { forever: true });
  assert.deepEqual(await during(() => watching.poke()), []);
  const [changed] = await during(() => watching.poke({ removed: true }));
  assert.equal(changed?.data['removed'], true);
  assert.equal(changed?.data['title'], 'Gone for good');
});

test('an outage tells nothing, and a later look goes on', async (t) => {
  const { stand, clock, watch, during, waits } = await given(t);
  stand.delegate(stand.createIssue({ title: 'Outage' }));
  await watch();
  stand.setState('ENG-1', 'In Progress');
  stand.faults.fail(500);
  assert.deepEqual(await during(() => clock.advance(60_000)), []);
  stand.faults.limitUntil(clock.now() + 60_000 + 200_000);
  assert.deepEqual(await during(() => clock.advance(60_000)), []);
  assert.equal(waits.at(-1), 200_000);
  assert.deepEqual(kinds(await during(() => clock.advance(200_000))), ['issue.observed']);
});

test('a stopped watch looks no more', async (t) => {
  const { stand, clock, watch } = await given(t);
  stand.delegate(stand.createIssue({ title: 'Over' }));
  const watching = await watch();
  await watching.stop('state');
  const asked = stand.requests.length;
  watching.poke();
  clock.advance(600_000);
  const probe = await watch();
  assert.equal(stand.requests.length, asked + 1);
  await probe.stop('state');
});

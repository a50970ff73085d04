/** Corrections: typed, with a receipt each; one whose goal already holds is recorded, a bad one changes nothing. */
import assert from 'node:assert/strict';
import test from 'node:test';
import type { SessionEvent } from '../../machines/events/index.ts';
import {
  H1,
  H2,
  REVIEW,
  end,
  engage,
  green,
  issue,
  prepared,
  pull,
  red,
  run,
  verdict,
  verified,
  work,
} from './session-facts.ts';
import { play } from './session-play.ts';
import type { Play } from './session-play.ts';

type Type = SessionEvent['type'];
const opened = (over: Parameters<typeof work>[0] = {}): Play => {
  const session = play();
  session.send('open', work(over));
  return session;
};
const running = (): Play => {
  const session = opened();
  run(session);
  return session;
};
const delivered = (over: Parameters<typeof pull>[0] = {}): Play => {
  const session = running();
  end(session);
  verified(session, { pull: 7 });
  session.send('pull.observed', pull(over));
  return session;
};
const outcome = (session: Play, type: Type, data: Record<string, unknown>, sent = {}): string =>
  session.offer(type, data, sent).outcome;

/** First receipt, receipt of the same again, in a state where it means something. */
const TWICE: [Type, Record<string, unknown>, () => Play, string, string][] = [
  ['correct.reassign', { to: 'agent/ben' }, opened, 'taken', 'recorded'],
  ['correct.reassign', { to: 'lane/core' }, opened, 'taken', 'recorded'],
  ['correct.reassign', { to: 'role/tester' }, opened, 'taken', 'recorded'],
  ['correct.unassign', {}, running, 'taken', 'recorded'],
  ['correct.adopt', { agent: 'agent/ben' }, opened, 'taken', 'recorded'],
  ['correct.reviewer.replace', { to: 'person/maria' }, delivered, 'taken', 'recorded'],
  ['correct.reviewer.replace', { to: 'agent/tom' }, delivered, 'taken', 'recorded'],
  ['correct.review.waive', {}, delivered, 'taken', 'recorded'],
  ['correct.review.waive', { head: H1 }, delivered, 'taken', 'recorded'],
  ['correct.check.ignore', { name: 'Tests' }, delivered, 'taken', 'recorded'],
  ['correct.check.rerun', {}, delivered, 'taken', 'taken'],
  ['correct.budget.set', { kind: 'checks', limit: 9 }, opened, 'taken', 'recorded'],
  ['correct.pull.attach', { number: 9 }, opened, 'taken', 'recorded'],
  ['correct.stop', {}, opened, 'taken', 'recorded'],
  ['correct.pause', {}, opened, 'taken', 'recorded'],
  ['correct.withdraw', {}, opened, 'taken', 'recorded'],
  ['correct.edit', { title: 'Other' }, opened, 'taken', 'recorded'],
  ['correct.close', { outcome: 'cancelled' }, opened, 'taken', 'recorded'],
  ['correct.resume', {}, opened, 'recorded', 'recorded'],
  ['correct.delegate', {}, opened, 'recorded', 'recorded'],
];

for (const [type, data, given, first, again] of TWICE) {
  test(`${type} ${JSON.stringify(data)} is ${first}, and ${again} when its goal holds`, () => {
    const session = given();
    assert.equal(outcome(session, type, data), first);
    assert.equal(outcome(session, type, data), again);
  });
}

test('a session that ends while its pull request stays open tells its review; merged, that one sees it for itself', () => {
  const ends: [string, (session: Play) => unknown, number][] = [
    ['closed', (session) => session.send('correct.close', { outcome: 'cancelled' }), 1],
    ['its issue removed', (session) => session.send('issue.observed', issue({ removed: true })), 1],
    ['merged', (session) => session.send('pull.observed', pull({ state: 'closed', merged: true })), 0],
  ];
  for (const [how, end, count] of ends) {
    const session = delivered();
    assert.equal(session.told('review.wanted').length, 1);
    end(session);
    assert.deepEqual(
      session.told('review.dropped').map(({ to, data }) => [to, data['for']]),
      Array.from({ length: count }, () => [REVIEW, 'session/eng-42']),
      how,
    );
  }
});

const REFUSED: [Type, Record<string, unknown>, () => Play][] = [
  ['correct.adopt', { agent: 'agent/ben' }, running],
  ['correct.reviewer.replace', { to: 'agent/tom' }, opened],
  ['correct.check.ignore', { name: 'Nothing' }, delivered],
  ['correct.check.rerun', {}, opened],
  ['correct.check.rerun', { name: 'Nothing' }, delivered],
  ['correct.obligation.drop', { id: 'nothing' }, opened],
  ['correct.pull.attach', { number: 9 }, () => opened({ deliver: 'report' })],
  ['correct.retry', {}, delivered],
  ['correct.retry', { kind: 'checks' }, opened],
  ['correct.edit', {}, opened],
  ['answer', { text: 'a' }, opened],
  ['review.wanted', { for: 'session/x', number: 7, head: H1 }, opened],
  ['review.dropped', { for: 'session/x', number: 7 }, opened],
];

for (const [type, data, given] of REFUSED) {
  test(`${type} ${JSON.stringify(data)} is refused by its guard and changes nothing`, () => {
    const session = given();
    const before = session.live();
    const result = session.offer(type, data);
    assert.deepEqual([result.outcome, 'code' in result && result.code], ['refused', 'guard']);
    assert.equal(session.live(), before);
  });
}

test('a stale expected epoch supersedes a correction', () => {
  const session = running();
  assert.equal(outcome(session, 'correct.reassign', { to: 'agent/ben' }, { epoch: 0 }), 'superseded');
});

test('reassign shows the new owner at once, ends the old run, and waits for its process', () => {
  const session = running();
  session.send('correct.reassign', { to: 'agent/ben', reason: 'wrong lane' });
  assert.equal(session.context().owner, 'agent/ben');
  assert.equal(session.context().epoch, 2);
  assert.deepEqual(
    session.told('run.cancelled').map(({ to, data }) => [to, data['epoch']]),
    [['agent/ada', 1]],
  );
  assert.equal(session.regions()['work'], 'stopping');
  session.send('run.released', { epoch: 1, usage: { inputTokens: 1, outputTokens: 1 } });
  assert.deepEqual(
    session.told('work.wanted').map(({ data }) => data['pin']),
    ['agent/ben'],
  );
  assert.deepEqual(
    session.waitingOn().map(({ gate, on }) => [gate, on]),
    [['agent', 'agent/ben']],
  );
});

test('reassign in verifying pins the next run and leaves the verification alone', () => {
  const session = running();
  end(session);
  session.send('correct.reassign', { to: 'agent/ben' });
  assert.equal(session.regions()['work'], 'verifying');
  assert.equal(session.context().owner, 'agent/ben');
  verified(session, { pull: 7 });
  assert.equal(session.regions()['work'], 'idle');
  session.send('say', { text: 'more' });
  assert.equal(session.told('work.wanted')[0]?.data['pin'], 'agent/ben');
});

test('a lost pin widens to the lane of its agent, never to another agent', () => {
  const session = opened({ pin: 'agent/ben' });
  session.send('pin.lost', { agent: 'agent/ben', lane: 'core', reason: 'offboarded' });
  assert.equal(session.context().owner, null);
  assert.equal(session.told('work.wanted')[0]?.data['pin'], 'lane/core');
  assert.equal(outcome(session, 'pin.lost', { agent: 'agent/ben', lane: 'core', reason: 'again' }), 'recorded');
});

test('adopt takes a live run over only with an expected epoch', () => {
  const session = running();
  session.send('correct.adopt', { agent: 'agent/ben' }, { epoch: 1 });
  assert.equal(session.context().owner, 'agent/ben');
  assert.equal(session.regions()['work'], 'stopping');
});

test('stop parks what is owed; say, retry and reassign go on', () => {
  for (const [type, data] of [
    ['say', { text: 'go on' }],
    ['correct.retry', {}],
    ['correct.reassign', { to: 'agent/ben' }],
  ] as const) {
    const session = opened();
    session.send('correct.stop', {});
    assert.equal(session.phase(), 'awaiting_input');
    assert.equal(session.told('work.unwanted').length, 1);
    session.send(type, data);
    assert.equal(session.told('work.wanted').length, 1, type);
  }
});

test('pause ends the run without an attempt, and resume wants again', () => {
  const session = running();
  session.send('correct.pause', {});
  assert.equal(session.phase(), 'paused');
  session.send('run.released', { epoch: 1, usage: { inputTokens: 1, outputTokens: 1 } });
  assert.equal(session.context().attempts.implement, 0);
  assert.equal(session.told('work.wanted').length, 0);
  session.send('correct.resume', {});
  assert.equal(session.told('work.wanted').length, 1);
});

test('close ends everything at once, and closes the pull request only when asked', () => {
  const keep = delivered();
  keep.send('correct.close', { outcome: 'failed' });
  assert.equal(keep.value(), 'failed');
  assert.equal(keep.acts('pull.close').length, 0);
  const drop = delivered();
  drop.send('correct.close', { outcome: 'cancelled', pull: 'close' });
  assert.equal(drop.acts('pull.close')[0]?.params['number'], 7);
  const live = running();
  live.send('correct.close', { outcome: 'done' });
  assert.equal(live.told('run.cancelled').length, 1);
  assert.equal(live.context().epoch, 2);
  const wanted = opened();
  wanted.send('correct.close', { outcome: 'done' });
  assert.deepEqual(
    wanted
      .effects()
      .filter((e) => e.kind === 'tell')
      .map(({ type }) => type),
    ['work.unwanted'],
  );
  const offered = opened();
  offered.send('work.matched', { agent: 'agent/ada', want: 1 });
  offered.send('correct.close', { outcome: 'done' });
  assert.equal(offered.told('offer.settled')[0]?.data['outcome'], 'ended');
});

test('a replaced reviewer is told to its review session, a person is asked through GitHub', () => {
  const session = delivered();
  session.send('correct.reviewer.replace', { to: 'agent/tom' });
  assert.deepEqual(
    session.told('correct.reassign').map(({ to, data }) => [to, data['to']]),
    [[REVIEW, 'agent/tom']],
  );
  session.send('correct.reviewer.replace', { to: 'person/maria' });
  assert.deepEqual(session.acts('review.request')[0]?.params['logins'], ['maria']);
  assert.equal(session.regions()['review'], 'requested');
  assert.ok(session.waitingOn().some(({ gate, on }) => gate === 'review' && on === 'person/maria'));
});

test('an ignored check turns the gate green and nothing is owed for it', () => {
  const session = delivered({ gate: red() });
  assert.equal(session.context().obligations[0]?.kind, 'checks');
  session.send('correct.check.ignore', { name: 'Tests' });
  assert.equal(session.regions()['checks'], 'green');
  assert.deepEqual(session.context().obligations, []);
});

test('a dropped obligation is no longer owed', () => {
  const session = opened();
  const [owed] = session.context().obligations;
  session.send('correct.obligation.drop', { id: owed!.id });
  assert.equal(session.regions()['work'], 'idle');
  assert.equal(session.told('work.unwanted').length, 1);
});

test('retry lets a refused merge be tried again', () => {
  const session = delivered();
  verdict(session, H1, 'approve');
  session.send('pull.observed', pull({ gate: green }));
  assert.equal(session.acts('pull.merge').length, 1);
  session.send('pull.merge.failed', { key: 'k', code: 'X', reason: 'a conversation is open' }, { wish: { head: H1 } });
  assert.equal(session.regions()['queue'], 'out');
  assert.ok(
    session.waitingOn().some(({ gate, detail }) => gate === 'merge' && detail.includes('a conversation is open')),
  );
  session.send('correct.retry', {});
  assert.equal(session.acts('pull.merge').length, 1);
});

test('an attached pull request is ours from its first sight, with its branch', () => {
  const session = opened();
  session.send('correct.pull.attach', { number: 9 });
  session.send('pull.observed', pull({ number: 7 }));
  assert.equal(session.context().pull, null, 'another number is not ours');
  session.send('pull.observed', pull({ number: 9, branch: 'maria/fix', headBy: 'other' }));
  assert.equal(session.context().branch, 'maria/fix');
  assert.ok(session.live()?.state.claims.includes('branch:acme/api/maria/fix'));
  assert.ok(session.live()?.state.claims.includes('pull:acme/api#9'));
});

test('edited gates count at once', () => {
  const session = delivered();
  session.send('correct.edit', { gates: { checks: 'none', review: 'none' } });
  assert.equal(session.regions()['queue'], 'merging');
});

test('withdrawn in the merge queue is recorded, and the merge goes on', () => {
  const session = play();
  session.send('issue.observed', issue());
  run(session);
  end(session);
  verified(session, { pull: 7 });
  session.send('pull.observed', pull({ queue: { state: 'waiting' } }));
  assert.equal(outcome(session, 'correct.withdraw', {}), 'recorded');
  assert.equal(session.regions()['authority'], 'delegated');
  session.send('pull.observed', pull({ queue: { state: 'evicted' } }));
  assert.equal(session.regions()['authority'], 'withdrawn', 'out of the queue it counts');
  assert.equal(session.phase(), 'awaiting_input');
});

test('a pull request that appears while withdrawn is closed again, one after a reassignment is adopted', () => {
  const withdrawn = running();
  withdrawn.send('correct.withdraw', {});
  withdrawn.send('pull.observed', pull());
  assert.equal(withdrawn.acts('pull.close').length, 1);
  const moved = running();
  moved.send('correct.reassign', { to: 'agent/ben' });
  moved.send('pull.observed', pull({ head: H2 }));
  assert.equal(moved.acts('pull.close').length, 0);
  assert.equal(moved.context().pull?.number, 7);
});

test('at a final session goals already reached are recorded and the rest is refused', () => {
  const session = opened();
  session.send('correct.close', { outcome: 'done' });
  for (const type of ['correct.stop', 'correct.pause', 'correct.withdraw', 'correct.unassign'] as const) {
    assert.equal(outcome(session, type, {}), 'recorded', type);
  }
  assert.equal(outcome(session, 'fyi', { text: 'late' }), 'recorded');
  assert.equal(outcome(session, 'run.released', { epoch: 1, usage: { inputTokens: 0, outputTokens: 0 } }), 'recorded');
  assert.equal(outcome(session, 'worktree.remove.done', { key: 'k' }), 'recorded');
  for (const [type, data] of [
    ['correct.retry', {}],
    ['correct.reassign', { to: 'agent/ben' }],
    ['say', { text: 'late' }],
    ['pull.observed', pull()],
    ['correct.close', { outcome: 'failed' }],
  ] as const) {
    assert.equal(outcome(session, type, data), 'refused', type);
  }
  assert.equal(session.value(), 'done');
});

test('whoever handed the work back gets it again when a correction names it', () => {
  const session = opened();
  engage(session);
  prepared(session);
  session.send('run.ended', { outcome: 'handedBack', reason: 'reviewer work' }, { epoch: 1 });
  assert.equal(session.regions()['work'], 'unassigned');
  assert.equal(session.context().owner, null);
  assert.equal(session.context().attempts.implement, 0);
  assert.deepEqual(session.told('work.wanted')[0]?.data['excluded'], ['agent/ada']);
  session.send('correct.reassign', { to: 'agent/ada' });
  assert.deepEqual(session.told('work.wanted')[0]?.data['excluded'], []);
});

/** A review by an agent is a session of its own: one verdict per head, posted, told, never owed twice. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { H1, H2, USAGE, engage, prepared, pull, work } from './session-facts.ts';
import { play } from './session-play.ts';
import type { Play } from './session-play.ts';

const UNDER = 'session/eng-42';

function reviewing(over: Parameters<typeof work>[0] = {}): Play {
  const session = play({ address: 'session/review-dev-acme-api-7' });
  session.send(
    'open',
    work({
      kind: 'review',
      deliver: 'report',
      source: { kind: 'review' },
      for: UNDER,
      target: { number: 7, head: H1 },
      ...over,
    }),
  );
  return session;
}

function judgeHead(session: Play, head: string, verdict: string, agent = 'agent/susan'): void {
  const epoch = engage(session, agent);
  prepared(session, head);
  session.send('run.started', { driver: 'scripted' }, { epoch });
  session.send(
    'run.ended',
    { outcome: 'completed', verdict: { head, verdict, body: 'b', comments: [] } },
    { epoch, source: agent },
  );
  session.send('run.released', { epoch, usage: USAGE });
  session.send('run.verified', {
    run: epoch,
    ok: true,
    evidence: { headBefore: head, headAfter: head, dirty: [], unpushed: 0, protected: [] },
  });
}

const posted = (session: Play, head: string, id = 'r1'): void =>
  void session.send(
    'review.post.done',
    { key: 'k', result: { how: 'review', posted: { as: 'susan', id } } },
    { wish: { head } },
  );

test('a review session asks for a reviewer and reads the head detached', () => {
  const session = reviewing();
  const [wanted] = session.told('work.wanted');
  assert.equal(wanted?.data['role'], 'reviewer');
  assert.equal(wanted?.data['kind'], 'review');
  engage(session, 'agent/susan');
  assert.equal(session.acts('worktree.prepare')[0]?.params['head'], H1);
});

test('the verdict is posted first and told with what GitHub accepted', () => {
  const session = reviewing();
  judgeHead(session, H1, 'request_changes');
  assert.deepEqual(
    session.acts('review.post').map(({ params }) => [params['head'], params['verdict'], params['reviewer']]),
    [[H1, 'request_changes', 'agent/susan']],
  );
  assert.equal(session.told('verdict.given').length, 0);
  assert.deepEqual(session.gates(), ['review']);
  posted(session, H1);
  const [given] = session.told('verdict.given');
  assert.equal(given?.to, UNDER);
  assert.deepEqual(given?.data['posted'], { as: 'susan', id: 'r1' });
  assert.equal(session.told('review.recorded')[0]?.to, 'agent/susan');
  assert.equal(session.regions()['work'], 'idle');
});

test('a refused post gives the verdict without a review at GitHub', () => {
  const session = reviewing();
  judgeHead(session, H1, 'approve');
  session.send(
    'review.post.failed',
    { key: 'k', code: 'UNPROCESSABLE', reason: 'own pull request' },
    { wish: { head: H1 } },
  );
  assert.equal(session.told('verdict.given')[0]?.data['posted'], undefined);
  assert.equal(session.told('review.recorded')[0]?.data['accepted'], false);
});

test('a head once judged is never owed again: its verdict is told again', () => {
  const session = reviewing();
  judgeHead(session, H1, 'approve');
  posted(session, H1);
  session.send('review.wanted', { for: UNDER, number: 7, head: H1 });
  assert.equal(session.told('verdict.given').length, 1);
  assert.equal(session.context().obligations.length, 0);
});

test('the same head wanted twice is owed once', () => {
  const session = reviewing();
  session.send('review.wanted', { for: UNDER, number: 7, head: H1 });
  assert.equal(session.context().obligations.length, 1);
});

test('a newer head replaces one that nobody has begun', () => {
  const session = reviewing();
  session.send('review.wanted', { for: UNDER, number: 7, head: H2 });
  assert.deepEqual(
    session.context().obligations.map(({ head }) => head),
    [H2],
  );
});

test('a second head is asked of the same reviewer first, as its second attempt', () => {
  const session = reviewing();
  judgeHead(session, H1, 'request_changes');
  posted(session, H1);
  session.send('review.wanted', { for: UNDER, number: 7, head: H2 });
  assert.equal(session.told('work.wanted')[0]?.data['lastOwner'], 'agent/susan');
  engage(session, 'agent/susan');
  prepared(session, H2);
  assert.equal(session.told('run.begun')[0]?.data['attempt'], 2);
  assert.equal(session.told('run.begun')[0]?.data['head'], H2);
});

test('it is not offered to the agent whose run made the head', () => {
  const session = reviewing();
  session.send('review.wanted', { for: UNDER, number: 7, head: H2, by: 'agent/ada' });
  assert.deepEqual(session.told('work.wanted')[0]?.data['excluded'], ['agent/ada']);
});

test('opened by a subscription it learns its session from the first that asks', () => {
  const session = play({ address: 'session/review-dev-acme-api-7' });
  const { for: _, ...opened } = work({
    kind: 'review',
    deliver: 'report',
    source: { kind: 'review' },
    target: { number: 7, head: H1 },
  });
  session.send('open', opened);
  judgeHead(session, H1, 'approve');
  posted(session, H1);
  assert.equal(session.told('verdict.given').length, 0);
  session.send('review.wanted', { for: UNDER, number: 7, head: H1 });
  assert.equal(session.told('verdict.given')[0]?.to, UNDER);
  assert.equal(session.told('session.changed')[0]?.to, UNDER);
});

test('a review that only a session waited for ends with that session, in whatever state it is', () => {
  const drop = { for: UNDER, number: 7 };
  const wanted = reviewing();
  assert.equal(wanted.send('review.dropped', drop).outcome, 'taken');
  assert.deepEqual([wanted.regions()['work'], wanted.told('work.unwanted').length], ['idle', 1]);
  assert.deepEqual(wanted.gates(), ['merge']);
  const running = reviewing();
  const epoch = engage(running, 'agent/susan');
  prepared(running, H1);
  running.send('review.dropped', drop);
  assert.deepEqual([running.told('run.cancelled').at(-1)?.to, running.regions()['work']], ['agent/susan', 'stopping']);
  running.send('run.released', { epoch, usage: USAGE });
  assert.deepEqual([running.regions()['work'], running.context().obligations.length], ['idle', 0]);
  // Another session of the same pull request may want it after all.
  running.send('review.wanted', { for: 'session/eng-42-2', number: 7, head: H1 });
  assert.equal(running.told('work.wanted').length, 1);
});

test('a review that a subscription waits for too goes on for it alone', () => {
  const session = reviewing();
  session.send('review.wanted', { for: 'agent/susan', number: 7, head: H1 });
  session.send('review.dropped', { for: UNDER, number: 7 });
  assert.equal(session.context().obligations.length, 1);
  assert.equal(session.send('review.dropped', { for: UNDER, number: 7 }).outcome, 'recorded');
});

test('a verdict that is there when its session ends is posted', () => {
  const session = reviewing();
  const epoch = engage(session, 'agent/susan');
  prepared(session, H1);
  const verdict = { head: H1, verdict: 'approve', body: 'b', comments: [] };
  session.send('run.ended', { outcome: 'completed', verdict }, { epoch, source: 'agent/susan' });
  session.send('review.dropped', { for: UNDER, number: 7 });
  session.send('run.released', { epoch, usage: USAGE });
  session.send('run.verified', {
    run: epoch,
    ok: true,
    evidence: { headBefore: H1, headAfter: H1, dirty: [], unpushed: 0, protected: [] },
  });
  assert.equal(session.acts('review.post').length, 1);
});

test('who waits for a verdict is no evidence in the prompt', () => {
  const session = reviewing();
  engage(session, 'agent/susan');
  prepared(session, H1);
  const [begun] = session.told('run.begun');
  assert.equal(Object.keys(begun!.data['prompt'] as object).includes('evidence'), false);
});

test('it ends with the pull request', () => {
  for (const over of [{ merged: true }, { closedBy: { login: 'maria', kind: 'person' as const } }]) {
    const session = reviewing();
    session.send('pull.observed', pull({ state: 'closed', ...over }));
    assert.equal(session.value(), 'done');
  }
});

test('it holds one claim, and none when it is over', () => {
  const session = reviewing();
  assert.deepEqual(session.live()?.state.claims, ['review:dev:acme/api#7']);
  session.send('pull.observed', pull({ state: 'closed', merged: true }));
  assert.deepEqual(session.live()?.state.claims, []);
});

test('a verdict for another head than the one owed is tried once more, then parked', () => {
  const session = reviewing();
  for (const attempt of [1, 2]) {
    const epoch = engage(session, 'agent/susan');
    prepared(session, H1);
    assert.equal(session.told('run.begun')[0]?.data['attempt'], attempt);
    session.send('run.ended', { outcome: 'completed' }, { epoch });
    session.send('run.released', { epoch, usage: USAGE });
    session.send('run.verified', {
      run: epoch,
      ok: false,
      evidence: { headBefore: H1, headAfter: H1, dirty: [], unpushed: 0, protected: [] },
    });
  }
  assert.equal(session.regions()['work'], 'escalated');
  assert.equal(session.phase(), 'escalated');
});

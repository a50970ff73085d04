/** What the simulation found, each as the shortest story that showed it. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { H1, REVIEW, green, pictured, pull, work, work1 } from './session-facts.ts';
import { play } from './session-play.ts';
import type { Play } from './session-play.ts';

/** A session whose pull request is open and whose review is asked for. */
function underReview(over: Parameters<typeof work>[0] = {}): Play {
  const session = play();
  session.send('open', work(over));
  work1(session, { headBefore: '0000000', headAfter: H1, pull: 7 }, 'agent/ada', '0000000');
  session.send('pull.observed', pull({ gate: green }));
  return session;
}

test('a pull request opened again is reviewed again, though its review session ended with it', () => {
  const session = underReview();
  session.send('pull.observed', pull({ state: 'closed', closedBy: { login: 'maria', kind: 'person' } }));
  pictured(session, null, { phase: 'done', value: 'done' });
  session.send('correct.obligation.drop', { id: session.context().obligations[0]!.id });
  session.send('pull.observed', pull({ gate: green }));
  assert.deepEqual(
    session.told('review.wanted').map(({ to }) => to),
    [`${REVIEW}-2`],
  );
});

test('a review session that saw an end nobody else saw is replaced, and the pull request looked at', () => {
  const session = underReview();
  const { look } = session.context();
  pictured(session, null, { phase: 'done', value: 'done' });
  assert.equal(session.told('review.wanted')[0]?.to, `${REVIEW}-2`);
  assert.equal(session.context().look, look + 1);
});

test('agents asked instead of people are really asked', () => {
  const session = underReview({ reviewers: 'people' });
  assert.equal(session.told('review.wanted').length, 0);
  session.send('correct.reviewer.replace', { to: 'role/reviewer' });
  assert.equal(session.told('review.wanted')[0]?.to, REVIEW);
});

test('while the work is withdrawn, no review is said to be asked for when a run has ended', () => {
  const session = play();
  session.send('open', work());
  session.send('correct.withdraw', {});
  session.send('pull.observed', pull({ headBy: 'other', gate: green }));
  assert.deepEqual(session.gates(), ['withdrawn']);
});

test('a conflict of our own that a person dropped waits for a person, not for itself', () => {
  const session = underReview();
  session.send('pull.observed', pull({ gate: green, conflict: true }));
  const owed = session.context().obligations.find(({ kind }) => kind === 'upkeep');
  session.send('correct.obligation.drop', { id: owed!.id });
  const wait = session.waitingOn().find(({ gate }) => gate === 'upkeep');
  assert.equal(wait?.on, 'person/operator');
});

test('a review session between verdicts waits for GitHub, whatever became of the session under review', () => {
  const session = play({ address: REVIEW });
  const target = { number: 7, head: H1 };
  session.send(
    'open',
    work({ kind: 'review', deliver: 'report', source: { kind: 'review' }, for: 'session/x', target }),
  );
  session.send('correct.obligation.drop', { id: session.context().obligations[0]!.id });
  assert.deepEqual(
    session.waitingOn().map(({ gate, on }) => `${gate} ${on}`),
    ['merge external/github'],
  );
});

test('a review whose session waits for a person waits for that person, not for a reviewer who has gone', () => {
  const session = underReview();
  const theirs = {
    gate: 'human',
    on: 'person/operator',
    since: session.now(),
    until: null,
    detail: 'parked',
    moves: [],
  };
  pictured(session, 'agent/susan', { waitingOn: [theirs] });
  assert.equal(session.waitingOn().find(({ gate }) => gate === 'review')?.on, 'person/operator');
});

test('work whose implementation a person dropped waits for a person, not for a pull request that nobody opened', () => {
  const session = play();
  session.send('open', work());
  session.send('say', { text: 'Please mind the tests.' });
  session.send('correct.obligation.drop', {
    id: session.context().obligations.find(({ kind }) => kind === 'implement')!.id,
  });
  work1(session, { headBefore: '0000000', headAfter: '0000000' }, 'agent/ada', '0000000');
  assert.deepEqual(
    session.waitingOn().map(({ gate, on, detail }) => [gate, on, detail]),
    [['human', 'person/operator', 'nothing is owed: say what to do, or close it']],
  );
});

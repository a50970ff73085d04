/** The laws a session keeps, each with the defect it rules out. */
import assert from 'node:assert/strict';
import test from 'node:test';
import {
  H1,
  H2,
  H3,
  USAGE,
  end,
  engage,
  green,
  issue,
  pending,
  prepared,
  pull,
  red,
  review,
  run,
  verdict,
  verified,
  work,
} from './session-facts.ts';
import { play } from './session-play.ts';
import type { Play } from './session-play.ts';

const opened = (over: Parameters<typeof work>[0] = {}): Play => {
  const session = play();
  session.send('open', work(over));
  return session;
};
const delivered = (over: Parameters<typeof pull>[0] = {}, how: Parameters<typeof work>[0] = {}): Play => {
  const session = opened(how);
  run(session);
  end(session);
  verified(session, { pull: 7 });
  session.send('pull.observed', pull(over));
  return session;
};
const kinds = (session: Play): string[] => session.context().obligations.map(({ kind }) => kind);

/** One repair run that ends without moving the head. */
function failsToMove(session: Play, head: string): void {
  run(session, { head });
  end(session);
  verified(session, { headBefore: head, headAfter: head }, false);
}

// ── law 2: epochs

test('every offer and every end that is not the run’s own has its own epoch', () => {
  const session = opened();
  session.send('work.matched', { agent: 'agent/ada', want: 1 });
  assert.equal(session.context().epoch, 1);
  session.send('offer.declined', { reason: 'busy' }, { epoch: 1 });
  assert.equal(session.context().epoch, 2);
  session.send('work.matched', { agent: 'agent/ada', want: 2 });
  session.fire('offer');
  assert.equal(session.context().epoch, 4);
  assert.equal(session.told('offer.settled')[0]?.data['outcome'], 'timedOut');
  run(session);
  assert.equal(session.context().epoch, 5);
  end(session);
  verified(session, { pull: 7 });
  assert.equal(session.context().epoch, 5, 'its own end leaves the epoch');
});

test('a match for an earlier want is superseded', () => {
  const session = opened();
  session.send('correct.reassign', { to: 'agent/ben' });
  assert.equal(session.offer('work.matched', { agent: 'agent/ada', want: 1 }).outcome, 'superseded');
  assert.equal(session.offer('work.matched', { agent: 'agent/ben', want: 2 }).outcome, 'taken');
});

test('a worktree prepared for an earlier epoch begins nothing', () => {
  const session = opened();
  engage(session);
  session.send('correct.unassign', {});
  session.send('run.released', { epoch: 1, usage: USAGE });
  engage(session);
  session.send('worktree.prepared', { path: '/w', branch: 'b', head: H1 }, { wish: { epoch: 1 } });
  assert.equal(session.regions()['work'], 'preparing');
});

test('after an accepted offer the next run is prepared only when the process of the first is gone', () => {
  const session = opened();
  run(session);
  session.send('run.ended', { outcome: 'handedBack', reason: 'not mine' }, { epoch: 1 });
  session.send('work.matched', { agent: 'agent/ben', want: session.context().want!.number });
  session.send('offer.accepted', {}, { epoch: 2 });
  assert.equal(session.regions()['work'], 'stopping');
  assert.deepEqual(session.gates(), ['stopping']);
  session.send('run.released', { epoch: 1, usage: USAGE });
  assert.equal(session.regions()['work'], 'preparing');
  assert.equal(session.acts('worktree.prepare')[0]?.params['fresh'], false);
});

test('a process that does not go in time leaves its directory behind; the next run gets a new one', () => {
  const session = opened();
  run(session);
  session.send('correct.unassign', {});
  session.fire('release');
  assert.equal(session.regions()['work'], 'unassigned');
  engage(session, 'agent/ben');
  assert.equal(session.acts('worktree.prepare')[0]?.params['fresh'], true);
  assert.deepEqual(session.context().worktree?.left, ['/w']);
});

// ── law 5 and 10: loss

test('a lost worker is an event: back off, longer each time, after five restarts parked', () => {
  const session = opened();
  const waits: number[] = [];
  for (let n = 1; n <= 5; n++) {
    run(session);
    const { epoch } = session.context();
    session.send('run.released', { epoch, usage: USAGE });
    session.send('agent.gone', { class: 'crash', reason: 'died' }, { epoch });
    assert.equal(session.regions()['work'], 'backingOff');
    assert.equal(session.context().owner, null);
    waits.push(session.context().backoff!.ms);
    session.fire('backoff');
    assert.equal(session.regions()['work'], 'unassigned');
  }
  assert.deepEqual(waits, [15_000, 30_000, 60_000, 120_000, 240_000]);
  run(session);
  session.send('agent.gone', { class: 'crash', reason: 'died' }, { epoch: session.context().epoch });
  assert.equal(session.regions()['work'], 'escalated');
  assert.equal(session.phase(), 'escalated');
  session.send('correct.budget.set', { kind: 'restarts', limit: 5 });
  assert.equal(session.regions()['work'], 'unassigned');
});

test('an agent that is stopped or let go is no failure: the work is wanted again at once', () => {
  const session = opened();
  run(session);
  session.send('agent.gone', { class: 'offboarded', reason: 'let go' }, { epoch: 1 });
  assert.equal(session.regions()['work'], 'unassigned');
  assert.equal(session.told('work.wanted').length, 1);
  assert.equal(session.context().restarts, 0);
  assert.equal(session.told('run.cancelled').length, 0);
});

test('a usage limit burns no attempt and waits until the time the provider names', () => {
  const session = opened();
  run(session);
  session.send('run.ended', { outcome: 'limited', until: '2026-01-05T12:00:00.000Z' }, { epoch: 1 });
  assert.equal(session.regions()['work'], 'backingOff');
  assert.deepEqual(
    session.waitingOn().map(({ gate, until }) => [gate, until]),
    [['provider', '2026-01-05T12:00:00.000Z']],
  );
  assert.equal(session.context().attempts.implement, 0);
  session.fire('backoff');
  assert.equal(session.told('work.wanted').length, 1);
});

test('a limit without a named time backs off 2, 5, 10 minutes with jitter', () => {
  const session = opened();
  for (const seconds of [120, 300, 600, 600]) {
    run(session);
    const { epoch } = session.context();
    session.send('run.ended', { outcome: 'limited' }, { epoch });
    session.send('run.released', { epoch, usage: USAGE });
    const { ms } = session.context().backoff!;
    assert.ok(ms >= seconds * 1_000 && ms <= seconds * 1_200, `${ms}`);
    session.fire('backoff');
  }
});

// ── law 8: obligations

test('review feedback is not consumed by a repair of the checks', () => {
  const session = delivered();
  verdict(session, H1, 'request_changes');
  session.send('pull.observed', pull({ gate: red() }));
  assert.deepEqual(kinds(session), ['review', 'checks']);
  run(session);
  assert.equal(session.context().run?.for, 'checks');
  end(session);
  session.send('pull.observed', pull({ head: H2 }));
  verified(session, { headBefore: H1, headAfter: H2 });
  assert.deepEqual(kinds(session), ['review']);
  assert.equal(session.told('work.wanted').length, 1);
});

test('an obligation for checks lapses when the head moves, one for review does not', () => {
  const session = delivered({ gate: red() });
  verdict(session, H1, 'request_changes');
  session.send('pull.observed', pull({ head: H2, headBy: 'other' }));
  assert.deepEqual(kinds(session), ['review']);
});

test('the same failure on the same head opens nothing twice, also after it was answered', () => {
  const session = delivered({ gate: red() });
  session.send('pull.observed', pull({ gate: red() }));
  assert.deepEqual(kinds(session), ['checks']);
  run(session);
  end(session);
  verified(session, { headBefore: H1, headAfter: H2 });
  session.send('pull.observed', pull({ gate: red() }));
  assert.deepEqual(kinds(session), [], 'the old head is still shown red for a moment');
});

test('an attempt that does not move the head parks its obligation with the reason; another failure un-parks it', () => {
  const session = delivered({ gate: red() });
  failsToMove(session, H1);
  assert.equal(session.regions()['work'], 'escalated');
  assert.match(session.context().obligations[0]!.parked!.reason, /head did not move/);
  assert.equal(session.acts('help.ask').length, 1);
  session.send('pull.observed', pull({ gate: red() }));
  assert.equal(session.acts('help.ask').length, 0);
  assert.equal(session.regions()['work'], 'escalated');
  session.send('pull.observed', pull({ gate: red('Lint') }));
  assert.equal(session.regions()['work'], 'unassigned');
});

test('an implementation that left something behind is tried once more in the same worktree, then parked', () => {
  const session = opened();
  run(session);
  end(session);
  verified(session, { dirty: ['a.ts'] }, false);
  engage(session);
  assert.equal(session.acts('worktree.prepare')[0]?.params['keep'], true);
  prepared(session);
  const begun = session.told('run.begun')[0]!.data;
  assert.equal(begun['attempt'], 2);
  assert.match(JSON.stringify(begun['prompt']), /a\.ts/);
  session.send('run.started', { driver: 'scripted' }, { epoch: 2 });
  end(session);
  verified(session, { dirty: ['a.ts'] }, false);
  assert.equal(session.phase(), 'escalated');
  assert.match(session.context().obligations[0]!.parked!.reason, /a\.ts/);
});

test('a protected path that was changed parks the work and asks a person', () => {
  const session = opened();
  run(session);
  end(session);
  verified(session, { protected: ['.github/workflows/ci.yml'], pull: 7 }, false);
  assert.equal(session.regions()['work'], 'escalated');
  assert.ok(session.acts('help.ask').length > 0);
});

test('a steered text is discharged when the conversation took it, and stays owed when not', () => {
  const session = opened();
  run(session);
  session.send('say', { text: 'name it' });
  const [steered] = session.told('run.steered');
  assert.equal(steered?.data['text'], 'name it');
  session.send('steer.settled', { say: steered?.data['say'], taken: false }, { epoch: 1 });
  assert.deepEqual(kinds(session), ['implement', 'answer']);
  session.send('steer.settled', { say: steered?.data['say'], taken: true }, { epoch: 1 });
  assert.deepEqual(kinds(session), ['implement']);
});

test('all waiting texts ride along with a repair, in order, and are discharged only if it ended well', () => {
  const session = delivered({ gate: red() });
  session.send('say', { text: 'A' });
  session.send('say', { text: 'B' });
  engage(session);
  prepared(session);
  const prompt = session.told('run.begun')[0]?.data['prompt'] as { texts: { text: string }[] };
  assert.equal(session.context().run?.for, 'checks');
  assert.deepEqual(
    prompt.texts.map(({ text }) => text),
    ['A', 'B'],
  );
  const { epoch } = session.context();
  session.send('run.ended', { outcome: 'interrupted' }, { epoch });
  assert.deepEqual(kinds(session), ['checks', 'answer', 'answer']);
  session.send('run.released', { epoch, usage: USAGE });
  run(session);
  end(session);
  verified(session, { headBefore: H1, headAfter: H2 });
  assert.deepEqual(kinds(session), []);
});

// ── law 9: verdicts belong to a head

test('a verdict for another head is recorded and does not move the gate', () => {
  const session = delivered({ head: H2 });
  assert.equal(verdict(session, H1, 'approve').outcome, 'recorded');
  assert.equal(verdict(session, H1, 'request_changes', { posted: { as: 's', id: 'r9' } }).outcome, 'recorded');
  assert.equal(session.regions()['review'], 'wanted');
  assert.deepEqual(kinds(session), []);
});

test('an approval carries over to our own heads, not to another’s, and never where stale ones are dismissed', () => {
  const ours = delivered();
  verdict(ours, H1, 'approve');
  ours.send('pull.observed', pull({ head: H2 }));
  assert.equal(ours.regions()['review'], 'approved');
  ours.send('pull.observed', pull({ head: H3, headBy: 'other' }));
  assert.equal(ours.regions()['review'], 'wanted');
  const every = delivered({}, { gates: { checks: ['Tests'], review: 'everyHead' } });
  verdict(every, H1, 'approve');
  every.send('pull.observed', pull({ head: H2 }));
  assert.equal(every.regions()['review'], 'wanted');
  assert.equal(every.told('review.wanted')[0]?.data['head'], H2);
});

test('a verdict told and the same review seen are one fact, whichever comes first', () => {
  const posted = { as: 'susan', id: 'r1' };
  const told = delivered();
  verdict(told, H1, 'request_changes', { posted });
  const again = told.send('pull.observed', pull({ reviews: [review({ id: 'r1', author: 'susan' })] }));
  assert.equal(again.outcome, 'recorded');
  assert.deepEqual(kinds(told), ['review']);
  const seen = delivered();
  seen.send('pull.observed', pull({ reviews: [review({ id: 'r1', author: 'susan' })] }));
  assert.equal(seen.regions()['review'], 'changesRequested');
  assert.equal(verdict(seen, H1, 'request_changes', { posted }).outcome, 'recorded');
  assert.deepEqual(kinds(seen), ['review']);
});

test('an approval posted as a comment under our own name counts all the same', () => {
  const session = delivered();
  session.send('pull.observed', pull({ reviews: [review({ id: 'c1', author: 'bot', verdict: 'comment' })] }));
  verdict(session, H1, 'approve', { posted: { as: 'bot', id: 'c1' } });
  assert.equal(session.regions()['review'], 'approved');
});

test('requested changes end when their reviewer approves, dismisses or judges again', () => {
  const approved = delivered({ reviews: [review()] });
  assert.deepEqual(kinds(approved), ['review']);
  approved.send('pull.observed', pull({ reviews: [review(), review({ id: 'r2', verdict: 'approve' })] }));
  assert.deepEqual(kinds(approved), []);
  assert.equal(approved.regions()['review'], 'approved');
  const dismissed = delivered({ reviews: [review()] });
  dismissed.send('pull.observed', pull({ reviews: [review({ verdict: 'dismissed' })] }));
  assert.deepEqual(kinds(dismissed), []);
  assert.equal(dismissed.regions()['review'], 'wanted');
});

test('a verdict that is only a comment leaves the gate to a person and asks for help', () => {
  const session = delivered();
  verdict(session, H1, 'comment');
  assert.equal(session.regions()['review'], 'requested');
  assert.equal(session.acts('help.ask').length, 1);
  assert.ok(session.waitingOn().some(({ gate, on }) => gate === 'review' && on?.startsWith('person/')));
});

// ── law 10: budgets

test('a counter goes back when its gate turns good, never because our own run pushed', () => {
  const session = delivered();
  const heads = [H1, H2, H3, '4444444ddd', '5555555eee'];
  for (let n = 0; n < 3; n++) {
    session.send('pull.observed', pull({ head: heads[n]!, gate: red() }));
    run(session, { head: heads[n]! });
    assert.equal(session.context().run?.attempt, n + 1);
    end(session);
    session.send('pull.observed', pull({ head: heads[n + 1]! }));
    verified(session, { headBefore: heads[n]!, headAfter: heads[n + 1]! });
  }
  assert.equal(session.context().attempts.checks, 3);
  session.send('pull.observed', pull({ head: heads[3]!, gate: red() }));
  assert.equal(session.phase(), 'escalated');
  assert.equal(session.acts('help.ask').length, 1);
  session.send('pull.observed', pull({ head: heads[3]!, gate: green }));
  assert.equal(session.context().attempts.checks, 0);
  assert.deepEqual(kinds(session), []);
});

test('a person who moves the head gives every repair its budget back', () => {
  const session = delivered({ gate: red() });
  session.send('correct.budget.set', { kind: 'checks', limit: 1 });
  failsToMove(session, H1);
  assert.equal(session.phase(), 'escalated');
  session.send('pull.observed', pull({ head: H2, headBy: 'other', gate: red() }));
  assert.equal(session.context().attempts.checks, 0);
  assert.equal(session.regions()['work'], 'unassigned');
});

test('spent tokens park everything until the budget is raised', () => {
  const session = opened({ budgets: { tokens: 100 } });
  run(session);
  end(session);
  verified(session, { dirty: ['a'] }, false);
  assert.equal(session.regions()['work'], 'escalated');
  assert.match(session.context().obligations[0]!.parked!.reason, /tokens/);
  session.send('correct.budget.set', { kind: 'tokens', limit: 1_000 });
  assert.equal(session.regions()['work'], 'unassigned');
});

// ── law 11: guards on everything

test('nothing starts, is asked or merged while paused, withdrawn or held', () => {
  const holds: [Parameters<Play['send']>, Parameters<Play['send']>][] = [
    [
      ['correct.pause', {}],
      ['correct.resume', {}],
    ],
    [
      ['correct.withdraw', {}],
      ['correct.delegate', {}],
    ],
    [
      ['start.held', { by: ['paused'] }],
      ['start.freed', {}],
    ],
  ];
  for (const [hold, free] of holds) {
    const session = delivered();
    verdict(session, H1, 'approve');
    session.send(...hold);
    session.send('pull.observed', pull({ gate: green }));
    assert.equal(session.acts('pull.merge').length, 0, hold[0]);
    session.send('pull.observed', pull({ gate: red() }));
    assert.equal(session.told('work.wanted').length, 0, hold[0]);
    session.send('pull.observed', pull({ gate: green }));
    session.send(...free);
    assert.equal(session.acts('pull.merge').length, 1, free[0]);
  }
});

// ── law 12: the same fact, the same future

test('an observation that says nothing new, or something older, moves nothing', () => {
  const session = delivered({ gate: green, updatedAt: '2026-02-01T10:00:00.000Z' });
  const same = session.send('pull.observed', pull({ gate: green, updatedAt: '2026-02-01T10:00:01.000Z' }));
  assert.equal(same.outcome, 'recorded');
  const older = session.send('pull.observed', pull({ head: H2, gate: red(), updatedAt: '2026-02-01T09:00:00.000Z' }));
  assert.equal(older.outcome, 'recorded');
  assert.equal(session.context().pull?.head, H1);
});

const TWINS: [string, Parameters<typeof pull>[0]][] = [
  ['review_approved', { reviews: [review({ verdict: 'approve' })] }],
  ['review_changes_requested', { reviews: [review()] }],
  ['review_commented', { reviews: [review({ verdict: 'comment' })] }],
  ['check_pending', { gate: pending }],
  ['check_failed', { gate: red() }],
  ['check_passed', { gate: green }],
  ['eviction', { queue: { state: 'evicted', incident: { check: 'queue', head: H1 } } }],
  ['synchronize', { head: H2 }],
  ['conflict', { conflict: true }],
  ['closed', { state: 'closed', closedBy: { login: 'maria', kind: 'person' } }],
  ['merged', { state: 'closed', merged: true }],
];

for (const [name, fact] of TWINS) {
  test(`told by a hook or found by polling, ${name} has the same future`, () => {
    const hooked = delivered();
    hooked.send('pull.observed', pull(fact));
    if (!hooked.final()) hooked.send('pull.observed', pull(fact));
    const polled = delivered();
    polled.send('pull.observed', pull(fact));
    assert.deepEqual(hooked.value(), polled.value());
    assert.equal(hooked.phase(), polled.phase());
    assert.deepEqual(
      hooked.context().obligations.map(({ kind, head, signature }) => [kind, head, signature]),
      polled.context().obligations.map(({ kind, head, signature }) => [kind, head, signature]),
    );
  });
}

// ── law 13 and 14

test('claims are held while the session is open and gone when it is not', () => {
  const session = play();
  session.send('issue.observed', issue());
  assert.deepEqual(session.live()?.state.claims, ['branch:acme/api/chartroom/eng-42-add-hello', 'source:ENG-42']);
  session.send('pull.observed', pull());
  assert.ok(session.live()?.state.claims.includes('pull:acme/api#7'));
  session.send('pull.observed', pull({ state: 'closed', merged: true }));
  assert.deepEqual(session.live()?.state.claims, []);
});

test('its mission is told every change of its picture, and nothing else', () => {
  const session = opened({ mission: 'mission/m1', item: 'a' });
  assert.deepEqual(
    session.told('session.changed').map(({ to }) => to),
    ['mission/m1'],
  );
  assert.deepEqual(session.gates(), ['dependency']);
  session.send('start.freed', {});
  assert.equal(session.told('session.changed').length, 1);
  session.send('comment.observed', {
    comment: 'c1',
    on: 'issue',
    author: { login: 'x', kind: 'bot' },
    text: 'beep',
    url: 'u',
  });
  assert.equal(session.told('session.changed').length, 0);
});

test('a session without a mission asks for help when nobody takes its work, later and later', () => {
  const session = opened();
  session.send('work.unmatched', { want: 1, role: 'implementer', ruledOut: [], slot: false });
  assert.deepEqual(
    session.waitingOn().map(({ gate, on }) => [gate, on]),
    [['agent', null]],
  );
  const before = Date.parse(session.now());
  session.fire('help');
  assert.equal(session.acts('help.ask').length, 1);
  const first = Date.parse(session.now()) - before;
  const again = Date.parse(session.now());
  session.fire('help');
  assert.equal(session.acts('help.ask').length, 1);
  assert.ok(Date.parse(session.now()) - again > first);
  engage(session);
  assert.equal(session.context().help, null);
});

test('a session without a mission asks at once when nobody who is hired will ever take it, and then later and later', () => {
  const session = opened();
  session.send('work.unmatched', { want: 1, role: 'implementer', ruledOut: [], slot: false, nobody: true });
  assert.equal(session.acts('help.ask').length, 1);
  const before = Date.parse(session.now());
  const susan = { agent: 'agent/susan', why: 'a reviewer does not take implement work' };
  session.send('work.unmatched', { want: 1, role: 'implementer', ruledOut: [susan], slot: false, nobody: true });
  assert.deepEqual(session.acts('help.ask'), [], 'the cause is the same');
  session.fire('help');
  assert.equal(session.acts('help.ask').length, 1);
  assert.equal(Date.parse(session.now()) - before, 1_800_000);
});

test('of an item, and of the review of one, the session itself asks nobody', () => {
  const item = opened({ mission: 'mission/m1', item: 'a' });
  item.send('start.freed', {});
  item.send('work.unmatched', { want: 1, role: 'implementer', ruledOut: [], slot: false, nobody: true });
  assert.deepEqual(item.acts('help.ask'), []);
});

test('a named check that stays silent is asked about, once per head', () => {
  const session = delivered({ gate: { state: 'pending', checks: [], failures: [] } });
  session.fire('check');
  assert.equal(session.acts('help.ask').length, 1);
  assert.ok(session.waitingOn().some(({ gate, detail }) => gate === 'checks' && detail.includes('Tests')));
  assert.ok(!session.timers().includes('open.checks.pending:check'));
});

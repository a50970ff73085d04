/** What GitHub does beside the straight way: checks that flake or stay silent, reviews dismissed, people not asked. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { STATUS_DAYS } from '../../src/bridge/status-link.ts';
import {
  H1,
  H2,
  end,
  green,
  issue,
  pending,
  pull,
  red,
  review,
  run,
  verdict,
  verified,
  work,
} from './session-facts.ts';
import type { Gate } from './session-facts.ts';
import { play } from './session-play.ts';
import type { Play } from './session-play.ts';

function delivered(over: Parameters<typeof pull>[0] = {}, how: Parameters<typeof work>[0] = {}): Play {
  const session = play();
  session.send('open', work(how));
  run(session);
  end(session);
  verified(session, { pull: 7 });
  session.send('pull.observed', pull(over));
  return session;
}
const again = (gate: Gate, url: string): Gate => ({ ...gate, checks: gate.checks.map((check) => ({ ...check, url })) });
const owed = (session: Play): string[] => session.context().obligations.map(({ kind }) => kind);

test('where the repository says so, red checks of a head are run again once, and owed if they are red again', () => {
  const session = delivered({ gate: red() }, { rerun: 'once' });
  assert.deepEqual(session.acts('check.rerun')[0]?.params, { repo: 'acme/api', head: H1 });
  assert.deepEqual(owed(session), []);
  assert.match(session.waitingOn().find(({ gate }) => gate === 'checks')?.detail ?? '', /run again/);

  session.send('pull.observed', pull({ gate: red(), title: 'Another title' }));
  assert.deepEqual(owed(session), [], 'the same reports: it has yet to begin');
  session.send('pull.observed', pull({ gate: again(red(), 'u2') }));
  assert.deepEqual(session.acts('check.rerun'), []);
  assert.deepEqual(owed(session), ['checks']);

  session.send('pull.observed', pull({ head: H2, gate: red() }));
  assert.equal(session.acts('check.rerun').length, 1, 'another head has its own');
});

test('a flake that is green the second time is nobody’s work', () => {
  const session = delivered({ gate: red() }, { rerun: 'once' });
  session.send('pull.observed', pull({ gate: again(pending, 'u2') }));
  session.send('pull.observed', pull({ gate: again(green, 'u2') }));
  assert.deepEqual(owed(session), []);
  assert.deepEqual(session.context().attempts.checks, 0);
  session.send('pull.observed', pull({ gate: again(red(), 'u3') }));
  assert.deepEqual(owed(session), ['checks'], 'once per head');
});

test('red checks that cannot be run again, or of which nothing comes, are owed as they were', () => {
  const refused = delivered({ gate: red('lint', 'oxlint') }, { rerun: 'once' });
  refused.send(
    'check.rerun.failed',
    { key: 'k', code: 'GITHUB_CHECK_NOT_FOUND', reason: 'no such check run' },
    { wish: { repo: 'acme/api', head: H1 } },
  );
  const silent = delivered({ gate: red('lint', 'oxlint') }, { rerun: 'once' });
  silent.fire('check');
  for (const session of [refused, silent]) {
    assert.deepEqual(owed(session), ['checks']);
    assert.equal(session.context().obligations[0]?.signature, `branch_ci::${H1}::lint::oxlint`);
  }
});

test('without that setting red checks are owed at once', () => {
  const session = delivered({ gate: red() });
  assert.deepEqual(session.acts('check.rerun'), []);
  assert.deepEqual(owed(session), ['checks']);
});

test('a head on which nothing reports at all is asked about, and a person’s to decide', () => {
  const session = delivered(
    { gate: { state: 'unknown', checks: [], failures: [] } },
    { gates: { checks: 'required' } },
  );
  assert.notEqual(session.waitingOn().find(({ gate }) => gate === 'checks')?.until, null);
  session.fire('check');
  assert.equal(session.acts('help.ask').length, 1);
  const wait = session.waitingOn().find(({ gate }) => gate === 'checks');
  assert.equal(wait?.on, 'person/operator');
  assert.match(wait?.detail ?? '', /any check/);
  assert.equal(wait?.until, null, 'its time is over');
});

test('a check that the branch requires and that stays silent is named', () => {
  const checks = [
    { name: 'Tests', conclusion: 'success', url: 'u' },
    { name: 'Deploy', conclusion: null, url: null },
  ];
  const session = delivered({ gate: { state: 'pending', checks, failures: [] } }, { gates: { checks: 'required' } });
  session.fire('check');
  assert.match(session.waitingOn().find(({ gate }) => gate === 'checks')?.detail ?? '', /of Deploy on/);
});

test('checks that only take their time are waited for without an end in the past', () => {
  const session = delivered({ gate: pending });
  session.fire('check');
  assert.deepEqual(session.acts('help.ask'), []);
  assert.equal(session.waitingOn().find(({ gate }) => gate === 'checks')?.until, null);
});

test('a person’s review that is dismissed asks for nothing, and its reviewer is asked again', () => {
  const session = delivered({ gate: green, reviews: [review()] }, { reviewers: 'people' });
  assert.deepEqual(owed(session), ['review']);
  session.send('pull.observed', pull({ gate: green, reviews: [review({ verdict: 'dismissed' })] }));
  assert.deepEqual(owed(session), []);
  assert.equal(session.regions()['review'], 'requested');
  assert.ok(session.waitingOn().some(({ gate }) => gate === 'review'));
});

test('an agent’s review that is dismissed leaves the head to a person: it is not judged twice', () => {
  const session = delivered({ gate: green });
  verdict(session, H1, 'request_changes', { posted: { as: 'susan', id: 'r9' } });
  session.send(
    'pull.observed',
    pull({ gate: green, reviews: [review({ id: 'r9', author: 'susan', verdict: 'dismissed' })] }),
  );
  assert.deepEqual(owed(session), []);
  assert.deepEqual(session.told('review.wanted'), []);
  const wait = session.waitingOn().find(({ gate }) => gate === 'review');
  assert.equal(wait?.on, 'person/operator');
  assert.match(wait?.detail ?? '', /dismissed/);
  assert.equal(session.acts('help.ask').length, 1);
});

test('whoever GitHub does not ask for a review is not waited for', () => {
  const session = delivered({ gate: green });
  session.send('correct.reviewer.replace', { to: 'person/stranger' });
  assert.deepEqual(session.acts('review.request')[0]?.params['logins'], ['stranger']);
  session.send('review.request.failed', { key: 'k', code: 'GITHUB_INVALID', reason: 'stranger is no collaborator' });
  const wait = session.waitingOn().find(({ gate }) => gate === 'review');
  assert.equal(wait?.on, 'person/operator');
  assert.match(wait?.detail ?? '', /no collaborator/);
  assert.equal(session.acts('help.ask').length, 1);

  session.send('correct.reviewer.replace', { to: 'person/maintainer' });
  assert.equal(session.waitingOn().find(({ gate }) => gate === 'review')?.on, 'person/maintainer');
});

test('an attached number that is no pull request here is let go of, shown, and asked about; the one before stays', () => {
  const session = delivered({ gate: green }, { reviewers: 'people' });
  session.send('pull.observed', pull({ gate: green, reviews: [review({ verdict: 'approve' })] }));
  session.send('correct.pull.attach', { number: 99 });
  assert.equal(session.context().number, 99);
  session.send('pull.missed', { number: 99, reason: 'it comes from stranger/api, not from acme/api' });
  assert.equal(session.context().number, 7);
  assert.equal(session.acts('help.ask').length, 1);
  assert.match(session.waitingOn().find(({ gate }) => gate === 'merge')?.detail ?? '', /#99 .*stranger/);

  assert.equal(session.regions()['review'], 'approved', 'nothing of the one before is forgotten');
  assert.equal(
    session.offer('pull.missed', { number: 7, reason: 'not found' }).outcome,
    'recorded',
    'out of sight only',
  );
  assert.equal(session.context().number, 7);
});

const plans = (session: Play): string[][] =>
  session
    .acts('linear.plan')
    .map(({ params }) => (params['steps'] as { status: string }[]).map(({ status }) => status));

test('the plan at Linear follows every step of the work, also where only GitHub moved', () => {
  const session = play();
  session.send('issue.observed', issue({ agentSession: 's1' }));
  assert.deepEqual(plans(session), [['inProgress', 'pending', 'pending', 'pending']]);
  run(session);
  end(session);
  verified(session, { pull: 7 });
  session.send('pull.observed', pull());
  assert.deepEqual(plans(session), [['completed', 'completed', 'inProgress', 'pending']]);
  verdict(session, H1, 'approve');
  assert.deepEqual(plans(session), []);
  session.send('pull.observed', pull({ gate: green }));
  assert.deepEqual(plans(session), [['completed', 'completed', 'completed', 'inProgress']]);
  session.send('pull.observed', pull({ gate: again(pending, 'u2') }));
  assert.deepEqual(plans(session), [['completed', 'completed', 'inProgress', 'pending']]);
  session.send('correct.close', { outcome: 'cancelled' });
  assert.deepEqual(plans(session), [['completed', 'completed', 'canceled', 'canceled']]);
});

test('stopped, the agent session hears of it once and is asked how to go on', () => {
  const session = play();
  session.send('issue.observed', issue({ agentSession: 's1' }));
  run(session);
  session.send('correct.stop', { reason: 'maintainer pressed stop' });
  const said = session.acts('linear.say').map(({ params }) => params['activity'] as { type: string; body: string });
  assert.deepEqual(
    said.map(({ type }) => type),
    ['elicitation'],
  );
  assert.match(said[0]?.body ?? '', /maintainer pressed stop/);
  session.send('correct.stop', {});
  assert.deepEqual(session.acts('linear.say'), []);
});

const DAY_MS = 86_400_000;
const words = (session: Play): string[] =>
  session.acts('linear.say').map(({ params }) => (params['activity'] as { body: string }).body);

test('before Linear gives an agent session up there is a word, each time, and none where a person is waited for', () => {
  const session = play();
  session.send('issue.observed', issue({ agentSession: 's1' }));
  session.fire('alive');
  assert.deepEqual(words(session), ['Waiting to begin.']);
  run(session);
  session.fire('alive');
  assert.deepEqual(words(session), ['agent/ada is still at work.']);
  const { ephemeral } = session.acts('linear.say')[0]!.params['activity'] as { ephemeral?: boolean };
  assert.equal(ephemeral, true);
  session.send('run.asked', { question: 'q1', text: 'Which?' }, { epoch: 1, source: 'agent/ada' });
  session.fire('alive');
  assert.deepEqual(words(session), [], 'it waits for the answer, and Linear knows');
  assert.ok(session.timers().some((timer) => timer.endsWith(':alive')));
});

test('the link to the status page, which goes with the plan, is renewed before it ends, also while a person is waited for', () => {
  const session = play();
  session.send('issue.observed', issue({ agentSession: 's1' }));
  run(session);
  session.send('run.asked', { question: 'q1', text: 'Which?' }, { epoch: 1, source: 'agent/ada' });
  end(session, { outcome: 'asked' });
  let shown = Date.parse(session.now());
  const begun = shown;
  const ages: number[] = [];
  while (Date.parse(session.now()) < begun + 30 * DAY_MS) {
    session.fire('alive');
    const age = Date.parse(session.now()) - shown;
    assert.ok(age < (STATUS_DAYS - 1) * DAY_MS, `its link is ${age / DAY_MS} days old`);
    if (session.acts('linear.plan').length === 0) continue;
    ages.push(age);
    shown = Date.parse(session.now());
  }
  assert.ok(ages.length >= 9 && ages.slice(1).every((age) => age > 2 * DAY_MS), 'and not more often than it takes');
});

test('where no agent session shows the work, nothing is kept alive', () => {
  const session = play();
  session.send('issue.observed', issue());
  session.fire('alive');
  assert.deepEqual(words(session), []);
  assert.ok(!session.timers().some((timer) => timer.endsWith(':alive')));
});

const said = (session: Play, login: string, id: string): void =>
  void session.send('comment.observed', {
    comment: id,
    on: 'pull',
    author: { login, kind: 'person' },
    text: `word ${id}`,
    url: 'u',
  });

test('a person opens the pull request that the runs did not: what was parked for the lack of it goes on, and ends', () => {
  const session = play();
  session.send('open', work());
  for (const _ of [1, 2]) {
    run(session);
    end(session);
    verified(session, { headAfter: H1 }, false);
  }
  assert.equal(session.phase(), 'escalated');
  assert.match(session.waitingOn()[0]?.detail ?? '', /no pull request of this branch is open/);
  session.send('pull.observed', pull({ headBy: 'other', gate: green }));
  assert.equal(session.regions()['work'], 'unassigned');
  run(session);
  end(session);
  verified(session, { pull: 7 });
  assert.deepEqual([owed(session), session.context().attempts.implement], [[], 1], 'counted anew');
});

test('a bot that is listened to starts three runs in a row, then a person is asked; a person’s word goes on', () => {
  const session = delivered({ gate: green });
  for (let n = 1; n <= 3; n++) {
    said(session, 'helper[bot]', `b${n}`);
    run(session);
    end(session);
    verified(session);
  }
  said(session, 'helper[bot]', 'b4');
  assert.equal(session.regions()['work'], 'escalated');
  assert.match(session.waitingOn().find(({ gate }) => gate === 'human')?.detail ?? '', /budget/);
  assert.equal(session.acts('help.ask').length, 1);

  said(session, 'maria', 'p1');
  run(session);
  end(session);
  verified(session);
  assert.deepEqual(owed(session), []);
  assert.equal(session.context().attempts.answer, 0);
});

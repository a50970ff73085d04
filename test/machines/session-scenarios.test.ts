/** Situations that earlier systems of this kind got wrong or had to learn, replayed: given, event, expected. */
import assert from 'node:assert/strict';
import test from 'node:test';
import {
  H1,
  H2,
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

const fromIssue = (over: Parameters<typeof issue>[0] = {}): Play => {
  const session = play();
  session.send('issue.observed', issue(over));
  return session;
};
const delivered = (over: Parameters<typeof pull>[0] = {}): Play => {
  const session = fromIssue({ agentSession: 'as-1' });
  run(session);
  end(session);
  verified(session, { pull: 7 });
  session.send('pull.observed', pull(over));
  return session;
};
const first = (session: Play) => session.context().obligations[0]!;
const comment = (id: string, kind = 'person', text = 'Please tighten the naming here.'): Record<string, unknown> => ({
  comment: id,
  on: 'pull',
  author: { login: 'maintainer', kind },
  text,
  url: 'u',
});
const activities = (session: Play): string[] =>
  session.acts('linear.say').map(({ params }) => (params['activity'] as { type: string }).type);

test('an eviction from the queue starts a repair with its incident', () => {
  const session = delivered();
  verdict(session, H1, 'approve');
  session.send('pull.observed', pull({ queue: { state: 'waiting' } }));
  assert.equal(session.phase(), 'awaiting_queue');
  const incident = {
    id: 'incident-42',
    title: 'Queue eviction: rebase conflict',
    summary: 'PR #42 was evicted from the merge queue.',
    check: 'merge-steward/queue',
    checkUrl: 'https://github.com/owner/repo/actions/runs/42',
    head: H1,
    context: { failureClass: 'integration_conflict', conflictFiles: ['src/conflicted.ts'] },
  };
  session.send('pull.observed', pull({ queue: { state: 'evicted', incident } }));
  assert.equal(session.phase(), 'repairing_queue');
  assert.equal(session.regions()['queue'], 'evicted');
  assert.equal(first(session).signature, `queue_eviction::${H1}::merge-steward/queue`);
  assert.deepEqual(first(session).evidence['incident'], incident);
});

test('a green branch gate never clears an eviction; a new head does', () => {
  const session = delivered({ queue: { state: 'evicted' } });
  session.send('pull.observed', pull({ gate: green, queue: { state: 'evicted' } }));
  assert.equal(first(session).kind, 'queue');
  session.send('pull.observed', pull({ head: H2, gate: red() }));
  assert.deepEqual(
    session.context().obligations.map(({ kind }) => kind),
    ['checks'],
  );
});

test('a red gate is repaired although other checks are pending, on the real failure', () => {
  const session = delivered({
    gate: {
      state: 'red',
      checks: [
        { name: 'Tests', conclusion: 'failure', url: 'u' },
        { name: 'deploy_stage', conclusion: null, url: 'u' },
      ],
      failures: [
        { check: 'Checks', job: 'Checks', step: 'lint', summary: 's', annotations: [], url: null },
        { check: 'Tests', job: 'Tests', step: null, summary: 's', annotations: [], url: null },
      ],
    },
  });
  assert.equal(first(session).signature, `branch_ci::${H1}::Checks::lint`);
  assert.equal(session.phase(), 'repairing_ci');
});

test('a failed gate without a snapshot that names it stays pending', () => {
  const session = delivered({ gate: { state: 'red', checks: [], failures: [] } });
  assert.equal(session.regions()['checks'], 'pending');
  assert.deepEqual(session.context().obligations, []);
});

test('a gate that runs again on a green head is pending again', () => {
  const session = delivered({ gate: green });
  session.send('pull.observed', pull({ gate: pending }));
  assert.equal(session.regions()['checks'], 'pending');
});

test('an approval waits for the checks and starts no run', () => {
  const session = delivered();
  verdict(session, H1, 'approve');
  assert.equal(session.phase(), 'awaiting_queue');
  assert.equal(session.told('work.wanted').length, 0);
});

test('changes requested by a person start a repair with every comment', () => {
  const comments = [
    { id: '71', path: 'a.ts', line: 1526, side: 'RIGHT' as const, body: 'why?', url: 'u', author: 'x' },
  ];
  const session = delivered({ reviews: [review({ id: '901', author: 'reviewbot', comments })] });
  assert.equal(first(session).kind, 'review');
  engage(session);
  prepared(session);
  assert.deepEqual((session.told('run.begun')[0]!.data['prompt'] as { evidence: unknown }).evidence, {
    reviewer: 'reviewbot',
    review: '901',
    head: H1,
    body: 'Name it.',
    comments,
  });
});

test('merged: the issue is completed once, with one response', () => {
  const session = delivered();
  session.send('pull.observed', pull({ state: 'closed', merged: true }));
  assert.equal(session.value(), 'done');
  assert.deepEqual(
    session.acts('linear.move').map(({ params }) => params['to']),
    ['completed'],
  );
  assert.deepEqual(activities(session), ['response']);
});

test('a comment of a person is owed an answer once, one of a bot or our own never', () => {
  const session = delivered();
  session.send('comment.observed', comment('c1'));
  assert.equal(first(session).kind, 'answer');
  assert.equal(session.send('comment.observed', comment('c1')).outcome, 'recorded');
  assert.equal(session.send('comment.observed', comment('c2', 'bot')).outcome, 'recorded');
  assert.equal(session.send('comment.observed', comment('c3', 'self')).outcome, 'recorded');
  session.send('comment.observed', comment('c4'));
  assert.equal(session.context().obligations.length, 2, 'the same text twice is two comments');
});

test('blocked, then freed: wanted exactly once', () => {
  const session = fromIssue({ blockers: [{ ref: 'MAF-39', done: false }] });
  assert.equal(session.told('work.wanted').length, 0);
  assert.deepEqual(session.gates(), ['dependency']);
  session.send('issue.observed', issue({ blockers: [{ ref: 'MAF-39', done: true }] }));
  assert.equal(session.told('work.wanted').length, 1);
});

test('blockers survive an outage of the tracker', () => {
  const session = fromIssue({ blockers: [{ ref: 'MAF-39', done: false }] });
  const { blockers: _, ...untold } = issue();
  session.send('issue.observed', untold);
  assert.equal(session.regions()['start'], 'held');
});

test('blockers that were never told hold the start', () => {
  const { blockers: _, ...untold } = issue();
  const session = play();
  session.send('issue.observed', untold);
  assert.equal(session.regions()['start'], 'held');
  assert.ok(session.waitingOn().some(({ gate, on }) => gate === 'dependency' && on === 'external/linear'));
});

test('un-delegated while implementing: the run ends, nothing is wanted', () => {
  const session = fromIssue();
  run(session);
  session.send('issue.observed', issue({ delegated: false }));
  assert.equal(session.phase(), 'awaiting_input');
  assert.equal(session.told('run.cancelled').length, 1);
  assert.equal(session.told('work.wanted').length, 0);
  assert.ok(session.waitingOn().some(({ gate, detail }) => gate === 'withdrawn' && detail.includes('Un-delegated')));
});

test('an answer by comment resumes the conversation of the run that asked', () => {
  const session = fromIssue({ agentSession: 'as-1' });
  const epoch = engage(session);
  prepared(session);
  session.send('run.started', { driver: 'codex', conversation: 'thread-1' }, { epoch });
  session.send('run.asked', { question: 'q1', text: 'Which name?' }, { epoch });
  assert.deepEqual(activities(session), ['elicitation']);
  session.send('run.ended', { outcome: 'asked' }, { epoch });
  session.send('run.released', { epoch, usage: USAGE });
  assert.equal(session.phase(), 'awaiting_input');
  assert.equal(session.told('work.wanted').length, 0);
  session.send('comment.observed', comment('c1', 'person', 'Hello'));
  assert.equal(session.context().questions.length, 0);
  assert.equal(session.told('work.wanted')[0]?.data['lastOwner'], 'agent/ada');
  engage(session);
  assert.equal(session.acts('worktree.prepare')[0]?.params['keep'], true);
  prepared(session);
  const begun = session.told('run.begun')[0]!.data;
  assert.equal(begun['conversation'], 'thread-1');
  assert.equal(begun['attempt'], 1, 'asking is no attempt');
  assert.deepEqual((begun['prompt'] as { answered: unknown }).answered, { question: 'Which name?', answer: 'Hello' });
});

test('an answer that crosses the end of its run is not lost', () => {
  const session = fromIssue();
  const epoch = run(session);
  session.send('run.asked', { question: 'q1', text: 'Which name?' }, { epoch });
  session.send('answer', { text: 'Hello' });
  assert.equal(session.told('run.answered').length, 1);
  session.send('run.ended', { outcome: 'asked' }, { epoch });
  session.send('run.released', { epoch, usage: USAGE });
  engage(session);
  prepared(session);
  const prompt = session.told('run.begun')[0]?.data['prompt'] as { answered: unknown };
  assert.deepEqual(prompt.answered, { question: 'Which name?', answer: 'Hello' });
});

test('an agent session before its delegation waits, with a plan and an acknowledgement', () => {
  const session = fromIssue({
    delegated: false,
    agentSession: 'session-94',
    state: { name: 'Backlog', type: 'backlog' },
  });
  assert.equal(session.phase(), 'awaiting_input');
  assert.deepEqual(activities(session), ['thought']);
  assert.equal((session.acts('linear.plan')[0]!.params['steps'] as unknown[]).length, 4);
  const { agentSession: _, ...later } = issue({ agentSession: 'x' });
  session.send('issue.observed', later);
  assert.equal(session.told('work.wanted').length, 1);
  assert.equal(session.context().issue?.agentSession, 'session-94', 'a later word without it does not erase it');
  assert.deepEqual(activities(session), []);
});

test('an interrupted repair is no attempt and no activity', () => {
  const session = delivered({ gate: red() });
  const epoch = run(session);
  session.send('run.ended', { outcome: 'interrupted' }, { epoch });
  assert.equal(session.context().attempts.checks, 0);
  assert.equal(session.phase(), 'repairing_ci');
  assert.deepEqual(activities(session), []);
});

test('a conflict after our own repair is upkeep, allowed when the review budget is spent', () => {
  const session = delivered();
  session.send('correct.budget.set', { kind: 'review', limit: 0 });
  session.send('pull.observed', pull({ conflict: true }));
  assert.equal(first(session).kind, 'upkeep');
  assert.equal(session.phase(), 'changes_requested');
  assert.equal(session.told('work.wanted').length, 1);
});

test('a conflict on an approved pull request is repaired once per head', () => {
  const session = delivered();
  verdict(session, H1, 'approve');
  session.send('pull.observed', pull({ conflict: true }));
  assert.equal(first(session).kind, 'queue');
  assert.equal(first(session).evidence['failureReason'], 'preemptive_conflict');
  session.send('pull.observed', pull({ conflict: true }));
  assert.equal(session.context().obligations.length, 1);
  session.send('pull.observed', pull({ conflict: false }));
  assert.deepEqual(session.context().obligations, []);
});

test('closed by a person: owed again with what they said, a second time they are asked', () => {
  const session = delivered();
  const closedBy = { login: 'maria', kind: 'person' as const };
  session.send('pull.observed', pull({ state: 'closed', closedBy, closingComment: 'not like this' }));
  assert.equal(first(session).kind, 'implement');
  assert.equal(first(session).evidence['comment'], 'not like this');
  assert.ok(!session.live()?.state.claims.includes('pull:acme/api#7'));
  run(session);
  end(session);
  verified(session, { pull: 8 });
  session.send('pull.observed', pull({ number: 8 }));
  assert.equal(session.regions()['pull'], 'open');
  session.send('pull.observed', pull({ number: 8, state: 'closed', closedBy }));
  assert.equal(session.regions()['work'], 'escalated');
});

test('closed by our own account though nobody took the work back, no run begins: a person is asked, once', () => {
  const session = delivered();
  session.send('pull.observed', pull({ state: 'closed', closedBy: { login: 'bot', kind: 'self' } }));
  assert.equal(first(session).parked?.by, 'closed');
  assert.equal(session.regions()['work'], 'escalated');
  assert.match(session.waitingOn()[0]?.detail ?? '', /bot, our own account, closed the pull request/);
});

test('notes wake nobody, ride along with the next run, and are never dropped unread', () => {
  const session = delivered();
  assert.equal(session.send('fyi', { text: 'the owner is on leave' }, { id: 'n1' }).outcome, 'recorded');
  assert.equal(session.regions()['work'], 'idle');
  session.send('say', { text: 'go' });
  engage(session);
  prepared(session);
  const prompt = session.told('run.begun')[0]?.data['prompt'] as { notes: { text: string }[] };
  assert.deepEqual(
    prompt.notes.map(({ text }) => text),
    ['the owner is on leave'],
  );
  session.send('note.read', { ids: ['n1'], by: 'agent/ada' });
  assert.equal(session.context().notes[0]?.readBy, 'agent/ada');
  for (let n = 0; n < 200; n++) session.send('fyi', { text: `${n}` });
  const full = session.offer('fyi', { text: 'one more' });
  assert.deepEqual([full.outcome, 'code' in full && full.code], ['refused', 'limit']);
});

test('an answer is refused where no question is open, or where several are and none is named', () => {
  const session = fromIssue();
  const epoch = run(session);
  assert.equal(session.offer('answer', { text: 'a' }).outcome, 'refused');
  session.send('run.asked', { question: 'q1', text: 'A?' }, { epoch });
  session.send('run.asked', { question: 'q2', text: 'B?' }, { epoch });
  assert.equal(session.offer('answer', { text: 'a' }).outcome, 'refused');
  session.send('answer', { question: 'q2', text: 'b' });
  assert.deepEqual(
    session.context().questions.map(({ id }) => id),
    ['q1'],
  );
  session.send('say', { text: 'a' });
  assert.deepEqual(session.context().questions, []);
});

test('a report is delivered, verified, and ends its session', () => {
  const session = play();
  session.send('open', work({ deliver: 'report', kind: 'design' }));
  run(session);
  end(session, { report: 'It should be blue.' });
  verified(session);
  assert.equal(session.value(), 'done');
  assert.equal(session.context().report, 'It should be blue.');
});

test('an issue that is removed cancels its session', () => {
  const session = fromIssue();
  run(session);
  session.send('issue.observed', issue({ removed: true }));
  assert.equal(session.value(), 'cancelled');
  assert.equal(session.told('run.cancelled').length, 1);
});

test('an issue without settings opens nothing', () => {
  const { open: _, ...bare } = issue();
  assert.equal(play().offer('issue.observed', bare).outcome, 'refused');
});

test('the wrong lane: the reviewer hands back, and a correction moves the work at once', () => {
  const session = play();
  session.send('open', work({ mission: 'mission/m1', item: 'w' }));
  session.send('start.freed', {});
  const epoch = engage(session, 'agent/reviewer');
  prepared(session);
  session.send('run.ended', { outcome: 'handedBack', reason: 'not reviewer work' }, { epoch });
  session.send('run.released', { epoch, usage: USAGE });
  session.send('work.unmatched', {
    want: session.context().want!.number,
    role: 'implementer',
    ruledOut: [{ agent: 'agent/reviewer', why: 'is excluded from this work' }],
    slot: false,
  });
  assert.deepEqual(session.gates(), ['agent']);
  session.send('fyi', { text: 'open the PR' });
  session.send('correct.adopt', { agent: 'agent/backend' }, { source: 'agent/backend' });
  assert.equal(session.context().owner, 'agent/backend');
  assert.equal(session.told('session.changed')[0]?.data['owner'], 'agent/backend');
  run(session, { agent: 'agent/backend' });
  assert.equal(session.context().owner, 'agent/backend');
});

test('the second review session is opened where a person closed the first', () => {
  const session = delivered();
  session.send('mail.refused', {
    id: 'x',
    to: 'session/review-dev-acme-api-7',
    type: 'review.wanted',
    outcome: 'refused',
    code: 'final',
    reason: null,
  });
  assert.deepEqual(
    session
      .effects()
      .filter((e) => e.kind === 'tell')
      .map(({ to, type }) => [to, type]),
    [
      ['session/review-dev-acme-api-7-2', 'open'],
      ['session/review-dev-acme-api-7-2', 'review.wanted'],
    ],
  );
});

/** The main job as one story: from a delegated issue to a merged pull request, event by event. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { H1, H2, H3, REVIEW, end, green, issue, pictured, pull, red, run, verdict, verified } from './session-facts.ts';
import { play } from './session-play.ts';

test('a delegated issue becomes a merged pull request', () => {
  const session = play();

  session.send('issue.observed', issue({ agentSession: 'as-1' }));
  assert.equal(session.phase(), 'delegated');
  assert.deepEqual(
    session.acts('linear.say').map(({ params }) => (params['activity'] as { type: string }).type),
    ['thought'],
  );
  assert.equal(session.acts('linear.plan').length, 1);
  assert.equal(session.told('work.wanted').length, 1);
  assert.equal(session.told('work.wanted')[0]?.to, 'dispatcher/main');
  assert.equal(session.regions()['work'], 'unassigned');

  session.send('work.matched', { agent: 'agent/ada', want: 1 });
  assert.deepEqual(
    session.told('run.offered').map(({ to }) => to),
    ['agent/ada'],
  );
  assert.equal(session.context().epoch, 1);

  session.send('offer.accepted', {}, { epoch: 1, source: 'agent/ada' });
  assert.equal(session.told('offer.settled')[0]?.data['outcome'], 'accepted');
  assert.equal(session.acts('worktree.prepare').length, 1);
  assert.equal(session.context().owner, 'agent/ada');

  session.send('worktree.prepared', { path: '/w', branch: session.context().branch, head: H1 }, { wish: { epoch: 1 } });
  assert.equal(session.phase(), 'implementing');
  assert.equal(session.told('run.begun')[0]?.data['for'], 'implement');
  assert.equal(session.acts('linear.move')[0]?.params['to'], 'started');

  session.send('run.started', { driver: 'scripted' }, { epoch: 1, source: 'agent/ada' });
  end(session);
  assert.equal(session.regions()['work'], 'verifying');
  assert.equal(session.acts('run.verify').length, 1);

  verified(session, { headAfter: H1, pull: 7 });
  assert.equal(session.regions()['work'], 'idle');

  session.send('pull.observed', pull());
  assert.equal(session.regions()['review'], 'wanted');
  assert.deepEqual(
    session
      .effects()
      .filter((effect) => effect.kind === 'tell')
      .map((effect) => [effect.to, effect.type]),
    [
      [REVIEW, 'open'],
      [REVIEW, 'review.wanted'],
    ],
  );
  assert.equal(session.phase(), 'pr_open');

  pictured(session, 'agent/susan');
  assert.equal(session.regions()['review'], 'requested');

  verdict(session, H1, 'request_changes', { posted: { as: 'susan', id: 'r1' } });
  assert.equal(session.regions()['review'], 'changesRequested');
  assert.equal(session.phase(), 'changes_requested');
  assert.equal(session.context().obligations[0]?.kind, 'review');
  assert.equal(session.told('work.wanted')[0]?.data['lastOwner'], 'agent/ada');

  run(session);
  session.send('pull.observed', pull({ head: H2 }));
  assert.equal(session.regions()['review'], 'changesRequested', 'not answered before it is verified');
  end(session);
  verified(session, { headBefore: H1, headAfter: H2 });
  assert.equal(session.regions()['review'], 'requested', 'the same reviewer is asked first');
  assert.deepEqual(
    session.told('review.wanted').map(({ to, data }) => [to, data['head']]),
    [[REVIEW, H2]],
  );

  pictured(session, 'agent/susan');
  verdict(session, H2, 'approve', { posted: { as: 'susan', id: 'r2' } });
  assert.equal(session.regions()['review'], 'approved');
  assert.equal(session.phase(), 'awaiting_queue');

  session.send('pull.observed', pull({ head: H2, gate: red() }));
  assert.equal(session.regions()['checks'], 'red');
  assert.equal(session.phase(), 'repairing_ci');
  run(session, { head: H2 });
  end(session);
  session.send('pull.observed', pull({ head: H3 }));
  verified(session, { headBefore: H2, headAfter: H3 });
  assert.equal(session.regions()['review'], 'approved', 'an approval carries over to our own later heads');
  assert.equal(session.regions()['work'], 'idle');

  session.send('pull.observed', pull({ head: H3, gate: green }));
  assert.equal(session.regions()['queue'], 'merging');
  assert.deepEqual(
    session.acts('pull.merge').map(({ params }) => params['head']),
    [H3],
  );

  session.send('pull.merge.done', { key: 'k', result: { merged: true } }, { wish: { head: H3 } });
  assert.equal(session.final(), false, 'only the observed merge ends the session');

  session.send('pull.observed', pull({ head: H3, gate: green, state: 'closed', merged: true }));
  assert.equal(session.value(), 'done');
  assert.deepEqual(
    session.acts('linear.move').map(({ params }) => params['to']),
    ['completed'],
  );
  assert.deepEqual(
    session.acts('linear.say').map(({ params }) => (params['activity'] as { type: string }).type),
    ['response'],
  );
  assert.equal(session.acts('worktree.remove').length, 1);
  assert.deepEqual(session.waitingOn(), []);
});

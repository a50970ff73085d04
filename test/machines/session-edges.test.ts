/** Edges of a session's life: what appears late, what GitHub refuses, whom it asks. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { match } from '../../machines/dispatcher/match.ts';
import type { Want } from '../../machines/dispatcher/match.ts';
import { H1, H2, end, green, pull, review, run, verified, work } from './session-facts.ts';
import { play } from './session-play.ts';
import type { Play } from './session-play.ts';

const opened = (over: Parameters<typeof work>[0] = {}): Play => {
  const session = play();
  session.send('open', work(over));
  return session;
};
function delivered(over: Parameters<typeof pull>[0] = {}, how: Parameters<typeof work>[0] = {}): Play {
  const session = opened(how);
  run(session);
  end(session);
  verified(session, { pull: 7 });
  session.send('pull.observed', pull(over));
  return session;
}

test('a pull request that is opened while withdrawn is closed, and the work is owed again when it is delegated', () => {
  const session = opened();
  run(session);
  end(session);
  verified(session, { pull: 7 });
  session.send('correct.withdraw', {});
  session.send('pull.observed', pull());
  assert.equal(session.acts('pull.close')[0]?.params['number'], 7);
  session.send('pull.observed', pull({ state: 'closed', closedBy: { login: 'chartroom[bot]', kind: 'self' } }));
  assert.equal(session.context().number, null, 'the next pull request of the branch is looked for');
  session.send('correct.delegate', {});
  assert.equal(session.told('work.wanted').length, 1);
});

test('a close that takes the pull request along closes one that was not seen yet', () => {
  const session = opened();
  run(session);
  end(session);
  verified(session, { pull: 7 });
  assert.equal(session.context().pull, null);
  session.send('correct.close', { outcome: 'cancelled', pull: 'close' });
  assert.equal(session.acts('pull.close')[0]?.params['number'], 7);
});

test('a match that names an excluded agent is refused, one for an earlier want is superseded', () => {
  const session = opened();
  run(session);
  session.send('run.ended', { outcome: 'handedBack', reason: 'not mine' }, { epoch: 1, source: 'agent/ada' });
  const { number } = session.context().want!;
  const result = session.offer('work.matched', { agent: 'agent/ada', want: number });
  assert.equal(result.outcome === 'refused' && result.code, 'guard');
  assert.equal(session.offer('work.matched', { agent: 'agent/ben', want: number - 1 }).outcome, 'superseded');
});

test('where people review, everybody who has judged is asked again, whoever wanted changes first', () => {
  const session = delivered({ gate: green }, { reviewers: 'people' });
  assert.deepEqual(session.acts('review.request'), [], 'nobody is known by name: the branch’s own rules ask');
  const reviews = [
    review({ id: 'r1', author: 'olga', verdict: 'approve' }),
    review({ id: 'r2', author: 'maria', verdict: 'request_changes' }),
  ];
  session.send('pull.observed', pull({ gate: green, reviews }));
  run(session);
  end(session);
  verified(session, { headBefore: H1, headAfter: H2 });
  session.send('pull.observed', pull({ head: H2, headBy: 'us', gate: green, reviews }));
  assert.deepEqual(session.acts('review.request')[0]?.params['logins'], ['maria', 'olga']);
});

test('where the repository asks its reviewers itself, nobody is asked again, and the gate waits for them all the same', () => {
  const session = delivered({ gate: green }, { reviewers: 'people', rerequest: 'never' });
  const reviews = [review({ id: 'r2', author: 'maria', verdict: 'request_changes' })];
  session.send('pull.observed', pull({ gate: green, reviews }));
  run(session);
  end(session);
  verified(session, { headBefore: H1, headAfter: H2 });
  session.send('pull.observed', pull({ head: H2, headBy: 'us', gate: green, reviews }));
  assert.deepEqual(session.acts('review.request'), []);
  assert.equal(session.context().reviewing.asked?.head, H2);
});

test('a person whose requested changes were answered is asked also where agents review', () => {
  const session = delivered({ gate: green, reviews: [review({ author: 'maria' })] });
  run(session);
  end(session);
  verified(session, { headBefore: H1, headAfter: H2 });
  session.send('pull.observed', pull({ head: H2, gate: green, reviews: [review({ author: 'maria' })] }));
  assert.deepEqual(session.acts('review.request')[0]?.params['logins'], ['maria']);
  assert.equal(session.told('review.wanted').length, 1);
});

test('a role named by a correction is offered the work, also work it does not take by itself', () => {
  const session = opened();
  session.send('correct.reassign', { to: 'role/reviewer' });
  const want = { ...session.told('work.wanted')[0]!.data, said: null, pinLost: false } as unknown as Want;
  const agent = (name: string, role: string, kinds: ('implement' | 'review')[]) => ({
    agent: `agent/${name}`,
    role,
    kinds,
    lanes: [],
    user: 'dev',
    life: 'asleep',
    door: 'open',
    why: 'free',
    freeSince: session.now(),
    declined: false,
    silent: false,
    heard: true,
  });
  const agents = [agent('ada', 'implementer', ['implement']), agent('susan', 'reviewer', ['review'])];
  const { matched } = match({ wants: [want], agents, offers: [], maxRuns: 2, held: null });
  assert.deepEqual(
    matched.map((one) => one.agent),
    ['agent/susan'],
  );
});

test('a review that GitHub refused is told without it, asked about, and shown until the next one', () => {
  const session = play({ address: 'session/review-dev-acme-api-7' });
  const asked = { for: 'session/eng-42', target: { number: 7, head: H1 } };
  session.send('open', { ...work({ kind: 'review', deliver: 'report', source: { kind: 'review' } }), ...asked });
  run(session, { agent: 'agent/susan' });
  const own = { head: H1, verdict: 'approve', body: 'Good.', comments: [] };
  end(session, { verdict: own }, 'agent/susan');
  verified(session);
  session.send(
    'review.post.failed',
    { key: 'k', code: 'GITHUB_422', reason: 'not a collaborator' },
    { wish: { head: H1 } },
  );
  assert.equal(session.told('verdict.given')[0]?.data['posted'], undefined);
  assert.match(String(session.acts('help.ask')[0]?.params['text']), /agent\/susan: not a collaborator/);
  assert.match(session.waitingOn()[0]?.detail ?? '', /GitHub did not take the last review: not a collaborator/);
});

test('gate `merge` says that the approval is none at GitHub', () => {
  const session = delivered({ gate: green }, { merge: 'people' });
  session.send('verdict.given', { reviewer: 'agent/susan', head: H1, verdict: 'approve', body: '', comments: [] });
  assert.match(session.waitingOn()[0]?.detail ?? '', /GitHub did not take the approval as a review/);
});

/** Words only our own code knows. */
const MACHINE_SPEAK =
  /\b(undefined|null|NaN|\[object|implement is|notWanted|changesRequested|backingOff|start\.held)\b/;

test('a merge that was refused is a person’s, who is asked', () => {
  const session = delivered({ gate: green }, { gates: { checks: ['Tests'], review: 'none' } });
  const { head } = session.context().pull!;
  session.send(
    'pull.merge.failed',
    { key: 'k', code: 'GITHUB_405', reason: 'a review is required' },
    { wish: { head } },
  );
  const [wait] = session.waitingOn();
  assert.deepEqual([wait?.gate, wait?.on], ['merge', 'person/operator']);
  assert.match(String(session.acts('help.ask')[0]?.params['text']), /a review is required/);
});

test('what a session waits for reads as a sentence', () => {
  const session = opened();
  const said: string[] = [];
  const listen = (): void => void said.push(...session.waitingOn().map(({ detail }) => detail));
  listen();
  run(session);
  listen();
  session.send('run.ended', { outcome: 'completed' }, { epoch: 1, source: 'agent/ada' });
  listen();
  session.send('run.released', { epoch: 1, usage: { inputTokens: 1, outputTokens: 1 } });
  listen();
  verified(session, { pull: 7 });
  listen();
  session.send('pull.observed', pull());
  listen();
  assert.ok(said.includes('agent/ada works on the implementation, attempt 1'), said.join('\n'));
  assert.ok(said.includes('a pull request was opened; GitHub has yet to show it'), said.join('\n'));
  for (const detail of said) assert.doesNotMatch(detail, MACHINE_SPEAK);
});

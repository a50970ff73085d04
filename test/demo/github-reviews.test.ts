import assert from 'node:assert/strict';
import test from 'node:test';
import { AT, REPO, SECRET, openPull, receiver, refusal, site } from './github-site.ts';

test('nobody approves or refuses their own pull request; a comment is fine', async (t) => {
  const s = await site(t);
  const { number } = await openPull(s);
  const review = (event: 'APPROVE' | 'REQUEST_CHANGES' | 'COMMENT') =>
    s.as('ada').rest.pulls.createReview({ ...AT, pull_number: number, event, body: 'Mine.' });

  const approve = await refusal(review('APPROVE'));
  assert.equal(approve.status, 422);
  assert.deepEqual(approve.body.errors, ['Can not approve your own pull request']);
  assert.deepEqual((await refusal(review('REQUEST_CHANGES'))).body.errors, [
    'Can not request changes on your own pull request',
  ]);
  assert.equal((await review('COMMENT')).data.state, 'COMMENTED');
});

test('a review carries its verdict, its head and its comments with their place in the diff', async (t) => {
  const s = await site(t);
  const { number, head } = await openPull(s);
  const hooks = await receiver(t);
  s.github.addWebhook({ url: hooks.url, secret: SECRET });
  const { data: review } = await s.as('ben').rest.pulls.createReview({
    ...AT,
    pull_number: number,
    commit_id: head.sha,
    event: 'REQUEST_CHANGES',
    body: 'Say it in words.',
    comments: [{ path: 'price.txt', line: 2, side: 'RIGHT', body: 'two' }],
  });
  const { data: comments } = await s
    .as('ada')
    .rest.pulls.listCommentsForReview({ ...AT, pull_number: number, review_id: review.id });
  await s.github.delivered();

  assert.deepEqual([review.state, review.commit_id, review.user?.login], ['CHANGES_REQUESTED', head.sha, 'ben']);
  assert.deepEqual(
    comments.map(({ path, line, position, diff_hunk: hunk, body }) => ({ path, line, position, hunk, body })),
    [{ path: 'price.txt', line: 2, position: 3, hunk: '@@ -1,5 +1,5 @@\n one\n-two\n+2', body: 'two' }],
  );
  assert.deepEqual(hooks.names(), ['pull_request_review.submitted', 'pull_request_review_comment.created']);
  const [told = { state: '' }] = hooks.received.map(({ body }) => body['review'] as { state: string });
  assert.equal(told.state, 'changes_requested');
});

test('a comment outside the diff, a verdict without a word, a strange commit: 422', async (t) => {
  const s = await site(t);
  const { number } = await openPull(s);
  const review = async (wish: object) => {
    const { status, body } = await refusal(
      s.as('ben').rest.pulls.createReview({ ...AT, pull_number: number, event: 'COMMENT', body: 'Hm.', ...wish }),
    );
    assert.equal(status, 422);
    return body.errors;
  };
  const comment = (path: string, line: number) => ({ comments: [{ path, line, body: 'x' }] });

  assert.deepEqual(await review(comment('nowhere.txt', 1)), ['Path could not be resolved']);
  assert.deepEqual(await review(comment('price.txt', 99)), ['Line could not be resolved']);
  assert.deepEqual(await review({ event: 'REQUEST_CHANGES', body: '' }), ['Body cannot be blank']);
  assert.equal((await review({ commit_id: '0'.repeat(40) }))?.length, 1);
  assert.deepEqual((await s.as('ben').rest.pulls.listReviews({ ...AT, pull_number: number })).data, []);
});

test('a review without an event waits, unseen by others, until it is submitted', async (t) => {
  const s = await site(t);
  const { number } = await openPull(s);
  const at = { ...AT, pull_number: number };
  const { data: review } = await s.as('ben').rest.pulls.createReview({ ...at, body: 'Later.' });
  const seen = async (login: string) => (await s.as(login).rest.pulls.listReviews(at)).data.map((one) => one.state);

  assert.deepEqual([await seen('ben'), await seen('ada')], [['PENDING'], []]);
  await s.as('ben').rest.pulls.submitReview({ ...at, review_id: review.id, event: 'APPROVE' });
  assert.deepEqual(await seen('ada'), ['APPROVED']);
});

test('a dismissed approval no longer counts, and is told', async (t) => {
  const s = await site(t, { repository: { protection: { requiredReviews: 1 } } });
  const { number } = await openPull(s);
  const at = { ...AT, pull_number: number };
  const { data: review } = await s.as('ben').rest.pulls.createReview({ ...at, event: 'APPROVE' });
  const hooks = await receiver(t);
  s.github.addWebhook({ url: hooks.url, secret: SECRET });
  await s.as('acme').rest.pulls.dismissReview({ ...at, review_id: review.id, message: 'Too early.' });
  await s.github.delivered();

  assert.deepEqual(hooks.names(), ['pull_request_review.dismissed']);
  assert.equal((await refusal(s.as('ada').rest.pulls.merge(at))).status, 405);
  const again = await refusal(s.as('acme').rest.pulls.dismissReview({ ...at, review_id: review.id, message: 'x' }));
  assert.equal(again.status, 422);
});

test('where stale reviews are dismissed, a push dismisses approvals and leaves requests for changes', async (t) => {
  const s = await site(t, { repository: { protection: { requiredReviews: 1, dismissStaleReviews: true } } });
  const { number } = await openPull(s);
  const at = { ...AT, pull_number: number };
  await s.as('ben').rest.pulls.createReview({ ...at, event: 'APPROVE' });
  await s.as('acme').rest.pulls.createReview({ ...at, event: 'REQUEST_CHANGES', body: 'No.' });
  const hooks = await receiver(t);
  s.github.addWebhook({ url: hooks.url, secret: SECRET });
  await s.github.pushFiles({ repo: REPO, branch: 'feature', files: { a: 'b' }, message: 'More', login: 'ada' });
  await s.github.delivered();

  const { data } = await s.as('ada').rest.pulls.listReviews(at);
  assert.deepEqual(
    data.map((one) => one.state),
    ['DISMISSED', 'CHANGES_REQUESTED'],
  );
  assert.deepEqual(hooks.names(), ['push', 'pull_request.synchronize', 'pull_request_review.dismissed']);
});

test('without that rule an approval stays, bound to the head it judged', async (t) => {
  const s = await site(t);
  const { number, head } = await openPull(s);
  const at = { ...AT, pull_number: number };
  await s.as('ben').rest.pulls.createReview({ ...at, event: 'APPROVE' });
  await s.github.pushFiles({ repo: REPO, branch: 'feature', files: { a: 'b' }, message: 'More', login: 'ada' });

  const { data } = await s.as('ada').rest.pulls.listReviews(at);
  assert.deepEqual(
    data.map((one) => [one.state, one.commit_id]),
    [['APPROVED', head.sha]],
  );
});

test('a comment on a file that changed since is outdated, on another it moves along', async (t) => {
  const s = await site(t);
  const { number, head } = await openPull(s, { files: { 'price.txt': 'ONE\n', 'b.txt': 'b\n' } });
  const at = { ...AT, pull_number: number };
  await s.as('ben').rest.pulls.createReview({
    ...at,
    event: 'COMMENT',
    comments: [
      { path: 'price.txt', line: 1, body: 'x' },
      { path: 'b.txt', line: 1, body: 'y' },
    ],
  });
  const next = await s.github.pushFiles({
    repo: REPO,
    branch: 'feature',
    files: { 'price.txt': 'two\n' },
    message: 'More',
    login: 'ada',
  });
  const { data } = await s.as('ada').rest.pulls.listReviewComments(at);

  assert.deepEqual(
    data.map((one) => [one.path, one.line, one.original_line, one.commit_id, one.original_commit_id]),
    [
      ['price.txt', null, 1, head.sha, head.sha],
      ['b.txt', 1, 1, next, head.sha],
    ],
  );
});

test('reviewers are asked and un-asked; the author and strangers cannot be; a review answers the request', async (t) => {
  const s = await site(t);
  const { number } = await openPull(s);
  const at = { ...AT, pull_number: number };
  s.github.addUser({ login: 'stranger', token: 'stranger-token' });
  const hooks = await receiver(t);
  s.github.addWebhook({ url: hooks.url, secret: SECRET, events: ['pull_request'] });
  const ask = (...reviewers: string[]) => s.as('ada').rest.pulls.requestReviewers({ ...at, reviewers });

  assert.match((await refusal(ask('ada'))).message, /cannot be requested from pull request author/);
  assert.match((await refusal(ask('stranger'))).message, /may only be requested from collaborators/);
  const { data } = await ask('ben', 'vic');
  assert.deepEqual(
    data.requested_reviewers?.map((user) => user.login),
    ['ben', 'vic'],
  );
  await s.as('ada').rest.pulls.removeRequestedReviewers({ ...at, reviewers: ['vic'] });
  await s.as('ben').rest.pulls.createReview({ ...at, event: 'APPROVE' });
  assert.deepEqual((await s.as('ada').rest.pulls.listRequestedReviewers(at)).data.users, []);
  await s.github.delivered();
  assert.deepEqual(
    hooks.names().map((name) => name.replace('pull_request.', '')),
    ['review_requested', 'review_requested', 'review_request_removed'],
  );
});

test('a single comment and its reply are reviews of their own, in one thread', async (t) => {
  const s = await site(t);
  const { number, head } = await openPull(s);
  const at = { ...AT, pull_number: number };
  const { data: first } = await s.as('ben').rest.pulls.createReviewComment({
    ...at,
    commit_id: head.sha,
    path: 'price.txt',
    line: 2,
    body: 'Why?',
  });
  const { data: reply } = await s
    .as('ada')
    .rest.pulls.createReplyForReviewComment({ ...at, comment_id: first.id, body: 'So.' });

  assert.equal(reply.in_reply_to_id, first.id);
  assert.deepEqual(
    (await s.as('ada').rest.pulls.listReviews(at)).data.map((one) => [one.state, one.user?.login]),
    [
      ['COMMENTED', 'ben'],
      ['COMMENTED', 'ada'],
    ],
  );
});

import assert from 'node:assert/strict';
import test from 'node:test';
import { AT, REPO, git, openPull, receiver, refusal, SECRET, site } from './github-site.ts';

test('the main job: branch, pull request, review, check, merge; the base has a real merge commit', async (t) => {
  const s = await site(t, { repository: { protection: { requiredChecks: ['Tests'], requiredReviews: 1 } } });
  const hooks = await receiver(t);
  s.github.addWebhook({ url: hooks.url, secret: SECRET });
  const pull = await openPull(s);
  const number = pull.number;
  await s.as('ben').rest.pulls.createReview({ ...AT, pull_number: number, event: 'APPROVE' });
  await s.as('ci').rest.checks.create({
    ...AT,
    name: 'Tests',
    head_sha: pull.head.sha,
    conclusion: 'success',
  });
  const merged = await s.as('ada').rest.pulls.merge({ ...AT, pull_number: number, sha: pull.head.sha });

  const parents = await git(s.github.gitPath(REPO), 'log', '-1', '--format=%H %P', 'main');
  assert.equal(parents.stdout, `${merged.data.sha} ${pull.base.sha} ${pull.head.sha}`);
  const after = await s.as('ada').rest.pulls.get({ ...AT, pull_number: number });
  assert.equal(after.data.merged, true);
  assert.equal(after.data.state, 'closed');
  assert.equal(after.data.merge_commit_sha, merged.data.sha);
  assert.equal(after.data.merged_by?.login, 'ada');
  await s.github.delivered();
  assert.deepEqual(hooks.badlySigned, []);
  assert.deepEqual(hooks.names(), [
    'push',
    'pull_request.opened',
    'pull_request_review.submitted',
    'check_run.created',
    'check_run.completed',
    'check_suite.completed',
    'push',
    'pull_request.closed',
  ]);
  assert.equal((await refusal(s.as('ada').rest.pulls.merge({ ...AT, pull_number: number }))).status, 405);
});

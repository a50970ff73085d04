import assert from 'node:assert/strict';
import test from 'node:test';
import { AT, REPO, SECRET, git, openPull, receiver, refusal, site } from './github-site.ts';

const CONFLICT = { 'price.txt': 'one\nzwei\nthree\nfour\nfive\n' };

test('the main job: branch, pull request, review, check, merge; the base has a real merge commit', async (t) => {
  const s = await site(t, { repository: { protection: { requiredChecks: ['Tests'], requiredReviews: 1 } } });
  const hooks = await receiver(t);
  s.github.addWebhook({ url: hooks.url, secret: SECRET });
  const { number, head, base } = await openPull(s);
  await s.as('ben').rest.pulls.createReview({ ...AT, pull_number: number, event: 'APPROVE' });
  await s.as('ci').rest.checks.create({ ...AT, name: 'Tests', head_sha: head.sha, conclusion: 'success' });
  const merged = await s.as('ada').rest.pulls.merge({ ...AT, pull_number: number, sha: head.sha });

  const { stdout } = await git(s.github.gitPath(REPO), 'log', '-1', '--format=%H %P', 'main');
  assert.equal(stdout, `${merged.data.sha} ${base.sha} ${head.sha}`);
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
});

test('mergeability is unknown at the first look after a move and known at the next', async (t) => {
  const s = await site(t);
  const { number } = await openPull(s);
  const look = async () => {
    const { data } = await s.as('ada').rest.pulls.get({ ...AT, pull_number: number });
    return [data.mergeable, data.mergeable_state];
  };

  assert.deepEqual(await look(), [null, 'unknown']);
  assert.deepEqual(await look(), [true, 'clean']);
  await s.github.pushFiles({ repo: REPO, branch: 'main', files: CONFLICT, message: 'Else', login: 'ben' });
  assert.deepEqual(await look(), [null, 'unknown']);
  assert.deepEqual(await look(), [false, 'dirty']);
});

test('mergeable_state says what is in the way: blocked, behind, unstable, draft', async (t) => {
  const s = await site(t, { repository: { protection: { requiredChecks: ['Tests'], strict: true } } });
  const { number, head } = await openPull(s);
  const state = async () => {
    await s.as('ada').rest.pulls.get({ ...AT, pull_number: number });
    return (await s.as('ada').rest.pulls.get({ ...AT, pull_number: number })).data.mergeable_state;
  };
  const report = (name: string, conclusion: 'success' | 'failure') =>
    s.as('ci').rest.checks.create({ ...AT, name, head_sha: head.sha, conclusion });

  assert.equal(await state(), 'blocked');
  await report('Tests', 'failure');
  assert.equal(await state(), 'blocked');
  await report('Tests', 'success');
  assert.equal(await state(), 'clean');
  await report('Style', 'failure');
  assert.equal(await state(), 'unstable');
  await s.github.pushFiles({ repo: REPO, branch: 'main', files: { x: 'y\n' }, message: 'Else', login: 'ben' });
  assert.equal(await state(), 'behind');
  await s.github.setDraft(REPO, number, true, 'ada');
  assert.equal(await state(), 'draft');
});

test('a merge is refused with 405 while something is in the way, 409 where the head moved', async (t) => {
  const s = await site(t, { repository: { protection: { requiredChecks: ['Tests'], requiredReviews: 1 } } });
  const { number, head } = await openPull(s);
  const merge = (sha?: string) =>
    refusal(s.as('ada').rest.pulls.merge({ ...AT, pull_number: number, ...(sha === undefined ? {} : { sha }) }));

  const first = await merge();
  assert.equal(first.status, 405);
  assert.match(first.message, /At least 1 approving review is required.*Required status check "Tests" is expected/);
  await s.as('ben').rest.pulls.createReview({ ...AT, pull_number: number, event: 'APPROVE' });
  await s.as('ci').rest.checks.create({ ...AT, name: 'Tests', head_sha: head.sha, conclusion: 'failure' });
  assert.match((await merge()).message, /^Required status check "Tests" is failing\.$/);
  await s.as('ci').rest.checks.create({ ...AT, name: 'Tests', head_sha: head.sha, conclusion: 'success' });
  const moved = await merge('0'.repeat(40));
  assert.deepEqual([moved.status, moved.message], [409, 'Head branch was modified. Review and try the merge again.']);
  await s.as('ada').rest.pulls.merge({ ...AT, pull_number: number, sha: head.sha });
  assert.deepEqual((await merge()).status, 405);
});

test('a conflict, a draft and changes requested cannot be merged; a reader cannot merge at all', async (t) => {
  const s = await site(t, { repository: { protection: { requiredReviews: 1 } } });
  const { number } = await openPull(s);
  const merge = async (login = 'ada') => {
    const { status, message } = await refusal(s.as(login).rest.pulls.merge({ ...AT, pull_number: number }));
    return `${status} ${message}`;
  };

  assert.match(await merge('vic'), /^403 /);
  await s.github.setDraft(REPO, number, true, 'ada');
  assert.equal(await merge(), '405 Pull Request is still a draft');
  await s.github.setDraft(REPO, number, false, 'ada');
  await s.as('ben').rest.pulls.createReview({ ...AT, pull_number: number, event: 'REQUEST_CHANGES', body: 'No.' });
  assert.equal(await merge(), '405 Changes have been requested on this pull request.');
  await s.as('ben').rest.pulls.createReview({ ...AT, pull_number: number, event: 'APPROVE' });
  await s.github.pushFiles({ repo: REPO, branch: 'main', files: CONFLICT, message: 'Else', login: 'ben' });
  assert.equal(await merge(), '405 Pull Request is not mergeable');
});

test('an approval from somebody who may not write does not count', async (t) => {
  const s = await site(t, { repository: { protection: { requiredReviews: 1 } } });
  const { number } = await openPull(s);
  await s.as('vic').rest.pulls.createReview({ ...AT, pull_number: number, event: 'APPROVE' });

  assert.equal((await refusal(s.as('ada').rest.pulls.merge({ ...AT, pull_number: number }))).status, 405);
});

test('squash makes one commit of many, rebase makes them again, both on the tip of the base', async (t) => {
  const s = await site(t);
  for (const method of ['squash', 'rebase'] as const) {
    const { number } = await openPull(s, { branch: method, files: { [method]: '1\n' }, title: `By ${method}` });
    await s.github.pushFiles({ repo: REPO, branch: method, files: { more: method }, message: 'Second', login: 'ada' });
    const tip = await s.github.pushFiles({
      repo: REPO,
      branch: 'main',
      files: { [`${method}-else`]: 'x' },
      message: 'Else',
      login: 'ben',
    });
    await s.as('ben').rest.pulls.merge({ ...AT, pull_number: number, merge_method: method });
    const log = await git(s.github.gitPath(REPO), 'log', '--format=%s|%an|%cn', `${tip}..main`);
    const expected = { squash: [`By squash (#${number})|ada|GitHub`], rebase: ['Second|ada|ben', 'By rebase|ada|ben'] };
    assert.deepEqual(log.stdout.split('\n'), expected[method]);
    const files = await git(s.github.gitPath(REPO), 'ls-tree', '--name-only', 'main');
    assert.ok(files.stdout.includes(`${method}-else`) && files.stdout.split('\n').includes(method));
  }
});

test('two merges at once: one happens, the other finds it done', async (t) => {
  const s = await site(t);
  const { number } = await openPull(s);
  const merge = () => s.as('ada').rest.pulls.merge({ ...AT, pull_number: number });
  const statuses = await Promise.all(
    [1, 2].map(() =>
      merge().then(
        (answer) => answer.status,
        (error: unknown) => (error as { status: number }).status,
      ),
    ),
  );

  assert.deepEqual(
    statuses.toSorted((a, b) => a - b),
    [200, 405],
  );
});

test('a pull request is refused with GitHub’s words: no branch, no base, nothing new, one there already', async (t) => {
  const s = await site(t);
  await openPull(s);
  await s.github.pushFiles({ repo: REPO, branch: 'same', files: {}, message: 'Same', login: 'ada' });
  await s.github.pushFiles({ repo: REPO, branch: 'old', files: { a: 'b' }, message: 'Old', login: 'ada' });
  const create = async (head: string, base = 'main') => {
    const { status, body } = await refusal(s.as('ada').rest.pulls.create({ ...AT, head, base, title: 'x' }));
    assert.deepEqual([status, body.message, body.status], [422, 'Validation Failed', '422']);
    return body.errors;
  };

  assert.deepEqual(await create('nowhere'), [{ resource: 'PullRequest', field: 'head', code: 'invalid' }]);
  assert.deepEqual(await create('old', 'nowhere'), [{ resource: 'PullRequest', field: 'base', code: 'invalid' }]);
  assert.deepEqual(await create('main', 'old'), [
    { resource: 'PullRequest', code: 'custom', message: 'No commits between old and main' },
  ]);
  assert.deepEqual(await create('feature'), [
    { resource: 'PullRequest', code: 'custom', message: 'A pull request already exists for acme:feature.' },
  ]);
  const missing = await refusal(s.as('ada').rest.pulls.create({ ...AT, head: 'old', base: 'main' }));
  assert.equal(missing.status, 422);
});

test('pull requests are found by head and state, sorted, and in pages', async (t) => {
  const s = await site(t);
  const numbers: number[] = [];
  for (const branch of ['a', 'b', 'c']) {
    numbers.push((await openPull(s, { branch, files: { [branch]: '1' } })).number);
    s.clock.advance(1_000);
  }
  const [a = 0, b = 0, c = 0] = numbers;
  const list = async (query: object): Promise<number[]> =>
    (await s.as('vic').rest.pulls.list({ ...AT, ...query })).data.map((pull) => pull.number);
  await s.as('ada').rest.pulls.update({ ...AT, pull_number: a, state: 'closed' });
  s.clock.advance(1_000);
  await s.as('ada').rest.issues.createComment({ ...AT, issue_number: b, body: 'Hm.' });

  assert.deepEqual(await list({}), [c, b]);
  assert.deepEqual(await list({ state: 'closed' }), [a]);
  assert.deepEqual(await list({ state: 'all', sort: 'updated', direction: 'desc' }), [b, a, c]);
  assert.deepEqual(await list({ head: 'acme:b' }), [b]);
  assert.deepEqual(await list({ head: 'else:b' }), []);
  assert.deepEqual(await list({ state: 'all', per_page: 2, page: 2 }), [a]);
  const { headers } = await s.as('vic').rest.pulls.list({ ...AT, state: 'all', per_page: 1, page: 2 });
  assert.deepEqual(
    [...(headers.link ?? '').matchAll(/[?&]page=(\d)[^>]*>; rel="(\w+)"/g)].map(([, page, rel]) => `${rel} ${page}`),
    ['prev 1', 'next 3', 'last 3', 'first 1'],
  );
  const all = await s.as('vic').paginate('GET /repos/{owner}/{repo}/pulls', { ...AT, state: 'all', per_page: 1 });
  assert.equal(all.length, 3);
});

test('files and commits of a pull request are those since it left the base, also after the merge', async (t) => {
  const s = await site(t);
  const { number, head } = await openPull(s);
  await s.github.pushFiles({ repo: REPO, branch: 'main', files: { x: 'y\n' }, message: 'Else', login: 'ben' });
  const look = async () => {
    const { data: files } = await s.as('vic').rest.pulls.listFiles({ ...AT, pull_number: number });
    const { data: commits } = await s.as('vic').rest.pulls.listCommits({ ...AT, pull_number: number });
    const names = files.map(({ filename, status, additions, deletions }) => [filename, status, additions, deletions]);
    return { names, commits: commits.map((commit) => [commit.sha, commit.author?.login]), patch: files[0]?.patch };
  };
  const before = await look();
  await s.as('ada').rest.pulls.merge({ ...AT, pull_number: number });

  assert.deepEqual(before, {
    names: [['price.txt', 'modified', 1, 1]],
    commits: [[head.sha, 'ada']],
    patch: '@@ -1,5 +1,5 @@\n one\n-two\n+2\n three\n four\n five',
  });
  assert.deepEqual(await look(), before);
});

test('closing, re-opening, renaming and another base are told as they happen', async (t) => {
  const s = await site(t);
  const { number } = await openPull(s);
  await s.github.pushFiles({ repo: REPO, branch: 'next', files: { n: '1' }, message: 'Next', login: 'ada' });
  const hooks = await receiver(t);
  s.github.addWebhook({ url: hooks.url, secret: SECRET });
  const update = (wish: object) => s.as('ada').rest.pulls.update({ ...AT, pull_number: number, ...wish });
  await update({ title: 'Better' });
  await update({ base: 'next' });
  await update({ state: 'closed' });
  await update({ state: 'open' });
  await s.github.setDraft(REPO, number, true, 'ada');
  await s.github.setDraft(REPO, number, false, 'ada');
  await s.github.delivered();

  assert.deepEqual(
    hooks.names().map((name) => name.replace('pull_request.', '')),
    ['edited', 'edited', 'closed', 'reopened', 'converted_to_draft', 'ready_for_review'],
  );
  assert.deepEqual(hooks.received[0]?.body['changes'], { title: { from: 'A change' } });
  assert.equal((await refusal(s.as('vic').rest.pulls.update({ ...AT, pull_number: number, title: 'x' }))).status, 403);
});

test('a merged pull request cannot be opened again, nor one whose branch is gone', async (t) => {
  const s = await site(t);
  const one = await openPull(s, { branch: 'one', files: { one: '1' } });
  const two = await openPull(s, { branch: 'two', files: { two: '1' } });
  await s.as('ada').rest.pulls.merge({ ...AT, pull_number: one.number });
  await s.as('ada').rest.git.deleteRef({ ...AT, ref: 'heads/two' });

  for (const { number } of [one, two]) {
    const { status } = await refusal(s.as('ada').rest.pulls.update({ ...AT, pull_number: number, state: 'open' }));
    assert.equal(status, 422);
  }
});

test('the protection of a branch: its summary for readers, all of it for administrators, or as rules', async (t) => {
  const protection = { requiredChecks: ['Tests'], requiredReviews: 2, dismissStaleReviews: true };
  const s = await site(t, { repository: { protection } });
  const branch = await s.as('vic').rest.repos.getBranch({ ...AT, branch: 'main' });
  const whole = await s.as('acme').rest.repos.getBranchProtection({ ...AT, branch: 'main' });

  assert.equal(branch.data.protected, true);
  assert.deepEqual(branch.data.protection.required_status_checks?.contexts, ['Tests']);
  assert.equal(whole.data.required_pull_request_reviews?.required_approving_review_count, 2);
  assert.equal(whole.data.required_pull_request_reviews.dismiss_stale_reviews, true);
  assert.equal((await refusal(s.as('ada').rest.repos.getBranchProtection({ ...AT, branch: 'main' }))).status, 404);
  assert.deepEqual((await s.as('vic').rest.repos.getBranchRules({ ...AT, branch: 'main' })).data, []);
  s.github.protect(REPO, 'main', { ...protection, as: 'ruleset' });
  const rules = await s.as('vic').rest.repos.getBranchRules({ ...AT, branch: 'main' });
  assert.deepEqual(
    rules.data.map((rule) => rule.type),
    ['deletion', 'non_fast_forward', 'pull_request', 'required_status_checks'],
  );
});

test('branches with slashes, commits, comparisons and refs by prefix', async (t) => {
  const s = await site(t);
  const { head, base } = await openPull(s, { branch: 'agent/one-two' });
  const branch = await s.as('vic').rest.repos.getBranch({ ...AT, branch: 'agent/one-two' });
  const compare = await s.as('vic').rest.repos.compareCommitsWithBasehead({ ...AT, basehead: 'main...agent/one-two' });
  const refs = await s.as('vic').rest.git.listMatchingRefs({ ...AT, ref: 'heads/agent/' });
  const commit = await s.as('vic').rest.repos.getCommit({ ...AT, ref: 'agent/one-two' });
  const commits = await s.as('vic').rest.repos.listCommits({ ...AT, sha: 'agent/one-two' });

  assert.equal(branch.data.commit.sha, head.sha);
  assert.deepEqual(
    [compare.data.status, compare.data.ahead_by, compare.data.merge_base_commit.sha],
    ['ahead', 1, base.sha],
  );
  assert.deepEqual(
    refs.data.map(({ ref, object }) => [ref, object.sha]),
    [['refs/heads/agent/one-two', head.sha]],
  );
  assert.deepEqual([commit.data.sha, commit.data.files?.length, commit.data.stats?.total], [head.sha, 1, 2]);
  assert.deepEqual(
    commits.data.map((one) => one.sha),
    [head.sha, base.sha],
  );
});

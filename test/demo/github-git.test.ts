import assert from 'node:assert/strict';
import path from 'node:path';
import test from 'node:test';
import { AT, REPO, SECRET, clone, commit, git, openPull, receiver, site, temporary } from './github-site.ts';

test('a clone has the repository, and every head of a pull request can be fetched by name and by commit', async (t) => {
  const s = await site(t);
  const pull = await openPull(s);
  const work = await clone(s.github, s.directory, 'vic-token');

  assert.equal((await git(work, 'show', 'HEAD:README.md')).stdout, '# Shop');
  assert.equal((await git(work, 'fetch', '--quiet', 'origin', `refs/pull/${pull.number}/head`)).exitCode, 0);
  assert.equal((await git(work, 'rev-parse', 'FETCH_HEAD')).stdout, pull.head.sha);
  await s.github.pushFiles({ repo: REPO, branch: 'feature', files: { a: 'b\n' }, message: 'more', login: 'ada' });
  assert.equal((await git(work, 'fetch', '--quiet', 'origin', pull.head.sha)).exitCode, 0);
});

test('a push moves the head of its pull request and is told as push and synchronize', async (t) => {
  const s = await site(t);
  const pull = await openPull(s);
  const hooks = await receiver(t);
  s.github.addWebhook({ url: hooks.url, secret: SECRET });
  const work = await clone(s.github, s.directory, 'ada-token');
  await git(work, 'checkout', '--quiet', 'feature');
  const head = await commit(work, { 'more.txt': 'more\n' }, 'Say more');
  const push = await git(work, 'push', '--quiet', 'origin', 'feature');

  assert.equal(push.exitCode, 0, push.stderr);
  assert.equal((await s.as('ben').rest.pulls.get({ ...AT, pull_number: pull.number })).data.head.sha, head);
  await s.github.delivered();
  assert.deepEqual(hooks.names(), ['push', 'pull_request.synchronize']);
  const [pushed = {}, synchronized = {}] = hooks.received.map((one) => one.body);
  assert.equal(pushed['ref'], 'refs/heads/feature');
  assert.deepEqual(
    (pushed['commits'] as { id: string; added: string[] }[]).map(({ id, added }) => ({ id, added })),
    [{ id: head, added: ['more.txt'] }],
  );
  assert.equal((pushed['pusher'] as { name: string }).name, 'ada');
  assert.equal(synchronized['before'], pull.head.sha);
  assert.equal(synchronized['after'], head);
});

test('a forced push is told as forced, a new branch as created, a removed one as deleted', async (t) => {
  const s = await site(t);
  const hooks = await receiver(t);
  const work = await clone(s.github, s.directory, 'ada-token');
  s.github.addWebhook({ url: hooks.url, secret: SECRET, events: ['push'] });
  await git(work, 'checkout', '--quiet', '-b', 'topic');
  await commit(work, { a: '1\n' }, 'one');
  await git(work, 'push', '--quiet', 'origin', 'topic');
  await git(work, 'commit', '--quiet', '--amend', '-m', 'another one');
  const refused = await git(work, 'push', '--quiet', 'origin', 'topic');
  await git(work, 'push', '--quiet', '--force', 'origin', 'topic');
  await git(work, 'push', '--quiet', 'origin', ':topic');

  assert.notEqual(refused.exitCode, 0);
  await s.github.delivered();
  assert.deepEqual(
    hooks.received.map(({ body }) => [body['created'], body['forced'], body['deleted']]),
    [
      [true, false, false],
      [false, true, false],
      [false, false, true],
    ],
  );
});

test('who may not push is told so: no token, a wrong one, a reader, a revoked one', async (t) => {
  const s = await site(t);
  const work = await clone(s.github, s.directory, 'ada-token');
  await commit(work, { a: '1\n' }, 'one');
  const push = async (url: string): Promise<string> => {
    const result = await git(work, 'push', url, 'HEAD:refs/heads/mine');
    assert.notEqual(result.exitCode, 0);
    return result.stderr;
  };

  assert.match(await push(s.github.gitUrl(REPO)), /could not read Username|terminal prompts disabled/);
  assert.match(await push(s.github.gitUrlFor(REPO, 'wrong')), /Authentication failed/);
  assert.match(await push(s.github.gitUrlFor(REPO, 'vic-token')), /Permission to acme\/shop.git denied to vic[^]*403/);
  s.github.revokeToken('ada-token');
  assert.match(await push(s.github.gitUrlFor(REPO, 'ada-token')), /Authentication failed/);
  assert.equal(s.github.head(REPO, 'mine'), undefined);
});

test('a token limited to another repository or to reading cannot push, though its user may', async (t) => {
  const s = await site(t);
  s.github.addToken({ login: 'ada', token: 'reader', repositories: { [REPO]: 'read' } });
  s.github.addToken({ login: 'ada', token: 'elsewhere', repositories: { 'acme/other': 'write' } });
  s.github.addToken({
    login: 'ada',
    token: 'for one run',
    repositories: { [REPO]: 'write' },
    expiresAt: s.clock.now() + 1,
  });
  const work = await clone(s.github, s.directory, 'ada-token');
  await commit(work, { a: '1\n' }, 'one');
  const push = (token: string) => git(work, 'push', s.github.gitUrlFor(REPO, token), 'HEAD:refs/heads/mine');

  assert.match((await push('reader')).stderr, /403/);
  assert.match((await push('elsewhere')).stderr, /403/);
  assert.equal((await push('for one run')).exitCode, 0);
  s.clock.advance(1);
  assert.match((await push('for one run')).stderr, /Authentication failed/);
});

test('a private repository does not exist for those without access', async (t) => {
  const s = await site(t, { repository: { private: true, collaborators: { ada: 'write' } } });
  const { directory } = await temporary(t);

  assert.match((await git(directory, 'clone', s.github.gitUrlFor(REPO, 'ben-token'), 'x')).stderr, /not found/i);
  assert.match((await git(directory, 'clone', s.github.gitUrl(REPO), 'x')).stderr, /could not read Username/);
  assert.equal((await git(directory, 'clone', '--quiet', s.github.gitUrlFor(REPO, 'ada-token'), 'x')).exitCode, 0);
});

test('a protected branch takes no direct push, not even from its owner, and its other branches do', async (t) => {
  const s = await site(t, { repository: { protection: { requiredReviews: 1 } } });
  const before = s.github.head(REPO, 'main');
  const work = await clone(s.github, s.directory, 'acme-token');
  await commit(work, { a: '1\n' }, 'one');
  const refused = await git(work, 'push', 'origin', 'HEAD:main', 'HEAD:topic');

  assert.match(refused.stderr, /GH006: Protected branch update failed for refs\/heads\/main/);
  assert.equal(s.github.head(REPO, 'main'), before);
  assert.notEqual(s.github.head(REPO, 'topic'), undefined);
});

test('nobody pushes to refs/pull', async (t) => {
  const s = await site(t);
  const pull = await openPull(s);
  const work = await clone(s.github, s.directory, 'ada-token');
  const result = await git(work, 'push', 'origin', `HEAD:refs/pull/${pull.number}/head`);

  assert.match(result.stderr, /deny updating a hidden ref/);
});

test('a push that brings the head into the base has merged the pull request', async (t) => {
  const s = await site(t);
  const pull = await openPull(s);
  const work = await clone(s.github, s.directory, 'ada-token');
  await git(work, 'push', '--quiet', 'origin', 'origin/feature:main');
  const { data } = await s.as('ada').rest.pulls.get({ ...AT, pull_number: pull.number });

  assert.deepEqual([data.state, data.merged, data.merge_commit_sha], ['closed', true, pull.head.sha]);
});

test('a pull request whose branch is removed is closed, unmerged', async (t) => {
  const s = await site(t);
  const pull = await openPull(s);
  const work = await clone(s.github, s.directory, 'ada-token');
  await git(work, 'push', '--quiet', 'origin', ':feature');
  const { data } = await s.as('ada').rest.pulls.get({ ...AT, pull_number: pull.number });

  assert.deepEqual([data.state, data.merged], ['closed', false]);
});

test('two pushes at once are both taken, each with its own event', async (t) => {
  const s = await site(t);
  const hooks = await receiver(t);
  s.github.addWebhook({ url: hooks.url, secret: SECRET, events: ['push'] });
  const works = await Promise.all(['a', 'b', 'c'].map((name) => clone(s.github, s.directory, 'ada-token', name)));
  const pushes = await Promise.all(
    works.map(async (work) => {
      const name = path.basename(work);
      await commit(work, { [name]: '1\n' }, name);
      return git(work, 'push', '--quiet', 'origin', `HEAD:${name}`);
    }),
  );

  assert.deepEqual(
    pushes.map((push) => push.exitCode),
    [0, 0, 0],
  );
  await s.github.delivered();
  assert.deepEqual(
    hooks.received.map(({ body }) => String(body['ref'])).toSorted((a, b) => a.localeCompare(b)),
    ['refs/heads/a', 'refs/heads/b', 'refs/heads/c'],
  );
});

test('a large push arrives whole', async (t) => {
  const s = await site(t);
  const work = await clone(s.github, s.directory, 'ada-token');
  let state = 1;
  const noise = Array.from({ length: 400_000 }, () => (state = (state * 48_271) % 2_147_483_647).toString(36)).join(
    '\n',
  );
  const head = await commit(work, { 'noise.txt': noise }, 'Noise');
  const push = await git(work, 'push', '--quiet', 'origin', 'HEAD:noise');

  assert.equal(push.exitCode, 0, push.stderr);
  assert.equal(s.github.head(REPO, 'noise'), head);
});

import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import test from 'node:test';
import { createAppAuth } from '@octokit/auth-app';
import { Octokit } from '@octokit/rest';
import { AT, REPO, SILENT, client, openPull, refusal, site } from './github-site.ts';

test('who asks: nobody, a wrong token, a revoked one, an expired one', async (t) => {
  const s = await site(t);
  assert.equal((await client(s.github).rest.repos.get(AT)).data.full_name, REPO);
  const nobody = await refusal(client(s.github).rest.users.getAuthenticated());
  assert.deepEqual([nobody.status, nobody.message], [401, 'Requires authentication']);
  const wrong = await refusal(client(s.github, 'wrong').rest.repos.get(AT));
  assert.deepEqual([wrong.status, wrong.message], [401, 'Bad credentials']);
  s.github.addToken({ login: 'ada', token: 'short', expiresAt: s.clock.now() + 1_000 });
  assert.equal((await client(s.github, 'short').rest.users.getAuthenticated()).data.login, 'ada');
  s.clock.advance(1_000);
  assert.equal((await refusal(client(s.github, 'short').rest.users.getAuthenticated())).status, 401);
  s.github.revokeToken('ben-token');
  assert.equal((await refusal(s.as('ben').rest.users.getAuthenticated())).status, 401);
});

test('what may not be seen does not exist, what may be seen and not done is forbidden', async (t) => {
  const s = await site(t, { repository: { private: true, collaborators: { ada: 'write', vic: 'read' } } });
  assert.equal((await refusal(s.as('ben').rest.repos.get(AT))).status, 404);
  assert.equal((await refusal(client(s.github).rest.repos.get(AT))).status, 404);
  s.github.addToken({ login: 'ada', token: 'elsewhere', repositories: { 'acme/other': 'write' } });
  assert.equal((await refusal(client(s.github, 'elsewhere').rest.repos.get(AT))).status, 404);
  const { data } = await s.as('vic').rest.repos.get(AT);
  assert.deepEqual(data.permissions, { admin: false, maintain: false, push: false, triage: false, pull: true });
  const refused = await refusal(s.as('vic').rest.pulls.create({ ...AT, head: 'x', base: 'main', title: 'x' }));
  assert.equal(refused.status, 403);
});

test('an answer one already has is 304 and costs nothing; a change makes it new', async (t) => {
  const s = await site(t);
  const { number } = await openPull(s);
  const url = `${s.github.apiUrl}/repos/${REPO}/pulls/${number}/commits`;
  const get = (etag?: string) =>
    fetch(url, {
      headers: { authorization: 'Bearer vic-token', ...(etag === undefined ? {} : { 'if-none-match': etag }) },
    });
  const first = await get();
  const etag = first.headers.get('etag') ?? '';
  const second = await get(etag);

  assert.deepEqual([first.status, second.status, await second.text()], [200, 304, '']);
  assert.equal(second.headers.get('etag'), etag);
  assert.equal(second.headers.get('x-ratelimit-remaining'), first.headers.get('x-ratelimit-remaining'));
  await s.github.pushFiles({ repo: REPO, branch: 'feature', files: { a: 'b' }, message: 'More', login: 'ada' });
  assert.equal((await get(etag)).status, 200);
});

test('the rate limit is counted for each token, refuses when spent, and begins again', async (t) => {
  const s = await site(t, { options: { rateLimit: { limit: 2, windowMs: 60_000 } } });
  const left = async () => (await s.as('ada').rest.rateLimit.get()).data.rate.remaining;
  assert.equal(await left(), 2);
  await s.as('ada').rest.repos.get(AT);
  await s.as('ada').rest.repos.get(AT);
  const spent = await refusal(s.as('ada').rest.repos.get(AT));
  assert.equal(spent.status, 403);
  assert.match(spent.message, /API rate limit exceeded for user ID/);
  assert.equal((await s.as('ben').rest.repos.get(AT)).headers['x-ratelimit-remaining'], '1');
  s.clock.advance(60_000);
  assert.equal((await s.as('ada').rest.repos.get(AT)).headers['x-ratelimit-used'], '1');
});

test('trouble on demand: 5xx, secondary limits with retry-after, only where it fits and so often', async (t) => {
  const s = await site(t);
  s.github.faults.next({ status: 502, times: 2, match: { method: 'GET', path: /\/repos\/acme\/shop$/, login: 'ada' } });
  assert.equal((await s.as('ben').rest.repos.get(AT)).status, 200);
  assert.equal((await refusal(s.as('ada').rest.repos.get(AT))).status, 502);
  assert.equal((await refusal(s.as('ada').rest.repos.get(AT))).status, 502);
  assert.equal((await s.as('ada').rest.repos.get(AT)).status, 200);

  s.github.faults.next({ status: 403, secondary: true, retryAfter: 7 });
  const answer = await fetch(`${s.github.apiUrl}/repos/${REPO}`);
  assert.deepEqual([answer.status, answer.headers.get('retry-after')], [403, '7']);
  assert.match(await answer.text(), /secondary rate limit/);
});

test('an answer can be lost after the act was done, or the line cut before it', async (t) => {
  const s = await site(t);
  const { number } = await openPull(s);
  const comment = () => s.as('ada').rest.issues.createComment({ ...AT, issue_number: number, body: 'Once' });
  s.github.faults.next({ status: 502, performed: true, match: { method: 'POST' } });
  assert.equal((await refusal(comment())).status, 502);
  s.github.faults.next({ status: 'hangUp', performed: true, match: { method: 'POST' } });
  await assert.rejects(comment());
  s.github.faults.next({ status: 'hangUp', match: { method: 'POST' } });
  await assert.rejects(comment());

  assert.equal((await s.as('ada').rest.issues.listComments({ ...AT, issue_number: number })).data.length, 2);
});

test('an App’s JWT buys a token for an hour, for the repositories it asks for', async (t) => {
  const s = await site(t);
  const keys = generateKeyPairSync('rsa', { modulusLength: 2_048 });
  const pem = { type: 'spki', format: 'pem' } as const;
  const privateKey = keys.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  s.github.addUser({
    login: 'chart[bot]',
    type: 'Bot',
    token: 'chart-token',
    app: { id: 99, installationId: 990, publicKey: keys.publicKey.export(pem).toString() },
  });
  s.github.grant(REPO, 'chart[bot]', 'write');
  // The App's library reads the real time; the stand-in is told to, too.
  s.clock.advance(Date.now() - s.clock.now());
  const app = new Octokit({
    baseUrl: s.github.apiUrl,
    authStrategy: createAppAuth,
    log: SILENT,
    auth: { appId: 99, privateKey, installationId: 990 },
  });
  const { data: run } = await app.rest.checks.create({
    ...AT,
    name: 'Tests',
    head_sha: s.github.head(REPO, 'main') ?? '',
  });
  assert.equal(run.app?.id, 99);
  const { data: installation } = await app.rest.apps.getRepoInstallation(AT);
  assert.equal(installation.id, 990);
  const { data: token } = await app.rest.apps.createInstallationAccessToken({
    installation_id: 990,
    repositories: ['shop'],
  });
  assert.equal(Date.parse(token.expires_at) - Math.floor(s.clock.now() / 1000) * 1000, 3_600_000);
  assert.equal((await client(s.github, token.token).rest.repos.get(AT)).status, 200);

  const forged = new Octokit({
    baseUrl: s.github.apiUrl,
    authStrategy: createAppAuth,
    log: SILENT,
    auth: {
      appId: 99,
      installationId: 990,
      privateKey: generateKeyPairSync('rsa', { modulusLength: 2_048 })
        .privateKey.export({ type: 'pkcs8', format: 'pem' })
        .toString(),
    },
  });
  await assert.rejects(forged.rest.apps.getAuthenticated(), { status: 401 });

  s.clock.advance(3_600_000);
  assert.equal((await refusal(client(s.github, token.token).rest.repos.get(AT))).status, 401);
});

test('what is not JSON is 400, what does not fit 422, what is not there 404, each with GitHub’s body and a request id', async (t) => {
  const s = await site(t);
  const send = async (path: string, body: string) => {
    const headers = { authorization: 'token ada-token', 'content-type': 'application/json' };
    const answer = await fetch(`${s.github.apiUrl}${path}`, { method: 'POST', headers, body });
    assert.match(answer.headers.get('x-github-request-id') ?? '', /.+/);
    return [answer.status, ((await answer.json()) as { message: string }).message];
  };

  assert.deepEqual(await send(`/repos/${REPO}/issues`, '{'), [400, 'Problems parsing JSON']);
  assert.deepEqual(await send(`/repos/${REPO}/issues`, '{"title":7}'), [422, 'Validation Failed']);
  assert.deepEqual(await send('/nowhere', '{}'), [404, 'Not Found']);
});

test('a pull request has a page a person can open', async (t) => {
  const s = await site(t);
  const { html_url: url, number } = await openPull(s, { title: 'A <b>change</b>' });
  await s.as('ben').rest.pulls.createReview({ ...AT, pull_number: number, event: 'APPROVE', body: 'Fine.' });
  const page = await (await fetch(url)).text();

  assert.match(page, /A &lt;b&gt;change&lt;\/b&gt; #1/);
  assert.match(page, /ben: APPROVED/);
});

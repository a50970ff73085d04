import assert from 'node:assert/strict';
import test from 'node:test';
import { AT, SECRET, openPull, receiver, refusal, site } from './github-site.ts';

test('an issue is opened, assigned, labelled and closed, each told', async (t) => {
  const s = await site(t);
  const hooks = await receiver(t);
  s.github.addWebhook({ url: hooks.url, secret: SECRET });
  const { data: issue } = await s.as('ada').rest.issues.create({
    ...AT,
    title: 'Prices are wrong',
    body: 'See.',
    assignees: ['ben'],
    labels: ['bug'],
  });
  const at = { ...AT, issue_number: issue.number };
  await s.as('ada').rest.issues.addAssignees({ ...at, assignees: ['ada', 'nobody'] });
  await s.as('ada').rest.issues.addLabels({ ...at, labels: ['soon', 'bug'] });
  const { data: closed } = await s
    .as('ben')
    .rest.issues.update({ ...at, state: 'closed', state_reason: 'not_planned' });
  await s.github.delivered();

  assert.deepEqual(
    closed.assignees?.map((user) => user.login),
    ['ben', 'ada'],
  );
  assert.deepEqual([closed.state, closed.state_reason], ['closed', 'not_planned']);
  assert.deepEqual(hooks.names(), [
    'issues.opened',
    'issues.assigned',
    'issues.labeled',
    'issues.assigned',
    'issues.labeled',
    'issues.closed',
  ]);
});

test('a stranger may open an issue of a public repository, and neither assign nor label it', async (t) => {
  const s = await site(t);
  s.github.addUser({ login: 'stranger', token: 'stranger-token' });
  const { data: issue } = await s
    .as('stranger')
    .rest.issues.create({ ...AT, title: 'Hm', labels: ['bug'], assignees: ['ben'] });

  assert.deepEqual([issue.labels, issue.assignees, issue.author_association], [[], [], 'NONE']);
  const refused = await refusal(
    s.as('stranger').rest.issues.addLabels({ ...AT, issue_number: issue.number, labels: ['x'] }),
  );
  assert.equal(refused.status, 403);
});

test('issues and pull requests share their numbers, and a pull request is an issue with a pull', async (t) => {
  const s = await site(t);
  const { data: issue } = await s.as('ada').rest.issues.create({ ...AT, title: 'One' });
  const pull = await openPull(s);
  const { data: list } = await s.as('vic').rest.issues.listForRepo({ ...AT, sort: 'created', direction: 'asc' });

  assert.deepEqual([issue.number, pull.number], [1, 2]);
  assert.deepEqual(
    list.map((one) => [one.number, one.pull_request !== undefined]),
    [
      [1, false],
      [2, true],
    ],
  );
  assert.equal((await refusal(s.as('vic').rest.pulls.get({ ...AT, pull_number: 1 }))).status, 404);
});

test('comments of a pull request are its issue’s; they are listed since a time and can be changed', async (t) => {
  const s = await site(t);
  const { number } = await openPull(s);
  const at = { ...AT, issue_number: number };
  const hooks = await receiver(t);
  s.github.addWebhook({ url: hooks.url, secret: SECRET });
  const { data: first } = await s.as('ben').rest.issues.createComment({ ...at, body: 'One' });
  s.clock.advance(5_000);
  const { data: second } = await s.as('ci').rest.issues.createComment({ ...at, body: 'Two' });
  const since = async (time: string) =>
    (await s.as('ada').rest.issues.listComments({ ...at, since: time })).data.map((comment) => comment.body);

  assert.deepEqual(await since(second.created_at), ['Two']);
  s.clock.advance(5_000);
  await s.as('ben').rest.issues.updateComment({ ...AT, comment_id: first.id, body: 'One, better' });
  assert.deepEqual(await since(second.created_at), ['One, better', 'Two']);
  assert.equal(
    (await refusal(s.as('vic').rest.issues.updateComment({ ...AT, comment_id: first.id, body: 'x' }))).status,
    403,
  );
  assert.deepEqual([second.user?.type, second.performed_via_github_app?.id], ['Bot', 77]);
  await s.github.delivered();
  assert.deepEqual(hooks.names(), ['issue_comment.created', 'issue_comment.created', 'issue_comment.edited']);
});

test('what blocks an issue is kept as GitHub’s dependencies', async (t) => {
  const s = await site(t);
  const { data: blocker } = await s.as('ada').rest.issues.create({ ...AT, title: 'First' });
  const { data: issue } = await s.as('ada').rest.issues.create({ ...AT, title: 'Then' });
  const path = '/repos/{owner}/{repo}/issues/{issue_number}/dependencies/blocked_by';
  await s.as('ada').request(`POST ${path}`, { ...AT, issue_number: issue.number, issue_id: blocker.id });
  const { data } = await s.as('vic').request(`GET ${path}`, { ...AT, issue_number: issue.number });

  assert.deepEqual(
    (data as { number: number }[]).map((one) => one.number),
    [blocker.number],
  );
});

import assert from 'node:assert/strict';
import test from 'node:test';
import { AT, SECRET, openPull, receiver, refusal, site } from './github-site.ts';

test('a check run goes from queued to completed, with output and annotations', async (t) => {
  const s = await site(t);
  const { head, number } = await openPull(s);
  const hooks = await receiver(t);
  s.github.addWebhook({ url: hooks.url, secret: SECRET });
  const { data: run } = await s.as('ci').rest.checks.create({ ...AT, name: 'Tests', head_sha: head.sha });
  assert.deepEqual([run.status, run.conclusion, run.completed_at], ['queued', null, null]);
  await s.as('ci').rest.checks.update({ ...AT, check_run_id: run.id, status: 'in_progress' });
  const annotation = {
    path: 'price.txt',
    start_line: 2,
    end_line: 2,
    annotation_level: 'failure',
    message: 'Not two',
  } as const;
  await s.as('ci').rest.checks.update({
    ...AT,
    check_run_id: run.id,
    conclusion: 'failure',
    output: { title: 'Red', summary: 'One failed', annotations: [annotation] },
  });

  const { data } = await s.as('vic').rest.checks.get({ ...AT, check_run_id: run.id });
  assert.deepEqual(
    [data.status, data.conclusion, data.output.title, data.output.annotations_count],
    ['completed', 'failure', 'Red', 1],
  );
  assert.deepEqual(
    data.pull_requests.map((pull) => pull.number),
    [number],
  );
  assert.equal(data.app?.id, 77);
  const { data: annotations } = await s.as('vic').rest.checks.listAnnotations({ ...AT, check_run_id: run.id });
  assert.deepEqual(
    annotations.map((one) => [one.path, one.start_line, one.message]),
    [['price.txt', 2, 'Not two']],
  );
  await s.github.delivered();
  assert.deepEqual(hooks.names(), ['check_run.created', 'check_run.completed', 'check_suite.completed']);
});

test('only an App writes check runs, only its own, and only for commits that are there', async (t) => {
  const s = await site(t);
  const { head } = await openPull(s);
  s.github.addUser({ login: 'other[bot]', type: 'Bot', token: 'other-token' });
  s.github.grant('acme/shop', 'other[bot]', 'write');
  const create = (login: string, sha = head.sha) =>
    s.as(login).rest.checks.create({ ...AT, name: 'Tests', head_sha: sha });

  const person = await refusal(create('ada'));
  assert.deepEqual([person.status, person.message], [403, 'You must authenticate via a GitHub App.']);
  assert.equal((await refusal(create('ci', '0'.repeat(40)))).status, 422);
  const { data: run } = await create('ci');
  const other = await refusal(s.as('other').rest.checks.update({ ...AT, check_run_id: run.id, conclusion: 'success' }));
  assert.equal(other.status, 403);
  const nothing = await refusal(s.as('ci').rest.checks.update({ ...AT, check_run_id: run.id, status: 'completed' }));
  assert.equal(nothing.status, 422);
});

test('the newest run of a name counts; the suite is completed when its last run is', async (t) => {
  const s = await site(t);
  const { head } = await openPull(s);
  const create = (name: string, conclusion?: 'success' | 'failure') =>
    s
      .as('ci')
      .rest.checks.create({ ...AT, name, head_sha: head.sha, ...(conclusion === undefined ? {} : { conclusion }) });
  const suite = async () => {
    const { data } = await s.as('vic').rest.checks.listSuitesForRef({ ...AT, ref: 'feature' });
    return data.check_suites.map((one) => [one.status, one.conclusion, one.latest_check_runs_count]);
  };
  await create('Tests', 'failure');
  assert.deepEqual(await suite(), [['completed', 'failure', 1]]);
  const { data: second } = await create('Tests');
  assert.deepEqual(await suite(), [['queued', null, 1]]);
  await create('Style', 'success');
  assert.deepEqual(await suite(), [['in_progress', null, 2]]);
  await s.as('ci').rest.checks.update({ ...AT, check_run_id: second.id, conclusion: 'success' });
  assert.deepEqual(await suite(), [['completed', 'success', 2]]);

  const names = async (query: object) =>
    (await s.as('vic').rest.checks.listForRef({ ...AT, ref: 'feature', ...query })).data.check_runs.map(
      (one) => `${one.name} ${one.conclusion}`,
    );
  assert.deepEqual(await names({}), ['Style success', 'Tests success']);
  assert.deepEqual(await names({ filter: 'all', check_name: 'Tests' }), ['Tests success', 'Tests failure']);
});

test('asking for a run again tells its App, and only once it is completed', async (t) => {
  const s = await site(t);
  const { head } = await openPull(s);
  const { data: run } = await s.as('ci').rest.checks.create({ ...AT, name: 'Tests', head_sha: head.sha });
  const again = () => s.as('ada').rest.checks.rerequestRun({ ...AT, check_run_id: run.id });
  assert.equal((await refusal(again())).status, 422);
  await s.as('ci').rest.checks.update({ ...AT, check_run_id: run.id, conclusion: 'failure' });
  const hooks = await receiver(t);
  s.github.addWebhook({ url: hooks.url, secret: SECRET });
  await again();
  await s.github.delivered();

  assert.deepEqual(hooks.names(), ['check_run.rerequested']);
});

test('commit statuses: the newest of a context counts, and is told', async (t) => {
  const s = await site(t);
  const { head } = await openPull(s);
  const hooks = await receiver(t);
  s.github.addWebhook({ url: hooks.url, secret: SECRET });
  const set = (state: 'pending' | 'success' | 'failure', context = 'lint') =>
    s.as('ada').rest.repos.createCommitStatus({ ...AT, sha: head.sha, state, context, description: state });
  const combined = async () =>
    (await s.as('vic').rest.repos.getCombinedStatusForRef({ ...AT, ref: 'feature' })).data.state;

  assert.equal(await combined(), 'pending');
  await set('failure');
  await set('success', 'build');
  assert.equal(await combined(), 'failure');
  await set('success');
  assert.equal(await combined(), 'success');
  const { data } = await s.as('vic').rest.repos.listCommitStatusesForRef({ ...AT, ref: head.sha });
  assert.deepEqual(
    data.map((one) => `${one.context} ${one.state}`),
    ['lint success', 'build success', 'lint failure'],
  );
  await s.github.delivered();
  assert.deepEqual(
    hooks.received.map(({ event, body }) => [event, body['sha'], body['state']]),
    [
      ['status', head.sha, 'failure'],
      ['status', head.sha, 'success'],
      ['status', head.sha, 'success'],
    ],
  );
  assert.equal(
    (await refusal(s.as('vic').rest.repos.createCommitStatus({ ...AT, sha: head.sha, state: 'success' }))).status,
    403,
  );
});

test('a required check may be a commit status', async (t) => {
  const s = await site(t, { repository: { protection: { requiredChecks: ['review/bot'] } } });
  const { head, number } = await openPull(s);
  const merge = () => s.as('ada').rest.pulls.merge({ ...AT, pull_number: number });
  assert.equal((await refusal(merge())).status, 405);
  await s.as('ben').rest.repos.createCommitStatus({ ...AT, sha: head.sha, state: 'success', context: 'review/bot' });

  assert.equal((await merge()).data.merged, true);
});

import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { TestContext } from 'node:test';
import test from 'node:test';
import type { CiOptions } from '../../src/demo/ci.ts';
import { createCi } from '../../src/demo/ci.ts';
import { skipLong } from '../support/long.ts';
import type { Received } from './github-site.ts';
import { AT, REPO, SECRET, openPull, receiver, site } from './github-site.ts';

/** A test that fails where price.txt has no `two`, with the line it fails on. */
const CHECK = `import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test from 'node:test';

test('the second price is two', () => {
  assert.equal(readFileSync('price.txt', 'utf8').split('\\n')[1], 'two');
});
`;
const FILES = {
  'price.txt': 'one\ntwo\nthree\n',
  'package.json': '{ "type": "module", "scripts": { "test": "node --test" } }\n',
  'price.test.js': CHECK,
};
const GOOD = { 'price.txt': 'one\ntwo\nthree\nfour\n' };
const BAD = { 'price.txt': 'one\n2\nthree\n' };

async function scene(t: TestContext, options: Partial<CiOptions> = {}, files: Record<string, string> = FILES) {
  const s = await site(t, { repository: { files } });
  const hooks = await receiver(t);
  s.github.addWebhook({ url: hooks.url, secret: SECRET, events: ['check_run'] });
  const said: string[] = [];
  const listening: (() => void)[] = [];
  const ci = await createCi({
    say(line) {
      said.push(line);
      for (const tell of listening.splice(0)) tell();
    },
    github: { apiUrl: s.github.apiUrl, gitUrl: s.github.gitUrl, token: 'ci-token' },
    secret: SECRET,
    directory: path.join(s.directory, 'ci'),
    ...options,
  });
  s.closing.push(() => ci.close());
  s.github.addWebhook({ url: ci.webhookUrl, secret: SECRET });
  const about = (sha: string, action: string) => (one: Received) =>
    one.body.action === action && (one.body['check_run'] as { head_sha: string }).head_sha === sha;
  const created = (sha: string) => hooks.until(about(sha, 'created'));
  const completed = (sha: string) => hooks.until(about(sha, 'completed'));
  const check = async (sha: string) => {
    const { data } = await s.as('ada').rest.checks.listForRef({ ...AT, ref: sha, check_name: 'Tests' });
    const [run] = data.check_runs;
    assert.ok(run);
    return run;
  };
  /** When the head's tests have run: its result is told, or held back. */
  const tested = async (sha: string): Promise<void> => {
    const ended = new RegExp(`${sha.slice(0, 8)}: (success|failure|neutral)`);
    while (!said.some((line) => ended.test(line))) await new Promise<void>((tell) => listening.push(tell));
  };
  return { ...s, hooks, ci, created, completed, tested, check };
}

test('a head of a pull request is tested for real and reported good', async (t) => {
  const s = await scene(t);
  const { head } = await openPull(s, { files: GOOD });
  const first = await s.created(head.sha);
  await s.completed(head.sha);
  const run = await s.check(head.sha);

  assert.equal((first.body['check_run'] as { status: string }).status, 'queued');
  assert.deepEqual([run.status, run.conclusion, run.output.title], ['completed', 'success', 'The tests passed']);
  assert.match(run.output.summary ?? '', /the second price is two/);
});

test('a head that fails is reported red, with the end of its log and the line that failed', async (t) => {
  const s = await scene(t);
  const { head } = await openPull(s, { files: BAD });
  await s.completed(head.sha);
  const run = await s.check(head.sha);
  const { data } = await s.as('ada').rest.checks.listAnnotations({ ...AT, check_run_id: run.id });

  assert.equal(run.conclusion, 'failure');
  assert.equal(run.output.title, 'The tests failed (exit code 1)');
  assert.match(run.output.summary ?? '', /strictly equal/);
  assert.ok(
    data.some((one) => one.path === 'price.test.js' && one.start_line === 6),
    JSON.stringify(data),
  );
});

test('a push is tested again, and a command of its own replaces the test script', async (t) => {
  const s = await scene(t, { command: ['sh', '-c', 'echo "price.txt:2: error: not two"; grep -q two price.txt'] });
  const { head } = await openPull(s, { files: BAD });
  await s.completed(head.sha);
  const next = await s.github.pushFiles({ repo: REPO, branch: 'feature', files: GOOD, message: 'Fix', login: 'ada' });
  await s.completed(next);
  const red = await s.check(head.sha);
  const annotations = await s.as('ada').rest.checks.listAnnotations({ ...AT, check_run_id: red.id });

  assert.equal(red.conclusion, 'failure');
  assert.deepEqual(
    annotations.data.map((one) => [one.path, one.start_line, one.message]),
    [['price.txt', 2, 'price.txt:2: error: not two']],
  );
  assert.equal((await s.check(next)).conclusion, 'success');
});

test('a result is held back until the head is approved, and the next head needs no new approval', async (t) => {
  const s = await scene(t, { holdUntilApproved: true });
  const { head, number } = await openPull(s, { files: BAD });
  await s.tested(head.sha);
  assert.equal((await s.check(head.sha)).status, 'in_progress');
  await s.as('ben').rest.pulls.createReview({ ...AT, pull_number: number, event: 'APPROVE' });
  await s.completed(head.sha);
  const next = await s.github.pushFiles({ repo: REPO, branch: 'feature', files: GOOD, message: 'Fix', login: 'ada' });
  await s.completed(next);

  assert.deepEqual(
    s.ci.jobs.map((job) => [job.sha, job.conclusion]),
    [
      [head.sha, 'failure'],
      [next, 'success'],
    ],
  );
});

test('without approval the result stays back; a newer head cancels it', async (t) => {
  const s = await scene(t, { holdUntilApproved: true });
  const { head, number } = await openPull(s, { files: GOOD });
  await s.tested(head.sha);
  await s.as('ben').rest.pulls.createReview({
    ...AT,
    pull_number: number,
    event: 'REQUEST_CHANGES',
    body: 'Not yet.',
  });
  const next = await s.github.pushFiles({ repo: REPO, branch: 'feature', files: GOOD, message: 'Again', login: 'ada' });
  await s.completed(head.sha);
  await s.tested(next);

  assert.equal((await s.check(head.sha)).conclusion, 'cancelled');
  assert.equal((await s.check(next)).status, 'in_progress');
});

test(
  'an approval whose webhook was lost is found by looking, at the latest for the next head',
  { skip: skipLong },
  async (t) => {
    const s = await scene(t, { holdUntilApproved: true });
    const { head, number } = await openPull(s, { files: GOOD });
    await s.tested(head.sha);
    s.github.faults.loseDeliveries({ event: 'pull_request_review', times: 2 });
    await s.as('ben').rest.pulls.createReview({ ...AT, pull_number: number, event: 'APPROVE' });
    const next = await s.github.pushFiles({
      repo: REPO,
      branch: 'feature',
      files: { a: 'b\n' },
      message: 'x',
      login: 'ada',
    });
    await s.completed(next);

    assert.equal((await s.check(next)).conclusion, 'success');
  },
);

test('a hold of one’s own is asked again at release', { skip: skipLong }, async (t) => {
  let open = false;
  const s = await scene(t, { hold: ({ conclusion }) => conclusion === 'success' && !open });
  const { head } = await openPull(s, { files: GOOD });
  await s.tested(head.sha);
  assert.deepEqual(
    s.ci.jobs.map((job) => job.state),
    ['held'],
  );
  open = true;
  s.ci.release();
  await s.completed(head.sha);

  assert.equal((await s.check(head.sha)).conclusion, 'success');
});

test('two results held back do not keep each other awake', { skip: skipLong }, async (t) => {
  let asked = 0;
  const s = await scene(t, {
    hold() {
      asked += 1;
      return true;
    },
  });
  const one = await openPull(s, { branch: 'one', files: GOOD });
  const two = await openPull(s, { branch: 'two', files: GOOD });
  await s.tested(one.head.sha);
  await s.tested(two.head.sha);
  await s.github.delivered();

  assert.ok(asked < 20, String(asked));
});

test('asked again for a check, it runs again', { skip: skipLong }, async (t) => {
  const s = await scene(t);
  const { head } = await openPull(s, { files: GOOD });
  await s.completed(head.sha);
  const first = await s.check(head.sha);
  await s.as('ada').request('POST /repos/{owner}/{repo}/check-runs/{id}/rerequest', { ...AT, id: first.id });
  await s.hooks.until(
    ({ body }) => body.action === 'completed' && (body['check_run'] as { id: number }).id !== first.id,
  );

  assert.notEqual((await s.check(head.sha)).id, first.id);
  assert.equal(s.ci.jobs.length, 2);
});

test('the same delivery twice is one run', async (t) => {
  const s = await scene(t);
  const { head } = await openPull(s, { files: GOOD });
  await s.completed(head.sha);
  const opened = s.github.deliveries.find((one) => one.event === 'pull_request' && one.hook.url === s.ci.webhookUrl);
  s.github.redeliver(opened?.guid ?? '');
  await s.github.delivered();

  assert.equal(s.ci.jobs.length, 1);
});

test('what is not signed with its secret is refused', async (t) => {
  const s = await scene(t);
  const answer = await fetch(s.ci.webhookUrl, {
    method: 'POST',
    body: '{}',
    headers: { 'x-hub-signature-256': 'sha256=00', 'x-github-event': 'pull_request' },
  });

  assert.equal(answer.status, 401);
  assert.equal(s.ci.jobs.length, 0);
});

test('a repository without a test script is neutral', async (t) => {
  const s = await scene(t, {}, { 'price.txt': 'one\n' });
  const { head } = await openPull(s, { files: GOOD });
  await s.completed(head.sha);

  assert.equal((await s.check(head.sha)).conclusion, 'neutral');
});

/** A zombie is dead, though its number is still taken until its parent looks. */
function isAlive(pid: number): boolean {
  try {
    if (existsSync('/proc/self/stat')) return !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

test('a script that hangs is ended with all it started', async (t) => {
  const s = await scene(t, { command: ['sh', '-c', 'sleep 1000 & echo $!; sleep 1000'], timeoutMs: 300 });
  const { head } = await openPull(s, { files: GOOD });
  await s.completed(head.sha);
  const run = await s.check(head.sha);
  const pid = Number(/\d+/.exec(run.output.summary ?? '')?.[0]);

  assert.equal(run.conclusion, 'timed_out');
  assert.ok(pid > 1);
  assert.equal(isAlive(pid), false);
});

test('a process that left its group and holds the output open is not waited for', async (t) => {
  const escape = `const child = require('node:child_process').spawn('sleep', ['1000'], { detached: true, stdio: 'inherit' });
    console.log('escaped ' + child.pid);
    child.unref();
    process.exitCode = 1;`;
  const s = await scene(t, { command: [process.execPath, '-e', escape], timeoutMs: 1_000 });
  const { head } = await openPull(s, { files: GOOD });
  await s.completed(head.sha);
  const run = await s.check(head.sha);
  const pid = Number(/escaped (\d+)/.exec(run.output.summary ?? '')?.[1]);
  assert.ok(isAlive(pid));
  process.kill(pid);

  assert.equal(run.status, 'completed');
});

test('closing ends what runs', async (t) => {
  const s = await scene(t, { command: ['sh', '-c', 'sleep 1000'] });
  const { head } = await openPull(s, { files: GOOD });
  await s.created(head.sha);
  await s.ci.close();

  assert.deepEqual(
    s.ci.jobs.map((job) => [job.state, job.pid]),
    [['done', null]],
  );
});

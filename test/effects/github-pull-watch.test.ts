import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BRANCH, REPO, pullParams, watchPull, withGithub } from './github-site.ts';
import type { GithubSite } from './github-site.ts';

const review = ({ as, number }: GithubSite, by: 'susan' | 'ann', event: string, more: Record<string, unknown> = {}) =>
  as(by, 'POST', `/pulls/${number}/reviews`, { event, body: 'Words.', ...more });

test('the pull request of the branch is found and told with everything it is', () =>
  withGithub(async (site) => {
    const { watch, pull } = watchPull(site);
    const facts = await pull();
    await watch.stop('state');
    assert.equal(facts.number, site.number);
    assert.equal(facts.head, site.head);
    assert.equal(facts.headBy, 'us');
    assert.equal(facts.branch, BRANCH);
    assert.equal(facts.author, 'chartroom');
    assert.deepEqual(facts.gate, {
      state: 'unknown',
      checks: [{ name: 'Tests', conclusion: null, url: null }],
      failures: [],
    });
    assert.deepEqual(facts.queue, { state: 'out' });
    assert.deepEqual([facts.state, facts.draft, facts.merged], ['open', false, false]);
  }));

test('the same facts are not told twice, by another look or by another watch', () =>
  withGithub(async (site) => {
    const first = watchPull(site);
    const told = await first.next('pull.observed');
    // Whether it can be merged is known from the second look on.
    await first.pass(3_000);
    const known = await first.next('pull.observed');
    assert.equal(known.data['conflict'], false);
    await first.rest();
    first.watch.poke();
    await first.rest();
    await first.watch.stop('runtime');
    assert.deepEqual(
      first.all.map(({ id }) => id),
      [told.id, known.id],
    );
    const second = watchPull(site);
    assert.equal((await second.next('pull.observed')).id, known.id, 'after a restart the same name, so a duplicate');
    await second.watch.stop('runtime');
  }));

test('a number that is none is told once as missed, and again only when the session comes to it again', () =>
  withGithub(async (site) => {
    const { watch, next, all, rest, pass } = watchPull(site, { number: 999 });
    const { data } = await next('pull.missed');
    assert.deepEqual(data, { number: 999, reason: `${REPO} shows no pull request #999` });
    await pass(60_000);
    await rest();
    assert.equal(all.length, 1);
    watch.update(pullParams({ number: 999, look: 1 }));
    await next('pull.missed');
    await watch.stop('runtime');
  }));

/** What an hour of looks at an idle open pull request costs, one every five minutes: the calls that count. */
async function anHourOf(site: GithubSite): Promise<string[]> {
  await site.check(site.head, 'Tests', 'success');
  await review(site, 'susan', 'APPROVE');
  const timers = { reconcile: 300 };
  const gates = { checks: 'required' as const };
  const { watch, pull, pass, rest } = watchPull(site, { gates, number: site.number }, { timers });
  await pull();
  await pass(3_000);
  await pull();
  await rest();
  const before = site.standIn.calls.length;
  for (let minute = 0; minute < 60; minute += 5) await pass(300_000);
  await rest();
  await watch.stop('runtime');
  const calls = site.standIn.calls.slice(before);
  assert.ok(calls.length >= 12 * 5, `it looked: ${calls.length}`);
  return calls.filter(({ status }) => status !== 304).map(({ path, status }) => `${path} ${status}`);
}

test('an hour of an idle open pull request costs no request that counts', () =>
  withGithub(async (site) => assert.deepEqual(await anHourOf(site), [])));

test('an hour of it costs four where the rules of its branch are not ours to read, each asked again every half an hour', () =>
  withGithub(async (site) => {
    const match = { path: /\/branches\/main$/ };
    site.standIn.faults.next({ status: 403, times: 100, match });
    assert.equal((await anHourOf(site)).length, 4);
  }));

test('a look at which nothing changed costs nothing of the rate limit', () =>
  withGithub(async (site) => {
    await site.check(site.head, 'Tests', 'success');
    await review(site, 'susan', 'APPROVE');
    const { watch, pull, pass } = watchPull(site, { gates: { checks: 'required' } });
    await pull();
    await pass(3_000);
    assert.equal((await pull()).conflict, false);
    await watch.stop('runtime');

    const before = site.standIn.calls.length;
    const idle = watchPull(site, { gates: { checks: 'required' }, number: site.number });
    await idle.pull();
    await idle.watch.stop('runtime');
    const costs = site.standIn.calls.slice(before).map(({ method, path, status }) => `${method} ${path} ${status}`);
    assert.ok(costs.length >= 7, 'it did look');
    assert.deepEqual(
      costs.filter((call) => !call.endsWith(' 304')),
      [],
    );
  }));

test('a poke brings news at once; without one the next look comes after the reconcile time', () =>
  withGithub(async (site) => {
    const { watch, pull, pass } = watchPull(site, { number: site.number });
    await pull();
    await pass(3_000);
    await pull();
    await site.check(site.head, 'Tests', null);
    watch.poke();
    assert.equal((await pull()).gate.state, 'pending');
    await site.check(site.head, 'Tests', 'success');
    await pass(60_000);
    assert.equal((await pull()).gate.state, 'green');
    await watch.stop('state');
  }));

test('green, run again and green again are three things to tell', () =>
  withGithub(async (site) => {
    await site.check(site.head, 'Tests', 'success');
    const { watch, pull, pass, all } = watchPull(site);
    assert.equal((await pull()).gate.state, 'green');
    await pass(3_000);
    await pull();
    await site.check(site.head, 'Tests', null);
    watch.poke();
    assert.equal((await pull()).gate.state, 'pending');
    await site.check(site.head, 'Tests', 'success');
    watch.poke();
    assert.equal((await pull()).gate.state, 'green');
    await watch.stop('state');
    assert.equal(new Set(all.map(({ id }) => id)).size, all.length);
  }));

test('a red gate comes with the job that really failed, its words and its places (C5)', () =>
  withGithub(async (site) => {
    await site.check(site.head, 'Checks', 'failure', {
      output: {
        title: 'Lint failed',
        summary: '1 error',
        annotations: [
          { path: 'greet.txt', start_line: 2, end_line: 2, annotation_level: 'failure', message: 'do not shout' },
        ],
      },
    });
    site.clock.advance(1_000);
    await site.check(site.head, 'Tests', 'failure');
    const { watch, pull } = watchPull(site);
    const { gate } = await pull();
    await watch.stop('state');
    assert.equal(gate.state, 'red');
    assert.deepEqual(
      gate.checks.map(({ name }) => name),
      ['Tests'],
    );
    assert.deepEqual(
      gate.failures.map(({ check, job, summary, annotations }) => ({ check, job, summary, annotations })),
      [
        {
          check: 'Checks',
          job: 'Checks',
          summary: 'Lint failed\n\n1 error',
          annotations: [{ path: 'greet.txt', line: 2, level: 'failure', message: 'do not shout' }],
        },
      ],
    );
  }));

for (const as of ['protection', 'ruleset'] as const) {
  test(`required are the checks that the branch requires by ${as}`, () =>
    withGithub(async (site) => {
      site.standIn.protect(REPO, 'main', { requiredChecks: ['Tests'], as });
      await site.check(site.head, 'Tests', 'success');
      await site.check(site.head, 'Optional', 'failure');
      const { watch, pull } = watchPull(site, { gates: { checks: 'required' } });
      const { gate } = await pull();
      await watch.stop('state');
      assert.equal(gate.state, 'green');
      assert.deepEqual(
        gate.checks.map(({ name }) => name),
        ['Tests'],
      );
    }));
}

test('a commit status counts like a check run', () =>
  withGithub(async (site) => {
    await site.as('ann', 'POST', `/statuses/${site.head}`, { state: 'failure', context: 'Tests', description: 'no' });
    const { watch, pull } = watchPull(site);
    const { gate } = await pull();
    await watch.stop('state');
    assert.equal(gate.state, 'red');
    assert.equal(gate.failures[0]?.summary, 'no');
  }));

test('reviews come with verdict, head and their comments; a dismissed one stays one (C12, C13)', () =>
  withGithub(async (site) => {
    await review(site, 'susan', 'REQUEST_CHANGES', {
      comments: [{ path: 'greet.txt', line: 2, side: 'RIGHT', body: 'Why shout?' }],
    });
    const approval = await review(site, 'ann', 'APPROVE');
    await site.as('acme', 'PUT', `/pulls/${site.number}/reviews/${String(approval['id'])}/dismissals`, {
      message: 'no',
    });
    const { watch, pull } = watchPull(site);
    const { reviews } = await pull();
    await watch.stop('state');
    assert.deepEqual(
      reviews.map(({ author, verdict, head }) => [author, verdict, head]),
      [
        ['susan', 'request_changes', site.head],
        ['ann', 'dismissed', site.head],
      ],
    );
    const [comment] = reviews[0]?.comments ?? [];
    assert.deepEqual(
      [comment?.path, comment?.line, comment?.side, comment?.body, comment?.author, comment?.commit],
      ['greet.txt', 2, 'RIGHT', 'Why shout?', 'susan', site.head],
    );
    assert.match(comment?.url ?? '', /#discussion_r/);
  }));

test('an eviction by the queue’s check is told with its incident (C1), and is no failure of the gate', () =>
  withGithub(async (site) => {
    const text = JSON.stringify({ incidentId: 'incident-42', conflictFiles: ['greet.txt'] });
    await site.check(site.head, 'Tests', 'success');
    await site.check(site.head, 'queue', 'failure', { output: { title: 'Evicted', summary: 'Conflict.', text } });
    const { watch, pull } = watchPull(site, { queueCheck: 'queue', gates: { checks: 'required' } });
    const { queue, gate } = await pull();
    await watch.stop('state');
    assert.equal(gate.state, 'green');
    assert.equal(queue.state, 'evicted');
    assert.equal(queue.incident?.id, 'incident-42');
    assert.deepEqual(queue.incident.context, { conflictFiles: ['greet.txt'] });
  }));

test('comments of people, bots and ourselves are told once each, those of our own acts not at all (C18)', () =>
  withGithub(async (site) => {
    const issue = `/issues/${site.number}/comments`;
    await site.as('ann', 'POST', issue, { body: 'Please tighten the naming here.' });
    await site.as('other[bot]', 'POST', issue, { body: 'Coverage went up.' });
    await site.as('susan', 'POST', issue, { body: 'On it.' });
    await site.as('ann', 'POST', issue, { body: 'Done.\n\n<!-- chartroom:session/x/1/0@2026-01-01 -->' });
    site.clock.advance(1_000);
    await site.as('ann', 'POST', `/pulls/${site.number}/comments`, {
      body: 'And this line.',
      path: 'greet.txt',
      line: 2,
      commit_id: site.head,
    });
    const { watch, comment, rest, all } = watchPull(site);
    const told = [await comment(), await comment(), await comment(), await comment()];
    await rest();
    watch.poke();
    await rest();
    await watch.stop('state');
    assert.deepEqual(
      told.map(({ author, text, path, line }) => [author, text, path, line]),
      [
        [{ login: 'ann', kind: 'person' }, 'Please tighten the naming here.', undefined, undefined],
        [{ login: 'other[bot]', kind: 'bot' }, 'Coverage went up.', undefined, undefined],
        [{ login: 'susan', kind: 'self' }, 'On it.', undefined, undefined],
        [{ login: 'ann', kind: 'person' }, 'And this line.', 'greet.txt', 2],
      ],
    );
    assert.equal(all.filter(({ type }) => type === 'comment.observed').length, 4);
    assert.deepEqual(
      all
        .filter(({ type }) => type === 'comment.observed')
        .map(({ id, data }) => id === `github:comment:${String(data['comment'])}`),
      [true, true, true, true],
    );
  }));

test('a conflict with the base is told', () =>
  withGithub(async (site) => {
    await site.standIn.pushFiles({
      repo: REPO,
      branch: 'main',
      files: { 'greet.txt': 'one\nDEUX\n' },
      message: 'Other',
      login: 'ann',
    });
    const { watch, pull, pass } = watchPull(site);
    assert.equal((await pull()).conflict, null);
    await pass(3_000);
    assert.equal((await pull()).conflict, true);
    await watch.stop('state');
  }));

test('closed and merged are told apart', () =>
  withGithub(async (site) => {
    await site.as('ann', 'PATCH', `/pulls/${site.number}`, { state: 'closed' });
    const closed = watchPull(site, { number: site.number });
    const facts = await closed.pull();
    await closed.watch.stop('state');
    assert.deepEqual([facts.state, facts.merged], ['closed', false]);
    assert.deepEqual(facts.closedBy, { login: 'ann', kind: 'person' });

    await site.as('ann', 'PATCH', `/pulls/${site.number}`, { state: 'open' });
    await site.as('ann', 'PUT', `/pulls/${site.number}/merge`, { sha: site.head });
    const merged = watchPull(site, { number: site.number });
    const after = await merged.pull();
    await merged.watch.stop('state');
    assert.deepEqual([after.state, after.merged, after.closedBy], ['closed', true, undefined]);
  }));

test('a closed pull request of the branch is ours only if its head is', () =>
  withGithub(async (site) => {
    await site.as('ann', 'PUT', `/pulls/${site.number}/merge`, { sha: site.head });
    const others = watchPull(site, {}, { headBy: async () => 'other' });
    await others.rest();
    await others.watch.stop('state');
    assert.deepEqual(others.all, []);
    const ours = watchPull(site, {}, { headBy: async () => 'us' });
    assert.equal((await ours.pull()).merged, true);
    await ours.watch.stop('state');
  }));

test('a session is told that its own was closed before the next one of the branch is looked at', () =>
  withGithub(async (site) => {
    await site.as('ann', 'PATCH', `/pulls/${site.number}`, { state: 'closed' });
    const next = await site.github.openPull({ repo: REPO, branch: BRANCH, base: 'main', title: 'Again', body: '' });
    assert.notEqual(next.number, site.number);
    const { watch, pull } = watchPull(site, { number: site.number });
    const { number, state } = await pull();
    assert.deepEqual([number, state], [site.number, 'closed']);
    watch.update(pullParams({ number: site.number, next: true }));
    assert.equal((await pull()).number, next.number);
    await watch.stop('state');
  }));

test('a branch without a pull request is looked at again, and `look` makes it look at once', () =>
  withGithub(async (site) => {
    await site.standIn.pushFiles({ repo: REPO, branch: 'b', files: { b: 'b\n' }, message: 'b', login: 'chartroom' });
    const { watch, pull, all } = watchPull(site, { branch: 'b' });
    const asked = () => site.standIn.calls.filter(({ path }) => path.includes('head=acme%3Ab')).length;
    const { number } = await site.github.openPull({ repo: REPO, branch: 'b', base: 'main', title: 'b', body: '' });
    const before = asked();
    watch.update({ repo: REPO, branch: 'b', gates: {}, reviewers: 'agents', awaited: true, look: 1 });
    assert.equal((await pull()).number, number);
    assert.ok(asked() > before);
    await watch.stop('state');
    assert.ok(all.length > 0);
  }));

test('a pull request that another session holds is offered once, and none of its comments', () =>
  withGithub(async (site) => {
    await site.as('ann', 'POST', `/issues/${site.number}/comments`, { body: 'Hello.' });
    const { watch, rest, all } = watchPull(site, {}, { outcome: 'refused' });
    await rest();
    watch.poke();
    await rest();
    watch.poke();
    await rest();
    await watch.stop('state');
    assert.ok(all.length > 0 && all.length <= 2, 'at most once more, when its mergeability is known');
    assert.ok(all.every(({ type }) => type === 'pull.observed'));
  }));

test('a pull request that is attached but another session holds is let go of, with the holder', () =>
  withGithub(async (site) => {
    const { watch, next, all, rest } = watchPull(site, { number: site.number, look: 1 }, { outcome: 'refused' });
    const missed = await next('pull.missed');
    assert.deepEqual(missed.data, { number: site.number, reason: 'session/other works on it' });
    await rest();
    watch.poke();
    await rest();
    await watch.stop('state');
    assert.equal(all.filter(({ type }) => type === 'pull.missed').length, 1);
  }));

test('what another session held is told again after a while, under another name: it may be free', () =>
  withGithub(async (site) => {
    const { watch, next, pass, all, rest } = watchPull(site, {}, { outcome: 'refused' });
    const ids = new Set([(await next('pull.observed')).id]);
    for (let look = 0; look < 8; look++) await pass(60_000);
    await rest();
    await watch.stop('state');
    for (const { id } of all) ids.add(id);
    assert.ok(ids.size >= 2, [...ids].join());
    assert.ok(all.length <= 4, `${all.length} times in nine looks`);
  }));

test('a watch outlives every kind of trouble and tells when it is over', () =>
  withGithub(async (site) => {
    const troubles = [
      { status: 502 as const, times: 2 },
      { status: 404 as const },
      { status: 'hangUp' as const, times: 2 },
      { status: 403 as const, secondary: true, retryAfter: 30 },
    ];
    for (const trouble of troubles) {
      site.standIn.faults.next({ ...trouble, match: { path: `/pulls/${site.number}` } });
      const { watch, pull, rest } = watchPull(site, { number: site.number });
      const told = pull().then((facts) => {
        over = true;
        return facts;
      });
      let over = false;
      for (;;) {
        await rest();
        if (over) break;
        site.clock.advance(60_000);
      }
      assert.equal((await told).number, site.number);
      await watch.stop('state');
      site.standIn.faults.clear();
    }
  }));

test('told by hooks or only found by looking, the facts are the same in the end (X6)', () =>
  withGithub(async (site) => {
    const [hooked, polled] = [watchPull(site), watchPull(site)];
    const changes = [
      () => site.check(site.head, 'Tests', null),
      () => site.check(site.head, 'Tests', 'failure'),
      () => review(site, 'susan', 'REQUEST_CHANGES'),
      () => site.push({ 'greet.txt': 'one\ntwo\n' }),
      () => review(site, 'susan', 'APPROVE'),
      () => site.as('ann', 'POST', `/issues/${site.number}/comments`, { body: 'Nice.' }),
    ];
    for (const change of changes) {
      await change();
      hooked.watch.poke();
      await hooked.rest();
      site.clock.advance(1_000);
    }
    for (const { watch, rest } of [hooked, polled]) {
      watch.poke();
      await rest();
      site.clock.advance(60_000);
      await rest();
      await watch.stop('runtime');
    }
    const last = ({ all }: typeof hooked) => all.findLast(({ type }) => type === 'pull.observed');
    assert.ok(hooked.all.length > polled.all.length);
    assert.deepEqual(last(hooked), last(polled));
    const comments = ({ all }: typeof hooked) => all.filter(({ type }) => type === 'comment.observed');
    assert.deepEqual(comments(hooked), comments(polled));
  }));

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createGithubIssueWatch } from '../../src/effects/github/issue-watch.ts';
import type { Delegation } from '../../src/effects/github/issue.ts';
import { createRepositoryWatch } from '../../src/effects/github/repository-watch.ts';
import { createLog } from '../../src/log.ts';
import { REPO, listener, observed, withGithub } from './github-site.ts';
import type { GithubSite } from './github-site.ts';

const log = createLog({ level: 'silent' });

function watchIssue({ github, clock }: GithubSite, number: number, delegation: Delegation) {
  const ear = listener('session');
  const time = observed(clock);
  const watch = createGithubIssueWatch({
    github,
    clock: time.clock,
    log,
    self: github.own,
    bots: [],
    timers: {},
    delegation: () => delegation,
  }).start({ source: 'github', ref: `${REPO}#${number}`, repo: REPO, awaited: true }, ear.context);
  return { ...ear, ...time, watch };
}

async function openIssue({ as }: GithubSite, more: Record<string, unknown> = {}): Promise<number> {
  return Number((await as('ann', 'POST', '/issues', { title: 'Greet', body: 'Please.', ...more }))['number']);
}

test('an issue is told as delegated while what hands it over holds', () =>
  withGithub(async (site) => {
    const number = await openIssue(site);
    await site.as('acme', 'POST', `/issues/${number}/labels`, { labels: ['agent'] });
    const { watch, next, pass, all } = watchIssue(site, number, { labels: ['agent'] });
    const first = await next('issue.observed');
    assert.deepEqual(first.data, {
      ref: `${REPO}#${number}`,
      url: `${site.standIn.url}/${REPO}/issues/${number}`,
      title: 'Greet',
      body: 'Please.',
      delegated: true,
      state: { name: 'open', type: 'unstarted' },
      blockers: [],
      removed: false,
      updatedAt: first.data['updatedAt'],
    });
    await site.as('acme', 'DELETE', `/issues/${number}/labels/agent`);
    await pass(60_000);
    assert.equal((await next('issue.observed')).data['delegated'], false);
    await watch.stop('state');
    assert.equal(all.length, 2);
  }));

test('where nothing hands issues over, the session opened by hand is not taken back', () =>
  withGithub(async (site) => {
    const { watch, next } = watchIssue(site, await openIssue(site), {});
    assert.equal((await next('issue.observed')).data['delegated'], true);
    await watch.stop('state');
  }));

test('a mention in a comment hands an issue over', () =>
  withGithub(async (site) => {
    const number = await openIssue(site);
    await site.as('ann', 'POST', `/issues/${number}/comments`, { body: '@chartroom please' });
    const { watch, next } = watchIssue(site, number, { mentions: ['chartroom'] });
    assert.equal((await next('issue.observed')).data['delegated'], true);
    const comment = await next('comment.observed');
    assert.equal(comment.data['on'], 'issue');
    assert.deepEqual(comment.data['author'], { login: 'ann', kind: 'person' });
    await watch.stop('state');
  }));

test('where people are named, a mention by anybody else hands nothing over, in the text or in a comment', () =>
  withGithub(async (site) => {
    const { github, as } = site;
    const inText = await openIssue(site, { body: '@chartroom please' });
    const inComment = await openIssue(site);
    await as('ann', 'POST', `/issues/${inComment}/comments`, { body: '@chartroom please' });
    for (const number of [inText, inComment]) {
      const delegated = async (people?: string[]) =>
        (await github.observeIssue(`${REPO}#${number}`, { mentions: ['chartroom'], people }))?.facts.delegated;
      assert.deepEqual(
        [await delegated(['acme']), await delegated(['Ann']), await delegated()],
        [false, true, true],
        `#${number}`,
      );
    }
    assert.deepEqual(await github.listDelegated(REPO, { mentions: ['chartroom'], people: ['acme'] }), []);
  }));

test('open and closed blockers are told, and how an issue was closed', () =>
  withGithub(async (site) => {
    const [done, open, number] = [await openIssue(site), await openIssue(site), await openIssue(site)];
    for (const blocker of [done, open]) {
      const { id } = await site.as('ann', 'GET', `/issues/${blocker}`);
      await site.as('acme', 'POST', `/issues/${number}/dependencies/blocked_by`, { issue_id: id });
    }
    await site.as('ann', 'PATCH', `/issues/${done}`, { state: 'closed', state_reason: 'completed' });
    await site.as('ann', 'PATCH', `/issues/${number}`, { state: 'closed', state_reason: 'not_planned' });
    const facts = async (number: number) => (await site.github.observeIssue(`${REPO}#${number}`, {}))?.facts;
    assert.deepEqual((await facts(number))?.blockers, [
      { ref: `${REPO}#${done}`, done: true },
      { ref: `${REPO}#${open}`, done: false },
    ]);
    assert.deepEqual((await facts(number))?.state, { name: 'not_planned', type: 'canceled' });
    assert.equal((await facts(done))?.state.type, 'completed');
    assert.equal(await facts(999), undefined);
    await assert.rejects(site.github.observeIssue('ENG-1', {}), { code: 'GITHUB_REF' });
  }));

test('an issue is told under one name, by whomever', () =>
  withGithub(async (site) => {
    const number = await openIssue(site);
    await site.as('acme', 'POST', `/issues/${number}/labels`, { labels: ['agent'] });
    const seen = await site.github.observeIssue(`${REPO}#${number}`, { labels: ['agent'] });
    const { watch, next } = watchIssue(site, number, { labels: ['agent'] });
    assert.equal((await next('issue.observed')).id, seen?.id);
    assert.deepEqual(seen?.labels, ['agent']);
    await watch.stop('state');
  }));

test('what was handed over while nobody listened is found, pull requests and closed issues left out', () =>
  withGithub(async (site) => {
    const [label, mention, closed] = [
      await openIssue(site),
      await openIssue(site, { body: '@chartroom please' }),
      await openIssue(site, { body: '@chartroom please' }),
    ];
    await openIssue(site);
    for (const number of [label, site.number]) {
      await site.as('acme', 'POST', `/issues/${number}/labels`, { labels: ['agent'] });
    }
    await site.as('ann', 'PATCH', `/issues/${closed}`, { state: 'closed' });
    const found = await site.github.listDelegated(REPO, { labels: ['agent'], mentions: ['chartroom'] });
    assert.deepEqual(
      found,
      [label, mention].map((number) => ({ ref: `${REPO}#${number}` })),
    );
  }));

test('a gate is read without a watch, by the rules of the default branch', () =>
  withGithub(async (site) => {
    site.standIn.protect(REPO, 'main', { requiredChecks: ['Tests'] });
    await site.check(site.head, 'Tests', 'success');
    await site.check(site.head, 'Other', 'failure');
    const { gate } = await site.github.readGate({ repo: REPO, head: site.head, gates: {} });
    assert.equal(gate.state, 'green');
  }));

test('open pull requests of a repository are told, and again when a head moved or one was opened', () =>
  withGithub(async (site) => {
    const ear = listener('agent');
    const time = observed(site.clock);
    const options = { github: site.github, clock: time.clock, log, timers: {} };
    const watch = createRepositoryWatch(options).start({ repos: [REPO] }, ear.context);
    const pulls = async () => (await ear.next('pulls.observed')).data['pulls'] as { number: number; head: string }[];
    assert.deepEqual(
      (await pulls()).map(({ number, head }) => [number, head]),
      [[site.number, site.head]],
    );

    const head = await site.push({ 'more.txt': 'more\n' });
    watch.poke();
    assert.deepEqual(
      (await pulls()).map(({ head }) => head),
      [head],
    );

    await site.standIn.pushFiles({ repo: REPO, branch: 'b', files: { b: 'b\n' }, message: 'b', login: 'ann' });
    await site.github.openPull({ repo: REPO, branch: 'b', base: 'main', title: 'b', body: '', draft: true });
    await time.pass(60_000);
    const told = await ear.next('pulls.observed');
    assert.deepEqual(
      (told.data['pulls'] as { draft: boolean; title: string }[]).map(({ draft, title }) => [title, draft]),
      [
        ['Greet', false],
        ['b', true],
      ],
    );
    await watch.stop('state');
    assert.equal(ear.all.length, 3);
  }));

test('a repository that cannot be read does not hide the others', () =>
  withGithub(async (site) => {
    const ear = listener('agent');
    const time = observed(site.clock);
    const options = { github: site.github, clock: time.clock, log, timers: {} };
    const watch = createRepositoryWatch(options).start({ repos: ['acme/gone', REPO] }, ear.context);
    assert.equal((await ear.next('pulls.observed')).data['repo'], REPO);
    await time.rest();
    await watch.stop('state');
  }));

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createGithubActs, placeOf } from '../../src/effects/github/acts.ts';
import { TerminalError, TransientError } from '../../src/errors.ts';
import { BRANCH, REPO, doing, withGithub } from './github-site.ts';
import type { GithubSite } from './github-site.ts';

const failed = (call: Promise<unknown>) =>
  call.then(
    () => assert.fail('it should have failed'),
    (error: unknown) => error as TransientError | TerminalError,
  );

const commentsOf = async ({ as, number }: GithubSite) =>
  (await as('ann', 'GET', `/issues/${number}/comments`)) as unknown as { body: string; user: { login: string } }[];
const reviewsOf = async ({ as, number }: GithubSite) =>
  (await as('ann', 'GET', `/pulls/${number}/reviews`)) as unknown as {
    id: number;
    body: string;
    state: string;
    user: { login: string };
    commit_id: string;
  }[];

const merge = ({ number, head }: GithubSite) => ({ repo: REPO, number, head, method: 'squash' as const });

test('a pull request is merged at its head, and merging it again answers the same', () =>
  withGithub(async (site) => {
    const acts = createGithubActs(site.github);
    assert.equal(await acts['pull.merge'].look(merge(site), doing()), undefined);
    const first = await acts['pull.merge'].perform(merge(site), doing());
    assert.equal(first.merged, true);
    assert.equal(first.sha, site.standIn.head(REPO, 'main'));
    assert.deepEqual(await acts['pull.merge'].perform(merge(site), doing()), first);
    assert.deepEqual(await acts['pull.merge'].look(merge(site), doing()), first);
  }));

test('where the repository does not allow the method, one that it allows is used', () =>
  withGithub(async (site) => {
    const acts = createGithubActs(site.github);
    site.standIn.allowMerges(REPO, 'rebase');
    const merged = await acts['pull.merge'].perform({ ...merge(site), method: 'squash' }, doing());
    assert.equal(merged.merged, true);
    assert.equal(merged.sha, site.standIn.head(REPO, 'main'));
  }));

test('a pull request that is named by its number is found where it is of this repository', () =>
  withGithub(async (site) => {
    const { github, number } = site;
    assert.equal((await github.findPull(REPO, 'other-branch', { number }))?.number, number);
    assert.equal(await github.findPull(REPO, 'other-branch', { number: 999 }), undefined);
    await site.as('ann', 'PATCH', `/pulls/${number}`, { state: 'closed' });
    assert.equal(await github.findPull(REPO, 'other-branch', { number }), undefined, 'closed unmerged, it is none');
  }));

test('a merge whose answer was lost is found by looking', () =>
  withGithub(async (site) => {
    const acts = createGithubActs(site.github);
    site.standIn.faults.next({ status: 'hangUp', performed: true, match: { method: 'PUT' } });
    assert.ok((await failed(acts['pull.merge'].perform(merge(site), doing()))) instanceof TransientError);
    assert.equal((await acts['pull.merge'].look(merge(site), doing()))?.merged, true);
  }));

test('a head that moved is not merged', () =>
  withGithub(async (site) => {
    await site.push({ 'more.txt': 'more\n' });
    const acts = createGithubActs(site.github);
    const error = await failed(acts['pull.merge'].perform(merge(site), doing()));
    assert.ok(error instanceof TerminalError);
    assert.equal(error.code, 'GITHUB_HEAD_MOVED');
  }));

test('what the branch still requires is the reason of a refused merge', () =>
  withGithub(async (site) => {
    site.standIn.protect(REPO, 'main', { requiredChecks: ['Tests'] });
    const acts = createGithubActs(site.github);
    const error = await failed(acts['pull.merge'].perform(merge(site), doing()));
    assert.equal(error.code, 'GITHUB_NOT_MERGEABLE');
    assert.match(error.message, /Tests/);
  }));

test('closing leaves one comment, also when the answer was lost between the two', () =>
  withGithub(async (site) => {
    const acts = createGithubActs(site.github);
    const wish = { repo: REPO, number: site.number, comment: 'Not wanted any more.' };
    site.standIn.faults.next({ status: 502, match: { method: 'PATCH' } });
    await failed(acts['pull.close'].perform(wish, doing()));
    await acts['pull.close'].perform(wish, doing({ attempt: 2 }));
    await acts['pull.close'].perform(wish, doing({ attempt: 3 }));
    assert.equal((await site.github.readPull(REPO, site.number)).state, 'closed');
    const comments = await commentsOf(site);
    assert.equal(comments.length, 1);
    assert.match(comments[0]?.body ?? '', /^Not wanted any more\./);
  }));

test('a comment is written once per effect, also when its answer was lost', () =>
  withGithub(async (site) => {
    const acts = createGithubActs(site.github);
    const wish = { repo: REPO, number: site.number, text: 'Working on it.' };
    site.standIn.faults.next({ status: 'hangUp', performed: true, match: { method: 'POST', path: '/comments' } });
    await failed(acts['pull.say'].perform(wish, doing()));
    await acts['pull.say'].perform(wish, doing({ attempt: 2 }));
    assert.equal((await commentsOf(site)).length, 1);
    await acts['pull.say'].perform(wish, doing({ key: 'session/eng-42/8/0' }));
    assert.equal((await commentsOf(site)).length, 2, 'another effect with the same words is another comment');
    await acts['pull.say'].perform(wish, doing({ wishedAt: '2026-01-01T00:01:00.000Z' }));
    assert.equal((await commentsOf(site)).length, 3, 'the same step number of another store is another effect');
  }));

const verdict = (site: GithubSite, reviewer: string, more = {}) => ({
  repo: REPO,
  number: site.number,
  head: site.head,
  verdict: 'request_changes' as const,
  body: 'Two things.',
  comments: [],
  reviewer,
  ...more,
});

test('a verdict is posted as a review under the reviewer’s own identity, once', () =>
  withGithub(async (site) => {
    const post = createGithubActs(site.github)['review.post'];
    const comments = [{ path: 'greet.txt', line: 2, body: 'Why shout?' }];
    const wish = verdict(site, 'agent/susan', { comments });
    site.standIn.faults.next({ status: 'hangUp', performed: true, match: { method: 'POST', path: '/reviews' } });
    assert.ok((await failed(post.perform(wish, doing()))) instanceof TransientError);
    const answer = await post.perform(wish, doing({ attempt: 2 }));
    const [review, ...others] = await reviewsOf(site);
    assert.equal(others.length, 0);
    assert.deepEqual(answer, { posted: { as: 'susan', id: String(review?.id) }, how: 'review' });
    assert.equal(review?.state, 'CHANGES_REQUESTED');
    assert.equal(review.commit_id, site.head);
    const inline = (await site.as('ann', 'GET', `/pulls/${site.number}/comments`)) as unknown as { body: string }[];
    assert.deepEqual(
      inline.map(({ body }) => body),
      ['Why shout?'],
    );
  }));

test('under the name of a reviewer that is offboarded nothing is posted any more; what it posted before counts', () =>
  withGithub(async (site) => {
    let isEmployed = false;
    const post = createGithubActs(site.github, { isEmployed: () => isEmployed })['review.post'];
    const refused = await failed(post.perform(verdict(site, 'agent/susan'), doing()));
    assert.ok(refused instanceof TerminalError);
    assert.equal(refused.code, 'REVIEWER_GONE');
    assert.deepEqual(await reviewsOf(site), []);
    isEmployed = true;
    site.standIn.faults.next({ status: 'hangUp', performed: true, match: { method: 'POST', path: '/reviews' } });
    await failed(post.perform(verdict(site, 'agent/susan'), doing()));
    isEmployed = false;
    const answer = await post.perform(verdict(site, 'agent/susan'), doing({ attempt: 2 }));
    assert.equal(answer.posted?.as, 'susan');
    assert.equal((await reviewsOf(site)).length, 1);
  }));

test('a verdict on one’s own pull request becomes a comment review and a status', () =>
  withGithub(async (site) => {
    const post = createGithubActs(site.github)['review.post'];
    const answer = await post.perform(verdict(site, 'agent/bob'), doing());
    assert.equal(answer.how, 'commentAndStatus');
    assert.equal(answer.posted?.as, 'chartroom');
    assert.deepEqual(await post.perform(verdict(site, 'agent/bob'), doing({ attempt: 2 })), answer);
    const reviews = await reviewsOf(site);
    assert.deepEqual(
      reviews.map(({ state }) => state),
      ['COMMENTED'],
    );
    const status = async () => {
      const { statuses } = await site.as('ann', 'GET', `/commits/${site.head}/status`);
      return (statuses as { context: string; state: string }[]).map(({ context, state }) => [context, state]);
    };
    assert.deepEqual(await status(), [['chartroom/review', 'failure']]);
    await post.perform(verdict(site, 'agent/bob', { verdict: 'approve' }), doing({ key: 'session/eng-42/9/0' }));
    assert.deepEqual(await status(), [['chartroom/review', 'success']]);
  }));

test('the status is still set when the answer to it was lost', () =>
  withGithub(async (site) => {
    const post = createGithubActs(site.github)['review.post'];
    site.standIn.faults.next({ status: 502, match: { method: 'POST', path: '/statuses' } });
    await failed(post.perform(verdict(site, 'agent/bob'), doing()));
    const answer = await post.perform(verdict(site, 'agent/bob'), doing({ attempt: 2 }));
    assert.equal(answer.how, 'commentAndStatus');
    assert.equal((await reviewsOf(site)).length, 1);
  }));

test('a comment on a line outside the diff goes into the review’s text and sinks nothing', () =>
  withGithub(async (site) => {
    const comments = [
      { path: 'greet.txt', line: 2, body: 'in the diff' },
      { path: 'greet.txt', line: 10, body: 'far below' },
      { path: 'other.txt', line: 1, body: 'elsewhere' },
    ];
    await createGithubActs(site.github)['review.post'].perform(verdict(site, 'agent/susan', { comments }), doing());
    const [review] = await reviewsOf(site);
    assert.match(review?.body ?? '', /Two things\.[^]*greet\.txt:10[^]*far below[^]*other\.txt:1[^]*elsewhere/);
    assert.doesNotMatch(review?.body ?? '', /in the diff/);
  }));

test('where GitHub refuses the lines after all, every comment goes into the text', () =>
  withGithub(async (site) => {
    site.standIn.faults.next({
      status: 422,
      message: 'Pull request review thread line must be part of the diff',
      match: { method: 'POST', path: '/reviews' },
    });
    const comments = [{ path: 'greet.txt', line: 2, body: 'in the diff' }];
    await createGithubActs(site.github)['review.post'].perform(verdict(site, 'agent/susan', { comments }), doing());
    const [review] = await reviewsOf(site);
    assert.match(review?.body ?? '', /greet\.txt:2[^]*in the diff/);
  }));

test('people are asked for a review once, the author never', () =>
  withGithub(async (site) => {
    const { perform } = createGithubActs(site.github)['review.request'];
    const wish = { repo: REPO, number: site.number, logins: ['Ann', 'chartroom'] };
    await perform(wish, doing());
    await perform(wish, doing());
    const asked = site.standIn.calls.filter(({ method, path }) => method === 'POST' && /requested/.test(path));
    assert.equal(asked.length, 1);
    const { users } = await site.as('ann', 'GET', `/pulls/${site.number}/requested_reviewers`);
    assert.deepEqual(
      (users as { login: string }[]).map(({ login }) => login),
      ['ann'],
    );
  }));

test('failed checks are asked for again, good and running ones are left alone', () =>
  withGithub(async (site) => {
    await site.check(site.head, 'Tests', 'failure');
    await site.check(site.head, 'Lint', 'success');
    await site.check(site.head, 'Slow', null);
    const { perform } = createGithubActs(site.github)['check.rerun'];
    const asked = () => site.standIn.calls.filter(({ path }) => path.endsWith('/rerequest')).length;
    await perform({ repo: REPO, head: site.head }, doing());
    assert.equal(asked(), 1);
    await perform({ repo: REPO, head: site.head, name: 'Lint' }, doing());
    assert.equal(asked(), 2, 'one that is named is run again whatever it said');
    const error = await failed(perform({ repo: REPO, head: site.head, name: 'Nope' }, doing()));
    assert.equal(error.code, 'GITHUB_CHECK_NOT_FOUND');
  }));

test('help is asked for where the work is shown, and only noted where GitHub has no place for it', () =>
  withGithub(async (site) => {
    const { perform } = createGithubActs(site.github)['help.ask'];
    const wish = { gate: 'review', on: null, since: '2026-01-01T00:00:00.000Z', text: 'Nobody can review this.' };
    assert.deepEqual(await perform(wish, doing()), {});
    assert.deepEqual(await perform({ ...wish, where: { ref: 'ENG-42' } }, doing()), {});
    const { url } = await perform({ ...wish, where: { repo: REPO, number: site.number } }, doing());
    assert.match(url ?? '', /#issuecomment/);
    assert.equal((await commentsOf(site)).length, 1);
    assert.deepEqual(placeOf({ ref: 'acme/api#9' }), { repo: 'acme/api', number: 9 });
  }));

test('a branch has one pull request, whoever asks for it and however often', () =>
  withGithub(async (site) => {
    const wish = { repo: REPO, branch: BRANCH, base: 'main', title: 'Again', body: '' };
    assert.equal((await site.github.openPull(wish)).number, site.number);
    const found = await site.github.findPull(REPO, BRANCH);
    assert.equal(found?.number, site.number);
    assert.equal(found.head, site.head);
    assert.equal(await site.github.findPull(REPO, 'no-such-branch'), undefined);
  }));

test('git is given the agent’s own token where it has one', () =>
  withGithub(async ({ github }) => {
    assert.equal((await github.credentialFor(REPO, 'susan')).password, 'token-of-susan');
    assert.equal((await github.credentialFor(REPO, 'agent/susan')).password, 'token-of-susan');
    assert.equal((await github.credentialFor(REPO, 'ada')).password, 'token-of-chartroom');
    const own = await github.own();
    assert.deepEqual(
      own.map(({ login }) => login),
      ['chartroom', 'susan'],
    );
    assert.ok(own.every(({ id }) => /^\d+$/.test(id ?? '')));
  }));

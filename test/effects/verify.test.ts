import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { test } from 'node:test';
import { BRANCH, withSite, write } from './worktree-site.ts';
import type { Site } from './worktree-site.ts';

async function begun(site: Site): Promise<{ tree: string; headBefore: string }> {
  const { path, head } = await site.prepare();
  return { tree: path, headBefore: head };
}

function openPull(site: Site, head: string): void {
  site.pulls.set(BRANCH, { number: 7, head, state: 'open' });
}

test('an implementation with an open pull request, everything committed and pushed, is enough', () =>
  withSite(async (site) => {
    const { tree, headBefore } = await begun(site);
    const head = await site.work(tree, { 'greet.txt': 'hi\n' });
    openPull(site, head);
    const { ok, evidence } = await site.verify({ headBefore });
    assert.equal(ok, true);
    assert.deepEqual(evidence, {
      headBefore,
      headAfter: head,
      pull: 7,
      dirty: [],
      unpushed: 0,
      protected: [],
      changed: { files: ['greet.txt'], count: 1 },
    });
  }));

test('an implementation without a pull request, with dirty files or un-pushed commits is not enough', () =>
  withSite(async (site) => {
    const { tree, headBefore } = await begun(site);
    const head = await site.work(tree, { 'greet.txt': 'hi\n' });
    assert.equal((await site.verify({ headBefore })).ok, false);
    openPull(site, head);
    await write(tree, { 'left.txt': 'left\n' });
    const dirty = await site.verify({ headBefore });
    assert.deepEqual([dirty.ok, dirty.evidence.dirty], [false, ['left.txt']]);
    await site.work(tree, {}, false);
    const unpushed = await site.verify({ headBefore });
    assert.deepEqual([unpushed.ok, unpushed.evidence.unpushed], [false, 1]);
  }));

test('the files a run changed are those of its own commits: no earlier ones, none that came with the base', () =>
  withSite(async (site) => {
    await site.push(BRANCH, { 'earlier.txt': 'of the run before\n' });
    const { tree, headBefore } = await begun(site);
    assert.deepEqual((await site.verify({ headBefore })).evidence.changed, { files: [], count: 0 });
    await site.push('main', { 'base.txt': 'a person’s\n' });
    await site.git(tree, 'fetch', '--quiet', 'origin');
    await site.git(tree, 'merge', '--quiet', '--no-edit', 'origin/main');
    const many = Object.fromEntries(Array.from({ length: 201 }, (_, n) => [`made/${n}.txt`, 'made\n']));
    await site.work(tree, { 'earlier.txt': 'better\n', ...many });
    const { changed } = (await site.verify({ headBefore })).evidence;
    assert.deepEqual([changed?.count, changed?.files.length, changed?.files[0]], [202, 200, 'earlier.txt']);
    assert.ok(!changed?.files.includes('base.txt'));
    assert.equal((await site.verify({ for: 'verdict', headBefore })).evidence.changed, undefined);
  }));

test('a pull request of another branch that the run names is enough where it shows the run’s own commit', () =>
  withSite(async (site) => {
    const { tree, headBefore } = await begun(site);
    const head = await site.work(tree, { 'greet.txt': 'hi\n' });
    site.pulls.set('#9', { number: 9, head: headBefore, state: 'open' });
    assert.equal((await site.verify({ headBefore, number: 9 })).ok, false, 'somebody else’s work');
    site.pulls.set('#9', { number: 9, head, state: 'open' });
    const { ok, evidence } = await site.verify({ headBefore, number: 9 });
    assert.deepEqual([ok, evidence.pull], [true, 9]);
    openPull(site, head);
    assert.equal((await site.verify({ headBefore, number: 9 })).evidence.pull, 7, 'the branch’s own comes first');
  }));

test('a closed pull request is none', () =>
  withSite(async (site) => {
    const { tree, headBefore } = await begun(site);
    const head = await site.work(tree, { 'greet.txt': 'hi\n' });
    site.pulls.set(BRANCH, { number: 7, head, state: 'closed' });
    assert.equal((await site.verify({ headBefore })).ok, false);
    site.pulls.set(BRANCH, { number: 7, head, state: 'closed', merged: true });
    assert.equal((await site.verify({ headBefore })).ok, true, 'a merged one is what was wanted');
  }));

test('a report is enough where one was wanted and no pull request is open', () =>
  withSite(async (site) => {
    const { headBefore } = await begun(site);
    assert.equal((await site.verify({ headBefore, deliver: 'report' })).ok, false);
    assert.equal((await site.verify({ headBefore, deliver: 'report', report: true })).ok, true);
    openPull(site, headBefore);
    assert.equal((await site.verify({ headBefore, deliver: 'report', report: true })).ok, false);
  }));

for (const kind of ['checks', 'queue', 'review', 'upkeep'] as const) {
  test(`a run for ${kind} must have moved the published head by a commit of its own`, () =>
    withSite(async (site) => {
      await site.push(BRANCH, { 'greet.txt': 'hi\n' });
      const { tree, headBefore } = await begun(site);
      assert.equal((await site.verify({ for: kind, headBefore })).ok, false, 'nothing moved');
      await site.push(BRANCH, { 'other.txt': 'a person’s\n' });
      const others = await site.verify({ for: kind, headBefore });
      assert.deepEqual([others.ok, others.evidence.headAfter], [false, headBefore], 'somebody else pushed');
      await site.git(tree, 'pull', '--quiet', '--rebase', 'origin', BRANCH);
      const local = await site.work(tree, { 'greet.txt': 'better\n' }, false);
      assert.equal((await site.verify({ for: kind, headBefore })).ok, false, 'not pushed');
      await site.git(tree, 'push', '--quiet');
      const { ok, evidence } = await site.verify({ for: kind, headBefore });
      assert.deepEqual([ok, evidence.headAfter], [true, local]);
    }));
}

test('a branch that preparation rebased and the run did not touch has not moved', () =>
  withSite(async (site) => {
    const first = await begun(site);
    await site.work(first.tree, { 'own.txt': 'own\n' });
    await site.push('main', { 'other.txt': 'other\n' });
    const { head } = await site.prepare({ epoch: 2, rebase: true }, 'session/eng-42/2/0');
    assert.equal((await site.verify({ for: 'upkeep', headBefore: head })).ok, false);
  }));

test('a fresh green result on the same head is enough for checks, and only for checks', () =>
  withSite(async (site) => {
    await site.push(BRANCH, { 'greet.txt': 'hi\n' });
    const { headBefore } = await begun(site);
    site.gate.state = 'green';
    const { ok, evidence } = await site.verify({ for: 'checks', headBefore });
    assert.deepEqual([ok, evidence.gate], [true, 'green']);
    assert.equal((await site.verify({ for: 'queue', headBefore })).ok, false);
    site.gate.state = 'red';
    assert.equal((await site.verify({ for: 'checks', headBefore })).ok, false);
  }));

test('a verdict must be for exactly the head it is owed for', () =>
  withSite(async (site) => {
    const judged = await site.push(BRANCH, { 'greet.txt': 'hi\n' });
    await site.prepare({ head: judged });
    const owed = { for: 'verdict', headBefore: judged, target: judged } as const;
    assert.equal((await site.verify(owed)).ok, false);
    assert.equal((await site.verify({ ...owed, verdict: { head: 'a'.repeat(40) } })).ok, false);
    assert.equal((await site.verify({ ...owed, verdict: { head: judged } })).ok, true);
  }));

test('a protected path that the run changed is named, one that came in with the base is not', () =>
  withSite(async (site) => {
    const { tree, headBefore } = await begun(site);
    await site.push('main', { '.github/workflows/ci.yml': 'theirs\n' });
    await site.git(tree, 'fetch', '--quiet', 'origin');
    await site.git(tree, 'merge', '--quiet', 'origin/main');
    const head = await site.work(tree, { 'greet.txt': 'hi\n' });
    openPull(site, head);
    assert.deepEqual((await site.verify({ headBefore })).evidence.protected, []);
    await site.work(tree, { '.github/workflows/ci.yml': 'ours\n', 'infra/db.tf': 'x\n' });
    const { ok, evidence } = await site.verify({ headBefore, protectedPaths: ['infra/**'] });
    assert.deepEqual([ok, evidence.protected.sort()], [false, ['.github/workflows/ci.yml', 'infra/db.tf']]);
  }));

test('a worktree that is gone cannot be verified', () =>
  withSite(async (site) => {
    const { tree, headBefore } = await begun(site);
    await rm(tree, { recursive: true });
    await assert.rejects(site.verify({ headBefore }), { code: 'WORKTREE_MISSING' });
  }));

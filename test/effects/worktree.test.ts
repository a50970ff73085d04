import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { BRANCH, REPO, createSite, doing, git, withSite, write } from './worktree-site.ts';

const CLONE = 'data/repos/acme--api.git';

test('a first run begins on the base, on the session’s own branch', () =>
  withSite(async (site) => {
    const { path: tree, branch, head, rescued } = await site.prepare();
    assert.equal(branch, BRANCH);
    assert.equal(await site.git(tree, 'symbolic-ref', '--short', 'HEAD'), BRANCH);
    assert.equal(head, await site.git(site.remote, 'rev-parse', 'main'));
    assert.equal(await readFile(path.join(tree, 'greet.txt'), 'utf8'), 'hello\n');
    assert.equal(rescued, undefined);
  }));

test('a later run begins where the remote branch is, also when others pushed to it', () =>
  withSite(async (site) => {
    const { path: tree } = await site.prepare();
    await site.work(tree, { 'greet.txt': 'ours\n' });
    const head = await site.push(BRANCH, { 'greet.txt': 'theirs\n' });
    const again = await site.prepare({ epoch: 2 }, 'session/eng-42/2/0');
    assert.equal(again.head, head);
    assert.equal(again.path, tree);
    assert.equal(again.rescued, undefined);
    assert.equal(await site.git(tree, 'status', '--porcelain'), '');
  }));

test('un-pushed commits and dirty files, untracked ones too, are kept on a rescue branch before the reset', () =>
  withSite(async (site) => {
    const { path: tree } = await site.prepare();
    const own = await site.work(tree, { 'made.txt': 'un-pushed\n' }, false);
    await write(tree, { 'greet.txt': 'dirty\n', 'new/untracked.txt': 'new\n', 'cache/big': 'ignored\n' });
    const { rescued, head } = await site.prepare({ epoch: 2 }, 'session/eng-42/2/0');
    assert.equal(rescued, 'rescue/eng-42/2');
    assert.equal(head, await site.git(site.remote, 'rev-parse', 'main'));
    assert.equal(await site.git(tree, 'status', '--porcelain'), '');
    const clone = path.join(site.directory, CLONE);
    const show = (file: string) => site.git(clone, 'show', `${rescued}:${file}`);
    assert.equal(await show('greet.txt'), 'dirty');
    assert.equal(await show('new/untracked.txt'), 'new');
    assert.equal(await show('made.txt'), 'un-pushed');
    assert.equal(await site.git(clone, 'rev-parse', `${rescued}^`), own);
    await assert.rejects(show('cache/big'));
    assert.ok(existsSync(path.join(tree, 'cache/big')), 'ignored files are left for the next run');
  }));

test('a run stopped in a conflicted rebase with edits on top leaves a clean branch and everything rescued (C40)', () =>
  withSite(async (site) => {
    const { path: tree } = await site.prepare();
    await site.work(tree, { 'greet.txt': 'ours\n' });
    const own = await site.work(tree, { 'second.txt': 'un-pushed\n' }, false);
    await site.push('main', { 'greet.txt': 'base\n' });
    await site.git(tree, 'fetch', '--quiet', 'origin');
    await assert.rejects(site.git(tree, 'rebase', 'origin/main'));
    await write(tree, { 'edit.txt': 'on top\n' });
    const { rescued, head } = await site.prepare({ epoch: 3 }, 'session/eng-42/3/0');
    assert.equal(head, await site.git(site.remote, 'rev-parse', BRANCH));
    assert.equal(await site.git(tree, 'status', '--porcelain'), '');
    assert.equal(await readFile(path.join(tree, 'greet.txt'), 'utf8'), 'ours\n');
    assert.ok(!existsSync(path.join(tree, 'edit.txt')));
    const clone = path.join(site.directory, CLONE);
    assert.equal(await site.git(clone, 'show', `${rescued}:edit.txt`), 'on top');
    assert.match(await site.git(clone, 'show', `${rescued}:greet.txt`), /<{7}/);
    await site.git(clone, 'merge-base', '--is-ancestor', own, rescued!);
  }));

test('whatever git operation a run left half finished is over for the next one', () =>
  withSite(async (site) => {
    const { path: tree } = await site.prepare();
    await site.work(tree, { 'greet.txt': 'ours\n' });
    const other = await site.push('other', { 'greet.txt': 'theirs\n' });
    await site.git(tree, 'fetch', '--quiet', 'origin');
    const patch = path.join(site.directory, 'one.patch');
    await writeFile(patch, await site.git(tree, 'format-patch', '--stdout', '-1', other));
    const operations: [said: RegExp, ...args: string[]][] = [
      [/rebas/, 'rebase', 'origin/other'],
      [/unmerged paths/, 'merge', 'origin/other'],
      [/cherry-pick/, 'cherry-pick', other],
      [/revert/, 'revert', '--no-edit', `${other}~0`],
      [/am session/, 'am', patch],
      [/bisect/, 'bisect', 'start'],
    ];
    for (const [at, [said, ...args]] of operations.entries()) {
      await site.git(tree, ...args).catch(() => undefined);
      assert.match(await site.git(tree, 'status'), said, args.join(' '));
      await site.prepare({ epoch: at + 2 }, `session/eng-42/${at + 2}/0`);
      assert.match(
        await site.git(tree, 'status'),
        /^On branch \S+\n+nothing to commit, working tree clean$/,
        args.join(' '),
      );
    }
  }));

test('asked again with the same key it gives the same answer, rescue included, and loses nothing', () =>
  withSite(async (site) => {
    const { path: tree } = await site.prepare();
    await write(tree, { 'greet.txt': 'dirty\n' });
    const first = await site.prepare({ epoch: 2 }, 'session/eng-42/2/0');
    assert.deepEqual(await site.prepare({ epoch: 2 }, 'session/eng-42/2/0'), first);
    await write(tree, { 'greet.txt': 'other\n' });
    const third = await site.prepare({ epoch: 2 }, 'session/eng-42/2/0');
    assert.equal(third.rescued, 'rescue/eng-42/2-2', 'a rescue is never overwritten');
    const clone = path.join(site.directory, CLONE);
    assert.equal(await site.git(clone, 'show', `${first.rescued}:greet.txt`), 'dirty');
  }));

test('a run that is to finish what it began goes on in the directory as it was left', () =>
  withSite(async (site) => {
    const { path: tree } = await site.prepare();
    await write(tree, { 'greet.txt': 'half\n' });
    const { path: same, rescued } = await site.prepare({ epoch: 2, keep: true }, 'session/eng-42/2/0');
    assert.equal(same, tree);
    assert.equal(rescued, undefined);
    assert.equal(await readFile(path.join(tree, 'greet.txt'), 'utf8'), 'half\n');
  }));

test('where a process may still be in the old directory, a new one is made and the old one commits on no branch', () =>
  withSite(async (site) => {
    const old = await site.prepare();
    const fresh = await site.prepare({ epoch: 2, fresh: true }, 'session/eng-42/2/0');
    assert.notEqual(fresh.path, old.path);
    assert.deepEqual(await site.prepare({ epoch: 2, fresh: true }, 'session/eng-42/2/0'), fresh);
    await site.work(old.path, { 'late.txt': 'too late\n' }, false);
    assert.equal(await site.git(fresh.path, 'rev-parse', 'HEAD'), fresh.head);
    assert.equal(await site.git(fresh.path, 'symbolic-ref', '--short', 'HEAD'), BRANCH);
    const later = await site.prepare({ epoch: 3 }, 'session/eng-42/3/0');
    assert.equal(later.path, fresh.path);
  }));

test('a branch is rebased on its base where that was asked', () =>
  withSite(async (site) => {
    const { path: tree } = await site.prepare();
    await site.work(tree, { 'own.txt': 'own\n' });
    const base = await site.push('main', { 'other.txt': 'other\n' });
    const { notRebased } = await site.prepare({ epoch: 2, rebase: true }, 'session/eng-42/2/0');
    assert.equal(notRebased, undefined);
    await site.git(tree, 'merge-base', '--is-ancestor', base, 'HEAD');
    assert.ok(existsSync(path.join(tree, 'own.txt')));
  }));

test('a rebase that meets a conflict leaves the branch as the remote has it and says so', () =>
  withSite(async (site) => {
    const { path: tree } = await site.prepare();
    const own = await site.work(tree, { 'greet.txt': 'ours\n' });
    await site.push('main', { 'greet.txt': 'base\n' });
    const { head, notRebased } = await site.prepare({ epoch: 2, rebase: true }, 'session/eng-42/2/0');
    assert.equal(head, own);
    assert.match(notRebased ?? '', /conflicts with main in greet\.txt/);
    assert.equal(await site.git(tree, 'status', '--porcelain'), '');
    assert.equal(await site.git(tree, 'symbolic-ref', '--short', 'HEAD'), BRANCH);
  }));

test('a review reads exactly the commit it judges, detached, also one that only a pull request has', () =>
  withSite(async (site) => {
    const judged = await site.push('topic', { 'greet.txt': 'judged\n' });
    await site.git(site.remote, 'update-ref', 'refs/pull/7/head', judged);
    await site.git(site.remote, 'update-ref', '-d', 'refs/heads/topic');
    const { path: tree, head } = await site.prepare({ head: judged, branch: 'topic' });
    assert.equal(head, judged);
    await assert.rejects(site.git(tree, 'symbolic-ref', 'HEAD'));
    assert.equal(await readFile(path.join(tree, 'greet.txt'), 'utf8'), 'judged\n');
  }));

test('the repository’s prepare hook runs without credentials, and what it leaves is no work of a run', () =>
  withSite(async (site) => {
    await site.push('main', { '.chartroom/hooks/prepare': '#!/bin/sh\nenv > made-by-hook\n' });
    const { path: tree } = await site.prepare();
    const seen = await readFile(path.join(tree, 'made-by-hook'), 'utf8');
    assert.doesNotMatch(seen, /TOKEN|PASSWORD|USERNAME/);
    const { evidence } = await site.verify();
    assert.deepEqual(evidence.dirty, []);
    const { rescued } = await site.prepare({ epoch: 2 }, 'session/eng-42/2/0');
    assert.equal(rescued, undefined);
  }));

test('a prepare hook that fails fails the preparation with the end of its output', () =>
  withSite(async (site) => {
    await site.push('main', { '.chartroom/hooks/prepare': '#!/bin/sh\necho no such tool >&2\nexit 3\n' });
    await assert.rejects(site.prepare(), { code: 'HOOK_FAILED', message: /ended with 3: no such tool/ });
  }));

test('a worktree that was made a symlink is refused', () =>
  withSite(async (site) => {
    const { path: tree } = await site.prepare();
    await rename(tree, `${tree}-moved`);
    await symlink(`${tree}-moved`, tree);
    await assert.rejects(site.prepare({ epoch: 2 }, 'session/eng-42/2/0'), { code: 'WORKTREE_UNSAFE' });
  }));

test('a prepare hook that points outside of the worktree is refused', () =>
  withSite(async (site) => {
    const outside = path.join(site.directory, 'outside.sh');
    await writeFile(outside, '#!/bin/sh\n', { mode: 0o755 });
    const seat = path.join(site.directory, 'seat');
    await write(seat, { '.chartroom/hooks/x': '' });
    await symlink(outside, path.join(seat, '.chartroom/hooks/prepare'));
    await site.push('main', {});
    await assert.rejects(site.prepare(), { code: 'WORKTREE_UNSAFE' });
  }));

test('a worktree whose .git points elsewhere is left alone and another is made', () =>
  withSite(async (site) => {
    const { path: tree } = await site.prepare();
    await writeFile(path.join(tree, '.git'), `gitdir: ${path.join(site.directory, 'seat/.git')}\n`);
    const next = await site.prepare({ epoch: 2 }, 'session/eng-42/2/0');
    assert.notEqual(next.path, tree);
    assert.equal(await git(next.path, 'symbolic-ref', '--short', 'HEAD'), BRANCH);
  }));

test('commits of a branch whose directory was deleted are rescued all the same', () =>
  withSite(async (site) => {
    const { path: tree } = await site.prepare();
    const own = await site.work(tree, { 'own.txt': 'own\n' }, false);
    await rm(tree, { recursive: true });
    const { rescued } = await site.prepare({ epoch: 2 }, 'session/eng-42/2/0');
    assert.equal(await site.git(path.join(site.directory, CLONE), 'rev-parse', rescued!), own);
  }));

test('removing the worktree of a finished session keeps un-pushed work and may be repeated', () =>
  withSite(async (site) => {
    const { path: tree } = await site.prepare();
    await write(tree, { 'greet.txt': 'left\n' });
    await site.remove(5);
    await site.remove(5);
    assert.ok(!existsSync(tree));
    const clone = path.join(site.directory, CLONE);
    assert.equal(await site.git(clone, 'show', 'rescue/eng-42/5:greet.txt'), 'left');
    await assert.rejects(site.git(clone, 'rev-parse', '--verify', '--quiet', `refs/heads/${BRANCH}`));
  }));

test('a repository that cannot be reached is tried again, one that is not configured is not', () =>
  withSite(async (site) => {
    await assert.rejects(site.prepare({ repo: 'acme/other' }), { name: 'TerminalError', code: 'REPO_UNKNOWN' });
    await rename(site.remote, `${site.remote}-away`);
    await assert.rejects(site.prepare(), { code: 'GIT_REFUSED' });
  }));

test('what a person rewrote by force, or deleted, is begun from as it is now; what only we had is kept', () =>
  withSite(async (site) => {
    const { path: tree } = await site.prepare();
    const ours = await site.work(tree, { 'greet.txt': 'ours\n' });
    const seat = path.join(site.directory, 'seat');
    await site.git(seat, 'checkout', '--quiet', '-B', BRANCH, 'main');
    await site.git(seat, 'commit', '--quiet', '--allow-empty', '-m', 'Begin anew');
    await site.git(seat, 'push', '--quiet', '--force', 'origin', BRANCH);
    const theirs = await site.git(seat, 'rev-parse', 'HEAD');
    const forced = await site.prepare({ epoch: 2 }, 'session/eng-42/2/0');
    assert.deepEqual([forced.head, forced.rescued], [theirs, 'rescue/eng-42/2']);
    assert.equal(await site.git(tree, 'rev-parse', 'rescue/eng-42/2'), ours);

    await site.git(seat, 'push', '--quiet', 'origin', `:${BRANCH}`);
    const deleted = await site.prepare({ epoch: 3 }, 'session/eng-42/3/0');
    assert.deepEqual(
      [deleted.head, deleted.rescued],
      [await site.git(site.remote, 'rev-parse', 'main'), 'rescue/eng-42/3'],
    );
    assert.equal(await site.git(tree, 'rev-parse', 'rescue/eng-42/3'), theirs);
  }));

test('sessions of one repository are prepared at once, each in its own directory, under paths with spaces too', () =>
  withSite(async (outer) => {
    const site = await createSite(path.join(outer.directory, 'a path with spaces'));
    const of = async (session: string) => {
      const branch = `chartroom/${session}`;
      const params = { repo: REPO, branch, rebase: false, epoch: 1, fresh: false };
      const doer = doing(`session/${session}/1/0`, `session/${session}`);
      const { path: tree } = (await site.worktrees['worktree.prepare'].perform(params, doer)) as { path: string };
      await write(tree, { [`${session} made.txt`]: 'made\n' });
      return tree;
    };
    const names = ['eng-1', 'eng-2', 'eng-3'];
    const trees = await Promise.all(names.map(of));
    for (const [index, tree] of trees.entries()) {
      assert.equal(await site.git(tree, 'symbolic-ref', '--short', 'HEAD'), `chartroom/${names[index]}`);
      assert.equal(await site.git(tree, 'status', '--porcelain'), `?? "${names[index]} made.txt"`);
    }
    const again = { repo: REPO, branch: 'chartroom/eng-2', rebase: false, epoch: 2, fresh: false };
    await site.worktrees['worktree.prepare'].perform(again, doing('session/eng-2/2/0', 'session/eng-2'));
    const kept = await site.git(trees[1]!, 'show', 'rescue/eng-2/2:eng-2 made.txt');
    assert.deepEqual([kept, await site.git(trees[1]!, 'status', '--porcelain')], ['made', '']);
  }));

test('a submodule is left alone: neither fetched nor reset, and its work is not removed with the worktree', () =>
  withSite(async (site) => {
    const { seat, library } = await withSubmodule(site);
    const { path: tree } = await site.prepare();
    const inside = path.join(tree, 'library');
    assert.equal(existsSync(path.join(inside, 'lib.txt')), false, 'it is the run’s to fetch');
    await site.git(tree, '-c', 'protocol.file.allow=always', 'submodule', '--quiet', 'update', '--init');
    await write(inside, { 'lib.txt': 'changed by a run\n' });
    await site.push('main', { 'base.txt': 'moved on\n' });
    await site.prepare({ epoch: 2 }, 'session/eng-42/2/0');
    assert.equal(await readFile(path.join(inside, 'lib.txt'), 'utf8'), 'changed by a run\n');

    await assert.rejects(site.remove(), { code: 'WORKTREE_UNSAVED' });
    await site.git(inside, 'commit', '--quiet', '--all', '-m', 'Change the library');
    await assert.rejects(site.remove(), { code: 'WORKTREE_UNSAVED' });
    await site.git(inside, 'push', '--quiet', library, 'HEAD:refs/heads/changed');
    await site.git(inside, 'fetch', '--quiet', 'origin');
    await site.remove();
    assert.equal(existsSync(tree), false);
    assert.ok(existsSync(seat));
  }));

/** The base has a submodule `library` with one file. */
async function withSubmodule(site: Parameters<Parameters<typeof withSite>[0]>[0]) {
  const library = path.join(site.directory, 'library.git');
  const seat = path.join(site.directory, 'seat');
  const source = path.join(site.directory, 'source');
  await site.git(site.directory, 'init', '--quiet', '--initial-branch=main', source);
  await write(source, { 'lib.txt': 'library\n' });
  await site.git(source, 'add', '--all');
  await site.git(source, 'commit', '--quiet', '-m', 'Begin');
  await site.git(site.directory, 'clone', '--quiet', '--bare', source, library);
  await site.git(seat, '-c', 'protocol.file.allow=always', 'submodule', '--quiet', 'add', library, 'library');
  await site.push('main', {}, 'Use the library');
  return { library, seat };
}

/** Merging for real: a merge commit, one squashed commit, or the commits again on the base's tip. */
import type { Viewer } from './answers.ts';
import { HttpError } from './answers.ts';
import type { Person } from './git.ts';
import { missing } from './mergeability.ts';
import { moved } from './moves.ts';
import type { PullIssue } from './pull.ts';
import { commitsOf } from './pull.ts';
import type { Site } from './site.ts';
import type { Repository } from './world.ts';

export interface MergeWish {
  method: 'merge' | 'squash' | 'rebase';
  /** The head that the caller means. */
  sha?: string | undefined;
  title?: string | undefined;
  message?: string | undefined;
}

const REFUSED = {
  merge: 'Merge commits are not allowed on this repository.',
  squash: 'Squash merges are not allowed on this repository.',
  rebase: 'Rebase merges are not allowed on this repository.',
} as const;

/** Whoever merges by the web is the author; the commit is GitHub's. */
const WEB_FLOW: Person = { name: 'GitHub', email: 'noreply@github.com' };

/** Merges, or says why not: 405 for what is not mergeable, 409 for a head that moved. Answers the commit. */
export function mergePull(
  site: Site,
  repository: Repository,
  issue: PullIssue,
  viewer: Viewer,
  wish: MergeWish,
): Promise<string> {
  return repository.turn(async () => {
    const { pull } = issue;
    if (issue.state === 'closed') throw new HttpError(405, 'Pull Request is not mergeable');
    if (wish.sha !== undefined && wish.sha !== pull.headSha) {
      throw new HttpError(409, 'Head branch was modified. Review and try the merge again.');
    }
    if (!repository.mergeMethods.has(wish.method)) throw new HttpError(405, REFUSED[wish.method]);
    if (pull.draft) throw new HttpError(405, 'Pull Request is still a draft');
    const inTheWay = missing(repository, issue);
    if (inTheWay.length > 0) throw new HttpError(405, inTheWay.join(' '));
    const base = repository.branches.get(pull.baseRef);
    if (base === undefined) throw new HttpError(405, 'Pull Request is not mergeable');
    const strict = repository.protection.get(pull.baseRef)?.strict ?? false;
    if (strict && !(await site.git.isAncestor(repository.path, base, pull.headSha))) {
      throw new HttpError(405, 'Head branch is out of date with the base branch.');
    }
    const sha = await makeCommit(site, repository, issue, viewer, wish, base);
    await site.git.updateRef(repository.path, `refs/heads/${pull.baseRef}`, sha, base);
    pull.merged = { at: site.world.now(), by: viewer.user, sha };
    // The commits shown stay those that were merged: measured from the base as it was.
    pull.baseSha = base;
    await moved(site, repository, viewer.user);
    return sha;
  });
}

async function makeCommit(
  site: Site,
  repository: Repository,
  issue: PullIssue,
  viewer: Viewer,
  wish: MergeWish,
  base: string,
): Promise<string> {
  const { git } = site;
  const { pull } = issue;
  const author: Person = { name: viewer.user.name, email: viewer.user.email };
  const merged = await git.mergeTree(repository.path, base, pull.headSha);
  if (!merged.ok) throw new HttpError(405, 'Pull Request is not mergeable');
  const commits = await commitsOf(site, repository, pull);
  const atMs = site.world.nowMs();
  switch (wish.method) {
    case 'merge': {
      const title = wish.title ?? `Merge pull request #${issue.number} from ${pull.headIn.owner.login}/${pull.headRef}`;
      const message = text(title, wish.message ?? issue.title);
      const parents = [base, pull.headSha];
      return git.commitTree(repository.path, {
        tree: merged.tree,
        parents,
        message,
        author,
        committer: WEB_FLOW,
        atMs,
      });
    }
    case 'squash': {
      const only = commits.length === 1 ? commits[0] : undefined;
      const title = wish.title ?? `${only?.message.split('\n')[0] ?? issue.title} (#${issue.number})`;
      const body = wish.message ?? commits.map((commit) => `* ${commit.message}`).join('\n\n');
      const message = text(title, only === undefined || wish.message !== undefined ? body : '');
      const by: Person = { name: issue.user.name, email: issue.user.email };
      const parents = [base];
      return git.commitTree(repository.path, {
        tree: merged.tree,
        parents,
        message,
        author: by,
        committer: WEB_FLOW,
        atMs,
      });
    }
    case 'rebase':
      return rebase(site, repository, pull.headSha, base, author);
  }
}

const text = (title: string, body: string): string => (body === '' ? `${title}\n` : `${title}\n\n${body}\n`);

/** Each commit again on top of the base: a three-way merge whose common ancestor is the commit's own parent. */
async function rebase(
  site: Site,
  repository: Repository,
  head: string,
  base: string,
  committer: Person,
): Promise<string> {
  const { git } = site;
  let tip = base;
  const atMs = site.world.nowMs();
  for (const commit of await git.commits(repository.path, base, head)) {
    const [parent, second] = commit.parents;
    if (parent === undefined || second !== undefined) throw new HttpError(405, "This branch can't be rebased");
    // git 2.39 cannot be told the common ancestor, so the tip's tree is dressed up as another child of that parent.
    const dressed = await git.commitTree(repository.path, {
      tree: (await git.commit(repository.path, tip)).tree,
      parents: [parent],
      message: 'tip',
      author: committer,
      committer,
      atMs,
    });
    const merged = await git.mergeTree(repository.path, dressed, commit.sha);
    if (!merged.ok) throw new HttpError(405, "This branch can't be rebased");
    tip = await git.commitTree(repository.path, {
      tree: merged.tree,
      parents: [tip],
      message: `${commit.message}\n`,
      author: commit.author,
      authoredAt: commit.author.date,
      committer,
      atMs,
    });
  }
  return tip;
}

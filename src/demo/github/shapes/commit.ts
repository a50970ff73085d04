/** Commits and changed files as GitHub shows them; an author with a known address is linked to the user. */
import type { Commit, FileChange } from '../git.ts';
import type { Site } from '../site.ts';
import type { Repository, User } from '../world.ts';
import { nodeId } from '../world.ts';
import { apiOf, htmlOf } from './repository.ts';
import type { Hook, Rest } from './types.ts';
import { userShape } from './user.ts';

export function userByEmail(site: Site, email: string): User | undefined {
  return [...site.world.users.values()].find((user) => user.email.toLowerCase() === email.toLowerCase());
}

export function commitShape(site: Site, repository: Repository, commit: Commit) {
  const api = apiOf(site, repository);
  const html = htmlOf(site, repository);
  const author = userByEmail(site, commit.author.email);
  const committer = userByEmail(site, commit.committer.email);
  return {
    url: `${api}/commits/${commit.sha}`,
    sha: commit.sha,
    node_id: nodeId('C', Number.parseInt(commit.sha.slice(0, 12), 16)),
    html_url: `${html}/commit/${commit.sha}`,
    comments_url: `${api}/commits/${commit.sha}/comments`,
    commit: {
      url: `${api}/git/commits/${commit.sha}`,
      author: commit.author,
      committer: commit.committer,
      message: commit.message,
      comment_count: 0,
      tree: { sha: commit.tree, url: `${api}/git/trees/${commit.tree}` },
      verification: {
        verified: false,
        reason: 'unsigned' as const,
        signature: null,
        payload: null,
        verified_at: null,
      },
    },
    author: author === undefined ? null : userShape(site, author),
    committer: committer === undefined ? null : userShape(site, committer),
    parents: commit.parents.map((sha) => ({
      sha,
      url: `${api}/commits/${sha}`,
      html_url: `${html}/commit/${sha}`,
    })),
  } satisfies Rest['commit'] & Hook.StatusEvent['commit'];
}

export function fileShape(site: Site, repository: Repository, head: string, file: FileChange): Rest['diff-entry'] {
  const html = htmlOf(site, repository);
  return {
    sha: file.sha,
    filename: file.path,
    status: file.status,
    additions: file.additions,
    deletions: file.deletions,
    changes: file.additions + file.deletions,
    blob_url: `${html}/blob/${head}/${file.path}`,
    raw_url: `${html}/raw/${head}/${file.path}`,
    contents_url: `${apiOf(site, repository)}/contents/${file.path}?ref=${head}`,
    ...(file.patch === undefined ? {} : { patch: file.patch }),
    ...(file.previousPath === undefined ? {} : { previous_filename: file.previousPath }),
  };
}

/** A commit in a push. */
export function pushedCommitShape(
  site: Site,
  repository: Repository,
  commit: Commit,
  files: readonly FileChange[],
): Hook.Commit {
  const person = (who: { name: string; email: string }): Hook.Committer => {
    const user = userByEmail(site, who.email);
    return { name: who.name, email: who.email, ...(user === undefined ? {} : { username: user.login }) };
  };
  const paths = (statuses: FileChange['status'][]): string[] =>
    files.filter((file) => statuses.includes(file.status)).map((file) => file.path);
  return {
    id: commit.sha,
    tree_id: commit.tree,
    distinct: true,
    message: commit.message,
    timestamp: commit.committer.date,
    url: `${htmlOf(site, repository)}/commit/${commit.sha}`,
    author: person(commit.author),
    committer: person(commit.committer),
    added: paths(['added', 'copied']),
    modified: paths(['modified', 'changed', 'renamed']),
    removed: paths(['removed']),
  };
}

export const simpleCommitShape = (commit: Commit) =>
  ({
    id: commit.sha,
    tree_id: commit.tree,
    message: commit.message,
    timestamp: commit.committer.date,
    author: { name: commit.author.name, email: commit.author.email },
    committer: { name: commit.committer.name, email: commit.committer.email },
  }) satisfies Rest['simple-commit'] & Hook.SimpleCommit;

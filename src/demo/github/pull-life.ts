/** Opening, closing and re-opening a pull request, and telling it. */
import type { PullIssue } from './pull.ts';
import { pullShape } from './shapes/pull.ts';
import { repositoryShape } from './shapes/repository.ts';
import { userShape } from './shapes/user.ts';
import type { Site } from './site.ts';
import type { Repository, User } from './world.ts';

/** Closes it, merged or not as `pull.merged` has it. */
export async function closePull(site: Site, repository: Repository, issue: PullIssue, by: User): Promise<void> {
  const now = site.world.now();
  issue.state = 'closed';
  issue.closedAt = now;
  issue.closedBy = by;
  issue.updatedAt = now;
  site.emit(repository, 'pull_request', {
    action: 'closed',
    number: issue.number,
    pull_request: {
      ...(await pullShape(site, repository, issue)),
      state: 'closed',
      closed_at: now,
      merged: issue.pull.merged !== null,
    },
    repository: repositoryShape(site, repository),
    sender: userShape(site, by),
  });
}

export async function reopenPull(site: Site, repository: Repository, issue: PullIssue, by: User): Promise<void> {
  issue.state = 'open';
  issue.closedAt = null;
  issue.closedBy = null;
  issue.updatedAt = site.world.now();
  issue.pull.headSha = issue.pull.headIn.branches.get(issue.pull.headRef) ?? issue.pull.headSha;
  issue.pull.baseSha = repository.branches.get(issue.pull.baseRef) ?? issue.pull.baseSha;
  site.emit(repository, 'pull_request', {
    action: 'reopened',
    number: issue.number,
    pull_request: {
      ...(await pullShape(site, repository, issue)),
      state: 'open',
      closed_at: null,
      merged_at: null,
      merged_by: null,
      active_lock_reason: null,
    },
    repository: repositoryShape(site, repository),
    sender: userShape(site, by),
  });
}

export async function openedPull(site: Site, repository: Repository, issue: PullIssue): Promise<void> {
  site.emit(repository, 'pull_request', {
    action: 'opened',
    number: issue.number,
    pull_request: {
      ...(await pullShape(site, repository, issue)),
      state: 'open',
      closed_at: null,
      merged_at: null,
      merged_by: null,
      active_lock_reason: null,
    },
    repository: repositoryShape(site, repository),
    sender: userShape(site, issue.user),
  });
}

/** The tests' and demo's hand: REST has no word for it, only GraphQL and the web page. */
export async function setDraft(
  site: Site,
  repository: Repository,
  issue: PullIssue,
  draft: boolean,
  by: User,
): Promise<void> {
  if (issue.pull.draft === draft) return;
  issue.pull.draft = draft;
  issue.updatedAt = site.world.now();
  const base = {
    number: issue.number,
    pull_request: await pullShape(site, repository, issue),
    repository: repositoryShape(site, repository),
    sender: userShape(site, by),
  };
  if (draft) {
    site.emit(repository, 'pull_request', {
      action: 'converted_to_draft',
      ...base,
      pull_request: {
        ...base.pull_request,
        draft: true,
        closed_at: null,
        merged_at: null,
        merged: false,
        merged_by: null,
      },
    });
  } else {
    site.emit(repository, 'pull_request', {
      action: 'ready_for_review',
      ...base,
      pull_request: {
        ...base.pull_request,
        draft: false,
        state: 'open',
        closed_at: null,
        merged_at: null,
        merged: false,
        merged_by: null,
      },
    });
  }
}

/** Repositories, branches and their protection as GitHub shows them. */
import { effectivePermission } from '../access.ts';
import type { Viewer } from '../answers.ts';
import type { Site } from '../site.ts';
import type { Protection, Repository } from '../world.ts';
import { nodeId } from '../world.ts';
import type { Hook, Rest } from './types.ts';
import { userShape } from './user.ts';

export const apiOf = (site: Site, repository: Repository): string => `${site.apiUrl}/repos/${repository.fullName}`;
export const htmlOf = (site: Site, repository: Repository): string => `${site.url}/${repository.fullName}`;

export function repositoryShape(site: Site, repository: Repository) {
  const api = apiOf(site, repository);
  const html = htmlOf(site, repository);
  const open = [...repository.issues.values()].filter((issue) => issue.state === 'open').length;
  const visibility: 'private' | 'public' = repository.private ? 'private' : 'public';
  return {
    id: repository.id,
    node_id: nodeId('R', repository.id),
    name: repository.name,
    full_name: repository.fullName,
    private: repository.private,
    owner: userShape(site, repository.owner),
    html_url: html,
    description: repository.description,
    fork: repository.forkOf !== undefined,
    url: api,
    archive_url: `${api}/{archive_format}{/ref}`,
    assignees_url: `${api}/assignees{/user}`,
    blobs_url: `${api}/git/blobs{/sha}`,
    branches_url: `${api}/branches{/branch}`,
    collaborators_url: `${api}/collaborators{/collaborator}`,
    comments_url: `${api}/comments{/number}`,
    commits_url: `${api}/commits{/sha}`,
    compare_url: `${api}/compare/{base}...{head}`,
    contents_url: `${api}/contents/{+path}`,
    contributors_url: `${api}/contributors`,
    deployments_url: `${api}/deployments`,
    downloads_url: `${api}/downloads`,
    events_url: `${api}/events`,
    forks_url: `${api}/forks`,
    git_commits_url: `${api}/git/commits{/sha}`,
    git_refs_url: `${api}/git/refs{/sha}`,
    git_tags_url: `${api}/git/tags{/sha}`,
    git_url: `git:${html.replace(/^https?:/, '')}.git`,
    issue_comment_url: `${api}/issues/comments{/number}`,
    issue_events_url: `${api}/issues/events{/number}`,
    issues_url: `${api}/issues{/number}`,
    keys_url: `${api}/keys{/key_id}`,
    labels_url: `${api}/labels{/name}`,
    languages_url: `${api}/languages`,
    merges_url: `${api}/merges`,
    milestones_url: `${api}/milestones{/number}`,
    notifications_url: `${api}/notifications{?since,all,participating}`,
    pulls_url: `${api}/pulls{/number}`,
    releases_url: `${api}/releases{/id}`,
    ssh_url: `${html}.git`,
    stargazers_url: `${api}/stargazers`,
    statuses_url: `${api}/statuses/{sha}`,
    subscribers_url: `${api}/subscribers`,
    subscription_url: `${api}/subscription`,
    tags_url: `${api}/tags`,
    teams_url: `${api}/teams`,
    trees_url: `${api}/git/trees{/sha}`,
    clone_url: `${html}.git`,
    mirror_url: null,
    hooks_url: `${api}/hooks`,
    svn_url: html,
    homepage: null,
    language: null,
    forks_count: 0,
    stargazers_count: 0,
    watchers_count: 0,
    size: 0,
    default_branch: repository.defaultBranch,
    open_issues_count: open,
    is_template: false,
    topics: [],
    has_issues: true,
    has_projects: false,
    has_wiki: false,
    has_pages: false,
    has_downloads: false,
    has_discussions: false,
    archived: false,
    disabled: false,
    visibility,
    pushed_at: repository.pushedAt,
    created_at: repository.createdAt,
    updated_at: repository.updatedAt,
    allow_rebase_merge: repository.mergeMethods.has('rebase'),
    allow_squash_merge: repository.mergeMethods.has('squash'),
    allow_merge_commit: repository.mergeMethods.has('merge'),
    allow_auto_merge: false,
    allow_forking: true,
    delete_branch_on_merge: false,
    web_commit_signoff_required: false,
    custom_properties: {},
    license: null,
    forks: 0,
    open_issues: open,
    watchers: 0,
  } satisfies Rest['repository'] & Hook.Repository;
}

export function fullRepositoryShape(
  site: Site,
  repository: Repository,
  viewer: Viewer | null,
): Rest['full-repository'] {
  const has = effectivePermission(repository, viewer);
  const write = has === 'write' || has === 'admin';
  return {
    ...repositoryShape(site, repository),
    subscribers_count: 0,
    network_count: 0,
    ...(viewer === null
      ? {}
      : { permissions: { admin: has === 'admin', maintain: has === 'admin', push: write, triage: write, pull: true } }),
  };
}

export const repoRefShape = (site: Site, repository: Repository) => ({
  id: repository.id,
  url: apiOf(site, repository),
  name: repository.name,
});

const urlOfBranch = (site: Site, repository: Repository, branch: string): string =>
  `${apiOf(site, repository)}/branches/${branch}`;

const checksOf = (names: readonly string[]): { context: string; app_id: number | null }[] =>
  names.map((context) => ({ context, app_id: null }));

/** What everyone who may read sees of a branch's protection. */
export function protectionSummary(
  site: Site,
  repository: Repository,
  branch: string,
): Rest['branch-protection'] & { enabled: boolean } {
  const protection = repository.protection.get(branch);
  const classic = protection !== undefined && protection.as !== 'ruleset';
  const names = classic ? (protection.requiredChecks ?? []) : [];
  return {
    enabled: classic,
    required_status_checks: {
      url: `${urlOfBranch(site, repository, branch)}/protection/required_status_checks`,
      enforcement_level: names.length > 0 ? 'everyone' : 'off',
      contexts: [...names],
      checks: checksOf(names),
    },
  };
}

/** The whole of it, for administrators. */
export function protectionShape(
  site: Site,
  repository: Repository,
  branch: string,
  protection: Protection,
): Rest['branch-protection'] {
  const url = `${urlOfBranch(site, repository, branch)}/protection`;
  return {
    url,
    ...((protection.requiredChecks ?? []).length === 0
      ? {}
      : {
          required_status_checks: {
            url: `${url}/required_status_checks`,
            strict: protection.strict ?? false,
            contexts: [...(protection.requiredChecks ?? [])],
            contexts_url: `${url}/required_status_checks/contexts`,
            checks: checksOf(protection.requiredChecks ?? []),
          },
        }),
    ...((protection.requiredReviews ?? 0) === 0
      ? {}
      : {
          required_pull_request_reviews: {
            url: `${url}/required_pull_request_reviews`,
            dismiss_stale_reviews: protection.dismissStaleReviews ?? false,
            require_code_owner_reviews: false,
            require_last_push_approval: false,
            required_approving_review_count: protection.requiredReviews ?? 0,
          },
        }),
    required_signatures: { url: `${url}/required_signatures`, enabled: false },
    enforce_admins: { url: `${url}/enforce_admins`, enabled: true },
    required_linear_history: { enabled: false },
    allow_force_pushes: { enabled: false },
    allow_deletions: { enabled: false },
    block_creations: { enabled: false },
    required_conversation_resolution: { enabled: false },
    lock_branch: { enabled: false },
    allow_fork_syncing: { enabled: false },
  };
}

/** The rules of a ruleset for a branch; a classic protection does not show here. */
export function rulesShape(repository: Repository, branch: string): Record<string, unknown>[] {
  const protection = repository.protection.get(branch);
  if (protection === undefined || protection.as !== 'ruleset') return [];
  const source = { ruleset_source_type: 'Repository', ruleset_source: repository.fullName, ruleset_id: repository.id };
  return [
    { type: 'deletion', ...source },
    { type: 'non_fast_forward', ...source },
    {
      type: 'pull_request',
      parameters: {
        required_approving_review_count: protection.requiredReviews ?? 0,
        dismiss_stale_reviews_on_push: protection.dismissStaleReviews ?? false,
        require_code_owner_review: false,
        require_last_push_approval: false,
        required_review_thread_resolution: false,
        allowed_merge_methods: ['merge', 'squash', 'rebase'],
      },
      ...source,
    },
    ...((protection.requiredChecks ?? []).length === 0
      ? []
      : [
          {
            type: 'required_status_checks',
            parameters: {
              strict_required_status_checks_policy: protection.strict ?? false,
              do_not_enforce_on_create: false,
              required_status_checks: (protection.requiredChecks ?? []).map((context) => ({ context })),
            },
            ...source,
          },
        ]),
  ];
}

/** Issues, labels and their comments as GitHub shows them. */
import { permissionOf } from '../access.ts';
import type { Site } from '../site.ts';
import type { Comment, Issue, Label, Repository, User } from '../world.ts';
import { nodeId } from '../world.ts';
import { apiOf, htmlOf } from './repository.ts';
import type { Hook, Rest } from './types.ts';
import { appShape, reactionsShape, userShape } from './user.ts';

export function association(repository: Repository, user: User): 'OWNER' | 'COLLABORATOR' | 'NONE' {
  if (repository.owner.id === user.id) return 'OWNER';
  const permission = permissionOf(repository, user);
  return permission === 'write' || permission === 'admin' ? 'COLLABORATOR' : 'NONE';
}

export const labelShape = (site: Site, repository: Repository, label: Label) =>
  ({
    id: label.id,
    node_id: nodeId('LA', label.id),
    url: `${apiOf(site, repository)}/labels/${encodeURIComponent(label.name)}`,
    name: label.name,
    description: label.description,
    color: label.color,
    default: false,
  }) satisfies Hook.Label;

export function issueShape(site: Site, repository: Repository, issue: Issue) {
  const api = `${apiOf(site, repository)}/issues/${issue.number}`;
  const kind = issue.pull === undefined ? 'issues' : 'pull';
  const html = `${htmlOf(site, repository)}/${kind}/${issue.number}`;
  const pullApi = `${apiOf(site, repository)}/pulls/${issue.number}`;
  const [assignee] = issue.assignees;
  return {
    id: issue.id,
    node_id: nodeId(issue.pull === undefined ? 'I' : 'PR', issue.id),
    url: api,
    repository_url: apiOf(site, repository),
    labels_url: `${api}/labels{/name}`,
    comments_url: `${api}/comments`,
    events_url: `${api}/events`,
    html_url: html,
    timeline_url: `${api}/timeline`,
    number: issue.number,
    state: issue.state,
    state_reason: issue.stateReason,
    title: issue.title,
    body: issue.body,
    user: userShape(site, issue.user),
    labels: issue.labels.map((label) => labelShape(site, repository, label)),
    assignee: assignee === undefined ? null : userShape(site, assignee),
    assignees: issue.assignees.map((user) => userShape(site, user)),
    milestone: null,
    locked: false,
    active_lock_reason: null,
    comments: issue.comments.length,
    created_at: issue.createdAt,
    updated_at: issue.updatedAt,
    closed_at: issue.closedAt,
    author_association: association(repository, issue.user),
    reactions: reactionsShape(api),
    ...(issue.pull === undefined
      ? {}
      : {
          draft: issue.pull.draft,
          pull_request: {
            url: pullApi,
            html_url: html,
            diff_url: `${html}.diff`,
            patch_url: `${html}.patch`,
            merged_at: issue.pull.merged?.at ?? null,
          },
        }),
  } satisfies Rest['issue'] & Hook.Issue;
}

export function commentShape(site: Site, repository: Repository, issue: Issue, comment: Comment) {
  const url = `${apiOf(site, repository)}/issues/comments/${comment.id}`;
  const kind = issue.pull === undefined ? 'issues' : 'pull';
  return {
    id: comment.id,
    node_id: nodeId('IC', comment.id),
    url,
    html_url: `${htmlOf(site, repository)}/${kind}/${issue.number}#issuecomment-${comment.id}`,
    issue_url: `${apiOf(site, repository)}/issues/${issue.number}`,
    user: userShape(site, comment.user),
    body: comment.body,
    created_at: comment.createdAt,
    updated_at: comment.updatedAt,
    author_association: association(repository, comment.user),
    reactions: reactionsShape(url),
    performed_via_github_app: comment.user.app === undefined ? null : appShape(site, comment.user),
  } satisfies Rest['issue-comment'] & Hook.IssueComment;
}

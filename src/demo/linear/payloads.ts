/** Webhook bodies as Linear sends them, built from a change at the moment it happens; stamps of sending come later. */
import { isoNow, statusOf } from './records.ts';
import type { Activity, AgentSession, Comment, Issue, User, Workspace } from './records.ts';
import type { Change } from './acts.ts';
import { need } from './lookup.ts';

export interface Payload {
  /** Value of the header `Linear-Event`. */
  event: Change['type'];
  action: string;
  body: Record<string, unknown>;
}

export function payloadOf(workspace: Workspace, change: Change): Payload {
  const { type: event, action } = change;
  const envelope = { action, type: event, createdAt: isoNow(workspace), organizationId: workspace.organization.id };
  if (change.type === 'AgentSessionEvent') {
    return { event, action, body: { ...envelope, ...sessionEvent(workspace, change) } };
  }
  const { data, url } = entity(workspace, change);
  const updatedFrom =
    'updatedFrom' in change && change.updatedFrom !== undefined ? { updatedFrom: change.updatedFrom } : {};
  return { event, action, body: { ...envelope, actor: actorOf(change.actor), data, url, ...updatedFrom } };
}

function entity(
  workspace: Workspace,
  change: Exclude<Change, { type: 'AgentSessionEvent' }>,
): { data: Record<string, unknown>; url: string } {
  switch (change.type) {
    case 'Issue':
      return { data: issuePayload(workspace, change.issue), url: change.issue.url };
    case 'Comment':
      return { data: commentPayload(workspace, change.comment), url: change.comment.url };
    case 'Attachment':
      return { data: { ...change.attachment }, url: change.attachment.url };
    case 'IssueRelation': {
      const { relation } = change;
      const issue = need(workspace.issues, relation.issueId, 'Issue');
      const related = need(workspace.issues, relation.relatedIssueId, 'Issue');
      return {
        data: { ...relation, issue: issueChild(workspace, issue), relatedIssue: issueChild(workspace, related) },
        url: issue.url,
      };
    }
  }
}

function sessionEvent(
  workspace: Workspace,
  change: Extract<Change, { type: 'AgentSessionEvent' }>,
): Record<string, unknown> {
  const { session } = change;
  const body: Record<string, unknown> = {
    appUserId: session.appUserId,
    oauthClientId: `oauth-${session.appUserId}`,
    agentSession: sessionPayload(workspace, session),
    guidance: [],
  };
  if (change.action === 'prompted') return { ...body, agentActivity: activityPayload(workspace, change.activity) };
  return { ...body, promptContext: promptContext(workspace, session) };
}

const actorOf = (user: User): Record<string, unknown> =>
  user.app
    ? { id: user.id, name: user.name, type: 'oauthClient' }
    : { id: user.id, name: user.name, email: user.email, url: user.url, type: 'user' };

const userChild = (user: User): Record<string, unknown> => ({
  id: user.id,
  name: user.name,
  email: user.email,
  url: user.url,
});

function userOf(workspace: Workspace, id: string | null): Record<string, unknown> | undefined {
  const user = id === null ? undefined : workspace.users.get(id);
  return user === undefined ? undefined : userChild(user);
}

function issueChild(workspace: Workspace, issue: Issue): Record<string, unknown> {
  const team = need(workspace.teams, issue.teamId, 'Team');
  return {
    id: issue.id,
    identifier: issue.identifier,
    title: issue.title,
    teamId: team.id,
    team: { id: team.id, key: team.key, name: team.name },
    url: issue.url,
  };
}

function issuePayload(workspace: Workspace, issue: Issue): Record<string, unknown> {
  const state = need(workspace.states, issue.stateId, 'WorkflowState');
  const labels = issue.labelIds.flatMap((id) => workspace.labels.get(id) ?? []);
  return {
    ...issueChild(workspace, issue),
    createdAt: issue.createdAt,
    updatedAt: issue.updatedAt,
    archivedAt: issue.archivedAt,
    number: issue.number,
    description: issue.description,
    priority: issue.priority,
    priorityLabel: PRIORITY_LABELS[issue.priority] ?? 'No priority',
    prioritySortOrder: 0,
    sortOrder: 0,
    stateId: state.id,
    state: { id: state.id, name: state.name, type: state.type, color: state.color },
    creatorId: issue.creatorId,
    creator: userOf(workspace, issue.creatorId),
    assigneeId: issue.assigneeId,
    assignee: userOf(workspace, issue.assigneeId),
    delegateId: issue.delegateId,
    delegate: userOf(workspace, issue.delegateId),
    startedAt: issue.startedAt,
    completedAt: issue.completedAt,
    canceledAt: issue.canceledAt,
    trashed: issue.trashed,
    labelIds: issue.labelIds,
    labels: labels.map(({ id, name, color }) => ({ id, name, color, parentId: null })),
    subscriberIds: [],
    previousIdentifiers: [],
    reactionData: [],
  };
}

function commentPayload(workspace: Workspace, comment: Comment): Record<string, unknown> {
  const parent = comment.parentId === null ? undefined : workspace.comments.get(comment.parentId);
  return {
    id: comment.id,
    createdAt: comment.createdAt,
    updatedAt: comment.updatedAt,
    archivedAt: comment.archivedAt,
    editedAt: comment.editedAt,
    body: comment.body,
    issueId: comment.issueId,
    issue: issueChild(workspace, need(workspace.issues, comment.issueId, 'Issue')),
    parentId: comment.parentId,
    ...(parent === undefined ? {} : { parent: commentChild(parent) }),
    userId: comment.userId,
    user: userOf(workspace, comment.userId),
    reactionData: [],
  };
}

const commentChild = (comment: Comment): Record<string, unknown> => ({
  id: comment.id,
  body: comment.body,
  userId: comment.userId,
  issueId: comment.issueId,
});

function sessionPayload(workspace: Workspace, session: AgentSession): Record<string, unknown> {
  const issue = need(workspace.issues, session.issueId, 'Issue');
  const comment = need(workspace.comments, session.commentId, 'Comment');
  return {
    id: session.id,
    createdAt: session.createdAt,
    updatedAt: session.updatedAt,
    archivedAt: session.archivedAt,
    startedAt: session.startedAt,
    endedAt: session.endedAt,
    status: statusOf(workspace, session),
    type: 'commentThread',
    summary: null,
    sourceMetadata: null,
    appUserId: session.appUserId,
    organizationId: workspace.organization.id,
    creatorId: session.creatorId,
    creator: userOf(workspace, session.creatorId),
    issueId: issue.id,
    issue: { ...issueChild(workspace, issue), description: issue.description },
    commentId: comment.id,
    comment: commentChild(comment),
    url: session.url,
  };
}

function activityPayload(workspace: Workspace, activity: Activity): Record<string, unknown> {
  return {
    id: activity.id,
    createdAt: activity.createdAt,
    updatedAt: activity.updatedAt,
    archivedAt: activity.archivedAt,
    agentSessionId: activity.agentSessionId,
    content: activity.content,
    signal: activity.signal,
    signalMetadata: activity.signalMetadata,
    sourceCommentId: activity.sourceCommentId,
    userId: activity.userId,
    user: userOf(workspace, activity.userId),
  };
}

/** The text Linear writes for the agent at the birth of a session: the issue, and the comment that called it. */
function promptContext(workspace: Workspace, session: AgentSession): string {
  const issue = need(workspace.issues, session.issueId, 'Issue');
  const team = need(workspace.teams, issue.teamId, 'Team');
  const comment = need(workspace.comments, session.commentId, 'Comment');
  const author = workspace.users.get(comment.userId);
  const lines = [
    `<issue identifier="${issue.identifier}">`,
    `<title>${issue.title}</title>`,
    ...(issue.description === null ? [] : [`<description>${issue.description}</description>`]),
    `<team name="${team.name}"/>`,
    '</issue>',
  ];
  if (!comment.isArtificialAgentSessionRoot) {
    lines.push(`<primary-directive-thread comment-id="${comment.id}">`);
    lines.push(
      `<comment author="${author?.displayName ?? ''}">${comment.body}</comment>`,
      '</primary-directive-thread>',
    );
  }
  return lines.join('\n');
}

export const PRIORITY_LABELS = ['No priority', 'Urgent', 'High', 'Medium', 'Low'] as const;

/**
 * How the records answer Linear's queries and mutations. A field without an entry here is read from the record by its
 * name; one that this stand-in does not keep is null, or the empty value of its type where null is not allowed.
 */
import { getNullableType, isEnumType, isListType, isNonNullType, isObjectType } from 'graphql';
import type { GraphQLFieldResolver, GraphQLOutputType } from 'graphql';
import { Nested, connection } from './pages.ts';
import type { Lens, PageArgs } from './pages.ts';
import { need } from './lookup.ts';
import { mutations } from './mutations.ts';
import type { Acts } from './acts.ts';
import { PRIORITY_LABELS } from './payloads.ts';
import { isoNow, statusOf } from './records.ts';
import type {
  Activity,
  AgentSession,
  Attachment,
  Comment,
  History,
  Issue,
  Relation,
  Team,
  User,
  WorkflowState,
  Workspace,
} from './records.ts';

/** One authenticated request. */
export interface Call {
  viewer: User;
}

export type Resolver = (source: never, args: never, call: Call) => unknown;
type Resolvers = Record<string, Record<string, Resolver>>;

export function createFieldResolver(workspace: Workspace, acts: Acts): GraphQLFieldResolver<unknown, Call> {
  const resolvers: Resolvers = {
    ...queries(workspace, acts),
    ...fields(workspace),
    Mutation: mutations(workspace, acts),
  };
  return (source, args, call, info) => {
    const own = resolvers[info.parentType.name]?.[info.fieldName] as
      | ((source: unknown, args: unknown, call: Call) => unknown)
      | undefined;
    if (own !== undefined) return own(source, args, call);
    const value = (source as Record<string, unknown>)[info.fieldName];
    return value === undefined ? emptyOf(info.returnType, isoNow(workspace)) : value;
  };
}

function emptyOf(type: GraphQLOutputType, now: string): unknown {
  if (!isNonNullType(type)) return null;
  const inner = getNullableType(type);
  if (isListType(inner)) return [];
  if (isObjectType(inner)) return { id: 'none' };
  if (isEnumType(inner)) return inner.getValues()[0]?.name;
  switch (inner.name) {
    case 'Boolean':
      return false;
    case 'Int':
    case 'Float':
      return 0;
    case 'JSON':
    case 'JSONObject':
      return {};
    case 'DateTime':
      return now;
    default:
      return '';
  }
}

function lenses(workspace: Workspace) {
  const user: Lens<User> = {
    id: (row) => row.id,
    name: (row) => row.name,
    displayName: (row) => row.displayName,
    email: (row) => row.email,
    app: (row) => row.app,
  };
  const team: Lens<Team> = { id: (row) => row.id, key: (row) => row.key, name: (row) => row.name };
  const teamOf = (id: string): Nested => new Nested(workspace.teams.get(id), team);
  const userOf = (id: string | null): Nested => new Nested(id === null ? undefined : workspace.users.get(id), user);
  const state: Lens<WorkflowState> = {
    id: (row) => row.id,
    name: (row) => row.name,
    type: (row) => row.type,
    position: (row) => row.position,
    team: (row) => teamOf(row.teamId),
  };
  const issue: Lens<Issue> = {
    id: (row) => row.id,
    number: (row) => row.number,
    title: (row) => row.title,
    priority: (row) => row.priority,
    createdAt: (row) => row.createdAt,
    updatedAt: (row) => row.updatedAt,
    state: (row) => new Nested(workspace.states.get(row.stateId), state),
    team: (row) => teamOf(row.teamId),
    delegate: (row) => userOf(row.delegateId),
    assignee: (row) => userOf(row.assigneeId),
  };
  const comment: Lens<Comment> = {
    id: (row) => row.id,
    body: (row) => row.body,
    createdAt: (row) => row.createdAt,
    updatedAt: (row) => row.updatedAt,
    issue: (row) => new Nested(workspace.issues.get(row.issueId), issue),
    user: (row) => userOf(row.userId),
  };
  const activity: Lens<Activity> = {
    id: (row) => row.id,
    agentSessionId: (row) => row.agentSessionId,
    type: (row) => row.content.type,
    createdAt: (row) => row.createdAt,
    updatedAt: (row) => row.updatedAt,
  };
  return { user, team, state, issue, comment, activity };
}

function queries(workspace: Workspace, acts: Acts): Resolvers {
  const lens = lenses(workspace);
  return {
    Query: {
      viewer: (_: never, __: never, call: Call) => call.viewer,
      organization: () => workspace.organization,
      issue: (_: never, { id }: { id: string }) => acts.issueOf(id),
      issues: (_: never, args: PageArgs) => connection(workspace.issues.values(), args, lens.issue),
      team: (_: never, { id }: { id: string }) =>
        workspace.teams.get(id) ??
        [...workspace.teams.values()].find((team) => team.key === id) ??
        need(workspace.teams, id, 'Team'),
      teams: (_: never, args: PageArgs) => connection(workspace.teams.values(), args, lens.team),
      workflowStates: (_: never, args: PageArgs) => connection(workspace.states.values(), args, lens.state),
      comment: (_: never, { id }: { id: string }) => need(workspace.comments, id, 'Comment'),
      comments: (_: never, args: PageArgs) => connection(workspace.comments.values(), args, lens.comment),
      agentSession: (_: never, { id }: { id: string }) => need(workspace.sessions, id, 'AgentSession'),
      agentSessions: (_: never, args: PageArgs) => connection(workspace.sessions.values(), args),
      agentActivity: (_: never, { id }: { id: string }) => need(workspace.activities, id, 'AgentActivity'),
      agentActivities: (_: never, args: PageArgs) => connection(workspace.activities.values(), args, lens.activity),
      user: (_: never, { id }: { id: string }) => need(workspace.users, id, 'User'),
      users: (_: never, args: PageArgs) => connection(workspace.users.values(), args, lens.user),
    },
  };
}

function fields(workspace: Workspace): Resolvers {
  const lens = lenses(workspace);
  const where = <Row>(table: Map<string, Row>, test: (row: Row) => boolean): Row[] => [...table.values()].filter(test);
  const user = (id: string | null): User | null => (id === null ? null : (workspace.users.get(id) ?? null));
  const state = (id: string | null): WorkflowState | null => (id === null ? null : (workspace.states.get(id) ?? null));
  const issue = (id: string): Issue => need(workspace.issues, id, 'Issue');
  const comment = (id: string | null): Comment | null => (id === null ? null : (workspace.comments.get(id) ?? null));
  return {
    User: {
      isMe: (row: User, _: never, call: Call) => row.id === call.viewer.id,
      isAssignable: (row: User) => !row.app,
      isMentionable: () => true,
      supportsAgentSessions: (row: User) => row.app,
      initials: (row: User) => row.name.slice(0, 2).toUpperCase(),
    },
    Team: {
      states: (row: Team, args: PageArgs) =>
        connection(
          where(workspace.states, (one) => one.teamId === row.id),
          args,
          lens.state,
        ),
      issues: (row: Team, args: PageArgs) =>
        connection(
          where(workspace.issues, (one) => one.teamId === row.id),
          args,
          lens.issue,
        ),
    },
    WorkflowState: { team: (row: WorkflowState) => need(workspace.teams, row.teamId, 'Team') },
    Issue: {
      state: (row: Issue) => state(row.stateId),
      team: (row: Issue) => need(workspace.teams, row.teamId, 'Team'),
      assignee: (row: Issue) => user(row.assigneeId),
      delegate: (row: Issue) => user(row.delegateId),
      creator: (row: Issue) => user(row.creatorId),
      priorityLabel: (row: Issue) => PRIORITY_LABELS[row.priority],
      branchName: (row: Issue) => row.identifier.toLowerCase(),
      comments: (row: Issue, args: PageArgs) =>
        connection(
          where(workspace.comments, (one) => one.issueId === row.id),
          args,
          lens.comment,
        ),
      relations: (row: Issue, args: PageArgs) =>
        connection(
          where(workspace.relations, (one) => one.issueId === row.id),
          args,
        ),
      inverseRelations: (row: Issue, args: PageArgs) =>
        connection(
          where(workspace.relations, (one) => one.relatedIssueId === row.id),
          args,
        ),
      agentSessions: (row: Issue, args: PageArgs) =>
        connection(
          where(workspace.sessions, (one) => one.issueId === row.id),
          args,
        ),
      attachments: (row: Issue, args: PageArgs) =>
        connection(
          where(workspace.attachments, (one) => one.issueId === row.id),
          args,
          {
            id: (one) => one.id,
            title: (one) => one.title,
            url: (one) => one.url,
          },
        ),
      labels: (row: Issue, args: PageArgs) =>
        connection(
          row.labelIds.flatMap((id) => workspace.labels.get(id) ?? []),
          args,
          { id: (one) => one.id, name: (one) => one.name },
        ),
      history: (row: Issue, args: PageArgs) =>
        connection(
          where(workspace.history, (one) => one.issueId === row.id),
          args,
        ),
    },
    IssueHistory: {
      issue: (row: History) => issue(row.issueId),
      actor: (row: History) => user(row.actorId),
      fromState: (row: History) => state(row.fromStateId),
      toState: (row: History) => state(row.toStateId),
      fromDelegate: (row: History) => user(row.fromDelegateId),
      toDelegate: (row: History) => user(row.toDelegateId),
    },
    IssueRelation: {
      issue: (row: Relation) => issue(row.issueId),
      relatedIssue: (row: Relation) => issue(row.relatedIssueId),
    },
    Comment: {
      user: (row: Comment) => user(row.userId),
      issue: (row: Comment) => issue(row.issueId),
      parent: (row: Comment) => comment(row.parentId),
      agentSession: (row: Comment) => (row.agentSessionId === null ? null : workspace.sessions.get(row.agentSessionId)),
      children: (row: Comment, args: PageArgs) =>
        connection(
          where(workspace.comments, (one) => one.parentId === row.id),
          args,
          lens.comment,
        ),
    },
    AgentSession: {
      status: (row: AgentSession) => statusOf(workspace, row),
      appUser: (row: AgentSession) => user(row.appUserId),
      creator: (row: AgentSession) => user(row.creatorId),
      issue: (row: AgentSession) => issue(row.issueId),
      comment: (row: AgentSession) => comment(row.commentId),
      type: () => 'commentThread',
      externalUrls: (row: AgentSession) => row.externalLinks,
      externalLink: (row: AgentSession) => row.externalLinks[0]?.url ?? null,
      activities: (row: AgentSession, args: PageArgs) =>
        connection(
          where(workspace.activities, (one) => one.agentSessionId === row.id),
          args,
          lens.activity,
        ),
    },
    AgentActivity: {
      agentSession: (row: Activity) => need(workspace.sessions, row.agentSessionId, 'AgentSession'),
      user: (row: Activity) => user(row.userId),
      sourceComment: (row: Activity) => comment(row.sourceCommentId),
      content: (row: Activity) => ({ ...row.content, __typename: CONTENT_TYPES[row.content.type] }),
    },
    Attachment: {
      issue: (row: Attachment) => issue(row.issueId),
      creator: (row: Attachment) => user(row.creatorId),
    },
  };
}

const CONTENT_TYPES = {
  thought: 'AgentActivityThoughtContent',
  action: 'AgentActivityActionContent',
  elicitation: 'AgentActivityElicitationContent',
  response: 'AgentActivityResponseContent',
  error: 'AgentActivityErrorContent',
  prompt: 'AgentActivityPromptContent',
} as const;

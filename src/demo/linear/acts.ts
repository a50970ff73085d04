/**
 * What people and apps do in a Linear workspace: each act changes records and says so to `announce`, which sends the
 * webhooks. The GraphQL mutations and the clicks of a stand-in's person are both made of these.
 */
import { conflict, forbidden, invalid, notFound } from './refusals.ts';
import { isoNow, stamp } from './records.ts';
import type {
  Activity,
  ActivityContent,
  AgentSession,
  Attachment,
  Comment,
  ExternalLink,
  Issue,
  Relation,
  Table,
  User,
  Workspace,
} from './records.ts';

/** A change as the webhooks are told of it; `actor` made it. */
export type Change = { actor: User } & (
  | { type: 'Issue'; action: 'create' | 'update' | 'remove'; issue: Issue; updatedFrom?: Record<string, unknown> }
  | { type: 'Comment'; action: 'create' | 'update'; comment: Comment; updatedFrom?: Record<string, unknown> }
  | { type: 'IssueRelation'; action: 'create' | 'remove'; relation: Relation }
  | { type: 'Attachment'; action: 'create' | 'update'; attachment: Attachment }
  | { type: 'AgentSessionEvent'; action: 'created'; session: AgentSession }
  | { type: 'AgentSessionEvent'; action: 'prompted'; session: AgentSession; activity: Activity }
);

export interface IssueFields {
  title?: string | null | undefined;
  description?: string | null | undefined;
  priority?: number | null | undefined;
  stateId?: string | null | undefined;
  assigneeId?: string | null | undefined;
  delegateId?: string | null | undefined;
  labelIds?: string[] | null | undefined;
  trashed?: boolean | null | undefined;
}

export interface NewActivity {
  id?: string | null | undefined;
  content: unknown;
  ephemeral?: boolean | null | undefined;
  signal?: Activity['signal'] | undefined;
  signalMetadata?: unknown;
}

const UUID_V4 = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/i;

export type Acts = ReturnType<typeof createActs>;

export function createActs(workspace: Workspace, announce: (change: Change) => void) {
  /** The id the client chose, if it is one and still free. */
  function chosenId(table: Table<never>, entity: string, id: string | null | undefined): string | undefined {
    if (id === null || id === undefined) return undefined;
    if (!UUID_V4.test(id)) throw invalid('id', 'must be a UUID');
    if (table.has(id)) throw conflict(entity, id);
    return id;
  }

  function createIssue(
    actor: User,
    input: IssueFields & { id?: string | null | undefined; teamId: string; title: string },
  ): Issue {
    const team = need(workspace.teams, input.teamId, 'Team');
    const states = [...workspace.states.values()].filter((state) => state.teamId === team.id);
    const first = states.find((state) => state.type === 'backlog') ?? states[0];
    const state =
      input.stateId === undefined || input.stateId === null
        ? first
        : need(workspace.states, input.stateId, 'WorkflowState');
    if (state === undefined) throw notFound('WorkflowState');
    if (input.title.trim() === '') throw invalid('title', 'should not be empty');
    const number = team.nextNumber++;
    const identifier = `${team.key}-${number}`;
    const issue: Issue = {
      ...stamp(workspace, chosenId(workspace.issues as Table<never>, 'Issue', input.id)),
      identifier,
      number,
      title: input.title,
      description: input.description ?? null,
      priority: input.priority ?? 0,
      teamId: team.id,
      stateId: state.id,
      creatorId: actor.id,
      assigneeId: null,
      delegateId: null,
      labelIds: input.labelIds ?? [],
      startedAt: null,
      completedAt: null,
      canceledAt: null,
      trashed: null,
      url: `${workspace.webUrl}/issue/${identifier}/${slugOf(input.title)}`,
    };
    workspace.issues.set(issue.id, issue);
    assign(issue, input);
    announce({ actor, type: 'Issue', action: 'create', issue });
    if (issue.delegateId !== null) birthOfDelegation(actor, issue);
    return issue;
  }

  function updateIssue(actor: User, issue: Issue, fields: IssueFields): Issue {
    const before: Issue = { ...issue };
    if (fields.stateId !== undefined && fields.stateId !== null)
      need(workspace.states, fields.stateId, 'WorkflowState');
    if (fields.title?.trim() === '') throw invalid('title', 'should not be empty');
    assign(issue, fields);
    const changed = (Object.keys(before) as (keyof Issue)[]).filter(
      (key) => JSON.stringify(before[key]) !== JSON.stringify(issue[key]),
    );
    if (changed.length === 0) return issue;
    issue.updatedAt = isoNow(workspace);
    if (changed.includes('stateId')) entered(issue);
    if (changed.includes('stateId') || changed.includes('delegateId')) {
      const row = {
        ...stamp(workspace),
        issueId: issue.id,
        actorId: actor.id,
        fromStateId: changed.includes('stateId') ? before.stateId : null,
        toStateId: changed.includes('stateId') ? issue.stateId : null,
        fromDelegateId: changed.includes('delegateId') ? before.delegateId : null,
        toDelegateId: changed.includes('delegateId') ? issue.delegateId : null,
      };
      workspace.history.set(row.id, row);
    }
    const updatedFrom: Record<string, unknown> = { updatedAt: before.updatedAt };
    for (const key of changed) updatedFrom[key] = before[key];
    const removed = issue.trashed === true && before.trashed !== true;
    announce({ actor, type: 'Issue', action: removed ? 'remove' : 'update', issue, updatedFrom });
    if (changed.includes('delegateId') && issue.delegateId !== null) birthOfDelegation(actor, issue);
    return issue;
  }

  function assign(issue: Issue, fields: IssueFields): void {
    if (fields.title !== undefined && fields.title !== null) issue.title = fields.title;
    if (fields.description !== undefined) issue.description = fields.description;
    if (fields.priority !== undefined && fields.priority !== null) {
      if (fields.priority < 0 || fields.priority > 4) throw invalid('priority', 'must not be greater than 4');
      issue.priority = fields.priority;
    }
    if (fields.stateId !== undefined && fields.stateId !== null) issue.stateId = fields.stateId;
    if (fields.assigneeId !== undefined) {
      if (fields.assigneeId !== null) need(workspace.users, fields.assigneeId, 'User');
      issue.assigneeId = fields.assigneeId;
    }
    if (fields.delegateId !== undefined) {
      if (fields.delegateId !== null && !need(workspace.users, fields.delegateId, 'User').app) {
        throw invalid('delegateId', 'must be an app user');
      }
      issue.delegateId = fields.delegateId;
    }
    if (fields.labelIds !== undefined && fields.labelIds !== null) issue.labelIds = fields.labelIds;
    if (fields.trashed !== undefined) {
      issue.trashed = fields.trashed;
      issue.archivedAt = fields.trashed === true ? isoNow(workspace) : null;
    }
  }

  function entered(issue: Issue): void {
    const type = need(workspace.states, issue.stateId, 'WorkflowState').type;
    if (type === 'started') issue.startedAt ??= isoNow(workspace);
    issue.completedAt = type === 'completed' ? isoNow(workspace) : null;
    issue.canceledAt = type === 'canceled' ? isoNow(workspace) : null;
  }

  /** Delegating to an app opens an agent session, unless the app took the issue itself. */
  function birthOfDelegation(actor: User, issue: Issue): void {
    const app = issue.delegateId === null ? undefined : workspace.users.get(issue.delegateId);
    if (app === undefined || app.id === actor.id) return;
    openSession(actor, issue, app);
  }

  function openSession(creator: User, issue: Issue, app: User, on?: Comment): AgentSession {
    const root =
      on ??
      addComment(app, issue, `This thread is for an agent session with ${app.displayName}.`, { artificial: true });
    const session: AgentSession = {
      ...stamp(workspace),
      issueId: issue.id,
      appUserId: app.id,
      creatorId: creator.app ? null : creator.id,
      commentId: root.id,
      status: 'pending',
      lastSignMs: null,
      plan: null,
      externalLinks: [],
      startedAt: null,
      endedAt: null,
      slugId: workspace.newId().replaceAll('-', '').slice(0, 12),
      url: `${issue.url}#agent-session-${root.id.slice(0, 8)}`,
    };
    root.agentSessionId = session.id;
    workspace.sessions.set(session.id, session);
    announce({ actor: creator, type: 'AgentSessionEvent', action: 'created', session });
    return session;
  }

  function addComment(
    actor: User,
    issue: Issue,
    body: string,
    {
      id,
      parentId,
      artificial = false,
    }: { id?: string | null | undefined; parentId?: string | null | undefined; artificial?: boolean } = {},
  ): Comment {
    if (body === '') throw invalid('body', 'should not be empty');
    const parent =
      parentId === null || parentId === undefined ? undefined : need(workspace.comments, parentId, 'Comment');
    const stamped = stamp(workspace, chosenId(workspace.comments as Table<never>, 'Comment', id));
    const comment: Comment = {
      ...stamped,
      body,
      issueId: issue.id,
      parentId: parent?.parentId ?? parent?.id ?? null,
      userId: actor.id,
      editedAt: null,
      isArtificialAgentSessionRoot: artificial,
      agentSessionId: null,
      url: `${issue.url}#comment-${stamped.id.slice(0, 8)}`,
    };
    workspace.comments.set(comment.id, comment);
    announce({ actor, type: 'Comment', action: 'create', comment });
    if (!actor.app) addressed(actor, issue, comment);
    return comment;
  }

  /** A person's comment that speaks to an app: a reply in its thread prompts it, its name elsewhere calls it. */
  function addressed(actor: User, issue: Issue, comment: Comment): void {
    const root = comment.parentId === null ? undefined : workspace.comments.get(comment.parentId);
    const session = root?.agentSessionId ? workspace.sessions.get(root.agentSessionId) : undefined;
    if (session !== undefined) {
      prompted(actor, session, { content: { type: 'prompt', body: comment.body } }, comment);
      return;
    }
    for (const app of workspace.users.values()) {
      if (app.app && comment.body.includes(`@${app.displayName}`)) openSession(actor, issue, app, comment);
    }
  }

  function prompted(actor: User, session: AgentSession, activity: NewActivity, comment?: Comment): Activity {
    const added = keepActivity(actor, session, activity, comment?.id ?? null);
    if (session.status !== 'pending') session.status = 'active';
    session.lastSignMs = session.lastSignMs === null ? null : workspace.clock.now();
    announce({ actor, type: 'AgentSessionEvent', action: 'prompted', session, activity: added });
    return added;
  }

  /** An activity of the app itself; the last one decides what the session shows. */
  function addActivity(actor: User, session: AgentSession, activity: NewActivity): Activity {
    if (session.appUserId !== actor.id) throw forbidden('Only the app that owns the agent session may add activities.');
    const content = contentOf(activity.content);
    if (content.type === 'prompt') throw invalid('content.type', 'must not be prompt');
    if (activity.ephemeral === true && content.type !== 'thought' && content.type !== 'action') {
      throw invalid('ephemeral', 'is only allowed for thought and action activities');
    }
    const id = chosenId(workspace.activities as Table<never>, 'AgentActivity', activity.id);
    const issue = need(workspace.issues, session.issueId, 'Issue');
    for (const [key, other] of workspace.activities) {
      if (other.agentSessionId === session.id && other.ephemeral) workspace.activities.delete(key);
    }
    const speaks = content.type === 'response' || content.type === 'elicitation' || content.type === 'error';
    const comment = speaks ? addComment(actor, issue, content.body ?? '', { parentId: session.commentId }) : undefined;
    const added = keepActivity(actor, session, { ...activity, id, content }, comment?.id ?? null);
    signOfLife(session);
    session.status = STATUS_AFTER[content.type];
    session.endedAt = content.type === 'response' ? isoNow(workspace) : null;
    return added;
  }

  function keepActivity(
    actor: User,
    session: AgentSession,
    activity: NewActivity,
    sourceCommentId: string | null,
  ): Activity {
    const added: Activity = {
      ...stamp(workspace, activity.id ?? undefined),
      agentSessionId: session.id,
      userId: actor.id,
      content: contentOf(activity.content),
      ephemeral: activity.ephemeral === true,
      signal: activity.signal ?? null,
      signalMetadata: activity.signalMetadata ?? null,
      sourceCommentId,
    };
    workspace.activities.set(added.id, added);
    return added;
  }

  function signOfLife(session: AgentSession): void {
    session.lastSignMs = workspace.clock.now();
    session.startedAt ??= isoNow(workspace);
    session.updatedAt = isoNow(workspace);
  }

  function updateSession(
    actor: User,
    session: AgentSession,
    input: {
      plan?: unknown;
      externalUrls?: ExternalLink[] | null | undefined;
      addedExternalUrls?: ExternalLink[] | null | undefined;
      removedExternalUrls?: string[] | null | undefined;
    },
  ): AgentSession {
    if (session.appUserId !== actor.id) throw forbidden('Only the app that owns the agent session may update it.');
    if (input.plan !== undefined && input.plan !== null) {
      if (!Array.isArray(input.plan) || !input.plan.every(isPlanStep)) {
        throw invalid(
          'plan',
          'must be a list of steps with content and a status of pending, inProgress, completed or canceled',
        );
      }
    }
    if (input.plan !== undefined) session.plan = input.plan;
    const removed = new Set(input.removedExternalUrls ?? []);
    const kept = input.externalUrls ?? session.externalLinks.filter((link) => !removed.has(link.url));
    const added = input.externalUrls ? [] : (input.addedExternalUrls ?? []);
    for (const link of [...kept, ...added]) if (!URL.canParse(link.url)) throw invalid('externalUrls', 'must be URLs');
    session.externalLinks = [...new Map([...kept, ...added].map((link) => [link.url, { ...link }])).values()];
    signOfLife(session);
    return session;
  }

  function relate(
    actor: User,
    input: { id?: string | null | undefined; type: Relation['type']; issueId: string; relatedIssueId: string },
  ): Relation {
    const relation: Relation = {
      ...stamp(workspace, chosenId(workspace.relations as Table<never>, 'IssueRelation', input.id)),
      type: input.type,
      issueId: issueOf(input.issueId).id,
      relatedIssueId: issueOf(input.relatedIssueId).id,
    };
    if (relation.issueId === relation.relatedIssueId) throw invalid('relatedIssueId', 'must be another issue');
    workspace.relations.set(relation.id, relation);
    announce({ actor, type: 'IssueRelation', action: 'create', relation });
    return relation;
  }

  function unrelate(actor: User, relation: Relation): void {
    workspace.relations.delete(relation.id);
    announce({ actor, type: 'IssueRelation', action: 'remove', relation });
  }

  /** One attachment per issue and URL: the same URL again updates it. */
  function attach(
    actor: User,
    issue: Issue,
    input: {
      id?: string | null | undefined;
      url: string;
      title?: string | null | undefined;
      subtitle?: string | null | undefined;
      metadata?: unknown;
    },
  ): Attachment {
    if (!URL.canParse(input.url)) throw invalid('url', 'must be a URL address');
    const known = [...workspace.attachments.values()].find((one) => one.issueId === issue.id && one.url === input.url);
    const attachment: Attachment = {
      ...(known ?? stamp(workspace, chosenId(workspace.attachments as Table<never>, 'Attachment', input.id))),
      issueId: issue.id,
      creatorId: actor.id,
      title: input.title ?? known?.title ?? input.url,
      subtitle: input.subtitle ?? known?.subtitle ?? null,
      url: input.url,
      metadata: input.metadata ?? known?.metadata ?? {},
      updatedAt: isoNow(workspace),
    };
    workspace.attachments.set(attachment.id, attachment);
    announce({ actor, type: 'Attachment', action: known === undefined ? 'create' : 'update', attachment });
    return attachment;
  }

  /** Out of the trash: nothing that was the issue's is left. */
  function forget({ id }: Issue): void {
    workspace.issues.delete(id);
    for (const table of [workspace.comments, workspace.history, workspace.sessions, workspace.attachments]) {
      for (const [key, row] of table) if (row.issueId === id) table.delete(key);
    }
    for (const [key, row] of workspace.relations) {
      if (row.issueId === id || row.relatedIssueId === id) workspace.relations.delete(key);
    }
  }

  function editComment(actor: User, comment: Comment, body: string): Comment {
    if (comment.userId !== actor.id) throw forbidden('Only the author may edit a comment.');
    const updatedFrom = { body: comment.body, editedAt: comment.editedAt, updatedAt: comment.updatedAt };
    comment.body = body;
    comment.updatedAt = isoNow(workspace);
    comment.editedAt = comment.updatedAt;
    announce({ actor, type: 'Comment', action: 'update', comment, updatedFrom });
    return comment;
  }

  /** By id or by identifier (`ENG-42`), as everywhere in Linear's API. */
  function issueOf(idOrIdentifier: string): Issue {
    const wanted = idOrIdentifier.toUpperCase();
    const issue =
      workspace.issues.get(idOrIdentifier) ?? [...workspace.issues.values()].find((one) => one.identifier === wanted);
    if (issue === undefined) throw notFound('Issue');
    return issue;
  }

  return {
    createIssue,
    updateIssue,
    openSession,
    addComment,
    prompted,
    addActivity,
    updateSession,
    relate,
    unrelate,
    attach,
    editComment,
    forget,
    issueOf,
  };
}

const STATUS_AFTER = {
  thought: 'active',
  action: 'active',
  elicitation: 'awaitingInput',
  response: 'complete',
  error: 'error',
} as const;

const PLAN_STATUSES = ['pending', 'inProgress', 'completed', 'canceled'];

function isPlanStep(step: unknown): boolean {
  const { content, status } = (step ?? {}) as { content?: unknown; status?: unknown };
  return typeof content === 'string' && typeof status === 'string' && PLAN_STATUSES.includes(status);
}

/** The content payload is untyped JSON in the schema; Linear checks it by its `type`. */
function contentOf(content: unknown): ActivityContent {
  const { type, body, action, parameter, result } = (content ?? {}) as Record<string, unknown>;
  switch (type) {
    case 'thought':
    case 'elicitation':
    case 'response':
    case 'error':
    case 'prompt':
      if (typeof body !== 'string' || body === '') throw invalid('content.body', 'should not be empty');
      return { type, body };
    case 'action':
      if (typeof action !== 'string') throw invalid('content.action', 'must be a string');
      if (typeof parameter !== 'string') throw invalid('content.parameter', 'must be a string');
      return { type, action, parameter, result: typeof result === 'string' ? result : null };
    default:
      throw invalid('content.type', 'must be one of thought, action, elicitation, response, error');
  }
}

export function need<Row>(table: Map<string, Row>, id: string, entity: string): Row {
  const row = table.get(id);
  if (row === undefined) throw notFound(entity);
  return row;
}

const slugOf = (text: string): string =>
  text
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-|-$/g, '');

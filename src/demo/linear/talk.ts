/** What is said on issues: comments, and agent sessions with their activities, prompts and plans. */
import type { Change } from './acts.ts';
import { chosenId, need } from './lookup.ts';
import { forbidden, invalid } from './refusals.ts';
import { isoNow, stamp } from './records.ts';
import type {
  Activity,
  ActivityContent,
  AgentSession,
  Comment,
  ExternalLink,
  Issue,
  User,
  Workspace,
} from './records.ts';

export interface NewActivity {
  id?: string | null | undefined;
  content: unknown;
  ephemeral?: boolean | null | undefined;
  signal?: Activity['signal'] | undefined;
  signalMetadata?: unknown;
}

export function createTalk(workspace: Workspace, announce: (change: Change) => void) {
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
    const stamped = stamp(workspace, chosenId(workspace.comments, 'Comment', id));
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
    const id = chosenId(workspace.activities, 'AgentActivity', activity.id);
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

  function editComment(actor: User, comment: Comment, body: string): Comment {
    if (comment.userId !== actor.id) throw forbidden('Only the author may edit a comment.');
    const updatedFrom = { body: comment.body, editedAt: comment.editedAt, updatedAt: comment.updatedAt };
    comment.body = body;
    comment.updatedAt = isoNow(workspace);
    comment.editedAt = comment.updatedAt;
    announce({ actor, type: 'Comment', action: 'update', comment, updatedFrom });
    return comment;
  }

  return { openSession, addComment, prompted, addActivity, updateSession, editComment };
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

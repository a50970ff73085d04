/**
 * What a Linear workspace holds, as plain records that point at each other by id, and the clock they are stamped by.
 * Everything that changes them is in acts.ts; everything that shows them is in resolvers.ts and payloads.ts.
 */

/** Time as an argument, so that a test can turn it by hand. */
export interface Clock {
  /** Milliseconds since 1970. */
  now(): number;
  /** Calls back once after `ms`; returns how to cancel. */
  after(ms: number, call: () => void): () => void;
}

export type StateType = 'triage' | 'backlog' | 'unstarted' | 'started' | 'completed' | 'canceled' | 'duplicate';

interface Stamped {
  id: string;
  createdAt: string;
  updatedAt: string;
  archivedAt: string | null;
}

export interface User extends Stamped {
  name: string;
  displayName: string;
  email: string;
  /** An app user (`actor=app`) is a member of the workspace that work can be delegated to. */
  app: boolean;
  active: boolean;
  url: string;
}

export interface Team extends Stamped {
  key: string;
  name: string;
  displayName: string;
  description: string | null;
  /** Number of the team's next issue. */
  nextNumber: number;
}

export interface WorkflowState extends Stamped {
  teamId: string;
  name: string;
  type: StateType;
  position: number;
  color: string;
  description: string | null;
}

export interface Label extends Stamped {
  name: string;
  color: string;
}

export interface Issue extends Stamped {
  identifier: string;
  number: number;
  title: string;
  description: string | null;
  /** 0 none, 1 urgent … 4 low. */
  priority: number;
  teamId: string;
  stateId: string;
  creatorId: string;
  assigneeId: string | null;
  delegateId: string | null;
  labelIds: string[];
  startedAt: string | null;
  completedAt: string | null;
  canceledAt: string | null;
  trashed: boolean | null;
  url: string;
}

export interface Relation extends Stamped {
  type: 'blocks' | 'duplicate' | 'related' | 'similar';
  issueId: string;
  relatedIssueId: string;
}

export interface Comment extends Stamped {
  body: string;
  issueId: string;
  parentId: string | null;
  userId: string;
  editedAt: string | null;
  /** The comment Linear itself puts at the top of an agent session's thread. */
  isArtificialAgentSessionRoot: boolean;
  /** The agent session whose thread this comment opens. */
  agentSessionId: string | null;
  url: string;
}

export interface History extends Stamped {
  issueId: string;
  actorId: string;
  fromStateId: string | null;
  toStateId: string | null;
  fromDelegateId: string | null;
  toDelegateId: string | null;
}

export interface ExternalLink {
  label: string;
  url: string;
}

export type SessionStatus = 'pending' | 'active' | 'awaitingInput' | 'complete' | 'error' | 'stale';

export interface AgentSession extends Stamped {
  issueId: string;
  appUserId: string;
  creatorId: string | null;
  commentId: string;
  /** As the last activity left it; silence is looked up when it is read (see `statusOf`). */
  status: Exclude<SessionStatus, 'stale'>;
  /** Milliseconds since 1970 of the app's last sign of life; null before the first. */
  lastSignMs: number | null;
  plan: unknown;
  externalLinks: ExternalLink[];
  startedAt: string | null;
  endedAt: string | null;
  slugId: string;
  url: string;
}

export type ActivityType = 'thought' | 'action' | 'elicitation' | 'response' | 'error' | 'prompt';

export interface ActivityContent {
  type: ActivityType;
  body?: string;
  action?: string;
  parameter?: string;
  result?: string | null;
}

export interface Activity extends Stamped {
  agentSessionId: string;
  userId: string;
  content: ActivityContent;
  ephemeral: boolean;
  signal: 'stop' | 'auth' | 'select' | 'continue' | null;
  signalMetadata: unknown;
  sourceCommentId: string | null;
}

export interface Attachment extends Stamped {
  issueId: string;
  creatorId: string;
  title: string;
  subtitle: string | null;
  url: string;
  metadata: unknown;
}

/** A table of records by id, in order of creation. */
export type Table<Row extends Stamped> = Map<string, Row>;

export interface Workspace {
  clock: Clock;
  newId: () => string;
  organization: { id: string; name: string; urlKey: string; createdAt: string; updatedAt: string };
  /** Web address that the records' `url` fields begin with. */
  webUrl: string;
  users: Table<User>;
  teams: Table<Team>;
  states: Table<WorkflowState>;
  labels: Table<Label>;
  issues: Table<Issue>;
  relations: Table<Relation>;
  comments: Table<Comment>;
  history: Table<History>;
  sessions: Table<AgentSession>;
  activities: Table<Activity>;
  attachments: Table<Attachment>;
}

export function createWorkspace({ clock, newId }: { clock: Clock; newId: () => string }): Workspace {
  const at = new Date(clock.now()).toISOString();
  return {
    clock,
    newId,
    organization: { id: newId(), name: 'Acme', urlKey: 'acme', createdAt: at, updatedAt: at },
    webUrl: 'https://linear.app/acme',
    users: new Map(),
    teams: new Map(),
    states: new Map(),
    labels: new Map(),
    issues: new Map(),
    relations: new Map(),
    comments: new Map(),
    history: new Map(),
    sessions: new Map(),
    activities: new Map(),
    attachments: new Map(),
  };
}

export const isoNow = (workspace: Workspace): string => new Date(workspace.clock.now()).toISOString();

/** A row's stamps, with the client's id where it chose one. */
export function stamp(workspace: Workspace, id?: string): Stamped {
  const at = isoNow(workspace);
  return { id: id ?? workspace.newId(), createdAt: at, updatedAt: at, archivedAt: null };
}

/** The first sign of life is due this long after an agent session was created. */
export const FIRST_SIGN_MS = 10_000;
/** A session whose app has been silent this long is stale until the next activity. */
export const SILENCE_MS = 30 * 60_000;

/** The status Linear shows: a session that waits for its app goes stale by silence and recovers with an activity. */
export function statusOf(workspace: Workspace, session: AgentSession): SessionStatus {
  if (session.status !== 'pending' && session.status !== 'active') return session.status;
  const now = workspace.clock.now();
  if (session.lastSignMs === null)
    return now - Date.parse(session.createdAt) >= FIRST_SIGN_MS ? 'stale' : session.status;
  return now - session.lastSignMs >= SILENCE_MS ? 'stale' : session.status;
}

/**
 * A stand-in for Linear: a workspace one can act in as a person would, its GraphQL API over HTTP, and its webhooks. It
 * keeps Linear's rules where a client can notice them and knows nothing of who uses it.
 */
import { randomUUID } from 'node:crypto';
import { createActs } from './acts.ts';
import type { IssueFields } from './issues.ts';
import { need } from './lookup.ts';
import { payloadOf } from './payloads.ts';
import { createWorkspace, stamp, statusOf } from './records.ts';
import type {
  Activity,
  AgentSession,
  Attachment,
  Clock,
  Comment,
  Issue,
  Label,
  Relation,
  SessionStatus,
  StateType,
  Team,
  User,
  WorkflowState,
} from './records.ts';
import { startServer } from './server.ts';
import type { Faults, Grant, Request } from './server.ts';
import { createWebhooks } from './webhooks.ts';
import type { Delivery, WebhookTarget } from './webhooks.ts';

export type {
  Activity,
  AgentSession,
  Attachment,
  Clock,
  Comment,
  Delivery,
  Issue,
  Relation,
  SessionStatus,
  Team,
  User,
  WorkflowState,
  WebhookTarget,
};

export interface LinearStandInOptions {
  clock: Clock;
  /** 0 (default): any free port. */
  port?: number;
  /** Where webhooks go; without it none are made (set it later with `webhook`). */
  webhook?: WebhookTarget;
  /** Token of the first app user, as an OAuth app with `actor=app` would have it. */
  appToken?: string;
  appName?: string;
  /** The application's client: it may ask for tokens of the app user by client credentials. */
  client?: { id: string; secret: string };
  /** Makes ids; default random UUIDs. */
  newId?: () => string;
}

export interface LinearStandIn {
  /** The GraphQL endpoint. */
  url: string;
  /** The app user that `appToken` belongs to. */
  app: User;
  /** A person who administers the workspace; whoever acts where nobody is named. */
  admin: User;
  addTeam(key: string, name?: string): Team;
  /** Ends every token that was given by client credentials. @returns how many those were. */
  revokeTokens(): number;
  addUser(name: string, options?: { app?: boolean; token?: string; email?: string }): User;
  addLabel(name: string): Label;
  createIssue(
    options: { team?: Team | string; title: string; as?: User } & Omit<IssueFields, 'title'> & { state?: string },
  ): Issue;
  editIssue(issue: Issue | string, fields: IssueFields, options?: { as?: User }): Issue;
  /** Hands the issue to the app (an agent session begins), or with `to: null` takes it back. */
  delegate(issue: Issue | string, options?: { to?: User | null; as?: User }): AgentSession | undefined;
  comment(as: User, issue: Issue | string, body: string, options?: { reply?: Comment }): Comment;
  /** A person writes into the agent session. */
  prompt(session: AgentSession | string, body: string, options?: { as?: User }): Activity;
  /** A person presses stop. */
  stop(session: AgentSession | string, options?: { as?: User }): Activity;
  setState(issue: Issue | string, state: string, options?: { as?: User }): Issue;
  /** `blocker` blocks `issue`. */
  block(blocker: Issue | string, issue: Issue | string, options?: { as?: User }): Relation;
  unblock(relation: Relation, options?: { as?: User }): void;
  /** Into the trash, or with `forever` out of it. */
  remove(issue: Issue | string, options?: { as?: User; forever?: boolean }): void;
  issue(idOrIdentifier: string): Issue;
  stateOf(issue: Issue | string): WorkflowState;
  sessionOf(issue: Issue | string): AgentSession | undefined;
  statusOf(session: AgentSession | string): SessionStatus;
  commentsOf(issue: Issue | string): Comment[];
  activitiesOf(session: AgentSession | string): Activity[];
  attachmentsOf(issue: Issue | string): Attachment[];
  issues(): Issue[];
  faults: Faults;
  requests: Request[];
  deliveries: Delivery[];
  webhooks: {
    mode(mode: 'deliver' | 'hold' | 'lose'): void;
    redeliver(id: string): void;
    retarget(target: WebhookTarget | undefined): void;
    settled(): Promise<void>;
  };
  close(): Promise<void>;
}

/** A token by client credentials lives thirty days. */
const TOKEN_SECONDS = 2_592_000;

export async function createLinearStandIn(options: LinearStandInOptions): Promise<LinearStandIn> {
  const {
    clock,
    port = 0,
    webhook,
    appToken = 'lin_oauth_app',
    appName = 'chartroom',
    client,
    newId = randomUUID,
  } = options;
  const workspace = createWorkspace({ clock, newId });
  const webhooks = createWebhooks(workspace, webhook);
  const acts = createActs(workspace, (change) => webhooks.send(payloadOf(workspace, change)));
  const tokens = new Map<string, User>();
  const admin = addUser('Ada Admin');
  const app = addUser(appName, { app: true, token: appToken });
  const ends = new Map<string, number>();
  const server = await startServer(workspace, acts, {
    port,
    grant,
    userOf: (token) => ((ends.get(token) ?? Infinity) > clock.now() ? tokens.get(token) : undefined),
  });

  function grant(asked: Record<string, unknown>): Grant {
    if (asked['grant_type'] !== 'client_credentials')
      return { status: 400, error: 'unsupported_grant_type', error_description: 'Unsupported grant type' };
    if (client === undefined || asked['client_id'] !== client.id || asked['client_secret'] !== client.secret)
      return { status: 401, error: 'invalid_client', error_description: 'Invalid client credentials' };
    const token = `lin_oauth_${newId()}`;
    tokens.set(token, app);
    ends.set(token, clock.now() + TOKEN_SECONDS * 1_000);
    return {
      status: 200,
      access_token: token,
      token_type: 'Bearer',
      expires_in: TOKEN_SECONDS,
      scope: String(asked['scope']),
    };
  }

  function addUser(
    name: string,
    { app: isApp = false, token, email }: { app?: boolean; token?: string; email?: string } = {},
  ): User {
    const displayName = name.split(' ')[0]?.toLowerCase() ?? name;
    const user: User = {
      ...stamp(workspace),
      name,
      displayName,
      email: email ?? `${displayName}@${isApp ? 'oauthapp.linear.app' : 'acme.example'}`,
      app: isApp,
      active: true,
      url: `${workspace.webUrl}/profiles/${displayName}`,
    };
    workspace.users.set(user.id, user);
    if (token !== undefined) tokens.set(token, user);
    return user;
  }

  function addTeam(key: string, name = key): Team {
    const team: Team = { ...stamp(workspace), key, name, displayName: name, description: null, nextNumber: 1 };
    workspace.teams.set(team.id, team);
    for (const [index, [stateName, type]] of DEFAULT_STATES.entries()) {
      const state: WorkflowState = {
        ...stamp(workspace),
        teamId: team.id,
        name: stateName,
        type,
        position: index,
        color: '#bec2c8',
        description: null,
      };
      workspace.states.set(state.id, state);
    }
    return team;
  }

  const issueOf = (issue: Issue | string): Issue => acts.issueOf(typeof issue === 'string' ? issue : issue.id);
  const sessionOf = (session: AgentSession | string): AgentSession =>
    need(workspace.sessions, typeof session === 'string' ? session : session.id, 'AgentSession');
  const newest = (issue: Issue): AgentSession | undefined =>
    [...workspace.sessions.values()].filter((session) => session.issueId === issue.id).at(-1);

  function stateNamed(team: string, name: string): WorkflowState {
    const found = [...workspace.states.values()].find(
      (state) => state.teamId === team && (state.name === name || state.type === name),
    );
    if (found === undefined) throw new Error(`team has no state ${name}`);
    return found;
  }

  function teamOf(team: Team | string | undefined): Team {
    const found =
      team === undefined
        ? [...workspace.teams.values()][0]
        : typeof team === 'string'
          ? [...workspace.teams.values()].find((one) => one.key === team)
          : team;
    return found ?? addTeam(typeof team === 'string' ? team : 'ENG');
  }

  return {
    url: server.url,
    app,
    admin,
    revokeTokens() {
      for (const token of ends.keys()) tokens.delete(token);
      return ends.size;
    },
    addTeam,
    addUser,
    addLabel(name) {
      const label: Label = { ...stamp(workspace), name, color: '#5e6ad2' };
      workspace.labels.set(label.id, label);
      return label;
    },
    createIssue({ team, as = admin, state, ...fields }) {
      const { id: teamId } = teamOf(team);
      const stateId = state === undefined ? undefined : stateNamed(teamId, state).id;
      return acts.createIssue(as, { ...fields, teamId, ...(stateId === undefined ? {} : { stateId }) });
    },
    editIssue: (issue, fields, { as = admin } = {}) => acts.updateIssue(as, issueOf(issue), fields),
    delegate(issue, { to = app, as = admin } = {}) {
      const updated = acts.updateIssue(as, issueOf(issue), { delegateId: to?.id ?? null });
      return to === null ? undefined : newest(updated);
    },
    comment: (as, issue, body, { reply } = {}) => acts.addComment(as, issueOf(issue), body, { parentId: reply?.id }),
    prompt(session, body, { as = admin } = {}) {
      const { id, issueId, commentId } = sessionOf(session);
      acts.addComment(as, issueOf(issueId), body, { parentId: commentId });
      const added = [...workspace.activities.values()].filter((activity) => activity.agentSessionId === id).at(-1);
      if (added === undefined) throw new Error('the reply did not reach the agent session');
      return added;
    },
    stop: (session, { as = admin } = {}) =>
      acts.prompted(as, sessionOf(session), { content: { type: 'prompt', body: 'Stop' }, signal: 'stop' }),
    setState(issue, state, { as = admin } = {}) {
      const current = issueOf(issue);
      return acts.updateIssue(as, current, { stateId: stateNamed(current.teamId, state).id });
    },
    block: (blocker, issue, { as = admin } = {}) =>
      acts.relate(as, { type: 'blocks', issueId: issueOf(blocker).id, relatedIssueId: issueOf(issue).id }),
    unblock: (relation, { as = admin } = {}) => acts.unrelate(as, relation),
    remove(issue, { as = admin, forever = false } = {}) {
      const removed = acts.updateIssue(as, issueOf(issue), { trashed: true });
      if (forever) acts.forget(removed);
    },
    issue: (idOrIdentifier) => acts.issueOf(idOrIdentifier),
    stateOf: (issue) => need(workspace.states, issueOf(issue).stateId, 'WorkflowState'),
    sessionOf: (issue) => newest(issueOf(issue)),
    statusOf: (session) => statusOf(workspace, sessionOf(session)),
    commentsOf: (issue) => [...workspace.comments.values()].filter((one) => one.issueId === issueOf(issue).id),
    activitiesOf: (session) =>
      [...workspace.activities.values()].filter((one) => one.agentSessionId === sessionOf(session).id),
    attachmentsOf: (issue) => [...workspace.attachments.values()].filter((one) => one.issueId === issueOf(issue).id),
    issues: () => [...workspace.issues.values()],
    faults: server.faults,
    requests: server.requests,
    deliveries: webhooks.deliveries,
    webhooks: {
      mode: webhooks.mode,
      redeliver: webhooks.redeliver,
      retarget: webhooks.retarget,
      settled: webhooks.settled,
    },
    async close() {
      await webhooks.close();
      await server.close();
    },
  };
}

const DEFAULT_STATES: readonly (readonly [string, StateType])[] = [
  ['Backlog', 'backlog'],
  ['Todo', 'unstarted'],
  ['In Progress', 'started'],
  ['In Review', 'started'],
  ['Done', 'completed'],
  ['Canceled', 'canceled'],
  ['Duplicate', 'duplicate'],
];

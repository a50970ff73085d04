/**
 * Every request this product makes of Linear, each with the schema of its answer: only the fields that are used, so
 * that the rest of Linear may change. The border: past this file answers are typed.
 */
import { z } from 'zod';

export interface Operation<Answer> {
  name: string;
  document: string;
  answer: z.ZodType<Answer>;
}

const operation = <Answer>(name: string, document: string, answer: z.ZodType<Answer>): Operation<Answer> => ({
  name,
  document,
  answer,
});

/** A connection of which a page is read. */
const page = <Node extends z.ZodType>(node: Node) =>
  z.object({
    nodes: z.array(node),
    pageInfo: z.object({ hasNextPage: z.boolean(), endCursor: z.string().nullish() }),
  });
const PAGE_INFO = 'pageInfo { hasNextPage endCursor }';

const id = z.object({ id: z.string() });
const time = z.iso.datetime({ offset: true });
const state = z.object({ name: z.string(), type: z.string() });

const relation = z.object({
  id: z.string(),
  type: z.string(),
  updatedAt: z.string(),
  issue: z.object({ identifier: z.string(), updatedAt: z.string(), state: z.object({ type: z.string() }) }),
});
const agentSession = z.object({
  id: z.string(),
  createdAt: time,
  appUser: id,
  comment: id.nullish(),
  sourceComment: id.nullish(),
});

const issue = z.object({
  id: z.string(),
  identifier: z.string(),
  previousIdentifiers: z.array(z.string()),
  url: z.string(),
  title: z.string(),
  description: z.string().nullish(),
  priority: z.number(),
  trashed: z.boolean().nullish(),
  updatedAt: time,
  state,
  team: z.object({ id: z.string(), key: z.string(), name: z.string() }),
  delegate: id.nullish(),
  labels: z.object({ nodes: z.array(z.object({ name: z.string() })) }),
  inverseRelations: page(relation),
});
const ISSUE = `
  id identifier previousIdentifiers url title description priority trashed updatedAt
  state { name type }
  team { id key name }
  delegate { id }
  labels(first: 50) { nodes { name } }
  inverseRelations(first: 100) {
    nodes { id type updatedAt issue { identifier updatedAt state { type } } }
    ${PAGE_INFO}
  }`;
const AGENT_SESSION = 'id createdAt appUser { id } comment { id } sourceComment { id }';

const ownedIssue = issue.extend({ agentSessions: z.object({ nodes: z.array(agentSession) }) });
export type IssueAnswer = z.infer<typeof ownedIssue>;

export const READ_ISSUE = operation(
  'issue',
  `query Issue($id: String!) {
    viewer { id }
    issue(id: $id) { ${ISSUE} agentSessions(first: 20) { nodes { ${AGENT_SESSION} } } }
  }`,
  z.object({ viewer: id, issue: ownedIssue }),
);

export const READ_BLOCKERS = operation(
  'issue blockers',
  `query IssueBlockers($id: String!, $after: String) {
    issue(id: $id) {
      inverseRelations(first: 100, after: $after) {
        nodes { id type updatedAt issue { identifier updatedAt state { type } } }
        ${PAGE_INFO}
      }
    }
  }`,
  z.object({ issue: z.object({ inverseRelations: page(relation) }) }),
);

const author = z.object({ id: z.string(), name: z.string(), app: z.boolean() });
const AUTHOR = '{ id name app }';

const comment = z.object({
  id: z.string(),
  body: z.string(),
  createdAt: time,
  url: z.string(),
  isArtificialAgentSessionRoot: z.boolean(),
  user: author.nullish(),
  botActor: z.object({ name: z.string().nullish() }).nullish(),
  externalUser: z.object({ name: z.string() }).nullish(),
});
export type CommentAnswer = z.infer<typeof comment>;
const COMMENT = `id body createdAt url isArtificialAgentSessionRoot user ${AUTHOR} botActor { name } externalUser { name }`;

const prompt = z.object({
  id: z.string(),
  createdAt: time,
  signal: z.string().nullish(),
  user: author,
  sourceComment: id.nullish(),
  content: z.object({ body: z.string().optional() }),
});
export type PromptAnswer = z.infer<typeof prompt>;

const watchedIssue = issue.extend({
  agentSessions: z.object({
    nodes: z.array(agentSession.extend({ activities: z.object({ nodes: z.array(prompt) }) })),
  }),
  comments: page(comment),
  history: z.object({ nodes: z.array(z.object({ createdAt: time, toDelegate: id.nullish() })) }),
});
export type WatchedIssueAnswer = z.infer<typeof watchedIssue>;

/** The issue with what was written on it since a time: one request per look. */
export const WATCH_ISSUE = operation(
  'issue news',
  `query IssueNews($id: String!, $since: DateTimeOrDuration!) {
    viewer { id }
    issue(id: $id) {
      ${ISSUE}
      agentSessions(first: 10) {
        nodes {
          ${AGENT_SESSION}
          activities(first: 25, filter: { type: { eq: "prompt" }, createdAt: { gte: $since } }) {
            nodes {
              id createdAt signal
              user ${AUTHOR}
              sourceComment { id }
              content { ... on AgentActivityPromptContent { body } }
            }
          }
        }
      }
      comments(first: 50, filter: { createdAt: { gte: $since } }) { nodes { ${COMMENT} } ${PAGE_INFO} }
      history(first: 50) { nodes { createdAt toDelegate { id } } }
    }
  }`,
  z.object({ viewer: id, issue: watchedIssue }),
);

export const READ_COMMENTS = operation(
  'issue comments',
  `query IssueComments($id: String!, $since: DateTimeOrDuration!, $after: String) {
    issue(id: $id) {
      comments(first: 50, after: $after, filter: { createdAt: { gte: $since } }) { nodes { ${COMMENT} } ${PAGE_INFO} }
    }
  }`,
  z.object({ issue: z.object({ comments: page(comment) }) }),
);

export const READ_VIEWER = operation('viewer', 'query Viewer { viewer { id } }', z.object({ viewer: id }));

const teamPage = page(z.object({ key: z.string(), name: z.string() }));
export type TeamPage = z.infer<typeof teamPage>;

export const LIST_TEAMS = operation(
  'teams',
  `query Teams($after: String) { teams(first: 100, after: $after) { nodes { key name } ${PAGE_INFO} } }`,
  z.object({ teams: teamPage }),
);

const delegatedPage = page(
  z.object({
    identifier: z.string(),
    updatedAt: time,
    team: z.object({ id: z.string(), key: z.string(), name: z.string() }),
    history: z.object({ nodes: z.array(z.object({ createdAt: time, toDelegate: id.nullish() })) }),
  }),
);
export type DelegatedPage = z.infer<typeof delegatedPage>;

export const LIST_DELEGATED = operation(
  'delegated issues',
  `query DelegatedIssues($app: ID!, $after: String) {
    issues(
      first: 100
      after: $after
      filter: { delegate: { id: { eq: $app } }, state: { type: { nin: ["completed", "canceled", "duplicate"] } } }
    ) {
      nodes {
        identifier updatedAt
        team { id key name }
        history(first: 20) { nodes { createdAt toDelegate { id } } }
      }
      ${PAGE_INFO}
    }
  }`,
  z.object({ issues: delegatedPage }),
);

const agentSessionPage = page(
  z.object({
    createdAt: time,
    startedAt: time.nullish(),
    status: z.string(),
    appUser: id,
    issue: z.object({ identifier: z.string() }).nullish(),
  }),
);
export type AgentSessionPage = z.infer<typeof agentSessionPage>;

/** The newest first; Linear has no filter for them. */
export const LIST_AGENT_SESSIONS = operation(
  'agent sessions',
  `query AgentSessions($after: String) {
    agentSessions(first: 50, after: $after, orderBy: createdAt) {
      nodes { createdAt startedAt status appUser { id } issue { identifier } }
      ${PAGE_INFO}
    }
  }`,
  z.object({ agentSessions: agentSessionPage }),
);

const workflowState = z.object({ id: z.string(), name: z.string(), type: z.string(), position: z.number() });
export type WorkflowState = z.infer<typeof workflowState>;
const move = z.object({
  createdAt: time,
  actor: id.nullish(),
  fromState: workflowState.nullish(),
  toState: workflowState.nullish(),
  toDelegate: id.nullish(),
});
export type Move = z.infer<typeof move>;
const WORKFLOW_STATE = '{ id name type position }';

/** Where the issue stands in its workflow, and who brought it there. */
export const READ_MOVES = operation(
  'issue moves',
  `query IssueMoves($id: String!) {
    viewer { id }
    issue(id: $id) {
      id
      state ${WORKFLOW_STATE}
      team { states(first: 100) { nodes ${WORKFLOW_STATE} } }
      history(first: 100) {
        nodes {
          createdAt
          actor { id }
          fromState ${WORKFLOW_STATE}
          toState ${WORKFLOW_STATE}
          toDelegate { id }
        }
      }
    }
  }`,
  z.object({
    viewer: id,
    issue: z.object({
      id: z.string(),
      state: workflowState,
      team: z.object({ states: z.object({ nodes: z.array(workflowState) }) }),
      history: z.object({ nodes: z.array(move) }),
    }),
  }),
);

const success = z.object({ success: z.boolean() });

export const MOVE_ISSUE = operation(
  'move issue',
  'mutation MoveIssue($id: String!, $state: String!) { issueUpdate(id: $id, input: { stateId: $state }) { success } }',
  z.object({ issueUpdate: success }),
);

export const ADD_ACTIVITY = operation(
  'add activity',
  'mutation AddActivity($input: AgentActivityCreateInput!) { agentActivityCreate(input: $input) { success } }',
  z.object({ agentActivityCreate: success }),
);

export const ADD_COMMENT = operation(
  'add comment',
  'mutation AddComment($input: CommentCreateInput!) { commentCreate(input: $input) { success } }',
  z.object({ commentCreate: success }),
);

export const UPDATE_SESSION = operation(
  'update agent session',
  `mutation UpdateAgentSession($id: String!, $input: AgentSessionUpdateInput!) {
    agentSessionUpdate(id: $id, input: $input) { success }
  }`,
  z.object({ agentSessionUpdate: success }),
);

export const READ_LINKS = operation(
  'agent session links',
  'query AgentSessionLinks($id: String!) { agentSession(id: $id) { externalLinks { label url } } }',
  z.object({ agentSession: z.object({ externalLinks: z.array(z.object({ label: z.string(), url: z.string() })) }) }),
);

export const ATTACH_LINK = operation(
  'attach link',
  `mutation AttachLink($issue: String!, $url: String!, $title: String!) {
    attachmentLinkURL(issueId: $issue, url: $url, title: $title) { success }
  }`,
  z.object({ attachmentLinkURL: success }),
);

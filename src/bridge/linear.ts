/**
 * Linear's hooks, read for what they are about: agent sessions (handed over, prompted, stopped), issues, comments and
 * relations. What a person says to the agent is told at once, keyed by its comment; the rest lets a watch look.
 */
import { z } from 'zod';
import { line, prose, read } from './concern.ts';
import type { Author, Concern, IssueConcern, Poke } from './concern.ts';
import type { Hook } from './hook.ts';

export function concernsOfLinear(hook: Hook): Concern[] {
  switch (hook.event) {
    case 'AgentSessionEvent':
      return read(agentSessionBody, hook, ofAgentSession);
    case 'Issue':
      return read(issueBody, hook, ofIssue);
    case 'Comment':
      return read(commentBody, hook, ofComment);
    case 'IssueRelation':
      return read(relationBody, hook, ofRelation);
    case 'AppUserNotification':
      return read(notificationBody, hook, ({ notification: { issue } }) => [pokeIssue([issue.identifier], {})]);
    default:
      return [];
  }
}

const person = z.object({ id: z.string(), name: z.string(), email: z.string().nullish() });

const agentSessionBody = z.object({
  action: z.string(),
  createdAt: z.string(),
  agentSession: z.object({
    id: z.string(),
    url: z.string().nullish(),
    issue: z.object({
      id: z.string().optional(),
      identifier: z.string().min(1),
      title: z.string(),
      description: z.string().nullish(),
      url: z.string(),
    }),
  }),
  agentActivity: z
    .object({
      id: z.string(),
      signal: z.string().nullish(),
      sourceCommentId: z.string().nullish(),
      content: z.object({ body: z.string().nullish() }),
      user: person.nullish(),
    })
    .nullish(),
});

const issueBody = z.object({
  action: z.string(),
  createdAt: z.string(),
  data: z.object({
    id: z.string(),
    identifier: z.string().min(1),
    previousIdentifiers: z.array(z.string()).nullish(),
    title: z.string(),
    description: z.string().nullish(),
    url: z.string(),
    priority: z.number().nullish(),
    state: z.object({ name: z.string(), type: z.string() }),
    delegateId: z.string().nullish(),
    updatedAt: z.string(),
  }),
  updatedFrom: z.record(z.string(), z.unknown()).nullish(),
});

const commentBody = z.object({
  action: z.string(),
  url: z.string().nullish(),
  actor: z.object({ type: z.string().nullish() }).nullish(),
  data: z.object({
    id: z.string(),
    body: z.string(),
    issue: z.object({ identifier: z.string().min(1), url: z.string().nullish() }),
    user: person.nullish(),
    userId: z.string().nullish(),
    externalUser: z.object({ name: z.string() }).nullish(),
    botActor: z.unknown().optional(),
  }),
});

const relationBody = z.object({
  data: z.object({
    issue: z.object({ identifier: z.string() }).nullish(),
    relatedIssue: z.object({ identifier: z.string() }).nullish(),
  }),
});

const notificationBody = z.object({ notification: z.object({ issue: z.object({ identifier: z.string() }) }) });

function ofAgentSession({
  action,
  createdAt,
  agentSession,
  agentActivity,
}: z.infer<typeof agentSessionBody>): Concern[] {
  const { issue } = agentSession;
  const concern: IssueConcern = {
    kind: 'issue',
    source: 'linear',
    ref: issue.identifier,
    refs: [`issue:${issue.identifier}`],
    delegates: {},
    handedOver: action === 'created',
    agentSession: agentSession.id,
    tell: action === 'created',
    at: createdAt,
    told: {
      url: issue.url,
      title: line(issue.title, issue.identifier),
      body: prose(issue.description),
      state: UNTOLD_STATE,
      agentSession: agentSession.id,
      removed: false,
      updatedAt: UNTOLD_TIME,
    },
  };
  if (action === 'created') return [concern];
  if (action !== 'prompted' || agentActivity == null) return [pokeIssue([issue.identifier], {})];

  const author = authorOf(agentActivity.user);
  const refs = concern.refs;
  if (agentActivity.signal === 'stop') {
    return [{ kind: 'stop', refs, id: `linear:stop:${agentActivity.id}`, by: author }];
  }
  // A prompt written as a comment comes as this hook and as a comment's: one fact, so one id.
  const comment = agentActivity.sourceCommentId ?? agentActivity.id;
  return [
    concern,
    {
      kind: 'comment',
      refs,
      id: `linear:comment:${comment}`,
      comment,
      on: 'issue',
      author,
      text: prose(agentActivity.content.body),
      url: agentSession.url ?? issue.url,
      spoken: true,
    },
  ];
}

/** The hook of an agent session does not tell the issue's state nor its age: anything read later is newer. */
const UNTOLD_STATE = { name: 'unknown', type: 'unstarted' };
const UNTOLD_TIME = '1970-01-01T00:00:00.000Z';

function ofIssue({ action, createdAt, data, updatedFrom }: z.infer<typeof issueBody>): Concern[] {
  const ref = data.identifier;
  const removed = action === 'remove';
  return [
    {
      kind: 'issue',
      source: 'linear',
      ref,
      refs: [ref, ...(data.previousIdentifiers ?? [])].map((name) => `issue:${name}`),
      delegates: data.delegateId == null ? {} : { delegate: data.delegateId },
      handedOver: action === 'create' || Object.hasOwn(updatedFrom ?? {}, 'delegateId'),
      tell: removed,
      at: createdAt,
      told: {
        url: data.url,
        title: line(data.title, ref),
        body: prose(data.description),
        state: data.state,
        ...(isPriority(data.priority) ? { priority: data.priority } : {}),
        removed,
        updatedAt: data.updatedAt,
      },
    },
    { kind: 'poke', watch: 'issue', refs: [`blocker:${ref}`], hint: { blocker: ref } },
  ];
}

function ofComment({ action, url, actor, data }: z.infer<typeof commentBody>): Concern[] {
  if (action !== 'create') return [];
  const bot =
    (actor?.type != null && actor.type.toLowerCase() !== 'user') || (data.userId == null && data.botActor != null);
  const author = data.user == null && data.externalUser != null ? { id: '', ...data.externalUser } : data.user;
  const { login, id, bot: app } = authorOf(author);
  return [
    {
      kind: 'comment',
      refs: [`issue:${data.issue.identifier}`],
      id: `linear:comment:${data.id}`,
      comment: data.id,
      on: 'issue',
      author: { login, ...(id === undefined ? {} : { id }), bot: bot || app },
      text: prose(data.body),
      url: url ?? data.issue.url ?? '',
      spoken: false,
    },
  ];
}

function ofRelation({ data }: z.infer<typeof relationBody>): Concern[] {
  const names = [data.issue?.identifier, data.relatedIssue?.identifier].filter((name) => name !== undefined);
  return names.length === 0 ? [] : [pokeIssue(names, {})];
}

const pokeIssue = (names: string[], hint: Record<string, string>): Poke => ({
  kind: 'poke',
  watch: 'issue',
  refs: names.map((name) => `issue:${name}`),
  hint,
});

/** Accounts of applications have addresses of this domain; a payload says it nowhere else. */
const APP_MAIL = '@oauthapp.linear.app';

function authorOf(user: z.infer<typeof person> | null | undefined): Author {
  if (user == null) return { login: 'unknown', bot: false };
  return {
    login: user.name,
    ...(user.id === '' ? {} : { id: user.id }),
    bot: user.email?.endsWith(APP_MAIL) ?? false,
  };
}

const isPriority = (value: number | null | undefined): value is number =>
  value != null && Number.isInteger(value) && value >= 0 && value <= 4;

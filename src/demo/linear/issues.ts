/** Issues: made, changed, delegated, related to each other, linked to other places, and thrown away. */
import type { Change } from './acts.ts';
import { chosenId, need } from './lookup.ts';
import { invalid, notFound } from './refusals.ts';
import { isoNow, stamp } from './records.ts';
import type { AgentSession, Attachment, Issue, Relation, User, Workspace } from './records.ts';

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

export function createIssueActs(
  workspace: Workspace,
  announce: (change: Change) => void,
  openSession: (creator: User, issue: Issue, app: User) => AgentSession,
) {
  function createIssue(
    actor: User,
    input: IssueFields & { id?: string | null | undefined; teamId: string; title: string },
  ): Issue {
    const team = need(workspace.teams, input.teamId, 'Team');
    const states = [...workspace.states.values()].filter((state) => state.teamId === team.id);
    const first = states.find((state) => state.type === 'backlog') ?? states[0];
    if (first === undefined) throw notFound('WorkflowState');
    check(input);
    const stamped = stamp(workspace, chosenId(workspace.issues, 'Issue', input.id));
    const number = team.nextNumber++;
    const identifier = `${team.key}-${number}`;
    const issue: Issue = {
      ...stamped,
      identifier,
      number,
      title: input.title,
      description: input.description ?? null,
      priority: input.priority ?? 0,
      teamId: team.id,
      stateId: first.id,
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
    check(fields);
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

  /** Refuses before anything is changed. */
  function check({ title, priority, stateId, assigneeId, delegateId }: IssueFields): void {
    if (title !== undefined && title !== null && title.trim() === '') throw invalid('title', 'should not be empty');
    if ((priority ?? 0) < 0 || (priority ?? 0) > 4) throw invalid('priority', 'must be from 0 to 4');
    if (stateId) need(workspace.states, stateId, 'WorkflowState');
    if (assigneeId) need(workspace.users, assigneeId, 'User');
    if (delegateId && !need(workspace.users, delegateId, 'User').app)
      throw invalid('delegateId', 'must be an app user');
  }

  function assign(issue: Issue, fields: IssueFields): void {
    issue.title = fields.title ?? issue.title;
    issue.priority = fields.priority ?? issue.priority;
    issue.stateId = fields.stateId ?? issue.stateId;
    issue.labelIds = fields.labelIds ?? issue.labelIds;
    if (fields.description !== undefined) issue.description = fields.description;
    if (fields.assigneeId !== undefined) issue.assigneeId = fields.assigneeId;
    if (fields.delegateId !== undefined) issue.delegateId = fields.delegateId;
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

  function relate(
    actor: User,
    input: { id?: string | null | undefined; type: Relation['type']; issueId: string; relatedIssueId: string },
  ): Relation {
    const relation: Relation = {
      ...stamp(workspace, chosenId(workspace.relations, 'IssueRelation', input.id)),
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
      ...(known ?? stamp(workspace, chosenId(workspace.attachments, 'Attachment', input.id))),
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

  /** By id or by identifier (`ENG-42`), as everywhere in Linear's API. */
  function issueOf(idOrIdentifier: string): Issue {
    const wanted = idOrIdentifier.toUpperCase();
    const issue =
      workspace.issues.get(idOrIdentifier) ?? [...workspace.issues.values()].find((one) => one.identifier === wanted);
    if (issue === undefined) throw notFound('Issue');
    return issue;
  }

  return { createIssue, updateIssue, relate, unrelate, attach, forget, issueOf };
}

const slugOf = (text: string): string =>
  text
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-|-$/g, '');

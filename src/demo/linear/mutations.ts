/** Linear's mutations, each one act of the viewer. */
import type { Acts } from './acts.ts';
import type { IssueFields } from './issues.ts';
import { need } from './lookup.ts';
import type { AgentSession, ExternalLink, Relation, Workspace } from './records.ts';
import type { Resolver } from './resolvers.ts';
import type { NewActivity } from './talk.ts';

interface SessionInput {
  plan?: unknown;
  externalUrls?: ExternalLink[] | null;
  addedExternalUrls?: ExternalLink[] | null;
  removedExternalUrls?: string[] | null;
}

export function mutations(workspace: Workspace, acts: Acts): Record<string, Resolver> {
  let lastSyncId = 0;
  const done = (what: Record<string, unknown>): Record<string, unknown> => ({
    success: true,
    lastSyncId: ++lastSyncId,
    ...what,
  });
  const session = (id: string): AgentSession => need(workspace.sessions, id, 'AgentSession');
  type Input<T> = { input: T };
  type WithId<T> = { id: string; input: T };
  return {
    issueCreate: (_: never, { input }: Input<IssueFields & { id?: string; teamId: string; title?: string }>, call) =>
      done({ issue: acts.createIssue(call.viewer, { ...input, title: input.title ?? '' }) }),
    issueUpdate: (
      _: never,
      { id, input }: WithId<IssueFields & { addedLabelIds?: string[]; removedLabelIds?: string[] }>,
      call,
    ) => {
      const { addedLabelIds = [], removedLabelIds = [], ...rest } = input;
      const issue = acts.issueOf(id);
      const labels = [...new Set([...(rest.labelIds ?? issue.labelIds), ...addedLabelIds])];
      const labelIds = labels.filter((label) => !removedLabelIds.includes(label));
      return done({ issue: acts.updateIssue(call.viewer, issue, { ...rest, labelIds }) });
    },
    issueDelete: (_: never, { id, permanentlyDelete }: { id: string; permanentlyDelete?: boolean }, call) => {
      const entity = acts.updateIssue(call.viewer, acts.issueOf(id), { trashed: true });
      if (permanentlyDelete === true) acts.forget(entity);
      return done({ entity });
    },
    commentCreate: (
      _: never,
      { input }: Input<{ id?: string; issueId?: string; parentId?: string; body?: string }>,
      call,
    ) => {
      const parent = input.parentId ? need(workspace.comments, input.parentId, 'Comment') : undefined;
      const issue = acts.issueOf(input.issueId ?? parent?.issueId ?? '');
      return done({ comment: acts.addComment(call.viewer, issue, input.body ?? '', input) });
    },
    commentUpdate: (_: never, { id, input }: WithId<{ body?: string }>, call) =>
      done({ comment: acts.editComment(call.viewer, need(workspace.comments, id, 'Comment'), input.body ?? '') }),
    agentActivityCreate: (_: never, { input }: Input<NewActivity & { agentSessionId: string }>, call) =>
      done({ agentActivity: acts.addActivity(call.viewer, session(input.agentSessionId), input) }),
    agentSessionUpdate: (_: never, { id, input }: WithId<SessionInput>, call) =>
      done({ agentSession: acts.updateSession(call.viewer, session(id), input) }),
    agentSessionUpdateExternalUrl: (_: never, { id, input }: WithId<SessionInput>, call) =>
      done({ agentSession: acts.updateSession(call.viewer, session(id), input) }),
    agentSessionCreateOnIssue: (_: never, { input }: Input<{ issueId: string } & SessionInput>, call) => {
      const opened = acts.openSession(call.viewer, acts.issueOf(input.issueId), call.viewer);
      if (input.externalUrls) acts.updateSession(call.viewer, opened, { externalUrls: input.externalUrls });
      return done({ agentSession: opened });
    },
    attachmentLinkURL: (_: never, input: { id?: string; issueId: string; url: string; title?: string }, call) =>
      done({ attachment: acts.attach(call.viewer, acts.issueOf(input.issueId), input) }),
    attachmentCreate: (
      _: never,
      {
        input,
      }: Input<{ id?: string; issueId: string; url: string; title: string; subtitle?: string; metadata?: unknown }>,
      call,
    ) => done({ attachment: acts.attach(call.viewer, acts.issueOf(input.issueId), input) }),
    issueRelationCreate: (
      _: never,
      { input }: Input<{ id?: string; type: Relation['type']; issueId: string; relatedIssueId: string }>,
      call,
    ) => done({ issueRelation: acts.relate(call.viewer, input) }),
    issueRelationDelete: (_: never, { id }: { id: string }, call) => {
      acts.unrelate(call.viewer, need(workspace.relations, id, 'IssueRelation'));
      return done({ entityId: id });
    },
  };
}

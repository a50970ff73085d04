/**
 * What people and apps do in a Linear workspace: each act changes records and says so to `announce`, which sends the
 * webhooks. The GraphQL mutations and the clicks of a stand-in's person are both made of these.
 */
import { createIssueActs } from './issues.ts';
import { createTalk } from './talk.ts';
import type { Activity, AgentSession, Attachment, Comment, Issue, Relation, User, Workspace } from './records.ts';

/** A change as the webhooks are told of it; `actor` made it. */
export type Change = { actor: User } & (
  | { type: 'Issue'; action: 'create' | 'update' | 'remove'; issue: Issue; updatedFrom?: Record<string, unknown> }
  | { type: 'Comment'; action: 'create' | 'update'; comment: Comment; updatedFrom?: Record<string, unknown> }
  | { type: 'IssueRelation'; action: 'create' | 'remove'; relation: Relation }
  | { type: 'Attachment'; action: 'create' | 'update'; attachment: Attachment }
  | { type: 'AgentSessionEvent'; action: 'created'; session: AgentSession }
  | { type: 'AgentSessionEvent'; action: 'prompted'; session: AgentSession; activity: Activity }
);

export type Acts = ReturnType<typeof createActs>;

export function createActs(workspace: Workspace, announce: (change: Change) => void) {
  const talk = createTalk(workspace, announce);
  return { ...talk, ...createIssueActs(workspace, announce, talk.openSession) };
}

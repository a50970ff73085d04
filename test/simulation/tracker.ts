/** An issue tracker of a few lines: who has an issue, what blocks it, whether it is still there. */
import type { IssueObserved } from '../../machines/events/session.ts';

export interface Issue {
  ref: string;
  session: string;
  title: string;
  delegated: boolean;
  type: 'started' | 'completed' | 'canceled';
  blockers: { ref: string; done: boolean }[];
  removed: boolean;
  version: number;
  updatedMs: number;
  settings: NonNullable<IssueObserved['open']>;
}

export function changeIssue(issue: Issue, changes: Partial<Issue>, nowMs: number): void {
  Object.assign(issue, changes);
  issue.version++;
  issue.updatedMs = Math.max(nowMs, issue.updatedMs + 1);
}

export function observeIssue(issue: Issue): IssueObserved {
  return {
    ref: issue.ref,
    url: `https://linear.test/${issue.ref}`,
    title: issue.title,
    body: '',
    delegated: issue.delegated,
    state: { name: issue.type, type: issue.type },
    blockers: issue.blockers,
    agentSession: `as-${issue.ref}`,
    removed: issue.removed,
    updatedAt: new Date(issue.updatedMs).toISOString(),
    open: issue.settings,
  };
}

/** The issue as its tracker shows it, folded into the context: ours or not, blocked or free, what it says now. */
import type { IssueObserved } from '../events/index.ts';
import { wantAnew } from './assignment.ts';
import type { SessionContext } from './context.ts';
import { type Draft, set } from './draft.ts';
import { isBefore } from './instant.ts';
import { noteChange } from './run.ts';
import { greet } from './tracker.ts';

export function observeIssue(draft: Draft): void {
  const { context, event } = draft;
  if (event.type !== 'issue.observed') return;
  const seen = event.data;
  if (isBefore(seen.updatedAt, context.seen.issueAt)) return;
  if (context.seen.issueAt !== seen.updatedAt) set(draft, { seen: { ...context.seen, issueAt: seen.updatedAt } });
  observeText(draft, seen);
  const blockers = seen.blockers ?? context.blockers;
  if (JSON.stringify(blockers) !== JSON.stringify(context.blockers)) set(draft, { blockers });
  const issue: SessionContext['issue'] = {
    url: seen.url,
    state: seen.state,
    delegated: seen.delegated,
    // A later word without the agent session does not erase it.
    agentSession: seen.agentSession ?? context.issue?.agentSession ?? null,
  };
  if (JSON.stringify(issue) !== JSON.stringify(context.issue)) set(draft, { issue });
  observeAuthority(draft, context.issue, seen);
  greet(draft);
  if (seen.removed) {
    set(draft, { ending: true });
    draft.raised.push('issue.removed');
  }
}

function observeText(draft: Draft, { title, body, priority }: IssueObserved): void {
  const { brief } = draft.context;
  if (brief.title === title && brief.body === body && (priority === undefined || brief.priority === priority)) return;
  if (brief.title !== title || brief.body !== body) {
    noteChange(draft, 'issue', brief.title === title ? 'The issue’s text was edited.' : `The issue is now “${title}”.`);
  }
  set(draft, { brief: { ...brief, title, body, priority: priority ?? brief.priority } });
  if (priority !== undefined && priority !== brief.priority) wantAnew(draft);
}

/** Delegation is a fact of the tracker; a person's own correction holds until the tracker's fact changes. */
function observeAuthority(draft: Draft, before: SessionContext['issue'], seen: IssueObserved): void {
  const ours = isOurs(seen);
  const was = before === null ? null : isOurs(before);
  if (was === ours || (was === null && draft.context.authority.delegated === ours)) return;
  const reason = ours ? 'Delegated' : seen.delegated ? `The issue is ${seen.state.name}` : 'Un-delegated';
  const { event } = draft;
  set(draft, { authority: { delegated: ours, by: event.source, reason, at: event.at } });
}

const isOurs = ({ delegated, state }: { delegated: boolean; state: { type: string } }): boolean =>
  delegated && state.type !== 'completed' && state.type !== 'canceled';

/** The mission holds it back, or lets it go. */
export function holdStart(draft: Draft): void {
  const { context, event } = draft;
  if (event.type !== 'start.held') return;
  const by = event.data.by.length > 0 ? event.data.by : ['paused'];
  if (JSON.stringify(by) !== JSON.stringify(context.heldBy)) set(draft, { heldBy: by });
}

export function freeStart(draft: Draft): void {
  if (draft.context.heldBy.length > 0) set(draft, { heldBy: [] });
}

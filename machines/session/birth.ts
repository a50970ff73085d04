/** How a session begins: by `open`, or by the first sight of an issue that is ours to do. */
import type { OpenSession } from '../events/index.ts';
import type { Brief } from './context.ts';
import { type Draft, deny, set } from './draft.ts';
import { observeIssue } from './issue.ts';
import { branchName } from './names.ts';
import { owe } from './obligations.ts';
import { greet } from './tracker.ts';
import { oweVerdict } from './verdict.ts';

export function open(draft: Draft): void {
  const { event, context } = draft;
  if (event.type !== 'open') return;
  const { data } = event;
  const tracked = data.source.kind === 'linear' || data.source.kind === 'github';
  set(draft, {
    brief: briefFrom(data),
    budgets: data.budgets ?? {},
    pin: data.pin ?? null,
    owner: data.pin ?? null,
    authority: { delegated: true, by: event.source, reason: null, at: event.at },
    // Blockers of a tracked issue are waited for until they were told once.
    blockers: tracked && data.source.ref !== undefined ? null : [],
    // A mission's item starts when the mission says so.
    heldBy: data.mission === undefined ? [] : [data.mission],
  });
  set(draft, { branch: branchName(draft.context.brief.branchPrefix, context.address, data.title) });
  const target = data.target;
  if (data.kind !== 'review') owe(draft, { kind: 'implement' });
  else if (target !== undefined) oweVerdict(draft, target.head, data.for ?? event.source);
}

function briefFrom(data: OpenSession): Brief {
  return {
    title: data.title,
    body: data.body,
    source: { kind: data.source.kind, ref: data.source.ref ?? null, url: data.source.url ?? null },
    user: data.user ?? 'default',
    repo: data.repo,
    base: data.base ?? null,
    kind: data.kind,
    deliver: data.deliver,
    role: data.role ?? null,
    lane: data.lane ?? null,
    gates: data.gates ?? {},
    merge: data.merge ?? 'people',
    mergeMethod: data.mergeMethod ?? 'squash',
    reviewers: data.reviewers ?? 'agents',
    queueCheck: data.queueCheck ?? null,
    branchPrefix: data.branchPrefix ?? 'chartroom',
    protectedPaths: data.protectedPaths ?? [],
    rerun: data.rerun ?? 'never',
    rerequest: data.rerequest ?? 'always',
    priority: data.priority ?? 0,
    mission: data.mission ?? null,
    item: data.item ?? null,
    for: data.for ?? null,
    target: data.target?.number ?? null,
  };
}

/** The first sight of an issue: `open` in it holds the repository's settings. Not delegated, it only waits. */
export function openFromIssue(draft: Draft): void {
  const { event, context } = draft;
  if (event.type !== 'issue.observed') return;
  const { data } = event;
  const { open: settings, ref, url, title, body } = data;
  if (settings === undefined) return deny(draft, 'guard', `no repository is configured for ${ref}`);
  const kind = data.ref.includes('#') ? ('github' as const) : ('linear' as const);
  const priority = settings.priority ?? data.priority;
  set(draft, {
    brief: briefFrom({
      ...settings,
      title,
      body,
      source: { kind, ref, url },
      ...(priority === undefined ? {} : { priority }),
    }),
    budgets: settings.budgets ?? {},
    blockers: null,
    authority: { delegated: true, by: event.source, reason: null, at: event.at },
  });
  set(draft, { branch: branchName(draft.context.brief.branchPrefix, context.address, title) });
  owe(draft, { kind: 'implement' });
  observeIssue(draft);
  greet(draft);
}

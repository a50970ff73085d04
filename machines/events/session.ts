/** The catalogue of a session's events (docs/events.md, rows 5–44). */
import { z } from 'zod';
import type { EventSpec, EventsOf } from '../contract.ts';
import {
  EVERY_ACTOR,
  address,
  agentAddress,
  budgets,
  conclusion,
  correction,
  deliver,
  epoch,
  gates,
  line,
  mergePolicy,
  nothing,
  obligationKind,
  priority,
  prose,
  pullNumber,
  repoName,
  repoSettings,
  reviewComment,
  reviewers,
  sha,
  time,
  usage,
  verdict,
  waitingOn,
  workKind,
} from './common.ts';

export const source = z.strictObject({
  kind: z.enum(['linear', 'github', 'mission', 'manual', 'review']),
  ref: z.string().max(200).optional(),
  url: z.string().max(2_000).optional(),
});

/** How a session is to be worked, from whoever opens it; the sender's door fills in the repository's configuration. */
export const openSession = z.strictObject({
  title: line,
  body: prose,
  source,
  user: z.string().optional(),
  repo: repoName,
  base: z.string().optional(),
  kind: workKind,
  deliver,
  role: z.string().optional(),
  lane: z.string().optional(),
  pin: agentAddress.optional(),
  gates: gates.optional(),
  merge: mergePolicy.optional(),
  reviewers: reviewers.optional(),
  priority: priority.optional(),
  budgets: budgets.optional(),
  mission: address.optional(),
  item: z.string().optional(),
  for: address.optional(),
  target: z.strictObject({ number: pullNumber, head: sha }).optional(),
  ...repoSettings,
});
export type OpenSession = z.infer<typeof openSession>;

export const blocker = z.strictObject({ ref: z.string(), done: z.boolean() });

export const issueObserved = z.strictObject({
  ref: z.string(),
  url: z.string(),
  title: line,
  body: prose,
  delegated: z.boolean(),
  state: z.strictObject({ name: z.string(), type: z.string() }),
  priority: priority.optional(),
  /** Absent: not known; the stored ones stay. */
  blockers: z.array(blocker).max(500).optional(),
  agentSession: z.string().optional(),
  removed: z.boolean(),
  updatedAt: time,
  open: z
    .strictObject({
      repo: repoName,
      base: z.string().optional(),
      kind: workKind,
      deliver,
      user: z.string(),
      role: z.string().optional(),
      lane: z.string().optional(),
      priority: priority.optional(),
      gates,
      merge: mergePolicy,
      reviewers,
      budgets: budgets.optional(),
      ...repoSettings,
    })
    .optional(),
});
export type IssueObserved = z.infer<typeof issueObserved>;

export const checkFailure = z.strictObject({
  check: z.string(),
  job: z.string(),
  step: z.string().nullable(),
  summary: prose,
  annotations: z
    .array(
      z.strictObject({
        path: z.string(),
        line: z.number().int().nullable(),
        level: z.string(),
        message: prose,
      }),
    )
    .max(100),
  url: z.string().nullable(),
});

export const queueIncident = z.strictObject({
  id: z.string().optional(),
  url: z.string().optional(),
  title: z.string().optional(),
  summary: prose.optional(),
  check: z.string().optional(),
  checkUrl: z.string().optional(),
  head: z.string().optional(),
  context: z.record(z.string(), z.unknown()).optional(),
});

export const pullObserved = z.strictObject({
  number: pullNumber,
  url: z.string(),
  state: z.enum(['open', 'closed']),
  draft: z.boolean(),
  merged: z.boolean(),
  closedBy: z.strictObject({ login: z.string(), kind: z.enum(['person', 'bot', 'self']) }).optional(),
  closingComment: prose.optional(),
  title: z.string(),
  author: z.string(),
  branch: z.string(),
  head: sha,
  headBy: z.enum(['us', 'other']),
  base: z.string(),
  /** null: GitHub has not computed it yet. */
  conflict: z.boolean().nullable(),
  reviews: z
    .array(
      z.strictObject({
        id: z.string(),
        author: z.string(),
        verdict: z.enum(['approve', 'request_changes', 'comment', 'dismissed']),
        head: z.string(),
        body: prose,
        comments: z.array(reviewComment).max(500),
        at: time.optional(),
      }),
    )
    .max(500),
  gate: z.strictObject({
    state: z.enum(['unknown', 'pending', 'green', 'red']),
    checks: z
      .array(z.strictObject({ name: z.string(), conclusion: conclusion.nullable(), url: z.string().nullable() }))
      .max(500),
    failures: z.array(checkFailure).max(50),
  }),
  queue: z.strictObject({
    state: z.enum(['out', 'waiting', 'merging', 'evicted']),
    incident: queueIncident.optional(),
  }),
  updatedAt: time,
});
export type PullObserved = z.infer<typeof pullObserved>;

export const pullLate = z.strictObject({
  number: pullNumber,
  url: z.string(),
  author: z.string(),
  /** Absent: a moment ago. */
  openedAt: time.optional(),
});
export type PullLate = z.infer<typeof pullLate>;

/** What `run.ended` and `driver.turned` may bring home. */
export const runResult = {
  summary: prose.optional(),
  report: prose.optional(),
  verdict: verdict.optional(),
  pull: pullNumber.optional(),
};

/** A session keeps the evidence of its last runs; of a run that changed more files the names of the first are enough. */
export const CHANGED_MAX = 200;

export const runEvidence = z.strictObject({
  headBefore: z.string().nullable(),
  headAfter: z.string().nullable(),
  pull: pullNumber.optional(),
  dirty: z.array(z.string()).max(1_000),
  unpushed: z.number().int().min(0),
  protected: z.array(z.string()).max(1_000),
  gate: z.enum(['unknown', 'pending', 'green', 'red']).optional(),
  /** What commits of this run changed, in their order; `count` of them all. */
  changed: z.strictObject({ files: z.array(z.string()).max(CHANGED_MAX), count: z.number().int().min(0) }).optional(),
});

const actAnswer = {
  done: z.strictObject({ key: z.string(), result: z.unknown().optional() }),
  failed: z.strictObject({ key: z.string(), code: z.string(), reason: z.string(), until: time.optional() }),
};

/** Acts of a session whose answers are `<act>.done` and `<act>.failed`. */
export const SESSION_ACTS = [
  'pull.merge',
  'pull.close',
  'pull.say',
  'review.post',
  'review.request',
  'check.rerun',
  'linear.say',
  'linear.plan',
  'linear.link',
  'linear.move',
  'worktree.remove',
  'help.ask',
] as const;
export type SessionAct = (typeof SESSION_ACTS)[number];

function actAnswers(): Record<`${SessionAct}.done`, { data: typeof actAnswer.done; means: string; from: 'runtime' }> &
  Record<`${SessionAct}.failed`, { data: typeof actAnswer.failed; means: string; from: 'runtime' }> {
  const rows: Record<string, EventSpec> = {};
  for (const act of SESSION_ACTS) {
    rows[`${act}.done`] = { data: actAnswer.done, means: `The act ${act} was done.`, from: 'runtime' };
    rows[`${act}.failed`] = { data: actAnswer.failed, means: `The act ${act} failed for good.`, from: 'runtime' };
  }
  return rows as ReturnType<typeof actAnswers>;
}

export const reassignTarget = z
  .string()
  .regex(/^(agent\/[a-z0-9][a-z0-9_-]{0,127}|lane\/\S{1,100}|role\/\S{1,100})$/, 'must be agent/x, lane/x or role/x');

const agentsAmong = (...names: (string | undefined)[]): string[] =>
  names.filter((name): name is string => name?.startsWith('agent/') === true);

export const SESSION_EVENTS = {
  ...EVERY_ACTOR,
  ...actAnswers(),
  open: {
    data: openSession,
    means: 'Open this piece of work.',
    creates: 'always',
    targets: (data: OpenSession) => agentsAmong(data.pin),
  },
  'issue.observed': {
    data: issueObserved,
    means: 'The issue as its tracker shows it now.',
    creates: 'ifMissing',
    from: 'runtime',
  },
  'comment.observed': {
    data: z.strictObject({
      comment: z.string(),
      on: z.enum(['issue', 'pull']),
      author: z.strictObject({ login: z.string(), kind: z.enum(['person', 'bot', 'self']) }),
      text: prose,
      path: z.string().optional(),
      line: z.number().int().optional(),
      url: z.string(),
    }),
    means: 'Somebody commented on the issue or the pull request.',
    from: 'runtime',
  },
  'pull.observed': { data: pullObserved, means: 'The pull request as GitHub shows it now.', from: 'runtime' },
  'pull.late': {
    data: pullLate,
    means: 'A pull request of this branch was opened although the work was over.',
    from: 'runtime',
  },
  'pull.missed': {
    data: z.strictObject({ number: pullNumber, reason: prose }),
    means: 'There is no such pull request, or it is none that can be worked on here: it comes from a fork.',
    from: 'runtime',
  },
  'start.held': {
    data: z.strictObject({ by: z.array(z.string()).max(1_000) }),
    means: 'The mission holds this session back, by these items, `slot` or `paused`.',
    from: 'runtime',
  },
  'item.linked': {
    data: z.strictObject({ item: z.string() }),
    means: 'A mission has an item for the same source: it shows, and ends with, this session.',
    from: 'runtime',
  },
  'item.unlinked': {
    data: z.strictObject({ item: z.string() }),
    means: 'That item is no longer this session’s.',
    from: 'runtime',
  },
  'start.freed': { data: nothing, means: 'The mission lets this session start.', from: 'runtime' },
  'work.matched': {
    data: z.strictObject({ agent: agentAddress, want: z.number().int() }),
    means: 'The dispatcher found an agent for this want.',
    from: 'runtime',
  },
  'work.unmatched': {
    data: z.strictObject({
      want: z.number().int(),
      role: z.string(),
      ruledOut: z.array(z.strictObject({ agent: z.string(), why: z.string() })).max(1_000),
      slot: z.boolean(),
      /** None of those hired will, however long one waits. */
      nobody: z.boolean().optional(),
      /** The day’s limit is reached. */
      limit: z.strictObject({ reason: z.string(), until: time }).optional(),
    }),
    means: 'Nobody fits this want now; each agent with what rules it out.',
    from: 'runtime',
  },
  'pin.lost': {
    data: z.strictObject({ agent: agentAddress, lane: z.string().nullable(), reason: z.string() }),
    means: 'The pinned agent is gone for good; the pin widens to its lane (or its role).',
    from: 'runtime',
  },
  'offer.accepted': { data: nothing, means: 'The agent takes the offered run.', report: true, from: 'runtime' },
  'offer.declined': {
    data: z.strictObject({ reason: z.enum(['busy', 'paused', 'closed', 'unsuited']) }),
    means: 'The agent does not take the offered run.',
    report: true,
    from: 'runtime',
  },
  'worktree.prepared': {
    data: z.strictObject({
      key: z.string().optional(),
      path: z.string(),
      branch: z.string(),
      head: z.string(),
      rescued: z.string().optional(),
      notRebased: z.string().optional(),
    }),
    means: 'The worktree stands ready.',
    from: 'runtime',
  },
  'worktree.failed': {
    data: z.strictObject({ key: z.string().optional(), code: z.string(), reason: z.string() }),
    means: 'The worktree could not be prepared.',
    from: 'runtime',
  },
  'run.started': {
    data: z.strictObject({ driver: z.string(), conversation: z.string().optional() }),
    means: 'The agent process of this run is up.',
    report: true,
    from: 'runtime',
  },
  'run.asked': {
    data: z.strictObject({ question: z.string(), text: prose, choices: z.array(z.string()).max(50).optional() }),
    means: 'The run waits for a person.',
    report: true,
    from: 'runtime',
  },
  'run.ended': {
    data: z.strictObject({
      outcome: z.enum(['completed', 'handedBack', 'asked', 'interrupted', 'limited', 'failed']),
      reason: z.string().optional(),
      until: time.optional(),
      conversation: z.string().optional(),
      ...runResult,
    }),
    means: 'The run is over, with what it says it did.',
    report: true,
    from: 'runtime',
  },
  'run.released': {
    /** `summary`: what its agent said last. */
    data: z.strictObject({ epoch, usage, summary: prose.optional() }),
    means: 'The process group of that epoch is gone. Not fenced by the epoch.',
    from: 'runtime',
  },
  'agent.gone': {
    data: z.strictObject({
      class: z.enum(['crash', 'silent', 'lost', 'contention', 'auth', 'offboarded', 'stopped']),
      reason: z.string(),
    }),
    means: 'The agent was lost with this run.',
    report: true,
    from: 'runtime',
  },
  'run.verified': {
    data: z.strictObject({ key: z.string().optional(), run: epoch, ok: z.boolean(), evidence: runEvidence }),
    means: 'What the session itself found after the run.',
    from: 'runtime',
  },
  'run.verify.failed': { data: actAnswer.failed, means: 'The verification itself could not be done.', from: 'runtime' },
  'steer.settled': {
    data: z.strictObject({ say: z.string(), taken: z.boolean() }),
    means: 'The running conversation took the text, or could not.',
    report: true,
    from: 'runtime',
  },
  'verdict.given': {
    data: z.strictObject({
      reviewer: z.string(),
      head: sha,
      verdict: z.enum(['approve', 'request_changes', 'comment']),
      body: prose,
      comments: z.array(reviewComment).max(500),
      posted: z.strictObject({ as: z.string(), id: z.string() }).optional(),
    }),
    means: 'The review session judged this head. `posted` absent: GitHub refused it.',
    from: 'runtime',
  },
  'review.wanted': {
    /**
     * `by`: the agent whose run made this head; it is not asked to judge it. `helper`: who asks for help where nobody
     * reviews; absent: the review session itself.
     */
    data: z.strictObject({
      for: address,
      number: pullNumber,
      head: sha,
      by: agentAddress.optional(),
      helper: address.optional(),
    }),
    means: 'A session asks this review session for a verdict on this head.',
    from: 'runtime',
  },
  'review.dropped': {
    data: z.strictObject({ for: address, number: pullNumber }),
    means:
      'That session waits for no verdict any more: it has ended, its review was waived, or a person reviews instead.',
    from: 'runtime',
  },
  'session.changed': {
    data: z.strictObject({
      /** A session’s: a state, or the states of its regions. */
      value: z.union([z.string(), z.record(z.string(), z.record(z.string(), z.string()))]),
      phase: z.string(),
      owner: z.string().nullable(),
      epoch,
      pull: pullNumber.optional(),
      unread: z.number().int(),
      waitingOn: z.array(waitingOn),
      at: time,
      /** What its runs have cost so far. */
      spent: z.strictObject({ runs: z.number().int(), tokens: z.number().int(), costUsd: z.number() }).optional(),
      cause: z.strictObject({
        id: z.string(),
        source: z.string(),
        type: z.string().optional(),
        reason: z.string().optional(),
      }),
    }),
    means: 'A session this actor keeps a picture of has changed.',
    from: 'runtime',
  },
  say: {
    data: z.strictObject({ text: prose, author: z.string().optional(), reason: prose.optional() }),
    means: 'A person says something to whoever works here.',
  },
  answer: {
    data: z.strictObject({
      question: z.string().optional(),
      text: prose.optional(),
      choice: z.string().optional(),
      reason: prose.optional(),
    }),
    means: 'A person answers an open question.',
  },
  'correct.reassign': {
    data: correction({ to: reassignTarget }),
    means: 'Give the work to this agent, lane or role.',
    targets: (data: { to: string }) => agentsAmong(data.to),
    conductor: true,
  },
  'correct.unassign': {
    data: correction({}),
    means: 'Take the work from its owner; others may have it.',
    conductor: true,
  },
  'correct.adopt': {
    data: correction({ agent: agentAddress }),
    means: 'This agent takes the work over itself.',
    targets: (data: { agent: string }) => [data.agent],
  },
  'correct.reviewer.replace': {
    data: correction({
      to: z.string().regex(/^(agent|role|person)\/\S{1,128}$/, 'must be agent/x, role/x or person/x'),
    }),
    means: 'Ask somebody else for the review.',
    targets: (data: { to: string }) => agentsAmong(data.to),
    conductor: true,
  },
  'correct.review.waive': { data: correction({ head: sha.optional() }), means: 'No review is needed (for this head).' },
  'correct.check.ignore': {
    data: correction({ name: line, head: sha.optional() }),
    means: 'This gate check does not count (for this head).',
  },
  'correct.check.rerun': {
    data: correction({ name: line.optional() }),
    means: 'Run the failed check again.',
    conductor: true,
  },
  'correct.obligation.drop': {
    data: correction({ id: z.string() }),
    means: 'This obligation is no longer owed.',
    conductor: true,
  },
  'correct.budget.set': {
    data: correction({
      kind: z.union([obligationKind, z.enum(['restarts', 'tokens', 'costUsd', 'runSeconds'])]),
      limit: z.number().min(0),
    }),
    means: 'Set a budget; its counter starts again.',
  },
  'correct.pull.attach': {
    data: correction({ number: pullNumber }),
    means: 'This pull request is ours.',
    conductor: true,
  },
  'correct.retry': {
    data: correction({ kind: obligationKind.optional() }),
    means: 'Un-park what is owed and go on.',
    conductor: true,
  },
  'correct.stop': { data: correction({}), means: 'Stop the run; everything owed is parked.', conductor: true },
  'correct.pause': { data: correction({}), means: 'Start nothing until resume.', conductor: true },
  'correct.resume': { data: correction({}), means: 'Go on.', conductor: true },
  'correct.takeover': { data: correction({}), means: 'I work on it by hand: it is mine until I hand it back.' },
  'correct.handback': {
    data: correction({ note: prose.optional() }),
    means: 'Agents go on from what the person left; the note is for them.',
  },
  'correct.withdraw': { data: correction({}), means: 'This is no longer ours to do.' },
  'correct.delegate': { data: correction({}), means: 'This is ours to do again.' },
  'correct.close': {
    data: correction({ outcome: z.enum(['done', 'failed', 'cancelled']), pull: z.enum(['keep', 'close']).optional() }),
    means: 'End this piece of work.',
  },
  'correct.edit': {
    data: correction({
      title: line.optional(),
      body: prose.optional(),
      gates: gates.optional(),
      priority: priority.optional(),
      lane: z.string().optional(),
    }),
    means: 'Change what was asked for.',
    conductor: true,
  },
} as const satisfies Record<string, EventSpec>;

export type SessionEvent = EventsOf<typeof SESSION_EVENTS>;

/**
 * Every wish a machine can have of the world, with its parameters and its answer. An act ends in one answer; a watch
 * stands while its state is active and tells what changed. Who performs them: src/effects/index.ts, the same rows.
 */
import { z } from 'zod';
import type { WishSpec } from './contract.ts';
import {
  address,
  agentAddress,
  epoch,
  gates,
  line,
  obligationKind,
  prose,
  pullNumber,
  repoName,
  reviewComment,
  sha,
  workKind,
} from './events/common.ts';
import { agentLimits, runBegun, voice } from './events/agent.ts';
import { runEvidence } from './events/session.ts';

const pull = { repo: repoName, number: pullNumber };

/** What Linear shows on an agent session (its activity types). */
const activity = z.strictObject({
  type: z.enum(['thought', 'action', 'elicitation', 'response', 'error']),
  body: prose,
  action: z.string().optional(),
  parameter: z.string().optional(),
  ephemeral: z.boolean().optional(),
});

export const ACTS = {
  'worktree.prepare': {
    kind: 'act',
    means: 'Make the session’s worktree ready for a run; keep what an earlier run left on a rescue branch.',
    params: z.strictObject({
      repo: repoName,
      base: z.string().optional(),
      branch: z.string(),
      /** A review reads this commit, detached; without it the run works on the branch. */
      head: sha.optional(),
      /** Whether the branch is rebased on its base first. */
      rebase: z.boolean(),
      epoch,
      /** The old directory still has a process: make a new one and leave it. */
      fresh: z.boolean(),
      /** Go on in the directory as it was left, dirty files and all: a run that is to finish what it began. */
      keep: z.boolean().optional(),
    }),
    answer: z.strictObject({
      path: z.string(),
      branch: z.string(),
      head: z.string(),
      rescued: z.string().optional(),
      /** The rebase asked for met a conflict: the branch is as the remote has it, and why. */
      notRebased: z.string().optional(),
    }),
    answers: { done: 'worktree.prepared', failed: 'worktree.failed' },
  },
  'worktree.remove': {
    kind: 'act',
    means: 'Remove the worktree of a finished session; un-pushed work is kept on a rescue branch.',
    params: z.strictObject({ repo: repoName, branch: z.string(), epoch }),
  },
  'run.verify': {
    kind: 'act',
    means: 'Look at worktree, remote and pull request after a run; evidence, not a model’s word.',
    params: z.strictObject({
      run: epoch,
      for: obligationKind,
      kind: workKind,
      deliver: z.enum(['pull_request', 'report']),
      repo: repoName,
      base: z.string().optional(),
      branch: z.string(),
      number: pullNumber.optional(),
      headBefore: z.string().nullable(),
      report: z.boolean(),
      verdict: z.strictObject({ head: sha }).optional(),
      /** The head a verdict is owed for. */
      target: sha.optional(),
      protectedPaths: z.array(z.string()),
      gates: gates.optional(),
    }),
    answer: z.strictObject({ run: epoch, ok: z.boolean(), evidence: runEvidence }),
    answers: { done: 'run.verified', failed: 'run.verify.failed' },
  },
  'pull.merge': {
    kind: 'act',
    means: 'Merge the pull request at this head.',
    params: z.strictObject({ ...pull, head: sha, method: z.enum(['merge', 'squash', 'rebase']) }),
    answer: z.strictObject({ merged: z.boolean(), sha: z.string().optional() }),
  },
  'pull.close': {
    kind: 'act',
    means: 'Close the pull request, with a comment.',
    params: z.strictObject({ ...pull, comment: prose.optional() }),
  },
  'pull.say': {
    kind: 'act',
    means: 'Comment on the pull request or GitHub issue, once (hidden key in the text).',
    params: z.strictObject({ ...pull, text: prose }),
  },
  'review.post': {
    kind: 'act',
    means: 'Post the verdict as a review under the reviewer’s own identity.',
    params: z.strictObject({
      ...pull,
      head: sha,
      verdict: z.enum(['approve', 'request_changes', 'comment']),
      body: prose,
      comments: z.array(reviewComment),
      reviewer: agentAddress,
    }),
    answer: z.strictObject({
      posted: z.strictObject({ as: z.string(), id: z.string() }).optional(),
      /** How it was posted: as a review, or as comment and status where GitHub refuses one’s own pull request. */
      how: z.enum(['review', 'commentAndStatus']),
    }),
  },
  'review.request': {
    kind: 'act',
    means: 'Ask people for a review through GitHub.',
    params: z.strictObject({ ...pull, logins: z.array(z.string()).min(1) }),
  },
  'check.rerun': {
    kind: 'act',
    means: 'Run a check of this head again.',
    params: z.strictObject({ repo: repoName, head: sha, name: z.string().optional() }),
  },
  'linear.say': {
    kind: 'act',
    means: 'Add an activity to the issue’s agent session (or a comment where there is none), once.',
    params: z.strictObject({ ref: z.string(), agentSession: z.string().optional(), activity }),
  },
  'linear.plan': {
    kind: 'act',
    means: 'Set the plan shown on the agent session.',
    params: z.strictObject({
      agentSession: z.string(),
      steps: z
        .array(z.strictObject({ content: line, status: z.enum(['pending', 'inProgress', 'completed', 'canceled']) }))
        .max(50),
    }),
  },
  'linear.link': {
    kind: 'act',
    means: 'Show this URL on the agent session (or as an attachment of the issue).',
    params: z.strictObject({
      ref: z.string(),
      agentSession: z.string().optional(),
      url: z.string(),
      label: line,
    }),
  },
  'linear.move': {
    kind: 'act',
    means: 'Move the issue forward to this kind of state; never backwards, never over a person’s own move.',
    params: z.strictObject({ ref: z.string(), to: z.enum(['started', 'review', 'completed']) }),
    answer: z.strictObject({ moved: z.boolean(), state: z.string() }),
  },
  'help.ask': {
    kind: 'act',
    means: 'Ask a person for help, where the work is shown.',
    params: z.strictObject({
      gate: z.string(),
      on: z.string().nullable(),
      since: z.string(),
      text: prose,
      item: z.string().optional(),
      conductor: z.string().optional(),
      /** Where to say it: the session’s pull request, else its issue, else only in the fact. */
      where: z
        .strictObject({
          ref: z.string().optional(),
          agentSession: z.string().optional(),
          repo: z.string().optional(),
          number: pullNumber.optional(),
        })
        .optional(),
    }),
  },
  'driver.prompt': {
    kind: 'act',
    means: 'Hand mail to the running conversation as its next turn.',
    params: z.strictObject({
      mail: z.array(z.strictObject({ id: z.string(), text: prose, author: z.string() })),
      notes: z.array(voice).max(400).optional(),
      /** What was said before, to a fresh conversation in the place of one that had grown too long. */
      earlier: z
        .array(z.strictObject({ text: prose, author: z.string(), answer: prose.nullable() }))
        .max(20)
        .optional(),
    }),
    answer: z.strictObject({ turn: z.string() }),
  },
  'driver.steer': {
    kind: 'act',
    means: 'Hand a text to the running turn; `taken: false` where the driver cannot.',
    params: z.strictObject({ session: address.optional(), epoch: epoch.optional(), say: z.string(), text: prose }),
    answer: z.strictObject({ taken: z.boolean() }),
  },
  'driver.answer': {
    kind: 'act',
    means: 'Answer the process’s open question.',
    params: z.strictObject({ question: z.string(), text: prose.optional(), choice: z.string().optional() }),
  },
  'driver.interrupt': {
    kind: 'act',
    means: 'Interrupt the running turn; the process stays.',
    params: z.strictObject({}),
  },
  'process.end': {
    kind: 'act',
    means: 'End the process group: interrupt, TERM after `stopSeconds`, KILL after `killSeconds` more.',
    params: z.strictObject({ reason: z.string(), stopSeconds: z.number(), killSeconds: z.number() }),
  },
  'credential.revoke': {
    kind: 'act',
    means: 'Refuse every credential of this agent’s run from now on.',
    params: z.strictObject({ session: address.optional(), epoch: epoch.optional() }),
  },
} as const satisfies Record<string, WishSpec>;

export const WATCHES = {
  /** Tells `driver.started|asked|said|turned|exited|silent|heard` to the agent, `note.read` to whose notes were in the prompt. */
  process: {
    kind: 'watch',
    means: 'One agent process: started, watched by pid and start time, re-found after a restart, ended with the state.',
    params: z.strictObject({
      /** Stable name of this life of the process: `<session id>-<epoch>` or `chat-<n>`. A new name is a new process. */
      run: z.string(),
      agent: agentAddress,
      role: z.string(),
      driver: z.string(),
      mode: z.enum(['worker', 'chat']),
      env: z.record(z.string(), z.string()).optional(),
      /** Worker: what to run. */
      begun: runBegun.optional(),
      conversation: z.string().optional(),
      memory: z.record(z.string(), z.string()).optional(),
      /** Of the notes in the prompt, those of the agent itself. */
      notes: z.array(z.string()).optional(),
      actions: z.array(z.string()),
      /** Of each turn of a chat; a worker’s are those its run begun with. */
      limits: agentLimits.optional(),
    }),
  },
  /** Tells `pull.observed`, `comment.observed`. */
  pull: {
    kind: 'watch',
    means: 'The pull request of this branch (or number) at GitHub.',
    params: z.strictObject({
      repo: repoName,
      branch: z.string(),
      number: pullNumber.optional(),
      base: z.string().optional(),
      gates: gates,
      queueCheck: z.string().optional(),
      reviewers: z.enum(['agents', 'people']),
      /** A review reads a pull request (by number) from a fork too; a session's own is never one. */
      fork: z.boolean().optional(),
      /** Something is awaited from outside: look every `reconcile` seconds; else back off to `reconcileMax`. */
      awaited: z.boolean(),
      /** Changes when a run was released: look once, at once. */
      look: z.number().int(),
      /** The one of this number is known to be closed: where the branch has another, that one is looked at. */
      next: z.boolean().optional(),
    }),
  },
  /** Tells `issue.observed`, `comment.observed`. */
  issue: {
    kind: 'watch',
    means: 'The issue at its tracker.',
    params: z.strictObject({
      source: z.enum(['linear', 'github']),
      ref: z.string(),
      repo: repoName,
      awaited: z.boolean(),
    }),
  },
  /** Tells `pulls.observed` to a subscribed agent. */
  repository: {
    kind: 'watch',
    means: 'The open pull requests of a subscribed repository.',
    params: z.strictObject({ repos: z.array(z.string()) }),
  },
  /** Tells `consumer.attached`, `consumer.left`. */
  consumer: {
    kind: 'watch',
    means: 'Terminals and pages attached to this agent.',
    params: z.strictObject({
      /** Those it knows of already: one that was there before a restart and says nothing more has left. */
      present: z.array(z.strictObject({ consumer: z.string(), kind: z.enum(['terminal', 'page']) })),
    }),
  },
} as const satisfies Record<string, WishSpec>;

export type ActName = keyof typeof ACTS;
export type WatchName = keyof typeof WATCHES;
export type ActParams<Name extends ActName> = z.infer<(typeof ACTS)[Name]['params']>;
export type WatchParams<Name extends WatchName> = z.infer<(typeof WATCHES)[Name]['params']>;
export type ActAnswer<Name extends ActName> = (typeof ACTS)[Name] extends { answer: infer A extends z.ZodType }
  ? z.infer<A>
  : undefined;

/**
 * What a machine's wish actions are given. In `setup({ actions })` a wish is a named action without a body
 * (`wish<…>()`); the kernel reads name and parameters from what XState returns and never runs it.
 */
export interface Tell {
  /** An address. */
  to: string;
  type: string;
  data: Record<string, unknown>;
  /** Sessions only. */
  expectepoch?: number;
  priority?: 'urgent' | 'normal';
}
export interface Refuse {
  code: 'guard' | 'claim' | 'target' | 'limit' | 'paused' | 'withdrawn' | 'policy';
  reason: string;
}
export interface Supersede {
  reason: string;
}

/** A named action without a body: a wish. */
export function wish<Params>(): (_: unknown, params: Params) => void {
  return () => {};
}

/** The wish actions of every machine, for `setup({ actions: { ...WISHES, … } })`. `act.cancel` withdraws acts not yet begun. */
export const WISHES = {
  tell: wish<Tell>(),
  refuse: wish<Refuse>(),
  supersede: wish<Supersede>(),
  act: wish<{ [Name in ActName]: { act: Name; params: ActParams<Name> } }[ActName]>(),
  'act.cancel': wish<{ act: ActName }>(),
};

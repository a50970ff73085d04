/** The catalogue of an agent's events (docs/events.md, rows 55–82). */
import { z } from 'zod';
import type { EventSpec, EventsOf } from '../contract.ts';
import {
  EVERY_ACTOR,
  address,
  correction,
  epoch,
  line,
  obligationKind,
  prose,
  pullNumber,
  repoName,
  sha,
  time,
  usage,
  workKind,
} from './common.ts';
import { runResult } from './session.ts';

export const agentLimits = z.strictObject({
  runSeconds: z.number().int().min(1).optional(),
  silenceSeconds: z.number().int().min(1).optional(),
  runsPerHour: z.number().int().min(1).optional(),
  /** Runs of its role, for its user, at the same time. */
  concurrent: z.number().int().min(1).optional(),
  tokens: z.number().int().min(0).optional(),
  costUsd: z.number().min(0).optional(),
});
export type AgentLimits = z.infer<typeof agentLimits>;

/**
 * What a role is, as read from its YAML file by the sender's door: the kinds it takes and what it may do. A machine
 * reads no files, so a hire carries its role along.
 */
export const roleSettings = z.strictObject({
  kinds: z.array(workKind),
  actions: z.array(z.string()).max(200),
  aliases: z.array(z.string()).max(50).optional(),
});

/** Where a chat was before it was adopted here; what was said there follows in `mail.adopted`. */
export const origin = z.strictObject({
  system: z.literal('workgraph'),
  /** Its names there; it is found by each of them, and adopted once. */
  names: z.array(line).min(1).max(50),
  /** What there speaks of it, and how. */
  references: z.array(line).max(500),
  /** How many letters follow. */
  letters: z.number().int().min(0),
  /** It was put away there, and is here once its letters are in. */
  archived: z.boolean(),
});
export type Origin = z.infer<typeof origin>;

export const hire = z.strictObject({
  role: line,
  user: z.string().optional(),
  lanes: z.array(z.string().max(100)).max(100).optional(),
  driver: line,
  mode: z.enum(['worker', 'chat']),
  env: z.record(z.string(), z.string()).optional(),
  limits: agentLimits.optional(),
  /** The GitHub login this agent reviews as, when it has an identity of its own (its token stays in the configuration). */
  github: z.strictObject({ login: z.string().optional() }).optional(),
  settings: roleSettings.optional(),
  origin: origin.optional(),
});
export type Hire = z.infer<typeof hire>;

/** A role as the runtime knows it, looked up by its name or an alias when somebody is hired into it. */
export type HiredRole = z.infer<typeof roleSettings> & { name: string; limits?: AgentLimits };

/** Whoever conducts a mission is called so; nobody is hired under these names. */
export const RESERVED_NAMES: readonly string[] = ['conductor', 'supervisor'];

const namesOfHire = ({ role, driver }: Hire) => ({ configured: { role, driver } });

/** However two people write a repository (` Acme/API `), it is one; at GitHub none has a name that ends in `.git`. */
const subscribed = z.string().regex(/^\s*[A-Za-z0-9_.-]+\/[A-Za-z0-9_.-]+(?<!\.git)\s*$/i, 'must be owner/repo');

/** The claim that keeps a second agent of the same user away from a repository. */
export function subscriptionClaim(user: string, repo: string): string {
  return `subscription:${user}:${repo.trim().toLowerCase()}`;
}

/** Who holds what this agent is subscribed to: an agent that comes back claims what is still free. */
function ownSubscriptions(_data: never, context: never): { claims: string[] } {
  const agent = context as { user?: string; subscriptions?: { repo: string }[] };
  return { claims: (agent.subscriptions ?? []).map(({ repo }) => subscriptionClaim(agent.user ?? 'default', repo)) };
}

const actAnswer = {
  done: z.strictObject({ key: z.string(), result: z.unknown().optional() }),
  failed: z.strictObject({ key: z.string(), code: z.string(), reason: z.string(), until: time.optional() }),
};

/** Acts of an agent: what it asks of its running process, and the end of one. */
export const AGENT_ACTS = [
  'driver.steer',
  'driver.answer',
  'driver.prompt',
  'driver.interrupt',
  'process.end',
  'credential.revoke',
] as const;
export type AgentAct = (typeof AGENT_ACTS)[number];

function actAnswers(): Record<`${AgentAct}.done`, { data: typeof actAnswer.done; means: string; from: 'runtime' }> &
  Record<`${AgentAct}.failed`, { data: typeof actAnswer.failed; means: string; from: 'runtime' }> {
  const rows: Record<string, EventSpec> = {};
  for (const act of AGENT_ACTS) {
    rows[`${act}.done`] = { data: actAnswer.done, means: `The act ${act} was done.`, from: 'runtime' };
    rows[`${act}.failed`] = { data: actAnswer.failed, means: `The act ${act} failed for good.`, from: 'runtime' };
  }
  return rows as ReturnType<typeof actAnswers>;
}

const run = { session: address, epoch };

/** A text of a person or a note, as a prompt shows it. */
export const voice = z.strictObject({
  id: z.string(),
  at: time,
  author: z.string(),
  text: prose,
  about: z.string().optional(),
});

/**
 * The parts of a run's prompt. The session knows them; templates that a user can override (src/effects/prompt) turn
 * them into text when the process starts, and add the repository's workflow file and the agent's memory.
 */
export const promptParts = z.strictObject({
  objective: z.strictObject({ title: line, body: prose, url: z.string().optional() }),
  /** Why this run exists, one sentence. */
  why: prose,
  /** What is required now, in order. */
  required: z.array(prose).max(100),
  /** What changed since the last run of this session. */
  changes: z.array(voice.omit({ id: true })).max(200),
  /** What is known of the outside, with the time it was seen. */
  facts: z.array(z.strictObject({ text: prose, asOf: time })).max(100),
  /** The claimed obligation's evidence: review comments, failing job, incident, … */
  evidence: z.unknown().optional(),
  /** Human texts that ride along, in order of arrival; the run that ends well discharges them. */
  texts: z.array(voice).max(200),
  notes: z.array(voice).max(400),
  /** The runs before, oldest first: who, for what, how it ended, and what the agent said of it last. */
  earlier: z
    .array(
      z.strictObject({
        epoch,
        agent: z.string(),
        for: obligationKind.nullable(),
        outcome: z.string(),
        at: time,
        reason: prose.optional(),
        summary: prose.optional(),
      }),
    )
    .max(20)
    .optional(),
  /** The question of an earlier run and its answer. */
  answered: z.strictObject({ question: prose, answer: prose }).optional(),
  /** What must be delivered, one sentence. */
  deliver: prose,
});
export type PromptParts = z.infer<typeof promptParts>;

export const runBegun = z.strictObject({
  ...run,
  kind: workKind,
  /** Kind of the claimed obligation. */
  for: obligationKind,
  title: line,
  attempt: z.number().int().min(1),
  head: z.string().optional(),
  worktree: z.string(),
  branch: z.string().optional(),
  repo: repoName,
  prompt: promptParts,
  conversation: z.string().optional(),
  limits: z.strictObject({
    runSeconds: z.number().min(0).optional(),
    silenceSeconds: z.number().min(0).optional(),
    tokens: z.number().int().min(0).optional(),
    costUsd: z.number().min(0).optional(),
  }),
});
export type RunBegun = z.infer<typeof runBegun>;

export const AGENT_EVENTS = {
  ...EVERY_ACTOR,
  ...actAnswers(),
  hire: { data: hire, means: 'Hire this agent.', creates: 'always', lookUp: namesOfHire },
  'run.offered': {
    data: z.strictObject({ ...run, kind: workKind, title: line }),
    means: 'A session offers a run; answered by offer.accepted or offer.declined.',
    from: 'runtime',
  },
  'run.begun': { data: runBegun, means: 'Worktree and prompt are ready: run.', from: 'runtime' },
  'run.cancelled': {
    data: z.strictObject({ ...run, reason: z.string() }),
    means: 'The assignment is over; end the run.',
    from: 'runtime',
  },
  'run.steered': {
    data: z.strictObject({ ...run, say: z.string(), text: prose }),
    means: 'A person’s text for the running conversation.',
    from: 'runtime',
  },
  'run.answered': {
    data: z.strictObject({ ...run, question: z.string(), text: prose.optional(), choice: z.string().optional() }),
    means: 'The answer to a question of this run.',
    from: 'runtime',
  },
  'driver.started': {
    data: z.strictObject({ pid: z.number().int(), startedAt: time, conversation: z.string().optional() }),
    means: 'The process is up.',
    from: 'runtime',
  },
  'driver.asked': {
    data: z.strictObject({
      question: z.string(),
      kind: z.enum(['approval', 'question']),
      text: prose,
      choices: z.array(z.string()).max(50).optional(),
    }),
    means: 'The process asks a person.',
    from: 'runtime',
  },
  'driver.said': {
    data: z.strictObject({ text: prose, inReplyTo: z.string().optional(), final: z.boolean() }),
    means: 'The process said something.',
    from: 'runtime',
  },
  'driver.turned': {
    data: z.strictObject({
      outcome: z.enum(['completed', 'interrupted', 'failed', 'refused', 'budget', 'limited', 'auth']),
      until: time.optional(),
      usage,
      result: z.strictObject({ ...runResult, handedBack: z.string().optional() }).optional(),
      reason: z.string().optional(),
    }),
    means: 'A turn of the conversation ended.',
    from: 'runtime',
  },
  'driver.exited': {
    data: z.strictObject({
      class: z.enum(['clean', 'crash', 'contention', 'ended']),
      code: z.number().int().nullable().optional(),
      signal: z.string().nullable().optional(),
      reason: z.string().optional(),
      usage,
      /** The last thing said in a turn that did not end. */
      said: prose.optional(),
    }),
    means: 'The process group is gone.',
    from: 'runtime',
  },
  'driver.silent': {
    data: z.strictObject({ sinceMs: z.number() }),
    means: 'Nothing was heard for the silence limit.',
    from: 'runtime',
  },
  'driver.heard': {
    data: z.strictObject({}),
    means: 'After a silence that was told, the process is heard again.',
    from: 'runtime',
  },
  say: {
    data: z.strictObject({ text: prose, author: z.string().optional(), reason: prose.optional() }),
    means: 'A message for this agent.',
  },
  answer: {
    data: z.strictObject({ question: z.string().optional(), text: prose.optional(), choice: z.string().optional() }),
    means: 'The answer to what this chat asked in its turn.',
  },
  query: {
    /** `about`: what it is about, by the sender’s own name, so that it can be withdrawn. */
    data: z.strictObject({
      text: prose,
      deadlineMs: z.number().int().min(1).optional(),
      about: z.string().max(500).optional(),
    }),
    means: 'A question for this agent, answered or visibly not.',
  },
  'query.answered': {
    data: z.strictObject({ query: z.string(), text: prose.nullable(), late: z.boolean() }),
    means: 'Another agent answered what this one asked, or did not in time.',
    from: 'runtime',
  },
  'query.withdrawn': {
    data: z.strictObject({ about: z.string().max(500) }),
    means: 'What its sender asked about is so no more: what of it was not read yet need not be answered.',
  },
  'mail.adopted': {
    data: z.strictObject({
      /** How many letters came before these. */
      from: z.number().int().min(0),
      letters: z
        .array(
          z.strictObject({
            id: z.string().max(256),
            at: time,
            author: line,
            text: prose,
            answer: prose.nullable(),
            /** queued: nobody there had read it. */
            state: z.enum(['queued', 'answered', 'failed']),
          }),
        )
        .min(1)
        .max(500),
    }),
    means: 'What was said in this chat where it was before.',
  },
  'consumer.attached': {
    data: z.strictObject({ consumer: z.string(), kind: z.enum(['terminal', 'page']) }),
    means: 'A terminal or page is attached.',
    from: 'runtime',
  },
  'consumer.left': {
    data: z.strictObject({ consumer: z.string(), kind: z.enum(['terminal', 'page']) }),
    means: 'A terminal or page left.',
    from: 'runtime',
  },
  'place.given': { data: z.strictObject({}), means: 'This chat may wake.', from: 'runtime' },
  'place.wanted': {
    data: z.strictObject({}),
    means: 'Another chat waits to wake: this one leaves, if nobody needs it.',
    from: 'runtime',
  },
  'pulls.observed': {
    data: z.strictObject({
      repo: repoName,
      pulls: z
        .array(
          z.strictObject({
            number: pullNumber,
            head: sha,
            author: z.string(),
            draft: z.boolean(),
            state: z.enum(['open', 'closed']),
            title: z.string().optional(),
            url: z.string().optional(),
          }),
        )
        .max(1_000),
    }),
    means: 'The pull requests of a subscribed repository.',
    from: 'runtime',
  },
  'review.recorded': {
    data: z.strictObject({
      repo: repoName,
      number: pullNumber,
      head: sha,
      verdict: z.enum(['approve', 'request_changes', 'comment']),
      accepted: z.boolean(),
    }),
    means: 'A review of this agent was posted, or refused.',
    from: 'runtime',
  },
  'correct.pause': { data: correction({}), means: 'Take no new work.' },
  'correct.resume': { data: correction({}), means: 'Take work again.', lookUp: ownSubscriptions },
  'correct.interrupt': { data: correction({}), means: 'Interrupt the running turn.', conductor: true },
  'correct.drain': { data: correction({}), means: 'Finish the current run, then stop.' },
  'correct.stop': { data: correction({}), means: 'End the run and stay stopped.' },
  'correct.restart': {
    data: correction({}),
    means: 'Start again with fresh counters.',
    lookUp: ownSubscriptions,
  },
  'correct.offboard': { data: correction({}), means: 'End this employment; give back what it holds.' },
  'correct.archive': { data: correction({ unlessActive: z.boolean().optional() }), means: 'Put this chat away.' },
  'correct.restore': { data: correction({}), means: 'Bring an archived chat back.', lookUp: ownSubscriptions },
  'correct.lane.set': { data: correction({ lanes: z.array(z.string().max(100)).max(100) }), means: 'Set its lanes.' },
  'correct.driver.set': {
    data: correction({ driver: line }),
    means: 'Run this chat by another driver, from its next process on.',
    lookUp: ({ driver }: { driver: string }) => ({ configured: { driver } }),
  },
  'correct.limits.set': { data: agentLimits.extend({ reason: prose.optional() }), means: 'Set its limits.' },
  'correct.subscribe': {
    data: correction({ repo: subscribed }),
    means: 'Review the pull requests of this repository.',
  },
  'correct.unsubscribe': { data: correction({ repo: subscribed }), means: 'No longer review this repository.' },
  'correct.memory.set': { data: correction({ key: line, value: prose }), means: 'Remember this.' },
  'correct.memory.delete': { data: correction({ key: line }), means: 'Forget this.' },
} as const satisfies Record<string, EventSpec>;

export type AgentEvent = EventsOf<typeof AGENT_EVENTS>;

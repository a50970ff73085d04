/** Parts that several catalogues share: words, people, and the events every actor understands. */
import { z } from 'zod';
import type { EventSpec } from '../contract.ts';

/** One line a person reads: titles, names, reasons. */
export const line = z.string().min(1).max(1_000);
/** Free text of people and agents. It is carried along, never parsed. */
export const prose = z.string().max(200_000);
export const address = z.string().regex(/^[a-z]+\/[a-z0-9][a-z0-9_-]{0,127}$/, 'must be an address kind/id');
export const agentAddress = z.string().regex(/^agent\/[a-z0-9][a-z0-9_-]{0,127}$/, 'must be an address agent/name');
export const repoName = z.string().regex(/^[A-Za-z0-9_.-]+\/[A-Za-z0-9_.-]+$/, 'must be owner/repo');
export const sha = z.string().regex(/^[0-9a-f]{7,64}$/, 'must be a commit id');
export const time = z.iso.datetime({ offset: true });
export const epoch = z.number().int().min(0);
export const pullNumber = z.number().int().min(1);

export const workKind = z.enum(['implement', 'review', 'test', 'design', 'docs']);
export type WorkKind = z.infer<typeof workKind>;
export const obligationKind = z.enum(['implement', 'answer', 'review', 'checks', 'queue', 'upkeep', 'verdict']);
export type ObligationKind = z.infer<typeof obligationKind>;
export const deliver = z.enum(['pull_request', 'report']);
export const priority = z.number().int().min(0).max(4);
export const conclusion = z.string().max(64);

/** Cumulative per run; `context`: how many tokens the conversation fills now, of its model's window. */
export const usage = z.strictObject({
  inputTokens: z.number().int().min(0),
  outputTokens: z.number().int().min(0),
  costUsd: z.number().min(0).optional(),
  context: z.strictObject({ used: z.number().int().min(0), window: z.number().int().min(1) }).optional(),
});
export type Usage = z.infer<typeof usage>;

export const reviewComment = z.strictObject({
  path: z.string(),
  line: z.number().int().min(1).optional(),
  side: z.enum(['LEFT', 'RIGHT']).optional(),
  body: prose,
  id: z.string().optional(),
  url: z.string().optional(),
  author: z.string().optional(),
  commit: z.string().optional(),
});
export const verdict = z.strictObject({
  head: sha,
  verdict: z.enum(['approve', 'request_changes', 'comment']),
  body: prose,
  comments: z.array(reviewComment).max(500),
});
export type Verdict = z.infer<typeof verdict>;

export const budgets = z.strictObject({
  implement: z.number().int().min(0).optional(),
  review: z.number().int().min(0).optional(),
  checks: z.number().int().min(0).optional(),
  queue: z.number().int().min(0).optional(),
  upkeep: z.number().int().min(0).optional(),
  answer: z.number().int().min(0).optional(),
  verdict: z.number().int().min(0).optional(),
  restarts: z.number().int().min(0).optional(),
  tokens: z.number().int().min(0).optional(),
  costUsd: z.number().min(0).optional(),
  runSeconds: z.number().int().min(1).optional(),
});
export type Budgets = z.infer<typeof budgets>;

/** `checks`: exact names, `required` (those the branch requires) or `none`. `review`: see docs/protocol.md §8. */
export const gates = z.strictObject({
  checks: z.union([z.array(line).max(100), z.enum(['required', 'none'])]).optional(),
  review: z.enum(['required', 'everyHead', 'none']).optional(),
});
export type Gates = z.infer<typeof gates>;
export const mergePolicy = z.enum(['people', 'queue', 'self']);
export const reviewers = z.enum(['agents', 'people']);

/** What a session's checks of a pull request hang on besides names: settings of the repository. */
export const repoSettings = {
  mergeMethod: z.enum(['merge', 'squash', 'rebase']).optional(),
  queueCheck: line.optional(),
  branchPrefix: z.string().max(60).optional(),
  protectedPaths: z.array(z.string().max(500)).max(200).optional(),
  /** Red checks of a head are first run again, once, before anybody repairs them. */
  rerun: z.enum(['never', 'once']).optional(),
  /** After a pushed fix the people who judged before are asked again; never: the repository’s own rules ask. */
  rerequest: z.enum(['always', 'never']).optional(),
};

export const waitingOn = z.strictObject({
  gate: z.enum([
    'dependency',
    'agent',
    'review',
    'checks',
    'queue',
    'merge',
    'human',
    'upkeep',
    'backoff',
    'provider',
    'slot',
    'stopping',
    'paused',
    'withdrawn',
  ]),
  on: z.string().nullable(),
  since: z.string(),
  until: z.string().nullable(),
  detail: z.string(),
  moves: z.array(z.string()),
});

/** Strict data plus what every correction takes. */
export function correction<Shape extends z.ZodRawShape>(shape: Shape) {
  return z.strictObject({ ...shape, reason: prose.optional() });
}

export const nothing = z.strictObject({});

export const EVERY_ACTOR = {
  fyi: {
    /** `author`: who wrote it, where an actor passes it on; `of`: its id there, so that reading is told back. */
    data: z.strictObject({
      text: prose,
      about: z.string().max(500).optional(),
      author: z.string().max(500).optional(),
      of: z.string().max(500).optional(),
    }),
    means: 'A note; recorded, shown and handed to the next run; wakes nobody.',
  },
  'note.read': {
    data: z.strictObject({ ids: z.array(z.string()).max(1_000), by: z.string() }),
    means: 'The prompt that held these notes was delivered.',
    from: 'runtime',
  },
  'mail.refused': {
    data: z.strictObject({
      id: z.string(),
      to: z.string(),
      type: z.string(),
      outcome: z.enum(['refused', 'superseded', 'unknown']),
      code: z.string().nullable(),
      reason: z.string().nullable(),
      /** Who holds the claim that was asked for (code `claim`). */
      holder: z.string().optional(),
    }),
    means: 'What this actor told another was not taken.',
    from: 'runtime',
  },
} as const satisfies Record<string, EventSpec>;

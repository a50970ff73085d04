/** GitHub's answers as far as they are used here: parsed at the border, everything else is left out. */
import { z } from 'zod';

const user = z.object({ login: z.string(), id: z.number().int().optional(), type: z.string().optional() });
export type User = z.infer<typeof user>;
/** What GitHub shows in the place of a deleted account, which is null in answers. */
export const GHOST: User = { login: 'ghost', type: 'User' };
const author = user.nullish().transform((value) => value ?? GHOST);

export const pullAnswer = z.object({
  number: z.number().int(),
  html_url: z.string(),
  state: z.enum(['open', 'closed']),
  title: z.string(),
  draft: z.boolean().default(false),
  user: author,
  created_at: z.string(),
  updated_at: z.string(),
  closed_at: z.string().nullish(),
  merged_at: z.string().nullish(),
  merged: z.boolean().optional(),
  merge_commit_sha: z.string().nullish(),
  /** Absent in lists; null while GitHub works it out. */
  mergeable: z.boolean().nullish(),
  mergeable_state: z.string().optional(),
  auto_merge: z.object({}).nullish(),
  requested_reviewers: z.array(user).nullish(),
  head: z.object({
    ref: z.string(),
    sha: z.string(),
    repo: z.object({ id: z.number().optional(), full_name: z.string() }).nullish(),
  }),
  base: z.object({ ref: z.string(), sha: z.string(), repo: z.object({ id: z.number().optional() }).nullish() }),
});
export type PullAnswer = z.infer<typeof pullAnswer>;

export const reviewAnswer = z.object({
  id: z.number(),
  user: author,
  state: z.string(),
  body: z.string().nullish(),
  commit_id: z.string().nullish(),
  html_url: z.string(),
  submitted_at: z.string().nullish(),
});
export type ReviewAnswer = z.infer<typeof reviewAnswer>;

export const reviewCommentAnswer = z.object({
  id: z.number(),
  pull_request_review_id: z.number().nullish(),
  user: author,
  body: z.string(),
  path: z.string(),
  line: z.number().nullish(),
  original_line: z.number().nullish(),
  side: z.enum(['LEFT', 'RIGHT']).nullish(),
  commit_id: z.string().nullish(),
  html_url: z.string(),
  created_at: z.string(),
});
export type ReviewCommentAnswer = z.infer<typeof reviewCommentAnswer>;

export const commentAnswer = z.object({
  id: z.number(),
  user: author,
  body: z.string().nullish(),
  html_url: z.string(),
  created_at: z.string(),
});
export type CommentAnswer = z.infer<typeof commentAnswer>;

export const checkRunAnswer = z.object({
  id: z.number(),
  name: z.string(),
  status: z.string(),
  conclusion: z.string().nullish(),
  started_at: z.string().nullish(),
  completed_at: z.string().nullish(),
  html_url: z.string().nullish(),
  details_url: z.string().nullish(),
  app: z.object({ slug: z.string().nullish() }).nullish(),
  output: z
    .object({
      title: z.string().nullish(),
      summary: z.string().nullish(),
      text: z.string().nullish(),
      annotations_count: z.number().nullish(),
    })
    .nullish(),
});
export type CheckRunAnswer = z.infer<typeof checkRunAnswer>;

export const statusAnswer = z.object({
  id: z.number(),
  context: z.string(),
  state: z.string(),
  description: z.string().nullish(),
  target_url: z.string().nullish(),
  /** Of the API; it stands in where the reporter gave no page. */
  url: z.string().nullish(),
  created_at: z.string(),
  updated_at: z.string(),
});
export type StatusAnswer = z.infer<typeof statusAnswer>;

export const annotationAnswer = z.object({
  path: z.string(),
  start_line: z.number().nullish(),
  annotation_level: z.string().nullish(),
  message: z.string().nullish(),
});

export const jobAnswer = z.object({
  name: z.string(),
  steps: z.array(z.object({ name: z.string(), conclusion: z.string().nullish() })).nullish(),
});

export const branchAnswer = z.object({
  protection: z
    .object({
      enabled: z.boolean().optional(),
      required_status_checks: z
        .object({
          contexts: z.array(z.string()).default([]),
          checks: z.array(z.object({ context: z.string() })).default([]),
        })
        .nullish(),
    })
    .nullish(),
});

export const ruleAnswer = z.object({
  type: z.string(),
  parameters: z.object({ required_status_checks: z.array(z.object({ context: z.string() })).optional() }).nullish(),
});

export const issueEventAnswer = z.object({
  id: z.number(),
  event: z.string(),
  actor: author,
  created_at: z.string(),
});
export type IssueEventAnswer = z.infer<typeof issueEventAnswer>;

export const commitAnswer = z.object({
  commit: z.object({ committer: z.object({ date: z.string().nullish() }).nullish() }),
});

export const issueAnswer = z.object({
  number: z.number().int(),
  html_url: z.string(),
  title: z.string(),
  body: z.string().nullish(),
  state: z.enum(['open', 'closed']),
  state_reason: z.string().nullish(),
  user: author,
  labels: z
    .array(z.union([z.string(), z.object({ name: z.string().nullish() })]))
    .default([])
    .transform((labels) => labels.map((label) => (typeof label === 'string' ? label : (label.name ?? '')))),
  assignees: z
    .array(user)
    .nullish()
    .transform((users) => (users ?? []).map(({ login }) => login)),
  updated_at: z.string(),
  closed_by: user.nullish(),
  pull_request: z.object({}).nullish(),
});
export type IssueAnswer = z.infer<typeof issueAnswer>;

export const fileAnswer = z.object({ filename: z.string(), patch: z.string().nullish() });
export const mergeAnswer = z.object({ merged: z.boolean(), sha: z.string().nullish() });
/** Where only the success matters. */
export const anyAnswer = z.unknown();

/** Shown to whoever may push. */
export const methodsAnswer = z.object({
  allow_squash_merge: z.boolean().optional(),
  allow_merge_commit: z.boolean().optional(),
  allow_rebase_merge: z.boolean().optional(),
});

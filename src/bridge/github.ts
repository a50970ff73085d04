/**
 * GitHub's hooks, read for what they are about. Nearly everything is a poke: the pull watch reads the whole truth and
 * tells it keyed by the fact, so a lost, doubled or reordered hook changes nothing. Told at once are only comments of
 * the conversation, whose id says all. Comments in a diff are not: whether they ask for changes is in their review.
 */
import { z } from 'zod';
import { line, prose, read } from './concern.ts';
import type { Author, Concern, OpenedConcern, Poke } from './concern.ts';
import type { Hook } from './hook.ts';
import { resolvedIssues } from './resolved.ts';

export function concernsOfGithub(hook: Hook): Concern[] {
  switch (hook.event) {
    case 'pull_request':
    case 'pull_request_review':
    case 'pull_request_review_comment':
    case 'pull_request_review_thread':
      return read(pullBody, hook, ofPull);
    case 'issue_comment':
      return read(commentBody, hook, ofComment);
    case 'check_run':
      return read(checkRunBody, hook, ({ check_run: run, repository }) =>
        ofHead(repository.full_name, run.head_sha, run.check_suite?.head_branch, run.pull_requests),
      );
    case 'check_suite':
      return read(checkSuiteBody, hook, ({ check_suite: suite, repository }) =>
        ofHead(repository.full_name, suite.head_sha, suite.head_branch, suite.pull_requests),
      );
    case 'workflow_run':
      return read(workflowRunBody, hook, ({ workflow_run: run, repository }) =>
        ofHead(
          repository.full_name,
          run.head_sha,
          isSame(run.head_repository?.full_name, repository.full_name) ? run.head_branch : undefined,
          run.pull_requests,
        ),
      );
    case 'status':
      return read(statusBody, hook, ({ sha, branches, repository }) => {
        const refs = branches.flatMap((branch) => branchRefs(repository.full_name, branch.name));
        return pokePull(refs, { head: sha });
      });
    case 'merge_group':
      return read(mergeGroupBody, hook, ({ merge_group: group, repository }) =>
        pokePull(branchRefs(repository.full_name, branchOf(group.head_ref)), { queue: group.head_sha }),
      );
    case 'push':
      return read(pushBody, hook, ({ ref, after, repository }) =>
        pokePull([...branchRefs(repository.full_name, branchOf(ref)), ...baseRefs(repository.full_name, ref)], {
          head: after,
        }),
      );
    case 'issues':
      return read(issueBody, hook, ofIssue);
    default:
      return [];
  }
}

const repository = z.object({ full_name: z.string() });
const named = z.object({ name: z.string() });
const user = z.object({ login: z.string(), id: z.number().int().optional(), type: z.string().optional() });

const pullBody = z.object({
  action: z.string(),
  repository,
  pull_request: z.object({
    number: z.number().int(),
    html_url: z.string().optional(),
    title: z.string().nullish(),
    body: z.string().nullish(),
    user: user.nullish(),
    head: z.object({ ref: z.string(), sha: z.string(), repo: z.object({ full_name: z.string() }).nullish() }),
  }),
});

const commentBody = z.object({
  action: z.string(),
  repository,
  issue: z.object({
    number: z.number().int(),
    pull_request: z.unknown().optional(),
    html_url: z.string().optional(),
    title: z.string().optional(),
    body: z.string().nullish(),
    state: z.string().optional(),
    state_reason: z.string().nullish(),
    updated_at: z.string().optional(),
  }),
  comment: z.object({
    id: z.number().int(),
    html_url: z.string(),
    body: z.string(),
    user: user.nullish(),
    created_at: z.string().optional(),
  }),
});

const pulls = z
  .array(z.object({ number: z.number().int(), base: z.object({ repo: z.unknown() }).optional() }))
  .nullish();
const checkRunBody = z.object({
  repository,
  check_run: z.object({
    head_sha: z.string(),
    check_suite: z.object({ head_branch: z.string().nullish() }).nullish(),
    pull_requests: pulls,
  }),
});
const checkSuiteBody = z.object({
  repository,
  check_suite: z.object({ head_sha: z.string(), head_branch: z.string().nullish(), pull_requests: pulls }),
});
const workflowRunBody = z.object({
  repository,
  workflow_run: z.object({
    head_sha: z.string(),
    head_branch: z.string().nullish(),
    head_repository: repository.nullish(),
    pull_requests: pulls,
  }),
});
const statusBody = z.object({ repository, sha: z.string(), branches: z.array(named) });
const mergeGroupBody = z.object({ repository, merge_group: z.object({ head_sha: z.string(), head_ref: z.string() }) });
const pushBody = z.object({ repository, ref: z.string(), after: z.string() });

const issueBody = z.object({
  action: z.string(),
  repository,
  assignee: user.nullish(),
  label: named.nullish(),
  issue: z.object({
    number: z.number().int(),
    html_url: z.string(),
    title: z.string(),
    body: z.string().nullish(),
    state: z.string().optional(),
    state_reason: z.string().nullish(),
    updated_at: z.string(),
    assignees: z.array(user).optional(),
    labels: z.array(named).optional(),
  }),
});

/** Actions after which the list of open pull requests, or a head among them, is another. */
const LIST_ACTIONS = new Set(['opened', 'reopened', 'closed', 'synchronize', 'ready_for_review', 'converted_to_draft']);

function ofPull({ action, repository, pull_request: pull }: z.infer<typeof pullBody>, { event }: Hook): Concern[] {
  const repo = repository.full_name;
  // A fork's branch may bear the name of one of ours.
  const own = isSame(pull.head.repo?.full_name, repo);
  const refs = [pullRef(repo, pull.number), ...(own ? branchRefs(repo, pull.head.ref) : [])];
  const hint = { head: pull.head.sha };
  const listed = event === 'pull_request' && LIST_ACTIONS.has(action);
  return [
    ...pokePull(refs, hint),
    ...(listed ? [{ kind: 'poke', watch: 'repository', refs: [`subscription:${repo}`], hint } satisfies Poke] : []),
    ...(own && event === 'pull_request' && action === 'opened'
      ? [
          openedConcern(repo, pull.head.ref, {
            number: pull.number,
            url: pull.html_url ?? '',
            author: pull.user?.login ?? 'unknown',
          }),
        ]
      : []),
    ...(own && event === 'pull_request' && LINK_ACTIONS.has(action) ? linked(repo, pull) : []),
  ];
}

/** When what a pull request says of itself is new. */
const LINK_ACTIONS = new Set(['opened', 'edited', 'reopened']);

function linked(
  repo: string,
  { number, user, head, title, body }: z.infer<typeof pullBody>['pull_request'],
): Concern[] {
  const issues = resolvedIssues({ repo, branch: head.ref, title: title ?? '', body: body ?? '' });
  if (user == null || issues.length === 0) return [];
  return [
    {
      kind: 'linked',
      refs: issues.map((ref) => `issue:${ref}`),
      id: `github:linked:${repo.toLowerCase()}#${number}`,
      repo,
      branch: branchRefs(repo, head.ref),
      number,
      author: authorOf(user),
    },
  ];
}

/** Keyed by the pull request, so that a hook and a list tell one fact. */
export const openedConcern = (repo: string, branch: string, told: OpenedConcern['told']): OpenedConcern => ({
  kind: 'opened',
  refs: branchRefs(repo, branch),
  id: `github:late:${repo.toLowerCase()}#${told.number}`,
  told,
});

function ofComment({ action, repository, issue, comment }: z.infer<typeof commentBody>): Concern[] {
  if (action !== 'created' || comment.user == null) return [];
  const on = issue.pull_request == null ? 'issue' : 'pull';
  const name = `${repository.full_name}#${issue.number}`;
  return [
    {
      kind: 'comment',
      refs: [on === 'pull' ? `pull:${name}` : `issue:${name}`],
      id: `github:comment:${comment.id}`,
      comment: String(comment.id),
      on,
      author: authorOf(comment.user),
      text: prose(comment.body),
      url: comment.html_url,
      spoken: false,
    },
    // After it: where this opens the session, its watch tells what was said, in order.
    ...(on === 'issue' ? mentioned(name, issue, comment) : []),
  ];
}

type Commented = z.infer<typeof commentBody>;

/** A comment may hand its issue over, by whom it mentions; whether it does, the configuration knows. */
function mentioned(
  ref: string,
  issue: Commented['issue'],
  { user, body, created_at }: Commented['comment'],
): Concern[] {
  if (user == null || authorOf(user).bot || issue.updated_at === undefined) return [];
  return [
    {
      kind: 'issue',
      source: 'github',
      ref,
      refs: [`issue:${ref}`],
      delegates: { text: body },
      handedOver: true,
      byComment: true,
      tell: false,
      at: created_at ?? issue.updated_at,
      told: {
        url: issue.html_url ?? '',
        title: line(issue.title ?? '', ref),
        body: prose(issue.body),
        state: stateOf(issue.state, issue.state_reason),
        removed: false,
        updatedAt: issue.updated_at,
      },
    },
  ];
}

function ofIssue(body: z.infer<typeof issueBody>): Concern[] {
  const { action, repository, issue } = body;
  const ref = `${repository.full_name}#${issue.number}`;
  const gone = action === 'deleted' || action === 'transferred';
  return [
    {
      kind: 'issue',
      source: 'github',
      ref,
      refs: [`issue:${ref}`],
      delegates: {
        assignees: (issue.assignees ?? []).map(({ login }) => login),
        labels: (issue.labels ?? []).map(({ name }) => name),
        text: issue.body ?? '',
      },
      handedOver: HANDING_OVER.has(action),
      tell: gone,
      at: issue.updated_at,
      told: {
        url: issue.html_url,
        title: line(issue.title, ref),
        body: prose(issue.body),
        state: stateOf(issue.state, issue.state_reason),
        removed: gone,
        updatedAt: issue.updated_at,
      },
    },
    { kind: 'poke', watch: 'issue', refs: [`blocker:${ref}`], hint: { blocker: ref } },
  ];
}

/** Actions that can be somebody's decision that this is (again) to be done. */
const HANDING_OVER = new Set(['opened', 'reopened', 'assigned', 'labeled']);

/** In the words that Linear has for kinds of state. */
function stateOf(state: string | undefined, reason: string | null | undefined): { name: string; type: string } {
  if (state !== 'closed') return { name: 'open', type: 'unstarted' };
  const dropped = reason === 'not_planned' || reason === 'duplicate';
  return { name: reason ?? 'closed', type: dropped ? 'canceled' : 'completed' };
}

function ofHead(repo: string, head: string, branch: string | null | undefined, on: z.infer<typeof pulls>): Concern[] {
  const numbered = (on ?? []).map(({ number }) => pullRef(repo, number));
  return pokePull([...numbered, ...branchRefs(repo, branch)], { head });
}

const pokePull = (refs: string[], hint: Record<string, string>): Concern[] =>
  refs.length === 0 ? [] : [{ kind: 'poke', watch: 'pull', refs: [...new Set(refs)], hint }];

const pullRef = (repo: string, number: number): string => `pull:${repo}#${number}`;

/** The merge queue works on branches of its own; their names say whose turn it is. */
const QUEUE_BRANCH = /^gh-readonly-queue\/.+\/pr-(\d+)-[0-9a-f]+$/;

function branchRefs(repo: string, branch: string | null | undefined): string[] {
  if (branch == null || branch === '') return [];
  const queued = QUEUE_BRANCH.exec(branch)?.[1];
  return [queued === undefined ? `branch:${repo}/${branch}` : pullRef(repo, Number(queued))];
}

/** Whoever works towards this branch: what can be merged into it may be another matter now. */
function baseRefs(repo: string, ref: string): string[] {
  const branch = branchOf(ref);
  return branch === undefined ? [] : [`base:${repo}/${branch}`];
}

/** undefined for tags. */
const branchOf = (ref: string): string | undefined => /^refs\/heads\/(.+)$/.exec(ref)?.[1];

const authorOf = ({ login, id, type }: z.infer<typeof user>): Author => ({
  login,
  ...(id === undefined ? {} : { id: String(id) }),
  bot: type === 'Bot' || login.endsWith('[bot]'),
});

const isSame = (a: string | undefined, b: string): boolean => a?.toLowerCase() === b.toLowerCase();

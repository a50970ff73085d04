/** A GitHub issue as `issue.observed` tells it. */
import { z } from 'zod';
import type { IssueObserved } from '../../../machines/events/session.ts';
import type { Account } from './account.ts';
import { commentAnswer, issueAnswer } from './answers.ts';
import type { IssueAnswer, User } from './answers.ts';
import { isStranger } from './comments.ts';
import { coordinates, hasMark, issueOf, sameName } from './names.ts';
import { createTold } from '../told.ts';

export type IssueFacts = Omit<IssueObserved, 'open' | 'agentSession'>;

export interface IssueSeen {
  /** Envelope id of `issue.observed` for exactly these facts, whoever tells them. */
  id: string;
  facts: IssueFacts;
  /** What changes with every change at GitHub, also where the facts end up as they were. */
  stamps: unknown;
  labels: string[];
}

/** What the event's schema takes. */
const BLOCKERS_MAX = 500;

/** By what an issue is given to this system: any of these is enough. All empty: nothing is. */
export interface Delegation {
  labels?: readonly string[];
  /** Logins to which it may be assigned. */
  assignees?: readonly string[];
  /** Logins whose @mention in the issue's text or in a comment hands it over. */
  mentions?: readonly string[];
  /** Whose mention does; absent: everybody's. */
  people?: readonly string[] | undefined;
}

export async function readIssue(
  account: Account,
  ref: string,
  delegation: Delegation,
  signal?: AbortSignal,
): Promise<IssueSeen> {
  const { repo, number } = issueOf(ref);
  const params = { ...coordinates(repo), issue_number: number };
  const [issue, blockers, comments] = await Promise.all([
    account.get(issueAnswer, 'GET /repos/{owner}/{repo}/issues/{issue_number}', params, signal),
    account.maybe(`blockers ${repo}`, () =>
      account.list(blockerAnswer, 'GET /repos/{owner}/{repo}/issues/{issue_number}/dependencies/blocked_by', params, {
        signal,
      }),
    ),
    // Asked for only where it matters; a watch reads the same address anyway.
    (delegation.mentions ?? []).length === 0 ? [] : readComments(account, ref, signal),
  ]);
  const facts: IssueFacts = {
    ref,
    url: issue.html_url,
    title: issue.title,
    body: issue.body ?? '',
    delegated: isDelegated(issue, textsOf(issue, comments, delegation), delegation),
    state: stateOf(issue),
    ...(blockers === undefined
      ? {}
      : {
          blockers: blockers
            .map((blocker) => ({ ref: refOf(blocker, repo), done: blocker.state === 'closed' }))
            .slice(0, BLOCKERS_MAX),
        }),
    removed: false,
    updatedAt: issue.updated_at,
  };
  // The end of a blocker does not touch the issue itself.
  const stamps = (blockers ?? []).map(({ updated_at }) => updated_at ?? null);
  return { id: createTold(issuePrefix(ref)).idFor(facts, stamps) ?? '', facts, stamps, labels: issue.labels };
}

export const issuePrefix = (ref: string): string => `github:issue:${ref.toLowerCase()}`;

export interface DelegatedIssue {
  ref: string;
  /** ISO time of the comment that handed it over, where a comment did. */
  at?: string;
}

/** Mentions in comments are looked for this far back, in whole days: the same question is answered with 304. */
const MENTIONED_DAYS = 3;
const DAY_MS = 86_400_000;

/** Open issues of a repository that are handed over; by a mention in a comment only if that is some days old at most. */
export async function readDelegated(
  account: Account,
  repo: string,
  delegation: Delegation,
  { nowMs, signal }: { nowMs: number; signal?: AbortSignal | undefined },
): Promise<DelegatedIssue[]> {
  const at = coordinates(repo);
  const params = { ...at, state: 'open', sort: 'created', direction: 'asc' };
  const since = new Date((Math.floor(nowMs / DAY_MS) - MENTIONED_DAYS) * DAY_MS).toISOString();
  const lately = { ...at, sort: 'created', direction: 'asc', since };
  const [open, comments] = await Promise.all([
    account.list(issueAnswer, 'GET /repos/{owner}/{repo}/issues', params, { signal }),
    (delegation.mentions ?? []).length === 0
      ? []
      : account.list(listedCommentAnswer, 'GET /repos/{owner}/{repo}/issues/comments', lately, { signal }),
  ]);
  return open
    .filter((issue) => issue.pull_request == null)
    .flatMap((issue) => {
      const ref = `${repo}#${issue.number}`;
      if (isDelegated(issue, textsOf(issue, [], delegation), delegation)) return [{ ref }];
      const mention = comments
        .filter(({ issue_url }) => issue_url.endsWith(`/issues/${issue.number}`))
        .findLast((comment) => isDelegated(NO_MARKS, textsOf(null, [comment], delegation), delegation));
      return mention === undefined ? [] : [{ ref, at: mention.created_at }];
    });
}

const NO_MARKS = { labels: [], assignees: [] };
const listedCommentAnswer = commentAnswer.extend({ issue_url: z.string() });

const blockerAnswer = z.object({
  number: z.number().int(),
  state: z.enum(['open', 'closed']),
  repository_url: z.string().nullish(),
  updated_at: z.string().nullish(),
});

function refOf({ number, repository_url }: z.infer<typeof blockerAnswer>, repo: string): string {
  const named = /\/repos\/([^/]+\/[^/]+)$/.exec(repository_url ?? '')?.[1];
  return `${named ?? repo}#${number}`;
}

export function readComments(account: Account, ref: string, signal?: AbortSignal) {
  const { repo, number } = issueOf(ref);
  const route = 'GET /repos/{owner}/{repo}/issues/{issue_number}/comments';
  return account.list(commentAnswer, route, { ...coordinates(repo), issue_number: number }, { signal });
}

/** What people wrote; a mention in a text of ours, or in a bot's comment, hands nothing over. */
const textsOf = (
  issue: Pick<IssueAnswer, 'body' | 'user'> | null,
  comments: readonly Pick<z.infer<typeof commentAnswer>, 'body' | 'user'>[],
  { people }: Delegation,
): string[] => {
  const isHeard = (user: User): boolean => !isStranger(user, { self: [], people });
  return [
    ...(issue?.user == null || isHeard(issue.user) ? [issue?.body] : []),
    ...comments.filter(({ user }) => !isBot(user) && isHeard(user)).map(({ body }) => body),
  ].filter((text): text is string => text != null && !hasMark(text));
};

const isBot = ({ login, type }: User): boolean => type === 'Bot' || login.endsWith('[bot]');

export function isDelegated(
  issue: Pick<IssueAnswer, 'labels' | 'assignees'>,
  texts: readonly string[],
  delegation: Delegation,
): boolean {
  const { labels = [], assignees = [], mentions = [] } = delegation;
  return (
    labels.some((wanted) => issue.labels.some((label) => sameName(label, wanted))) ||
    assignees.some((wanted) => issue.assignees.some((login) => sameName(login, wanted))) ||
    mentions.some((login) => texts.some((text) => mentionsLogin(text, login)))
  );
}

/** `@ada`, but not `@adam` nor `mail@ada`. */
export function mentionsLogin(text: string, login: string): boolean {
  const name = login.replace(/\[bot\]$/, '').replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  return new RegExp(`(?<![\\w@./-])@${name}(?![\\w-])`, 'i').test(text);
}

/** The words Linear has for kinds of state, so that a session need not know which tracker it came from. */
function stateOf({ state, state_reason }: IssueAnswer): IssueFacts['state'] {
  if (state === 'open') return { name: 'open', type: 'unstarted' };
  const dropped = state_reason === 'not_planned' || state_reason === 'duplicate';
  return dropped ? { name: state_reason, type: 'canceled' } : { name: 'closed', type: 'completed' };
}

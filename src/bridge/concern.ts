/**
 * What a hook is about, said without knowing any actor: which watches to poke, and what can be told at once. One pure
 * function per source makes these (github.ts, linear.ts); the router finds out whom they concern.
 *
 * References: `pull:<owner/repo>#<n>`, `branch:<owner/repo>/<name>`, `base:<owner/repo>/<name>`
 * (what is to be merged into it), `issue:<ref>`, `blocker:<ref>` (an issue that holds
 * another back), `subscription:<owner/repo>`. They are compared without case.
 */
import type { z } from 'zod';
import type { IssueObserved, PullLate } from '../../machines/events/session.ts';
import type { Hook, Source } from './hook.ts';

export interface Author {
  login: string;
  /** The source's id of the account, where logins can change. */
  id?: string;
  /** By the source's own word; the configuration may think otherwise. */
  bot: boolean;
}

/** One of our own accounts. Its login can be changed, and then be another's; where the id is known, it decides. */
export interface OwnAccount {
  login?: string | undefined;
  id?: string | undefined;
}

export function isOneOf(accounts: readonly OwnAccount[], author: Pick<Author, 'login' | 'id'>): boolean {
  return accounts.some(({ login, id }) =>
    id === undefined || author.id === undefined
      ? login?.toLowerCase() === author.login.toLowerCase()
      : id === author.id,
  );
}

/** Look again: a watch finds out itself what changed, so nothing of the hook has to be right. */
export interface Poke {
  kind: 'poke';
  watch: 'pull' | 'issue' | 'repository';
  refs: string[];
  /** What the hook knows, e.g. the head. */
  hint: Record<string, string>;
}

/** Somebody wrote. Keyed by the comment, so that the same one found by a watch is the same fact. */
export interface CommentConcern {
  kind: 'comment';
  refs: string[];
  /** Envelope id: `<source>:comment:<id>`. */
  id: string;
  comment: string;
  on: 'issue' | 'pull';
  author: Author;
  text: string;
  url: string;
  /** Said to us and not only near us: it goes to a finished session too, where it becomes a dead letter, not nothing. */
  spoken: boolean;
}

/** A person pressed stop. */
export interface StopConcern {
  kind: 'stop';
  refs: string[];
  id: string;
  by: Author;
}

/** A pull request was opened: where the work of its branch is over, nobody looks at it. */
export interface OpenedConcern {
  kind: 'opened';
  refs: string[];
  /** Envelope id: one for each pull request, whoever found it. */
  id: string;
  told: PullLate;
}

/** A pull request says which issue it resolves: where nobody has opened another for that, it is the one. */
export interface LinkedConcern {
  kind: 'linked';
  /** Issues it names, the first first. */
  refs: string[];
  /** Envelope id: one for each pull request and issue. */
  id: string;
  repo: string;
  branch: string[];
  number: number;
  author: Author;
}

/** What can be said of an issue without asking its tracker. Whether it is delegated to us the router knows. */
export type ToldIssue = Omit<IssueObserved, 'open' | 'delegated' | 'blockers' | 'ref'>;

/** An issue that may be ours now, or is. */
export interface IssueConcern {
  kind: 'issue';
  source: Source;
  ref: string;
  /** All references by which a session may be known. */
  refs: string[];
  /** By what it may be delegated to us, as the payload shows it. */
  delegates: Delegates;
  /** This very hook says that it was handed over: also a finished session's issue is work again. */
  handedOver: boolean;
  /** By a comment, if at all: one that mentions nobody of us is a comment and nothing more. */
  byComment?: true;
  agentSession?: string;
  /** A session that exists is told the facts, not only poked. */
  tell: boolean;
  /** When this happened, by the source's clock (ISO). */
  at: string;
  told: ToldIssue;
}

export interface Delegates {
  /** Linear: the account the issue is delegated to. */
  delegate?: string;
  /** GitHub: logins, label names, text with mentions. */
  assignees?: string[];
  labels?: string[];
  text?: string;
}

export type Concern = Poke | CommentConcern | StopConcern | IssueConcern | OpenedConcern | LinkedConcern;

/** A hook concerns nobody when a field we need is missing: payloads are the vendor's to change. */
export function read<Schema extends z.ZodType>(
  schema: Schema,
  hook: Hook,
  concerns: (body: z.infer<Schema>, hook: Hook) => Concern[],
): Concern[] {
  const parsed = schema.safeParse(hook.body);
  return parsed.success ? concerns(parsed.data, hook) : [];
}

/** Texts beyond the events' limits are cut, not refused: half a description is more than none. */
export const PROSE_MAX = 200_000;
const LINE_MAX = 1_000;
export const prose = (text: string | null | undefined): string => (text ?? '').slice(0, PROSE_MAX);
export const line = (text: string, otherwise: string): string =>
  text.trim() === '' ? otherwise : text.slice(0, LINE_MAX);

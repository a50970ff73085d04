/**
 * The port to Linear: requests through its SDK's client with documents of our own (its models ask for more than we
 * use), answers checked at the border, refusals as our errors. Reading issues and the list for a start are built on it.
 */
import { explainIssues } from '../../actor/envelope.ts';
import type { Clock } from '../../clock.ts';
import { TerminalError, TransientError } from '../../errors.ts';
import { LIST_AGENT_SESSIONS, LIST_DELEGATED, LIST_TEAMS, READ_VIEWER } from './documents.ts';
import type { AgentSessionPage, DelegatedPage, Operation, TeamPage } from './documents.ts';
import { readIssue } from './issue.ts';
import type { IssueSeen } from './issue.ts';
import { refusalOf } from './refusal.ts';
import { appToken, fixedToken } from './token.ts';
import type { LinearApp } from './token.ts';

export interface LinearOptions {
  /** Default: Linear itself. */
  apiUrl?: string | undefined;
  /** An OAuth access token (`actor=app`), or a personal API key (`lin_api_…`). */
  token: string;
  /** In place of a token: an application of one's own. */
  app?: LinearApp | undefined;
  clock: Clock;
}

export interface DelegatedIssue {
  ref: string;
  updatedAt: string;
  /** When it was last delegated to us. */
  delegatedAt?: string;
  team: { id: string; key: string; name: string };
}

export interface Linear {
  /** @throws TransientError `LINEAR_UNREACHABLE|UNAVAILABLE|RATE_LIMITED`, TerminalError otherwise. */
  ask<Answer>(
    operation: Operation<Answer>,
    variables: Record<string, unknown>,
    signal?: AbortSignal,
    again?: boolean,
  ): Promise<Answer>;
  /** Id of the user we act as. */
  self(signal?: AbortSignal): Promise<string>;
  /** The issue as it is now, by identifier or id; undefined = Linear knows no such issue, or does not show it to us. */
  observeIssue(ref: string, signal?: AbortSignal): Promise<IssueSeen | undefined>;
  /** Issues delegated to us that are not over, for the start after an outage. */
  listDelegated(signal?: AbortSignal): Promise<DelegatedIssue[]>;
  /** Issues on which an agent session of ours began lately and was never answered: a mention we did not hear of. */
  listUnheard(signal?: AbortSignal): Promise<{ ref: string; at: string }[]>;
  /** The teams that Linear shows us, by the key their issues begin with. */
  listTeams(signal?: AbortSignal): Promise<Team[]>;
}

export type Team = TeamPage['nodes'][number];

/** Agent sessions are looked through this far back: what was not answered in days is nobody's present wish. */
const UNHEARD_MS = 3 * 86_400_000;
/** Linear's words for one that got no sign of life yet. */
const UNANSWERED = new Set(['pending', 'stale']);

/** An answer that takes longer is not coming. */
const ANSWER_MS = 30_000;
/** Pages of a list that we follow; beyond this something is wrong with the list, not with the limit. */
const PAGES_MAX = 50;

/** Where Linear itself is. */
export const LINEAR_URL = 'https://api.linear.app/graphql';

export function createLinear({ apiUrl = LINEAR_URL, token, app, clock }: LinearOptions): Linear {
  const bearer = app === undefined ? fixedToken(token) : appToken(app, apiUrl, clock);
  let self: string | undefined;
  /** Linear's limit is of the token: while it lasts, nobody's request is worth sending. */
  let limited: TransientError | undefined;
  let limitedUntilMs = 0;

  const linear: Linear = {
    async ask(operation, variables, signal, again = false) {
      const waitMs = limitedUntilMs - clock.now();
      if (waitMs > 0) {
        const message = `${operation.name}: Linear asked to wait`;
        throw new TransientError('LINEAR_RATE_LIMITED', message, { retryAfterMs: waitMs, cause: limited });
      }
      const late = new AbortController();
      const cancel = clock.after(ANSWER_MS, () => late.abort(new Error(`no answer in ${ANSWER_MS} ms`)));
      const current = await bearer.get().catch((error: unknown) => {
        cancel();
        throw error;
      });
      try {
        // Loaded by the first request: it is as much code as all the rest, and most have nothing at Linear.
        const { LinearClient } = await import('@linear/sdk');
        // The SDK takes a signal for a client, not for a request; a client is no more than its options.
        const { client } = new LinearClient({
          ...(current.startsWith('lin_api_') ? { apiKey: current } : { accessToken: current }),
          apiUrl,
          signal: signal === undefined ? late.signal : AbortSignal.any([signal, late.signal]),
        });
        const { data } = await client.rawRequest<unknown, Record<string, unknown>>(operation.document, variables);
        return parse(operation, data);
      } catch (error) {
        if (error instanceof TerminalError) throw error;
        const refusal = refusalOf(error, operation.name, clock.now());
        if (refusal instanceof TransientError && refusal.retryAfterMs !== undefined) {
          limited = refusal;
          limitedUntilMs = clock.now() + refusal.retryAfterMs;
        }
        // What was refused was not done. An application can have another token, once: revoked again, it is told.
        if (refusal.code === 'LINEAR_UNAUTHORIZED' && !again && bearer.renew(current)) {
          return await linear.ask(operation, variables, signal, true);
        }
        throw refusal;
      } finally {
        cancel();
      }
    },
    async self(signal) {
      self ??= (await linear.ask(READ_VIEWER, {}, signal)).viewer.id;
      return self;
    },
    observeIssue: (ref, signal) => readIssue(linear, ref, signal),
    async listDelegated(signal) {
      const app = await linear.self(signal);
      const found: DelegatedIssue[] = [];
      let after: string | null | undefined = null;
      for (let count = 0; count < PAGES_MAX; count++) {
        const page: DelegatedPage = (await linear.ask(LIST_DELEGATED, { app, after }, signal)).issues;
        for (const { identifier: ref, updatedAt, team, history } of page.nodes) {
          const times = history.nodes
            .filter(({ toDelegate }) => toDelegate?.id === app)
            .map(({ createdAt }) => createdAt);
          const delegatedAt = times.toSorted((a, b) => Date.parse(a) - Date.parse(b)).at(-1);
          found.push({ ref, updatedAt, team, ...(delegatedAt === undefined ? {} : { delegatedAt }) });
        }
        after = page.pageInfo.endCursor;
        if (!page.pageInfo.hasNextPage) break;
      }
      return found;
    },
    async listUnheard(signal) {
      const app = await linear.self(signal);
      const sinceMs = clock.now() - UNHEARD_MS;
      const found: { ref: string; at: string }[] = [];
      let after: string | null | undefined = null;
      for (let count = 0; count < PAGES_MAX; count++) {
        const page: AgentSessionPage = (await linear.ask(LIST_AGENT_SESSIONS, { after }, signal)).agentSessions;
        for (const { appUser, status, startedAt, createdAt, issue } of page.nodes) {
          const isUnheard = appUser.id === app && UNANSWERED.has(status) && startedAt == null;
          if (isUnheard && issue != null && Date.parse(createdAt) >= sinceMs)
            found.push({ ref: issue.identifier, at: createdAt });
        }
        after = page.pageInfo.endCursor;
        const oldest = page.nodes.at(-1)?.createdAt;
        if (!page.pageInfo.hasNextPage || oldest === undefined || Date.parse(oldest) < sinceMs) break;
      }
      return found;
    },
    async listTeams(signal) {
      const found: Team[] = [];
      let after: string | null | undefined = null;
      for (let count = 0; count < PAGES_MAX; count++) {
        const page: TeamPage = (await linear.ask(LIST_TEAMS, { after }, signal)).teams;
        found.push(...page.nodes);
        after = page.pageInfo.endCursor;
        if (!page.pageInfo.hasNextPage) break;
      }
      return found;
    },
  };
  return linear;
}

function parse<Answer>({ name, answer }: Operation<Answer>, data: unknown): Answer {
  const parsed = answer.safeParse(data);
  if (parsed.success) return parsed.data;
  const mistakes = explainIssues(parsed.error).slice(0, 5).join('; ');
  throw new TerminalError('LINEAR_ANSWER', `${name}: not the answer that was asked for: ${mistakes}`);
}

/**
 * What was written on an issue, in order: comments and prompts as `comment.observed`, a pressed stop as
 * `correct.stop`. A reply in an agent session's thread is both a comment and a prompt; it is told once, as the comment.
 */
import type { z } from 'zod';
import type { SESSION_EVENTS } from '../../../machines/events/session.ts';
import type { CommentAnswer, PromptAnswer, WatchedIssueAnswer } from './documents.ts';
import { newestSession } from './issue.ts';

type CommentFacts = z.infer<(typeof SESSION_EVENTS)['comment.observed']['data']>;

export type Word = {
  /** Envelope id, the same whoever tells it. */
  id: string;
  atMs: number;
  /** Who sends it, where that is a person's own doing. */
  by?: string;
} & ({ type: 'comment.observed'; data: CommentFacts } | { type: 'correct.stop'; data: { reason: string } });

/** What the event's schema takes. */
const TEXT_MAX = 200_000;

export const commentFactId = (comment: string): string => `linear:comment:${comment}`;
export const stopFactId = (activity: string): string => `linear:stop:${activity}`;

/** From when on words belong to this piece of work: what was said before it was handed over is in its description. */
export function wordsSince(
  issue: WatchedIssueAnswer,
  comments: readonly CommentAnswer[],
  self: string,
  nowMs: number,
): number {
  const delegated = issue.history.nodes.filter(({ toDelegate }) => toDelegate?.id === self).map(timeOf);
  if (delegated.length > 0) return Math.max(...delegated);
  const session = newestSession(issue, self);
  if (session !== undefined) return timeOf(session);
  // Nobody handed it over in Linear: our own first word shows since when it is ours.
  const ours = comments.filter(({ user }) => user?.id === self).map(timeOf);
  return ours.length > 0 ? Math.min(...ours) : nowMs;
}

export function wordsOf(
  issue: WatchedIssueAnswer,
  comments: readonly CommentAnswer[],
  { self, fromMs }: { self: string; fromMs: number },
): Word[] {
  const session = newestSession(issue, self);
  /** The comment that called us is older than the agent session it called for. */
  const calls = [session?.comment?.id, session?.sourceComment?.id];
  const prompts = issue.agentSessions.nodes
    .filter(({ appUser }) => appUser.id === self)
    .flatMap(({ activities }) => activities.nodes);
  const stops = prompts.filter(({ signal }) => signal === 'stop');
  const silent = new Set(stops.map(({ sourceComment }) => sourceComment?.id));
  const spoken = comments.filter((comment) => !comment.isArtificialAgentSessionRoot && !silent.has(comment.id));
  const asComments = new Set(spoken.map(({ id }) => id));
  const words: Word[] = [
    ...spoken.map((comment) => commentWord(comment, self)),
    ...prompts
      .filter(({ signal, sourceComment }) => signal !== 'stop' && !asComments.has(sourceComment?.id ?? ''))
      .map((prompt) => promptWord(prompt, issue.url, self)),
    ...stops.map(stopWord),
  ];
  return words
    .filter(({ atMs, id }) => atMs >= fromMs || calls.some((call) => call !== undefined && id === commentFactId(call)))
    .toSorted((a, b) => a.atMs - b.atMs);
}

function commentWord(comment: CommentAnswer, self: string): Word {
  const { id, body, url, user, externalUser, botActor } = comment;
  const person = user == null ? externalUser != null : !user.app;
  return {
    id: commentFactId(id),
    atMs: timeOf(comment),
    type: 'comment.observed',
    data: {
      comment: id,
      on: 'issue',
      author: {
        login: user?.name ?? externalUser?.name ?? botActor?.name ?? 'unknown',
        kind: user?.id === self ? 'self' : person ? 'person' : 'bot',
      },
      text: body.slice(0, TEXT_MAX),
      url,
    },
  };
}

function promptWord(prompt: PromptAnswer, url: string, self: string): Word {
  const comment = prompt.sourceComment?.id ?? prompt.id;
  const { id, name, app } = prompt.user;
  return {
    id: commentFactId(comment),
    atMs: timeOf(prompt),
    type: 'comment.observed',
    data: {
      comment,
      on: 'issue',
      author: { login: name, kind: id === self ? 'self' : app ? 'bot' : 'person' },
      text: (prompt.content.body ?? '').slice(0, TEXT_MAX),
      url,
    },
  };
}

function stopWord(prompt: PromptAnswer): Word {
  return {
    id: stopFactId(prompt.id),
    atMs: timeOf(prompt),
    by: prompt.user.name,
    type: 'correct.stop',
    // In the words of the hook that tells the same.
    data: { reason: `${prompt.user.name} pressed stop` },
  };
}

const timeOf = ({ createdAt }: { createdAt: string }): number => Date.parse(createdAt);

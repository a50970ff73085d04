/** A Linear issue as `issue.observed` tells it, with the name under which this fact is told. */
import type { IssueObserved } from '../../../machines/events/session.ts';
import { TerminalError } from '../../errors.ts';
import { createTold } from '../told.ts';
import { READ_BLOCKERS, READ_ISSUE } from './documents.ts';
import type { IssueAnswer } from './documents.ts';
import type { Linear } from './linear.ts';

export type IssueFacts = Omit<IssueObserved, 'open'>;

export interface IssueSeen {
  /** Envelope id of `issue.observed` for exactly these facts, whoever tells them. */
  id: string;
  facts: IssueFacts;
  /** What changes with every change at Linear, also where the facts end up as they were. */
  stamps: unknown;
  team: { id: string; key: string; name: string };
  labels: string[];
}

/** What the event's schema takes (machines/events/common.ts); a longer text is cut, not refused. */
const TITLE_MAX = 1_000;
const BODY_MAX = 200_000;
const BLOCKERS_MAX = 500;

type Relations = IssueAnswer['inverseRelations']['nodes'];

export async function readIssue(linear: Linear, ref: string, signal?: AbortSignal): Promise<IssueSeen | undefined> {
  try {
    const { viewer, issue } = await linear.ask(READ_ISSUE, { id: ref }, signal);
    return await seenOf(linear, issue, { ref, self: viewer.id }, signal);
  } catch (error) {
    if (error instanceof TerminalError && error.code === 'LINEAR_NOT_FOUND') return undefined;
    throw error;
  }
}

export async function seenOf(
  linear: Linear,
  issue: IssueAnswer,
  { ref, self }: { ref: string; self: string },
  signal?: AbortSignal,
): Promise<IssueSeen> {
  const blocking = (await blockingOf(linear, issue, signal)).filter(({ type }) => type === 'blocks');
  const blockers = blocking.map((relation) => ({
    ref: relation.issue.identifier,
    done: isOver(relation.issue.state.type),
  }));
  const session = newestSession(issue, self);
  const facts: IssueFacts = {
    // An issue that moved to another team keeps the name under which its session knows it.
    ref: issue.previousIdentifiers.includes(ref.toUpperCase()) ? ref : issue.identifier,
    url: issue.url,
    title: issue.title.slice(0, TITLE_MAX) || '(no title)',
    body: (issue.description ?? '').slice(0, BODY_MAX),
    delegated: issue.delegate?.id === self,
    state: issue.state,
    priority: Math.min(4, Math.max(0, Math.round(issue.priority))),
    // Open ones first: what is cut off holds nothing back.
    blockers: blockers.toSorted((a, b) => Number(a.done) - Number(b.done)).slice(0, BLOCKERS_MAX),
    ...(session === undefined ? {} : { agentSession: session.id }),
    removed: issue.trashed === true,
    updatedAt: issue.updatedAt,
  };
  // A blocker's end does not touch the issue itself: the name of the fact must know of it all the same.
  const stamps = blocking.map(({ id, updatedAt, issue }) => [id, updatedAt, issue.updatedAt].join()).toSorted();
  return {
    id: issueFactId(facts, stamps),
    facts,
    stamps,
    team: issue.team,
    labels: issue.labels.nodes.map(({ name }) => name),
  };
}

export const factPrefix = (ref: string): string => `linear:issue:${ref.toLowerCase()}`;

function issueFactId(facts: IssueFacts, stamps: unknown): string {
  return createTold(factPrefix(facts.ref)).idFor(facts, stamps) ?? factPrefix(facts.ref);
}

/** Our newest agent session on this issue: an issue handed over again has another. */
export function newestSession<Session extends { createdAt: string; appUser: { id: string } }>(
  { agentSessions }: { agentSessions: { nodes: Session[] } },
  self: string,
): Session | undefined {
  return agentSessions.nodes
    .filter(({ appUser }) => appUser.id === self)
    .toSorted((a, b) => Date.parse(a.createdAt) - Date.parse(b.createdAt))
    .at(-1);
}

async function blockingOf(linear: Linear, issue: IssueAnswer, signal: AbortSignal | undefined): Promise<Relations> {
  const all = [...issue.inverseRelations.nodes];
  let { hasNextPage, endCursor } = issue.inverseRelations.pageInfo;
  while (hasNextPage && all.length < BLOCKERS_MAX) {
    const answer = await linear.ask(READ_BLOCKERS, { id: issue.id, after: endCursor }, signal);
    all.push(...answer.issue.inverseRelations.nodes);
    ({ hasNextPage, endCursor } = answer.issue.inverseRelations.pageInfo);
  }
  return all;
}

const isOver = (type: string): boolean => type === 'completed' || type === 'canceled' || type === 'duplicate';

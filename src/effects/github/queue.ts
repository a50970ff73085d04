/**
 * Where a pull request stands in a merge queue: a queue that reports by a check run (its incident as JSON in the
 * check's text), or GitHub's own, by its events. Pure.
 */
import { z } from 'zod';
import type { PullObserved } from '../../../machines/events/session.ts';
import type { IssueEventAnswer } from './answers.ts';
import { standingOf } from './gate.ts';
import type { Report } from './gate.ts';

export type QueueFacts = PullObserved['queue'];
type Incident = NonNullable<QueueFacts['incident']>;

export interface QueueInput {
  head: string;
  closed: boolean;
  /** GitHub merges by itself once everything required holds. */
  autoMerge: boolean;
  green: boolean;
  /** The queue's check run on this head. */
  report?: Report | undefined;
  /** Events of the pull request, oldest first; empty where the base branch has no queue. */
  events: readonly IssueEventAnswer[];
  /** ISO time of the head commit: a head made after an eviction was not evicted by it. */
  headAt?: string | undefined;
}

const OUT: QueueFacts = { state: 'out' };

export function queueOf({ head, closed, autoMerge, green, report, events, headAt }: QueueInput): QueueFacts {
  if (closed) return OUT;
  if (report !== undefined) {
    if (report.conclusion === null) return { state: 'waiting' };
    if (standingOf(report) === 'bad') return { state: 'evicted', incident: incidentOf(report, head) };
  }
  const last = lastOfQueue(events);
  if (last?.event === 'added_to_merge_queue') return { state: 'waiting' };
  if (last !== undefined && isEviction(last) && !isNewerHead(headAt, last)) {
    return {
      state: 'evicted',
      incident: {
        id: String(last.id),
        title: 'Removed from the merge queue',
        summary: `GitHub removed the pull request from its merge queue at ${last.created_at}.`,
        head,
      },
    };
  }
  return autoMerge && green ? { state: 'waiting' } : OUT;
}

/** The last time the pull request entered or left GitHub's queue. */
export function lastOfQueue(events: readonly IssueEventAnswer[]): IssueEventAnswer | undefined {
  return events.findLast(({ event }) => event === 'added_to_merge_queue' || event === 'removed_from_merge_queue');
}

/** A person who takes a pull request out of the queue changed their mind; GitHub's bot found it unfit. */
const isEviction = ({ actor }: IssueEventAnswer): boolean => actor.type === 'Bot' || actor.login.endsWith('[bot]');

function isNewerHead(headAt: string | undefined, { created_at }: IssueEventAnswer): boolean {
  return headAt !== undefined && Date.parse(headAt) > Date.parse(created_at);
}

const incidentText = z.looseObject({
  incidentId: z.coerce.string().optional(),
  incidentUrl: z.string().optional(),
});

/** What an eviction says of itself. A text that is no JSON leaves the incident with what the check run shows. */
export function incidentOf(report: Report, head: string): Incident {
  const { incidentId, incidentUrl, ...context } = parseIncident(report.text);
  return {
    ...(incidentId === undefined ? {} : { id: incidentId }),
    ...(incidentUrl === undefined ? {} : { url: incidentUrl }),
    ...(report.title === '' ? {} : { title: report.title }),
    ...(report.summary === '' ? {} : { summary: report.summary }),
    check: report.name,
    ...(report.url === null ? {} : { checkUrl: report.url }),
    head,
    ...(Object.keys(context).length === 0 ? {} : { context }),
  };
}

function parseIncident(text: string): z.infer<typeof incidentText> {
  try {
    const parsed = incidentText.safeParse(JSON.parse(text));
    return parsed.success ? parsed.data : {};
  } catch {
    return {};
  }
}

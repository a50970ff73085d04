/** Watches a Linear issue: tells its facts when they change, and what people write on it and to its agent session. */
import { timerMs } from '../../../machines/contract.ts';
import type { Timers } from '../../../machines/contract.ts';
import type { WatchParams } from '../../../machines/effects.ts';
import type { Clock } from '../../clock.ts';
import { TerminalError } from '../../errors.ts';
import type { Logger } from '../../log.ts';
import type { WatchPerformer } from '../effect.ts';
import { createLooking } from '../looking.ts';
import type { Looked } from '../looking.ts';
import { createTold } from '../told.ts';
import { READ_COMMENTS, WATCH_ISSUE } from './documents.ts';
import type { WatchedIssueAnswer } from './documents.ts';
import { factPrefix, seenOf } from './issue.ts';
import type { IssueFacts } from './issue.ts';
import type { Linear } from './linear.ts';
import { wordsOf, wordsSince } from './words.ts';

export interface LinearIssueWatchOptions {
  linear: Linear;
  clock: Clock;
  log: Logger;
  timers: Timers;
}

/** What a poke may bring along: the tracker itself said that the issue is gone. */
export interface LinearHint {
  removed?: boolean;
}

/** Words older than this are not told again after a restart: actors forget ids after seven days. */
const RETELL_MS = 6 * 86_400_000;
/** A comment may become readable later than a younger one. */
const OVERLAP_MS = 120_000;
/** Pages of comments followed in one look. */
const PAGES_MAX = 40;

/** For `source: linear` only; the watch of the other tracker is elsewhere. */
export function createLinearIssueWatch(options: LinearIssueWatchOptions): WatchPerformer<WatchParams<'issue'>> {
  const { linear, clock, log, timers } = options;
  return {
    kind: 'watch',
    start(first, context) {
      const source = `linear/${first.ref}`;
      const told = createTold(factPrefix(first.ref));
      let params = first;
      let last: IssueFacts | undefined;
      let removed = false;
      /** Words from here on are asked for. */
      let askedFromMs = clock.now() - RETELL_MS;
      /** Words from here on are this session's; found out by the first look. */
      let ownFromMs: number | undefined;
      /** Ids told, or found not to be told, in the last look. */
      let known = new Set<string>();

      async function tellFacts(facts: IssueFacts, stamps: unknown): Promise<boolean> {
        last = facts;
        const id = told.idFor(facts, stamps);
        if (id === undefined) return false;
        await context.tell('issue.observed', facts, { id, source });
        told.keep(facts, id);
        return true;
      }

      async function look(signal: AbortSignal): Promise<Looked> {
        const since = new Date(askedFromMs).toISOString();
        let answer;
        try {
          answer = await linear.ask(WATCH_ISSUE, { id: params.ref, since }, signal);
        } catch (error) {
          const isGone = error instanceof TerminalError && error.code === 'LINEAR_NOT_FOUND';
          // Not found is also what a lost permission looks like: only Linear's own word makes it a removal.
          if (!isGone || !removed || last === undefined) throw error;
          return { news: await tellFacts({ ...last, removed: true }, 'gone') };
        }
        const { viewer, issue } = answer;
        const { facts, stamps } = await seenOf(linear, issue, { ref: params.ref, self: viewer.id }, signal);
        let news = await tellFacts(facts, stamps);
        if (facts.removed) return { news };
        const comments = await allComments(issue, since, signal);
        ownFromMs ??= wordsSince(issue, comments, viewer.id, clock.now());
        const words = wordsOf(issue, comments, { self: viewer.id, fromMs: ownFromMs });
        for (const { id, type, data, by } of words) {
          if (known.has(id)) continue;
          await context.tell(type, data, { id, source: by === undefined ? source : `linear/${by}`.slice(0, 256) });
          known.add(id);
          news = true;
        }
        known = new Set(words.map(({ id }) => id));
        const newest = words.at(-1);
        if (newest !== undefined) askedFromMs = Math.max(askedFromMs, newest.atMs - OVERLAP_MS);
        return { news };
      }

      async function allComments(
        issue: WatchedIssueAnswer,
        since: string,
        signal: AbortSignal,
      ): Promise<WatchedIssueAnswer['comments']['nodes']> {
        const all = [...issue.comments.nodes];
        let { pageInfo } = issue.comments;
        for (let count = 1; pageInfo.hasNextPage && count < PAGES_MAX; count++) {
          const after = pageInfo.endCursor;
          const next = (await linear.ask(READ_COMMENTS, { id: issue.id, since, after }, signal)).issue.comments;
          all.push(...next.nodes);
          ({ pageInfo } = next);
        }
        return all;
      }

      const looking = createLooking({
        clock,
        log: log.child({ actor: context.actor, watch: 'issue' }),
        look,
        trouble: context.trouble,
        pace: () => ({
          awaited: params.awaited,
          shortMs: timerMs({ timers }, 'reconcile'),
          longMs: timerMs({ timers }, 'reconcileMax'),
        }),
      });
      looking.now();
      return {
        update(next) {
          const retime = next.awaited !== params.awaited;
          params = next;
          if (retime) looking.retime();
        },
        poke(hint) {
          removed ||= (hint as LinearHint | undefined)?.removed === true;
          looking.now();
        },
        stop: () => looking.stop(),
      };
    },
  };
}

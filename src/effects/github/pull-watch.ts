/**
 * Watches the pull request of a session: finds it, looks again while something is awaited, and tells what changed.
 * Hooks only make it look sooner, so that a lost one costs time and nothing else.
 */
import type { Timers } from '../../../machines/contract.ts';
import type { WatchParams } from '../../../machines/effects.ts';
import type { OwnAccount } from '../../bridge/concern.ts';
import type { Clock } from '../../clock.ts';
import type { Logger } from '../../log.ts';
import type { Watch, WatchContext, WatchPerformer } from '../effect.ts';
import type { TimedComment } from './comments.ts';
import type { Github } from './github.ts';
import { createLooking, paceOf } from '../looking.ts';
import type { Looked } from '../looking.ts';
import { readPull } from './pull-facts.ts';
import type { HeadBy, PullLook } from './pull-facts.ts';
import { createTold } from '../told.ts';
import type { Told } from '../told.ts';

export interface PullWatchOptions {
  github: Github;
  clock: Clock;
  log: Logger;
  /** Was this head pushed by a run of this session? */
  headBy: HeadBy;
  /** This system's account and its agents': `github.own`. */
  self: () => Promise<readonly OwnAccount[]>;
  /** Bots whose word counts as a person's. */
  bots: readonly string[];
  people?: readonly string[] | undefined;
  /** `reconcile` and `reconcileMax` of the configuration. */
  timers: Timers;
}

/** GitHub works out whether a pull request can be merged after it was first asked. */
const MERGEABLE_MS = 3_000;
/** What another session held is told again at this look after, and then half as often each time. */
const AGAIN_LOOKS = 3;
/** Asked this often in a row without an answer, it will not come soon. */
const MERGEABLE_TRIES = 5;

export function createPullWatch(options: PullWatchOptions): WatchPerformer<WatchParams<'pull'>> {
  return { kind: 'watch', start: (params, context) => startWatch(options, params, context) };
}

function startWatch(
  { github, clock, log: parentLog, headBy, self, bots, people, timers }: PullWatchOptions,
  first: WatchParams<'pull'>,
  context: WatchContext,
): Watch<WatchParams<'pull'>> {
  const account = github.account();
  const log = parentLog.child({ actor: context.actor, watch: 'pull' });
  const tellers = new Map<number, Told>();
  /** Numbers that are another session's, with the look at which they are told again: it may have let go of them. */
  const refused = new Map<number, { looks: number; again: number }>();
  const missed = new Set<string>();
  const toldComments = new Set<string>();
  let params = first;
  let unknownMergeable = 0;

  async function look(signal: AbortSignal): Promise<Looked> {
    const { repo } = params;
    const seen = await readPull({
      account,
      current: github.renames.current,
      params,
      headBy: (branch, head) => headBy(context.actor, repo, branch, head),
      authors: { self: await self(), bots, people },
      signal,
    });
    if (seen === undefined || signal.aborted) return { news: false };
    if ('missed' in seen) return { news: await tellMissed(seen.missed) };
    const news = await tellFacts(repo, seen);
    const wrote = !refused.has(seen.facts.number) && (await tellComments(seen.comments));
    unknownMergeable = seen.facts.conflict === null ? unknownMergeable + 1 : 0;
    const asksAgain = unknownMergeable > 0 && unknownMergeable <= MERGEABLE_TRIES;
    return { news: news || wrote, againMs: asksAgain ? MERGEABLE_MS : undefined };
  }

  async function tellFacts(repo: string, { facts, stamps }: PullLook): Promise<boolean> {
    const { number, head, updatedAt } = facts;
    const told = tellers.get(number) ?? createTold(`github:pull:${repo.toLowerCase()}#${number}`);
    tellers.set(number, told);
    const waits = refused.get(number);
    if (waits !== undefined && ++waits.looks === waits.again) told.again();
    const id = told.idFor(facts, [stamps, head, updatedAt]);
    if (id === undefined) return false;
    const { outcome, code, reason } = await context.tell('pull.observed', facts, { id, source: `github/${repo}` });
    // Kept also when refused: the same envelope would get the same answer for ever.
    told.keep(facts, id);
    if (outcome !== 'refused') refused.delete(number);
    else {
      refused.set(number, { looks: 0, again: 2 * (waits?.again ?? AGAIN_LOOKS / 2) });
      log[waits === undefined ? 'warn' : 'debug']({ pull: number, code, reason }, 'pull request refused');
      // Attached here, but another's work: let go of, or neither of the two could ever see it.
      if (code === 'claim' && number === params.number) await tellMissed(reason ?? 'another session works on it');
    }
    return true;
  }

  /** Once for each time the session came to this number; one that was seen before is only out of sight. */
  async function tellMissed(reason: string): Promise<boolean> {
    const { repo, number, look } = params;
    const id = `github:pull:${repo.toLowerCase()}#${number}:missed:${look}`;
    if (number === undefined || missed.has(id) || (tellers.has(number) && !refused.has(number))) return false;
    await context.tell('pull.missed', { number, reason }, { id, source: `github/${repo}` });
    missed.add(id);
    return true;
  }

  async function tellComments(comments: readonly TimedComment[]): Promise<boolean> {
    let news = false;
    for (const { comment } of comments) {
      if (toldComments.has(comment.comment)) continue;
      const id = `github:comment:${comment.comment}`;
      await context.tell('comment.observed', comment, { id, source: `github/${params.repo}` });
      toldComments.add(comment.comment);
      news = true;
    }
    return news;
  }

  const looking = createLooking({
    clock,
    log,
    look,
    trouble: context.trouble,
    pace: () => paceOf(timers, account.budget, params.awaited),
  });
  looking.now();

  return {
    update(next) {
      const { awaited } = params;
      const moved = whatIsLookedAt(next) !== whatIsLookedAt(params);
      params = next;
      if (moved) looking.now();
      else if (next.awaited !== awaited) looking.retime();
    },
    poke: () => looking.now(),
    stop: () => looking.stop(),
  };
}

/** Everything but the rhythm: a change of it is looked at now. */
function whatIsLookedAt(params: WatchParams<'pull'>): string {
  return JSON.stringify({ ...params, awaited: null });
}

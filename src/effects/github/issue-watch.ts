/** Watches a GitHub issue from which a session came: tells its state, and what is written on it. */
import type { Timers } from '../../../machines/contract.ts';
import type { WatchParams } from '../../../machines/effects.ts';
import type { OwnAccount } from '../../bridge/concern.ts';
import type { Clock } from '../../clock.ts';
import { TerminalError } from '../../errors.ts';
import type { Logger } from '../../log.ts';
import type { WatchPerformer } from '../effect.ts';
import { commentsOf } from './comments.ts';
import type { Github } from './github.ts';
import { issuePrefix, readComments, readIssue } from './issue.ts';
import type { Delegation, IssueSeen } from './issue.ts';
import { createLooking, paceOf } from '../looking.ts';
import type { Looked } from '../looking.ts';
import { createTold } from '../told.ts';

export interface IssueWatchOptions {
  github: Github;
  clock: Clock;
  log: Logger;
  self: () => Promise<readonly OwnAccount[]>;
  bots: readonly string[];
  people?: readonly string[] | undefined;
  timers: Timers;
  /** What hands an issue of this repository over. Nothing configured: its session was opened by hand and stays so. */
  delegation: (repo: string) => Delegation;
}

/** For `source: github` only; the watch of the other tracker is elsewhere. */
export function createGithubIssueWatch(options: IssueWatchOptions): WatchPerformer<WatchParams<'issue'>> {
  const { github, clock, log, self, bots, people, timers, delegation } = options;
  return {
    kind: 'watch',
    start(first, context) {
      const account = github.account();
      const told = createTold(issuePrefix(first.ref));
      const toldComments = new Set<string>();
      let params = first;
      let last: IssueSeen | undefined;

      async function read(signal: AbortSignal): Promise<IssueSeen> {
        const given = delegation(params.repo);
        try {
          const seen = await readIssue(account, params.ref, given, signal);
          return isEmpty(given) ? { ...seen, facts: { ...seen.facts, delegated: true } } : seen;
        } catch (error) {
          // Only “gone” is removal; “not found” is also what a lost permission looks like.
          if (last === undefined || !(error instanceof TerminalError) || error.code !== 'GITHUB_GONE') throw error;
          return { ...last, facts: { ...last.facts, removed: true } };
        }
      }

      async function look(signal: AbortSignal): Promise<Looked> {
        last = await read(signal);
        const { facts, stamps } = last;
        const source = `github/${params.repo}`;
        const id = told.idFor(facts, stamps);
        if (id !== undefined) {
          await context.tell('issue.observed', facts, { id, source });
          told.keep(facts, id);
        }
        const written = facts.removed ? [] : await readComments(account, params.ref, signal);
        let news = id !== undefined;
        for (const { comment } of commentsOf(written, 'issue', { self: await self(), bots, people })) {
          if (toldComments.has(comment.comment)) continue;
          await context.tell('comment.observed', comment, { id: `github:comment:${comment.comment}`, source });
          toldComments.add(comment.comment);
          news = true;
        }
        return { news };
      }

      const looking = createLooking({
        clock,
        log: log.child({ actor: context.actor, watch: 'issue' }),
        look,
        trouble: context.trouble,
        pace: () => paceOf(timers, account.budget, params.awaited),
      });
      looking.now();
      return {
        update(next) {
          const retime = next.awaited !== params.awaited;
          params = next;
          if (retime) looking.retime();
        },
        poke: () => looking.now(),
        stop: () => looking.stop(),
      };
    },
  };
}

const isEmpty = ({ labels = [], assignees = [], mentions = [] }: Delegation): boolean =>
  labels.length + assignees.length + mentions.length === 0;

/** Watches the open pull requests of the repositories a reviewer subscribed to. */
import type { Timers } from '../../../machines/contract.ts';
import type { WatchParams } from '../../../machines/effects.ts';
import type { Clock } from '../../clock.ts';
import type { Logger } from '../../log.ts';
import type { WatchPerformer } from '../effect.ts';
import { pullAnswer } from './answers.ts';
import type { Github } from './github.ts';
import { createLooking, paceOf } from '../looking.ts';
import type { Looked } from '../looking.ts';
import { coordinates } from './names.ts';
import { createTold } from '../told.ts';
import type { Told } from '../told.ts';

export interface RepositoryWatchOptions {
  github: Github;
  clock: Clock;
  log: Logger;
  timers: Timers;
}

export function createRepositoryWatch(options: RepositoryWatchOptions): WatchPerformer<WatchParams<'repository'>> {
  const { github, clock, log: parentLog, timers } = options;
  return {
    kind: 'watch',
    start(first, context) {
      const account = github.account();
      const log = parentLog.child({ actor: context.actor, watch: 'repository' });
      const tellers = new Map<string, Told>();
      let { repos } = first;

      async function look(signal: AbortSignal): Promise<Looked> {
        // One that fails must not hide the others; the failure is thrown when all were looked at.
        const looks = await Promise.allSettled(repos.map((repo) => lookAt(repo, signal)));
        for (const one of looks) if (one.status === 'rejected') throw one.reason;
        return { news: looks.some((one) => one.status === 'fulfilled' && one.value) };
      }

      async function lookAt(repo: string, signal: AbortSignal): Promise<boolean> {
        const params = { ...coordinates(repo), state: 'open', sort: 'created', direction: 'asc' };
        const open = await account.list(pullAnswer, 'GET /repos/{owner}/{repo}/pulls', params, { signal });
        const pulls = open.map((pull) => ({
          number: pull.number,
          head: pull.head.sha,
          author: pull.user.login,
          draft: pull.draft,
          state: pull.state,
          title: pull.title,
          url: pull.html_url,
        }));
        const told = tellers.get(repo) ?? createTold(`github:pulls:${repo.toLowerCase()}`);
        tellers.set(repo, told);
        const id = told.idFor(
          pulls,
          open.map(({ updated_at }) => updated_at),
        );
        if (id === undefined) return false;
        await context.tell('pulls.observed', { repo, pulls }, { id, source: `github/${repo}` });
        told.keep(pulls, id);
        return true;
      }

      const looking = createLooking({
        clock,
        log,
        look,
        trouble: context.trouble,
        pace: () => paceOf(timers, account.budget, false),
      });
      looking.now();
      return {
        update(next) {
          const changed = JSON.stringify(next.repos) !== JSON.stringify(repos);
          ({ repos } = next);
          for (const repo of tellers.keys()) if (!repos.includes(repo)) tellers.delete(repo);
          if (changed) looking.now();
        },
        poke: () => looking.now(),
        stop: () => looking.stop(),
      };
    },
  };
}

/**
 * Repositories keep the name by which they are configured, whatever they are called at GitHub meanwhile: renamed or
 * given to another owner. GitHub answers under the old name too; but its hooks bear the new one, and so do branches.
 */
import { z } from 'zod';
import type { Clock } from '../../clock.ts';
import { TerminalError } from '../../errors.ts';
import type { Logger } from '../../log.ts';
import type { Account } from './account.ts';
import { coordinates, sameName } from './names.ts';

export interface Renames {
  /** What GitHub calls it now. */
  current(repo: string, signal?: AbortSignal): Promise<string>;
  /** The configured name of one that GitHub calls so, as far as is known without asking; undefined: ask. */
  known(fullName: string): string | undefined;
  /** The configured name of one that GitHub calls so; of none of ours: the name itself. */
  configured(fullName: string): Promise<string>;
  /** Those that are called otherwise now, for people: the configuration wants a change. */
  renamed(): { repo: string; now: string }[];
}

interface RenamesOptions {
  account: Account;
  repos: readonly string[];
  clock: Clock;
  log: Logger;
}

/** Asked again after this; a repository is not renamed every day. */
const KEPT_MS = 900_000;
const answer = z.object({ full_name: z.string() });

export function createRenames({ account, repos, clock, log }: RenamesOptions): Renames {
  const names = new Map<string, { now: string; untilMs: number }>();
  /** Names in hooks that are none of ours. */
  const strangers = new Map<string, number>();

  async function current(repo: string, signal?: AbortSignal): Promise<string> {
    const before = names.get(repo);
    if (before !== undefined && before.untilMs > clock.now()) return before.now;
    let now = repo;
    try {
      now = (await account.get(answer, 'GET /repos/{owner}/{repo}', coordinates(repo), signal)).full_name;
    } catch (error) {
      // Gone, or not shown to us: whoever looks at it says so.
      if (!(error instanceof TerminalError)) throw error;
    }
    if (!sameName(now, repo) && before?.now !== now)
      log.warn({ repo, now }, 'a repository has another name at GitHub: change the configuration');
    names.set(repo, { now, untilMs: clock.now() + KEPT_MS });
    return now;
  }

  const find = (fullName: string): string | undefined =>
    repos.find((repo) => sameName(repo, fullName)) ?? [...names].find(([, { now }]) => sameName(now, fullName))?.[0];

  return {
    current,
    known: (fullName) =>
      find(fullName) ?? ((strangers.get(fullName.toLowerCase()) ?? 0) > clock.now() ? fullName : undefined),
    async configured(fullName) {
      for (const repo of repos) {
        const { now } = names.get(repo) ?? {};
        // What is known may be what it was called before.
        if (now === undefined || !sameName(now, fullName)) names.delete(repo);
        await current(repo).catch(() => repo);
      }
      const found = find(fullName);
      if (found === undefined) strangers.set(fullName.toLowerCase(), clock.now() + KEPT_MS);
      return found ?? fullName;
    },
    renamed: () => [...names].flatMap(([repo, { now }]) => (sameName(repo, now) ? [] : [{ repo, now }])),
  };
}

/** What the router knows of who we are and what is handed to us, and what a sweep compares, from the configuration. */
import { openedConcern } from '../bridge/github.ts';
import type { RouterConfig } from '../bridge/router.ts';
import type { SweptSource } from '../bridge/sweep.ts';
import type { Clock } from '../clock.ts';
import type { Config, RepoConfig } from '../config/config.ts';
import type { Logger } from '../log.ts';
import { createDeliveryLog } from './github/deliveries.ts';
import type { Github } from './github/github.ts';
import { isDelegated } from './github/issue.ts';
import type { Delegation } from './github/issue.ts';
import { hasMark } from './github/names.ts';
import type { Linear } from './linear/linear.ts';

/** By what an issue of this repository is handed over. */
export function delegationOf(repo: RepoConfig | undefined): Delegation {
  const { assignee, label, mention } = repo?.github ?? {};
  return {
    ...(label === undefined ? {} : { labels: [label] }),
    ...(assignee === undefined ? {} : { assignees: [assignee] }),
    ...(mention === undefined ? {} : { mentions: [mention] }),
  };
}

export interface Trackers {
  config: Pick<Config, 'repos' | 'bots' | 'github' | 'linear' | 'webhooks'>;
  github: Github;
  linear: Linear;
  delegation: (repo: string) => Delegation;
}

/** What the router must know of who we are. A tracker that is not there yet is asked again by its watches. */
export async function routingOf({
  config,
  github,
  linear,
  delegation,
  log,
}: Trackers & { log: Logger }): Promise<RouterConfig> {
  const known = async <Value>(ask: () => Promise<Value>, otherwise: Value, what: string): Promise<Value> => {
    try {
      return await ask();
    } catch (error) {
      log.warn({ err: (error as Error).message }, `${what} is not known yet`);
      return otherwise;
    }
  };
  const linearSelf = config.linear.token === '' ? '' : await known(() => linear.self(), '', 'our Linear account');
  const logins = await known(() => github.logins(), [], 'our GitHub login');
  return {
    repos: config.repos,
    self: { github: logins, linear: linearSelf === '' ? [] : [linearSelf] },
    bots: config.bots,
    isDelegated: {
      linear: ({ delegate }) => delegate !== undefined && (linearSelf === '' || delegate === linearSelf),
      github: ({ assignees = [], labels = [], text = '' }, ref) =>
        isDelegated({ assignees, labels }, [text], delegation(ref.split('#')[0]!)),
    },
    isOwnText: hasMark,
    repoNames: github.renames,
  };
}

export function sweptOf({ config, github, linear, delegation, clock }: Trackers & { clock: Clock }): SweptSource[] {
  const swept: SweptSource[] = [];
  const { token, app } = config.github;
  if (config.repos.length > 0 && (token !== '' || app !== undefined)) {
    const repos = config.repos.map(({ name }) => name);
    const log = createDeliveryLog({ account: github.account(), app: app !== undefined, repos, clock });
    swept.push({
      source: 'github',
      // Nobody is expected to send hooks where no secret is set: watches look by themselves.
      ...(config.webhooks.github.secret === '' ? {} : { log }),
      async listHandedOver(signal) {
        const lists = await Promise.all(
          config.repos
            .filter((repo) => repo.github !== undefined)
            .map(({ name }) => github.listDelegated(name, delegation(name), signal)),
        );
        return lists.flat().map(({ ref, at }) => ({
          source: 'github' as const,
          ref,
          at,
          read: async () => (await github.observeIssue(ref, delegation(ref.split('#')[0]!), signal)) ?? null,
        }));
      },
      note: () =>
        github.renames
          .renamed()
          .map(({ repo, now }) => `${repo} is called ${now} at GitHub now: change the configuration`)
          .join('; ') || null,
      async listOpened(signal) {
        await Promise.all(repos.map((repo) => github.renames.current(repo, signal)));
        const lists = await Promise.all(
          repos.map(async (repo) =>
            (await github.listOpen(repo, signal)).map(({ branch, number, url, author, openedAt }) =>
              openedConcern(repo, branch, { number, url, author, openedAt }),
            ),
          ),
        );
        return lists.flat();
      },
    });
  }
  if (config.linear.token !== '')
    swept.push({
      source: 'linear',
      async listHandedOver(signal) {
        const [delegated, unheard] = [await linear.listDelegated(signal), await linear.listUnheard(signal)];
        const handed = [
          ...delegated.map(({ ref, delegatedAt }) => ({ ref, at: delegatedAt })),
          ...unheard.filter(({ ref }) => delegated.every((other) => other.ref !== ref)),
        ];
        return handed.map(({ ref, at }) => ({
          source: 'linear' as const,
          ref,
          at,
          read: async () => (await linear.observeIssue(ref, signal)) ?? null,
        }));
      },
    });
  return swept;
}

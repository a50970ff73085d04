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
import { hasLinear } from './linear/token.ts';

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
  config: Pick<Config, 'repos' | 'bots' | 'people' | 'github' | 'linear' | 'webhooks'>;
  github: Github;
  linear: Linear;
  delegation: (repo: string) => Delegation;
}

/** A tracker that did not say who we are is asked again after this: hooks do not wait for it one after another. */
const ASK_AGAIN_MS = 60_000;

interface Learned<Value> {
  /** @returns the last answer where the tracker gives none now; undefined: it never gave one. */
  ask(): Promise<Value | undefined>;
  latest(): Value | undefined;
}

/** @param question cheap where it was answered before: it is asked for every comment. */
function learned<Value>(
  question: () => Promise<Value>,
  { clock, log, what }: { clock: Clock; log: Logger; what: string },
): Learned<Value> {
  let latest: Value | undefined;
  let pending: Promise<Value | undefined> | undefined;
  let againAtMs = 0;
  const attempt = async (): Promise<Value | undefined> => {
    try {
      latest = await question();
    } catch (error) {
      againAtMs = clock.now() + ASK_AGAIN_MS;
      log.warn({ err: (error as Error).message }, `${what} is not known now`);
    } finally {
      pending = undefined;
    }
    return latest;
  };
  return {
    async ask() {
      if (clock.now() >= againAtMs) pending ??= attempt();
      return pending ?? latest;
    },
    latest: () => latest,
  };
}

/** What the router must know of who we are and of what is handed to us. */
export function routingOf({
  config,
  github,
  linear,
  delegation,
  clock,
  log,
}: Trackers & { clock: Clock; log: Logger }): RouterConfig {
  const onGithub = learned(github.own, { clock, log, what: 'our account at GitHub' });
  const onLinear = !hasLinear(config.linear)
    ? undefined
    : learned(() => linear.self(), { clock, log, what: 'our account at Linear' });
  void onLinear?.ask();
  return {
    repos: config.repos,
    self: {
      github: onGithub.ask,
      async linear() {
        if (onLinear === undefined) return [];
        const id = await onLinear.ask();
        return id === undefined ? undefined : [{ id }];
      },
    },
    bots: config.bots,
    people: config.people,
    isDelegated: {
      linear({ delegate }) {
        if (delegate === undefined || onLinear === undefined) return delegate !== undefined;
        const self = onLinear.latest();
        return self === undefined ? undefined : delegate === self;
      },
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
  if (hasLinear(config.linear))
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

/** A subscribed repository: every open pull request whose head is new to this agent gets its review session. */
import { tell } from '../decision.ts';
import type { Wish } from '../decision.ts';
import { reviewAddress } from '../session/names.ts';
import type { AgentContext } from './context.ts';
import type { Handler } from './event.ts';

const same = (a: string, b: string): boolean => a.trim().toLowerCase() === b.trim().toLowerCase();

/**
 * The review session is one per user and pull request, whoever opens it first; it knows which heads were judged, so a
 * head is only ever told here, never counted. Oldest first; drafts and the agent's own are left out.
 */
export const reviewPulls: Handler = (context, event) => {
  if (event.type !== 'pulls.observed') return {};
  const { repo, pulls } = event.data;
  const known = context.subscriptions.find((subscription) => same(subscription.repo, repo));
  if (known === undefined || known.takenBy !== null) return {};
  const open = pulls
    .filter(({ state, draft, author }) => state === 'open' && !draft && author !== context.github)
    .sort((a, b) => a.number - b.number);
  const heads: AgentContext['heads'] = context.heads.filter((head) => !same(head.repo, repo));
  const wishes: Wish[] = [];
  for (const { number, head, title, url } of open) {
    const told = context.heads.find((other) => same(other.repo, repo) && other.number === number);
    heads.push({ repo, number, head });
    if (told?.head === head) continue;
    const to = reviewAddress(context.user, repo, number);
    if (told === undefined) {
      wishes.push(
        tell({
          to,
          type: 'open',
          data: {
            title: `Review: ${title ?? `${repo}#${number}`}`.slice(0, 1_000),
            body: '',
            source: { kind: 'review', ...(url === undefined ? {} : { url }) },
            user: context.user,
            repo,
            kind: 'review',
            deliver: 'report',
            gates: { review: 'none', checks: 'none' },
            target: { number, head },
          },
        }),
      );
    }
    wishes.push(tell({ to, type: 'review.wanted', data: { for: context.address, number, head } }));
  }
  return { set: { heads }, wishes };
};

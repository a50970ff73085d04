/** Work that scenarios share: issues handed over, pull requests opened by a run, and what people and CI do with them. */
import assert from 'node:assert/strict';
import type { Place, Shown } from './place.ts';

/** A new file for every run: branches never meet in it. */
const change = (text: string) => ({ run: `date +%s%N > "${text}-$(git rev-parse --abbrev-ref HEAD | tr / -).txt"` });

/** Does what is asked for, whatever it is. */
export const WORKING = [
  {
    when: { for: 'implement', attempt: 1 },
    steps: [
      change('work'),
      { commit: 'Do the work' },
      { push: true },
      { pullRequest: { title: 'The work' } },
      { summary: 'Done.' },
    ],
  },
  ...['review', 'checks', 'queue', 'upkeep', 'answer'].map((reason) => ({
    when: { for: reason },
    steps: [change(reason), { commit: `Answer the ${reason}` }, { push: true }, { summary: `The ${reason} is done.` }],
  })),
];

export interface Pull {
  session: string;
  issue: string;
  number: number;
  head: string;
  repo: string;
}

export const open = ({ value }: Shown): Record<string, string> => {
  const { open: regions } = value as { open?: Record<string, string> };
  return regions ?? {};
};

/** Nothing runs and nothing is about to. */
export const isIdle = (shown: Shown): boolean => open(shown)['work'] === 'idle' && shown.outbox.length === 0;

/** An issue of Linear is made and handed over. */
export function delegate(
  { world }: Place,
  title: string,
  { team = 'ENG' }: { team?: string } = {},
): { issue: string; session: string } {
  const issue = world.linear.createIssue({ team, title, state: 'Todo' });
  world.linear.delegate(issue);
  return { issue: issue.identifier, session: `session/${issue.identifier.toLowerCase()}` };
}

/** A session whose first run has opened its pull request, and which now waits. */
export async function pullOf(
  place: Place,
  title: string,
  { team = 'ENG', repo = 'acme/hello' }: { team?: string; repo?: string } = {},
): Promise<Pull> {
  const { issue, session } = delegate(place, title, { team });
  const shown = await place.until(session, 'a pull request', (it) => open(it)['pull'] === 'open' && isIdle(it));
  const pull = shown.context['pull'] as { number?: number } | null;
  const { data } = await place.as('maintainer').rest.pulls.list({ ...at(repo), state: 'all' });
  const found = data.find(({ number }) => number === pull?.number);
  assert.ok(found !== undefined, `${session} has the pull request ${JSON.stringify(pull)}`);
  return { session, issue, repo, number: found.number, head: found.head.sha };
}

export function at(repo: string): { owner: string; repo: string } {
  const [owner = '', name = ''] = repo.split('/');
  return { owner, repo: name };
}

/** A check run of the pull request's head. */
export async function check(
  place: Place,
  pull: Pick<Pull, 'repo' | 'head'>,
  name: string,
  conclusion: 'success' | 'failure' | null,
  output?: { title: string; summary: string; text?: string; annotations?: Annotation[] },
): Promise<void> {
  await place.as('ci[bot]').rest.checks.create({
    ...at(pull.repo),
    name,
    head_sha: pull.head,
    ...(conclusion === null ? { status: 'in_progress' } : { status: 'completed', conclusion }),
    ...(output === undefined ? {} : { output }),
  });
  await place.world.github.delivered();
}

interface Annotation {
  path: string;
  start_line: number;
  end_line: number;
  annotation_level: 'failure';
  message: string;
}

export async function review(
  place: Place,
  pull: Pick<Pull, 'repo' | 'number'>,
  event: 'APPROVE' | 'REQUEST_CHANGES' | 'COMMENT',
  body: string,
  comments: { path: string; line: number; body: string }[] = [],
): Promise<void> {
  const { rest } = place.as('maintainer');
  await rest.pulls.createReview({ ...at(pull.repo), pull_number: pull.number, event, body, comments });
  await place.world.github.delivered();
}

/** The second look begins when the first has told what it saw. */
const LOOKS = 2;

/**
 * Returns when the runtime has looked at the pull request again after all that happened so far, and has taken what
 * it saw: what has not begun then does not begin because of it.
 */
export async function looked(place: Place, pull: Pull): Promise<Shown> {
  const { github } = place.world;
  await github.delivered();
  const before = github.calls.length;
  const wanted = new RegExp(`/repos/${pull.repo}/pulls/${pull.number}(\\?|$)`);
  await place.eventually(`looks at ${pull.repo}#${pull.number}`, () => {
    const looks = github.calls.slice(before).filter(({ method, path }) => method === 'GET' && wanted.test(path));
    return looks.length >= LOOKS ? true : undefined;
  });
  await place.send(pull.session, 'fyi', { text: 'looked' });
  return place.show(pull.session);
}

/** What happened, counted where it happened: at GitHub, at Linear and in git, and compared with what was wished. */
import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { Octokit } from '@octokit/rest';
import { execa } from 'execa';
import type { HistoryEntry } from '../../src/actor/past.ts';
import { checkStory } from '../../src/demo/outcome.ts';
import { REPO } from '../../src/demo/world.ts';
import type { World } from '../../src/demo/world.ts';
import { journals } from './journey.ts';
import type { Journey } from './journey.ts';

export interface Census {
  pulls: number;
  merged: number;
  reviews: string[];
  pullComments: number;
  /** First words of the issue's comments. */
  issueComments: string[];
  /** Subjects of the pull request's commits, oldest first. */
  commits: string[];
  /** Subjects of what the base branch has beside its first commit. */
  base: string[];
  links: string[];
  state: string;
}

export async function census({ github, linear, env }: World, issue: string): Promise<Census> {
  const silent = { debug() {}, info() {}, warn() {}, error() {} };
  const octokit = new Octokit({ baseUrl: github.apiUrl, auth: env['GITHUB_TOKEN'], log: silent });
  const [owner, repo] = REPO.split('/') as [string, string];
  const { data: pulls } = await octokit.rest.pulls.list({ owner, repo, state: 'all' });
  const { data: reviews } = await octokit.rest.pulls.listReviews({ owner, repo, pull_number: 1 });
  const { data: comments } = await octokit.rest.issues.listComments({ owner, repo, issue_number: 1 });
  const { data: commits } = await octokit.rest.pulls.listCommits({ owner, repo, pull_number: 1 });
  const log = await execa('git', ['log', '--reverse', '--format=%s', 'main'], { cwd: github.gitPath(REPO) });
  const session = linear.sessionOf(issue);
  return {
    pulls: pulls.length,
    merged: pulls.filter(({ merged_at }) => merged_at !== null).length,
    reviews: reviews.map(({ state, user }) => `${user?.login} ${state}`),
    pullComments: comments.length,
    issueComments: linear.commentsOf(issue).map(({ body }) => body.split(/[ :]/)[0] ?? ''),
    commits: commits.map(({ commit }) => commit.message.split('\n')[0] ?? ''),
    base: log.stdout.split('\n').slice(1),
    links: session?.externalLinks.map(({ label }) => label) ?? [],
    state: linear.stateOf(issue).name,
  };
}

/** The numbers of the story when nothing goes wrong on the way. */
export const STORY: Census = {
  pulls: 1,
  merged: 1,
  reviews: ['susan-reviews CHANGES_REQUESTED', 'susan-reviews APPROVED'],
  pullComments: 0,
  issueComments: ['This', 'Merged'],
  commits: ['Greet people', 'Use the name in the greeting', 'Greet with enthusiasm, as the test demands'],
  base: ['Greet people by name (#1)'],
  links: ['Pull request #1'],
  state: 'Done',
};

/**
 * The story happened, nothing of it twice and nothing left out: counted outside, and every journal without a gap.
 * @returns the wishes of the session by name
 */
export async function checkEverything(
  journey: Journey,
  { issue, session }: { issue: string; session: string },
  story: Census = STORY,
): Promise<Record<string, number>> {
  const { world, ask, facts } = journey;
  if (story === STORY) assert.deepEqual(await checkStory(world, issue), []);
  assert.deepEqual(await census(world, issue), story);

  const all = await journals(journey);
  for (const [actor, entries] of all) {
    const seqs = entries.map(({ seq }) => seq);
    assert.deepEqual(
      seqs,
      seqs.map((_, index) => index + 1),
      `the journal of ${actor} has no gap`,
    );
    const told = facts.filter((fact) => fact.actor === actor && !KERNEL_FACTS.has(fact.type)).map(({ seq }) => seq);
    assert.deepEqual(told, seqs, `the facts of ${actor} came in order and all of them`);
  }
  const wishes: Record<string, number> = {};
  for (const { effects } of all.get(session) ?? [])
    for (const { name, state } of effects) {
      assert.equal(state, 'done', `${name} of ${session}`);
      wishes[name] = (wishes[name] ?? 0) + 1;
    }
  assert.deepEqual(saidAt(world, issue), wishedWords(all.get(session) ?? []), 'each word to Linear arrived, once');
  const { letters } = await ask<{ letters: unknown[] }>('dead');
  assert.deepEqual(letters, [], 'no letter is dead');
  assert.deepEqual(await worktreesOf(world), [], 'no worktree is left');
  return wishes;
}

/** Activities of the agent session that are there, by id; passing ones are replaced by the next. */
function saidAt({ linear }: World, issue: string): string[] {
  const session = linear.sessionOf(issue);
  return session === undefined ? [] : linear.activitiesOf(session).map(({ id }) => id);
}

function wishedWords(entries: HistoryEntry[]): string[] {
  return entries
    .flatMap(({ effects }) => effects)
    .filter(({ name, params }) => name === 'linear.say' && !isPassing(params))
    .map(({ answer }) => (answer as { result: { activity: string } }).result.activity);
}

const isPassing = (params: Record<string, unknown> | undefined): boolean =>
  (params?.['activity'] as { ephemeral?: boolean } | undefined)?.ephemeral === true;

const KERNEL_FACTS = new Set(['actor.parked', 'actor.unparked', 'letter.dead']);

/** Directories of sessions that are still there; the records beside them stay. */
async function worktreesOf({ data }: World): Promise<string[]> {
  const names = await readdir(path.join(data, 'worktrees')).catch(() => []);
  return names.filter((name) => !name.startsWith('.'));
}

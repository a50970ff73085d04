/** Whether the story really happened, asked of GitHub, Linear and git, not of Chartroom. */
import { Octokit } from '@octokit/rest';
import { execa } from 'execa';
import { REPO } from './world.ts';
import type { World } from './world.ts';

/** One sentence for everything that is not as it must be. */
export async function checkStory({ github, linear, env }: World, identifier: string): Promise<string[]> {
  const mistakes: string[] = [];
  const check = (holds: boolean, otherwise: string): void => {
    if (!holds) mistakes.push(otherwise);
  };
  const silent = { debug() {}, info() {}, warn() {}, error() {} };
  const octokit = new Octokit({ baseUrl: github.apiUrl, auth: env['GITHUB_TOKEN'], log: silent });
  const [owner, repo] = REPO.split('/') as [string, string];
  const { data: pulls } = await octokit.rest.pulls.list({ owner, repo, state: 'all' });
  check(pulls.length === 1, `there are ${pulls.length} pull requests, not one`);
  const pull = pulls[0];
  if (pull === undefined) return mistakes;
  check(pull.merged_at !== null, 'the pull request is not merged');
  const { data: commits } = await octokit.rest.pulls.listCommits({ owner, repo, pull_number: pull.number });
  check(commits.length === 3, `the pull request has ${commits.length} commits, not the three of the story`);
  const { data: reviews } = await octokit.rest.pulls.listReviews({ owner, repo, pull_number: pull.number });
  const verdicts = reviews.map(({ state, user }) => `${user?.login} ${state}`);
  check(verdicts.includes('susan-reviews CHANGES_REQUESTED'), `nobody requested changes (${verdicts.join(', ')})`);
  check(verdicts.includes('susan-reviews APPROVED'), `nobody approved (${verdicts.join(', ')})`);
  const conclusions = await Promise.all(
    commits.map(async ({ sha }) => {
      const { data } = await octokit.rest.checks.listForRef({ owner, repo, ref: sha, check_name: 'Tests' });
      return data.check_runs.at(-1)?.conclusion ?? 'none';
    }),
  );
  check(conclusions.includes('failure'), `the check was never red (${conclusions.join(', ')})`);
  check(conclusions.at(-1) === 'success', `the check of the last commit is ${conclusions.at(-1)}`);
  const base = await execa('git', ['show', 'main:src/greet.js'], { cwd: github.gitPath(REPO), reject: false });
  check(base.stdout.includes('Hello, ${name}!'), 'the base branch does not hold the last version');
  const state = linear.stateOf(identifier);
  check(state.type === 'completed', `the issue is ${state.name}, not completed`);
  return mistakes;
}

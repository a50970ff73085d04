/**
 * What this system does at GitHub, one performer per wish. Each may be asked twice: it looks first whether it has
 * already happened, by the hidden mark of its effect or by the state GitHub shows.
 */
import type { ActAnswer, ActParams } from '../../../machines/effects.ts';
import { TerminalError } from '../../errors.ts';
import type { ActPerformer, Doing } from '../effect.ts';
import type { Account } from './account.ts';
import { anyAnswer, mergeAnswer, methodsAnswer, pullAnswer } from './answers.ts';
import { readReports } from './checks.ts';
import { jobOf } from './failure.ts';
import { standingOf } from './gate.ts';
import type { Report } from './gate.ts';
import type { Github } from './github.ts';
import { isMerged } from './github.ts';
import { commentOnce } from './marked.ts';
import { coordinates, parseIssueRef, sameName } from './names.ts';
import { postReview, postedBefore, REVIEW_BACKOFF_MS } from './review.ts';

/** Several requests, each of at most 30 s, some of which wait their turn. */
const DEADLINE_MS = 120_000;

const githubAct = { kind: 'act', repeat: 'key', deadlineMs: DEADLINE_MS, lane: 'github' } as const;

export interface HelpAnswer {
  /** Where it was said; absent where there is no place for it at GitHub. */
  url?: string;
}

interface GithubActsOptions {
  /** Whether this agent is still employed: under the name of one that is not, nothing more is written. */
  isEmployed?: (agent: string) => boolean;
}

export function createGithubActs(github: Github, { isEmployed = () => true }: GithubActsOptions = {}) {
  const system = github.account();

  const pull = ({ repo, number }: { repo: string; number: number }, signal: AbortSignal) =>
    system.get(
      pullAnswer,
      'GET /repos/{owner}/{repo}/pulls/{pull_number}',
      { ...coordinates(repo), pull_number: number },
      signal,
    );

  /** Merged at the head that was meant: done, whoever did it. */
  async function mergedAlready(params: ActParams<'pull.merge'>, { signal }: Doing) {
    const found = await pull(params, signal);
    if (!isMerged(found) || found.head.sha !== params.head) return undefined;
    return { merged: true, ...(found.merge_commit_sha == null ? {} : { sha: found.merge_commit_sha }) };
  }

  /** A way of merging that the repository allows. */
  async function allowedMethod(repo: string, signal: AbortSignal): Promise<Method | undefined> {
    const allowed = await system.get(methodsAnswer, 'GET /repos/{owner}/{repo}', coordinates(repo), signal);
    if (allowed.allow_squash_merge === true) return 'squash';
    if (allowed.allow_merge_commit === true) return 'merge';
    return allowed.allow_rebase_merge === true ? 'rebase' : undefined;
  }

  const acts = {
    'pull.merge': {
      ...githubAct,
      repeat: 'check',
      look: mergedAlready,
      async perform(params, doing): Promise<ActAnswer<'pull.merge'>> {
        const { repo, number, head, method } = params;
        const route = 'PUT /repos/{owner}/{repo}/pulls/{pull_number}/merge';
        const merge = async (merge_method: Method): Promise<ActAnswer<'pull.merge'>> => {
          const wish = { ...coordinates(repo), pull_number: number, sha: head, merge_method };
          const answer = await system.send(mergeAnswer, route, wish, doing.signal);
          return { merged: answer.merged, ...(answer.sha == null ? {} : { sha: answer.sha }) };
        };
        try {
          return await merge(method);
        } catch (error) {
          if (!(error instanceof TerminalError)) throw error;
          const other = isMethodRefused(error) ? await allowedMethod(repo, doing.signal) : undefined;
          if (other !== undefined && other !== method) return merge(other);
          const done = await mergedAlready(params, doing);
          if (done !== undefined) return done;
          // With a head given, the only conflict there is.
          if (error.code !== 'GITHUB_CONFLICT') throw error;
          throw new TerminalError('GITHUB_HEAD_MOVED', error.message, { cause: error });
        }
      },
    },
    'pull.close': {
      ...githubAct,
      async perform(params, doing) {
        const { repo, number, comment } = params;
        const { state } = await pull(params, doing.signal);
        if (state === 'closed') return;
        // First the comment: after a crash between the two the pull request is still open and both are tried again.
        if (comment !== undefined && comment !== '') await commentOnce(system, { repo, number }, comment, doing);
        const route = 'PATCH /repos/{owner}/{repo}/pulls/{pull_number}';
        await system.send(
          anyAnswer,
          route,
          { ...coordinates(repo), pull_number: number, state: 'closed' },
          doing.signal,
        );
      },
    },
    'pull.say': {
      ...githubAct,
      async perform({ repo, number, text }, doing) {
        await commentOnce(system, { repo, number }, text, doing);
      },
    },
    'review.post': {
      ...githubAct,
      backoffMs: REVIEW_BACKOFF_MS,
      tries: REVIEW_BACKOFF_MS.length + 1,
      perform: (params, doing) =>
        isEmployed(params.reviewer)
          ? postReview(github.account(params.reviewer), params, doing)
          : postedBefore(system, params, doing),
    },
    'review.request': {
      ...githubAct,
      async perform(params, { signal }) {
        const { user, requested_reviewers } = await pull(params, signal);
        const asked = (requested_reviewers ?? []).map(({ login }) => login);
        // GitHub refuses the author, and asking again notifies again.
        const missing = params.logins.filter(
          (login) => ![user.login, ...asked].some((other) => sameName(other, login)),
        );
        if (missing.length === 0) return;
        const route = 'POST /repos/{owner}/{repo}/pulls/{pull_number}/requested_reviewers';
        const wish = { ...coordinates(params.repo), pull_number: params.number, reviewers: missing };
        await system.send(anyAnswer, route, wish, signal);
      },
    },
    'check.rerun': {
      ...githubAct,
      async perform({ repo, head, name }, { signal }) {
        const reports = await readReports(system, repo, head, signal);
        const wanted = reports.filter((report) => (name === undefined ? isToRepeat(report) : report.name === name));
        const runs = wanted.filter(({ from }) => from === 'run');
        if (runs.length === 0) {
          const what = name === undefined ? 'no check that failed' : `no check run “${name}”`;
          throw new TerminalError('GITHUB_CHECK_NOT_FOUND', `${repo}: ${what} on ${head} that could be run again`);
        }
        for (const run of runs) {
          // Already queued or running again.
          if (run.conclusion === null) continue;
          await rerun(system, repo, run, signal);
        }
      },
    },
    'help.ask': {
      ...githubAct,
      async perform({ where, text }, doing): Promise<HelpAnswer> {
        const place = placeOf(where);
        if (place === undefined) return {};
        return { url: (await commentOnce(system, place, text, doing)).html_url };
      },
    },
  } as const satisfies { [Name in GithubActName]: ActPerformer<ActParams<Name>> };
  return acts;
}

export type GithubActName =
  | 'pull.merge'
  | 'pull.close'
  | 'pull.say'
  | 'review.post'
  | 'review.request'
  | 'check.rerun'
  | 'help.ask';
export type GithubActs = ReturnType<typeof createGithubActs>;

type Method = ActParams<'pull.merge'>['method'];

const isMethodRefused = ({ code, message }: TerminalError): boolean =>
  code === 'GITHUB_NOT_MERGEABLE' && /merges? (commits )?are not allowed/i.test(message);

const isToRepeat = (report: Report): boolean => report.conclusion !== null && standingOf(report) !== 'good';

/** GitHub runs its own jobs again by the job; of other apps, and where it knows no such job, it asks the app. */
async function rerun(account: Account, repo: string, run: Report, signal: AbortSignal): Promise<void> {
  const at = coordinates(repo);
  const job = run.app === 'github-actions' ? jobOf(run) : undefined;
  if (job !== undefined) {
    try {
      await account.send(
        anyAnswer,
        'POST /repos/{owner}/{repo}/actions/jobs/{job_id}/rerun',
        { ...at, job_id: job },
        signal,
      );
      return;
    } catch (error) {
      if (!(error instanceof TerminalError) || error.code !== 'GITHUB_NOT_FOUND') throw error;
    }
  }
  const route = 'POST /repos/{owner}/{repo}/check-runs/{check_run_id}/rerequest';
  await account.send(anyAnswer, route, { ...at, check_run_id: run.id }, signal);
}

/** The pull request, else the issue where it is one of GitHub's. */
export function placeOf(where: ActParams<'help.ask'>['where']): { repo: string; number: number } | undefined {
  if (where?.repo !== undefined && where.number !== undefined) return { repo: where.repo, number: where.number };
  return where?.ref === undefined ? undefined : parseIssueRef(where.ref);
}

/** Reading what GitHub knows of a head's checks, and what the base branch requires, for the fold in `gate.ts`. */
import { z } from 'zod';
import type { Gates } from '../../../machines/events/common.ts';
import type { PullObserved } from '../../../machines/events/session.ts';
import type { Account } from './account.ts';
import { branchAnswer, checkRunAnswer, ruleAnswer, statusAnswer } from './answers.ts';
import { readFailure } from './failure.ts';
import { foldGate, latestByName, realFailures, reportOfRun, reportOfStatus } from './gate.ts';
import type { Report } from './gate.ts';
import { coordinates } from './names.ts';

export interface GateQuestion {
  repo: string;
  head: string;
  /** Whose rules say what is required; default the repository's default branch. */
  base?: string | undefined;
  gates: Gates;
  queueCheck?: string | undefined;
}

export interface GateReading {
  gate: PullObserved['gate'];
  /** Everything that reported, the latest of each name. */
  reports: Report[];
  /** Whether the base branch has GitHub's own merge queue. */
  hasQueue: boolean;
}

/** The schema's limit. */
const CHECKS_MAX = 500;
/** The first to fail; with the texts of each this is a quarter of what an envelope holds. */
const FAILURES_MAX = 10;

export async function readGate(account: Account, question: GateQuestion, signal?: AbortSignal): Promise<GateReading> {
  const { repo, head, gates, queueCheck } = question;
  const base = question.base ?? (await readDefaultBranch(account, repo, signal));
  const [reports, rules] = await Promise.all([
    readReports(account, repo, head, signal),
    readRules(account, repo, base, signal),
  ]);
  const folded = foldGate({ wanted: gates.checks, required: rules.required, reports, queueCheck });
  const causes = folded.state === 'red' ? realFailures(folded, withoutQueue(reports, queueCheck)) : [];
  const failures = await Promise.all(
    causes.slice(0, FAILURES_MAX).map((report) => readFailure(account, repo, report, signal)),
  );
  return {
    gate: { state: folded.state, checks: folded.checks.slice(0, CHECKS_MAX), failures },
    reports,
    hasQueue: rules.hasQueue,
  };
}

const withoutQueue = (reports: Report[], queueCheck: string | undefined): Report[] =>
  reports.filter(({ name }) => name !== queueCheck);

export async function readReports(
  account: Account,
  repo: string,
  ref: string,
  signal?: AbortSignal,
): Promise<Report[]> {
  const params = { ...coordinates(repo), ref };
  const [runs, statuses] = await Promise.all([
    account.list(
      checkRunAnswer,
      'GET /repos/{owner}/{repo}/commits/{ref}/check-runs',
      { ...params, filter: 'latest' },
      { signal, pick: 'check_runs' },
    ),
    account.list(statusAnswer, 'GET /repos/{owner}/{repo}/commits/{ref}/status', params, { signal, pick: 'statuses' }),
  ]);
  return latestByName([...runs.map(reportOfRun), ...statuses.map(reportOfStatus)]);
}

async function readDefaultBranch(account: Account, repo: string, signal?: AbortSignal): Promise<string> {
  const schema = z.object({ default_branch: z.string() });
  return (await account.get(schema, 'GET /repos/{owner}/{repo}', coordinates(repo), signal)).default_branch;
}

interface Rules {
  required: string[];
  hasQueue: boolean;
}

/** Branch protection as everybody who reads the repository may see it, and rulesets; either may be unknown to a server. */
async function readRules(account: Account, repo: string, base: string, signal?: AbortSignal): Promise<Rules> {
  const params = { ...coordinates(repo), branch: base };
  const [branch, rules] = await Promise.all([
    account.maybe(`branch ${repo} ${base}`, () =>
      account.get(branchAnswer, 'GET /repos/{owner}/{repo}/branches/{branch}', params, signal),
    ),
    account.maybe(`rules ${repo} ${base}`, () =>
      account.list(ruleAnswer, 'GET /repos/{owner}/{repo}/rules/branches/{branch}', params, { signal }),
    ),
  ]);
  const protection = branch?.protection?.required_status_checks;
  const required = [
    ...(protection?.contexts ?? []),
    ...(protection?.checks ?? []).map(({ context }) => context),
    ...(rules ?? []).flatMap(({ type, parameters }) =>
      type === 'required_status_checks' ? (parameters?.required_status_checks ?? []).map(({ context }) => context) : [],
    ),
  ];
  return { required: [...new Set(required)], hasQueue: (rules ?? []).some(({ type }) => type === 'merge_queue') };
}

/**
 * Why a check failed: the job and step that did, its summary and annotations. Of GitHub Actions the step is asked
 * for by the job; whatever GitHub does not give leaves a gap in the context, never a failed observation.
 */
import type { PullObserved } from '../../../machines/events/session.ts';
import type { Account } from './account.ts';
import { annotationAnswer, jobAnswer } from './answers.ts';
import { standingOf } from './gate.ts';
import type { Report } from './gate.ts';
import { coordinates } from './names.ts';

export type Failure = PullObserved['gate']['failures'][number];

/** More than this nobody reads; a linter can leave thousands. Ten such failures fit into one envelope. */
const ANNOTATIONS_MAX = 20;
const SUMMARY_MAX = 8_000;
const MESSAGE_MAX = 1_000;

export async function readFailure(
  account: Account,
  repo: string,
  report: Report,
  signal?: AbortSignal,
): Promise<Failure> {
  const [job, annotations] = await Promise.all([
    readJob(account, repo, report, signal),
    readAnnotations(account, repo, report, signal),
  ]);
  const step = job?.steps?.find(({ conclusion }) => standingOf({ conclusion: conclusion ?? null }) === 'bad');
  return {
    check: report.name,
    job: job?.name ?? report.name,
    step: step?.name ?? null,
    summary: [report.title, report.summary].filter(Boolean).join('\n\n').slice(0, SUMMARY_MAX),
    annotations,
    url: report.url,
  };
}

async function readJob(account: Account, repo: string, report: Report, signal: AbortSignal | undefined) {
  const job = jobOf(report);
  if (job === undefined) return undefined;
  const route = 'GET /repos/{owner}/{repo}/actions/jobs/{job_id}';
  return account.maybe(`job ${repo} ${job}`, () =>
    account.get(jobAnswer, route, { ...coordinates(repo), job_id: job }, signal),
  );
}

/** The Actions job behind a check run: its id is in the address, and is the check run's own where that says nothing. */
export function jobOf({ from, app, url, id }: Report): number | undefined {
  if (from !== 'run') return undefined;
  const named = /\/actions\/runs\/\d+\/jobs?\/(\d+)/.exec(url ?? '')?.[1];
  if (named !== undefined) return Number(named);
  return app === 'github-actions' ? id : undefined;
}

async function readAnnotations(
  account: Account,
  repo: string,
  report: Report,
  signal: AbortSignal | undefined,
): Promise<Failure['annotations']> {
  if (report.from !== 'run' || report.annotations === 0) return [];
  const route = 'GET /repos/{owner}/{repo}/check-runs/{check_run_id}/annotations';
  const found = await account.maybe(`annotations ${repo} ${report.id}`, () =>
    account.list(annotationAnswer, route, { ...coordinates(repo), check_run_id: report.id }, { signal }),
  );
  return (found ?? []).slice(0, ANNOTATIONS_MAX).map((annotation) => ({
    path: annotation.path,
    line: annotation.start_line ?? null,
    level: annotation.annotation_level ?? 'failure',
    message: (annotation.message ?? '').slice(0, MESSAGE_MAX),
  }));
}

/** Check runs, check suites and commit statuses as GitHub shows them. */
import type { Commit } from '../git.ts';
import type { PullIssue } from '../pull.ts';
import type { Site } from '../site.ts';
import type {
  Annotation,
  CheckConclusion,
  CheckRun,
  CheckStatus,
  CheckSuite,
  CommitStatus,
  Repository,
} from '../world.ts';
import { nodeId } from '../world.ts';
import { simpleCommitShape } from './commit.ts';
import { pullRefShape } from './pull.ts';
import { apiOf, htmlOf, repositoryShape } from './repository.ts';
import type { Hook, Rest } from './types.ts';
import { appShape, userShape } from './user.ts';

/** The open pull requests whose head this is. */
export function pullsAt(repository: Repository, sha: string): PullIssue[] {
  return [...repository.issues.values()].filter(
    (issue): issue is PullIssue =>
      // Of pull requests from forks a check tells nothing.
      issue.pull !== undefined &&
      issue.state === 'open' &&
      issue.pull.headIn === repository &&
      issue.pull.headSha === sha,
  );
}

const BAD: readonly CheckConclusion[] = ['action_required', 'timed_out', 'cancelled', 'failure'];
const GOOD_ORDER: readonly CheckConclusion[] = ['success', 'neutral', 'skipped'];

/** What the newest run of each name amounts to. */
export function suiteState(
  repository: Repository,
  suite: CheckSuite,
): { status: CheckStatus; conclusion: CheckConclusion | null; runs: CheckRun[] } {
  const runs = latest(repository.checkRuns.filter((run) => run.suite === suite));
  if (runs.length === 0) return { status: 'queued', conclusion: null, runs };
  if (runs.some((run) => run.status !== 'completed')) {
    const status = runs.every((run) => run.status === 'queued') ? 'queued' : 'in_progress';
    return { status, conclusion: null, runs };
  }
  const conclusions = runs.map((run) => run.conclusion);
  const conclusion = [...BAD.toReversed(), ...GOOD_ORDER].find((one) => conclusions.includes(one)) ?? 'neutral';
  return { status: 'completed', conclusion, runs };
}

/** The newest run of each App and name. */
export function latest(runs: readonly CheckRun[]): CheckRun[] {
  const newest = new Map(runs.map((run) => [`${run.suite.app.id} ${run.name}`, run]));
  return [...newest.values()];
}

function runShape(site: Site, repository: Repository, run: CheckRun) {
  const url = `${apiOf(site, repository)}/check-runs/${run.id}`;
  return {
    id: run.id,
    node_id: nodeId('CR', run.id),
    head_sha: run.headSha,
    external_id: run.externalId,
    url,
    html_url: `${htmlOf(site, repository)}/runs/${run.id}`,
    details_url: run.detailsUrl ?? `${htmlOf(site, repository)}/runs/${run.id}`,
    status: run.status,
    conclusion: run.conclusion,
    started_at: run.startedAt,
    completed_at: run.completedAt,
    output: {
      title: run.title,
      summary: run.summary,
      text: run.text,
      annotations_count: run.annotations.length,
      annotations_url: `${url}/annotations`,
    },
    name: run.name,
    app: appShape(site, run.suite.app),
    pull_requests: pullsAt(repository, run.headSha).map((issue) => pullRefShape(site, repository, issue)),
  };
}

export function checkRunShape(site: Site, repository: Repository, run: CheckRun) {
  return {
    ...runShape(site, repository, run),
    check_suite: { id: run.suite.id },
  } satisfies Rest['check-run'];
}

export function hookCheckRunShape(site: Site, repository: Repository, run: CheckRun) {
  return {
    ...runShape(site, repository, run),
    check_suite: suiteCore(site, repository, run.suite),
  } satisfies Hook.CheckRunCreatedEvent['check_run'];
}

function suiteCore(site: Site, repository: Repository, suite: CheckSuite) {
  const { status, conclusion } = suiteState(repository, suite);
  return {
    id: suite.id,
    node_id: nodeId('CS', suite.id),
    head_branch: suite.headBranch,
    head_sha: suite.headSha,
    status,
    // The webhook's type has no `skipped` for a suite; GitHub calls such a suite neutral.
    conclusion: conclusion === 'skipped' ? ('neutral' as const) : conclusion,
    url: `${apiOf(site, repository)}/check-suites/${suite.id}`,
    before: null,
    after: suite.headSha,
    pull_requests: pullsAt(repository, suite.headSha).map((issue) => pullRefShape(site, repository, issue)),
    app: appShape(site, suite.app),
    created_at: suite.createdAt,
    updated_at: suite.updatedAt,
  };
}

export function hookSuiteShape(site: Site, repository: Repository, suite: CheckSuite, head: Commit) {
  return {
    ...suiteCore(site, repository, suite),
    runs_rerequestable: true,
    rerequestable: true,
    latest_check_runs_count: suiteState(repository, suite).runs.length,
    check_runs_url: `${apiOf(site, repository)}/check-suites/${suite.id}/check-runs`,
    head_commit: simpleCommitShape(head),
  } satisfies Hook.CheckSuiteCompletedEvent['check_suite'];
}

export function checkSuiteShape(site: Site, repository: Repository, suite: CheckSuite, head: Commit) {
  return {
    ...hookSuiteShape(site, repository, suite, head),
    repository: repositoryShape(site, repository),
  } satisfies Rest['check-suite'];
}

export const annotationShape = (
  site: Site,
  repository: Repository,
  run: CheckRun,
  annotation: Annotation,
): Rest['check-annotation'] => ({
  path: annotation.path,
  start_line: annotation.startLine,
  end_line: annotation.endLine,
  start_column: null,
  end_column: null,
  annotation_level: annotation.level,
  title: annotation.title,
  message: annotation.message,
  raw_details: annotation.rawDetails,
  blob_href: `${htmlOf(site, repository)}/blob/${run.headSha}/${annotation.path}`,
});

export function statusShape(site: Site, repository: Repository, status: CommitStatus) {
  return {
    url: `${apiOf(site, repository)}/statuses/${status.sha}`,
    avatar_url: `${site.url}/avatars/u/${status.creator.id}`,
    id: status.id,
    node_id: nodeId('SC', status.id),
    state: status.state,
    description: status.description,
    target_url: status.targetUrl,
    context: status.context,
    created_at: status.createdAt,
    updated_at: status.updatedAt,
    creator: userShape(site, status.creator),
  } satisfies Rest['status'];
}

/**
 * From everything that reported on a head to one gate: green, red, pending or unknown. Pure. A check that the gate
 * does not hang on moves nothing, whatever it says; a gate is red only by a check that is named and ended badly.
 */
import type { Gates } from '../../../machines/events/common.ts';
import type { PullObserved } from '../../../machines/events/session.ts';
import type { CheckRunAnswer, StatusAnswer } from './answers.ts';

/** A check run or a commit status, alike from here on. */
export interface Report {
  name: string;
  from: 'run' | 'status';
  id: number;
  /** null while it is queued or runs. */
  conclusion: string | null;
  url: string | null;
  startedAt: string | null;
  endedAt: string | null;
  /** GitHub's slug of the app that reports, e.g. `github-actions`. */
  app: string | null;
  title: string;
  summary: string;
  text: string;
  annotations: number;
}

/** The status under which a verdict is shown where GitHub refuses the review; never a gate unless it is required. */
export const REVIEW_STATUS = 'chartroom/review';

const GOOD = new Set(['success', 'neutral', 'skipped']);
/** Ended, but saying nothing of the commit: somebody will run it again. */
const UNDECIDED = new Set(['cancelled', 'stale']);

export type Standing = 'good' | 'bad' | 'pending';

export function standingOf({ conclusion }: Pick<Report, 'conclusion'>): Standing {
  if (conclusion === null || UNDECIDED.has(conclusion)) return 'pending';
  return GOOD.has(conclusion) ? 'good' : 'bad';
}

export function reportOfRun(run: CheckRunAnswer): Report {
  return {
    name: run.name,
    from: 'run',
    id: run.id,
    conclusion: run.status === 'completed' ? (run.conclusion ?? 'stale') : null,
    url: run.html_url ?? run.details_url ?? null,
    startedAt: run.started_at ?? null,
    endedAt: run.completed_at ?? null,
    app: run.app?.slug ?? null,
    title: run.output?.title ?? '',
    summary: run.output?.summary ?? '',
    text: run.output?.text ?? '',
    annotations: run.output?.annotations_count ?? 0,
  };
}

export function reportOfStatus(status: StatusAnswer): Report {
  const pending = status.state === 'pending';
  return {
    name: status.context,
    from: 'status',
    id: status.id,
    conclusion: pending ? null : status.state === 'success' ? 'success' : 'failure',
    url: status.target_url ?? status.url ?? null,
    startedAt: status.created_at,
    endedAt: pending ? null : status.updated_at,
    app: null,
    title: status.description ?? '',
    summary: '',
    text: '',
    annotations: 0,
  };
}

/** The newest report of each name: several suites, and a run again, report under the same one. */
export function latestByName(reports: readonly Report[]): Report[] {
  const latest = new Map<string, Report>();
  for (const report of reports) {
    const other = latest.get(report.name);
    if (other === undefined || isNewer(report, other)) latest.set(report.name, report);
  }
  return [...latest.values()].sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
}

export interface GateInput {
  wanted: Gates['checks'];
  /** What the base branch requires. */
  required: readonly string[];
  /** The latest of each name. */
  reports: readonly Report[];
  /** The merge queue's own check run is no gate unless it is wanted by name. */
  queueCheck?: string | undefined;
}

export interface Gate {
  state: PullObserved['gate']['state'];
  /** What the gate hangs on; one that has not reported has neither conclusion nor address. */
  checks: PullObserved['gate']['checks'];
  /** The gate's own checks that ended badly. */
  failed: Report[];
}

export function foldGate({ wanted = 'required', required, reports, queueCheck }: GateInput): Gate {
  if (wanted === 'none') return { state: 'green', checks: [], failed: [] };
  const named = wanted === 'required' ? required : wanted;
  const others = reports.filter(({ name }) => name !== REVIEW_STATUS && name !== queueCheck);
  const names = named.length > 0 ? [...new Set(named)] : others.map(({ name }) => name);
  const found = new Map(reports.map((report) => [report.name, report]));

  const checks = names.map((name) => {
    const report = found.get(name);
    return { name, conclusion: report?.conclusion ?? null, url: report?.url ?? null };
  });
  const there = names.flatMap((name) => found.get(name) ?? []);
  const failed = there.filter((report) => standingOf(report) === 'bad');

  if (failed.length > 0) return { state: 'red', checks, failed };
  if (there.length === 0) return { state: 'unknown', checks, failed };
  const green = there.length === names.length && there.every((report) => standingOf(report) === 'good');
  return { state: green ? 'green' : 'pending', checks, failed };
}

/**
 * The checks in which a red gate's reason is to be looked for. A gate is often an umbrella that only sums up others:
 * then the failed ones that had ended before it began come in its place. An independent check that failed as well
 * is not the reason.
 */
export function realFailures({ failed, checks }: Gate, reports: readonly Report[]): Report[] {
  const gate = new Set(checks.map(({ name }) => name));
  const outside = reports.filter((report) => !gate.has(report.name) && standingOf(report) === 'bad' && !isOurs(report));
  const real = new Map<string, Report>();
  for (const report of failed) {
    const causes = outside.filter((other) => couldCause(other, report));
    for (const cause of causes.length > 0 ? causes : [report]) real.set(cause.name, cause);
  }
  // What failed first comes first: it names the failure.
  return [...real.values()].sort((a, b) => endOf(a) - endOf(b));
}

const endOf = ({ endedAt }: Report): number => (endedAt === null ? 0 : Date.parse(endedAt));

const isOurs = ({ name }: Report): boolean => name === REVIEW_STATUS;

/** Without both times it may be: better the detail of a failed job than a summary that has none. */
function couldCause(cause: Report, umbrella: Report): boolean {
  if (cause.endedAt === null || umbrella.startedAt === null) return true;
  return Date.parse(cause.endedAt) <= Date.parse(umbrella.startedAt);
}

function isNewer(report: Report, other: Report): boolean {
  // What has no start yet was queued last.
  const [a, b] = [report, other].map(({ startedAt }) => (startedAt === null ? Infinity : Date.parse(startedAt)));
  return a === b ? report.id > other.id : (a ?? 0) > (b ?? 0);
}

/**
 * The gate's checks as the watch tells them (domain §1.6): green settles what was owed for them, red is owed. Where the
 * repository says `rerun: once`, red checks are first run again, once per head, as a flake of the machinery would have
 * it; they are owed if they are red again, cannot be run again, or nothing comes of it in time.
 */
import type { PullObserved } from '../events/index.ts';
import { resetAttempts } from './budgets.ts';
import type { Pull, SessionContext } from './context.ts';
import { type Draft, set, wishFor } from './draft.ts';
import { forgetSettled, lapse, owe } from './obligations.ts';
import { changeRefusal } from './reviewing.ts';
import { checksOf, mayAct } from './standing.ts';

/** More failures than this say nothing more. */
const FAILURES_MAX = 10;

export function observeChecks(draft: Draft, before: Pull | null, { gate, head }: PullObserved): void {
  if (before !== null && before.gate.state !== gate.state) changeRefusal(draft);
  settleGreen(draft);
  const isRed = checksOf(draft.context) === 'red';
  if (!isRed) endRerun(draft);
  else if (!runAgainFirst(draft, gate.failures)) oweChecks(draft, gate.failures, head);
}

/** Green: nothing is owed for checks, and the next failure is a new one. */
export function settleGreen(draft: Draft): void {
  if (checksOf(draft.context) !== 'green') return;
  lapse(draft, ({ kind }) => kind === 'checks');
  forgetSettled(draft, 'checks');
  resetAttempts(draft, ['checks']);
}

/** The failing gate, as what is owed: the real failure first, with job and step, not the gate that sums it up. */
function oweChecks(draft: Draft, failures: PullObserved['gate']['failures'], head: string): void {
  const { pull } = draft.context;
  const first = failures[0];
  const red =
    pull?.gate.checks.find(({ conclusion }) => conclusion !== null && conclusion !== 'success')?.name ?? 'gate';
  owe(draft, {
    kind: 'checks',
    head,
    signature: `branch_ci::${head}::${first?.job ?? red}::${first?.step ?? '-'}`,
    evidence: { head, failures: failures.slice(0, FAILURES_MAX), gate: pull?.gate.checks ?? [] },
  });
}

/** Red checks of this head are being run again: nothing is owed for them yet. */
export const isRerunning = ({ rerun, pull }: SessionContext): boolean =>
  rerun !== null && rerun.head === pull?.head && rerun.state === 'asked';

/** A check that ran again reports under another address. */
const reportsOf = ({ pull }: SessionContext): string => JSON.stringify(pull?.gate.checks ?? []);

/** @returns whether the red of this head is waited out for now. */
function runAgainFirst(draft: Draft, failures: PullObserved['gate']['failures']): boolean {
  const { context, event } = draft;
  const { brief, pull, rerun } = context;
  if (pull === null || brief.rerun !== 'once') return false;
  const before = reportsOf(context);
  if (rerun?.head === pull.head) {
    // The same reports as when it was asked for: GitHub has yet to begin.
    if (rerun.state === 'asked' && rerun.before === before) return true;
    endRerun(draft);
    return false;
  }
  if (!mayAct(context)) return false;
  set(draft, {
    rerun: { head: pull.head, state: 'asked', before, failures: failures.slice(0, FAILURES_MAX), at: event.at },
  });
  wishFor(draft, 'check.rerun', { repo: brief.repo, head: pull.head });
  return true;
}

/** Seen running again, good, or red anew: there is no second time for this head. */
function endRerun(draft: Draft): void {
  const { rerun } = draft.context;
  if (rerun?.state === 'asked') set(draft, { rerun: { ...rerun, state: 'over', failures: [] } });
}

/** They cannot be run again: the red is owed as it was. */
export function rerunRefused(draft: Draft): void {
  const { event, context } = draft;
  if (event.type === 'check.rerun.failed' && event.wish?.['head'] === context.rerun?.head) giveUpRerun(draft);
}

/** Nothing came of it in time. */
export function giveUpRerun(draft: Draft): void {
  const { context } = draft;
  const { rerun } = context;
  if (rerun === null || !isRerunning(context)) return;
  endRerun(draft);
  if (checksOf(context) === 'red') oweChecks(draft, rerun.failures, rerun.head);
}

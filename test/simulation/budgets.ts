/**
 * Law 10, counted once more beside the machine: verified attempts of each kind since that kind's counter may have gone
 * back to 0, and lost runs in a row. More than the budget is a broken law.
 */
import type { ObligationKind } from '../../machines/events/common.ts';
import type { SessionEvent } from '../../machines/events/index.ts';
import type { SessionContext } from '../../machines/session/context.ts';
import { broken } from './broken.ts';
import type { Broken } from './broken.ts';

/** As docs/domain.md §1.5 has them; a verdict's are per head. */
const LIMITS: Record<ObligationKind, number> = {
  implement: 2,
  answer: 3,
  review: 3,
  checks: 3,
  queue: 3,
  upkeep: 3,
  verdict: 2,
};
const RESTARTS = 5;

interface Counts {
  /** By kind; a verdict's by head. */
  attempts: Map<string, number>;
  /** Lost runs by the obligation they were for. */
  losses: Map<string, number>;
}

export interface Budgets {
  check(before: SessionContext, after: SessionContext, event: { type: string; data: unknown }): Broken | null;
}

export function countBudgets(): Budgets {
  const sessions = new Map<string, Counts>();

  function check(before: SessionContext, after: SessionContext, taken: { type: string; data: unknown }): Broken | null {
    let counts = sessions.get(after.address);
    if (counts === undefined) sessions.set(after.address, (counts = { attempts: new Map(), losses: new Map() }));
    const event = taken as SessionEvent;
    const main = before.run?.claims[0];
    if (main !== undefined && isLoss(before, after, event)) add(counts.losses, main, 1);
    const isBegunAnew = isNewStart(event) || isHandedBack(before, event) || isGivenAnew(before, event);
    if ((event.type === 'run.verified' && event.data.ok) || isBegunAnew) counts.losses.clear();
    if (ENCOURAGED.has(event.type) || isMoved(before, after)) encourage(counts, after);
    for (const kind of renewed(before, after, event)) forget(counts, kind);
    if (event.type === 'run.verified' && before.run?.ended != null && before.run.for !== null) {
      count(counts, before, event);
    }
    if (before.run?.begunAt == null && after.run?.begunAt != null) return onBegun(counts, after);
    return null;
  }

  function count({ attempts }: Counts, { run, obligations }: SessionContext, event: SessionEvent): void {
    const main = obligations.find(({ id }) => id === run!.claims[0]);
    const name = run!.for === 'verdict' ? `verdict ${main?.head}` : run!.for!;
    const ok = event.type === 'run.verified' && event.data.ok && run!.ended?.outcome === 'completed';
    if (ok && run!.for === 'answer') attempts.delete(name);
    else add(attempts, name, 1);
  }

  function onBegun({ attempts, losses }: Counts, after: SessionContext): Broken | null {
    const kind = after.run!.for!;
    const main = after.obligations.find(({ id }) => id === after.run!.claims[0]);
    const made = attempts.get(kind === 'verdict' ? `verdict ${main?.head}` : kind) ?? 0;
    const limit = after.budgets[kind] ?? LIMITS[kind];
    if (made >= limit && kind !== 'answer') {
      return broken('budgets end', `${after.address} begins ${kind} after ${made} of ${limit} attempts`);
    }
    const restarts = after.budgets.restarts ?? RESTARTS;
    const lost = losses.get(after.run!.claims[0]!) ?? 0;
    if (lost > restarts) return broken('budgets end', `${after.address} begins after ${lost} lost runs`);
    return null;
  }

  return { check };
}

function forget({ attempts }: Counts, kind: string): void {
  for (const name of attempts.keys()) if (name === kind || name.startsWith(`${kind} `)) attempts.delete(name);
}

function add(counts: Map<string, number>, name: string, more: number): void {
  counts.set(name, (counts.get(name) ?? 0) + more);
}

/** A run, or the verification of one, was given up: by the agent's word, by a failed act, or by a timer. */
function isLoss(before: SessionContext, after: SessionContext, event: { type: string; data: unknown }): boolean {
  if (before.run === null || after.run === before.run || after.run !== null) return false;
  if (event.type === 'agent.gone') {
    const { class: how } = event.data as { class: string };
    return how !== 'stopped' && how !== 'offboarded';
  }
  return (
    event.type === 'worktree.failed' || event.type === 'run.verify.failed' || event.type.startsWith('xstate.after.')
  );
}

/** People's words after which lost runs are counted from 0 again. */
const isNewStart = ({ type, data }: SessionEvent): boolean =>
  type === 'correct.retry' || (type === 'correct.budget.set' && data.kind === 'restarts');

/** A person has worked on it: what agents tried before counts no more. */
const isHandedBack = (before: SessionContext, { type }: SessionEvent): boolean =>
  type === 'correct.handback' && before.taken !== null;

/** Given to somebody else after it was parked: what the one before was lost to counts no more. */
const isGivenAnew = ({ obligations }: SessionContext, { type }: SessionEvent): boolean =>
  (type === 'correct.reassign' || type === 'correct.adopt') &&
  obligations.some(({ parked }) => parked?.by === 'restarts' || parked?.by === 'stopped');

/** Another head un-parks what did not move it before. */
const isMoved = (before: SessionContext, after: SessionContext): boolean => before.pull?.head !== after.pull?.head;

/** Words that un-park without a new budget: one more try each. */
const ENCOURAGED = new Set([
  'say',
  'answer',
  'comment.observed',
  'correct.reassign',
  'correct.adopt',
  'correct.budget.set',
  'correct.retry',
  'review.wanted',
]);

function encourage({ attempts, losses }: Counts, { budgets }: SessionContext): void {
  for (const [name, made] of attempts) {
    const kind = name.split(' ')[0] as ObligationKind;
    attempts.set(name, Math.min(made, Math.max(0, (budgets[kind] ?? LIMITS[kind]) - 1)));
  }
  for (const [id, lost] of losses) losses.set(id, Math.min(lost, budgets.restarts ?? RESTARTS));
}

const ALL = Object.keys(LIMITS);

/** Kinds whose counter may begin again with this event. */
function renewed(before: SessionContext, after: SessionContext, event: SessionEvent): string[] {
  switch (event.type) {
    case 'correct.retry':
      return event.data.kind === undefined ? ALL : [event.data.kind];
    case 'correct.handback':
      return before.taken === null ? [] : ALL;
    case 'correct.budget.set':
      return [event.data.kind];
    case 'verdict.given':
      return event.data.verdict === 'approve' ? ['review'] : [];
    case 'correct.check.ignore':
    case 'correct.edit':
      return ['checks'];
    case 'pull.observed': {
      const { data } = event;
      const kinds: string[] = [];
      if (before.pull !== null && before.pull.head !== data.head && data.headBy === 'other') {
        return ['checks', 'queue', 'review', 'upkeep', 'implement'];
      }
      if (data.gate.state === 'green' || after.ignored.length > 0) kinds.push('checks');
      if (data.conflict === false) kinds.push('upkeep');
      if (data.queue.state === 'waiting' || data.queue.state === 'merging') kinds.push('queue');
      if (data.reviews.some(({ verdict }) => verdict === 'approve')) kinds.push('review');
      return kinds;
    }
    default:
      return [];
  }
}

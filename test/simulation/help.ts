/** The patient person of the calm part: does about each thing that waits for somebody what such a person would do. */
import type { MissionContext } from '../../machines/mission/index.ts';
import type { SessionContext } from '../../machines/session/index.ts';
import { changeIssue } from './tracker.ts';
import type { World } from './world.ts';

export const help = {
  /** Resumes what was held back, and sees to it that there is somebody for every kind of work. */
  begin(world: World): void {
    world.mail('dispatcher/main', 'correct.resume', {});
    for (const address of world.open('mission')) world.mail(address, 'correct.resume', {});
    world.hire('calm', 'implementer');
    world.hire('judge', 'reviewer');
    for (const address of world.open('agent')) {
      if (!['asleep', 'busy'].includes(world.projectionOf(address).phase)) world.mail(address, 'correct.restart', {});
    }
  },

  /** Returns whether there was anything to do. */
  all(world: World): boolean {
    const before = world.letters();
    let changed = false;
    for (const issue of world.issues) {
      if (issue.removed) continue;
      const isWell = issue.delegated && issue.type === 'started' && issue.blockers.every(({ done }) => done);
      if (isWell) continue;
      changed = true;
      const blockers = issue.blockers.map(({ ref }) => ({ ref, done: true }));
      changeIssue(issue, { delegated: true, type: 'started', blockers }, world.kernel.nowMs);
    }
    if (world.projectionOf('dispatcher/main').phase !== 'open') world.mail('dispatcher/main', 'correct.resume', {});
    for (const address of world.open('session')) helpSession(world, address);
    for (const address of world.open('mission')) helpMission(world, address);
    return settlePulls(world) || changed || world.letters() > before;
  },
};

function helpSession(world: World, address: string): void {
  const context = world.contextOf<SessionContext>(address);
  const say = (type: string, data: Record<string, unknown> = {}): void => world.mail(address, type, data);
  const { waitingOn } = world.projectionOf(address);
  if (context.budgets.tokens !== undefined) say('correct.budget.set', { kind: 'tokens', limit: 1_000_000 });
  if (context.budgets.costUsd !== undefined) say('correct.budget.set', { kind: 'costUsd', limit: 1_000 });
  for (const { gate, on } of waitingOn) {
    const owes = context.obligations.length > 0;
    if (gate === 'paused') say(context.taken === null ? 'correct.resume' : 'correct.handback');
    else if (gate === 'withdrawn') say('correct.delegate');
    else if (gate === 'human' && context.questions.length > 0) {
      say('answer', { question: context.questions[0]!.id, text: 'That way.' });
    } else if ((gate === 'human' || gate === 'upkeep' || gate === 'merge') && owes) say('correct.retry');
    else if (gate === 'human' || gate === 'upkeep') say('correct.close', { outcome: 'done' });
    else if (gate === 'merge' && on === 'person/operator') say('correct.retry');
    else if (gate === 'agent') say('correct.reassign', { to: roleFor(context) });
    else if (gate === 'review') say('correct.review.waive');
    else if (gate === 'checks' && on === 'person/operator') say('correct.close', { outcome: 'done' });
    else if (gate === 'checks') say('correct.check.rerun');
  }
}

const roleFor = ({ brief }: SessionContext): string => (brief.kind === 'review' ? 'role/reviewer' : 'role/implementer');

function helpMission(world: World, address: string): void {
  if (world.projectionOf(address).phase === 'paused') world.mail(address, 'correct.resume', {});
  const { items, policy } = world.contextOf<MissionContext>(address);
  if (policy.onItemFailed === 'continue') return;
  const ended = items.some(({ state }) => state === 'failed' || state === 'cancelled');
  if (ended) world.mail(address, 'correct.policy.set', { onItemFailed: 'continue' });
}

const MERGES = new Set(['merge', 'queue']);

/** People merge what is theirs to merge, undraft drafts, and close what nobody works on any more. */
function settlePulls({ github, kernel, contextOf, isOpen, projectionOf }: World): boolean {
  let any = false;
  for (const pull of github.pulls.filter(({ state }) => state === 'open')) {
    const change = (changes: Partial<typeof pull>): void => {
      any = true;
      github.change(pull, changes, kernel.nowMs);
    };
    if (!isOpen(pull.session)) change({ state: 'closed', closedBy: 'person' });
    else if (pull.draft) change({ draft: false });
    else if (pull.queue === 'evicted' && contextOf<SessionContext>(pull.session).obligations.length === 0) {
      change({ queue: 'out' });
    } else if (
      projectionOf(pull.session).waitingOn.some(({ gate, on }) => MERGES.has(gate) && on === 'external/github')
    ) {
      if (pull.conflict === true) change({ conflict: false });
      else change({ state: 'closed', merged: true });
    } else if (pull.conflict === true && contextOf<SessionContext>(pull.session).obligations.length === 0) {
      change({ conflict: false });
    }
  }
  return any;
}

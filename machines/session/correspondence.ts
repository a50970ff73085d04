/** Words of others about the work that are no corrections: the dispatcher's, and mail of ours that was not taken. */
import { isLive, wantAnew } from './assignment.ts';
import { timerMs } from '../contract.ts';
import type { SessionContext } from './context.ts';
import { type Draft, deny, set } from './draft.ts';
import { reviewSessionEnded, reviewUnreachable } from './reviewing.ts';

/** The pinned agent is gone for good: its lane may take the work, never another agent by name. */
export function widenPin(draft: Draft): void {
  const { event, context } = draft;
  if (event.type !== 'pin.lost' || context.pin !== event.data.agent) return;
  const { lane } = event.data;
  set(draft, {
    pin: lane === null ? null : `lane/${lane}`,
    owner: context.owner === event.data.agent && !isLive(context) ? null : context.owner,
  });
  wantAnew(draft);
}

export function noteUnmatched(draft: Draft): void {
  const { event } = draft;
  if (event.type !== 'work.unmatched') return;
  const { role, ruledOut, slot, nobody = false, limit = null } = event.data;
  set(draft, { unmatched: { role, ruledOut: ruledOut.slice(0, 100), slot, nobody, limit } });
}

/** More missions than this have no use for one piece of work. */
const LINKED_MAX = 50;

/** A mission has an item for what is already done here. */
export function linkItem(draft: Draft): void {
  const { event, context } = draft;
  if (event.type !== 'item.linked') return;
  const { item } = event.data;
  if (context.linked.some((known) => known.mission === event.source && known.item === item)) return;
  if (context.linked.length >= LINKED_MAX) return deny(draft, 'limit', `${LINKED_MAX} items show this work already`);
  set(draft, { linked: [...context.linked, { mission: event.source, item }] });
}

export function unlinkItem(draft: Draft): void {
  const { event, context } = draft;
  if (event.type !== 'item.unlinked') return;
  const linked = withoutItem(context.linked, event.source, event.data.item);
  if (linked.length < context.linked.length) set(draft, { linked });
}

export const withoutItem = (
  linked: SessionContext['linked'],
  mission: string,
  item: string,
): SessionContext['linked'] => linked.filter((known) => known.mission !== mission || known.item !== item);

/** What this session told another was not taken. */
export function mailRefused(draft: Draft): void {
  const { event, context } = draft;
  if (event.type !== 'mail.refused') return;
  const { type, to, code, outcome, reason } = event.data;
  if (type === 'review.wanted' && context.reviewing.asked?.of === to) {
    if (code === 'final') reviewSessionEnded(draft);
    else if (context.reviewing.unreachable === null) reviewUnreachable(draft, reason ?? code ?? `${to} is ${outcome}`);
  }
  // An agent that does not know the run, or is no more, has no process of it.
  if (type === 'run.cancelled') {
    const left = context.unreleased.filter((entry) => !(entry.agent === to && entry.ours));
    if (left.length < context.unreleased.length) set(draft, { unreleased: left });
  }
  if (type === 'work.wanted' && context.want !== null) {
    const ms = timerMs(context, 'restartBase');
    set(draft, {
      want: null,
      backoff: {
        gate: 'backoff',
        ms,
        reason: `the dispatcher did not take the want: ${reason ?? code ?? outcome}`,
        at: event.at,
      },
    });
  }
}

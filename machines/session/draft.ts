/**
 * A step being worked out: the next context, the wishes, the labels to raise. Handlers write on it; `setup.ts` hands
 * the result to XState. The context itself is never changed in place.
 */
import type { ActName, ActParams, Tell } from '../effects.ts';
import type { Wish } from '../decision.ts';
import { act, refuse, tell } from '../decision.ts';
import type { SessionEvent } from '../events/index.ts';
import type { SessionContext } from './context.ts';
import { copyOf } from './copy.ts';
import type { Label, LabelEvent } from './labels.ts';

export type AnyEvent = SessionEvent | LabelEvent;

export interface Draft {
  readonly before: SessionContext;
  context: SessionContext;
  readonly event: AnyEvent;
  readonly wishes: Wish[];
  readonly raised: Label[];
}

export type Write = (draft: Draft) => void;

export function draftOf(context: SessionContext, event: AnyEvent): Draft {
  return { before: context, context, event, wishes: [], raised: [] };
}

export function set(draft: Draft, change: Partial<SessionContext>): void {
  draft.context = Object.assign(copyOf(draft.context), change);
}

export function say(draft: Draft, to: string, type: string, data: Tell['data'], expectepoch?: number): void {
  draft.wishes.push(tell({ to, type, data, ...(expectepoch === undefined ? {} : { expectepoch }) }));
}

export function wishFor<Name extends ActName>(draft: Draft, name: Name, params: ActParams<Name>): void {
  draft.wishes.push(act(name, params));
}

export function withdraw(draft: Draft, name: ActName): void {
  draft.wishes.push({ type: 'act.cancel', params: { act: name } });
}

/** Refuses the whole step: nothing of the draft is kept. */
export function deny(draft: Draft, code: 'guard' | 'limit' | 'claim' | 'target', reason: string): void {
  draft.wishes.push(refuse(code, reason));
}

/** The newest `max` of a list that grows. */
export const latest = <T>(list: readonly T[], max: number): T[] => (list.length > max ? list.slice(-max) : [...list]);

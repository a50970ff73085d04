/**
 * What a handler of a machine decides: which context keys change, which wishes are made, which events are raised.
 * A plain value, so that a handler is a pure function that can be read and tested alone; `perform` hands it to XState.
 */
import type { ActName, ActParams, Refuse, Supersede, Tell } from './effects.ts';

export type Wish =
  | { type: 'tell'; params: Tell }
  | { type: 'refuse'; params: Refuse }
  | { type: 'supersede'; params: Supersede }
  | { type: 'act'; params: { [Name in ActName]: { act: Name; params: ActParams<Name> } }[ActName] }
  | { type: 'act.cancel'; params: { act: ActName } };

export interface Decision<Context> {
  set?: Partial<Context>;
  wishes?: Wish[];
}

interface Queue<Context> {
  (wish: Wish): void;
  assign: (set: Partial<Context>) => void;
}

export function perform<Context>(decision: Decision<Context>, enqueue: Queue<Context>): void {
  if (decision.set !== undefined) enqueue.assign(decision.set);
  for (const wish of decision.wishes ?? []) enqueue(wish);
}

export const tell = (params: Tell): Wish => ({ type: 'tell', params });
export const refuse = (code: Refuse['code'], reason: string): Wish => ({ type: 'refuse', params: { code, reason } });
export const act = <Name extends ActName>(name: Name, params: ActParams<Name>): Wish =>
  ({ type: 'act', params: { act: name, params } }) as Wish;

/** One wait of a session: its gate, who must move, since when, until when, and what would end it (law 3). */
import type { ActorView, Gate, WaitingOn } from '../contract.ts';
import type { SessionContext } from './context.ts';

export type View = ActorView<SessionContext>;

/** Somebody must say how to go on, and we know nobody by name. */
export const OPERATOR = 'person/operator';

interface Wait {
  on: string | null;
  since: string;
  detail: string;
  moves: string[];
  until?: string | null;
}

export const wait = (gate: Gate, { on, since, until = null, detail, moves }: Wait): WaitingOn => ({
  gate,
  on,
  since,
  until,
  detail,
  moves,
});

export function sinceOf({ since, context }: View, path: string): string {
  return since[`open.${path}`] ?? since['open'] ?? context.openedAt;
}

export const timerOf = ({ timers }: View, state: string, delay: string): string | null =>
  timers[`open.work.${state}:${delay}`] ?? null;

/** How a prompt of the Agent Client Protocol ended, as an event of a driver. */
import type { DriverEvent, TurnOutcome } from '../driver.ts';

/** The protocol's own code for an agent that is not logged in. */
const AUTH_REQUIRED = -32_000;

const OUTCOMES: Record<string, TurnOutcome> = {
  end_turn: 'completed',
  max_tokens: 'budget',
  max_turn_requests: 'budget',
  refusal: 'refused',
  cancelled: 'interrupted',
};

export function endingOf(turn: string, stopReason: string): DriverEvent {
  const outcome = OUTCOMES[stopReason];
  if (outcome === undefined) {
    return {
      type: 'turn.ended',
      turn,
      outcome: 'failed',
      reason: `it stopped for a reason nobody knows: ${stopReason}`,
    };
  }
  const isPlain = outcome === 'completed' || outcome === 'interrupted';
  return { type: 'turn.ended', turn, outcome, ...(isPlain ? {} : { reason: stopReason }) };
}

/** The protocol has a code for one of its errors; of the others only the agent's own words tell. */
export function faultOf(turn: string, code: number | undefined, reason: string): DriverEvent {
  if (isAuth(code, reason)) return { type: 'auth.failed', reason };
  if (/usage.?limit|rate.?limit|quota|overloaded|\b(?:429|503|529)\b/i.test(reason)) {
    return { type: 'rate.limited', reason };
  }
  return { type: 'turn.ended', turn, outcome: 'failed', reason };
}

export const isAuth = (code: number | undefined, reason: string): boolean =>
  code === AUTH_REQUIRED || /\b401\b|unauthori[sz]ed|not logged in|auth(?:entication)? required/i.test(reason);

/** After every word the dispatcher gets: matches are told, who is left hears why, pins on agents that are gone are lost. */
import { timerMs } from '../contract.ts';
import type { Decision, Wish } from '../decision.ts';
import { tell } from '../decision.ts';
import type { DispatcherContext, Employed } from './context.ts';
import { isStopped } from './context.ts';
import { spentAt } from './day.ts';
import type { Taken } from './desk.ts';
import { match } from './match.ts';
import type { Matching, Want } from './match.ts';

/** A session is told of this many agents at most. */
const RULED_OUT_MAX = 1_000;

/** `held`: why nothing is handed out now, null = it is. */
export const handOut =
  (held: string | null) =>
  (context: DispatcherContext, event: Taken): Decision<DispatcherContext> => {
    const spent = spentAt(context, event.at);
    const employed = context.agents.filter(({ life }) => life !== 'offboarded');
    const { matched, unmatched } = match({
      wants: context.wants,
      agents: employed,
      offers: context.offers,
      maxRuns: spent === null ? context.maxRuns : 0,
      held,
    });
    const wishes: Wish[] = matched.map(({ session, want, agent }) =>
      tell({ to: session, type: 'work.matched', data: { agent, want } }),
    );
    const taken = new Set(matched.map(({ session }) => session));
    const chosen = new Set(matched.map(({ agent }) => agent));
    const left = new Map(unmatched.map((row) => [row.session, row]));
    let pinsDue: string | null = null;
    const wants = context.wants.flatMap((want): Want[] => {
      if (taken.has(want.session)) return [];
      let next = want;
      const row = left.get(want.session);
      const said = row === undefined ? want.said : `${short(row)}${spent === null ? '' : ` ${spent.reason}`}`;
      if (row !== undefined && said !== want.said) {
        const ruledOut = row.ruledOut.slice(0, RULED_OUT_MAX).map(({ agent, why }) => ({ agent, why }));
        const { want: number, role, slot, nobody } = row;
        const limit = slot && spent !== null ? { limit: spent } : {};
        const data = { want: number, role, ruledOut, slot, nobody, ...limit };
        wishes.push(tell({ to: want.session, type: 'work.unmatched', data }));
        next = { ...next, said };
      }
      const down = held === null && !want.pinLost ? downPin(want, context) : null;
      if (down !== null) {
        if (down.due <= event.at) {
          wishes.push(
            tell({
              to: want.session,
              type: 'pin.lost',
              data: { agent: down.agent, lane: down.lane, reason: down.reason },
            }),
          );
          next = { ...next, pinLost: true };
        } else if (pinsDue === null || down.due < pinsDue) pinsDue = down.due;
      }
      return [next];
    });
    const set: Partial<DispatcherContext> = {};
    if (wants.length !== context.wants.length || wants.some((want, index) => want !== context.wants[index])) {
      set.wants = wants;
    }
    if (pinsDue !== context.pinsDue) set.pinsDue = pinsDue;
    if (spent?.reason !== context.spent?.reason || spent?.until !== context.spent?.until) set.spent = spent;
    if (matched.length > 0) {
      set.offers = [
        ...context.offers,
        ...matched.map(({ session, agent, want }) => ({ session, agent, want, accepted: false, seen: false })),
      ];
      set.agents = context.agents.map((row) => (chosen.has(row.agent) ? { ...row, heard: false } : row));
    }
    return { set, wishes };
  };

/** Small enough to keep for every want, exact enough to notice a change. */
function short({ ruledOut, slot, role }: Matching['unmatched'][number]): string {
  return `${role} ${slot ? '+' : '-'} ${ruledOut.map(({ code }) => code).join('.')}`;
}

/** The agent this work waits for alone, when it is down: until when that is borne with. */
function downPin(
  want: Want,
  context: DispatcherContext,
): { agent: string; lane: string | null; due: string; reason: string } | null {
  if (want.pin?.startsWith('agent/') !== true) return null;
  const row: Employed | undefined = context.agents.find(({ agent }) => agent === want.pin);
  const since = row === undefined ? want.since : row.downSince;
  if (since === null) return null;
  const due = new Date(Date.parse(since) + timerMs(context, 'pin')).toISOString();
  const reason = row === undefined ? `${want.pin} is not known here` : `${want.pin} is ${row.life}`;
  return { agent: want.pin, lane: row?.lanes[0] ?? null, due, reason };
}

const WAS_PAUSED = 'as it was before the fleet was stopped';

/** Fleet-wide: every agent that is still at work is told, those hired later too. */
export const tellFleet =
  (type: 'correct.stop' | 'correct.drain') =>
  (context: DispatcherContext): Decision<DispatcherContext> => {
    const working = context.agents.filter((row) => !isStopped(row.life) && !row.told && !isLeaving(type, row));
    if (working.length === 0) return {};
    const reason = context.cause === null ? {} : { reason: `fleet-wide, by ${context.cause.by}` };
    const names = working.map(({ agent }) => agent);
    return {
      set: {
        stoppedHere: [
          ...context.stoppedHere.filter(({ agent }) => !names.includes(agent)),
          ...working.flatMap((row) => toBringBack(row, context)),
        ],
        agents: context.agents.map((row) => (names.includes(row.agent) ? { ...row, told: true } : row)),
      },
      wishes: names.map((agent) => tell({ to: agent, type, data: reason })),
    };
  };

const isLeaving = (type: string, { door }: Employed): boolean =>
  door === 'closed' || (door === 'draining' && type === 'correct.drain');

/** What a person asked of one agent outlives the stop of everybody: its pause, and its drain. */
function toBringBack({ agent, door }: Employed, { stoppedHere }: DispatcherContext): DispatcherContext['stoppedHere'] {
  const before = stoppedHere.find((stopped) => stopped.agent === agent);
  if (door === 'draining') return before === undefined ? [] : [before];
  return [{ agent, wasPaused: door === 'paused' }];
}

export function wakeFleet(context: DispatcherContext): Decision<DispatcherContext> {
  const reason = context.cause === null ? {} : { reason: `fleet-wide, by ${context.cause.by}` };
  return {
    set: { stoppedHere: [], agents: context.agents.map((row) => (row.told ? { ...row, told: false } : row)) },
    wishes: context.stoppedHere.flatMap(({ agent, wasPaused }) => [
      tell({ to: agent, type: 'correct.resume', data: reason }),
      ...(wasPaused ? [tell({ to: agent, type: 'correct.pause', data: { reason: WAS_PAUSED } })] : []),
    ]),
  };
}

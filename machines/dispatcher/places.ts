/**
 * How many chats are awake at once. A chat that has something to read asks for a place and wakes when it is given one;
 * where all are taken, those that nobody needs make room, the longest idle first, and who waits is served in turn.
 */
import type { WaitingOn } from '../contract.ts';
import { tell } from '../decision.ts';
import type { Wish } from '../decision.ts';
import type { DispatcherContext, Employed } from './context.ts';
import type { Handler } from './desk.ts';

/** Each chat that is awake is a process with a model's conversation in it. */
export const CHATS_MAX = 16;

const byTurn = (a: Employed, b: Employed): number =>
  (a.placeSince ?? '').localeCompare(b.placeSince ?? '') || a.agent.localeCompare(b.agent);

const has = ({ place, placeGiven }: Employed): boolean => placeGiven || place === 'taken' || place === 'idle';
const waits = ({ place, placeGiven }: Employed): boolean => place === 'wanted' && !placeGiven;
/** Its place is free in a moment. */
const makesRoom = ({ place, askedToLeave, life }: Employed): boolean =>
  place === 'idle' ? askedToLeave : place === 'taken' && life === 'stopping';

export const placesTaken = ({ agents }: Pick<DispatcherContext, 'agents'>): number => agents.filter(has).length;

/** Chats that wait for a place, in the order in which they get one. */
export const queueOf = ({ agents }: Pick<DispatcherContext, 'agents'>): Employed[] => agents.filter(waits).sort(byTurn);

/** What an agent now says of its place, beside what was known of it. */
export function placeOf(
  now: Pick<Employed, 'place' | 'life'>,
  before: Employed | undefined,
  at: string,
): Pick<Employed, 'placeSince' | 'placeGiven' | 'askedToLeave'> {
  const isSame = before !== undefined && before.place === now.place;
  const isUp = now.place === 'taken' || now.place === 'idle';
  return {
    placeSince: now.place === undefined ? null : isSame ? before.placeSince : at,
    // Kept until it is seen to be used or comes back: a chat that says it needs none may yet take the one on its way.
    placeGiven: before?.placeGiven === true && !isUp && now.life !== 'offboarded',
    askedToLeave: isSame && before.askedToLeave,
  };
}

export const givePlaces: Handler = (context) => {
  const queue = queueOf(context);
  if (queue.length === 0) return {};
  const free = Math.max(0, context.maxChats - placesTaken(context));
  const given = new Set(queue.slice(0, free));
  const short = queue.length - given.size - context.agents.filter(makesRoom).length;
  const idle = context.agents.filter(({ place, askedToLeave }) => place === 'idle' && !askedToLeave).sort(byTurn);
  const asked = new Set(idle.slice(0, Math.max(0, short)));
  if (given.size === 0 && asked.size === 0) return {};
  const wishes: Wish[] = [
    ...[...given].map(({ agent }) => tell({ to: agent, type: 'place.given', data: {} })),
    ...[...asked].map(({ agent }) => tell({ to: agent, type: 'place.wanted', data: {} })),
  ];
  const agents = context.agents.map((row) => {
    if (given.has(row)) return { ...row, placeGiven: true };
    return asked.has(row) ? { ...row, askedToLeave: true } : row;
  });
  return { set: { agents }, wishes };
};

/** It did not need the place any more when it came, or could not take it. */
export const placeReturned: Handler = ({ agents }, event) => {
  const returned =
    event.type === 'place.returned'
      ? event.data.agent
      : event.type === 'mail.refused' && event.data.type === 'place.given'
        ? event.data.to
        : null;
  if (!agents.some(({ agent, placeGiven }) => placeGiven && agent === returned)) return {};
  return {
    set: {
      agents: agents.map((row) => (row.agent === returned ? withoutPlace(row) : row)),
    },
  };
};

/** If it wants one again it says so. */
function withoutPlace({ place: _place, ...row }: Employed): Employed {
  return { ...row, placeSince: null, placeGiven: false };
}

/** Of each chat that waits for its place, how many are before it. */
export function placesWaitedFor(context: DispatcherContext, shown: number): WaitingOn[] {
  return queueOf(context)
    .slice(0, shown)
    .map(({ agent, placeSince }, before) => ({
      gate: 'slot',
      on: agent,
      since: placeSince ?? '',
      until: null,
      detail: `${agent} waits to wake: ${placesTaken(context)} of ${context.maxChats} chats at a time are awake, ${before} before it`,
      moves: ['agent.changed', 'place.returned'],
    }));
}

/** What the dispatcher knows: pictures of agents and wants kept up to date by their own events, and the open offers. */
import type { Birth, Timers } from '../contract.ts';
import type { Note } from '../notes.ts';
import { newDay } from './day.ts';
import type { Day, DayLimits } from './day.ts';
import type { AgentRow, Offer, Want } from './match.ts';
import { CHATS_MAX } from './places.ts';

export interface Employed extends AgentRow {
  /** Since when it can do nothing (stopped, cooling down, gone); null = it can. */
  downSince: string | null;
  /** It was told of a fleet-wide stop or drain and has not said anything since. */
  told: boolean;
  /** Since when its place is wanted, taken or idle; null = it neither has nor wants one. */
  placeSince: string | null;
  /** It was told that it may wake, and has not said what became of it. */
  placeGiven: boolean;
  /** It was told that another waits for its place. */
  askedToLeave: boolean;
}

export type DispatcherContext = {
  address: string;
  timers: Timers;
  maxRuns: number;
  /** How many chats are awake at once. */
  maxChats: number;
  /** Configured limits of a day, for all runs together. */
  daily: DayLimits;
  day: Day;
  /** The limit of the day that is reached; null = none. */
  spent: { reason: string; until: string } | null;
  agents: Employed[];
  wants: Want[];
  offers: Offer[];
  /** The next pinned agent is given up at this time, null = none is down. */
  pinsDue: string | null;
  /** What the timer of the pins is set to. */
  pinsArmed: string | null;
  /** Agents that a fleet-wide stop or drain has stopped, and that a resume brings back as they were. */
  stoppedHere: { agent: string; wasPaused: boolean }[];
  cause: { by: string; reason: string | null; at: string } | null;
  notes: Note[];
};

export function newDispatcher({ address, at, timers }: Birth): DispatcherContext {
  return {
    address,
    timers,
    maxRuns: 0,
    maxChats: CHATS_MAX,
    daily: {},
    day: newDay(at),
    spent: null,
    agents: [],
    wants: [],
    offers: [],
    pinsDue: null,
    pinsArmed: null,
    stoppedHere: [],
    cause: null,
    notes: [],
  };
}

/** Lives in which an agent can do no work, however long one waits. */
const DOWN = new Set(['stopped', 'archived', 'offboarding', 'offboarded', 'coolingDown']);
/** Lives that a fleet-wide stop has nothing to add to. */
const STOPPED = new Set(['stopped', 'archived', 'offboarding', 'offboarded']);

export const isDown = (life: string): boolean => DOWN.has(life);
export const isStopped = (life: string): boolean => STOPPED.has(life);

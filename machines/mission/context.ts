/** What a mission knows: what was asked for, and of each item what its session last told. */
import type { Birth, Timers, WaitingOn } from '../contract.ts';
import type { MissionItem, MissionPolicy } from '../events/mission.ts';
import { timerMs } from '../contract.ts';
import type { Note } from '../notes.ts';
import type { Plea } from './help.ts';

/** An item as its session last showed it; only `session.changed` writes it (law 1). */
export interface Picture {
  phase: string;
  /** State of the session's *work* region; the final state where it has ended. */
  work: string;
  /** It has a pull request. */
  pull: number | null;
  owner: string | null;
  epoch: number;
  unread: number;
  waitingOn: WaitingOn[];
  /** What its runs have cost so far. */
  spent: { runs: number; tokens: number; costUsd: number };
  at: string;
}

export type ItemState = 'waiting' | 'ready' | 'active' | 'inReview' | 'done' | 'failed' | 'cancelled';

export interface Item {
  spec: MissionItem;
  session: string;
  /** Which session of this item it is, from 1. */
  nth: number;
  state: ItemState;
  since: string;
  /** What it was last told to wait for; empty = it may run. */
  heldBy: string[];
  picture: Picture | null;
  /** When work on it first began, who owned it last, and how many corrections moved it: for the report. */
  begunAt: string | null;
  by: string | null;
  corrections: number;
  /** Its session could not be opened. */
  refused: string | null;
  /** It was told to close. */
  closing: boolean;
  /** Its source was held by this session already: the item shows that one and ends with it, and orders it nothing. */
  linked: boolean;
}

export type MissionContext = {
  address: string;
  timers: Timers;
  openedAt: string;
  objective: string;
  conductor: string | null;
  policy: MissionPolicy;
  items: Item[];
  /** Keys of removed items and how many sessions each had: a session is never opened twice under one name. */
  used: { key: string; nth: number }[];
  /** Runs were paused too, so a resume resumes them. */
  pausedRuns: boolean;
  /** A stop that does not wait for runs. */
  force: boolean;
  /** What the mission ends as once nothing is open. */
  ending: 'cancelled' | 'failed' | null;
  cause: { by: string; reason: string | null; at: string } | null;
  report: string | null;
  /** What help was asked for, or will be. */
  pleas: Plea[];
  /** When the next plea is due, and what the timer is set to. */
  helpDue: string | null;
  helpArmed: string | null;
  notes: Note[];
};

export function defaultPolicy(context: { timers: Timers }): MissionPolicy {
  const seconds = (name: 'stall' | 'helpBase' | 'helpMax'): number => timerMs(context, name) / 1_000;
  return {
    maxParallel: 2,
    review: 'required',
    stallSeconds: seconds('stall'),
    help: { base: seconds('helpBase'), max: seconds('helpMax') },
    onItemFailed: 'hold',
  };
}

export function newMission({ address, at, timers }: Birth): MissionContext {
  return {
    address,
    timers,
    openedAt: at,
    objective: '',
    conductor: null,
    policy: defaultPolicy({ timers }),
    items: [],
    used: [],
    pausedRuns: false,
    force: false,
    ending: null,
    cause: null,
    report: null,
    pleas: [],
    helpDue: null,
    helpArmed: null,
    notes: [],
  };
}

const ENDED = new Set<ItemState>(['done', 'failed', 'cancelled']);
export const hasEnded = ({ state }: Item): boolean => ENDED.has(state);

/**
 * What an agent knows of itself. Which state it is in is the chart's to say; here is what the chart decides by: the
 * run it has accepted, what became of earlier processes, its mail, and what it holds.
 */
import type { Birth, Timers } from '../contract.ts';
import type { AgentLimits, Origin, RunBegun } from '../events/agent.ts';
import type { Usage, WorkKind } from '../events/common.ts';
import type { Note } from '../notes.ts';

/** Why a session lost this agent (`agent.gone`). */
export interface Loss {
  class: 'crash' | 'silent' | 'lost' | 'contention' | 'auth' | 'offboarded' | 'stopped';
  reason: string;
}

export interface Question {
  id: string;
  text: string;
  at: string;
  choices?: string[];
}

/** Nothing is heard of the process though a turn is on: what was tried so far to hear of it. */
export interface Silence {
  stage: 'asked' | 'interrupted';
  /** The text that asked; an answer that it was not taken names it. */
  say: string;
  /** Since when nothing was heard. */
  since: string;
}

/** The one run a worker has: from the accepted offer until its process group is gone. */
export interface Run {
  session: string;
  epoch: number;
  kind: WorkKind;
  title: string;
  since: string;
  /** The step that accepted it: a refused report of an earlier run is told apart by it. */
  acceptedSeq: number;
  /** null until the session says `run.begun`; from then on there is a process. */
  begun: RunBegun | null;
  /** As it was when the run began, so that remembering something does not look like another process. */
  memory: Record<string, string>;
  /** Mail and notes of this agent that its prompt holds. */
  letters: string[];
  notes: string[];
  conversation: string | null;
  question: Question | null;
  /** Wall clock used up to `clockSince`, milliseconds; it stands while a question is open. */
  clockUsedMs: number;
  clockSince: string | null;
  /** The session has been told how the turn ended, or wants to hear nothing more. */
  settled: boolean;
  /** What the session is told after the process group is gone. */
  loss: Loss | null;
  /** The process was asked to end. */
  ending: boolean;
  usage: Usage;
  /** The last thing its agent said. */
  said: string | null;
}

export interface Subscription {
  repo: string;
  since: string;
  /** Who took it while this agent was stopped; null = held by this agent while it is active. */
  takenBy: string | null;
}

export interface Mail {
  id: string;
  at: string;
  author: string;
  text: string;
  /** A query is answered to its sender; a say to whoever reads. */
  kind: 'say' | 'query';
  urgent: boolean;
  state: 'queued' | 'delivered' | 'answered' | 'failed';
  /** Clean exits it was left unread by, in a row. */
  unreadExits: number;
  /** What a query is about, by its sender’s name for it. */
  about: string | null;
  /** When a query must be answered; null = whenever. */
  due: string | null;
  /** It was handed to the running turn, which has not said yet whether it takes it. */
  steering: boolean;
  answer: string | null;
  why: string | null;
}

export interface Consumer {
  consumer: string;
  kind: 'terminal' | 'page';
  since: string;
}

/** Who asked for the present state, for people. */
export interface Cause {
  by: string;
  reason: string | null;
  at: string;
}

export interface Review {
  repo: string;
  number: number;
  head: string;
  verdict: string;
  accepted: boolean;
  at: string;
}

export type AgentContext = {
  address: string;
  timers: Timers;
  role: string;
  user: string;
  lanes: string[];
  driver: string;
  mode: 'worker' | 'chat';
  env: Record<string, string>;
  limits: AgentLimits;
  github: string | null;
  kinds: WorkKind[];
  actions: string[];
  hiredAt: string | null;
  /** Of a chat from elsewhere, and how many of its letters are in; null = it began here. */
  origin: (Origin & { adopted: number }) | null;
  run: Run | null;
  /** Where the life goes when the process is gone. */
  afterwards: 'asleep' | 'stopped' | 'archived';
  /** Times of the crashes within the window. */
  crashes: string[];
  /** Crashes since the last run that ended well. */
  crashesInRow: number;
  contentions: number;
  /** null: its process is heard, or need not be. */
  silence: Silence | null;
  /** How its last process ended. */
  lastExit: { class: string; reason: string | null; at: string } | null;
  /** Begin of the runs of the last hour. */
  runs: string[];
  cooling: { until: string; reason: string } | null;
  /** Why it is stopped, paused, draining or archived. */
  cause: Cause | null;
  subscriptions: Subscription[];
  /** Newest head per pull request that a review session was told of. */
  heads: { repo: string; number: number; head: string }[];
  memory: Record<string, string>;
  mail: Mail[];
  /** When the next query is overdue, and what the timer is set to. */
  mailDue: string | null;
  mailArmed: string | null;
  consumers: Consumer[];
  /** When the last consumer left. */
  consumerLeftAt: string | null;
  /** The process of a chat: its number, and its conversation. */
  chat: Chat;
  revoked: boolean;
  notes: Note[];
  reviews: Review[];
};

export interface Chat {
  /** Lives so far; each has its own name. */
  life: number;
  /** There is a process, or one is being started. */
  up: boolean;
  conversation: string | null;
  /** How much of its window that fills, 0 to 1, and the conversation whose place it took when that had grown too long. */
  filled: number | null;
  parent: string | null;
  /** The next turn is told what was said before: the conversation is a fresh one. */
  retells: boolean;
  /** What runs its present process, or ran the last one. */
  driver: string | null;
  /** What its present process was started with: changes meanwhile are no reason for another one. */
  resumes: string | null;
  memory: Record<string, string>;
  /** Mail of the turn that is on, null = no turn. */
  turn: string[] | null;
  /** Wall clock of the turn used up to `clockSince`, milliseconds; it stands while a question is open. */
  clockUsedMs: number;
  clockSince: string | null;
  /** The last whole thing it said in this turn, to no letter in particular. */
  said: string | null;
  question: Question | null;
  ending: boolean;
  /** Why the process that is being ended was of no use. */
  fault: string | null;
  /** Its last process left without being told to: whoever was there a moment ago has it back. */
  left: boolean;
  /** What its present process used, as far as the dispatcher was told of it. */
  used: Usage;
}

export const NO_USAGE: Usage = { inputTokens: 0, outputTokens: 0 };

export function newAgent({ address, timers }: Birth): AgentContext {
  return {
    address,
    timers,
    role: '',
    user: 'default',
    lanes: [],
    driver: '',
    mode: 'worker',
    env: {},
    limits: {},
    github: null,
    kinds: [],
    actions: [],
    hiredAt: null,
    origin: null,
    run: null,
    afterwards: 'asleep',
    crashes: [],
    crashesInRow: 0,
    contentions: 0,
    silence: null,
    lastExit: null,
    runs: [],
    cooling: null,
    cause: null,
    subscriptions: [],
    heads: [],
    memory: {},
    mail: [],
    mailDue: null,
    mailArmed: null,
    consumers: [],
    consumerLeftAt: null,
    chat: {
      life: 0,
      up: false,
      conversation: null,
      filled: null,
      parent: null,
      retells: false,
      driver: null,
      resumes: null,
      memory: {},
      turn: null,
      clockUsedMs: 0,
      clockSince: null,
      said: null,
      question: null,
      ending: false,
      fault: null,
      left: false,
      used: NO_USAGE,
    },
    revoked: false,
    notes: [],
    reviews: [],
  };
}

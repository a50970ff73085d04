/**
 * What a session knows, all plain JSON. Every fact has one place here; the regions of the chart show what follows from
 * the facts (`standing.ts`), so that a guard, a screen and a test read the same thing.
 */
import type { Birth, Timers, WaitingOn } from '../contract.ts';
import type { Budgets, Gates, ObligationKind, Usage, Verdict, WorkKind } from '../events/common.ts';
import type { PullObserved } from '../events/index.ts';
import type { Note } from '../notes.ts';

/** What was asked for, and how the repository wants it done. */
export interface Brief {
  title: string;
  body: string;
  source: { kind: 'linear' | 'github' | 'mission' | 'manual' | 'review'; ref: string | null; url: string | null };
  user: string;
  repo: string;
  base: string | null;
  kind: WorkKind;
  deliver: 'pull_request' | 'report';
  role: string | null;
  lane: string | null;
  gates: Gates;
  merge: 'people' | 'queue' | 'self';
  mergeMethod: 'merge' | 'squash' | 'rebase';
  reviewers: 'agents' | 'people';
  queueCheck: string | null;
  branchPrefix: string;
  protectedPaths: string[];
  /** Red checks of a head are first run again, once. */
  rerun: 'never' | 'once';
  /** People who judged before are asked again for a new head. */
  rerequest: 'always' | 'never';
  priority: number;
  mission: string | null;
  item: string | null;
  /** A review session: the session under review, from its `open` or its first `review.wanted`. */
  for: string | null;
  /** A review session: the pull request it judges. */
  target: number | null;
}

export interface Parked {
  /** What parked it; a spent budget shows as phase `escalated`, a stop as `awaiting_input`. */
  by: 'budget' | 'unmoved' | 'protected' | 'restarts' | 'stopped' | 'closed' | 'failed';
  reason: string;
  at: string;
}

/** A text of a person that is still owed an answer. */
export interface Voice {
  author: string;
  text: string;
  at: string;
  about: string | null;
  /** Said by a bot that counts as a person: its words alone never renew the budget, or two programs talk for ever. */
  bot?: true;
}

/** Something owed (law 8): open until a verified run that claimed it, or a fact, ends it. */
export interface Obligation {
  id: string;
  kind: ObligationKind;
  /** The head it is about; null = none. */
  head: string | null;
  /** Tells one cause from another on the same head. */
  signature: string | null;
  /** Review comments, failing jobs, queue incident, closing comment: what a prompt shows. */
  evidence: Record<string, unknown>;
  voice: Voice | null;
  since: string;
  attempts: number;
  parked: Parked | null;
  /** Head for which a person was told that it is parked (`-` = no head). */
  noticed: string | null;
  /** What the last attempt left undone. */
  last: { epoch: number; reason: string; evidence: Record<string, unknown> } | null;
}

export interface RunEnd {
  outcome: 'completed' | 'handedBack' | 'asked' | 'interrupted' | 'limited' | 'failed' | 'cancelled' | 'lost';
  reason: string | null;
  at: string;
  summary: string | null;
  report: string | null;
  verdict: Verdict | null;
  pull: number | null;
}

/** An accepted assignment: at most one per epoch. */
export interface Run {
  epoch: number;
  agent: string;
  acceptedAt: string;
  /** Kind of the claimed obligation; null until it has begun. */
  for: ObligationKind | null;
  /** Ids of the obligations it claims; the first is what it is for. */
  claims: string[];
  attempt: number;
  head: string | null;
  /** The conversation it goes on with, and the one whose place a fresh one takes. */
  resumes: string | null;
  parent: string | null;
  begunAt: string | null;
  startedAt: string | null;
  driver: string | null;
  ended: RunEnd | null;
  /** Its process group is gone. */
  released: boolean;
  /** The act run.verify is on its way. */
  verifying: boolean;
}

/** A finished run, kept for the next prompt and for people. */
export interface PastRun {
  epoch: number;
  agent: string;
  for: ObligationKind | null;
  outcome: RunEnd['outcome'];
  ok: boolean;
  reason: string | null;
  /** What its agent said of it last. */
  summary: string | null;
  at: string;
  evidence: Record<string, unknown> | null;
}

/** The pull request as last seen. */
export interface Pull {
  number: number;
  url: string;
  state: 'open' | 'closed';
  draft: boolean;
  merged: boolean;
  closedBy: { login: string; kind: 'person' | 'bot' | 'self' } | null;
  title: string;
  author: string;
  branch: string;
  head: string;
  headBy: 'us' | 'other';
  base: string;
  conflict: boolean | null;
  gate: {
    state: 'unknown' | 'pending' | 'green' | 'red';
    checks: { name: string; conclusion: string | null; url: string | null }[];
    /** Names of failed checks that a snapshot explains. */
    failed: string[];
  };
  queue: { state: 'out' | 'waiting' | 'merging' | 'evicted'; head: string | null };
}

/** A reviewer's last word. */
export interface GivenVerdict {
  id: string | null;
  reviewer: string;
  verdict: 'approve' | 'request_changes';
  /** The head that was judged. */
  head: string;
  /** The head for which an approval holds now; null = it holds no more. */
  holds: string | null;
  at: string;
  /** Order of arrival. */
  n: number;
  /** Whether GitHub has it as a review. */
  posted: boolean;
}

export interface Reviewing {
  /** The head for which a review was last asked, and whom. */
  asked: { head: string; of: string; at: string } | null;
  /** Which review session of this pull request (a person may have closed the first). */
  nth: number;
  /** The review session as it last told of itself. */
  picture: { address: string; owner: string | null; phase: string; waitingOn: WaitingOn[]; at: string } | null;
  verdicts: GivenVerdict[];
  waived: boolean;
  waivedHeads: string[];
  /** A person asked for by a correction. */
  person: string | null;
  /** Agent or role asked for before the review session existed. */
  pin: string | null;
  /** Why the review session did not take what it was asked; a person has to look. */
  unreachable: string | null;
  /** A verdict `comment`, or a review that was dismissed: whoever judged this head does not again, a person has to. */
  comment: { head: string; reviewer: string; dismissed?: true } | null;
}

export interface Question {
  id: string;
  text: string;
  choices: string[];
  agent: string;
  epoch: number;
  at: string;
  /** Obligations of the run that asked. */
  claims: string[];
}

/** A verdict of this review session. */
export interface OwnVerdict {
  head: string;
  verdict: Verdict['verdict'];
  body: string;
  comments: Verdict['comments'];
  reviewer: string;
  state: 'posting' | 'posted' | 'refused';
  posted: { as: string; id: string } | null;
  /** Why GitHub did not take it. */
  refusal: string | null;
  at: string;
}

export type Counted = Record<ObligationKind, number>;

export interface SessionContext {
  address: string;
  /** Set by the kernel: configured timers. */
  timers: Timers;
  openedAt: string;
  brief: Brief;
  branch: string;

  // ── authority, hold, start
  authority: { delegated: boolean; by: string | null; reason: string | null; at: string };
  paused: { by: string; reason: string | null; at: string } | null;
  /** A person works on it by hand; `head`: from where the work that is to be done began. */
  taken: { by: string; reason: string | null; at: string; head: string | null } | null;
  /** Handed back and no run has begun since: the next goes on from what the person left. */
  handback: { by: string; head: string | null } | null;
  /** It is being closed in this very step: nothing starts any more. */
  ending: boolean;
  /** null: the tracker has not told them yet. */
  blockers: { ref: string; done: boolean }[] | null;
  /** What the mission holds it for. */
  heldBy: string[];
  /** Items of missions that found their source held by this session. */
  linked: { mission: string; item: string }[];
  issue: { url: string; state: { name: string; type: string }; delegated: boolean; agentSession: string | null } | null;

  // ── who works
  owner: string | null;
  epoch: number;
  pin: string | null;
  lastOwner: string | null;
  excluded: { agent: string; reason: string; at: string }[];
  /** Number of the last want. */
  wants: number;
  want: { number: number; since: string } | null;
  unmatched: {
    role: string;
    ruledOut: { agent: string; why: string }[];
    slot: boolean;
    nobody: boolean;
    /** What may be used in a day is used up. */
    limit: { reason: string; until: string } | null;
  } | null;
  offer: { agent: string; want: number; at: string } | null;
  /** Offers declined or timed out in a row. */
  declines: number;
  run: Run | null;
  runs: PastRun[];
  /** Accepted epochs whose process is not known to be gone; `ours`: we ended it. */
  unreleased: { epoch: number; agent: string; ours: boolean }[];
  worktree: { path: string; head: string; fresh: boolean; keep: boolean; left: string[] } | null;
  /** The last one, with the run that was last in it; `filled`: how much of its window, 0 to 1; `parent`: whose place it took. */
  conversation: { agent: string; id: string; epoch: number; filled: number | null; parent: string | null } | null;
  backoff: { gate: 'backoff' | 'provider'; ms: number; reason: string; at: string } | null;
  restarts: number;
  /** Usage or capacity limits in a row. */
  limited: number;
  /** Runs in a row that were interrupted before they came to an end. */
  interrupted: number;

  // ── what is owed
  obligations: Obligation[];
  /** `kind|cause|head` of what was settled and must not open again on the same observation. */
  settled: string[];
  attempts: Counted;
  budgets: Budgets;
  questions: Question[];
  answered: { question: string; answer: string; claims: string[]; agent: string } | null;
  report: string | null;

  // ── the pull request
  /** Attached or verified number; null: look by branch. */
  number: number | null;
  /** The number a person attached last. */
  attached: number | null;
  pull: Pull | null;
  /** The last attached number that was none to work on; shown until another is attached or a run begins. */
  missed: { number: number; reason: string; at: string } | null;
  heads: { head: string; by: 'us' | 'other' }[];
  /** Times this person’s own closing re-opened the work. */
  closings: number;
  look: number;
  /** When it ended; null = it has not. */
  endedAt: string | null;
  /** Pull requests opened after it ended; each was closed once. */
  late: number[];
  reviewing: Reviewing;
  ignored: { name: string; head: string | null }[];
  /** Head whose silent check was asked about. */
  silent: { head: string; names: string[] } | null;
  /** Red checks that are run again before anybody repairs them; `before`: the reports that were red, `failures`: why. */
  rerun: {
    head: string;
    state: 'asked' | 'over';
    before: string;
    failures: PullObserved['gate']['failures'];
    at: string;
  } | null;
  merge: { head: string; state: 'asked' | 'done' | 'refused'; reason: string | null; at: string } | null;

  // ── a review session
  verdicts: OwnVerdict[];
  /** Agents whose runs made a head. */
  makers: { head: string; agent: string }[];
  /** The mission that asks for help where nobody reviews; null = it asks itself. */
  helper: string | null;

  // ── people and trackers
  notes: Note[];
  /** What changed since the last run began. */
  changes: { at: string; author: string; text: string }[];
  usage: Usage & { costUsd: number };
  usageByEpoch: { epoch: number; usage: Usage }[];
  linear: { greeted: boolean; plan: string; linked: string[]; moved: string | null; closed: boolean };
  help: { gate: string; asked: number; at: string } | null;
  /** Keys and times of what was last seen; changing alone it makes no step count as taken. */
  seen: { pullAt: string | null; issueAt: string | null; comments: string[]; reviews: string[] };
}

export const NO_ATTEMPTS: Counted = {
  implement: 0,
  answer: 0,
  review: 0,
  checks: 0,
  queue: 0,
  upkeep: 0,
  verdict: 0,
};

/** A session before its first event. */
export function unbornSession({ address, at, timers }: Birth): SessionContext {
  return {
    address,
    timers,
    openedAt: at,
    brief: {
      title: '',
      body: '',
      source: { kind: 'manual', ref: null, url: null },
      user: 'default',
      repo: '',
      base: null,
      kind: 'implement',
      deliver: 'pull_request',
      role: null,
      lane: null,
      gates: {},
      merge: 'people',
      mergeMethod: 'squash',
      reviewers: 'agents',
      queueCheck: null,
      branchPrefix: 'chartroom',
      protectedPaths: [],
      rerun: 'never',
      rerequest: 'always',
      priority: 0,
      mission: null,
      item: null,
      for: null,
      target: null,
    },
    branch: '',
    authority: { delegated: true, by: null, reason: null, at },
    paused: null,
    taken: null,
    handback: null,
    ending: false,
    blockers: [],
    heldBy: [],
    linked: [],
    issue: null,
    owner: null,
    epoch: 0,
    pin: null,
    lastOwner: null,
    excluded: [],
    wants: 0,
    want: null,
    unmatched: null,
    offer: null,
    declines: 0,
    run: null,
    runs: [],
    unreleased: [],
    worktree: null,
    conversation: null,
    backoff: null,
    restarts: 0,
    limited: 0,
    interrupted: 0,
    obligations: [],
    settled: [],
    attempts: NO_ATTEMPTS,
    budgets: {},
    questions: [],
    answered: null,
    report: null,
    number: null,
    attached: null,
    pull: null,
    missed: null,
    heads: [],
    closings: 0,
    look: 0,
    endedAt: null,
    late: [],
    reviewing: {
      asked: null,
      nth: 1,
      picture: null,
      verdicts: [],
      waived: false,
      waivedHeads: [],
      person: null,
      pin: null,
      unreachable: null,
      comment: null,
    },
    ignored: [],
    silent: null,
    rerun: null,
    merge: null,
    verdicts: [],
    makers: [],
    helper: null,
    notes: [],
    changes: [],
    usage: { inputTokens: 0, outputTokens: 0, costUsd: 0 },
    usageByEpoch: [],
    linear: { greeted: false, plan: '', linked: [], moved: null, closed: false },
    help: null,
    seen: { pullAt: null, issueAt: null, comments: [], reviews: [] },
  };
}

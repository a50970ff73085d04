/**
 * What a machine of Chartroom brings along, and what it is given. The kernel (src/actor) executes any machine that
 * keeps to this page; a machine that keeps to it can be read, drawn, replayed and explained without being run.
 */
import type { z } from 'zod';
import type { AnyStateMachine } from 'xstate';
import type { Wish } from './decision.ts';

/** `kind/id`; ids match `[a-z0-9][a-z0-9_-]{0,127}`. */
export type Address = string & { readonly __address: never };

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** The reasons a receipt may give for `refused` (docs/protocol.md §4). */
export type RefusalCode =
  | 'schema'
  | 'exists'
  | 'expired'
  | 'guard'
  | 'final'
  | 'paused'
  | 'withdrawn'
  | 'policy'
  | 'claim'
  | 'target'
  | 'limit'
  | 'parked';

export type Gate =
  | 'dependency'
  | 'agent'
  | 'review'
  | 'checks'
  | 'queue'
  | 'merge'
  | 'human'
  | 'upkeep'
  | 'backoff'
  | 'provider'
  | 'slot'
  | 'stopping'
  | 'paused'
  | 'withdrawn';

/** One thing a resting actor waits for (law 3). `on`: an address, `person/<login>`, `external/<name>`, null = nobody. */
export interface WaitingOn {
  gate: Gate;
  on: string | null;
  /** ISO time since when. */
  since: string;
  /** ISO time when the wait gives up by itself; null = a person or an event must come. */
  until: string | null;
  /** One sentence fragment for people, e.g. `requested on head 1a2b3c4`. */
  detail: string;
  /** Event types (also raised ones, `review.approved`) that would end this wait. */
  moves: string[];
}

/**
 * What every event looks like inside a machine. `at` is the only clock a machine sees (ISO, UTC), `id` and `source`
 * are the envelope's; ids made by a machine derive from them. `wish` is there on answers of acts only: the parameters
 * the act was wished with. `known` holds what the kernel looked up before the step (see `EventSpec.lookUp`).
 */
export interface MachineEvent<Type extends string = string, Data = unknown> {
  type: Type;
  data: Data;
  at: string;
  id: string;
  source: string;
  /** The step's number in the actor's journal. */
  seq: number;
  expectepoch?: number;
  /** Of the envelope; concerns an agent's mail as shown to its driver, nothing else. */
  priority?: 'urgent' | 'normal';
  wish?: Record<string, unknown>;
  known?: Known;
}

/** What the index said when the envelope was taken; kept in the journal so that a replay sees the same. */
export interface Known {
  /** claim key → holder, null = free. Own claims are shown with the actor itself as holder. */
  holders?: Record<string, string | null>;
  /** address → its index row's phase (an agent's life), null = no such actor. */
  phases?: Record<string, string | null>;
  /** kind of thing (`role`, `driver`) → what the configuration has under the name that was looked up. */
  configured?: Record<string, Configured>;
}

/** `missing`: the sentence that says what is not there, and what is. */
export type Configured = { found: unknown } | { missing: string };

/** A union of `MachineEvent`s from a catalogue of event schemas. */
export type EventsOf<Catalogue extends Record<string, EventSpec>> = {
  [Type in keyof Catalogue & string]: MachineEvent<Type, z.infer<Catalogue[Type]['data']>>;
}[keyof Catalogue & string];

/** One row of the catalogue `machines/events/`: a type that may be sent to actors of a kind. */
export interface EventSpec {
  /** Schema of `data`. Strict: an unknown field is refused by name. */
  data: z.ZodType;
  /** One sentence: what it says and from whom it comes. */
  means: string;
  /** Creates the actor when it does not exist. `always`: an existing actor refuses it, code `exists`. */
  creates?: 'always' | 'ifMissing';
  /** A report of an assignment: must carry `expectepoch` (otherwise refused, code `schema`). */
  report?: true;
  /**
   * Who may send it from outside: 'anyone' (default), or 'runtime' = only actors, acts, watches and the router
   * (from outside it is still accepted from an operator: whoever may publish mail is trusted, see docs/protocol.md).
   */
  from?: 'anyone' | 'runtime';
  /** A correction that an agent in the conductor role may send too; the others are people's. */
  conductor?: true;
  /** Addresses in `data` that must exist and be active (else refused, code `target`, with near names). */
  targets?: (data: never) => string[];
  /** What the machine needs looked up before the step, given as `event.known`. */
  lookUp?: (
    data: never,
    context: never,
  ) => { claims?: string[]; actors?: string[]; configured?: Record<string, string> };
}

/** A resting actor as its machine's pure projections see it. */
export interface ActorView<Context = Record<string, unknown>> {
  address: string;
  /** XState's value. */
  value: StateValue;
  context: Context;
  /** Active state node id (dotted path below the root, e.g. `open.work.running`) → ISO time of its entry. */
  since: Record<string, string>;
  /** Armed timers: `<state path>:<delay name>`, e.g. `open.work.offered:offer` → due (ISO). */
  timers: Record<string, string>;
  /** ISO time of the last step. */
  at: string;
  final: boolean;
}

export interface Announcement {
  to: string;
  type: string;
  data: Record<string, unknown>;
}

/** The `input` of a machine's context factory. The creating event itself is then the actor's first event. */
export interface Birth {
  address: string;
  at: string;
  timers: Timers;
}

export type StateValue = string | { [region: string]: StateValue };

/** What `list`, `show`, receipts, facts and the router know of an actor without waking it. All computed. */
/** What became of the processes of an actor that has some. */
export interface Supervision {
  /** Crashes within the window, and since the last run or turn that ended well. */
  crashes: number;
  crashesInRow: number;
  /** Until when nothing is started; null = it may be. */
  backOffUntil: string | null;
  lastExit: { class: string; reason: string | null; at: string } | null;
  /** Why a chat has no process; null = it has one, is kept from one, or is no chat. */
  dormant: string | null;
}

export interface Projection {
  /** For people; sessions by domain rule, elsewhere the top state. */
  phase: string;
  /** Fencing token; null for kinds without assignments. */
  epoch: number | null;
  owner: string | null;
  waitingOn: WaitingOn[];
  title: string;
  user: string | null;
  mission: string | null;
  /** What `list {text}` and the router find it by: issue refs, `pull:owner/repo#1`, `branch:owner/repo/name`, … */
  refs: string[];
  /** Small facts others may filter by (an agent's role, lanes, life). */
  tags: Record<string, string | string[]>;
  /** Only of kinds that have processes. */
  supervision?: Supervision;
}

/** An act or watch of a machine's wish list (`machines/effects.ts`). */
export interface WishSpec {
  kind: 'act' | 'watch';
  means: string;
  /** Schema of its parameters. */
  params: z.ZodType;
  /** Schema of the act's answer (`<act>.done` result). */
  answer?: z.ZodType;
  /** Event types of the answer where they are not `<act>.done` / `<act>.failed`. */
  answers?: { done: string; failed: string };
}

export interface MachineDefinition<Context = never> {
  kind: string;
  /** Recorded in every snapshot and journal entry. */
  version: string;
  logic: AnyStateMachine;
  events: Record<string, EventSpec>;
  /** Guard name → the sentence `why` says when that guard refuses. Complete: checked at registration. */
  reasons: Record<string, string>;
  /** Top-level context keys whose change alone makes a step `recorded`, not `taken` (notes, last-seen facts, log). */
  recordKeys: readonly string[];
  /** Claims held in this state (law 13): the kernel compares before and after and refuses a step whose claim is held. */
  claims: (view: ActorView<Context>) => string[];
  /** Watch name → parameters, for the watches of the active states' `meta.watches`; undefined = not now. */
  watch: (name: string, view: ActorView<Context>) => Record<string, unknown> | undefined;
  project: (view: ActorView<Context>) => Projection;
  /** What `why` tells beside the waits: of the dispatcher, why each agent does not get what waits. */
  explain?: (view: ActorView<Context>) => Record<string, unknown>;
  /** Whose the address `kind/id#key` is now: of a mission, the session of that item. null = it has no such part. */
  part?: (view: ActorView<Context>, key: string) => string | null;
  /**
   * What others who keep a picture of this actor are told after a step (`session.changed`, `agent.changed`): computed
   * from the views before and after, so that a picture cannot miss a change. Part of the step: told exactly once.
   */
  announce?: (before: ActorView<Context> | null, after: ActorView<Context>, event: MachineEvent) => Announcement[];
  /** What a final actor makes of an event: the changed context (recorded), or null = refused, code `final`. */
  whenFinal: (view: ActorView<Context>, event: MachineEvent) => Context | null;
  /** What a final actor wishes of what it records: acts and tells that tidy up after it. Nothing of it revives it. */
  afterwards?: (view: ActorView<Context>, event: MachineEvent) => Wish[];
}

/** `meta` of a state node. `waitsFor` on every resting state: the gate it names; `watches`: what stands while active. */
export interface StateMeta {
  waitsFor?: Gate | 'nothing';
  watches?: readonly string[];
  /** Of a wait without a deadline of its own: whose deadline or word ends it, in one sentence. */
  unbounded?: string;
  /** On the root: this machine never ends. */
  endless?: true;
}

/**
 * Timers of the configuration, in seconds, by their key without `Seconds` (docs/protocol.md §8). The kernel puts the
 * configured ones into `context.timers` before each step; only those that differ from the defaults are there.
 */
export type Timers = Partial<Record<TimerName, number>>;
export type TimerName = keyof typeof TIMER_DEFAULTS;
export const TIMER_DEFAULTS = {
  /** An offered agent must accept or decline. */
  offer: 30,
  prepare: 600,
  /** A started agent process must say it is ready. */
  start: 60,
  /** An accepted run must begin. */
  begin: 720,
  verify: 300,
  /** Interrupt → TERM. */
  stop: 5,
  /** TERM → KILL. */
  kill: 10,
  /** An open question holds the run this long. */
  hold: 300,
  silence: 600,
  run: 1_800,
  /** An awake chat without mail or consumer is closed. */
  idle: 900,
  /** A consumer counts as recent. */
  consumer: 300,
  /** A watch's look at the outside while something is awaited. */
  reconcile: 60,
  reconcileMax: 900,
  /** What each source has sent and handed over is compared with what came. */
  sweep: 300,
  /** Base of the worker-loss back-off, doubled each time. */
  restartBase: 15,
  /** First back-off after a usage or capacity limit. */
  capacity: 120,
  crashWindow: 600,
  contention: 10,
  /** A ready item nobody takes for this long asks for help. */
  stall: 180,
  helpBase: 1_800,
  helpMax: 14_400,
  /** An agent session at Linear is shown as given up half an hour after our last word: before that, a word. */
  alive: 1_500,
  /** A named check silent this long after the push is asked about. */
  check: 900,
  /** A run's process must be gone this long after its end. */
  release: 30,
  spool: 1,
  /** A pinned agent may be down this long before the pin widens. */
  pin: 60,
  observe: 60,
  offboard: 60,
  /** A directory of a session that is over, and could not be removed then, is kept this long. */
  worktree: 604_800,
  /** The bridge waits this long for the runtime to take a hook. */
  hookWait: 2,
  /** Urgent-less mail quiet time of an archive check. */
  quiet: 60,
} as const;

/** Milliseconds of a timer: the configured value, else the default. For `setup({ delays })`. */
export function timerMs(context: { timers?: Timers }, name: TimerName): number {
  return Math.round((context.timers?.[name] ?? TIMER_DEFAULTS[name]) * 1_000);
}

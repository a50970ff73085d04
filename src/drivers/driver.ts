/**
 * The contract of a driver: it turns one kind of coding agent into the same few events. A driver never starts a process
 * itself; it says what to start, and reads what that process writes. What it tells depends on nothing but that output
 * and its end, in this order: read again after a restart of the runtime, the same output tells the same events.
 */
import type { Usage, Verdict } from '../../machines/events/common.ts';
import type { Allowance } from './approval.ts';

export interface Capabilities {
  /** A text can reach the running turn. */
  steer: boolean;
  /** A later process can go on with an earlier conversation. */
  resume: boolean;
  /** It asks before it does things. */
  approvals: boolean;
  /** It reports cost, not only tokens. */
  cost: boolean;
  /** It can judge a pull request. */
  review: boolean;
  /** Its process outlives the runtime and is taken up again by the next one. */
  readopt: boolean;
  /** One process takes many turns: it can be a chat. */
  chat: boolean;
}

/** What a run is for, as `when` of a scripted agent and the templates of a command see it. */
export interface RunFacts {
  run: string;
  agent: string;
  mode: 'worker' | 'chat';
  /** Absent for a chat. */
  session?: string;
  epoch?: number;
  kind?: string;
  for?: string;
  title?: string;
  attempt?: number;
  head?: string;
  repo?: string;
  branch?: string;
}

/** Where a process is started and what lies there for it. */
export interface Seat {
  facts: RunFacts;
  /** Working directory: the worktree, or a chat's own. */
  cwd: string;
  /** The agent's own, where its program keeps its state. */
  home: string;
  /** The run's folder; a driver may keep files of its own there. */
  directory: string;
  /** The rendered prompt of a worker, as a file. */
  promptFile: string;
  /** Where the agent may leave its result as JSON (`runOutcome`); in its environment as `CHARTROOM_RESULT`. */
  resultFile: string;
  /** What it may do without asking. */
  allow: Allowance;
  /** An earlier conversation to go on with. */
  conversation?: string;
}

/** Where a person sits down to go on by hand. */
export interface TerminalSeat {
  home: string;
  cwd: string;
  conversation: string | undefined;
  /** The agent’s variables. */
  env: Readonly<Record<string, string>>;
}

/** What is opened for a person. */
export interface TerminalProgram {
  file: string;
  args: string[];
  /** Called once it is certain to be opened: what a first start would ask may be settled here. */
  prepare?: () => void;
}

/** What to start. */
export interface Launch {
  file: string;
  args: string[];
  env?: Record<string, string>;
  /**
   * `none`: closed; `prompt`: the prompt file; `pipe`: lines from `Channel.send`, ending with the runtime; `held`: the
   * same, but the process does not notice when the runtime ends, and the next one goes on writing.
   */
  stdin: 'none' | 'prompt' | 'pipe' | 'held';
}

/** The way to the running process. */
export interface Channel {
  /** One line to its standard input. @throws TransientError `DRIVER_GONE`. */
  send: (line: string) => Promise<void>;
  /** Nothing more is said to it: its standard input ends. Only with stdin `pipe`. */
  end: () => void;
  signal: (name: 'SIGINT' | 'SIGTERM') => void;
  /** The last lines it wrote to its standard error. */
  complaint: () => string;
}

export interface RunResult {
  summary?: string;
  report?: string;
  verdict?: Verdict;
  pull?: number;
  /** Not this agent's work: why. */
  handedBack?: string;
}

export type TurnOutcome = 'completed' | 'interrupted' | 'failed' | 'refused' | 'budget';

export type DriverEvent =
  | { type: 'ready'; conversation?: string }
  | { type: 'turn.started'; turn: string }
  /** Something it did or said, for the run log and the live view; a message may answer mail. */
  | {
      type: 'item';
      kind: 'message' | 'reasoning' | 'command' | 'file' | 'tool' | 'note';
      text: string;
      inReplyTo?: string;
      /** A whole answer, not a part of one. */
      final?: boolean;
    }
  | { type: 'plan'; steps: { content: string; status: 'pending' | 'inProgress' | 'completed' | 'canceled' }[] }
  /** Cumulative over the process. */
  | { type: 'usage'; usage: Usage }
  | { type: 'ask'; question: string; kind: 'approval' | 'question'; text: string; choices?: string[] }
  | { type: 'turn.ended'; turn: string; outcome: TurnOutcome; reason?: string; result?: RunResult }
  /** A usage or capacity limit cut the turn off. */
  | { type: 'rate.limited'; until?: string; reason: string }
  | { type: 'auth.failed'; reason: string }
  /** The conversation cannot go on in this process. */
  | { type: 'lost'; class: 'crash' | 'contention'; reason: string };

export interface Message {
  text: string;
  /** Mail of a chat's turn, in the order shown. */
  mail?: { id: string; text: string; author: string }[];
}

export interface Decision {
  text?: string;
  choice?: string;
}

export interface Exit {
  /** null: not known, its end was not seen. */
  code: number | null;
  signal: string | null;
}

export interface Conversation {
  /** One line of its standard output. */
  line: (line: string) => void;
  /** The process is gone and everything it wrote was read. */
  exited: (exit: Exit) => void;
  /** Begins a turn; the same key again is the same turn. Answers with the turn's name. */
  prompt: (message: Message, key: string) => Promise<string>;
  /** A text for the running turn. `expectedTurn` is over, or it cannot be steered: not taken. */
  steer: (message: Message, expectedTurn: string, key: string) => Promise<{ taken: boolean }>;
  interrupt: () => Promise<void>;
  answer: (question: string, decision: Decision) => Promise<void>;
  /** Asks the process to end by itself. */
  close: () => Promise<void>;
}

export interface Opening {
  seat: Seat;
  channel: Channel;
  tell: (event: DriverEvent) => void;
  /** A process of an earlier runtime, its output read again from the start: say no greeting. */
  again: boolean;
}

export interface Driver {
  readonly name: string;
  readonly capabilities: Capabilities;
  launch: (seat: Seat) => Launch | Promise<Launch>;
  open: (opening: Opening) => Conversation;
  /** Goes on with `ref`. Only with capability `resume`; else `open` is used and the prompt tells all. */
  resume: (ref: string, opening: Opening) => Conversation;
  /** The program for a terminal, by which a person goes on with a conversation. Absent, or undefined: there is none. */
  takeOver?: (seat: TerminalSeat) => TerminalProgram | undefined;
}

/** What can be asked of a driver that has no way to do it. */
export const UNSTEERABLE = { taken: false } as const;

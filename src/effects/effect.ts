/**
 * How an effect is performed. The kernel's outbox calls performers with what the journal holds and commits their
 * answer; it knows nothing of what they do. The table of all performers is src/effects/index.ts.
 */
import type { Receipt } from '../actor/receipt.ts';

/** Identity of an effect: `actor/seq/index`. The same effect asked for again has the same key. */
export interface Doing {
  key: string;
  actor: string;
  /** 1 for the first try. */
  attempt: number;
  /** Aborted at the act's deadline and when the runtime stops. */
  signal: AbortSignal;
  /** ISO time of the step that wished it. */
  wishedAt: string;
}

export interface ActPerformer<Params = never> {
  kind: 'act';
  /**
   * What may be done after a crash between doing and committing the answer:
   * `key` = doing it again with the same key does nothing new; `check` = an attempt is recorded durably first, and
   * after a crash `look` settles whether it happened; `once` = never done again, the unknown is shown.
   */
  repeat: 'key' | 'check' | 'once';
  /** Milliseconds one try may take. */
  deadlineMs: number;
  /** Tries for transient failures before the last one is final; default 8. */
  tries?: number;
  /** Waits between tries in ms, the last one repeated; default 1 s doubled up to 5 min. */
  backoffMs?: readonly number[];
  /** Acts that share a limit of those in flight, e.g. `github` (see OUTBOX_LANES). */
  lane: 'github' | 'linear' | 'git' | 'process';
  /** @throws TransientError to be tried again, TerminalError for good. */
  perform: (params: Params, doing: Doing) => Promise<unknown>;
  /** Did an earlier, unanswered attempt happen? Its answer, or undefined = it did not. */
  look?: (params: Params, doing: Doing) => Promise<unknown>;
}

export interface WatchContext {
  actor: string;
  /**
   * Tells the watching actor what changed; resolves with its receipt after the commit. `id` must derive from the fact
   * told (law 12), so that telling it twice is a duplicate.
   */
  tell: (
    type: string,
    data: Record<string, unknown>,
    options: { id: string; expectepoch?: number; to?: string; source?: string },
  ) => Promise<Receipt>;
  /** It cannot look, and why; null: it can again. Shown to people until then; the actor is told nothing. */
  trouble?: (reason: string | null) => void;
  signal: AbortSignal;
}

export interface Watch<Params> {
  /** The state still stands, with other parameters. */
  update: (params: Params) => void;
  /** Look now: a hook said something about it. `hint`: what the router knows. */
  poke: (hint?: unknown) => void;
  /** The state was left, or the runtime stops (`leaving: 'state' | 'runtime'`). */
  stop: (leaving: 'state' | 'runtime') => Promise<void>;
}

export interface WatchPerformer<Params = never> {
  kind: 'watch';
  start: (params: Params, context: WatchContext) => Watch<Params>;
}

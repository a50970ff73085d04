/** Four kinds of error, and the kind decides what happens next (docs/architecture.md, Errors). `code` is API. */

/** The outside said no, maybe later: retried with back-off. */
export class TransientError extends Error {
  override readonly name = 'TransientError';
  readonly code: string;
  /** The outside named a time to wait, in milliseconds. */
  readonly retryAfterMs: number | undefined;

  constructor(code: string, message: string, options: { retryAfterMs?: number; cause?: unknown } = {}) {
    super(message, { cause: options.cause });
    this.code = code;
    this.retryAfterMs = options.retryAfterMs;
  }
}

/** The outside said no, for good: the machine gets it as the act's `*.failed` event. */
export class TerminalError extends Error {
  override readonly name = 'TerminalError';
  readonly code: string;

  constructor(code: string, message: string, options: { cause?: unknown } = {}) {
    super(message, { cause: options.cause });
    this.code = code;
  }
}

/** The input is not ours: the sender is told, nothing is retried. `issues`: one sentence per mistake, with its place. */
export class RejectedInput extends Error {
  override readonly name = 'RejectedInput';
  readonly code: string;
  readonly issues: string[];

  constructor(code: string, message: string, issues: string[] = []) {
    super(message);
    this.code = code;
    this.issues = issues;
  }
}

/** All of it in one line: what, and each mistake. */
export const sentences = ({ message, issues }: RejectedInput): string => [message, ...issues].join('; ');

/** We are wrong: the actor is parked (or the process ends), the stack is logged, nothing is swallowed. */
export class Bug extends Error {
  override readonly name = 'Bug';
}

export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new Bug(message);
}

export function unreachable(value: never): never {
  throw new Bug(`unreachable: ${JSON.stringify(value)}`);
}

/** The terminal a command runs at: where it writes, what surrounds it, and how a person interrupts it. */
import type { Clock } from '../clock.ts';

export interface Writer {
  write(text: string): unknown;
  isTTY?: boolean;
}

export interface Terminal {
  stdout: Writer;
  stderr: Writer;
  env: NodeJS.ProcessEnv;
  cwd: string;
  clock: Clock;
  /** Calls at each interrupt (Ctrl-C, TERM); returns how to stop listening. */
  onInterrupt(call: () => void): () => void;
  /** Leaves at once, whatever is still open. */
  leave(exit: number): void;
}

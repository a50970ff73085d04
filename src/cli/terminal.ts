/** The terminal a command runs at: where it writes, what surrounds it, and how a person interrupts it. */
import type { Clock } from '../clock.ts';

export interface Writer {
  write(text: string): unknown;
  isTTY?: boolean;
}

/** Where a person types, line by line. */
export interface Keyboard {
  /** Somebody sits there; else lines come from a file or a pipe, and end. */
  isTTY: boolean;
  lines: AsyncIterable<string>;
  /** Writes a line above the one that is being typed. */
  above(text: string): void;
  close(): void;
}

export interface Terminal {
  stdout: Writer;
  stderr: Writer;
  env: NodeJS.ProcessEnv;
  cwd: string;
  /** Opens the keyboard; `prompt` stands before what is typed. */
  keyboard(prompt: string): Keyboard;
  clock: Clock;
  /** Calls at each interrupt (Ctrl-C, TERM); returns how to stop listening. */
  onInterrupt(call: () => void): () => void;
  /** Leaves at once, whatever is still open. */
  leave(exit: number): void;
}

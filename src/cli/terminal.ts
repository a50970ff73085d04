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

/** A program that takes the terminal over. */
export interface ProgramAtTerminal {
  file: string;
  args: readonly string[];
  /** Beside what surrounds this command. */
  env?: Readonly<Record<string, string>>;
}

export interface Terminal {
  stdout: Writer;
  stderr: Writer;
  env: NodeJS.ProcessEnv;
  cwd: string;
  /** Opens the keyboard; `prompt` stands before what is typed. */
  keyboard(prompt: string): Keyboard;
  /** Opens a program here and waits until it leaves, with what code; `failed`: it could not be opened, and why. */
  open(program: ProgramAtTerminal & { cwd: string }): Promise<{ failed?: string; code?: number }>;
  clock: Clock;
  /** Calls at each interrupt (Ctrl-C, TERM); returns how to stop listening. */
  onInterrupt(call: () => void): () => void;
  /** Leaves at once, whatever is still open. */
  leave(exit: number): void;
}

/** Runs a command: gives it its context, and leaves with its exit code. */
import type { CommandContext } from './context.ts';
import type { Exit } from './exit.ts';

/** Hands the command a connected context; errors become a line on stderr and an exit code. */
export type Run = (command: (context: CommandContext) => Promise<Exit>) => Promise<void>;

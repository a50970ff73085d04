#!/usr/bin/env node
/** The entry of the program `chartroom`: the process as a terminal, and its exit code. */
import { realClock } from '../clock.ts';
import { openKeyboard } from './keyboard.ts';
import { openProgram } from './program-at-terminal.ts';
import { runCommandLine } from './program.ts';

/** A part that does not close must not keep a finished command alive. */
const LINGER_MS_MAX = 2_000;

// Whoever reads only the first lines (`| head`) has what they wanted.
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));

process.exitCode = await runCommandLine(process.argv.slice(2), {
  stdout: process.stdout,
  stderr: process.stderr,
  env: process.env,
  cwd: process.cwd(),
  clock: realClock,
  keyboard: openKeyboard,
  open: openProgram,
  onInterrupt(call) {
    process.on('SIGINT', call);
    process.on('SIGTERM', call);
    return () => {
      process.off('SIGINT', call);
      process.off('SIGTERM', call);
    };
  },
  leave: (exit) => process.exit(exit),
});
setTimeout(() => process.exit(), LINGER_MS_MAX).unref();

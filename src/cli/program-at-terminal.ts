/** A program of its own at this process's terminal, until it leaves. */
import { spawn } from 'node:child_process';
import type { Terminal } from './terminal.ts';

/** What is sent to this process to end it; the program gets it too, so that the command can still do what is left. */
const ENDS = ['SIGTERM', 'SIGHUP'] as const;

export const openProgram: Terminal['open'] = ({ file, args, env, cwd }) =>
  new Promise((resolve) => {
    const child = spawn(file, args, { cwd, stdio: 'inherit', env: { ...process.env, ...env } });
    // Ctrl-C is typed at the program: both processes get it, and it is not for this one.
    const ignore = (): void => {};
    const pass = (signal: NodeJS.Signals): void => void child.kill(signal);
    process.on('SIGINT', ignore);
    for (const signal of ENDS) process.on(signal, pass);
    const over = (result: { failed?: string; code?: number }): void => {
      process.off('SIGINT', ignore);
      for (const signal of ENDS) process.off(signal, pass);
      resolve(result);
    };
    child.once('error', (error) => over({ failed: error.message }));
    child.once('exit', (code) => over(code === null ? {} : { code }));
  });

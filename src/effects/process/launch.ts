/**
 * Starts a process so that it can be found again by a later runtime: in a group of its own, writing to files, reading
 * from a named pipe, and with a small shell around it that notes its pid before and its exit code after.
 */
import { spawn } from 'node:child_process';
import { constants, openSync } from 'node:fs';
import { open, rm } from 'node:fs/promises';
import { Socket } from 'node:net';
import { execa } from 'execa';
import type { Launch } from '../../drivers/driver.ts';
import { TransientError } from '../../errors.ts';
import type { Folder } from './folder.ts';

/**
 * Signals to the group reach the program; the shell outlives it to write down how it ended. A caught signal, unlike an
 * ignored one, is not inherited.
 */
const WRAPPER = `trap : TERM INT HUP
printf '%s\\n' "$$" > "$1.new" && mv "$1.new" "$1" || exit 126
exit_file=$2
shift 2
"$@"
code=$?
printf '%s\\n' "$code" > "$exit_file.new" && mv "$exit_file.new" "$exit_file"
exit "$code"`;

export interface Started {
  pid: number;
  /** The leader is gone. */
  exited: Promise<void>;
  input: Input | undefined;
  /** It no longer keeps this runtime alive. */
  letGo: () => void;
}

export interface Input {
  send: (line: string) => Promise<void>;
  /** Once everything is written. */
  end: () => void;
  close: () => void;
}

export async function startProcess(
  folder: Folder,
  launch: Launch,
  { cwd, env }: { cwd: string; env: Record<string, string> },
): Promise<Started> {
  const { files } = folder;
  for (const file of ['pid', 'exit', 'output', 'complaint', 'input'] as const) await rm(files[file], { force: true });
  const output = await open(files.output, 'ax', 0o600);
  const complaint = await open(files.complaint, 'ax', 0o600);
  const stdin = await openStdin(folder, launch.stdin);
  const input = stdin?.writes === true ? openInput(folder, { isFirst: true }) : undefined;
  const from = await stdin?.ready();
  try {
    const child = spawn(
      '/bin/sh',
      ['-c', WRAPPER, 'chartroom-run', files.pid, files.exit, launch.file, ...launch.args],
      {
        cwd,
        env: { ...env, ...launch.env },
        detached: true,
        stdio: [from?.fd ?? 'ignore', output.fd, complaint.fd],
      },
    );
    const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    await new Promise<void>((resolve, reject) => {
      child.once('spawn', resolve);
      child.once('error', (cause) =>
        reject(
          new TransientError('DRIVER_NOT_STARTED', `the process could not be started: ${cause.message}`, { cause }),
        ),
      );
    });
    return { pid: child.pid!, exited, input, letGo: () => child.unref() };
  } catch (error) {
    input?.close();
    throw error;
  } finally {
    await Promise.all([output.close(), complaint.close(), from?.close(), stdin?.done()]);
  }
}

async function openStdin(folder: Folder, kind: Launch['stdin']) {
  if (kind === 'none') return undefined;
  if (kind === 'prompt') {
    return { writes: false, ready: () => open(folder.files.prompt, 'r'), done: async () => {} };
  }
  const { input } = folder.files;
  await execa('mkfifo', ['-m', '600', input]);
  // Held open both ways while the ends are opened: opening one end alone would wait for the other.
  const both = await open(input, constants.O_RDWR | constants.O_NONBLOCK);
  return {
    writes: true,
    // A process that itself holds the writing end does not notice when the runtime goes.
    ready: () => open(input, kind === 'held' ? constants.O_RDWR : constants.O_RDONLY),
    done: () => both.close(),
  };
}

/** The writing end; fails where no process reads. @throws TransientError `DRIVER_GONE`. */
export function openInput(folder: Folder, { isFirst }: { isFirst: boolean }): Input {
  // Not a handle of fs/promises: the socket owns the descriptor. Opening without waiting, it takes no time.
  const socket = new Socket({ fd: openDescriptor(folder.files.input), readable: false, writable: true });
  let failure: unknown;
  /** Ends whatever half a line an earlier writer may have left. */
  let lead = isFirst ? '' : '\n';
  socket.on('error', (error) => (failure = error));
  socket.unref();
  return {
    send: (line) =>
      new Promise((resolve, reject) => {
        if (failure !== undefined || socket.destroyed) return reject(gone(failure));
        socket.write(`${lead}${line}\n`, (error) => (error == null ? resolve() : reject(gone(error))));
        lead = '';
      }),
    end: () => socket.destroySoon(),
    close: () => socket.destroy(),
  };
}

function openDescriptor(file: string): number {
  try {
    return openSync(file, constants.O_WRONLY | constants.O_NONBLOCK);
  } catch (cause) {
    throw gone(cause);
  }
}

function gone(cause: unknown): TransientError {
  return new TransientError('DRIVER_GONE', 'the process does not read any more', { cause });
}

/**
 * The processes of one world, found in the system's own table: every one of them was started in the world's directory,
 * by a command that names it, or with an environment that does.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync, readdirSync, readlinkSync } from 'node:fs';

export interface Found {
  pid: number;
  command: string;
}

export function processesOf(directory: string): Found[] {
  const found = process.platform === 'linux' ? onLinux(directory) : byPs(directory);
  return found.filter(({ pid }) => pid !== process.pid);
}

function onLinux(directory: string): Found[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      const command = read(() => readFileSync(`/proc/${pid}/cmdline`, 'utf8')).replaceAll('\0', ' ');
      const names = [
        command,
        read(() => readFileSync(`/proc/${pid}/environ`, 'utf8')),
        read(() => readlinkSync(`/proc/${pid}/cwd`)),
      ];
      return names.some((name) => name.includes(directory)) ? [{ pid: Number(pid), command: command.trim() }] : [];
    });
}

/** A process may end while it is looked at. */
function read(look: () => string): string {
  try {
    return look();
  } catch {
    return '';
  }
}

function byPs(directory: string): Found[] {
  const table = execFileSync('ps', ['axeww', '-o', 'pid=,command='], { encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 });
  return table.split('\n').flatMap((line) => {
    const [, pid, command] = /^\s*(\d+)\s+(.*)$/.exec(line) ?? [];
    return command?.includes(directory) === true ? [{ pid: Number(pid), command }] : [];
  });
}

/** Ends what was left behind. */
export function endAll(left: Found[]): void {
  for (const { pid } of left) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It is gone already.
    }
  }
}

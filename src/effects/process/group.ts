/**
 * Processes of the operating system as groups: found by pid *and* start time, since a pid alone is given again. A group
 * is gone when no member lives; a dead process that nobody has collected yet does not count.
 */
import { readFile, readdir } from 'node:fs/promises';
import { execa } from 'execa';

export interface Member {
  pid: number;
  group: number;
  /** Start time as the system counts it: with the boot id, the identity of a process. */
  start: string;
  dead: boolean;
}

/** Linux counts start times in clock ticks since boot; 100 a second wherever Node runs. */
const TICKS_PER_SECOND = 100;

/** What tells one boot of this machine from another. */
export async function readBootId(): Promise<string> {
  if (process.platform === 'linux') return (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim();
  return (await execa('sysctl', ['-n', 'kern.boottime'], { reject: false })).stdout.trim();
}

/** The process with this pid, dead or alive; undefined where there is none. */
export async function findProcess(pid: number): Promise<Member | undefined> {
  return process.platform === 'linux' ? fromProc(pid) : (await fromPs()).find((member) => member.pid === pid);
}

/** Living members of a process group. */
export async function membersOf(group: number): Promise<Member[]> {
  if (!isThere(group)) return [];
  const all = process.platform === 'linux' ? await allOfProc() : await fromPs();
  return all.filter((member) => member.group === group && !member.dead);
}

/**
 * Living processes that were started with this word in their environment, whatever group or session they put themselves
 * in. macOS does not show the environment of its own protected programs (those below `/bin` and `/usr/bin`).
 */
export async function carriersOf(word: string): Promise<Member[]> {
  return process.platform === 'linux' ? carriersInProc(word) : carriersInPs(word);
}

async function carriersInProc(word: string): Promise<Member[]> {
  const found = await Promise.all(
    (await pidsOfProc()).map(async (pid) => {
      // Of what is not ours it is not shown; of what is dead it is empty.
      const words = await readFile(`/proc/${pid}/environ`, 'latin1').catch(() => '');
      const member = words.split('\0').includes(word) ? await fromProc(pid) : undefined;
      return member === undefined || member.dead ? [] : [member];
    }),
  );
  return found.flat();
}

/** `ps` tells the environment behind the command, so what the command itself says is told apart by a second look. */
const WITH_ENVIRONMENT = process.platform === 'darwin' ? '-axEww' : 'axeww';

export async function carriersInPs(word: string): Promise<Member[]> {
  const [all, said, shown] = await Promise.all([fromPs(), commands('axww'), commands(WITH_ENVIRONMENT)]);
  return all.filter(({ pid, dead }) => {
    const command = said.get(pid);
    const text = shown.get(pid);
    if (dead || command === undefined || text?.startsWith(command) !== true) return false;
    return `${text.slice(command.length)} `.includes(` ${word} `);
  });
}

async function commands(flags: string): Promise<Map<number, string>> {
  const lines = await ps(flags, 'pid=,command=');
  return new Map(
    lines.flatMap((line) => {
      const [, pid, command] = /^\s*(\d+)\s(.*)$/.exec(line) ?? [];
      return command === undefined ? [] : [[Number(pid), command.trimEnd()] as const];
    }),
  );
}

/** Sends a signal to one process; it may be gone already. */
export function signalProcess({ pid }: Member, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // Nobody is left to hear it.
  }
}

/** Sends a signal to the whole group; false: there is nobody. */
export function signalGroup(group: number, signal: NodeJS.Signals): boolean {
  try {
    process.kill(-group, signal);
    return true;
  } catch {
    return false;
  }
}

function isThere(group: number): boolean {
  try {
    process.kill(-group, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

async function allOfProc(): Promise<Member[]> {
  const found = await Promise.all((await pidsOfProc()).map(fromProc));
  return found.filter((member) => member !== undefined);
}

const pidsOfProc = async (): Promise<number[]> =>
  (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);

async function fromProc(pid: number): Promise<Member | undefined> {
  try {
    const text = await readFile(`/proc/${pid}/stat`, 'utf8');
    // The name may hold spaces and brackets: fields begin behind the last one.
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    const dead = fields[0] === 'Z' || fields[0] === 'X';
    return { pid, group: Number(fields[2]), start: fields[19] ?? '', dead };
  } catch {
    return undefined;
  }
}

/** A start time as people read it. Computed once and kept: the boot time it hangs on moves with the clock. */
export async function startedAt({ start }: Member): Promise<string> {
  if (process.platform !== 'linux') return new Date(start).toISOString();
  const boot = Number(/^btime (\d+)$/m.exec(await readFile('/proc/stat', 'utf8'))?.[1] ?? 0);
  return new Date((boot + Number(start) / TICKS_PER_SECOND) * 1_000).toISOString();
}

async function fromPs(): Promise<Member[]> {
  return (await ps('-ax', 'pid=,pgid=,stat=,lstart=')).flatMap((line) => {
    const found = /^\s*(\d+)\s+(\d+)\s+(\S+)\s+(.+)$/.exec(line);
    if (found === null) return [];
    const [, pid, group, state = '', started = ''] = found;
    return [{ pid: Number(pid), group: Number(group), start: started.trim(), dead: state.startsWith('Z') }];
  });
}

async function ps(flags: string, columns: string): Promise<string[]> {
  const { stdout } = await execa('ps', [flags, '-o', columns], {
    reject: false,
    extendEnv: false,
    env: { LC_ALL: 'C', PATH: '/bin:/usr/bin' },
    maxBuffer: 64 * 1024 * 1024,
  });
  return stdout.split('\n');
}

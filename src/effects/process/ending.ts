/**
 * The end of the processes of a run: asked to stop, then TERM, then KILL; over when none lives. They are the process
 * group of its leader and whatever left that group (the shell of a tool, a daemon), known by the environment of the run.
 */
import type { Clock } from '../../clock.ts';
import { TransientError } from '../../errors.ts';
import { resultWord } from './environment.ts';
import type { RunRecord } from './folder.ts';
import { carriersOf, findProcess, membersOf, signalGroup, signalProcess } from './group.ts';

/** After KILL they are gone at once, or hang in the kernel. */
const KILLED_MS = 10_000;
/** How often a process that is not our child is looked at. */
const LOOK_MS = 100;

export interface Bounds {
  stopSeconds: number;
  killSeconds: number;
}

/** Whether a process of this record lives; a pid that was given again is another process. */
export async function isAlive(record: RunRecord, bootId: string): Promise<boolean> {
  if (await groupLives(record, bootId)) return true;
  return record.bootId === bootId && (await strayed(record)).length > 0;
}

export async function groupLives(record: RunRecord, bootId: string): Promise<boolean> {
  const { pid, start } = record;
  if (pid === undefined || record.bootId !== bootId) return false;
  const leader = await findProcess(pid);
  // While members of a group live, its number is not given to another process: a leader that differs is somebody else.
  if (leader !== undefined && start !== undefined && leader.start !== start) return false;
  return (await membersOf(pid)).length > 0;
}

const strayed = async ({ folder }: RunRecord) => (folder === undefined ? [] : carriersOf(resultWord(folder)));

/** Waits until all are gone; false after `ms`. */
export async function untilGone(record: RunRecord, bootId: string, clock: Clock, ms: number): Promise<boolean> {
  const until = clock.now() + ms;
  for (;;) {
    if (!(await isAlive(record, bootId))) return true;
    const left = until - clock.now();
    if (left <= 0) return false;
    await new Promise<void>((resolve) => clock.after(Math.min(LOOK_MS, left), resolve));
  }
}

/** TERM now, KILL after `killSeconds`. @throws TransientError `PROCESS_STAYS` where even that does not end it. */
export async function endGroup(record: RunRecord, bootId: string, clock: Clock, killSeconds: number): Promise<void> {
  if (!(await isAlive(record, bootId))) return;
  await signal(record, bootId, 'SIGTERM');
  if (await untilGone(record, bootId, clock, killSeconds * 1_000)) return;
  await signal(record, bootId, 'SIGKILL');
  if (await untilGone(record, bootId, clock, KILLED_MS)) return;
  throw new TransientError('PROCESS_STAYS', `the processes of ${record.run} do not end, not even by SIGKILL`);
}

async function signal(record: RunRecord, bootId: string, name: NodeJS.Signals): Promise<void> {
  // Looked for first: what hears the signal may leave nothing to be known by.
  const strays = await strayed(record);
  if (record.pid !== undefined && (await groupLives(record, bootId))) signalGroup(record.pid, name);
  for (const stray of strays) if (stray.group !== record.pid) signalProcess(stray, name);
}

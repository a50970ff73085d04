/** The end of a process group: asked to stop, then TERM, then KILL; over when no member lives. */
import type { Clock } from '../../clock.ts';
import { TransientError } from '../../errors.ts';
import { findProcess, membersOf, signalGroup } from './group.ts';
import type { RunRecord } from './folder.ts';

/** After KILL a group is gone at once, or hangs in the kernel. */
const KILLED_MS = 10_000;
/** How often a process that is not our child is looked at. */
const LOOK_MS = 100;

export interface Bounds {
  stopSeconds: number;
  killSeconds: number;
}

/** Whether the process group of this record lives; a pid that was given again is another process. */
export async function isAlive(record: RunRecord, bootId: string): Promise<boolean> {
  if (record.pid === undefined || record.bootId !== bootId) return false;
  const leader = await findProcess(record.pid);
  // While members of a group live, its number is not given to another process: a leader that differs is somebody else.
  if (leader !== undefined && record.start !== undefined && leader.start !== record.start) return false;
  return (await membersOf(record.pid)).length > 0;
}

/** Waits until the group is gone; false after `ms`. */
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
  if (record.pid === undefined || !(await isAlive(record, bootId))) return;
  signalGroup(record.pid, 'SIGTERM');
  if (await untilGone(record, bootId, clock, killSeconds * 1_000)) return;
  signalGroup(record.pid, 'SIGKILL');
  if (await untilGone(record, bootId, clock, KILLED_MS)) return;
  throw new TransientError('PROCESS_STAYS', `process group ${record.pid} does not end, not even by SIGKILL`);
}

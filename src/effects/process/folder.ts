/**
 * The folder of a run, `<data>/runs/<run>/`: everything that must outlive the runtime for the process to be found again
 * and told as what it was. The output file and the exit file are written by the process itself, not through us.
 */
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { agentAddress, usage } from '../../../machines/events/common.ts';

const exitClass = z.enum(['clean', 'crash', 'contention', 'ended']);

export const record = z.object({
  run: z.string(),
  agent: agentAddress,
  driver: z.string(),
  mode: z.enum(['worker', 'chat']),
  session: z.string().optional(),
  epoch: z.number().int().optional(),
  bootId: z.string(),
  /** This folder as the process was told it: what left its group is known by that. */
  folder: z.string().optional(),
  /** When it was about to be started; the process is never older. */
  preparedAt: z.string(),
  /** Leader of its own group. */
  pid: z.number().int().optional(),
  /** As the system counts it, to be compared; and for people. */
  start: z.string().optional(),
  startedAt: z.string().optional(),
  /** Why it was asked to end: its exit is then no crash. */
  ending: z.string().optional(),
  /** Its turn was cut off for a spent budget, and why. */
  cut: z.string().optional(),
  /** The silence that was told: which one, and how many lines were read before it; none since a later line. */
  silence: z.object({ nth: z.number().int(), lines: z.number().int() }).optional(),
  /** Keys of prompts that reached it. */
  prompted: z.array(z.string()).default([]),
  /** The last word, kept so that it can be said again. */
  exit: z
    .object({
      class: exitClass,
      code: z.number().int().nullable(),
      signal: z.string().nullable(),
      reason: z.string().optional(),
      usage,
      said: z.string().optional(),
    })
    .optional(),
});
export type RunRecord = z.infer<typeof record>;
export type RunExit = NonNullable<RunRecord['exit']>;

export interface Folder {
  path: string;
  files: Record<
    'record' | 'prompt' | 'output' | 'complaint' | 'input' | 'pid' | 'exit' | 'result' | 'frames' | 'live' | 'probe',
    string
  >;
}

/** A worker's run is unique; a chat's is so only with its agent (ids have no dots). */
export function folderOf(
  dataDirectory: string,
  { run, agent, mode }: { run: string; agent: string; mode: string },
): Folder {
  const name = mode === 'chat' ? `${agent.slice('agent/'.length)}.${run}` : run;
  if (!isRunName(name)) throw new Error(`“${name}” is no name of a run`);
  return folderAt(dataDirectory, name);
}

/** Whatever else lies beside the runs (a file manager’s notes, `lost+found`) is none. */
export const isRunName = (name: string): boolean => /^[a-z0-9][a-z0-9_.-]{0,255}$/.test(name);

/** The folder of a run by its name. */
export function folderAt(dataDirectory: string, name: string): Folder {
  const folder = path.join(path.resolve(dataDirectory), 'runs', name);
  const at = (file: string): string => path.join(folder, file);
  return {
    path: folder,
    files: {
      record: at('record.json'),
      prompt: at('prompt.md'),
      output: at('output'),
      complaint: at('stderr'),
      input: at('input'),
      pid: at('pid'),
      exit: at('exit'),
      result: at('result.json'),
      frames: at('frames.jsonl'),
      live: at('live.log'),
      probe: at('probe'),
    },
  };
}

export async function readRecord(folder: Folder): Promise<RunRecord | undefined> {
  try {
    return record.parse(JSON.parse(await readFile(folder.files.record, 'utf8')));
  } catch {
    return undefined;
  }
}

/** Written aside and renamed: a reader sees the old one or the new one. */
export async function writeRecord(folder: Folder, next: RunRecord): Promise<void> {
  await mkdir(folder.path, { recursive: true, mode: 0o700 });
  const aside = `${folder.files.record}.new`;
  await writeFile(aside, JSON.stringify(next, null, 2), { mode: 0o600 });
  await rename(aside, folder.files.record);
}

/** The exit code the process's own wrapper wrote; undefined: its end was not seen by it. */
export async function readExitCode(folder: Folder): Promise<number | undefined> {
  const text = await readFile(folder.files.exit, 'utf8').catch(() => '');
  return /^\d+\n$/.test(text) ? Number(text) : undefined;
}

export async function readPid(folder: Folder): Promise<number | undefined> {
  const text = await readFile(folder.files.pid, 'utf8').catch(() => '');
  return /^\d+\n$/.test(text) ? Number(text) : undefined;
}

/** What only the running process needed; raw output may hold secrets, the redacted log stays. */
export async function tidy(folder: Folder): Promise<void> {
  for (const file of ['output', 'complaint', 'input', 'probe'] as const) await rm(folder.files[file], { force: true });
}

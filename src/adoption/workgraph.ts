/**
 * The chats of a workgraph directory, read and never written: its tasks (`graph.jsonl`) say which chats there are, under
 * the new names (`.chat-N`) and the old ones (`.coordinator-N`); `chat/` has what was said, `service/` what is left of
 * their supervisors.
 */
import { existsSync, lstatSync, readFileSync, readdirSync, realpathSync } from 'node:fs';
import path from 'node:path';
import { RejectedInput } from '../errors.ts';
import { objectOf, readLines, textOf, textsOf } from './jsonl.ts';
import { readLetters } from './letters.ts';
import type { Letter } from './letters.ts';

export interface FoundChat {
  number: number;
  /** Its task there. */
  task: string;
  title: string;
  /** It is found by each of these; the first is this chat’s alone. */
  names: string[];
  /** Tasks that name it, and how. */
  references: string[];
  archived: boolean;
  /** What runs it there, where that was set for it alone. */
  executor: string | null;
  letters: Letter[];
  /** Why it cannot be adopted as it is; empty: it can. */
  conflicts: string[];
  /** What whoever adopts it should know. */
  notes: string[];
}

export interface Found {
  root: string;
  chats: FoundChat[];
  /** Numbers of chats of which there is state and no task. */
  orphans: number[];
  /** Its own dispatcher runs. */
  pid: number | null;
}

type Task = Record<string, unknown> & { id: string };

const TASK_NAME = /^\.?(?:chat|coordinator)-(\d+)$/;
const LOOP_TAGS = new Set(['chat-loop', 'coordinator-loop']);
/** Fields of a task that name other tasks. */
const EDGES = ['after', 'before', 'blocked_by', 'blocks', 'requires', 'superseded_by', 'place_near', 'place_before'];
const SINGLE_EDGES = ['supersedes', 'iteration_anchor', 'iteration_parent'];

/** @throws RejectedInput where there is no workgraph, or its graph cannot be read */
export function readWorkgraph(directory: string): Found {
  const root = rootOf(directory);
  const tasks = readTasks(path.join(root, 'graph.jsonl'));
  const sessions = readSessions(path.join(root, 'chat', 'sessions.json'));
  const numbers = new Map<number, Task[]>();
  for (const task of tasks) {
    const number = numberOf(task, root);
    if (number !== null) numbers.set(number, [...(numbers.get(number) ?? []), task]);
  }
  const chats = [...numbers.entries()]
    .sort(([a], [b]) => a - b)
    .map(([number, rows]) => chatOf(root, number, rows, tasks, sessions));
  const orphans = stateNumbers(root, sessions).filter((number) => !numbers.has(number));
  return { root, chats, orphans, pid: runningPid(path.join(root, 'service', 'state.json')) };
}

function rootOf(directory: string): string {
  for (const root of [directory, path.join(directory, '.workgraph'), path.join(directory, '.wg')])
    if (existsSync(path.join(root, 'graph.jsonl'))) return realpathSync(root);
  throw new RejectedInput('WORKGRAPH', `${directory} is no workgraph directory`, [
    'name the project, or its .workgraph: there is a graph.jsonl in it',
  ]);
}

function readTasks(file: string): Task[] {
  const { objects, damaged } = readLines(file);
  if (damaged.length > 0) {
    const mistakes = damaged.map((line) => `${line} is not a JSON object`);
    throw new RejectedInput('WORKGRAPH', 'its graph cannot be read, so nothing was adopted', mistakes);
  }
  const tasks = new Map<string, Task>();
  // The last line of a task is what it is.
  for (const row of objects)
    if (typeof row['id'] === 'string' && (row['kind'] ?? 'task') === 'task') tasks.set(row['id'], row as Task);
  return [...tasks.values()];
}

/** Names without a dot are a person’s tasks too: those are chats only where something of a chat is there. */
function numberOf(task: Task, root: string): number | null {
  const [, digits] = TASK_NAME.exec(task.id) ?? [];
  if (digits === undefined) return null;
  const isChat =
    task.id.startsWith('.') || textsOf(task['tags']).some((tag) => LOOP_TAGS.has(tag)) || hasState(root, digits);
  return isChat ? Number(digits) : null;
}

const hasState = (root: string, digits: string): boolean =>
  existsSync(path.join(root, 'service', `coordinator-state-${digits}.json`)) ||
  existsSync(path.join(root, 'chat', digits));

function chatOf(root: string, number: number, rows: Task[], tasks: Task[], sessions: Session[]): FoundChat {
  const named = (form: string): Task | undefined => rows.find(({ id }) => id.replace(/^\./, '').startsWith(form));
  const task = named('chat-') ?? rows[0]!;
  const own = sessions.filter(({ aliases }) => aliases.some((alias) => aliasesOf(number).includes(alias)));
  const { letters, damaged } = readLetters(directoriesOf(root, number, own), `agent/chat-${number}`);
  const ids = rows.map(({ id }) => id);
  const aliases = own.flatMap(({ uuid, aliases: others }) => [uuid, ...others]).filter((name) => !/^\d+$/.test(name));
  const legacy = rows.filter(({ id }) => id.includes('coordinator-')).map(({ id }) => id);
  return {
    number,
    task: task.id,
    title: textOf(task['title']) ?? task.id,
    names: [...new Set([`${root}#${number}`, ...ids, ...aliases])],
    references: referencesTo(ids, tasks),
    archived: isAway(task),
    executor: executorOf(root, number),
    letters,
    conflicts: damaged.length === 0 ? [] : [`it cannot be read whole: ${damaged.join(', ')}`],
    notes: [
      ...(rows.length > 1 ? [`it is there twice, as ${ids.join(' and ')}: ${task.id} counts`] : []),
      ...(legacy.length > 0 ? [`${legacy.join(', ')} is an old name: it is found by it here too`] : []),
      ...(own.length > 1 ? [`${own.length} conversations are its own: their letters are joined`] : []),
    ],
  };
}

function isAway(task: Task): boolean {
  const tags = textsOf(task['tags']);
  if (tags.includes('archived') || task['status'] === 'abandoned') return true;
  return task['status'] === 'done' && !tags.some((tag) => LOOP_TAGS.has(tag));
}

function referencesTo(ids: readonly string[], tasks: readonly Task[]): string[] {
  return tasks.flatMap((task) => {
    const how = [
      ...EDGES.filter((edge) => textsOf(task[edge]).some((id) => ids.includes(id))),
      ...SINGLE_EDGES.filter((edge) => ids.includes(textOf(task[edge]) ?? '')),
    ];
    return how.length === 0 || ids.includes(task.id) ? [] : [`${task.id} (${how.join(', ')})`];
  });
}

const aliasesOf = (number: number): string[] => [
  String(number),
  ...['chat', 'coordinator'].flatMap((form) => [`${form}-${number}`, `.${form}-${number}`]),
];

interface Session {
  uuid: string;
  aliases: string[];
}

function readSessions(file: string): Session[] {
  const { sessions } = (existsSync(file) ? objectOf(readFileSync(file, 'utf8')) : null) ?? {};
  return Object.entries((sessions as Record<string, { aliases?: unknown }> | undefined) ?? {}).map(([uuid, meta]) => ({
    uuid,
    aliases: textsOf(meta.aliases),
  }));
}

/** Where its letters are: under its own id, under its names of before, and in the archive of either. */
function directoriesOf(root: string, number: number, own: readonly Session[]): string[] {
  const chat = path.join(root, 'chat');
  const names = [...own.map(({ uuid }) => uuid), ...aliasesOf(number)];
  const folders = [...names, ...names.map((name) => path.join('.archive', name))].map((name) => path.join(chat, name));
  const found = folders.filter((folder) => isOwnDirectory(folder));
  // The very first layout knew one chat.
  return number === 0 && existsSync(path.join(chat, 'inbox.jsonl')) ? [chat, ...found] : found;
}

/** A link leads to one of the others. */
const isOwnDirectory = (folder: string): boolean =>
  lstatSync(folder, { throwIfNoEntry: false })?.isDirectory() === true;

function executorOf(root: string, number: number): string | null {
  const names = [`coordinator-state-${number}.json`, ...(number === 0 ? ['coordinator-state.json'] : [])];
  for (const name of names) {
    const file = path.join(root, 'service', name);
    if (existsSync(file)) return textOf(objectOf(readFileSync(file, 'utf8'))?.['executor_override']) ?? null;
  }
  return null;
}

/** Numbers that a supervisor’s state or a conversation is there for. */
function stateNumbers(root: string, sessions: readonly Session[]): number[] {
  const service = path.join(root, 'service');
  const files = existsSync(service) ? readdirSync(service) : [];
  const numbers = [
    ...files.flatMap((name) => /^coordinator-state-(\d+)\.json$/.exec(name)?.[1] ?? []),
    ...sessions.flatMap(({ aliases }) => aliases.flatMap((alias) => TASK_NAME.exec(alias)?.[1] ?? [])),
  ].map(Number);
  return [...new Set(numbers)].sort((a, b) => a - b);
}

function runningPid(file: string): number | null {
  const pid = existsSync(file) ? objectOf(readFileSync(file, 'utf8'))?.['pid'] : undefined;
  if (typeof pid !== 'number') return null;
  try {
    process.kill(pid, 0);
    return pid;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM' ? pid : null;
  }
}

/**
 * What was said in a chat of workgraph: letters of people (`inbox.jsonl`), what the chat said to them (`outbox.jsonl`,
 * joined by `request_id`), the rotated ones of both in `archive/`, and how far the chat had read (`.coordinator-cursor`).
 */
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { slug } from '../actor/address.ts';
import { readLines, textOf } from './jsonl.ts';

export interface Letter {
  id: string;
  at: string;
  author: string;
  text: string;
  answer: string | null;
  state: 'queued' | 'answered' | 'failed';
}

interface Message {
  id: number;
  at: string;
  text: string;
  request: string;
  user: string;
}

/** A text longer than an event takes is cut, and says so. */
const TEXT_MAX = 190_000;

/** The letters of all directories of one chat, oldest first; `damaged` names what could not be read. */
export function readLetters(directories: readonly string[], chat: string): { letters: Letter[]; damaged: string[] } {
  const damaged: string[] = [];
  const letters: Letter[] = [];
  const said: Message[] = [];
  const asked: { message: Message; isRead: boolean }[] = [];
  for (const directory of directories) {
    const isRead = readTo(directory);
    for (const [file, isRotated] of filesOf(directory, 'inbox'))
      for (const message of messagesIn(file, damaged))
        asked.push({ message, isRead: isRotated || message.id <= isRead });
    for (const [file] of filesOf(directory, 'outbox')) said.push(...messagesIn(file, damaged));
  }
  const requests = new Set(asked.map(({ message }) => message.request));
  const ids = new Set<string>();
  const unique = (wanted: string): string => {
    let id = wanted;
    for (let n = 2; ids.has(id); n++) id = `${wanted}-${n}`;
    ids.add(id);
    return id;
  };
  for (const { message, isRead } of asked) {
    const answers = said.filter(({ request }) => request === message.request).map(({ text }) => text);
    const answer = answers.length === 0 ? null : cut(answers.join('\n\n'));
    const state = answer !== null ? 'answered' : isRead ? 'failed' : 'queued';
    const { at, text, user, request } = message;
    letters.push({ id: unique(request), at, author: `person/${slug(user)}`, text: cut(text), answer, state });
  }
  // What it said to nobody in particular stands for itself.
  for (const { at, text, request } of said) {
    if (requests.has(request)) continue;
    letters.push({ id: unique(request), at, author: chat, text: cut(text), answer: null, state: 'answered' });
  }
  return { letters: letters.sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0)), damaged };
}

function filesOf(directory: string, name: 'inbox' | 'outbox'): [file: string, isRotated: boolean][] {
  const archive = path.join(directory, 'archive');
  const rotated = existsSync(archive)
    ? readdirSync(archive).filter((file) => file.startsWith(`${name}-`) && file.endsWith('.jsonl'))
    : [];
  return [
    ...rotated.sort().map((file): [string, boolean] => [path.join(archive, file), true]),
    [path.join(directory, `${name}.jsonl`), false],
  ];
}

function readTo(directory: string): number {
  const file = path.join(directory, '.coordinator-cursor');
  return existsSync(file) ? Number(readFileSync(file, 'utf8').trim()) || 0 : 0;
}

function messagesIn(file: string, damaged: string[]): Message[] {
  const lines = readLines(file);
  damaged.push(...lines.damaged);
  return lines.objects.flatMap((row, index) => {
    const at = Date.parse(textOf(row['timestamp']) ?? '');
    const text = textOf(row['content']);
    if (Number.isNaN(at) || text === undefined || typeof row['id'] !== 'number') {
      damaged.push(`${file}: message ${index + 1}`);
      return [];
    }
    const attachments = Array.isArray(row['attachments']) ? (row['attachments'] as { path?: unknown }[]) : [];
    const paths = attachments.flatMap((attachment) => textOf(attachment.path) ?? []);
    return {
      id: row['id'],
      at: new Date(at).toISOString(),
      text: [text, ...paths.map((name) => `[attachment: ${name}]`)].join('\n'),
      request: textOf(row['request_id']) ?? `${path.basename(file)}-${row['id']}`,
      user: textOf(row['user']) ?? 'unknown',
    };
  });
}

const cut = (text: string): string =>
  text.length <= TEXT_MAX ? text : `${text.slice(0, TEXT_MAX)}\n[${text.length - TEXT_MAX} characters more]`;

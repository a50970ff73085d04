/** A workgraph directory as that program leaves it: tasks, sessions, letters, and what is left of supervisors. */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

export interface Message {
  id: number;
  content: string;
  request_id: string;
  timestamp: string;
  user?: string;
}

export interface WorkgraphSite {
  /** The project; its workgraph is in `.workgraph`. */
  project: string;
  task(id: string, more?: Record<string, unknown>): void;
  /** Letters and answers of a conversation, by the name of its folder. */
  said(folder: string, inbox: Message[], outbox?: Message[], readTo?: number): void;
  session(uuid: string, aliases: string[]): void;
  write(file: string, text: string): void;
}

export const UUID = '0192f0c1-1111-4222-8333-444455556666';

export function workgraphSite(t: { after(call: () => void): void }): WorkgraphSite {
  const project = mkdtempSync(path.join(os.tmpdir(), 'workgraph-'));
  t.after(() => rmSync(project, { recursive: true, force: true }));
  const root = path.join(project, '.workgraph');
  const tasks: string[] = [];
  const sessions: Record<string, unknown> = {};
  const write = (file: string, text: string): void => {
    mkdirSync(path.dirname(path.join(root, file)), { recursive: true });
    writeFileSync(path.join(root, file), text);
  };
  const lines = (rows: object[]): string => rows.map((row) => `${JSON.stringify(row)}\n`).join('');
  write('graph.jsonl', '');
  return {
    project,
    write,
    task(id, more = {}) {
      tasks.push(JSON.stringify({ kind: 'task', id, title: id, status: 'in-progress', tags: ['chat-loop'], ...more }));
      write('graph.jsonl', tasks.map((line) => `${line}\n`).join(''));
    },
    said(folder, inbox, outbox = [], readTo = inbox.length) {
      write(`chat/${folder}/inbox.jsonl`, lines(inbox.map((message) => ({ role: 'user', ...message }))));
      write(`chat/${folder}/outbox.jsonl`, lines(outbox.map((message) => ({ role: 'coordinator', ...message }))));
      write(`chat/${folder}/.coordinator-cursor`, `${readTo}\n`);
    },
    session(uuid, aliases) {
      sessions[uuid] = { kind: 'coordinator', created: '2026-01-01T00:00:00+00:00', aliases };
      write('chat/sessions.json', JSON.stringify({ version: 1, sessions }));
      for (const alias of aliases) symlinkSync(uuid, path.join(root, 'chat', alias));
    },
  };
}

/** The n-th message, a minute after the one before. */
export const message = (id: number, content: string, request: string, user = 'Ben'): Message => ({
  id,
  content,
  request_id: request,
  timestamp: `2026-01-01T00:${String(id).padStart(2, '0')}:00.123456789+00:00`,
  user,
});

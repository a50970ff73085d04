/**
 * Claude Code as an agent, over its stream of JSON lines: one process per run or chat, turns one after the other. Its
 * state lives in the agent's own home (`.claude` there, credentials too), so a conversation is resumed by a later process.
 */
import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import type { Driver, Seat } from '../driver.ts';
import { uuidOf } from '../uuid.ts';
import { converse } from './conversation.ts';
import { settleWelcome } from './welcome.ts';

export interface ClaudeOptions {
  /** Default: `claude` on the PATH. */
  program?: string | undefined;
  /** More of its command line. */
  args?: readonly string[] | undefined;
  model?: string | undefined;
}

/** Lines both ways, what it reads said back, and questions to us instead of to nobody. */
const STREAMED = [
  '-p',
  '--input-format',
  'stream-json',
  '--output-format',
  'stream-json',
  '--verbose',
  '--replay-user-messages',
  '--permission-prompt-tool',
  'stdio',
];

export function createClaudeDriver({ program = 'claude', args = [], model }: ClaudeOptions = {}): Driver {
  return {
    name: 'claude',
    capabilities: { steer: true, resume: true, approvals: true, cost: true, review: true, readopt: false, chat: true },
    launch: (seat) => ({
      file: program,
      args: [
        ...STREAMED,
        // What is allowed is decided here, by the role's policy; what it asks comes as a request.
        '--permission-mode',
        seat.allow === 'edits' ? 'acceptEdits' : 'default',
        ...(model === undefined ? [] : ['--model', model]),
        ...(isKnown(seat) ? ['--resume', conversationOf(seat)] : ['--session-id', conversationOf(seat)]),
        ...args,
      ],
      stdin: 'pipe',
    }),
    open: (opening) => converse(opening, conversationOf(opening.seat)),
    resume: (_ref, opening) => converse(opening, conversationOf(opening.seat)),
    takeOver: (seat) => ({
      file: program,
      args: [
        ...(isKnown(seat) ? ['--resume', seat.conversation!] : []),
        ...(model === undefined ? [] : ['--model', model]),
      ],
      prepare: () => settleWelcome(seat),
    }),
  };
}

/** The one that is gone on with, if its file is still there; else a new one, named after the run. */
function conversationOf(seat: Seat): string {
  if (seat.conversation !== undefined && isKnown(seat)) return seat.conversation;
  return uuidOf(`${seat.facts.agent} ${seat.facts.run}`);
}

/** It refuses to start with a conversation it does not find, so it is looked for first. */
function isKnown({ conversation, home }: { conversation?: string | undefined; home: string }): boolean {
  if (conversation === undefined || !/^[\w-]+$/.test(conversation)) return false;
  const projects = path.join(home, '.claude', 'projects');
  if (!existsSync(projects)) return false;
  return readdirSync(projects).some((project) => existsSync(path.join(projects, project, `${conversation}.jsonl`)));
}

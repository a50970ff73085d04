/**
 * Codex as an agent, through its app-server: one process per run or chat, one thread, turns one after the other. Its
 * state lives in the agent's own home (`.codex` there, credentials too), so a thread is resumed by a later process.
 */
import { SANDBOX, setting } from './settings.ts';
import type { CodexOptions } from './settings.ts';
import { converse } from './conversation.ts';
import type { Driver } from '../driver.ts';

export function createCodexDriver(options: CodexOptions = {}): Driver {
  const { program = 'codex', args = [], model, sandbox = SANDBOX } = options;
  return {
    name: 'codex',
    capabilities: { steer: true, resume: true, approvals: true, cost: false, review: true, readopt: false, chat: true },
    launch: () => ({ file: program, args: ['app-server', ...args, ...setting(options)], stdin: 'pipe' }),
    open: (opening) => converse(opening, options),
    resume: (thread, opening) => converse(opening, options, thread),
    takeOver: ({ conversation }) => ({
      file: program,
      args: [
        ...(conversation === undefined ? [] : ['resume', conversation]),
        ...(model === undefined ? [] : ['--model', model]),
        '--sandbox',
        sandbox,
        ...setting(options),
      ],
    }),
  };
}

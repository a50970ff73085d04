/**
 * Any program as an agent, one process per run: the prompt comes by file (`{prompt}` in the command line) or else on
 * standard input, the result by exit code and, where the program likes, as JSON in the file `CHARTROOM_RESULT` names.
 */
import type { Conversation, Driver, Exit, Opening } from '../driver.ts';
import { UNSTEERABLE } from '../driver.ts';
import { readOutcome, resultOf } from '../outcome.ts';

/** Exit codes with a meaning (sysexits.h where it has one); every other but 0 is a failed run. */
export const EXIT = {
  /** EX_TEMPFAIL: a usage or capacity limit; `until` in the result file says until when. */
  limited: 75,
  /** EX_NOPERM: the provider refused the credentials. */
  auth: 77,
  /** As shells say it of SIGINT. */
  interrupted: 130,
} as const;
/** One turn per process. */
const TURN = 'turn-1';

export interface CommandOptions {
  /** A shell command line; `{prompt}`, `{worktree}`, `{title}`, `{head}` and `{branch}` are filled in, quoted. */
  run: string;
}

export function createCommandDriver({ run }: CommandOptions): Driver {
  const open = (opening: Opening): Conversation => converse(opening);
  return {
    name: 'command',
    capabilities: {
      steer: false,
      resume: false,
      approvals: false,
      cost: true,
      review: true,
      readopt: true,
      chat: false,
    },
    launch({ facts, promptFile, cwd }) {
      const values: Record<string, string> = {
        prompt: promptFile,
        worktree: cwd,
        title: facts.title ?? '',
        head: facts.head ?? '',
        branch: facts.branch ?? '',
      };
      const line = run.replaceAll(/\{(\w+)\}/g, (whole, name: string) =>
        values[name] === undefined ? whole : quoted(values[name]),
      );
      return { file: '/bin/sh', args: ['-c', line], stdin: run.includes('{prompt}') ? 'none' : 'prompt' };
    },
    open,
    resume: (_ref, opening) => open(opening),
  };
}

const quoted = (value: string): string => `'${value.replaceAll("'", `'\\''`)}'`;

function converse({ seat, channel, tell }: Opening): Conversation {
  let interrupted = false;
  tell({ type: 'ready' });
  tell({ type: 'turn.started', turn: TURN });
  return {
    line: (line) => tell({ type: 'item', kind: 'note', text: line }),
    exited: (exit) => ended(exit),
    prompt: async () => TURN,
    steer: async () => UNSTEERABLE,
    async interrupt() {
      interrupted = true;
      channel.signal('SIGINT');
    },
    async answer() {
      // It never asks.
    },
    async close() {
      // It ends by itself when it is done.
    },
  };

  function ended({ code, signal }: Exit): void {
    const outcome = readOutcome(seat.resultFile);
    if (outcome?.usage !== undefined) tell({ type: 'usage', usage: outcome.usage });
    const reason = outcome?.reason ?? channel.complaint().trim().slice(-500);
    const because = reason === '' ? {} : { reason };
    if (interrupted || code === EXIT.interrupted) {
      tell({ type: 'turn.ended', turn: TURN, outcome: 'interrupted', ...because });
    } else if (code === EXIT.limited) {
      const until = outcome?.until === undefined ? {} : { until: outcome.until };
      tell({ type: 'rate.limited', reason: reason === '' ? 'a usage limit was reached' : reason, ...until });
    } else if (code === EXIT.auth) {
      tell({ type: 'auth.failed', reason: reason === '' ? 'the provider refused the credentials' : reason });
    } else if (code === 0) {
      const result = resultOf(outcome ?? {}, seat.facts.head);
      tell({ type: 'turn.ended', turn: TURN, outcome: 'completed', result });
    } else if (code !== null && signal === null) {
      const why = `it ended with ${code}${reason === '' ? '' : `: ${reason}`}`;
      tell({
        type: 'turn.ended',
        turn: TURN,
        outcome: 'failed',
        reason: why,
        result: resultOf(outcome ?? {}, seat.facts.head),
      });
    }
    // Killed, or its end not seen: no word of the turn, the process watch says what became of the process.
  }
}

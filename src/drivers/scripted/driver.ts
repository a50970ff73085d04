/**
 * The scripted agent: does for real what a list of steps says, in a process of its own. For the demo, for this
 * project's tests, and for users' own.
 */
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { programArgs } from '../../package.ts';
import type { Conversation, Driver, DriverEvent, Opening } from '../driver.ts';
import { UNSTEERABLE } from '../driver.ts';
import { resultOf } from '../outcome.ts';
import { frameOf, said } from './frames.ts';
import type { Heard } from './frames.ts';

export interface ScriptedOptions {
  /** Path of the script, YAML or JSON, read at the start of every process; or the script itself. */
  script: string | { runs: unknown[] };
  /** The node that runs it. */
  node: string;
}

export function createScriptedDriver({ script, node }: ScriptedOptions): Driver {
  return {
    name: 'scripted',
    capabilities: { steer: true, resume: true, approvals: true, cost: true, review: true, readopt: true, chat: true },
    async launch({ facts, directory, promptFile, conversation }) {
      let file = script;
      if (typeof file !== 'string') {
        file = path.join(directory, 'script.json');
        await writeFile(file, JSON.stringify(script));
      } else file = path.resolve(file);
      const start = path.join(directory, 'start.json');
      await writeFile(start, JSON.stringify({ facts, script: file, promptFile, conversation }));
      return { file: node, args: [...programArgs('src/drivers/scripted/main'), start], stdin: 'held' };
    },
    open: converse,
    resume: (_ref, opening) => converse(opening),
  };
}

function converse({ seat, channel, tell }: Opening): Conversation {
  const steers = new Map<string, (taken: boolean) => void>();
  const turns = new Map<string, string>();
  const waiting = new Map<string, (turn: string) => void>();
  const begun = new Map<string, Promise<string>>();
  const lost: ((reason: Error) => void)[] = [];
  let gone = false;
  const send = (frame: Heard): Promise<void> => channel.send(JSON.stringify(frame));

  return {
    line(line) {
      const frame = frameOf(said, line);
      if (frame === undefined) {
        tell({ type: 'item', kind: 'note', text: line });
        return;
      }
      switch (frame.type) {
        case 'turn.started':
          turns.set(frame.key, frame.turn);
          waiting.get(frame.key)?.(frame.turn);
          tell({ type: 'turn.started', turn: frame.turn });
          return;
        case 'steered':
          steers.get(frame.key)?.(frame.taken);
          return;
        case 'plan':
          tell({ type: 'plan', steps: frame.steps.map((content) => ({ content, status: 'pending' })) });
          return;
        case 'turn.ended': {
          const { turn, outcome, reason, result } = frame;
          tell({
            type: 'turn.ended',
            turn,
            outcome,
            ...(reason === undefined ? {} : { reason }),
            ...(result === undefined ? {} : { result: resultOf(result, seat.facts.head) }),
          });
          return;
        }
        default:
          // Keys that JSON does not have are absent, which the schema's type cannot say.
          tell(frame as DriverEvent);
      }
    },
    exited() {
      gone = true;
      for (const settle of steers.values()) settle(false);
      for (const reject of lost) reject(new Error('the process ended before it began the turn'));
    },
    async prompt(message, key) {
      const known = turns.get(key);
      if (known !== undefined) return known;
      // Handed over and not yet begun: the same turn, not a second one.
      const asked = begun.get(key);
      if (asked !== undefined) return asked;
      if (gone) throw new Error('the process is gone');
      const turn = new Promise<string>((resolve, reject) => {
        waiting.set(key, resolve);
        lost.push(reject);
      });
      turn.catch(() => {});
      begun.set(key, turn);
      // A worker's prompt lies in its folder already; a frame stays small enough to be written in one piece.
      const mail = message.mail === undefined ? {} : { text: message.text, mail: message.mail };
      await send({ type: 'prompt', key, ...mail }).catch((error: unknown) => {
        begun.delete(key);
        throw error;
      });
      return turn;
    },
    async steer({ text }, turn, key) {
      if (gone) return UNSTEERABLE;
      const taken = new Promise<boolean>((resolve) => steers.set(key, resolve));
      await send({ type: 'steer', key, turn, text });
      return { taken: await taken };
    },
    interrupt: () => send({ type: 'interrupt' }),
    answer: (question, decision) => send({ type: 'answer', question, ...decision }),
    close: () => send({ type: 'close' }),
  };
}

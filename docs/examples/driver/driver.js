/**
 * A driver of one's own, whole: `drivers.own.example.module: ./driver.js` in chartroom.yaml makes it the driver `example`.
 * What it tells depends on the lines it reads and on nothing else.
 */
import { readFileSync } from 'node:fs';

/** @param {{ program: string, args?: string[] }} options what stands under `options` in the configuration */
export default function createExampleDriver({ program, args = [] }) {
  return {
    name: 'example',
    capabilities: {
      steer: false,
      resume: false,
      approvals: false,
      cost: false,
      review: true,
      readopt: false,
      chat: true,
    },
    launch: () => ({ file: program, args, stdin: 'pipe' }),
    open: converse,
    // It cannot go on with an earlier conversation: a fresh one, whose prompt tells all.
    resume: (_conversation, opening) => converse(opening),
  };
}

function converse({ seat, channel, tell }) {
  const send = (word) => channel.send(JSON.stringify(word));

  function hear({ is, turn, ok, stopped, why, tokens }) {
    if (is === 'ready') tell({ type: 'ready' });
    // The agent names its turns: the same line read a second time is the same turn.
    if (is === 'working') tell({ type: 'turn.started', turn });
    if (is !== 'done') return;
    const result = resultIn(seat);
    tell({ type: 'usage', usage: { inputTokens: tokens[0], outputTokens: tokens[1] } });
    if (/\b401\b/.test(why)) return tell({ type: 'auth.failed', reason: why });
    const limit = /usage limit until (\S+)/.exec(why);
    if (limit !== null) return tell({ type: 'rate.limited', until: limit[1], reason: why });
    const outcome = stopped ? 'interrupted' : ok ? 'completed' : 'failed';
    tell({ type: 'turn.ended', turn, outcome, ...(ok ? {} : { reason: why || 'it failed' }), result });
  }

  return {
    line(line) {
      const word = wordOf(line);
      if (word === undefined) tell({ type: 'item', kind: 'note', text: line });
      else hear(word);
    },
    exited() {},
    async prompt({ text }, key) {
      await send({ do: text, turn: key });
      return key;
    },
    steer: async () => ({ taken: false }),
    interrupt: () => send({ stop: true }),
    async answer() {},
    async close() {
      channel.end();
    },
  };
}

/** Anything may be among the output: only what is one of our words counts. */
function wordOf(line) {
  try {
    const word = JSON.parse(line);
    return ['ready', 'working', 'done'].includes(word?.is) ? word : undefined;
  } catch {
    return undefined;
  }
}

/** What the agent left as its result. A verdict is for the commit the run was asked to judge. */
function resultIn({ resultFile, facts }) {
  try {
    const { verdict, ...result } = JSON.parse(readFileSync(resultFile, 'utf8'));
    if (verdict === undefined) return result;
    return { ...result, verdict: { head: facts.head, body: '', comments: [], ...verdict } };
  } catch {
    return {};
  }
}

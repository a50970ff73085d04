/** One conversation with Claude Code: what it says becomes events, what is asked of it becomes lines. */
import type { Conversation, Decision, DriverEvent, Opening } from '../driver.ts';
import { UNSTEERABLE } from '../driver.ts';
import { readOutcome, resultOf } from '../outcome.ts';
import { frameOf } from '../scripted/frames.ts';
import { uuidOf } from '../uuid.ts';
import { QUESTIONS, askingOf, permission } from './asking.ts';
import type { Asking } from './asking.ts';
import { endingOf, isRefused, usageOf } from './ending.ts';
import { said } from './frames.ts';
import type { Asked, Block, Request, Result, Said } from './frames.ts';

/** Whose lines this was written and tested against. */
const KNOWN = '2.1.197';
const COMMANDS = new Set(['Bash', 'BashOutput', 'KillShell']);
const FILES = new Set(['Edit', 'Write', 'MultiEdit', 'NotebookEdit']);

interface Open extends Asking {
  id: string;
  decisions: Map<string, Decision>;
}

export function converse({ seat, channel, tell, again }: Opening, conversation: string): Conversation {
  const asked = new Map<string, Open>();
  const turns = new Map<string, Promise<string>>();
  const steers = new Map<string, (taken: boolean) => void>();
  let starting: { resolve: (turn: string) => void; reject: (reason: Error) => void } | undefined;
  let count = 0;
  let turn: string | undefined;
  let lastMessage: string | undefined;
  let lastError: string | undefined;
  let until: string | undefined;
  /** The last question to its model. */
  let filled: Asked | undefined;
  let isInterrupted = false;
  let interrupts = 0;

  /** A process that does not read any more shows by its end. */
  const write = (words: object): void => void channel.send(JSON.stringify(words)).catch(() => {});
  const control = (id: string, request: object): void => write({ type: 'control_request', request_id: id, request });
  const note = (text: string): void => tell({ type: 'item', kind: 'note', text });

  if (!again) control('initialize', { subtype: 'initialize' });

  function hear(frame: Said): void {
    switch (frame.type) {
      case 'control_response':
        return responded(frame.response);
      case 'control_request':
        return requested(frame);
      case 'system':
        return informed(frame);
      case 'user':
        if (frame.isReplay === true && frame.uuid !== undefined) settle(frame.uuid, true);
        return;
      case 'assistant':
        lastError = frame.error;
        // What its subagents say is its own affair; errors are said by the result.
        if (frame.parent_tool_use_id == null && frame.error === undefined) {
          filled = frame.message.usage ?? filled;
          frame.message.content.forEach(spoken);
        }
        return;
      case 'rate_limit_event': {
        const { status, resetsAt } = frame.rate_limit_info;
        if (status === 'rejected' && resetsAt !== undefined) until = new Date(resetsAt * 1_000).toISOString();
        return;
      }
      case 'result':
        return ended(frame);
    }
  }

  function responded({
    subtype,
    request_id: id,
    error,
  }: {
    subtype: string;
    request_id: string;
    error?: string | undefined;
  }) {
    if (id.startsWith('interrupt/')) isInterrupted = true;
    if (id !== 'initialize') return;
    if (subtype === 'success') return tell({ type: 'ready', conversation });
    const reason = `claude does not speak as this driver knows it (known: ${KNOWN}): ${error ?? subtype}`;
    tell({ type: 'lost', class: 'crash', reason });
  }

  function informed({ subtype, uuid, error, error_status: status }: Extract<Said, { type: 'system' }>): void {
    if (subtype === 'init') return began(uuid);
    if (subtype === 'compact_boundary') return note('the conversation was compacted');
    if (subtype !== 'api_retry') return;
    note(`the provider failed (${error ?? 'no reason given'}, ${status ?? 'no answer'}); it tries again`);
    // It would try for minutes, and nothing changes by it.
    if (isRefused(error)) tell({ type: 'auth.failed', reason: `the provider refused the credentials: ${error}` });
  }

  /** Said before every turn. */
  function began(uuid: string | undefined): void {
    if (turn !== undefined) return;
    count += 1;
    turn = uuid ?? `turn-${count}`;
    lastMessage = undefined;
    lastError = undefined;
    isInterrupted = false;
    tell({ type: 'turn.started', turn });
    starting?.resolve(turn);
    starting = undefined;
  }

  function spoken({ type, text, name = '', input = {} }: Block): void {
    if (type === 'text' && text !== undefined) {
      // Whether a message is the last one shows with the next, or with the end.
      if (lastMessage !== undefined) tell({ type: 'item', kind: 'message', text: lastMessage, final: false });
      lastMessage = text;
    } else if (type === 'tool_use') tell(toolEvent(name, input));
  }

  function requested(frame: Request): void {
    const { request_id: id, request } = frame;
    if (request.subtype !== 'can_use_tool') {
      return write({
        type: 'control_response',
        response: { subtype: 'error', request_id: id, error: 'not known here' },
      });
    }
    if (seat.allow === 'everything' && request.tool_name !== QUESTIONS) return reply(id, permission(frame));
    const open: Open = { ...askingOf(frame), id, decisions: new Map() };
    for (const ask of open.asks) {
      asked.set(ask.question, open);
      tell(ask);
    }
  }

  const reply = (id: string, response: object): void =>
    write({ type: 'control_response', response: { subtype: 'success', request_id: id, response } });

  function ended(result: Result): void {
    // A result before any turn is no turn's.
    if (turn === undefined) began(result.uuid);
    const name = turn!;
    if (lastMessage !== undefined) tell({ type: 'item', kind: 'message', text: lastMessage, final: true });
    for (const { tool_name: tool } of result.permission_denials) note(`it was not allowed to use ${tool}`);
    tell({ type: 'usage', usage: usageOf(result, filled) });
    turn = undefined;
    lastMessage = undefined;
    asked.clear();
    // What was not read by now would begin a turn of its own.
    for (const uuid of steers.keys())
      control(`cancel/${uuid}`, { subtype: 'cancel_async_message', message_uuid: uuid });
    for (const uuid of steers.keys()) settle(uuid, false);
    const event = endingOf({ turn: name, result, error: lastError, isInterrupted, until });
    const outcome = event.type === 'turn.ended' ? readOutcome(seat.resultFile) : undefined;
    if (event.type !== 'turn.ended' || outcome === undefined) return tell(event);
    tell({ ...event, result: resultOf(outcome, seat.facts.head) });
  }

  function settle(uuid: string, taken: boolean): void {
    steers.get(uuid)?.(taken);
    steers.delete(uuid);
  }

  const userMessage = (text: string, uuid: string, priority: 'next' | 'later') => ({
    type: 'user',
    message: { role: 'user', content: text },
    uuid,
    priority,
  });

  return {
    line(line) {
      const frame = frameOf(said, line);
      if (frame !== undefined) hear(frame);
      else note(line);
    },
    exited() {
      if (lastMessage !== undefined) tell({ type: 'item', kind: 'message', text: lastMessage, final: false });
      starting?.reject(new Error('the process ended before it began the turn'));
      for (const uuid of steers.keys()) settle(uuid, false);
    },
    prompt({ text }, key) {
      const known = turns.get(key);
      if (known !== undefined) return known;
      const begun = new Promise<string>((resolve, reject) => (starting = { resolve, reject }));
      turns.set(key, begun);
      begun.catch(() => turns.delete(key));
      channel.send(JSON.stringify(userMessage(text, uuidOf(key), 'later'))).catch((error: unknown) => {
        starting?.reject(error as Error);
      });
      return begun;
    },
    async steer({ text }, expectedTurn, key) {
      if (turn !== expectedTurn) return UNSTEERABLE;
      const uuid = uuidOf(key);
      const taken = new Promise<boolean>((resolve) => steers.set(uuid, resolve));
      await channel.send(JSON.stringify(userMessage(text, uuid, 'next')));
      return { taken: await taken };
    },
    async interrupt() {
      interrupts += 1;
      control(`interrupt/${interrupts}`, { subtype: 'interrupt' });
    },
    async answer(question, decision) {
      const open = asked.get(question);
      if (open === undefined) return;
      asked.delete(question);
      open.decisions.set(question, decision);
      if (!open.asks.some((ask) => asked.has(ask.question))) reply(open.id, open.answer(open.decisions));
    },
    async close() {
      channel.end();
    },
  };
}

function toolEvent(name: string, input: Record<string, unknown>): DriverEvent {
  const word = (key: string): string => (typeof input[key] === 'string' ? input[key] : '');
  if (COMMANDS.has(name)) return { type: 'item', kind: 'command', text: word('command') };
  if (FILES.has(name)) return { type: 'item', kind: 'file', text: word('file_path') };
  if (name === 'TodoWrite' && Array.isArray(input['todos'])) {
    return { type: 'plan', steps: (input['todos'] as { content?: unknown; status?: unknown }[]).map(stepOf) };
  }
  return { type: 'item', kind: 'tool', text: name };
}

const stepOf = ({ content, status }: { content?: unknown; status?: unknown }) => ({
  content: String(content),
  status:
    status === 'completed'
      ? ('completed' as const)
      : status === 'in_progress'
        ? ('inProgress' as const)
        : ('pending' as const),
});

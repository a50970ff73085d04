/** One conversation with codex's app-server: what it says becomes events, what is asked of it becomes requests. */
import { rulingOf } from '../approval.ts';
import type { Conversation, Decision, DriverEvent, Opening } from '../driver.ts';
import { UNSTEERABLE } from '../driver.ts';
import { readOutcome, resultOf } from '../outcome.ts';
import { createRpc } from '../rpc.ts';
import type { Heard, Json, RpcId } from '../rpc.ts';
import { askingOf, isAllowed } from './asking.ts';
import type { Asking } from './asking.ts';
import { eventOf } from './errors.ts';
import { initializeAnswer, notifications, threadAnswer, turnAnswer } from './frames.ts';
import type { Item, Notification, Said } from './frames.ts';
import { KNOWN, greeting, threadOf } from './settings.ts';
import type { CodexOptions } from './settings.ts';

/** So often in a row it may say that it tries again; then it is taken at its word that nothing works. */
const RETRIES_MAX = 20;
/** A usage window is used up, percent. */
const SPENT = 100;

interface Open extends Asking {
  id: RpcId;
  decisions: Map<string, Decision>;
}

export function converse(opening: Opening, options: CodexOptions, resumed?: string): Conversation {
  const { seat, channel, tell, again } = opening;
  const rpc = createRpc({ send: channel.send });
  const asked = new Map<string, Open>();
  const turns = new Map<string, Promise<string>>();
  const begun = new Map<string, () => void>();
  const seen = new Set<string>();
  let thread: string | undefined;
  let turn: string | undefined;
  /** Of a thread that is resumed, what earlier processes used. */
  let before = resumed === undefined ? { inputTokens: 0, outputTokens: 0 } : undefined;
  let hasBegun = false;
  let until: string | undefined;
  let lastMessage: string | undefined;
  let isInterrupted = false;
  let retries = 0;
  let version = 'an unknown version';

  if (!again) {
    void rpc.ask('initialize', 'initialize', greeting());
    rpc.tell('initialized');
    const words = threadOf(seat, options);
    if (resumed === undefined) void rpc.ask('thread', 'thread/start', words);
    else void rpc.ask('resumed', 'thread/resume', { ...words, threadId: resumed, excludeTurns: true });
  }

  function answered(id: RpcId, result: Json): void {
    if (id === 'initialize') {
      const said = initializeAnswer.safeParse(result);
      version = (said.success ? /\/(\d[\w.-]*)/.exec(said.data.userAgent)?.[1] : undefined) ?? version;
    } else if (id === 'thread' || id === 'resumed') {
      const said = threadAnswer.safeParse(result);
      if (!said.success) return strange();
      thread = said.data.thread.id;
      tell({ type: 'ready', conversation: thread });
    }
  }

  function failed(id: RpcId, reason: string): void {
    if (id === 'resumed') {
      // Its file is gone, or was another home's. The prompt tells all.
      tell({ type: 'item', kind: 'note', text: `the conversation could not be resumed: ${reason}` });
      before = { inputTokens: 0, outputTokens: 0 };
      if (!again) void rpc.ask('thread', 'thread/start', threadOf(seat, options));
    } else if (id === 'initialize' || id === 'thread') strange(reason);
  }

  function strange(reason = 'what it says has another form'): void {
    const text = `codex ${version} does not speak as this driver knows it (known: ${KNOWN}): ${reason}`;
    tell({ type: 'lost', class: 'crash', reason: text });
  }

  function requested({ id, method, params }: Extract<Heard, { type: 'request' }>): void {
    let asking: Asking | undefined;
    try {
      asking = askingOf(id, method, params);
    } catch {
      tell({ type: 'item', kind: 'note', text: `codex asked ${method} in a form nobody knows; it was refused` });
    }
    if (asking === undefined) return rpc.refuse(id, method);
    const open: Open = { ...asking, id, decisions: new Map() };
    if (isAllowed(method, seat.allow)) {
      for (const { question } of asking.asks) open.decisions.set(question, { choice: 'yes' });
      return rpc.answer(id, asking.answer(open.decisions));
    }
    for (const ask of asking.asks) {
      asked.set(ask.question, open);
      tell(ask);
    }
  }

  function notified(method: string, params: Json): void {
    if (!isNotification(method)) return;
    const said = notifications[method].safeParse(params);
    if (!said.success) {
      // Without its end a turn would never be over.
      if (method === 'turn/started' || method === 'turn/completed') strange();
      return;
    }
    // Threads of its own subagents are its own affair.
    if ('threadId' in said.data && thread !== undefined && said.data.threadId !== thread) return;
    hearers[method](said.data as never);
  }

  const hearers: { [Name in Notification]: (said: Said<Name>) => void } = {
    'turn/started'({ turn: { id } }) {
      turn = id;
      hasBegun = true;
      seen.add(id);
      begun.get(id)?.();
      lastMessage = undefined;
      tell({ type: 'turn.started', turn: id });
      if (isInterrupted) interruptNow();
    },
    'turn/completed'({ turn: { id, status, error } }) {
      if (lastMessage !== undefined) tell({ type: 'item', kind: 'message', text: lastMessage, final: true });
      lastMessage = undefined;
      turn = undefined;
      isInterrupted = false;
      asked.clear();
      if (status === 'failed') return tell(eventOf(id, error, until));
      const outcome = readOutcome(seat.resultFile);
      const result = outcome === undefined ? {} : { result: resultOf(outcome, seat.facts.head) };
      tell({ type: 'turn.ended', turn: id, outcome: status, ...result });
    },
    'turn/plan/updated'({ plan }) {
      tell({ type: 'plan', steps: plan.map(({ step, status }) => ({ content: step, status })) });
    },
    'item/completed'({ item }) {
      retries = 0;
      if (item.type !== 'agentMessage') return itemEvents(item).forEach(tell);
      // Whether a message is the last one shows with the next, or with the end.
      if (lastMessage !== undefined) tell({ type: 'item', kind: 'message', text: lastMessage, final: false });
      lastMessage = item.text;
    },
    'thread/tokenUsage/updated'({ tokenUsage: { total, last, modelContextWindow: window } }) {
      // Said of a resumed thread before its first turn: what was used by then.
      if (!hasBegun) before = total;
      before ??= {
        inputTokens: total.inputTokens - last.inputTokens,
        outputTokens: total.outputTokens - last.outputTokens,
      };
      tell({
        type: 'usage',
        usage: {
          inputTokens: Math.max(0, total.inputTokens - before.inputTokens),
          outputTokens: Math.max(0, total.outputTokens - before.outputTokens),
          // What was asked last, and what came back, is what the conversation is now.
          ...(window == null ? {} : { context: { used: last.inputTokens + last.outputTokens, window } }),
        },
      });
    },
    'account/rateLimits/updated'({ rateLimits: { primary, secondary } }) {
      const spent = [primary, secondary].flatMap((one) =>
        one != null && one.usedPercent >= SPENT && one.resetsAt != null ? [one.resetsAt] : [],
      );
      if (spent.length > 0) until = new Date(Math.max(...spent) * 1_000).toISOString();
    },
    error({ error, willRetry }) {
      tell({ type: 'item', kind: 'note', text: error.message });
      if (!willRetry) return;
      retries += 1;
      if (retries === RETRIES_MAX) {
        tell({ type: 'lost', class: 'crash', reason: `it only tries again and again: ${error.message}` });
      }
    },
  };

  function interruptNow(): void {
    if (thread === undefined || turn === undefined) return;
    void rpc.ask(`interrupt/${turn}`, 'turn/interrupt', { threadId: thread, turnId: turn });
  }

  return {
    line(line) {
      const heard = rpc.hear(line);
      if (heard === undefined) return tell({ type: 'item', kind: 'note', text: line });
      switch (heard.type) {
        case 'request':
          return requested(heard);
        case 'notification':
          return notified(heard.method, heard.params);
        case 'answer':
          return answered(heard.id, heard.result);
        case 'fault':
          return failed(heard.id, heard.reason);
      }
    },
    exited() {
      if (lastMessage !== undefined) tell({ type: 'item', kind: 'message', text: lastMessage, final: false });
      rpc.gone();
      for (const release of begun.values()) release();
    },
    prompt(message, key) {
      const known = turns.get(key);
      if (known !== undefined) return known;
      const asking = rpc
        .ask(`prompt/${key}`, 'turn/start', { threadId: thread, input: textOf(message.text), clientUserMessageId: key })
        .then(async (result) => {
          const { id } = turnAnswer.parse(result).turn;
          // It can be steered from its start on, which is said a moment later.
          if (!seen.has(id)) await new Promise<void>((resolve) => begun.set(id, resolve));
          return id;
        });
      turns.set(key, asking);
      asking.catch(() => turns.delete(key));
      return asking;
    },
    async steer({ text }, expectedTurn, key) {
      const words = { threadId: thread, expectedTurnId: expectedTurn, input: textOf(text), clientUserMessageId: key };
      return rpc.ask(`steer/${key}`, 'turn/steer', words).then(
        () => ({ taken: true }),
        () => UNSTEERABLE,
      );
    },
    async interrupt() {
      isInterrupted = true;
      interruptNow();
    },
    async answer(question, decision) {
      const open = asked.get(question);
      if (open === undefined) return;
      asked.delete(question);
      open.decisions.set(question, decision);
      if (open.asks.some((ask) => asked.has(ask.question))) return;
      rpc.answer(open.id, open.answer(open.decisions));
      // A no with words: the words are for the agent.
      const { words } = open.asks[0]?.kind === 'approval' ? rulingOf(decision) : {};
      if (words !== undefined && turn !== undefined) await this.steer({ text: words }, turn, `answer/${question}`);
    },
    async close() {
      channel.end();
    },
  };
}

const isNotification = (method: string): method is Notification => Object.hasOwn(notifications, method);
const textOf = (text: string): Json[] => [{ type: 'text', text, text_elements: [] }];

function itemEvents(item: Item): DriverEvent[] {
  const said = (kind: 'reasoning' | 'command' | 'file' | 'tool' | 'note', text: string): DriverEvent[] => [
    { type: 'item', kind, text },
  ];
  switch (item.type) {
    case 'commandExecution':
      return said('command', `${item.command ?? ''} (${item.exitCode ?? 'not run'})`);
    case 'fileChange':
      return said('file', (item.changes ?? []).map(({ path }) => path).join(', '));
    case 'reasoning':
      return item.summary === undefined || item.summary.length === 0 ? [] : said('reasoning', item.summary.join('\n'));
    case 'mcpToolCall':
    case 'dynamicToolCall':
      return said('tool', [item.server, item.tool].filter((part) => part !== undefined).join('.'));
    case 'contextCompaction':
      return said('note', 'the conversation was compacted');
    default:
      return [];
  }
}

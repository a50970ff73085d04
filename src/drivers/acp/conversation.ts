/** One session of the Agent Client Protocol: what the agent says becomes events, what is asked of it requests. */
import type { Usage } from '../../../machines/events/common.ts';
import { rulingOf } from '../approval.ts';
import type { Conversation, DriverEvent, Opening } from '../driver.ts';
import { UNSTEERABLE } from '../driver.ts';
import { readOutcome, resultOf } from '../outcome.ts';
import { createRpc } from '../rpc.ts';
import type { Heard, Json, RpcId } from '../rpc.ts';
import { CANCELLED, askOf, isAllowed, outcomeOf } from './asking.ts';
import { endingOf, faultOf, isAuth } from './ending.ts';
import { initializeAnswer, permission, promptAnswer, sessionAnswer, update } from './frames.ts';
import type { Permission, Update } from './frames.ts';

/** The protocol's version that this driver speaks. */
const VERSION = 1;
const PROMPT = 'prompt/';

export function converse({ seat, channel, tell, again }: Opening, resumed?: string): Conversation {
  const rpc = createRpc({ send: channel.send, stamp: { jsonrpc: '2.0' } });
  const asked = new Map<string, { id: RpcId; wanted: Permission }>();
  let session: string | undefined;
  let refused: string | undefined;
  let turn: string | undefined;
  /** The turn that was to be cut off. */
  let cancelled: string | undefined;
  let message = '';
  let spent: Usage = { inputTokens: 0, outputTokens: 0 };

  if (!again) {
    const clientCapabilities = { fs: { readTextFile: false, writeTextFile: false }, terminal: false };
    const clientInfo = { name: 'chartroom', title: 'Chartroom', version: '0' };
    void rpc.ask('initialize', 'initialize', { protocolVersion: VERSION, clientCapabilities, clientInfo });
  }

  function answered(id: RpcId, result: Json): void {
    if (id === 'initialize') return greeted(result);
    if (id === 'session' || id === 'resumed') {
      session = id === 'resumed' ? resumed : sessionAnswer.safeParse(result).data?.sessionId;
      if (session === undefined) return strange('a new session has no name');
      return tell({ type: 'ready', conversation: session });
    }
    if (typeof id !== 'string' || !id.startsWith(PROMPT)) return;
    const said = promptAnswer.safeParse(result);
    if (!said.success) return strange('a turn ended without a reason to stop');
    const { stopReason, usage } = said.data;
    if (usage != null) {
      spent = { ...spent, inputTokens: usage.inputTokens, outputTokens: usage.outputTokens };
      tell({ type: 'usage', usage: spent });
    }
    ended(id.slice(PROMPT.length), (name) => endingOf(name, reasonOf(name, stopReason)));
  }

  /** opencode ends a turn that was cancelled as if it had nothing more to say. */
  function reasonOf(name: string, said: string): string {
    const isCutOff = name === cancelled && said === 'end_turn' && readOutcome(seat.resultFile) === undefined;
    return isCutOff ? 'cancelled' : said;
  }

  function greeted(result: Json): void {
    const said = initializeAnswer.safeParse(result);
    if (!said.success || said.data.protocolVersion !== VERSION) {
      return strange(`it speaks version ${said.data?.protocolVersion ?? '(none)'} of the protocol`);
    }
    if (again) return;
    const { loadSession, sessionCapabilities } = said.data.agentCapabilities;
    const way =
      sessionCapabilities?.resume != null ? 'session/resume' : loadSession === true ? 'session/load' : undefined;
    const place = { cwd: seat.cwd, mcpServers: [] };
    if (resumed === undefined || way === undefined) void rpc.ask('session', 'session/new', place);
    else void rpc.ask('resumed', way, { ...place, sessionId: resumed });
  }

  function failed({ id, code, reason }: Extract<Heard, { type: 'fault' }>): void {
    if (id === 'resumed') {
      tell({ type: 'item', kind: 'note', text: `the conversation could not be resumed: ${reason}` });
      if (!again) void rpc.ask('session', 'session/new', { cwd: seat.cwd, mcpServers: [] });
    } else if (id === 'session' && isAuth(code, reason)) {
      refused = reason;
      // The turn says it: before one there is nobody to hear of it.
      tell({ type: 'ready' });
    } else if (id === 'session' || id === 'initialize') strange(reason);
    else if (typeof id === 'string' && id.startsWith(PROMPT)) {
      ended(id.slice(PROMPT.length), (name) => faultOf(name, code, reason));
    }
  }

  function strange(reason: string): void {
    const text = `the agent does not speak as this driver knows it (known: version ${VERSION}): ${reason}`;
    tell({ type: 'lost', class: 'crash', reason: text });
  }

  function began(name: string): void {
    if (turn === name) return;
    turn = name;
    message = '';
    tell({ type: 'turn.started', turn: name });
  }

  function ended(name: string, eventFor: (turn: string) => DriverEvent): void {
    // Read again, its start was not said by anybody.
    const words = message;
    began(name);
    if (words !== '') tell({ type: 'item', kind: 'message', text: words, final: true });
    message = '';
    turn = undefined;
    asked.clear();
    const event = eventFor(name);
    const outcome = event.type === 'turn.ended' ? readOutcome(seat.resultFile) : undefined;
    if (event.type !== 'turn.ended' || outcome === undefined) return tell(event);
    tell({ ...event, result: resultOf(outcome, seat.facts.head) });
  }

  function informed(said: Update): void {
    // A loaded session tells its past before it is ready.
    if (session === undefined) return;
    if (said.sessionUpdate === 'agent_message_chunk') {
      message += said.content.text ?? '';
      return;
    }
    if (said.sessionUpdate === 'usage_update') {
      const { used, size, cost } = said;
      const costUsd = cost?.currency === 'USD' ? { costUsd: cost.amount } : {};
      spent = { ...spent, ...costUsd, context: { used, window: size } };
      return tell({ type: 'usage', usage: spent });
    }
    if (message !== '' && said.sessionUpdate === 'tool_call') {
      tell({ type: 'item', kind: 'message', text: message, final: false });
      message = '';
    }
    const event = eventOf(said);
    if (event !== undefined) tell(event);
  }

  function requested({ id, method, params }: Extract<Heard, { type: 'request' }>): void {
    const wanted = method === 'session/request_permission' ? permission.safeParse(params) : undefined;
    if (wanted?.success !== true) return rpc.refuse(id, method);
    if (isAllowed(wanted.data, seat.allow)) return rpc.answer(id, outcomeOf(wanted.data, 'once'));
    asked.set(String(id), { id, wanted: wanted.data });
    tell(askOf(id, wanted.data));
  }

  return {
    line(line) {
      const heard = rpc.hear(line);
      if (heard === undefined) return tell({ type: 'item', kind: 'note', text: line });
      switch (heard.type) {
        case 'request':
          return requested(heard);
        case 'notification': {
          const said = heard.method === 'session/update' ? update.safeParse(heard.params) : undefined;
          if (said?.success === true) informed(said.data.update);
          return;
        }
        case 'answer':
          return answered(heard.id, heard.result);
        case 'fault':
          return failed(heard);
      }
    },
    exited: () => rpc.gone(),
    async prompt({ text }, key) {
      if (turn === key) return key;
      began(key);
      if (refused === undefined) {
        void rpc.ask(`${PROMPT}${key}`, 'session/prompt', { sessionId: session, prompt: [{ type: 'text', text }] });
      } else tell({ type: 'auth.failed', reason: refused });
      return key;
    },
    steer: async () => UNSTEERABLE,
    async interrupt() {
      cancelled = turn;
      rpc.tell('session/cancel', { sessionId: session });
      for (const { id } of asked.values()) rpc.answer(id, CANCELLED);
      asked.clear();
    },
    async answer(question, decision) {
      const open = asked.get(question);
      if (open === undefined) return;
      asked.delete(question);
      rpc.answer(open.id, outcomeOf(open.wanted, rulingOf(decision).grant));
    },
    async close() {
      channel.end();
    },
  };
}

function eventOf(said: Update): DriverEvent | undefined {
  switch (said.sessionUpdate) {
    case 'tool_call': {
      const kind = said.kind === 'execute' ? 'command' : said.kind === 'edit' ? 'file' : 'tool';
      return { type: 'item', kind, text: said.title ?? '' };
    }
    case 'plan':
      return {
        type: 'plan',
        steps: said.entries.map(({ content, status }) => ({
          content,
          status: status === 'completed' ? 'completed' : status === 'in_progress' ? 'inProgress' : 'pending',
        })),
      };
    case 'agent_thought_chunk':
      return { type: 'item', kind: 'reasoning', text: said.content.text ?? '' };
    default:
      return undefined;
  }
}

/**
 * A chat: one long conversation with people attached to it. A process lives while there is something to read or
 * somebody to read it (the idle rule); otherwise the chat is dormant, and mail or a consumer wakes it.
 */
import { timerMs } from '../contract.ts';
import { act, tell } from '../decision.ts';
import type { Wish } from '../decision.ts';
import type { Usage } from '../events/common.ts';
import { filledOf, isLong } from '../window.ts';
import type { AgentContext } from './context.ts';
import { NO_USAGE } from './context.ts';
import { afterContention, afterCrash, afterGoodRun, afterRun, exitSeen } from './counters.ts';
import type { Handler } from './event.ts';
import { hasMail, isWaiting, isWhole, requeue, settle, unreadOnce } from './mail.ts';
import { clockUsedMs, endProcess, silentFor, spent, withdrawn } from './run.ts';

/** A process that left without a turn is not started again at once: it may leave again. */
const RESPAWN_MS = 2_000;

/** Somebody is attached, or was a moment ago. */
export function hasCompany(
  { consumers, consumerLeftAt, timers }: AgentContext,
  at: string,
  recent: 'consumer' | 'quiet',
): boolean {
  if (consumers.length > 0) return true;
  return consumerLeftAt !== null && Date.parse(at) - Date.parse(consumerLeftAt) < timerMs({ timers }, recent);
}

export const shouldWake = (context: AgentContext, at: string): boolean =>
  context.mode === 'chat' &&
  isWhole(context) &&
  (hasMail(context) || context.consumers.length > 0 || (context.chat.left && hasCompany(context, at, 'consumer')));

/** What the dispatcher knows of its place among those that are awake. */
export function placeOf(context: AgentContext, life: string, at: string): 'wanted' | 'taken' | 'idle' | undefined {
  if (context.chat.up) return life === 'awake' && context.consumers.length === 0 ? 'idle' : 'taken';
  return life === 'asleep' && shouldWake(context, at) ? 'wanted' : undefined;
}

/** Nothing is there to wake for any more. */
export const returnPlace: Handler = ({ address }) => ({
  wishes: [tell({ to: 'dispatcher/main', type: 'place.returned', data: { agent: address } })],
});

/** Another process of this conversation, under a name of its own; of a fresh one, where it has grown too long. */
export const wake: Handler = (context) => ({
  set: {
    chat: {
      ...context.chat,
      life: context.chat.life + 1,
      up: true,
      ...goneOnWith(context),
      driver: context.driver,
      memory: context.memory,
      turn: null,
      said: null,
      ending: false,
      fault: null,
      left: false,
      used: NO_USAGE,
    },
  },
});

/** A conversation is its program’s own, and ends where it has grown too long. */
function goneOnWith({ chat, driver }: AgentContext) {
  const { conversation, filled, parent } = chat;
  const isOver = isLong(filled) || (chat.driver !== null && chat.driver !== driver);
  if (conversation === null || !isOver) return { resumes: conversation, conversation, filled, parent };
  return { resumes: null, conversation: null, filled: null, parent: conversation, retells: true };
}

/** What the process used since it was last told: figures of a process only grow. */
function usedSince({ address, chat: { used } }: AgentContext, usage: Usage): { used: Usage; wishes: Wish[] } {
  const beyond = {
    inputTokens: Math.max(0, usage.inputTokens - used.inputTokens),
    outputTokens: Math.max(0, usage.outputTokens - used.outputTokens),
    costUsd: Math.max(0, (usage.costUsd ?? 0) - (used.costUsd ?? 0)),
  };
  const wishes = spent({ agent: address }, beyond);
  return { used: wishes.length === 0 ? used : usage, wishes };
}

export const chatStarted: Handler = (context, event) => {
  if (event.type !== 'driver.started') return {};
  return { set: { chat: { ...context.chat, conversation: event.data.conversation ?? context.chat.conversation } } };
};

export const endChat =
  (reason: string): Handler =>
  (context) => ({ set: { chat: { ...context.chat, ending: true } }, wishes: [endProcess(context, reason)] });

/** The process is of no use any more, which counts as its crash: it would go on for ever otherwise (law 10). */
export const endFaulty =
  (fault: string): Handler =>
  (context) => ({
    set: { chat: { ...context.chat, ending: true, fault: context.chat.fault ?? fault } },
    wishes: [endProcess(context, fault)],
  });

/** The process asks in the middle of its turn: whoever is attached, or wrote, answers; the turn’s clock stands. */
export const chatAsked: Handler = ({ chat }, event) => {
  if (event.type !== 'driver.asked') return {};
  const { question: id, text, choices } = event.data;
  const question = { id, text, at: event.at, ...(choices === undefined ? {} : { choices }) };
  return { set: { chat: { ...chat, question, clockUsedMs: clockUsedMs(chat, event.at), clockSince: null } } };
};

export const answerChat: Handler = ({ chat }, event) => {
  if (event.type !== 'answer' || chat.question === null) return {};
  const { question: _named, ...words } = event.data;
  return {
    set: { chat: { ...chat, question: null, clockSince: event.at } },
    wishes: [act('driver.answer', { question: chat.question.id, ...words })],
  };
};

/** Nobody answers, and nobody is there who could: the turn is given up. */
export const endHeldChat: Handler = (context, event) => {
  const why = `nobody answered its question: ${context.chat.question?.text ?? ''}`.slice(0, 500);
  const { set, wishes } = settle(context, context.chat.turn ?? [], { state: 'failed', answer: null, why }, event.at);
  const chat = { ...context.chat, turn: null, question: null, ending: true };
  return { set: { ...set, chat }, wishes: [...wishes, endProcess(context, why)] };
};

/**
 * The turn ended: its letters are answered, failed, or wait again where the provider only asked for patience. Where its
 * limits are spent, its process goes too: the next letter is read by another one, later.
 */
export const chatTurned: Handler = (context, event) => {
  if (event.type !== 'driver.turned') return {};
  const { used, wishes } = usedSince(context, event.data.usage);
  const filled = filledOf(event.data.usage) ?? context.chat.filled;
  const decided = afterTurn({ ...context, chat: { ...context.chat, used, filled } }, event);
  return { ...decided, wishes: [...wishes, ...(decided.wishes ?? [])] };
};

const afterTurn: Handler = (context, event) => {
  if (event.type !== 'driver.turned') return {};
  const { outcome, until, reason } = event.data;
  const ids = context.chat.turn ?? [];
  const chat = { ...context.chat, turn: null, question: null, clockUsedMs: 0, clockSince: null };
  if (outcome === 'completed') {
    const { set, wishes } = settle(context, ids, { state: 'answered', answer: context.chat.said, why: null }, event.at);
    return { set: { ...set, ...afterGoodRun(), ...afterRun(context, event.at), chat }, wishes };
  }
  if (outcome === 'limited' && until !== undefined) {
    const cooling = { until, reason: reason ?? 'the provider’s usage limit' };
    return { set: { mail: requeue(context.mail), chat, cooling } };
  }
  const silent = outcome === 'interrupted' && context.silence !== null ? silentFor(context, event.at) : undefined;
  const why = silent ?? reason ?? `the turn ended as ${outcome}`;
  const { set, wishes } = settle(context, ids, { state: 'failed', answer: null, why }, event.at);
  const ending = chat.ending || outcome === 'budget';
  return { set: { ...set, ...afterRun(context, event.at), chat: { ...chat, ending } }, wishes };
};

/** Between turns there is nothing it may do now: its process is of no use. */
export const endSpentChat: Handler = (context) => ({
  set: { chat: { ...context.chat, ending: true } },
  wishes: [endProcess(context, context.cooling?.reason ?? 'the limits of its turn are spent')],
});

/** The letters could not be handed over: this process is of no use; a letter that no process takes fails in the end. */
export const promptFailed: Handler = (context, event) => {
  const { set, wishes } = unreadOnce({ ...context, mail: requeue(context.mail) }, event.at);
  return {
    set: { ...set, chat: { ...context.chat, turn: null, ending: true } },
    wishes: [...wishes, endProcess(context, 'it does not take its mail')],
  };
};

/** The process is gone. A turn that we cut off for good is failed; any other turn that did not end waits again. */
export const chatGone: Handler = (context, event) => {
  if (event.type !== 'driver.exited') return {};
  const { wishes } = usedSince(context, event.data.usage);
  const decided = afterProcess({ ...context, chat: { ...context.chat, used: NO_USAGE } }, event);
  return { ...decided, wishes: [...wishes, ...(decided.wishes ?? [])] };
};

const afterProcess: Handler = (context, event) => {
  if (event.type !== 'driver.exited') return {};
  const { class: exit } = event.data;
  const turn = context.chat.turn ?? [];
  const seen = exitSeen(event);
  const cutOff = context.afterwards !== 'asleep';
  const { ending, fault } = context.chat;
  const over = { up: false, turn: null, question: null, clockUsedMs: 0, clockSince: null, ending: false, fault: null };
  const chat = { ...context.chat, ...over, left: !ending };
  if (cutOff) {
    const why = `the turn was cut off: ${context.afterwards}`;
    const { set, wishes } = settle(context, turn, { state: 'failed', answer: null, why }, event.at);
    return { set: { ...set, mail: requeue(set.mail ?? context.mail), chat, ...seen }, wishes };
  }
  const back: AgentContext = { ...context, mail: requeue(context.mail) };
  if (fault !== null) {
    const { set, wishes } = unreadOnce(back, event.at);
    return { set: { ...set, chat, ...seen, ...afterCrash(context, event.at) }, wishes };
  }
  if (exit === 'clean' && !ending) {
    const { set, wishes } = unreadOnce(back, event.at);
    const until = new Date(Date.parse(event.at) + RESPAWN_MS).toISOString();
    const again = shouldWake({ ...back, ...set, chat }, event.at);
    return {
      set: { ...set, chat, ...seen, ...(again ? { cooling: { until, reason: 'its process left' } } : {}) },
      wishes,
    };
  }
  return {
    set: {
      mail: back.mail,
      chat,
      ...seen,
      ...(exit === 'crash' ? afterCrash(context, event.at) : {}),
      ...(exit === 'contention' ? afterContention(context, event.at) : {}),
    },
  };
};

export const attached: Handler = (context, event) => {
  if (event.type !== 'consumer.attached') return {};
  const { consumer, kind } = event.data;
  const others = context.consumers.filter((known) => known.consumer !== consumer);
  return { set: { consumers: [...others, { consumer, kind, since: event.at }] } };
};

export const left: Handler = (context, event) => {
  if (event.type !== 'consumer.left') return {};
  const consumers = context.consumers.filter(({ consumer }) => consumer !== event.data.consumer);
  if (consumers.length === context.consumers.length) return {};
  return { set: { consumers, consumerLeftAt: event.at } };
};

/** Stopped or put away, nobody is watched for: whoever is still there says so when it is back. */
export const forgetCompany: Handler = ({ consumers }) => (consumers.length === 0 ? {} : { set: { consumers: [] } });

/** Why this chat may not be put away now, or null. */
export function inUse(context: AgentContext, source: string, at: string): string | null {
  if (source === context.address) return 'a chat does not put itself away';
  if (hasCompany(context, at, 'quiet')) return 'somebody is attached, or was a moment ago';
  if (context.mail.some(isWaiting)) return 'mail is waiting';
  const quietMs = timerMs(context, 'quiet');
  const recent = context.mail.some((letter) => Date.parse(at) - Date.parse(letter.at) < quietMs);
  return recent ? 'it was written to a moment ago' : null;
}

export const archive: Handler = (context, event) => {
  const { reason } = event.data as { reason?: string };
  return {
    set: { afterwards: 'archived', cooling: null, cause: { by: event.source, reason: reason ?? null, at: event.at } },
    wishes: context.chat.up ? [...withdrawn(), endProcess(context, 'archived')] : [],
  };
};

/** Ending already: only where it goes afterwards changes. */
export const archiveAfterwards: Handler = (context, event) =>
  context.afterwards === 'archived'
    ? {}
    : { set: { afterwards: 'archived', cause: { by: event.source, reason: null, at: event.at } } };

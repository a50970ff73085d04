/**
 * From a driver's events to what the agent is told. Which words are told, and under which ids, depends on the events
 * alone: the same output read again after a restart tells the same words, and the agent knows them already.
 */
import { AGENT_EVENTS } from '../../../machines/events/agent.ts';
import type { Usage } from '../../../machines/events/common.ts';
import type { DriverEvent, RunResult } from '../../drivers/driver.ts';

export interface Word {
  type:
    | 'driver.started'
    | 'driver.asked'
    | 'driver.said'
    | 'driver.turned'
    | 'driver.exited'
    | 'driver.silent'
    | 'driver.heard';
  data: Record<string, unknown>;
  id: string;
}

export interface Telling {
  /** What the agent is told of this event; undefined: nothing, it goes to the logs only. */
  hear: (event: DriverEvent) => Word | undefined;
  /** The running turn did not end though it was cut off. */
  cutOff: (reason: string) => Word | undefined;
  /** The running turn. */
  turn: () => string | null;
  /** Questions without an answer. */
  questions: Set<string>;
  usage: () => Usage;
  /** The last thing said in a turn that has not ended. */
  said: () => string | undefined;
  lost: () => Extract<DriverEvent, { type: 'lost' }> | null;
  conversation: () => string | undefined;
}

export interface TellingOptions {
  run: string;
  mode: 'worker' | 'chat';
  /** Why the turn was cut off, if it was. */
  cut: () => string | undefined;
}

/** The answers of questions come by this name: a session knows questions of several runs. */
export const questionName = (run: string, question: string): string => `${run}:${question}`;

const SUMMARY_MAX = 10_000;

export function createTelling({ run, mode, cut }: TellingOptions): Telling {
  const questions = new Set<string>();
  /** Turns that were told: a late frame of one is nothing new. */
  const over = new Set<string>();
  let turn: string | null = null;
  let usage: Usage = { inputTokens: 0, outputTokens: 0 };
  let lost: Extract<DriverEvent, { type: 'lost' }> | null = null;
  let conversation: string | undefined;
  let lastMessage = '';
  const counts = { said: 0, turned: 0 };

  function turned(outcome: string, more: { reason?: string; until?: string; result?: RunResult } = {}): Word {
    if (turn !== null) over.add(turn);
    turn = null;
    questions.clear();
    counts.turned += 1;
    const data = { outcome, usage, ...more };
    const parsed = AGENT_EVENTS['driver.turned'].data.safeParse(data);
    const reason = parsed.success ? '' : `its result is not what one must be: ${parsed.error.issues[0]?.message ?? ''}`;
    return {
      type: 'driver.turned',
      id: `${run}/turned/${counts.turned}`,
      data: parsed.success ? data : { outcome: 'failed', usage, reason },
    };
  }

  return {
    turn: () => turn,
    questions,
    usage: () => usage,
    said: () => (turn === null || lastMessage === '' ? undefined : lastMessage.slice(0, SUMMARY_MAX)),
    lost: () => lost,
    conversation: () => conversation,
    cutOff: (reason) => (turn === null ? undefined : turned('budget', { reason })),
    hear(event) {
      switch (event.type) {
        case 'ready':
          conversation = event.conversation;
          return undefined;
        case 'turn.started':
          if (over.has(event.turn)) return undefined;
          turn = event.turn;
          lastMessage = '';
          return undefined;
        case 'item': {
          if (event.kind !== 'message') return undefined;
          lastMessage = event.text;
          if (mode === 'worker') return undefined;
          counts.said += 1;
          const inReplyTo = event.inReplyTo === undefined ? {} : { inReplyTo: event.inReplyTo };
          return {
            type: 'driver.said',
            id: `${run}/said/${counts.said}`,
            data: { text: event.text, final: event.final ?? false, ...inReplyTo },
          };
        }
        case 'plan':
          return undefined;
        case 'usage':
          ({ usage } = event);
          return undefined;
        case 'ask': {
          const question = questionName(run, event.question);
          questions.add(question);
          const choices = event.choices === undefined ? {} : { choices: event.choices };
          return {
            type: 'driver.asked',
            id: `${run}/asked/${event.question}`,
            data: { question, kind: event.kind, text: event.text, ...choices },
          };
        }
        case 'turn.ended': {
          // Its end was already told: a limit, or a cut.
          if (turn === null || event.turn !== turn) return undefined;
          const why = cut();
          if (why !== undefined && event.outcome !== 'completed') return turned('budget', { reason: why });
          const summary = lastMessage === '' ? {} : { summary: lastMessage.slice(0, SUMMARY_MAX) };
          return turned(event.outcome, {
            ...(event.reason === undefined ? {} : { reason: event.reason }),
            ...(event.outcome === 'completed' || event.result !== undefined || lastMessage !== ''
              ? { result: { ...summary, ...event.result } }
              : {}),
          });
        }
        case 'rate.limited':
          return turned('limited', {
            reason: event.reason,
            ...(event.until === undefined ? {} : { until: event.until }),
          });
        case 'auth.failed':
          return turned('auth', { reason: event.reason });
        case 'lost':
          lost = event;
          turn = null;
          return undefined;
      }
    },
  };
}

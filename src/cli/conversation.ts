/** What is said in a chat, as lines for whoever is attached: letters, answers as they come, and what becomes of the chat. */
import type { HistoryEntry } from '../actor/past.ts';
import type { Output } from './output.ts';

/** A letter as `show` tells it. */
export interface Letter {
  id: string;
  at: string;
  author: string;
  text: string;
  state: 'queued' | 'delivered' | 'answered' | 'failed';
  answer: string | null;
  why: string | null;
}

/** What the chat asks, as `show` tells it. */
export interface Asked {
  id: string;
  text: string;
  choices?: string[];
}

export interface Conversation {
  /** What was said before. */
  letter(letter: Letter): string[];
  /** What it asks and nobody has answered. */
  asked(question: Asked): string[];
  /** What a step says to people; nothing where it says nothing to them. */
  entry(entry: HistoryEntry): string[];
}

const wordsOf = ({ choice, text }: Record<string, unknown>): string =>
  typeof choice === 'string' ? choice : typeof text === 'string' ? text : '';

/** The question in a step’s data. */
export function askedIn({ question, text, choices }: Record<string, unknown>): Asked {
  const asked = { id: String(question), text: String(text) };
  return Array.isArray(choices) ? { ...asked, choices: choices as string[] } : asked;
}

/** What a chat does by itself, as far as people care. */
const TURNS: Record<string, string> = {
  starting: 'wakes up',
  asleep: 'sleeps; a message wakes it',
  stopped: 'is stopped; messages wait until it is resumed',
  archived: 'was archived',
  offboarding: 'is being offboarded',
  offboarded: 'was offboarded',
};

export function conversationOf(agent: string, out: Pick<Output, 'paint'>, own: ReadonlySet<string>): Conversation {
  const name = agent.slice('agent/'.length);
  const said = (who: string, text: string, shown = who): string =>
    `${shown}  ${text.replaceAll('\n', `\n${' '.repeat(who.length + 2)}`)}`;
  const speaks = (text: string): string => said(name, text, out.paint('cyan', name));
  const aside = (text: string): string => out.paint('dim', `— ${text}`);

  const asked = ({ text, choices = [] }: Asked): string[] => [
    speaks(text),
    aside(`it waits for an answer${choices.length === 0 ? '' : ` (${choices.join(', ')})`}: the next line is one`),
  ];

  return {
    asked,
    letter({ author, text, state, answer, why }) {
      const lines = [said(nameOf(author), text)];
      if (answer !== null) lines.push(speaks(answer));
      if (state === 'failed') lines.push(aside(`not answered: ${why ?? 'it failed'}`));
      if (state === 'queued' || state === 'delivered') lines.push(aside('not answered yet'));
      return lines;
    },
    entry({ type, data, before, after, envelope, waitingOn }) {
      switch (type) {
        case 'say':
        case 'query':
          return own.has(envelope.id)
            ? moved()
            : [said(authorOf(data, envelope.source), String(data['text'])), ...moved()];
        case 'driver.said':
          return [data['final'] === true ? speaks(String(data['text'])) : speaks(`… ${String(data['text'])}`)];
        case 'driver.asked':
          return asked(askedIn(data));
        case 'answer':
          return own.has(envelope.id) ? [] : [said(nameOf(envelope.source), wordsOf(data)), ...moved()];
        case 'driver.turned':
          return data['outcome'] === 'completed'
            ? []
            : [aside(`${name} did not end its turn well: ${String(data['reason'] ?? data['outcome'])}`), ...moved()];
        case 'consumer.attached':
        case 'consumer.left': {
          const verb = type === 'consumer.attached' ? 'is here' : 'left';
          const consumer = String(data['consumer']);
          return own.has(consumer) ? moved() : [aside(`${consumer} ${verb}`), ...moved()];
        }
        default:
          return moved();
      }

      function moved(): string[] {
        const phase = after?.phase ?? '';
        if (before?.phase === phase) return [];
        if (phase === 'coolingDown') return [aside(`${name} rests: ${waitingOn[0]?.detail ?? ''}`)];
        const what = TURNS[phase];
        return what === undefined ? [] : [aside(`${name} ${what}`)];
      }
    },
  };
}

const nameOf = (source: string): string => source.slice(source.indexOf('/') + 1);
const authorOf = (data: Record<string, unknown>, source: string): string =>
  nameOf(typeof data['author'] === 'string' ? data['author'] : source);

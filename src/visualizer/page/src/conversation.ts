/** What is said in a chat: letters and what became of them, answers as they come, and what the chat does by itself. Pure. */
import type { HistoryEntry } from './answers.ts';
import { isRecord, textOf } from './value.ts';

export type Line =
  /** Somebody's words; `stands`: what became of them where that is not an answer. */
  | { kind: 'said'; id: string; at: string; by: string; text: string; stands: string | null }
  /** The chat's words; not `isFinal`: on the way to an answer. */
  | { kind: 'answer'; id: string; at: string; text: string; isFinal: boolean }
  | { kind: 'aside'; id: string; at: string; text: string };

interface Letter {
  id: string;
  at: string;
  author: string;
  text: string;
  state: string;
  answer: string | null;
  why: string | null;
}

const STANDS: Record<string, string> = { queued: 'waits to be read', delivered: 'is being read' };
const TURNS: Record<string, string> = {
  starting: 'it wakes up',
  asleep: 'it sleeps; a message wakes it',
  coolingDown: 'it rests after a limit or a crash',
  stopped: 'it is stopped; messages wait until it is resumed',
  archived: 'it was archived',
  offboarding: 'it is being offboarded',
  offboarded: 'it was offboarded',
};

/** Letters of before the entries at hand, then what the entries tell, oldest first. */
export function conversationOf(context: Record<string, unknown>, entries: readonly HistoryEntry[]): Line[] {
  const letters = lettersOf(context['mail']);
  const byId = new Map(letters.map((letter) => [letter.id, letter]));
  const told = new Set(entries.map(({ envelope }) => envelope.id));
  const earlier = letters
    .filter(({ id }) => !told.has(id))
    .flatMap((letter): Line[] => [
      saidOf(letter),
      ...(letter.answer === null
        ? []
        : [{ kind: 'answer' as const, id: `${letter.id}/answer`, at: letter.at, text: letter.answer, isFinal: true }]),
    ]);
  return [...earlier, ...entries.flatMap((entry) => [...spoken(entry, byId), ...moved(entry)])];
}

function spoken({ seq, at, type, data, envelope }: HistoryEntry, byId: ReadonlyMap<string, Letter>): Line[] {
  const id = String(seq);
  switch (type) {
    case 'say':
    case 'query': {
      const letter = byId.get(envelope.id);
      if (letter !== undefined) return [saidOf(letter)];
      const author = textOf(data['author'], envelope.source);
      return [{ kind: 'said', id: envelope.id, at, by: nameOf(author), text: textOf(data['text'], ''), stands: null }];
    }
    case 'driver.said':
      return [{ kind: 'answer', id, at, text: textOf(data['text'], ''), isFinal: data['final'] === true }];
    case 'driver.turned': {
      if (data['outcome'] === 'completed') return [];
      const why = textOf(data['reason'], textOf(data['outcome'], ''));
      return [{ kind: 'aside', id, at, text: `its turn did not end well: ${why}` }];
    }
    case 'consumer.attached':
    case 'consumer.left': {
      const verb = type === 'consumer.attached' ? 'is here' : 'left';
      return [{ kind: 'aside', id, at, text: `${textOf(data['consumer'], 'somebody')} ${verb}` }];
    }
    default:
      return [];
  }
}

function moved({ seq, at, before, after }: HistoryEntry): Line[] {
  const phase = after?.phase ?? '';
  const text = before?.phase === phase ? undefined : TURNS[phase];
  return text === undefined ? [] : [{ kind: 'aside', id: `${seq}/${phase}`, at, text }];
}

function saidOf({ id, at, author, text, state, why }: Letter): Line {
  const stands = state === 'failed' ? `not answered: ${why ?? 'it failed'}` : (STANDS[state] ?? null);
  return { kind: 'said', id, at, by: nameOf(author), text, stands };
}

function lettersOf(value: unknown): Letter[] {
  if (!Array.isArray(value)) return [];
  return value.filter(isRecord).map((letter) => ({
    id: textOf(letter['id'], ''),
    at: textOf(letter['at'], ''),
    author: textOf(letter['author'], ''),
    text: textOf(letter['text'], ''),
    state: textOf(letter['state'], ''),
    answer: typeof letter['answer'] === 'string' ? letter['answer'] : null,
    why: typeof letter['why'] === 'string' ? letter['why'] : null,
  }));
}

const nameOf = (source: string): string => source.slice(source.indexOf('/') + 1);

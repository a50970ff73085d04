/**
 * Mail of an agent: what people and other actors say to it. A letter is queued, delivered in a turn, answered or failed;
 * waiting means queued, or delivered in a turn that did not end. Nothing sent is ever without an end.
 */
import { act, refuse, tell } from '../decision.ts';
import type { Wish } from '../decision.ts';
import { asVoice, withRead } from '../notes.ts';
import type { AgentContext, Mail } from './context.ts';
import { withinHour } from './counters.ts';
import type { Handler, Taken } from './event.ts';

/** More waiting letters than this means that nobody reads them. */
const WAITING_MAX = 500;
const SETTLED_KEPT = 100;
/** A letter left unread by this many clean exits in a row is not going to be read. */
const UNREAD_EXITS_MAX = 3;
/** Letters handed over in one turn. */
const TURN_MAX = 50;

export const isWaiting = ({ state }: Mail): boolean => state === 'queued' || state === 'delivered';
const isQueued = ({ state, steering }: Mail): boolean => state === 'queued' && !steering;
export const hasMail = ({ mail }: AgentContext): boolean => mail.some(isQueued);

/** The letters, and when the next query of them is overdue. */
const withMail = (mail: Mail[]): Pick<AgentContext, 'mail' | 'mailDue'> => ({
  mail,
  mailDue: mail.reduce<string | null>(
    (next, letter) =>
      letter.due !== null && isWaiting(letter) && (next === null || letter.due < next) ? letter.due : next,
    null,
  ),
});

export const queueMail: Handler = (context, event) => {
  if (event.type !== 'say' && event.type !== 'query' && event.type !== 'query.answered') return {};
  if (context.mail.filter(isWaiting).length >= WAITING_MAX) {
    return { wishes: [refuse('limit', `${WAITING_MAX} letters wait here already`)] };
  }
  const author = 'author' in event.data && event.data.author !== undefined ? event.data.author : event.source;
  const deadlineMs = event.type === 'query' ? event.data.deadlineMs : undefined;
  const letter: Mail = {
    id: event.id,
    at: event.at,
    author: event.type === 'query' ? event.source : author,
    text: textOf(event),
    kind: event.type === 'query' ? 'query' : 'say',
    urgent: event.priority === 'urgent',
    state: 'queued',
    unreadExits: 0,
    steering: false,
    about: event.type === 'query' ? (event.data.about ?? null) : null,
    due: deadlineMs === undefined ? null : new Date(Date.parse(event.at) + deadlineMs).toISOString(),
    answer: null,
    why: null,
  };
  return { set: withMail(kept([...context.mail, letter])) };
};

/** What an agent is told of the answer to its own question is a letter like others. */
function textOf(event: Extract<Taken, { type: 'say' | 'query' | 'query.answered' }>): string {
  if (event.type !== 'query.answered') return event.data.text;
  const { query, text } = event.data;
  return text === null ? `There is no answer to your query ${query}.` : `The answer to your query ${query}:\n${text}`;
}

/** Letters of another system, in order; with the last of them the chat is whole, and is what it was there. */
export const adoptMail: Handler = (context, event) => {
  if (event.type !== 'mail.adopted') return {};
  const { origin } = context;
  const { from, letters } = event.data;
  if (origin === null) return { wishes: [refuse('guard', 'this chat began here: it adopts no letters')] };
  if (from < origin.adopted) return {};
  const adopted = origin.adopted + letters.length;
  if (from > origin.adopted || adopted > origin.letters) {
    return { wishes: [refuse('guard', `${origin.adopted} of its ${origin.letters} letters are here`)] };
  }
  const mail = letters.map((letter): Mail => ({ ...ADOPTED, ...letter }));
  if ([...context.mail, ...mail].filter(isWaiting).length > WAITING_MAX) {
    return { wishes: [refuse('limit', `more than ${WAITING_MAX} letters would wait here`)] };
  }
  const isPutAway = adopted === origin.letters && origin.archived;
  const cause = { by: event.source, reason: `archived at ${origin.system}`, at: event.at };
  return {
    set: {
      ...withMail(kept([...context.mail, ...mail])),
      origin: { ...origin, adopted },
      // Its conversation there is not taken over: a new one is told what was said.
      chat: { ...context.chat, retells: true },
      ...(isPutAway ? { afterwards: 'archived', cause } : {}),
    },
  };
};

const ADOPTED = {
  kind: 'say',
  urgent: false,
  unreadExits: 0,
  about: null,
  due: null,
  steering: false,
  why: null,
} as const;

/** Its letters from elsewhere are all here, or there are none. */
export const isWhole = ({ origin }: AgentContext): boolean => origin === null || origin.adopted >= origin.letters;

/** Nobody answered these in time: whoever asked is told so, once. */
export const expire: Handler = (context, event) => {
  const overdue = context.mail.filter((letter) => isWaiting(letter) && letter.due !== null && letter.due <= event.at);
  const ids = overdue.map(({ id }) => id);
  return settle(context, ids, { state: 'failed', answer: null, why: 'not answered in time' }, event.at);
};

/** Its sender asks no more. Who has it before them already may still say what they think. */
export const withdraw: Handler = (context, event) => {
  if (event.type !== 'query.withdrawn') return {};
  const isOver = (letter: Mail): boolean =>
    isQueued(letter) && letter.kind === 'query' && letter.author === event.source && letter.about === event.data.about;
  if (!context.mail.some(isOver)) return {};
  const why = 'withdrawn: what it asked about is so no more';
  return {
    set: withMail(kept(context.mail.map((letter) => (isOver(letter) ? { ...letter, state: 'failed', why } : letter)))),
  };
};

/** The employment ends: nobody is going to read what waits. */
export const returnMail: Handler = (context, event) => {
  const ids = context.mail.filter(isWaiting).map(({ id }) => id);
  return settle(context, ids, { state: 'failed', answer: null, why: 'the agent was offboarded' }, event.at);
};

/** Settled letters are let go of, the oldest first. */
function kept(mail: readonly Mail[]): Mail[] {
  let surplus = mail.filter((letter) => !isWaiting(letter)).length - SETTLED_KEPT;
  return mail.filter((letter) => isWaiting(letter) || surplus-- <= 0);
}

/** What a turn is given: urgent first, within one in order of sending. */
export function nextTurn(mail: readonly Mail[]): Mail[] {
  const queued = mail.filter(isQueued);
  return [...queued.filter(({ urgent }) => urgent), ...queued.filter(({ urgent }) => !urgent)].slice(0, TURN_MAX);
}

/** The waiting letters become the next turn of the conversation; what was noted here since the last one goes along. */
export const deliver: Handler = (context, event) => {
  const turn = nextTurn(context.mail);
  if (turn.length === 0) return {};
  const ids = turn.map(({ id }) => id);
  const notes = context.notes.filter(({ readBy }) => readBy === null).map(asVoice);
  return {
    set: {
      mail: context.mail.map((letter) => (ids.includes(letter.id) ? { ...letter, state: 'delivered' } : letter)),
      runs: [...withinHour(context.runs, event.at), event.at],
      chat: { ...context.chat, turn: ids, said: null, retells: false, clockUsedMs: 0, clockSince: event.at },
    },
    wishes: [
      act('driver.prompt', {
        mail: turn.map(({ id, text, author }) => ({ id, text, author })),
        ...(notes.length === 0 ? {} : { notes }),
        ...(context.chat.retells ? { earlier: earlierIn(context.mail) } : {}),
      }),
    ],
  };
};

/** So much of what was said is told to a conversation that begins anew. */
const RETOLD_MAX = 20;

const earlierIn = (mail: readonly Mail[]) =>
  mail
    .filter(({ state }) => state === 'answered')
    .slice(-RETOLD_MAX)
    .map(({ author, text, answer }) => ({ author, text, answer }));

/** The turn is before the conversation, and the notes with it. */
export const notesShown: Handler = (context, event) => {
  const notes = (event.wish?.['notes'] ?? []) as { id: string }[];
  if (event.type !== 'driver.prompt.done' || notes.length === 0) return {};
  const ids = notes.map(({ id }) => id);
  return { set: { notes: withRead(context.notes, ids, context.address) } };
};

/** A run that is on can be told at once; what it does not take stays queued. */
export const steerThis: Handler = (_, event) =>
  event.type === 'say' || event.type === 'query' || event.type === 'query.answered'
    ? { wishes: [act('driver.steer', { say: event.id, text: textOf(event) })] }
    : {};

/** Urgent mail does not wait for the next turn of a conversation that is on. */
export const steerUrgent: Handler = (context, event) => {
  const letter = context.mail.find(({ id }) => id === event.id);
  if (letter === undefined || !letter.urgent || context.chat.turn === null) return {};
  const mail = context.mail.map((other) => (other === letter ? { ...letter, steering: true } : other));
  return { set: { mail }, wishes: [act('driver.steer', { say: letter.id, text: letter.text })] };
};

/** The prompt of the run is before it, with the mail in it. What came since it was written is told at once. */
export const readMail: Handler = (context) => {
  const letters = context.run?.letters ?? [];
  const mail = context.mail.map((letter) =>
    letters.includes(letter.id) && letter.state === 'queued' ? { ...letter, state: 'delivered' as const } : letter,
  );
  return {
    set: letters.length === 0 ? {} : withMail(mail),
    wishes: nextTurn(mail).map(({ id, text }) => act('driver.steer', { say: id, text })),
  };
};

/** The run ended well with what was said to it; a query is answered by what the run said at its end, or not yet. */
export const answerMail: Handler = (context, event) => {
  if (event.type !== 'driver.turned' || event.data.outcome !== 'completed') return {};
  const answer = event.data.result?.summary ?? null;
  const letters = context.run?.letters ?? [];
  const read = context.mail.filter(
    ({ id, state, kind }) =>
      (state === 'delivered' || (state === 'queued' && letters.includes(id))) && (kind === 'say' || answer !== null),
  );
  if (read.length === 0) return {};
  const ids = read.map(({ id }) => id);
  return settle(context, ids, { state: 'answered', answer, why: null }, event.at);
};

export const mailSteered: Handler = (context, event) => {
  if (event.type !== 'driver.steer.done' && event.type !== 'driver.steer.failed') return {};
  const wish = event.wish as { session?: string; say?: string } | undefined;
  const taken =
    event.type === 'driver.steer.done' && (event.data.result as { taken?: boolean } | undefined)?.taken === true;
  const letter = context.mail.find(({ id }) => id === wish?.say);
  if (wish?.session !== undefined || letter?.state !== 'queued') return {};
  if (!taken && !letter.steering) return {};
  const { turn } = context.chat;
  // It is answered with the turn that took it; a query to a run by what the run says to it.
  const isOpen = taken && (turn !== null || (letter.kind === 'query' && context.run !== null));
  const state = isOpen ? ('delivered' as const) : taken ? ('answered' as const) : ('queued' as const);
  const mail = context.mail.map((other) => (other === letter ? { ...letter, state, steering: false } : other));
  return {
    set: {
      ...withMail(kept(mail)),
      ...(isOpen && turn !== null ? { chat: { ...context.chat, turn: [...turn, letter.id] } } : {}),
    },
  };
};

/** The process of a run is gone: what it was asked and did not answer waits for the next one. */
export const putBack: Handler = (context) =>
  context.mail.some(({ state, steering }) => state === 'delivered' || steering)
    ? { set: { mail: requeue(context.mail) } }
    : {};

/** The conversation said something: to one letter, or for the whole turn. */
export const said: Handler = (context, event) => {
  if (event.type !== 'driver.said') return {};
  const { text, inReplyTo, final } = event.data;
  if (!final) return {};
  const letter = context.mail.find(({ id }) => id === inReplyTo);
  if (letter === undefined) return context.chat.turn === null ? {} : { set: { chat: { ...context.chat, said: text } } };
  if (letter.state === 'failed' || letter.state === 'answered') return {};
  return settle(context, [letter.id], { state: 'answered', answer: text, why: null }, event.at);
};

/** Ends letters: answered, or failed with the reason; a query is answered to whoever asked. */
export function settle(
  context: AgentContext,
  ids: readonly string[],
  end: Pick<Mail, 'state' | 'answer' | 'why'>,
  at: string,
): { set: Partial<AgentContext>; wishes: Wish[] } {
  const wishes: Wish[] = [];
  const mail = context.mail.map((letter) => {
    if (!ids.includes(letter.id) || !isWaiting(letter)) return letter;
    if (letter.kind === 'query' && ANSWERED.test(letter.author)) {
      const late = letter.due !== null && letter.due <= at;
      wishes.push(
        tell({
          to: letter.author,
          type: 'query.answered',
          data: { query: letter.id, text: end.state === 'answered' ? end.answer : null, late },
        }),
      );
    }
    return { ...letter, ...end };
  });
  return { set: withMail(kept(mail)), wishes };
}

/** Kinds that understand `query.answered`. */
const ANSWERED = /^(mission|agent)\//;

/** Letters of a turn that did not end wait again. */
export function requeue(mail: readonly Mail[]): Mail[] {
  return mail.map((letter) =>
    letter.state === 'delivered' || letter.steering ? { ...letter, state: 'queued', steering: false } : letter,
  );
}

/** A clean exit left these unread; after three in a row nobody is going to read them. */
export function unreadOnce(context: AgentContext, at: string): { set: Partial<AgentContext>; wishes: Wish[] } {
  const mail = context.mail.map((letter) =>
    letter.state === 'queued' ? { ...letter, unreadExits: letter.unreadExits + 1 } : letter,
  );
  const hopeless = mail.filter(({ state, unreadExits }) => state === 'queued' && unreadExits >= UNREAD_EXITS_MAX);
  const why = `left unread by ${UNREAD_EXITS_MAX} processes in a row`;
  return settle(
    { ...context, mail },
    hopeless.map(({ id }) => id),
    { state: 'failed', answer: null, why },
    at,
  );
}

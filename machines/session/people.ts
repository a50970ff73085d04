/** What people say: texts, answers, comments, notes. A text is owed an answer; a note wakes nobody (law 7). */
import { isFull, withNote, withRead } from '../notes.ts';
import { owe, settle, unpark } from './obligations.ts';
import type { Question, SessionContext, Voice } from './context.ts';
import { type Draft, deny, latest, say, set } from './draft.ts';

const COMMENTS_MAX = 500;
/** More waiting texts than this are no conversation; the sender is told. */
const TEXTS_MAX = 100;

/** A person's text: the answer to the one open question, else owed an answer. Either way what was parked goes on. */
function hear(draft: Draft, voice: Voice, evidence: Record<string, unknown>): void {
  const { context } = draft;
  const open = context.obligations.filter(({ kind }) => kind === 'answer');
  if (open.length >= TEXTS_MAX) return deny(draft, 'limit', `${open.length} texts wait to be read already`);
  const [question, ...more] = context.questions;
  unpark(draft);
  if (question !== undefined && more.length === 0) return settleQuestion(draft, question, { text: voice.text });
  owe(draft, { kind: 'answer', evidence, voice });
  const owed = draft.context.obligations.at(-1);
  const { run } = context;
  if (owed === undefined || run === null || run.ended !== null || run.begunAt === null) return;
  say(draft, run.agent, 'run.steered', { session: context.address, epoch: run.epoch, say: owed.id, text: voice.text });
}

export function hearSay(draft: Draft): void {
  const { event } = draft;
  if (event.type !== 'say') return;
  const author = event.data.author ?? event.source;
  hear(draft, { author, text: event.data.text, at: event.at, about: null }, { author });
}

/** A comment is one thing by its id, however often it is seen; bots' and our own are inert. */
export function hearComment(draft: Draft): void {
  const { event, context } = draft;
  if (event.type !== 'comment.observed') return;
  const { comment, on, author, text, path, line, url } = event.data;
  const { seen } = context;
  if (seen.comments.includes(comment)) return;
  set(draft, { seen: { ...seen, comments: latest([...seen.comments, comment], COMMENTS_MAX) } });
  if (author.kind !== 'person') return;
  const place = path === undefined ? null : line === undefined ? path : `${path}:${line}`;
  hear(
    draft,
    {
      author: author.login,
      text,
      at: event.at,
      about: place,
      ...(author.login.endsWith('[bot]') ? { bot: true as const } : {}),
    },
    { author: author.login, on, url, ...(path === undefined ? {} : { path }), ...(line === undefined ? {} : { line }) },
  );
}

/** The running conversation took the text: answered. It could not: still owed. */
export function settleSteer(draft: Draft): void {
  const { event } = draft;
  if (event.type !== 'steer.settled' || !event.data.taken) return;
  settle(draft, ({ id, kind }) => id === event.data.say && kind === 'answer');
}

/** The question an answer is for: the named one, else the only one. */
export function questionFor({ questions }: SessionContext, named: string | undefined): Question | null {
  if (named !== undefined) return questions.find(({ id }) => id === named) ?? null;
  return questions.length === 1 ? (questions[0] ?? null) : null;
}

export function takeAnswer(draft: Draft): void {
  const { event, context } = draft;
  if (event.type !== 'answer') return;
  const question = questionFor(context, event.data.question);
  if (question === null) return;
  const { text, choice } = event.data;
  unpark(draft);
  settleQuestion(draft, question, {
    ...(text === undefined ? {} : { text }),
    ...(choice === undefined ? {} : { choice }),
  });
}

/** To the run that asked while it lives; else the next run begins with it. */
function settleQuestion(draft: Draft, question: Question, answer: { text?: string; choice?: string }): void {
  const { context } = draft;
  const { run } = context;
  const words = [answer.choice, answer.text].filter((part) => part !== undefined).join(': ');
  // Kept until a run has ended well with it: the one that asked may have given up a moment ago.
  set(draft, {
    questions: context.questions.filter(({ id }) => id !== question.id),
    answered: { question: question.text, answer: words, claims: question.claims, agent: question.agent },
  });
  if (run !== null && run.ended === null && run.epoch === question.epoch) {
    say(draft, run.agent, 'run.answered', {
      session: context.address,
      epoch: run.epoch,
      question: question.id,
      ...answer,
    });
    return;
  }
  // The run that asked may have claimed texts only; what it left is owed, else the answer itself is.
  if (draft.context.obligations.length === 0) {
    owe(draft, {
      kind: 'answer',
      evidence: { question: question.text },
      voice: { author: draft.event.source, text: words, at: draft.event.at, about: question.text },
    });
  }
}

export function takeNote(draft: Draft): void {
  const { event, context } = draft;
  if (event.type !== 'fyi') return;
  if (isFull(context.notes)) return deny(draft, 'limit', 'too many notes are unread here');
  set(draft, { notes: withNote(context.notes, event) });
}

export function readNotes(draft: Draft): void {
  const { event, context } = draft;
  if (event.type !== 'note.read') return;
  const { ids, by } = event.data;
  const read = context.notes.filter((note) => note.readBy === null && ids.includes(note.id));
  if (read.length === 0) return;
  set(draft, { notes: withRead(context.notes, ids, by) });
}

/** Acts on the live process of an agent: a text, an answer, a turn, an interruption, its end, its credential. */
import type { ActAnswer, ActParams } from '../../../machines/effects.ts';
import { TerminalError, TransientError } from '../../errors.ts';
import type { ActPerformer } from '../effect.ts';
import type { Bounds } from './ending.ts';
import type { Life } from './live.ts';
import type { RunTokens } from './watch.ts';

/** A word to a process is taken at once, or the process does not listen. */
const WORD_MS_MAX = 30_000;
/** Interrupt, TERM and KILL with the longest bounds anybody configures. */
const END_MS_MAX = 300_000;
/** After a start of the runtime the process is found within this many tries. */
const WORD_TRIES = 3;

type Name =
  | 'driver.prompt'
  | 'driver.steer'
  | 'driver.answer'
  | 'driver.interrupt'
  | 'process.end'
  | 'credential.revoke';
export type ProcessActs = { [Act in Name]: ActPerformer<ActParams<Act>> };

export interface ProcessActsOptions {
  lifeOf: (agent: string) => Promise<Life | undefined>;
  endOnDisk: (agent: string, reason: string, bounds: Bounds) => Promise<void>;
  revoke: RunTokens['revoke'];
}

export function createProcessActs({ lifeOf, endOnDisk, revoke }: ProcessActsOptions): ProcessActs {
  const word = { kind: 'act', repeat: 'key', lane: 'process', deadlineMs: WORD_MS_MAX, tries: WORD_TRIES } as const;

  async function live(agent: string, attempt: number): Promise<Life> {
    const life = await lifeOf(agent);
    if (life !== undefined) return life;
    const why = `${agent} has no process`;
    throw attempt < WORD_TRIES ? new TransientError('DRIVER_NOT_UP', why) : new TerminalError('DRIVER_GONE', why);
  }

  return {
    'driver.prompt': {
      ...word,
      async perform(
        { mail, notes = [], earlier = [] },
        { actor, key, attempt, signal },
      ): Promise<ActAnswer<'driver.prompt'>> {
        const life = await live(actor, attempt);
        const parts = [
          ...(earlier.length === 0 ? [] : [earlierText(earlier)]),
          ...(notes.length === 0 ? [] : [notesText(notes)]),
          mailText(mail),
        ];
        const text = parts.join('\n\n');
        return { turn: await within(signal, life.prompt({ text, mail }, key)) };
      },
    },
    'driver.steer': {
      ...word,
      async perform({ text }, { actor, key, signal }): Promise<ActAnswer<'driver.steer'>> {
        const life = await lifeOf(actor);
        return life === undefined ? { taken: false } : within(signal, life.steer({ text }, key));
      },
    },
    'driver.answer': {
      ...word,
      async perform({ question, text, choice }, { actor, attempt, signal }) {
        const life = await live(actor, attempt);
        const decision = { ...(text === undefined ? {} : { text }), ...(choice === undefined ? {} : { choice }) };
        await within(signal, life.answer(question, decision));
      },
    },
    'driver.interrupt': {
      ...word,
      perform: async (_params, { actor }) => (await lifeOf(actor))?.interrupt(),
    },
    'process.end': {
      kind: 'act',
      repeat: 'key',
      lane: 'process',
      deadlineMs: END_MS_MAX,
      async perform({ reason, stopSeconds, killSeconds }, { actor, signal }) {
        const bounds = { stopSeconds, killSeconds };
        const life = await lifeOf(actor);
        if (life !== undefined) await within(signal, life.end(reason, bounds));
        await within(signal, endOnDisk(actor, reason, bounds));
      },
    },
    'credential.revoke': {
      ...word,
      perform: ({ session, epoch }, { actor }) =>
        revoke({
          agent: actor,
          ...(session === undefined ? {} : { session }),
          ...(epoch === undefined ? {} : { epoch }),
        }),
    },
  };
}

/** A process that does not answer holds no act beyond its deadline. */
function within<Result>(signal: AbortSignal, work: Promise<Result>): Promise<Result> {
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal.reason as Error);
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}

/** Mail as one text, for drivers that know no mail: each with who wrote it, urgent ones first as they come. */
function mailText(mail: readonly { author: string; text: string }[]): string {
  return mail.map(({ author, text }) => `${author}:\n${text}`).join('\n\n');
}

/** What was said in the conversation whose place this one takes. */
function earlierText(letters: readonly { author: string; text: string; answer: string | null }[]): string {
  const lines = letters.map(
    ({ author, text, answer }) => `${author}: ${text}${answer === null ? '' : `\nyou: ${answer}`}`,
  );
  return ['What was said before, in a conversation that had grown too long to go on:', ...lines].join('\n\n');
}

/** What was noted for a chat since its last turn. */
function notesText(notes: readonly { at: string; author: string; text: string; about?: string | undefined }[]): string {
  const lines = notes.map(({ at, author, text, about }) => {
    return `- ${author}, ${at}${about === undefined ? '' : `, about ${about}`}: ${text}`;
  });
  return ['Noted for your information; nobody waits for an answer:', ...lines].join('\n');
}
